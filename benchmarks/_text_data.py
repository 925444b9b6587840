"""The problems of the maximum-entropy benchmarks: name -> (X, y), each with a source note."""

import numpy as np
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer

from skmaxent import datasets


def _tfidf(texts, **options):
    return TfidfVectorizer(sublinear_tf=True, **options).fit_transform(texts)


def _newsgroups(**options):
    bunch = datasets.load_newsgroups(subset="train")
    return _tfidf(bunch.data, **options), np.asarray(bunch.target)


def unigrams():
    """20 Newsgroups, bydate, headers kept: sublinear tf-idf unigrams, 20 classes."""
    return _newsgroups()


def bigrams():
    """20 Newsgroups, bydate, headers kept: sublinear tf-idf uni- and bigrams, 20 classes."""
    return _newsgroups(ngram_range=(1, 2))


def pos():
    """UD EWT part-of-speech tagging: 12 window features a token through DictVectorizer, 17 classes."""
    features, tags = datasets.load_ud_ewt_pos("train")
    X = DictVectorizer().fit_transform(features)
    # int32 indices, because half of the peers refuse the int64 that DictVectorizer yields.
    X = sparse.csr_matrix((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), shape=X.shape)
    return X, np.unique(tags, return_inverse=True)[1]


def polarity():
    """Sentence polarity: sublinear tf-idf unigrams, 2 classes."""
    bunch = datasets.load_sentence_polarity()
    return _tfidf(bunch.data), np.asarray(bunch.target)


def docstrings():
    """Docstrings of NumPy, SciPy and scikit-learn: sublinear tf-idf unigrams."""
    bunch = datasets.load_docstrings()
    return _tfidf(bunch.data), np.asarray(bunch.target)


def tall():
    """Dense, 200,000 rows, 100 correlated columns, 5 classes (made)."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((100, 100)) / 10 + np.diag(np.linspace(0.1, 1, 100))
    X = rng.standard_normal((200_000, 100)) @ mixing
    scores = X @ rng.standard_normal((100, 5)) + rng.gumbel(size=(200_000, 5))
    return X, scores.argmax(axis=1)


def digits():
    """scikit-learn's digits, dense, scaled to [0, 1], 10 classes."""
    X, y = load_digits(return_X_y=True)
    return X / 16, y


PROBLEMS = {f.__name__: f for f in (unigrams, bigrams, pos, polarity, docstrings, tall, digits)}
