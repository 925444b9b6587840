"""The elastic net as a function: values, conjugates against their definition, shares, the columns in use."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import make_likelihood, random_sparse

from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import FEW, ElasticNet
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers

D, K = 5, 3
COLUMNS = np.array([[0.5], [1.0], [0.0], [2.0], [np.inf]])
STRENGTHS = {
    "Laplace": (0.7, 0.0),
    "Gaussian": (0.0, 0.6),
    "both": (0.7, 0.6),
    "a ridge on some": (COLUMNS, np.array([[0.0], [0.4], [3.0], [0.0], [0.0]])),
    "each its own": (COLUMNS + np.zeros((1, K)), np.arange(15.0).reshape(D, K) % 4),
}


@pytest.fixture(params=STRENGTHS)
def penalty(request):
    return ElasticNet(*STRENGTHS[request.param])


def full(penalty, d=D):
    """Both strengths of every weight."""
    return (np.broadcast_to(part, (d, K)) for part in (penalty.lasso, penalty.ridge))


def weights_of(penalty, d=D):
    W = np.random.default_rng(0).standard_normal((d, K))
    W[1, 1] = 0
    return np.where(np.isinf(next(full(penalty, d))), 0, W)


def test_values(penalty):
    W = weights_of(penalty)
    lasso, ridge = full(penalty)
    wanted = np.sum(np.where(np.isinf(lasso), 0, lasso) * np.abs(W) + 0.5 * ridge * W**2)
    assert_allclose(penalty.value(W), wanted, rtol=1e-13)
    assert_allclose(penalty.times(1.7).value(W), 1.7 * wanted, rtol=1e-13)


@pytest.mark.parametrize("strengths", [(0.7, 0.0), (0.0, 0.6), (0.7, 0.6)])
def test_many_weights_have_the_value_of_few(strengths):
    penalty = ElasticNet(*strengths)
    W = weights_of(penalty, FEW)
    wanted = sum(penalty.value(part) for part in np.array_split(W, 5))
    assert_allclose(penalty.value(W), wanted, rtol=1e-12)


def test_the_conjugate_is_the_largest_value_of_a_line_less_the_penalty(penalty):
    lasso, ridge = full(penalty)
    # Within all bounds where a weight has no ridge, beyond some of the others.
    G = np.where(ridge > 0, np.where(np.isinf(lasso), 50, 2 * lasso + 1), 0.9 * np.minimum(lasso, 1e3))
    G *= np.where(np.arange(D * K).reshape(D, K) % 2, -1, 1)
    # sup over w of share |G| w - lasso w - ridge / 2 w^2, w >= 0, on a grid about its vertex
    for share in (1.0, 0.4):
        slope = share * np.abs(G) - lasso
        vertex = np.where((slope > 0) & (ridge > 0), slope, 0) / np.where(ridge > 0, ridge, 1)
        w = vertex * np.linspace(0, 2, 201)[:, None, None]
        lines = np.where(w > 0, np.where(np.isinf(slope), 0, slope), 0) * w - 0.5 * ridge * w**2
        assert_allclose(penalty.conjugate(G, share), lines.max(axis=0).sum(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", ["Laplace", "a ridge on some"])
def test_beyond_the_bound_of_a_weight_without_ridge_there_is_no_dual_point(kind):
    penalty = ElasticNet(*STRENGTHS[kind])
    bound = float(np.ravel(penalty.lasso)[0])
    G = np.zeros((D, K))
    G[0, 0] = bound
    assert penalty.conjugate(G) == 0
    assert penalty.shares(G)
    G[0, 0] = bound + 1e-9
    assert penalty.conjugate(G) == np.inf
    assert penalty.conjugate(G, max(penalty.shares(G))) == 0


def test_shares_are_the_largest_that_have_a_dual_point(penalty):
    lasso, ridge = full(penalty)
    inside = 0.5 * np.minimum(np.where(lasso > 0, lasso, 1), 10)
    assert penalty.shares(inside) == {1.0}
    beyond = np.where(lasso > 0, 3 * np.minimum(lasso, 10), 0)
    beyond[np.isinf(lasso)] = 7
    largest = max(penalty.shares(beyond))
    bounded = np.any((lasso > 0) & (ridge == 0) & np.isfinite(lasso))
    assert_allclose(largest, 1 / 3 if bounded else 1, rtol=1e-14)
    assert np.isfinite(penalty.conjugate(beyond, largest))
    least = min(penalty.shares(beyond))
    assert penalty.conjugate(np.where(lasso > 0, beyond, 0), least) == 0


def test_the_support_counts_columns():
    workers = Workers()
    likelihood = make_likelihood("multinomial", "codes", 40, workers=workers)
    objective = Objective.build(
        random_sparse(40, D), likelihood, ElasticNet(0.5, 0.1), True, Vectors(workers)
    )
    W = np.zeros((D, K))
    W[3], W[1, 2] = [0.1, -0.2, 0.3], 0.4
    assert objective.gradient(objective.point(W, np.zeros(K))).support == 2
    W[1], W[3] = 0, [0.1, 0, 0.3]
    assert objective.gradient(objective.point(W, np.zeros(K))).support == 1
