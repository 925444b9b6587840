"""Hessian products have their arrays of the rows in memory of their own: none is made anew."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import random_sparse
from scipy import sparse

from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.design.shared_pairs import ObservedDesign
from skmaxent.convex.intercept import Elimination
from skmaxent.convex.likelihood import Binary, Multinomial
from skmaxent.numerics.sparse import add_product
from skmaxent.numerics.threads import Buffers, Workers

N, D, K = 40_000, 12, 20


def likelihood_of(n_outputs, workers, n=N):
    rng = np.random.default_rng(0)
    codes = rng.integers(max(n_outputs, 2), size=n)
    kind = Binary if n_outputs == 1 else Multinomial
    return kind(codes, None, rng.uniform(0.5, 2, n), n_outputs, workers)


def design_of(kind, n_outputs, workers):
    X = sparse.csr_array(sparse.random(N, D, 0.2, random_state=0, format="csr"))
    if kind == "dense":
        return make_design(X.toarray(), n_outputs, workers)
    if kind == "pairs":  # few columns, with all classes: a dense block
        columns, classes = np.divmod(np.arange(D * n_outputs - 1), n_outputs)
        return ObservedDesign(X.tocsc(), columns, classes, n_outputs, workers)
    return make_design(X, n_outputs, workers)


@pytest.mark.parametrize("n_outputs", [1, 5, K])
@pytest.mark.parametrize("kind", ["rows", "dense", "pairs"])
def test_a_product_makes_no_array_of_the_rows(kind, n_outputs):
    if n_outputs == 1 and kind == "pairs":
        pytest.skip("binary problems have one weight a column")
    with Workers() as workers:
        design, likelihood, buffers = (
            design_of(kind, n_outputs, workers),
            likelihood_of(n_outputs, workers),
            Buffers(),
        )
        W = np.random.default_rng(1).normal(size=(design.shape[1], 1 if kind == "pairs" else n_outputs))
        expected = np.empty((N, n_outputs))
        likelihood.evaluate(design.forward(W), expected)
        shift = np.arange(n_outputs, dtype=float)
        first = design.curved(likelihood, expected, W, shift, buffers)
        eliminate = Elimination(likelihood, expected, 1e-3 * np.eye(n_outputs))
        design.curved(likelihood, expected, W, eliminate, buffers)
        tracemalloc.start()
        try:
            again = design.curved(likelihood, expected, W, shift, buffers)
            follows = design.curved(likelihood, expected, W, eliminate, buffers)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        scores = design.forward(W)
        plain = likelihood.curvature(expected, scores, shift)
        eliminated = design.adjoint(likelihood.curvature(expected, scores, eliminate(scores)))
    # A block of rows, weights, and no more.
    assert peak < 0.5 * expected.nbytes + 5 * 65_536 * 8 * (n_outputs < 8)
    assert_allclose(first[0], design.adjoint(plain), rtol=1e-9, atol=1e-9)
    assert_allclose(first[1], plain.sum(axis=0), rtol=1e-9, atol=1e-9)
    for one, other in zip(first, again):
        np.testing.assert_array_equal(one, other)
    assert_allclose(follows[0], eliminated, rtol=1e-9, atol=1e-9)
    assert follows[1] is None


@pytest.mark.parametrize("n_outputs", [1, 3, 12])
def test_curvature_in_place_is_the_same(n_outputs):
    workers = Workers()
    likelihood = likelihood_of(n_outputs, workers, 50)
    rng = np.random.default_rng(0)
    expected, V = np.empty((50, n_outputs)), rng.normal(size=(50, n_outputs))
    likelihood.evaluate(rng.normal(size=(50, n_outputs)), expected)
    for shift in (None, rng.normal(size=n_outputs)):
        apart = likelihood.curvature(expected, V.copy(), shift)
        both = V.copy()
        assert likelihood.curvature(expected, both, shift, out=both) is both
        assert_allclose(both, apart, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("dtypes", [(float, float), (np.float32, float), (float, np.float32)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_product_is_added_in_place(kind, dtypes, order):
    A = random_sparse(30, 8, dtype=dtypes[0]).asformat(kind)
    W = np.asarray(np.random.default_rng(0).normal(size=(8, 3)), dtype=dtypes[1], order=order)
    out = np.ones((30, 3), dtypes[1])
    add_product(A, W, out)
    assert_allclose(out, 1 + A.toarray() @ W, rtol=1e-5, atol=1e-5)
    assert out.dtype == dtypes[1]
    other = np.ones((30, 3), np.float32)
    add_product(A, W, other)  # of another precision than W
    assert_allclose(other, 1 + A.toarray() @ W, rtol=1e-5, atol=1e-5)


def test_single_precision_stays_single_where_columns_are_shifted():
    """The median of a column's weights has their precision; in float64 all that follows took longer."""
    from skmaxent.convex.objective import Objective
    from skmaxent.convex.penalty import ElasticNet
    from skmaxent.convex.solvers.orthant_newton import shift_columns
    from skmaxent.convex.spaces import Vectors, WeightSpace

    workers = Workers()
    vectors, X = Vectors(workers), random_sparse(50, 6)
    design = make_design(X, 3, workers)
    parts = WeightSpace(design, vectors), likelihood_of(3, workers, 50), ElasticNet(0.5, 0.0), True, vectors
    single = Objective(*parts).astype(np.float32)
    point = single.point(np.array([[1.0, 2, 3]] * 6), np.zeros(3))
    shift_columns(single, point)
    assert_allclose(point.coords, [[-1, 0, 1]] * 6)
    assert point.coords.dtype == np.float32
