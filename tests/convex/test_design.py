"""Every layout of the design: products, adjoints, precision, threads."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse

from skmaxent.convex.design import blocks as design_module
from skmaxent.convex.design import dense
from skmaxent.convex.design.blocks import ColumnBlocks, RowBlocks, make_design
from skmaxent.convex.design.dense import DenseDesign
from skmaxent.convex.intercept import Elimination
from skmaxent.convex.likelihood import Multinomial
from skmaxent.numerics.threads import Workers

DESIGNS = ["ColumnBlocks", "RowBlocks", "DenseDesign"]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def small_blocks(monkeypatch):
    """Several lanes and blocks even on small arrays."""
    monkeypatch.setattr(design_module, "LANE_WORK", 50)
    monkeypatch.setattr(design_module, "NARROW_LANE", 50)
    monkeypatch.setattr(dense, "DENSE_LANE", 50)
    monkeypatch.setattr(design_module, "BLOCK_NNZ", 20)
    monkeypatch.setattr(design_module, "SHORT_ENTRIES", 30)


def build_design(name, dtype, n_outputs, workers):
    X = random_sparse(*{"ColumnBlocks": (17, 60), "RowBlocks": (60, 17)}.get(name, (40, 9)), dtype=dtype)
    X = X if name != "DenseDesign" else X.toarray()
    made = make_design(X, n_outputs, workers)
    assert type(made).__name__ == name
    return X, made


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_outputs", [1, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DESIGNS)
def test_products_of_every_design(rng, small_blocks, name, dtype, n_outputs, threads):
    with Workers(threads) as workers:
        X, design = build_design(name, dtype, n_outputs, workers)
        n, d = X.shape
        W = rng.standard_normal((d, n_outputs)).astype(dtype)
        R = rng.standard_normal((n, n_outputs)).astype(dtype)
        forward, adjoint, (gram, peak) = design.forward(W), design.adjoint(R), design.gram(R)
        squares = design.squared_adjoint(R)
    tolerance = TOLERANCE[dtype]
    full = (X.toarray() if sparse.issparse(X) else X).astype(float)
    for product, expected in [
        (forward, full @ W),
        (adjoint, full.T @ R),
        (gram, full @ (full.T @ R)),
        (squares, (full**2).T @ R),
    ]:
        assert product.dtype == dtype
        assert_allclose(product, expected, rtol=tolerance, atol=10 * tolerance)
    assert peak == pytest.approx(np.abs(full.T @ R).max(), rel=tolerance)
    assert np.vdot(forward, R) == pytest.approx(np.vdot(W, adjoint), rel=10 * tolerance)  # the adjoint


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DESIGNS[:2])
def test_few_columns_are_multiplied_one_by_one(
    rng, small_blocks, monkeypatch, name, dtype, n_outputs, threads
):
    monkeypatch.setattr(design_module, "NARROW_ENTRIES", 0)
    with Workers(threads) as workers:
        X, design = build_design(name, dtype, n_outputs, workers)
        W = rng.standard_normal((X.shape[1], n_outputs)).astype(dtype)
        R = rng.standard_normal((X.shape[0], n_outputs)).astype(dtype)
        out = np.full_like(R, np.nan)
        adjoint, (gram, peak) = design.adjoint(R), design.gram(R)
        assert design.forward(W, out) is out
        for product in (out, adjoint, gram):
            assert product.flags.c_contiguous and product.dtype == dtype
        tolerance, full = TOLERANCE[dtype], X.toarray().astype(float)
        assert_allclose(design.forward(W), full @ W, rtol=tolerance, atol=10 * tolerance)
        assert_array_equal(out, design.forward(W))
        assert_allclose(design.forward(np.asfortranarray(W)), full @ W, rtol=tolerance, atol=10 * tolerance)
    assert_allclose(adjoint, full.T @ R, rtol=tolerance, atol=10 * tolerance)
    assert_allclose(gram, full @ (full.T @ R), rtol=tolerance, atol=10 * tolerance)
    assert peak == pytest.approx(np.abs(full.T @ R).max(), rel=tolerance)


@pytest.mark.parametrize("shift", ["none", "known", "follows"])
@pytest.mark.parametrize("n_outputs", [2, 3, 4, 9])
@pytest.mark.parametrize("name", DESIGNS)
def test_hessian_products(rng, small_blocks, monkeypatch, name, n_outputs, shift):
    """Of few classes, which are multiplied one by one, and of more; in one walk over the rows, or in two."""
    monkeypatch.setattr(design_module, "NARROW_ENTRIES", 0)
    X, design = build_design(name, np.float64, n_outputs, Workers())
    (n, d), weights = X.shape, rng.uniform(0.5, 2, X.shape[0])
    likelihood = Multinomial(rng.integers(n_outputs, size=n), None, weights, n_outputs, Workers())
    expected = likelihood.zeros()
    likelihood.evaluate(rng.standard_normal((n, n_outputs)), expected)
    U, V = rng.standard_normal((2, d, n_outputs))
    c = rng.standard_normal(n_outputs) if shift == "known" else np.zeros(n_outputs)
    inverse = rng.standard_normal((n_outputs, n_outputs)) / n
    given = {"none": None, "known": c, "follows": Elimination(likelihood, expected, inverse)}[shift]
    P, full = expected / weights[:, None], X.toarray() if sparse.issparse(X) else X
    Z = full @ V + c
    if shift == "follows":
        Z -= inverse @ (expected * (Z - (P * Z).sum(axis=1, keepdims=True))).sum(axis=0)
    curved = expected * (Z - (P * Z).sum(axis=1, keepdims=True))
    before = design.tally[0]
    product, totals = design.curved(likelihood, expected, V, given)
    assert design.tally[0] == before + 1
    assert_allclose(product, full.T @ curved, rtol=1e-10, atol=1e-10)
    if shift == "follows":
        assert totals is None
    else:
        assert_allclose(totals, curved.sum(axis=0), rtol=1e-10, atol=1e-10)
    if shift == "none":  # symmetric, and positive semi-definite
        assert np.vdot(U, product) == pytest.approx(np.vdot(design.curved(likelihood, expected, U)[0], V))
        assert np.vdot(V, product) > 0
        assert_allclose(design.curved(likelihood, expected, np.ones_like(V))[0], 0, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DESIGNS)
def test_products_are_bit_equal_for_any_number_of_threads(rng, small_blocks, name, dtype):
    results, K = [], 5
    for threads in (1, 2, 3):
        rng = np.random.default_rng(2)
        with Workers(threads) as workers:
            X, design = build_design(name, dtype, K, workers)
            if name != "DenseDesign":
                assert len(design._lanes) > 1 and len(design._blocks) > 1
            W = rng.standard_normal((X.shape[1], K)).astype(dtype)
            R = rng.standard_normal((X.shape[0], K)).astype(dtype)
            likelihood = Multinomial(None, R**2, (R**2).sum(axis=1), K, workers)
            eliminate = Elimination(likelihood, R**2, np.eye(K, dtype=dtype))
            products = design.forward(W), design.adjoint(R), design.gram(R)[0], design.squared_adjoint(R)
            curved = [design.curved(likelihood, R**2, W, shift)[0] for shift in (None, eliminate)]
            results.append([*products, *curved])
    for other in results[1:]:
        for one, two in zip(results[0], other):
            assert_array_equal(one, two)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_kernel_is_made_once_it_pays(rng, small_blocks, threads):
    n, d, rows = 30, 70, dense.KERNEL_ROWS
    X = rng.standard_normal((n, d))
    with Workers(threads) as workers:
        design = make_design(X, 1, workers)
        assert design.kernel() is None
        design.tally[0] = 0.99 * n / rows
        assert design.kernel() is None
        design.tally[0] = n / rows
        assert_allclose(design.kernel(), X @ X.T, atol=1e-12)
    assert make_design(sparse.csr_array(X), 1, Workers(), np.float32).kernel() is None


@pytest.mark.parametrize("name", DESIGNS)
def test_design_in_another_precision_and_the_tally(rng, name):
    X, design = build_design(name, np.float64, 2, Workers())
    single = design.astype(np.float32)
    W, R = rng.standard_normal((X.shape[1], 2)), rng.standard_normal((X.shape[0], 2))
    assert single.forward(W.astype(np.float32)).dtype == np.float32
    design.adjoint(R)
    design.gram(R)
    assert design.tally == single.tally == [2.0]  # products are counted in both precisions together
    if sparse.issparse(X):
        assert np.shares_memory(single.X.indices, design.X.indices)


def test_conversion_copies_nothing_that_fits():
    wide, tall = random_sparse(5, 20).tocsc(), random_sparse(20, 5)
    assert isinstance(make_design(wide, 2, Workers()), ColumnBlocks)
    for X, layout in [(wide, ColumnBlocks), (tall, RowBlocks)]:
        design = make_design(X, 2, Workers())
        assert isinstance(design, layout)
        assert np.shares_memory(design.X.data, X.data)
        assert np.shares_memory(design._blocks[0][1].data, X.data)
    dense = np.ones((20, 5))
    assert np.shares_memory(make_design(dense, 2, Workers()).X, dense)
    assert isinstance(make_design(dense, 2, Workers()), DenseDesign)
