"""Sentiment: does a sentence of a film review praise or blame?"""

from itertools import pairwise

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from skmaxent import BackpropMLPClassifier, LogCountRatioScaler, MaxEntClassifier
from skmaxent.datasets import load_sentence_polarity

from .protocol import Task, identity, of_each


def load():
    corpus = load_sentence_polarity()
    return corpus.data, np.array(corpus.target_names)[corpus.target]


def features(sentence):
    """Words, pairs and triples of words, with punctuation; the first letters of words and of pairs."""
    words = sentence.split()
    stems = [word[:4] for word in words]
    found = words + [f"{a} {b}" for a, b in pairwise(words)]
    found += [f"{a} {b} {c}" for a, b, c in zip(words, words[1:], words[2:])]
    found += [f"stem={a}" for a in stems] + [f"stems={a} {b}" for a, b in pairwise(stems)]
    return found


def columns():
    return CountVectorizer(analyzer=identity, binary=True, dtype=np.float64)


TASK = Task(
    name="polarity",
    title="sentiment, sentence polarity",
    protocol="10,662 sentences, 10-fold stratified cross-validation; accuracy",
    choices="features (stems, triples, negated words, gaps) and C in {0.03, 0.1, 0.3} by 3-fold "
    "cross-validation within the first of the ten training parts",
    published="79.4 NBSVM, 79.0 multinomial naive Bayes, both on pairs of words (Wang & Manning 2012)",
    goal=78.5,
    load=load,
    folds=10,
    features=of_each(features),
    direct={"majority": DummyClassifier},
    models={
        "naive Bayes": lambda: make_pipeline(columns(), MultinomialNB(alpha=1.0)),
        "MaxEnt": lambda: make_pipeline(columns(), LogCountRatioScaler(), MaxEntClassifier(C=0.3, tol=1e-2)),
        "MaxEnt, not scaled": lambda: make_pipeline(columns(), MaxEntClassifier(C=0.3, tol=1e-2)),
        "network": lambda: make_pipeline(
            columns(), BackpropMLPClassifier((50,), dropout=0.5, max_iter=3, random_state=0)
        ),
    },
)
