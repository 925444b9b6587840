"""Fetching corpora from where they are published, with a check of what came."""

import hashlib
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from zipfile import ZipFile

#: Archives of NLTK's data, with their MD5 in NLTK's index, https://www.nltk.org/nltk_data/.
NLTK_DATA = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/{}.zip"
NLTK_MD5 = {
    "conll2000": "9529b285edd5fe47271da69df1052301",
    "conll2002": "67bb4ca75fa81544d42a159524726e78",
    "ppattach": "cce212b7ace8e64722ba2f41f802a5d0",
    "qc": "afd4145ac31cb8d7db715974b9b8b57a",
    "sentence_polarity": "5cdc0cae7f558040d050c90eb2b72e97",
}
#: The release 2.15 of UD English EWT, and the fingerprints of what is read from its files.
UD_EWT = "https://raw.githubusercontent.com/UniversalDependencies/UD_English-EWT/r2.15/{}"
UD_EWT_FINGERPRINTS = {
    "train": "6ecb8969576b0f4abb59ecac5b47cb543e8d37328d89ef69d9169898c645b601",
    "dev": "5077f2f81791761f6b714a6d54ed145d8e05a40272f5955ab1bab5c831150e94",
    "test": "05d721df4e2b949b0c77ad7e72c787a26d5241a838927c2dfbcb4c7ccab7dbd2",
}
#: How often a download is tried again, and after how many seconds.
RETRIES, DELAY = 3, 1


def cache_folder(data_home):
    """The folder of what was downloaded: "skmaxent" in scikit-learn's data home, or in the given one."""
    # Not by its get_data_home, which makes the folder: to look for a file is no reason to make one.
    home = data_home or os.environ.get("SCIKIT_LEARN_DATA") or Path("~", "scikit_learn_data")
    return Path(home).expanduser() / "skmaxent"


def fetch(url, name, data_home, check):
    """Path of a file in the cache; downloaded where it is not there, and kept when `check` is content.

    Parameters
    ----------
    url, name : str
        Where it comes from, and its name in the cache.
    data_home : path-like or None
    check : callable
        ``check(path)`` raises OSError for a file that is not what it should be.

    Raises
    ------
    OSError
        If the file cannot be downloaded, or is another.
    """
    from sklearn.datasets import fetch_file

    path = cache_folder(data_home) / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent) as folder:
            try:
                fetched = fetch_file(url, folder=folder, local_filename=name, n_retries=RETRIES, delay=DELAY)
            except HTTPError as error:
                error.close()  # it is an open answer too
                raise
            check(fetched)
            os.replace(fetched, path)  # at once: nobody sees half a file
    return path


def compare(name, kind, found, expected):
    """Raise OSError, in scikit-learn's wording, where a checksum differs."""
    if found != expected:
        raise OSError(
            f"The {kind} of {name} ({found}) differs from expected ({expected}): its source has changed, or "
            "the file is corrupted. It was not kept."
        )


def fingerprint(content):
    """SHA256 of what was read from a file, whatever else the file holds: lists, dicts, text and numbers."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Archive:
    """A corpus of NLTK's data in its zip file, which is read as by NLTK's own readers."""

    def __init__(self, path, corpus):
        self._path, self._corpus = path, corpus

    @classmethod
    def fetch(cls, corpus, data_home):
        """The archive of a corpus, from the cache or downloaded."""

        def check(path):
            md5 = hashlib.md5(Path(path).read_bytes(), usedforsecurity=False).hexdigest()
            compare(f"{corpus}.zip", "MD5 checksum", md5, NLTK_MD5[corpus])

        return cls(fetch(NLTK_DATA.format(corpus), f"{corpus}.zip", data_home, check), corpus)

    def raw(self, fileid):
        """The text of a file; those that are not in UTF-8 are in Latin-1."""
        with ZipFile(self._path) as archive:
            data = archive.read(f"{self._corpus}/{fileid}")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return data.decode("latin-1")
