"""Columns, row weights and numbers on any scale: the same model, the same claim, in about the same time."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmaxent import MaxEntClassifier
from skmaxent.convex import memory
from skmaxent.convex.reductions.null_space import least_norm
from skmaxent.convex.reductions.units import ordinary_units
from skmaxent.convex.solvers import SOLVERS, newton_cg, working_set

ALL_SOLVERS = ["auto", *SOLVERS]
CONTAINERS = {"dense": np.asarray, "csr": sparse.csr_array, "csc": sparse.csc_array}


def made(n=2000, K=2, seed=0):
    rng = np.random.default_rng(seed)
    Z = rng.standard_normal((n, 3))
    scores = Z @ [[1, 0, -1], [1, 0.5, 0], [0.5, -1, 1]] + rng.gumbel(size=(n, 3))
    return Z, scores[:, :K].argmax(axis=1)


def loss(model, X, y):
    return -model.predict_log_proba(X)[np.arange(len(y)), y].mean()


# ---- columns


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("scale", [[30_000, 0.01, 1], [1e6, 1, 1e-6], [1e-9, 1e-9, 1e-9]])
def test_without_a_prior_units_do_not_matter(scale, solver, K):
    Z, y = made(K=K)
    plain = MaxEntClassifier(C=np.inf, solver="newton-cholesky").fit(Z, y)
    scaled = MaxEntClassifier(C=np.inf, solver=solver).fit(Z * scale, y)
    assert 0 < scaled.convergence_["relative_gap"] <= 1e-6
    assert_allclose(scaled.coef_ * scale, plain.coef_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("C, l1_ratio", [(1.0, 0.0), (1.0, 1.0), (0.1, 0.5), (np.inf, 0.0)])
@pytest.mark.parametrize("offset", [1e5, 1e7])
def test_columns_far_from_0(offset, C, l1_ratio, container):
    Z, y = made()
    near = MaxEntClassifier(C=C, l1_ratio=l1_ratio, tol=1e-9).fit(Z, y)
    for solver in ["auto", "working-set"] if l1_ratio else ALL_SOLVERS:
        model = MaxEntClassifier(C=C, l1_ratio=l1_ratio, solver=solver)
        far = model.fit(CONTAINERS[container](Z + [offset, 0, 0]), y)
        assert far.convergence_["stop_reason"] == "converged"
        assert far.convergence_["relative_gap"] <= 1e-6
        assert_allclose(far.coef_, near.coef_, atol=2e-3)
        assert far.convergence_["objective"] == pytest.approx(near.convergence_["objective"], rel=1.1e-6)
        assert loss(far, Z + [offset, 0, 0], y) == pytest.approx(loss(near, Z, y), rel=1e-4)


@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_single_precision_in_natural_units(solver):
    """Ages, incomes and shares: float32 holds them, and the answer is that of float64."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(45, 15, 2000), rng.lognormal(10.5, 0.7, 2000), rng.beta(2, 5, 2000)])
    y = (X[:, 0] / 15 + np.log(X[:, 1]) + 3 * X[:, 2] + rng.logistic(size=2000) > 15).astype(int)
    single = MaxEntClassifier(solver=solver).fit(X.astype(np.float32), y)
    double = MaxEntClassifier(tol=1e-10).fit(X.astype(np.float32).astype(float), y)
    assert single.coef_.dtype == np.float32 and single.convergence_["relative_gap"] <= 1e-6
    assert_allclose(single.coef_, double.coef_, rtol=5e-3, atol=1e-7)


@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_one_column_of_large_numbers(solver):
    Z, y = made()
    model = MaxEntClassifier(solver=solver).fit(Z * [3e4, 1, 1], y)
    assert model.convergence_["relative_gap"] <= 1e-6 and model.convergence_["n_products"] < 100
    assert loss(model, Z * [3e4, 1, 1], y) < 0.9 * np.log(2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("uniform", [False, True])
def test_units_are_exact(dtype, container, uniform):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 5)) * 10.0 ** np.array([0, 4, -6, 0, 3])
    X[:, 0] = 1_000_000 + rng.integers(0, 100, 50) / 8  # exact in float32 too
    X[:, 3] = 7.0
    X = X.astype(dtype)
    part, units = ordinary_units(CONTAINERS[container](X), True, uniform)
    dense = part.toarray() if sparse.issparse(part) else part
    assert dense.dtype == dtype
    assert_array_equal(np.frexp(units.scale)[0], 0.5)  # powers of two
    back = dense.astype(float) * units.scale + units.shift
    assert_array_equal(back, X.astype(float))
    assert_array_equal(units.shift[[1, 2, 4]], 0)
    assert_array_equal(dense[:, 3], 0)  # constant: the intercept's
    assert len(set(units.scale)) == 1 or not uniform
    unshifted = ordinary_units(CONTAINERS[container](X), False, uniform)[1]
    assert unshifted.shift is None


def test_ordinary_columns_are_left_alone():
    X = np.random.default_rng(0).uniform(0.01, 20, (40, 4))
    for container in CONTAINERS.values():
        same, units = ordinary_units(container(X), True)
        assert units is None and same.shape == X.shape
    assert ordinary_units(X, True)[0] is X


def test_rounding_of_a_shift_widens_single_precision():
    X = (1e4 + np.arange(4000.0)[:, None] % 50).astype(np.float32)
    assert ordinary_units(X, True)[0].dtype == np.float32
    X[7] = 0.1  # 0.1 - 1e4 is no number of single precision
    part, units = ordinary_units(X, True)
    assert part.dtype == np.float64
    assert_array_equal(part + units.shift, X)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("scale", [1e-40, 1e-12, 1e12, 1e40])
def test_columns_beyond_single_precision(monkeypatch, scale, l1_ratio):
    """Steps in single precision only where it holds the penalty of each column."""
    monkeypatch.setattr(newton_cg, "SINGLE_ENTRIES", 0)
    monkeypatch.setattr(working_set, "SINGLE_ENTRIES", 0)
    Z, y = made(n=400, K=3)
    plain = MaxEntClassifier(l1_ratio=l1_ratio, penalty_weights=[1, 1, 0.5] if l1_ratio else None).fit(Z, y)
    X = Z * [1, 1, scale]
    if l1_ratio:  # the penalty of the column in its own units
        model = MaxEntClassifier(l1_ratio=1.0, penalty_weights=[1, 1, 0.5 * scale]).fit(X, y)
        assert_allclose(model.coef_ * [1, 1, scale], plain.coef_, atol=1e-3)
    else:
        model = MaxEntClassifier(solver="newton-cg").fit(X, y)
    assert model.convergence_["relative_gap"] <= 1e-6


# ---- row weights and the range of numbers


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("dtype, exponents", [(np.float64, (-200, 200)), (np.float32, (-40, 40))])
def test_weights_on_any_scale(dtype, exponents, l1_ratio):
    Z, y = made(n=200, K=3)
    weights = np.random.default_rng(1).uniform(0.5, 2, 200)
    plain = MaxEntClassifier(l1_ratio=l1_ratio).fit(Z.astype(dtype), y, weights)
    for exponent in exponents:
        scale = 2.0 ** round(exponent / np.log10(2))
        model = MaxEntClassifier(C=1 / scale, l1_ratio=l1_ratio).fit(Z.astype(dtype), y, weights * scale)
        assert_allclose(model.coef_, plain.coef_, rtol=1e-5, atol=1e-7)
        assert model.convergence_["relative_gap"] <= 1e-6


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("container", ["dense", "csr"])
def test_rows_beyond_single_precision_have_probabilities(K, container):
    Z, y = made(n=100, K=K)
    model = MaxEntClassifier().fit(Z.astype(np.float32), y)
    far = [[1e300, 0, 0], [0, -1e308, 1e308], [1e39, 1e39, 0], [0.1, 0.2, 0.3]]
    rows = CONTAINERS[container](np.array(far))

    proba, log_proba = model.predict_proba(rows), model.predict_log_proba(rows)
    assert not np.isnan(proba).any() and not np.isnan(log_proba).any()
    assert_allclose(proba.sum(axis=1), 1)
    assert_array_equal(model.predict(rows), proba.argmax(axis=1))
    near = CONTAINERS[container](np.array([[0.1, 0.2, 0.3]]))
    assert_allclose(proba[3], model.predict_proba(near)[0], rtol=1e-6)


# ---- collinear columns, wide data, memory


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_collinear_columns_without_a_prior_have_the_least_norm(solver, K):
    Z, y = made(n=300, K=K)
    X = np.column_stack([Z, np.ones(300), Z[:, 0] + 2 * Z[:, 1], np.zeros(300)])
    model = MaxEntClassifier(C=np.inf, solver=solver).fit(X, y)
    assert_allclose(model.coef_[:, [3, 5]], 0, atol=1e-9)  # the intercept does it
    # Any other weights with the same scores are longer: the rest is orthogonal to the null direction.
    assert_allclose(model.coef_[:, [0, 1, 4]] @ [1, 2, -1], 0, atol=1e-8)
    alone = MaxEntClassifier(C=np.inf, tol=1e-9).fit(Z, y)
    assert_allclose(model.predict_proba(X), alone.predict_proba(Z), atol=1e-4)


def test_least_norm_against_the_pseudo_inverse():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3)) @ rng.standard_normal((3, 6))
    W, scale = rng.standard_normal((6, 2)), np.ones(6)
    weights, change = least_norm(X, W, scale, False)
    assert_allclose(weights, np.linalg.pinv(X) @ X @ W, atol=1e-10)
    assert_array_equal(change, 0)
    weights, change = least_norm(X + 3, W, scale, True)
    assert_allclose((X + 3) @ weights + change, (X + 3) @ W, atol=1e-9)


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("C", [1.0, 1e6])
def test_wide_dense_data_are_rotated_to_the_same_optimum(K, C):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 600)), rng.integers(0, K, 40)
    model = MaxEntClassifier(C=C).fit(X, y)
    assert model.convergence_["solver"] == "newton-cholesky" and model.coef_.shape[1] == 600
    other = MaxEntClassifier(C=C, solver="newton-cg", tol=1e-10).fit(X, y)
    assert_allclose(model.coef_, other.coef_, atol=1e-3 * np.abs(other.coef_).max())
    assert model.convergence_["objective"] == pytest.approx(other.convergence_["objective"], rel=1e-6)


def test_weights_that_cannot_be_held(monkeypatch):
    X = sparse.csr_array(([1.0, 1.0], ([0, 1], [0, 10**6 - 1])), shape=(2, 10**6))
    monkeypatch.setattr(memory, "physical_memory", lambda: 10**6)
    with pytest.raises(MemoryError, match=r"8000000 bytes.*features='observed'.*float32"):
        MaxEntClassifier().fit(X, [0, 1])
    with pytest.raises(MemoryError, match="4000000 bytes"):
        MaxEntClassifier().fit(X.astype(np.float32), [0, 1])
    assert MaxEntClassifier(features="observed").fit(X, [0, 1]).coef_.shape == (1, 10**6)
    assert memory.physical_memory() == 10**6


def test_messages_that_help(capsys):
    Z, y = made(n=60)
    X = Z * [1e9, 1, 1] + [1e13, 0, 0]
    with pytest.warns(ConvergenceWarning, match="scale the columns"):
        MaxEntClassifier(tol=0, fit_intercept=False).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="float64, or increase tol"):
        MaxEntClassifier(tol=1e-12).fit((Z + [3e3, 0, 0]).astype(np.float32), y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MaxEntClassifier(verbose=1).fit(Z, y)
    lines = capsys.readouterr().out.splitlines()
    assert all("gap" in line and line.endswith("% of the way to tol") for line in lines)
