"""A count cutoff on columns: the optimum is that of the frequent columns alone, other weights are 0."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmaxent import MaxEntClassifier, maxent_path
from skmaxent.convex.problem import Problem
from skmaxent.convex.reductions.rare_columns import cut_columns
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


# ---- the reduced problem itself


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_factors", [None, 1, 3])
def test_columns_on_the_edge_of_the_cutoff(form, n_factors):
    X = np.array([[1.0, 2, 0, 5], [0, 3, 0, 0], [0, 4, 0, 0.5]])
    factors = None if n_factors is None else np.arange(4.0 * n_factors).reshape(4, n_factors)
    given = Problem(form(X), np.ones(3), 3, codes=np.arange(3))
    for min_count, kept in [(1, [0, 1, 3]), (2, [1, 3]), (3, [1])]:
        reduced, multipliers, cut = cut_columns(given, factors, min_count)
        assert_array_equal(reduced.X.toarray() if sparse.issparse(reduced.X) else reduced.X, X[:, kept])
        assert cut.kept.tolist() == kept and cut.n_columns == 4
        assert multipliers is None if factors is None else (multipliers == factors[kept]).all()
        V, W = np.ones((len(kept), 2), np.float32), np.arange(8.0).reshape(4, 2)
        assert cut.restore(V).dtype == np.float32
        assert_array_equal(cut.restore(V), np.isin(np.arange(4), kept)[:, None] * [1, 1])
        assert_array_equal(cut.reduce(W), W[kept])
    same, multipliers, cut = cut_columns(given, factors, 0)
    assert same is given and multipliers is factors and cut is None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("d", [1, 3])
def test_one_empty_column_where_none_is_left(form, d):
    given = Problem(form(np.ones((2, d))), np.ones(2), 2, codes=np.arange(2))
    factors = np.arange(1.0, d + 1)[:, None]
    reduced, multipliers, cut = cut_columns(given, factors, 3)
    assert reduced.X.shape == (2, 1) and not reduced.X.sum()
    assert getattr(reduced.X, "nnz", 0) == 0
    assert_array_equal(multipliers, [[1.0]])
    assert_array_equal(cut.reduce(np.full((d, 2), 3.0)), np.zeros((1, 2)))
    assert_array_equal(cut.restore(np.full((1, 2), 3.0)), np.zeros((d, 2)))
