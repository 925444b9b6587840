"""Finding and reading the files of a corpus."""

import gzip
import os
from pathlib import Path

from .download import NLTK_DATA, Archive, cache_folder


def _folders(data_home):
    """The folders to search, in order: pairs of how to speak of it and its path, or None."""
    return [
        ("the parameter data_home", data_home),
        ("the environment variable SKMAXENT_DATA", os.environ.get("SKMAXENT_DATA") or None),
        ("what was downloaded before", cache_folder(data_home)),
    ]


def _beside_the_checkout():
    """Where the corpora of a checkout are when SKMAXENT_DATA names no other place; no place of a message."""
    return Path(__file__).resolve().parents[3] / "shared" / "data"


def read_text(names, data_home):
    """The text of the first file found, or None.

    Parameters
    ----------
    names : sequence of str
        File names, the preferred one first. Names in ``.gz`` are decompressed; all are UTF-8.
    data_home : path-like or None
        The folder to look in first.
    """
    folders = [folder for _, folder in _folders(data_home)]
    if not os.environ.get("SKMAXENT_DATA"):
        folders.append(_beside_the_checkout())
    for folder in folders:
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


def read_corpus(title, corpus, read, names, data_home, download_if_missing):
    """``read(reader)`` for a corpus of NLTK's data: its copy, the archive downloaded before, or now.

    Parameters
    ----------
    title, corpus : str
        Its name for people, and in NLTK's data.
    read : callable
        The reader offers ``raw(fileid)``, the text of a file.
    names : sequence of str
        Files that would have done as well, for the message.
    data_home : path-like or None
    download_if_missing : bool

    Raises
    ------
    FileNotFoundError
        If there is none and it cannot be downloaded, or shall not be.
    """
    found = read_nltk(corpus, read)
    if found is not None:
        return found
    url, kept = NLTK_DATA.format(corpus), cache_folder(data_home) / f"{corpus}.zip"
    try:
        if download_if_missing or kept.is_file():
            return read(Archive.fetch(corpus, data_home))
    except OSError as error:
        by_hand = f"download it by other means to {kept}"
        raise not_found(title, names, data_home, by_hand, nltk_remedy(corpus), failed=(url, error)) from error
    raise not_found(title, names, data_home, CALL, nltk_remedy(corpus))


#: What to do about a corpus that was not to be downloaded.
CALL = "call the function with download_if_missing=True"


def not_found(corpus, names, data_home, *remedies, failed=None):
    """The FileNotFoundError that says, in two sentences, where a corpus was sought and how to get it.

    Parameters
    ----------
    corpus : str
    names : sequence of str
        Files that would do, any of them.
    data_home : path-like or None
    *remedies : str
    failed : tuple (url, error), optional
        The download that was tried.
    """
    places = ", ".join(
        f"{place} ({'not set' if folder is None else os.fspath(folder)})"
        for place, folder in _folders(data_home)
    )
    tried = ""
    if failed is not None:
        url, error = failed
        tried = f", and downloading {url} failed: {str(error) or type(error).__name__}".rstrip(".")
    choices = [*remedies, f"pass a folder with {' or '.join(names)} as data_home"]
    return FileNotFoundError(
        f"{corpus} was not found in {places}{tried}. Do one of the following: "
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
