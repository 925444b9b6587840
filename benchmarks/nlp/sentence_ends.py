"""Sentence boundaries: after which words of a text does a sentence end?"""

from itertools import groupby

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import f1_score

from skmaxent import CRFTagger, MaxEntTagger
from skmaxent.datasets import load_ud_ewt
from skmaxent.sequences import affixes, window, word_shape

from .protocol import Task
from .sequences import sparse_maxent, token_models, tokens_by

MARKS = (".", "!", "?")


def is_candidate(token):
    """Whether a sentence may end here as most do: the token ends in a full stop or the like."""
    return token[0].endswith(MARKS)


def features(tokens, i):
    """Words, shapes and blanks around the place, alone and together; what opened since the last mark."""
    words, blanks = zip(*tokens[max(i - 3, 0) : i + 4])
    place = min(i, 3)
    shapes, lower = [word_shape(word) for word in words], [word.lower() for word in words]
    pairs, triples = ((-1, 0), (0, 1), (1, 2)), ((-1, 0, 1), (0, 1, 2))
    found = window(lower, place, (-3, -2, -1, 0, 1, 2, 3, *pairs, *triples))
    found |= window(shapes, place, (-2, -1, 0, 1, 2, 3, *pairs, *triples), "shape")
    found |= window(
        [f"{shape} {blank}" for shape, blank in zip(shapes, blanks)], place, (-1, 0, *pairs, *triples), "gap"
    )
    found |= {"blank": blanks[place], **affixes(lower[place], 3)}
    after = words[place + 1] if place + 1 < len(words) else "</s>"
    found["word, next is capital"] = f"{lower[place]} {after[:1].isupper()} {blanks[place]}"
    found["next, blank"] = f"{after} {blanks[place]}"
    found["shape, next word"] = f"{shapes[place]} {after.lower()}"
    before = [word for word, _ in tokens[max(i - 40, 0) : i]]
    since = next((k for k, word in enumerate(reversed(before)) if word in MARKS), len(before))
    found["words since a mark"] = f"{min(since, 40) // 4}"
    found["quotes open"] = sum(word in ('"', "``", "''") for word in before[len(before) - since :]) % 2 == 1
    return found


def load(test="test"):
    """Documents: lists of (word, whether a blank follows), and whether each word ends a sentence."""
    parts = []
    for corpus in (load_ud_ewt("train"), load_ud_ewt(test)):
        X, y = [], []
        of_document = groupby(range(len(corpus.data)), key=lambda i: corpus.sent_ids[i].rpartition("-")[0])
        for _, numbers in of_document:
            numbers = list(numbers)
            X.append([token for i in numbers for token in zip(corpus.data[i], corpus.space_after[i])])
            y.append([last for i in numbers for last in ["in"] * (len(corpus.data[i]) - 1) + ["end"]])
        parts += [X, y]
    return parts


def boundaries(truth, predicted, X):
    """Share of the candidates that are told right, and F of the ends among all words."""
    truth, predicted = (np.concatenate([np.array(tags) for tags in part]) for part in (truth, predicted))
    candidates = np.array([is_candidate(token) for tokens in X for token in tokens])
    return {
        "candidates right": np.mean((truth == predicted)[candidates]),
        "F of all ends": f1_score(truth, predicted, pos_label="end"),
    }


class AlwaysAtMarks(BaseEstimator):
    """Every full stop, exclamation or question mark ends a sentence."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return [["end" if is_candidate(token) else "in" for token in tokens] for tokens in X]


TASK = Task(
    name="sentence ends",
    title="sentence boundaries, UD English EWT",
    protocol="540 documents to train, 316 to test, their sentences run together, tokens and blanks given, "
    "paragraphs not; tokens that end in . ! ? told right, and F of the ends among all tokens",
    choices="features on the development set; C as it is by default",
    published="none on this corpus; 98.0 to 98.8 of candidates in newspaper text (Reynar & Ratnaparkhi 1997)",
    goal=97.5,
    load=load,
    score=boundaries,
    features=tokens_by(features),
    direct={"majority": AlwaysAtMarks},
    models={
        **token_models(),
        "MaxEntTagger": lambda: MaxEntTagger(sparse_maxent()),
        "CRFTagger": CRFTagger,
    },
)
