"""The split design is the matrix of its pairs, whatever its block and its lanes."""

import numpy as np
import pytest
from scipy import sparse

from skmaxent.convex.design import split
from skmaxent.convex.design.split import SplitDesign
from skmaxent.numerics.threads import Workers

N, D, K = 40, 15, 5


def parts(indicators, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.random((N, D)) < rng.random(D)) * (1.0 if indicators else rng.normal(size=(N, D)))
    X = X.astype(np.float32)
    pairs = np.argwhere(rng.random((D, K)) < rng.random((D, 1)))
    return X, rng.permutation(pairs)


@pytest.fixture(params=[1, 10**6], ids=["lanes", "one lane"])
def lanes(request, monkeypatch):
    monkeypatch.setattr(split, "LANE_ENTRIES", request.param)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("indicators", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.1], ids=["block", "both", "pairs"])
def test_products_are_those_of_the_matrix(lanes, indicators, dtype, share, monkeypatch):
    monkeypatch.setattr(split, "SHARE", share)
    X, pairs = parts(indicators)
    rng, tol = np.random.default_rng(1), 1e-5 if dtype == np.float32 else 1e-12
    with Workers(2) as workers:
        design = SplitDesign(sparse.csc_array(X), *pairs.T, K, workers, np.float64).astype(dtype)
        np.testing.assert_array_equal(pairs[design.order].T, [design.columns, design.classes])
        w, R = rng.normal(size=(len(pairs), 1)).astype(dtype), rng.normal(size=(N, K)).astype(dtype)
        W = np.zeros((D, K))
        W[design.columns, design.classes] = w[:, 0]
        forward, adjoint = design.forward(w), design.adjoint(R)
    assert forward.dtype == adjoint.dtype == dtype
    np.testing.assert_allclose(forward, X.astype(float) @ W, atol=tol)
    exact = (X.astype(float).T @ R)[design.columns, design.classes]
    np.testing.assert_allclose(adjoint[:, 0], exact, atol=10 * tol)


@pytest.mark.parametrize("indicators", [True, False])
def test_norms_for_the_proofs(indicators):
    X, pairs = parts(indicators)
    with Workers() as workers:
        design = SplitDesign(sparse.csc_array(X), *pairs.T, K, workers, np.float64)
    squares = np.square(X.astype(float))
    np.testing.assert_allclose(design.weight_squares()[:, 0], squares.sum(axis=0)[design.columns])
    n_terms, longest = design.row_bounds()
    assert n_terms == np.count_nonzero(X, axis=1).max()
    assert longest == pytest.approx(np.sqrt(squares.sum(axis=1).max()))


def test_threads_give_the_same_bits(lanes):
    X, pairs = parts(False)
    results = []
    for n in (1, 3):
        with Workers(n) as workers:
            design = SplitDesign(sparse.csc_array(X), *pairs.T, K, workers, np.float32)
            w = np.linspace(-1, 1, len(pairs), dtype=np.float32)[:, None]
            results.append((design.forward(w).tobytes(), design.adjoint(design.forward(w)).tobytes()))
    assert results[0] == results[1]
