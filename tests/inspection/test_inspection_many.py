"""Votes in many rows are those of each row, and sum to the scores."""

import re

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from skmaxent import (
    BackpropMLPClassifier,
    MaxEntClassifier,
    MaxEntRanker,
    VoteSummaryDisplay,
    explain,
    explain_many,
)
from skmaxent.inspection import many

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 7)) * (RNG.random((30, 7)) < 0.6)
LABELS = np.array(["ant", "bee", "cat", "dog"])
QUIET = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def target(n_classes):
    return LABELS[np.argmax(X[:, :n_classes] + RNG.normal(size=(30, n_classes)), axis=1)]


MODELS = {
    "maxent": MaxEntClassifier(),
    "observed": MaxEntClassifier(features="observed"),
    "svm": LinearSVC(),
    "one against the rest": OneVsRestClassifier(LogisticRegression()),
    "network": BackpropMLPClassifier((4,), max_iter=3, random_state=0),
    "softmax": MLPClassifier((3,), max_iter=3, random_state=0),
}


def total(summary):
    return summary.votes.sum(axis=1) + summary.remainder + summary.offset + summary.class_mean


@QUIET
@pytest.mark.parametrize("block", [1, 1 << 22])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", MODELS)
def test_each_row_is_explained_as_alone(monkeypatch, name, n_classes, block):
    monkeypatch.setattr(many, "_BLOCK", block)
    model = MODELS[name].fit(X, target(n_classes))
    summary = explain_many(model, X, top=None)
    np.testing.assert_allclose(total(summary), summary.scores, rtol=1e-12, atol=1e-12)
    for i in range(len(X)):
        alone = explain(model, X[i], top=None)
        focus = alone.focus
        assert summary.targets[i] == alone.classes[focus]
        assert summary.scores[i] == pytest.approx(alone.scores[focus], rel=1e-12, abs=1e-13)
        assert summary.offset[i] == pytest.approx(alone.offset[focus], rel=1e-9, abs=1e-12)
        votes = dict(zip(alone.features, alone.votes[:, focus]))
        found = {name: vote for name, vote in zip(summary.features, summary.votes[i]) if vote}
        assert found == pytest.approx(
            {name: vote for name, vote in votes.items() if vote}, rel=1e-9, abs=1e-12
        )
    sizes = np.abs(summary.votes).mean(axis=0)
    assert sizes.tolist() == sorted(sizes, reverse=True) and summary.remainder.tolist() == [0] * 30


@QUIET
@pytest.mark.parametrize("name", MODELS)
def test_one_class_in_all_rows(name):
    model = MODELS[name].fit(X, target(4))
    summary = explain_many(model, sparse.csc_array(X), top=3, class_="bee")
    assert summary.targets == ["bee"] * 30 and summary.votes.shape == (30, 3)
    assert summary.n_remaining == 4 and summary.title == "for bee"
    np.testing.assert_allclose(total(summary), summary.scores, rtol=1e-12, atol=1e-12)
    column = list(model.classes_).index("bee")
    expected = [explain(model, row).scores[column] for row in X]
    np.testing.assert_allclose(summary.scores, expected, rtol=1e-12, atol=1e-13)
    every = explain_many(model, X, top=None, class_="bee")
    np.testing.assert_allclose(every.votes[:, :3], summary.votes)
    np.testing.assert_allclose(every.votes[:, 3:].sum(axis=1), summary.remainder, atol=1e-12)


@QUIET
@pytest.mark.parametrize("name", MODELS)
def test_the_first_of_two_classes_has_the_opposite_votes(name):
    model = MODELS[name].fit(X, target(2))
    one, other = explain_many(model, X, class_="bee"), explain_many(model, X, class_="ant")
    assert one.title == "for bee against ant" and other.title == "for ant against bee"
    np.testing.assert_array_equal(one.votes, -other.votes)
    np.testing.assert_array_equal(one.scores, -other.scores)
    np.testing.assert_array_equal(one.votes, explain_many(model, X).votes)
    np.testing.assert_allclose(total(other), other.scores, rtol=1e-12, atol=1e-12)


def test_multilabel_votes_are_not_centred():
    rows, y = make_multilabel_classification(40, 8, n_classes=3, random_state=0)
    model = OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(rows, y)
    summary = explain_many(model, rows, class_=1)
    np.testing.assert_allclose(summary.scores, model.decision_function(rows)[:, 1])
    assert not summary.class_mean.any()


TEXTS = ["good good film", "bad film", "good plot", "bad bad plot"]


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), HashingVectorizer(n_features=1 << 16)])
def test_texts_tables_and_html(vectorizer):
    model = make_pipeline(vectorizer, MaxEntClassifier()).fit(TEXTS, [1, 0, 1, 0])
    summary = explain_many(model, TEXTS, top=2)
    assert {name.split(" (")[0] for name in summary.features} == {"good", "bad"}
    np.testing.assert_allclose(summary.scores, model.decision_function(TEXTS))
    assert summary.shares.tolist() == [0.5, 0.5]
    lines = str(summary).splitlines()
    assert lines[0] == "MaxEntClassifier, votes in 4 rows: for 1 against 0"
    assert lines[1].split() == ["feature", "mean", "size", "mean", "vote", "share", "of", "rows"]
    assert lines[-1] == "and 2 other features"
    html = summary._repr_html_()
    assert '<th scope="row"' in html and "<caption>" in html and summary.features[0] in html
    sizes = re.findall(r'ch">([^<]+)</span>', html)[::2]  # beside the mean votes
    assert sizes == [line.split()[-3] for line in lines[3:-1]]
    assert sizes and all(size[0].isdigit() for size in sizes)


def test_as_a_frame():
    pytest.importorskip("pandas")
    summary = explain_many(MaxEntClassifier().fit(X, target(4)), X, top=3)
    frame = summary.to_frame()
    assert frame.columns.tolist() == [*summary.features, "remainder", "offset", "class mean", "score"]
    np.testing.assert_allclose(frame.iloc[:, :-1].sum(axis=1), frame["score"])


def test_what_cannot_be_summed_up():
    model = MaxEntClassifier().fit(X, target(4))
    with pytest.raises(ValueError, match="class_='owl' is not a valid label"):
        explain_many(model, X, class_="owl")
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        explain_many(model, X[:0])
    ranker = MaxEntRanker().fit(X, np.arange(30) % 3 == 0, groups=np.arange(30) // 3)
    with pytest.raises(ValueError, match="Explain the samples of a MaxEntRanker one by one"):
        explain_many(ranker, X)


def test_the_swarm_has_a_point_for_each_vote():
    pytest.importorskip("matplotlib").use("Agg")
    model = MaxEntClassifier().fit(X, target(4))
    display = VoteSummaryDisplay.from_estimator(model, X, top=3, class_="cat")
    summary = display.summary
    votes, heights = display.points_.get_offsets().T
    feature = np.round(heights).astype(int)
    assert np.abs(heights - feature).max() <= 0.4
    for j in range(3):
        present = summary.values[:, j] != 0
        np.testing.assert_allclose(np.sort(votes[feature == j]), np.sort(summary.votes[present, j]))
        places = np.column_stack([votes, heights])[feature == j]
        assert len(np.unique(places, axis=0)) == present.sum()  # none hides another
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == summary.features
    assert display.ax_.get_xlabel().replace("\n", " ").startswith("vote for cat")
