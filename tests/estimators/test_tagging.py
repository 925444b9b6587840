"""What all taggers share: reading, errors, lists in and out, scikit-learn's tools."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score

from skmaxent.estimators.common.tagging import Tagger, encode_tags, sorted_tags


class Unigram(Tagger):
    """Tags by the tag counts of each feature, plus `prior`."""

    def __init__(self, prior=1.0, min_count=1):
        self.prior = prior
        self.min_count = min_count

    def fit(self, X, y, sample_weight=None):
        data = self._read_training(X, y, sample_weight, min_count=self.min_count)
        tags = np.eye(len(data.classes))[data.codes] * data.token_weights[:, None]
        self.counts_ = data.X.T @ tags
        self.classes_, self.vocabulary_ = data.classes, data.vocabulary
        return self

    def _marginals(self, X, lengths, sentences):
        scores = X @ self.counts_ + self.prior
        return scores / scores.sum(axis=1, keepdims=True)

    def _tag(self, X, lengths, sentences):
        return self._marginals(X, lengths, sentences).argmax(axis=1)


X = [[{"w": "a"}, {"w": "b"}], [], [{"w": "b"}], [{"w": "a"}, {"w": "c", "n": 2.0}]]
Y = [["A", "B"], [], ["B"], ["A", "C"]]


def test_lists_in_and_out():
    model = Unigram().fit(X, Y)
    assert model.classes_.tolist() == ["A", "B", "C"]
    assert list(model.vocabulary_) == ["n", "w=a", "w=b", "w=c"]
    tags = model.predict(X)
    assert isinstance(tags, np.ndarray) and tags.shape == (4,) and tags.dtype == object
    assert tags.tolist() == Y and type(tags[0][0]) is str
    assert model.predict(X[:1] * 3).shape == (3,)
    assert model.predict_single(X[0]) == ["A", "B"] and model.predict_single([]) == []
    assert model.predict([]).shape == (0,) and model.predict([[], []]).tolist() == [[], []]
    proba = model.predict_proba(X)
    assert [p.shape for p in proba] == [(2, 3), (0, 3), (1, 3), (2, 3)]
    marginals = model.predict_marginals(X)
    assert marginals[0][1] == dict(zip("ABC", proba[0][1].tolist())) and marginals[1] == []
    assert model.predict_marginals_single(X[2]) == marginals[2]
    assert model.predict([[{"unseen": "x"}]]).tolist() == [["A"]]


def test_score_is_the_weighted_share_of_right_tokens():
    model = Unigram().fit(X, Y)
    assert model.score(X, Y) == 1.0
    wrong = [["A", "A"], [], ["B"], ["new", "C"]]
    assert model.score(X, wrong) == pytest.approx(3 / 5)
    assert model.score(X, wrong, sample_weight=[3, 1, 1, 0]) == pytest.approx((3 + 1) / (6 + 1))
    assert np.isnan(model.score([[]], [[]]))


def test_weights_are_copies_of_sentences():
    weighted = Unigram().fit(X, Y, sample_weight=[2, 1, 3, 0])
    copied = Unigram().fit(X[:1] * 2 + X[2:3] * 3 + [X[3]], Y[:1] * 2 + Y[2:3] * 3 + [Y[3]], [1] * 5 + [0])
    np.testing.assert_array_equal(weighted.counts_, copied.counts_)
    assert weighted.classes_.tolist() == ["A", "B", "C"]  # that of the sentence without weight too


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        ([[1, 2], [], [2], [1, 3]], [1, 2, 3]),
        ([[True, False], [], [False], [True, True]], [False, True]),
        ([[("a", 1), ("b",)], [], [("b",)], [("a", 1), ("a", 2)]], [("a", 1), ("a", 2), ("b",)]),
        ([["x", 1], [], [1], ["x", 2]], [1, 2, "x"]),
        ([["x", "x\0"], [], ["x\0"], ["x", "x"]], ["x", "x\0"]),
        ([[2**70, 1], [], [1], [2**70, 1]], [1, 2**70]),
        ([["one", "one"], [], ["one"], ["one", "one"]], ["one"]),
    ],
)
def test_tags_of_any_hashable_kind(y, classes):
    model = Unigram().fit(X, y)
    assert model.classes_.tolist() == classes and model.classes_.shape == (len(classes),)
    assert list(map(type, model.classes_.tolist())) == list(map(type, classes))
    assert model.predict(X)[0][0] == y[0][0] and model.score(X, y) >= 0.6


def test_tags_in_arrays_and_series():
    y = pd.Series([np.array(tags) for tags in Y], index=[5, 6, 7, 8])
    assert Unigram().fit(X, y).classes_.tolist() == ["A", "B", "C"]
    assert sorted_tags({np.int64(3), np.int64(1)}).dtype == np.int64
    assert encode_tags([["b", "?"]], np.array([2]), np.array(["a", "b"]))[1].tolist() == [1, -1]


BAD = {
    r"X\[3\] has 2 tokens, y\[3\] has 1 tags": (X, [*Y[:3], ["A"]]),
    r"X has 4 sentences, y has 3": (X, Y[:3]),
    r"y must be a list of lists of tags.*y\[0\] is 'A'": (X, ["A", "B", "A", "C"]),
    r"y must be a list of lists of tags.*y\[0\] is (np.int64\()?1": (X, np.array([1, 2, 1, 2])),
    r"y must be a list of lists of tags": (X, "ABCD"),
    r"requires y to be passed": (X, None),
    r"Input y contains NaN": (X, [["A", None], [], ["B"], ["A", "C"]]),
    r"y\[0\] has a tag that is not hashable": (X, [["A", ["B"]], [], ["B"], ["A", "C"]]),
    r"Found 0 token\(s\) in 2 sentence\(s\)": ([[], []], [[], []]),
    r"Found 0 token\(s\) in 0 sentence\(s\)": ([], []),
    r"X\[0\] is a str": (["a b"], [["A", "B", "C"]]),
    r"X\[0\]\[0\] is a str \('a'\).*TokenFeatures": ([["a"]], [["A"]]),
}


@pytest.mark.parametrize("message", BAD)
def test_errors(message):
    model = Unigram().fit(X, Y)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(*BAD[message])
    assert vars(model) == before


@pytest.mark.parametrize("weights", [[0, 1, 0, 0], [-1, 1, 1, 1], [1, 1], [1, np.nan, 1, 1]])
def test_weights_that_mean_nothing(weights):
    with pytest.raises(ValueError, match=r"(?i)sample_weight|sample weights|inconsistent"):
        Unigram().fit(X, Y, sample_weight=weights)


def test_not_fitted():
    for method in ("predict", "predict_proba", "predict_marginals"):
        with pytest.raises(NotFittedError):
            getattr(Unigram(), method)(X)


def test_scikit_learns_tools():
    many, tags = X * 5, Y * 5
    scores = cross_val_score(Unigram(), many, tags, cv=3)
    assert scores.tolist() == [1.0, 1.0, 1.0]
    predicted = cross_val_predict(Unigram(), many, tags, cv=3)
    assert predicted.shape == (20,) and predicted.tolist() == tags
    search = GridSearchCV(Unigram(), {"prior": [0.5, 1.0], "min_count": [1, 99]}, cv=2).fit(many, tags)
    assert search.best_params_["min_count"] == 1 and search.predict(X).tolist() == Y
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()


def test_a_pickle_holds_no_memory_of_what_was_met():
    model = Unigram().fit(X, Y)
    before = pickle.dumps(model)
    model.predict(X)
    assert len(pickle.dumps(model)) == len(before)
    assert pickle.loads(before).predict(X).tolist() == Y
    refitted = model.fit([[{"z": "q"}]], [["Z"]])
    assert refitted.predict([[{"z": "q"}]]).tolist() == [["Z"]]
