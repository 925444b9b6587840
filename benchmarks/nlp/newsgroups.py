"""Text categorisation: to which of 20 newsgroups was a message sent?"""

import re
from itertools import pairwise

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from skmaxent import BackpropMLPClassifier, MaxEntClassifier
from skmaxent.datasets import load_newsgroups

from .protocol import Task, identity, of_each

WORD = re.compile(r"(?u)\b\w\w+\b")


def features(message):
    """Words, pairs of words and first letters; those of the subject, words of the sender, named as such."""
    words = WORD.findall(message.lower())
    found = words + [f"{a} {b}" for a, b in pairwise(words)] + [f"stem={word[:6]}" for word in words]
    header, _, _ = message.partition("\n\n")
    for line in header.lower().split("\n"):
        field, _, content = line.partition(":")
        if field in ("subject", "from", "organization"):
            own = WORD.findall(content)
            found += [f"{field}:{word}" for word in own]
            if field == "subject":
                found += [f"subject:{a} {b}" for a, b in pairwise(own)]
                found += [f"subject:stem={word[:5]}" for word in own]
    return found


def load():
    train, test = load_newsgroups("train"), load_newsgroups("test")
    names = np.array(train.target_names)
    return train.data, names[train.target], test.data, names[test.target]


def tfidf():
    return TfidfVectorizer(analyzer=identity, min_df=2, sublinear_tf=True, dtype=np.float32)


TASK = Task(
    name="newsgroups",
    title="text categorisation, 20 Newsgroups",
    protocol="bydate, headers kept: 11,314 messages to train, 7,532 later ones to test; accuracy",
    choices="features, C in {30, 100, 300, 1000} and epochs of the network on the latest fifth of each group "
    "of the training messages",
    published="about 85 (tf-idf, logistic regression); 84.2 WideMLP (Galke & Scherp 2022, own split)",
    goal=86.5,
    tried="on the same part: subject and sender as a part of their own with weights 0.5 and 1, other "
    "fields of the header, names of hosts, each worse by 0.1; pairs and stems of the subject's words, 0.1 "
    "better. The test set was read once before, without the latter (MaxEnt 86.29, network 86.95)",
    load=load,
    features=of_each(features),
    direct={"majority": DummyClassifier},
    models={
        "naive Bayes": lambda: make_pipeline(
            CountVectorizer(analyzer=identity, min_df=2), MultinomialNB(alpha=0.01)
        ),
        "MaxEnt": lambda: make_pipeline(tfidf(), MaxEntClassifier(C=1000, tol=1e-2)),
        "network": lambda: make_pipeline(
            tfidf(), BackpropMLPClassifier((100,), dropout=0.5, max_iter=15, random_state=0)
        ),
    },
)
