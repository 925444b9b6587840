"""Prepositional-phrase attachment: does "with a fork" in "eats pizza with a fork" belong to verb or noun?"""

import re
from functools import partial
from itertools import combinations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from skmaxent import BackpropMLPClassifier, MaxEntClassifier
from skmaxent.datasets import load_ppattach

from .protocol import Task, identity, of_each

HEADS = ("verb", "noun1", "prep", "noun2")
# Every combination of the four heads that holds the preposition, and each head alone.
TEMPLATES = [
    group for size in (1, 2, 3, 4) for group in combinations(range(4), size) if size == 1 or 2 in group
]
NUMBER = re.compile(r"[\d.,:/-]*\d[\d.,:/-]*")


def joined(prefix, parts):
    """One feature a template: the values of its heads."""
    found = []
    for group in TEMPLATES:
        name, value = "+".join(HEADS[i] for i in group), " ".join(parts[i] for i in group)
        found.append(f"{prefix}{name}={value}")
    return found


def plain(word):
    """A word with its numbers made one, years another."""
    if NUMBER.fullmatch(word):
        return "<year>" if re.fullmatch("(19|20)[0-9][0-9]", word) else "<number>"
    return word


def words(heads):
    """Features of the words alone."""
    verb, noun1, prep, noun2 = heads
    parts = [verb.lower(), plain(noun1), prep.lower(), plain(noun2)]
    stems = [part if i == 2 else part.lower()[:4] for i, part in enumerate(parts)]
    features = joined("", parts) + joined("stem ", stems)
    for name, noun in (("noun1", noun1), ("noun2", noun2)):
        features.append(f"{prep} {name} capital={noun[:1].isupper()}")
        features.append(f"{prep} {name} number={noun[:1].isdigit()}")
    return features


def with_classes(heads, word_classes):
    """The same and, as Ratnaparkhi et al. have them, classes of words: the first bits of a clustering."""
    features = words(heads)
    for bits in (6, 10, 16):
        parts = [word if i == 2 else word_classes.get(word, "?")[:bits] for i, word in enumerate(heads)]
        features += joined(f"{bits} bits ", parts)
    return features


def load():
    train, test = load_ppattach("train"), load_ppattach("test")
    names = np.array(train.target_names)
    return train.data, names[train.target], test.data, names[test.target]


def columns(analyzer=identity):
    return CountVectorizer(analyzer=analyzer, binary=True, dtype=np.float64)


def maxent(C=0.4, analyzer=identity, **options):
    return make_pipeline(columns(analyzer), MaxEntClassifier(C=C, tol=1e-3, **options))


def of_classes():
    return partial(with_classes, word_classes=load_ppattach("train").word_classes)


class MostLikelyByPreposition(ClassifierMixin, BaseEstimator):
    """The more frequent attachment of each preposition."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        counts = {}
        for heads, label in zip(X, y):
            counts.setdefault(heads[2].lower(), []).append(label)
        self.choice_ = {prep: max(self.classes_, key=labels.count) for prep, labels in counts.items()}
        return self

    def predict(self, X):
        return np.array([self.choice_.get(heads[2].lower(), "N") for heads in X])


TASK = Task(
    name="pp",
    title="prepositional-phrase attachment",
    protocol="20,801 decisions to train, 3,097 to test; accuracy",
    choices="templates, length of the stems (3, 4, 5) and C in {0.05, 0.1, 0.2, 0.4} on the 4,039 decisions "
    "of the development set; the cutoffs are an ablation, none was chosen",
    published="MaxEnt 77.7 (words), 81.6 (and classes; Ratnaparkhi et al. 1994); back-off 84.5 (Collins & "
    "Brooks 1995); 88 people on the four heads",
    goal=84.3,
    load=load,
    features=of_each(words),
    direct={
        "majority": DummyClassifier,
        "most likely by preposition": MostLikelyByPreposition,
        "MaxEnt with word classes": lambda: maxent(analyzer=of_classes()),
    },
    models={
        "naive Bayes": lambda: make_pipeline(columns(), MultinomialNB(alpha=0.3)),
        "MaxEnt": maxent,
        "network": lambda: make_pipeline(
            columns(), BackpropMLPClassifier((50,), dropout=0.5, max_iter=4, random_state=0)
        ),
        **{f"MaxEnt, cutoff {count}": partial(maxent, min_count=count) for count in (2, 3, 5, 10)},
    },
)
