"""Optima at infinity: every kind is noticed and its columns are named; what is finite is not called so."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmaxent import JointFeatures, MaxEntClassifier, MaxEntRanker
from skmaxent.convex.solvers import SOLVERS

ALL_SOLVERS = ["auto", *SOLVERS]


def noisy(n=300, d=4, K=3, seed=0):
    """Data whose classes overlap, with an optimum at finite weights."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, (X[:, :1] + rng.gumbel(size=(n, K)) * 1.5 + np.arange(K) * X[:, 1:2]).argmax(axis=1)


def warning_of(model, *data, **options):
    """The text of the one warning that a fit gives; empty for none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*data, **options)
    assert all(w.category is ConvergenceWarning for w in caught)
    return str(caught[0].message) if caught else ""


def named(text):
    """The columns that a warning of separation names."""
    return text.split("The columns: ")[1].split(". Give them")[0].split(", ")


@pytest.mark.parametrize("tol", [1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_a_dummy_that_determines_the_class(solver, K, tol):
    X, y = noisy(K=K)
    X[:, 2] = 0.0
    X[np.flatnonzero(y == 1)[:12], 2] = 1.0  # only rows of class 1 have it
    model = MaxEntClassifier(C=np.inf, solver=solver, tol=tol)
    text = warning_of(model, X, y)
    assert "separable" in text and "no maximum" in text
    assert named(text) == ["2"]
    assert model.convergence_["stop_reason"] in ("separated", "precision", "max_iter")
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_one_class_of_three_apart(solver):
    X, y = noisy()
    X[:, 0] = np.where(y == 2, 5.0, -5.0) + 0.1 * X[:, 0]
    text = warning_of(MaxEntClassifier(C=np.inf, solver=solver), X, y)
    assert "separable" in text and "0" in named(text)


@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("K", [2, 4])
def test_all_classes_apart(solver, K):
    y = np.repeat(np.arange(K), 6)
    X = np.eye(K)[y] * 3 + 0.1 * np.random.default_rng(1).standard_normal((len(y), K))
    model = MaxEntClassifier(C=np.inf, solver=solver)
    assert "separable" in warning_of(model, X, y)
    assert model.convergence_["relative_gap"] > 1e-6  # nothing is claimed
    np.testing.assert_array_equal(model.predict(X), y)


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
def test_masses_of_one_class_a_row(solver):
    X, y = noisy()
    X[:, 1] = (y == 0) * (np.arange(len(y)) % 3 == 0)
    text = warning_of(MaxEntClassifier(C=np.inf, solver=solver), X, np.eye(3)[y])
    assert named(text) == ["1"]
    mixed = np.eye(3)[y] * 0.5 + 1 / 6  # some mass everywhere: nothing is separated
    assert warning_of(MaxEntClassifier(C=np.inf, solver=solver), X, mixed) == ""


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_a_free_column_beside_penalised_ones(l1_ratio):
    X, y = noisy(K=2)
    X[:, 3] = (y == 1) * (np.arange(len(y)) % 4 == 0)
    free = [1.0, 1.0, 1.0, 0.0]
    text = warning_of(MaxEntClassifier(penalty_weights=free, l1_ratio=l1_ratio), X, y)
    assert named(text) == ["3"]
    # The same column with a penalty has a finite weight, and so has another free column.
    assert warning_of(MaxEntClassifier(penalty_weights=free[::-1], l1_ratio=l1_ratio), X, y) == ""


def test_weights_with_a_penalty_have_no_part_in_a_direction():
    """Class 2 never has column 3, whose weight of class 0 alone is free: it has a finite optimum."""
    X, y = noisy()
    X[:, 3] = (y != 2) * (np.arange(len(y)) % 3 == 0)
    penalty_weights = np.ones((3, 4))
    penalty_weights[0, 3] = 0.0
    options = {"penalty_weights": penalty_weights, "l1_ratio": 1.0, "tol": 1e-12}
    assert "separable" not in warning_of(MaxEntClassifier(max_iter=2, **options), X, y)
    assert warning_of(MaxEntClassifier(**options), X, y) == ""
    penalty_weights[2, 3] = 0.0
    assert named(warning_of(MaxEntClassifier(max_iter=2, **options), X, y)) == ["3"]


def test_names_of_columns_are_the_users():
    pandas = pytest.importorskip("pandas")
    X, y = noisy()
    frame = pandas.DataFrame(X, columns=["age", "income", "height", "has licence"])
    frame["has licence"] = ((y == 2) & (np.arange(len(y)) % 5 == 0)).astype(float)
    assert named(warning_of(MaxEntClassifier(C=np.inf), frame, y)) == ["has licence"]
    # Columns that presolve merges or leaves out are counted.
    X = np.hstack([np.zeros((300, 2)), frame.to_numpy(), frame[["has licence"]].to_numpy() * 2])
    text = warning_of(MaxEntClassifier(C=np.inf, solver="newton-cg"), sparse.csr_array(X), y)
    assert set(named(text)) <= {"5", "6"}  # one is a multiple of the other


def test_observed_pairs():
    rng = np.random.default_rng(0)
    X = (rng.uniform(size=(400, 5)) < 0.5).astype(float)
    y = rng.integers(0, 3, 400)
    X[:, 4] = (y == 2) * (rng.uniform(size=400) < 0.4)
    text = warning_of(MaxEntClassifier(C=np.inf, features="observed"), sparse.csr_array(X), y)
    assert named(text) == ["4"]


def test_ranker_and_joint_features():
    rng = np.random.default_rng(0)
    X, groups = rng.standard_normal((300, 3)), np.repeat(np.arange(100), 3)
    chosen = np.zeros(300)
    chosen[np.arange(100) * 3 + rng.integers(0, 3, 100)] = 1
    assert warning_of(MaxEntRanker(C=np.inf), X, chosen, groups) == ""
    X[:, 1] = chosen * (groups % 4 == 0)
    assert named(warning_of(MaxEntRanker(C=np.inf), X, chosen, groups)) == ["1"]

    def long_word(c, word):
        return c == "noun" and len(word) > 6

    def any_noun(c, word):
        return c == "noun"

    words = ["table", "economics", "run", "household", "jump", "chair", "mathematics", "swim"]
    labels = ["noun", "noun", "verb", "noun", "verb", "noun", "noun", "noun"]
    model = MaxEntClassifier(features=JointFeatures([long_word, any_noun]), C=np.inf)
    assert any("long_word" in name for name in named(warning_of(model, words, labels)))


@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("K", [2, 3])
def test_overlapping_data_are_not_called_separable(solver, K):
    for seed in range(5):
        X, y = noisy(n=60, d=3, K=K, seed=seed)
        for scale in (np.ones(3), np.array([1e5, 1.0, 1e-5])):
            model = MaxEntClassifier(C=np.inf, solver=solver)
            assert warning_of(model, X * scale + scale, y) == ""
            assert model.convergence_["relative_gap"] <= 1e-6
