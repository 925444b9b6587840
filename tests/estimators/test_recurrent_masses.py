"""RecurrentClassifier: label masses, of the same meaning as MaxEntClassifier's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sequences import sentences
from sklearn.metrics import accuracy_score

from skmaxent import RecurrentClassifier

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:batch_size=:UserWarning"),
]
X, Y, _ = sentences(30)
COUNTS = np.random.default_rng(0).integers(0, 3, (30, 3)) + np.eye(3, dtype=int)[Y]
COPIES, LABELS, WEIGHTS = X * 3, np.repeat([0, 1, 2], 30), COUNTS.T.ravel()


def classifier(**options):
    small = {"embedding_size": 6, "random_state": 0, "max_iter": 4, "learning_rate_init": 0.02}
    return RecurrentClassifier((5,), **{**small, "dtype": "float64", "batch_size": 1000, **options})


@pytest.mark.parametrize("class_weight", [None, {0: 2.0, 1: 0.5, 2: 0.0}, "balanced"])
def test_a_distribution_is_a_sequence_of_each_class(class_weight):
    """With the masses as weights, in full batches, dropout included; and whatever their dtype."""
    hard = classifier(class_weight=class_weight).fit(COPIES, LABELS, WEIGHTS)
    for y, options in ((COUNTS.astype(float), {}), (COUNTS, {"target_type": "masses"})):
        soft = classifier(class_weight=class_weight, **options).fit(X, y)
        assert_array_equal(soft.classes_, [0, 1, 2])
        assert_allclose(soft.class_count_, COUNTS.sum(axis=0))
        assert soft.vocabulary_ == hard.vocabulary_
        assert_allclose(soft.loss_curve_, hard.loss_curve_, rtol=1e-9)
        assert_allclose(soft.predict_proba(X), hard.predict_proba(X), rtol=0, atol=1e-8)


def test_one_label_a_sequence_by_either_way():
    by_label = classifier().fit(X, Y)
    for y in (np.eye(3)[Y], np.eye(3, dtype=int)[Y], np.eye(3, dtype=bool)[Y].tolist()):
        assert_allclose(classifier().fit(X, y).predict_proba(X), by_label.predict_proba(X), atol=1e-12)


def test_scores_are_expected_shares():
    model, weights = classifier().fit(X, COUNTS / 7), np.arange(30.0)
    guesses = np.tile(model.predict(X), 3)
    assert model.score(X, COUNTS / 7) == pytest.approx(accuracy_score(LABELS, guesses, sample_weight=WEIGHTS))
    expected = accuracy_score(LABELS, guesses, sample_weight=WEIGHTS * np.tile(weights, 3))
    assert model.score(X, COUNTS / 7, weights) == pytest.approx(expected)
    assert model.score(X, Y) == accuracy_score(Y, model.predict(X))


@pytest.mark.parametrize("scoring", [None, "loss", "accuracy"])
def test_validation_on_masses(scoring):
    y = COUNTS.astype(float)
    model = classifier(scoring=scoring).fit(X, y, X_val=X, y_val=y)
    share = model.score(X, y)
    last = -model.validation_loss_curve_[-1] if scoring == "loss" else share
    assert model.validation_scores_[-1] == pytest.approx(last)
    log_proba = model.predict_log_proba(X)
    assert model.validation_loss_curve_[-1] == pytest.approx(-(y * log_proba).sum() / y.sum())
    stopped = classifier(early_stopping=True, validation_fraction=0.3).fit(X, y)
    assert len(stopped.validation_scores_) == stopped.n_iter_


def test_partial_fit_needs_no_classes_and_sequences_without_mass_are_absent():
    y = COUNTS.astype(float)
    model = classifier().partial_fit(X, y).partial_fit(X, y)
    assert_allclose(model.class_count_, 2 * COUNTS.sum(axis=0))
    y[7] = 0
    rest = [i for i in range(30) if i != 7]
    without = classifier().fit([X[i] for i in rest], y[rest])
    assert_allclose(classifier().fit(X, y).predict_proba(X), without.predict_proba(X), atol=1e-12)


def test_masses_that_are_none():
    y = COUNTS.astype(float)
    for bad, message in (
        (y - 1, "Negative values in data passed to RecurrentClassifier"),
        (np.where(y == 0, np.nan, y), "NaN"),
        (COUNTS, r"RecurrentClassifier has one label a row: its rows must sum to 1.*target_type='masses'"),
        (y[:-1], "inconsistent numbers of samples"),
        (y * 0, "The sample weights are zero everywhere"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier().fit(X, bad)
    with pytest.raises(ValueError, match="target_type='masses' needs y of shape"):
        classifier(target_type="masses").fit(X, Y)
    with pytest.raises(ValueError, match=r"y_val must hold label masses like y\. Got labels instead"):
        classifier().fit(X, y, X_val=X, y_val=Y)
    with pytest.raises(ValueError, match="y_val has 2 columns, but the model has 3 classes"):
        classifier().fit(X, y, X_val=X, y_val=y[:, :2])
    model = classifier().fit(X, y)
    with pytest.raises(ValueError, match="kind of the earlier calls, distribution; got classes"):
        model.partial_fit(X, Y)
    with pytest.raises(ValueError, match="y has 2 columns, but the model has 3 classes"):
        model.score(X, y[:, :2])
