"""What type checkers see of `datasets`: the fields of the Bunch that each loader returns."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal, overload

import numpy as np

Home = str | PathLike[str]

class Corpus(dict[str, Any]):
    DESCR: str

class Documents(Corpus):
    data: list[str]
    target: np.ndarray
    target_names: list[str]

class Docstrings(Documents):
    names: list[str]
    versions: dict[str, str]

class Newsgroups(Documents):
    ids: list[str]

class Attachments(Corpus):
    data: list[tuple[str, str, str, str]]
    target: np.ndarray
    target_names: list[str]
    word_classes: dict[str, str]

class Senses(Corpus):
    data: list[list[str]]
    tags: list[list[str | None]]
    head: np.ndarray
    target: np.ndarray
    target_names: list[str]

class Treebank(Corpus):
    data: list[list[str]]
    lemmas: list[list[str]]
    upos: list[list[str]]
    xpos: list[list[str]]
    feats: list[list[str]]
    heads: list[list[int]]
    deprels: list[list[str]]
    space_after: list[list[bool]]
    text: list[str]
    sent_ids: list[str]

class Tagged(Corpus):
    data: list[list[str]]
    pos: list[list[str]]
    tags: list[list[str]]
    tag_names: list[str]

@overload
def load_docstrings(*, min_documents: int = 40, return_X_y: Literal[False] = False) -> Docstrings: ...
@overload
def load_docstrings(
    *, min_documents: int = 40, return_X_y: Literal[True]
) -> tuple[list[str], np.ndarray]: ...
def load_newsgroups(
    subset: str = "train", *, data_home: Home | None = None, download_if_missing: bool = True
) -> Newsgroups: ...
def load_ppattach(
    subset: str = "train", *, data_home: Home | None = None, download_if_missing: bool = True
) -> Attachments: ...
def load_trec_questions(
    subset: str = "train",
    *,
    labels: str = "coarse",
    data_home: Home | None = None,
    download_if_missing: bool = True,
) -> Documents: ...
def load_senseval2(word: str = "line", *, data_home: Home | None = None) -> Senses: ...
def load_sentence_polarity(
    *, data_home: Home | None = None, download_if_missing: bool = True
) -> Documents: ...
def load_ud_ewt(
    subset: str = "train", *, data_home: Home | None = None, download_if_missing: bool = True
) -> Treebank: ...
def load_ud_ewt_pos(
    subset: str = "train", *, data_home: Home | None = None, download_if_missing: bool = True
) -> tuple[list[dict[str, str]], list[str]]: ...
def load_conll2000(
    subset: str = "train", *, data_home: Home | None = None, download_if_missing: bool = True
) -> Tagged: ...
def load_conll2002_spanish(
    subset: str = "train", *, data_home: Home | None = None, download_if_missing: bool = True
) -> Tagged: ...
def pos_window_features(words: Sequence[str], i: int) -> dict[str, str]: ...
