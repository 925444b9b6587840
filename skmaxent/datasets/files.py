"""Finding and reading the files of a corpus."""

import gzip
import os
from pathlib import Path


def _folders(data_home):
    """The folders to search, in order: pairs of how to speak of it and its path, or None."""
    checkout = Path(__file__).resolve().parents[2]
    return [
        ("the data_home parameter", data_home),
        ("the environment variable SKMAXENT_DATA", os.environ.get("SKMAXENT_DATA") or None),
        ("the folder beside the checkout", checkout.parent / "shared" / "data"),
    ]


def read_text(names, data_home):
    """The text of the first file found, or None.

    Parameters
    ----------
    names : sequence of str
        File names, the preferred one first. Names in ``.gz`` are decompressed; all are UTF-8.
    data_home : path-like or None
        The folder to look in first.
    """
    for _, folder in _folders(data_home):
        for name in names if folder is not None else ():
            path = Path(folder).expanduser() / name
            if path.is_file():
                # newline="\n": a carriage return inside a document is part of it.
                opener = gzip.open if path.suffix == ".gz" else open
                with opener(path, "rt", encoding="utf-8", newline="\n") as file:
                    return file.read()
    return None


def read_nltk(corpus, read):
    """``read(reader)`` for a corpus of NLTK's data, or None when NLTK or the corpus is not installed."""
    try:
        import nltk.corpus

        return read(getattr(nltk.corpus, corpus))
    except (ImportError, LookupError, OSError):
        return None


def not_found(corpus, names, data_home, *remedies):
    """The FileNotFoundError that says where a corpus was sought and how to get it."""
    places = "; ".join(
        f"{place} ({'not set' if folder is None else os.fspath(folder)})"
        for place, folder in _folders(data_home)
    )
    choices = [f"put {' or '.join(names)} into one of these folders", *remedies]
    return FileNotFoundError(
        f"{corpus} was not found. Searched: {places}. To make it available, do one of the following: "
        + "; ".join(f"({number}) {choice}" for number, choice in enumerate(choices, 1))
        + "."
    )


def nltk_remedy(corpus):
    """What to do to get a corpus through NLTK."""
    return f"run 'python -m pip install nltk' and 'python -m nltk.downloader {corpus}'"


def check_option(function, name, value, options):
    """Raise ValueError, in scikit-learn's wording, unless value is one of the options."""
    if value not in options:
        raise ValueError(
            f"The {name!r} parameter of {function} must be a str among {set(options)}. Got {value!r} instead."
        )
