"""Chains of warm starts over all pairs of settings: every fit ends where a cold one ends."""

import warnings
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from skmaxent import JointFeatures, MaxEntClassifier, MaxEntRanker

EXCLUDED = np.array([1.0, np.inf, 1.0, 2.0, 1.0])
SETTINGS = {
    "plain": {},
    "origin": {"fit_intercept": False},
    "weak": {"C": 1e4},
    "strong": {"C": 1e-3},
    "laplace": {"l1_ratio": 1.0},
    "net": {"l1_ratio": 0.5, "C": 3.0},
    "excluded": {"penalty_weights": EXCLUDED},
    "free": {"penalty_weights": np.array([1.0, 0.0, 1.0, 0.0, 1.0])},
    "excluded origin": {"penalty_weights": EXCLUDED, "fit_intercept": False},
    "observed": {"features": "observed", "min_count": 12},
    "observed net": {"features": "observed", "l1_ratio": 0.5},
    "none": {"C": np.inf},
    "lbfgs": {"solver": "lbfgs"},
    "cholesky": {"solver": "newton-cholesky"},
    "weights": {"class_weight": {0: 3.0, 1: 0.5}},
}
DEFAULTS = MaxEntClassifier(tol=1e-11, warm_start=True).get_params()


def data(K):
    rng = np.random.default_rng(K)
    X = rng.standard_normal((120, 5)) * (rng.uniform(size=(120, 5)) < 0.7)
    return sparse.csr_array(X), (X[:, :1] + rng.gumbel(size=(120, K)) + np.arange(K) * X[:, 1:2]).argmax(
        axis=1
    )


def fit(model, *data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # tol is near the limit of float64
        return model.fit(*data, **options)


def same(warm, cold):
    dense = [m.coef_.toarray() if sparse.issparse(m.coef_) else m.coef_ for m in (warm, cold)]
    assert_allclose(*dense, atol=1e-4 * max(1.0, np.abs(dense[1]).max()))
    assert_allclose(warm.intercept_, cold.intercept_, atol=1e-4)
    assert warm.convergence_["objective"] == pytest.approx(cold.convergence_["objective"], rel=1e-9)


@cache
def cold(name, K):
    """The fit that all chains which end in these settings are compared with."""
    return fit(MaxEntClassifier(**(DEFAULTS | SETTINGS[name] | {"warm_start": False})), *data(K))


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("first", SETTINGS)
def test_chains_of_settings(first, K):
    X, y = data(K)
    for second in SETTINGS:
        model = MaxEntClassifier(**(DEFAULTS | SETTINGS[first]))
        fit(model, X, y)
        fit(model.set_params(**(DEFAULTS | SETTINGS[second])), X, y)
        same(model, cold(second, K))
        if not model.fit_intercept:
            assert_array_equal(model.intercept_, 0)
        if "excluded" in second:
            assert_array_equal(model.coef_[:, 1], 0)


def test_the_intercept_goes_when_it_is_not_fitted():
    X, y = load_iris(return_X_y=True)
    model = MaxEntClassifier(warm_start=True).fit(X, y)
    model.set_params(fit_intercept=False).fit(X, y)
    assert_array_equal(model.intercept_, 0)
    assert model.score(X, y) == pytest.approx(MaxEntClassifier(fit_intercept=False).fit(X, y).score(X, y))
    assert model.score(X, y) > 0.95


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_a_start_worse_than_zero_is_not_taken(C):
    X, y = data(3)
    model = MaxEntClassifier(C=C, warm_start=True).fit(X, y)
    warm = model.fit(X * 1e3, y)
    cold = MaxEntClassifier(C=C).fit(X * 1e3, y)
    assert warm.convergence_["objective"] == pytest.approx(cold.convergence_["objective"], rel=2e-6)
    assert warm.convergence_["history"]["objective"][0] <= np.log(3) + 1e-9


def test_rankers_and_joint_features():
    rng = np.random.default_rng(0)
    X, groups = rng.standard_normal((150, 4)), np.repeat(np.arange(50), 3)
    chosen = np.zeros(150)
    chosen[np.arange(50) * 3 + X[:, 0].reshape(50, 3).argmax(axis=1)] = 1
    steps = [{}, {"penalty_weights": [1, np.inf, 1, 1]}, {"l1_ratio": 1.0}, {"C": 100.0}]
    defaults = MaxEntRanker(tol=1e-11, warm_start=True).get_params()
    for first, second in permutations(steps, 2):
        model = fit(MaxEntRanker(**(defaults | first)), X, chosen, groups)
        fit(model.set_params(**(defaults | second)), X, chosen, groups)
        cold = fit(MaxEntRanker(**(defaults | second | {"warm_start": False})), X, chosen, groups)
        assert_allclose(model.coef_, cold.coef_, atol=1e-4)
        assert "penalty_weights" not in second or model.coef_[1] == 0

    def ends(c, word):
        return c == "b" and word.endswith("x")

    words, labels = ["ax", "by", "cx", "ay", "bx", "cy"] * 3, list("abcabb") * 3
    features = JointFeatures([lambda c, w: c == "a" and w[0] == "a", ends])
    model = MaxEntClassifier(features=features, warm_start=True, tol=1e-10).fit(words, labels)
    model.set_params(penalty_weights=[np.inf, 1.0]).fit(words, labels)
    assert model.coef_[0] == 0
    cold = MaxEntClassifier(features=features, penalty_weights=[np.inf, 1.0], tol=1e-10).fit(words, labels)
    assert_allclose(model.coef_, cold.coef_, atol=1e-5)
