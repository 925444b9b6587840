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


# What a parsing decision sees; see nlp/parsing_features.py for the letters.
TEMPLATES = """
    w0 w1 wa wb t0 t1 t2 ta tb tc e0 e1 ea w0+t0 w1+t1 wa+ta wb+tb w2+t2
    w0+t0+ta t0+wa+ta w0+wa t0+ta w0+ta t0+wa w1+w0 w1+t0 t1+w0 t1+t0 w1+t1+t0 t1+w0+t0 t1+ta w1+ta t1+wa
    ta+tb+tc ta+tb t0+ta+tb t1+t0+ta t2+t1+t0 t1+t0+ta+tb t2+t1+t0+ta t0+ta+tb+tc
    w1+t0+ta t1+w0+ta t1+t0+wa t0+t0l+ta t0+t0r+ta t1+t0+t0l t1+t0+t0r t1+t1r+t0 t1+t1l+t0
    r0l r0r r1r r1l w0l w0r w1r t0+r0l+ta t0+r0r+ta t0+d t0+ta+d
"""


def parsing():
    """Arc-hybrid decisions on the way to the true trees of UD EWT, true tags: 61 templates, 3 classes.

    409,154 rows (two a word), 664,301 columns that two states show, 24,390,084 ones.
    """
    from nlp.parsing_features import Columns, of_states
    from nlp.parsing_models import Numbers, canonical
    from nlp.transitions import Parses, batches

    corpus, columns, codes, decisions = datasets.load_ud_ewt("train"), Columns(TEMPLATES), [], []
    tags = [(best, ["-"] * len(best)) for best in corpus.upos]
    relations = [[label.partition(":")[0] for label in labels] for labels in corpus.deprels]
    trees = list(zip(corpus.heads, relations))
    numbers = Numbers(corpus.data, tags, relations)
    for rows in batches(np.array([len(words) for words in corpus.data])):
        sentences = numbers.sentences(*([part[i] for i in rows] for part in (corpus.data, tags, trees)))
        parses = Parses(sentences, np.arange(len(rows)))
        while len(live := np.flatnonzero(parses.live)):
            parses = parses.take(live)
            right = canonical(parses.best())
            codes.append(columns.codes(of_states(parses)))
            decisions.append(right)
            arcs, _, dependents = parses.arcs(right)
            parses.follow(right, sentences.labels[parses.sentence[arcs], dependents])
    X = columns.fit_transform(np.concatenate(codes, axis=1))
    return X.astype(float), np.concatenate(decisions)


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


PROBLEMS = {f.__name__: f for f in (unigrams, bigrams, pos, parsing, polarity, docstrings, tall, digits)}
