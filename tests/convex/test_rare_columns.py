"""A count cutoff on columns: the optimum is that of the frequent columns alone, other weights are 0."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmaxent import MaxEntClassifier, maxent_path
from skmaxent.convex.solvers import SOLVERS

FORMS = [np.asarray, sparse.csr_array, sparse.csc_array]


def problem(n_classes=3, n=60, d=14, seed=0):
    """Columns in 0 to n rows, some entries stored zeros."""
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 4, (n, d)) * (rng.random((n, d)) < np.linspace(0, 0.5, d)) * 1.0
    y = (X[:, -n_classes:] + rng.random((n, n_classes))).argmax(axis=1)
    return X, y


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("min_count", [2, 10, 25])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver, l1_ratio", [*((name, 0) for name in SOLVERS), ("working-set", 0.7)])
def test_the_optimum_is_that_of_the_frequent_columns(form, min_count, n_classes, solver, l1_ratio):
    X, y = problem(n_classes)
    frequent = np.count_nonzero(X, axis=0) >= min_count
    assert 0 < frequent.sum() < X.shape[1]
    options = {"solver": solver, "l1_ratio": l1_ratio, "tol": 1e-12, "n_jobs": 1}
    model = MaxEntClassifier(min_count=min_count, **options).fit(form(X), y)
    alone = MaxEntClassifier(**options).fit(form(X[:, frequent]), y)
    assert_allclose(model.coef_[:, frequent], alone.coef_, atol=1e-5)
    assert_allclose(model.intercept_, alone.intercept_, atol=1e-5)
    assert not model.coef_[:, ~frequent].any() and model.coef_.shape == (len(alone.coef_), X.shape[1])
    assert model.convergence_["presolve"]["columns_cut"] == np.count_nonzero(~frequent)
    assert model.convergence_["objective"] == pytest.approx(alone.convergence_["objective"], rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_no_column_may_be_left(form):
    X, y = problem()
    model = MaxEntClassifier(min_count=1000, warm_start=True, tol=1e-12).fit(form(X), y)
    for _ in range(2):
        assert not model.coef_.any()
        assert_allclose(model.predict_proba(form(X))[0], np.bincount(y) / len(y), rtol=1e-6)
        model.fit(form(X), y)


def test_stored_zeros_are_no_entries_and_weights_do_not_count():
    X, y = problem()
    whole = sparse.csr_array(X + 1.0)
    whole.data -= 1.0  # every entry is stored
    m = np.random.default_rng(0).integers(1, 5, len(y)).astype(float)
    ours = MaxEntClassifier(min_count=8).fit(whole, y, sample_weight=m)
    assert_array_equal(ours.coef_.any(axis=0), np.count_nonzero(X, axis=0) >= 8)


def test_penalty_weights_stay_with_their_columns():
    X, y = problem()
    u = np.linspace(0.1, 5, X.shape[1])
    frequent = np.count_nonzero(X, axis=0) >= 10
    model = MaxEntClassifier(min_count=10, penalty_weights=u, tol=1e-12).fit(X, y)
    alone = MaxEntClassifier(penalty_weights=u[frequent], tol=1e-12).fit(X[:, frequent], y)
    assert_allclose(model.coef_[:, frequent], alone.coef_, atol=1e-5)


def test_warm_start_and_path():
    X, y = problem()
    model = MaxEntClassifier(warm_start=True, tol=1e-12).fit(X, y)
    model.set_params(min_count=10).fit(X, y)
    cold = MaxEntClassifier(min_count=10, tol=1e-12).fit(X, y)
    assert_allclose(model.coef_, cold.coef_, atol=1e-5)
    path = maxent_path(X, y, Cs=[0.1, 1.0], min_count=10, tol=1e-12)
    assert_allclose(path.coefs[1], cold.coef_, atol=1e-5)


def test_separation_names_the_users_columns():
    X = np.zeros((8, 4))
    X[:, 2] = [-1, -2, -1, -3, 1, 2, 1, 1]
    X[0, 0] = X[:, 3] = 1
    y = [0] * 4 + [1] * 4
    with pytest.warns(UserWarning, match="The columns: 2[.,]"):
        MaxEntClassifier(C=np.inf, min_count=2).fit(X, y)
