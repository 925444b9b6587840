"""The data of the benchmark of networks: each loader returns (X, y, X_test, y_test), X in float32."""

from functools import cache

import numpy as np
from scipy import sparse


@cache
def newsgroups(ngrams=1):
    from sklearn.feature_extraction.text import TfidfVectorizer

    from skmaxent.datasets import load_newsgroups

    train, test = load_newsgroups("train"), load_newsgroups("test")
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, ngrams), dtype=np.float32)
    return vectorizer.fit_transform(train.data), train.target, vectorizer.transform(test.data), test.target


def hashed(exponent):
    """20 Newsgroups unigrams in 10^exponent hashed columns, at equal non-zeros."""
    X, y, X_test, y_test = newsgroups()
    rng = np.random.default_rng(0)
    n_columns = int(10**exponent)
    if n_columns < X.shape[1]:
        place = rng.integers(0, n_columns, X.shape[1])
    else:
        place = rng.permutation(n_columns)[: X.shape[1]]
    moved = [
        sparse.csr_matrix(
            (Z.data, place[Z.indices].astype(np.int32), Z.indptr), shape=(Z.shape[0], n_columns)
        )
        for Z in (X, X_test)
    ]
    return moved[0], y, moved[1], y_test


def short_text(loader, **options):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import train_test_split

    from skmaxent import datasets

    load = getattr(datasets, loader)
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"\S+", dtype=np.float32
    )
    if loader == "load_sentence_polarity":
        bunch = load()
        train, test, y, y_test = train_test_split(
            bunch.data, bunch.target, test_size=0.1, stratify=bunch.target, random_state=0
        )
    else:
        first, second = load("train", **options), load("test", **options)
        train, y, test, y_test = first.data, first.target, second.data, second.target
    return vectorizer.fit_transform(train), y, vectorizer.transform(test), y_test


def part_of_speech():
    from sklearn.feature_extraction import DictVectorizer

    from skmaxent.datasets import load_ud_ewt_pos

    (train, y), (test, y_test) = load_ud_ewt_pos("train"), load_ud_ewt_pos("test")
    vectorizer = DictVectorizer(dtype=np.float32)
    return vectorizer.fit_transform(train), np.asarray(y), vectorizer.transform(test), np.asarray(y_test)


def digits():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split((X / 16).astype(np.float32), y, random_state=0)
    return X, y, X_test, y_test


def synthetic():
    from sklearn.datasets import make_classification

    X, y = make_classification(70_000, 784, n_informative=60, n_classes=10, class_sep=2.0, random_state=0)
    X = X.astype(np.float32)
    return X[:60_000], y[:60_000], X[60_000:], y[60_000:]
