"""The repair of a dual point under an elastic net: which weights it takes, what it reaches, what is left."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import make_likelihood, random_sparse

from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.proofs import elastic_net
from skmaxent.convex.proofs.rounding import EPS
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers

N, D = 60, 5


def made(kind="multinomial", lasso=0.7, ridge=0.0):
    X = random_sparse(N, D, density=0.6)
    workers = Workers()
    objective = Objective.build(
        X, make_likelihood(kind, "masses", N), ElasticNet(lasso, ridge), True, Vectors(workers)
    )
    coords = 0.05 * np.random.default_rng(3).standard_normal(objective.coords_shape)
    coords[1::2] = 0
    return X.toarray(), objective, objective.point(coords, np.zeros(coords.shape[1]))


@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_the_repair_reaches_what_the_conditions_ask_for(kind):
    X, objective, point = made(kind)
    loss = objective.gradient(point).loss
    mask = np.random.default_rng(0).uniform(size=loss.shape) < 0.7
    if kind == "multinomial":  # all classes of a column sum to 0, which targets need not
        mask[:, 0] = False
    step, target, after, left = objective.proof._repaired(point, loss, mask)
    W = point.coords
    assert_allclose(target[W != 0], -0.7 * np.sign(W[W != 0]), rtol=1e-12)
    assert_allclose(target[W == 0], np.clip(loss, -0.7, 0.7)[W == 0], rtol=1e-12)
    assert (np.abs(target) <= 0.7 * (1 - 2 * EPS)).all()  # rounding does not take it beyond the edge
    assert (np.abs(target[W != 0]) >= 0.7 * (1 - 8 * EPS)).all()
    assert step.masses is not None
    assert_allclose(after, X.T @ objective.likelihood.residual(step.masses), atol=1e-9)
    assert_allclose(after[mask], target[mask], atol=1e-9)
    assert 0 <= left < 1e-20


def test_doubtful_weights_are_in_use_or_may_exceed_their_bound():
    ridge = np.zeros((D, 3))
    ridge[:, 2] = 0.1
    X, objective, point = made(ridge=ridge, lasso=0.7)
    loss = np.zeros((D, 3))
    norms = np.linalg.norm(X, axis=0)
    heaviest = np.sqrt(objective.likelihood.weights.max())
    residual, decrement = 1e12, 1e-4
    error = norms * (np.sqrt(N) * EPS * residual + 1e-2 * heaviest)
    loss[1] = 0.7 - 0.99 * error[1]
    loss[3] = -(0.7 - 1.01 * error[3])
    wanted = np.zeros((D, 3), dtype=bool)
    wanted[[0, 1, 2, 4], :2] = True
    assert_array_equal(objective.proof._doubtful(point, loss, residual, decrement), wanted)


def test_a_value_below_the_bound_proves_nothing():
    _, objective, point = made()
    proof, value = objective.proof, objective.value(point)
    error = proof._value_error(point, 1.0)
    assert error > 0
    proof._bound = value - 2.0
    assert_allclose(proof._above_bound(point, 1.0), 2.0 + error, rtol=1e-12)
    proof._bound = value + 1.0
    assert proof._above_bound(point, 1.0) == np.inf
    assert proof._bound == -np.inf


def test_where_there_is_a_last_resort(monkeypatch):
    ridge = np.full((D, 3), 0.1)
    for part, side, there in ((0.0, 3 * D, True), (0.0, 3 * D - 1, False), (0.1, 3 * D, False)):
        monkeypatch.setattr(elastic_net, "SIDE", side)
        ridge[0, 0] = part
        assert bool(made(ridge=ridge)[1].proof.repairable) == there


@pytest.mark.parametrize("repaired", [False, True])
def test_all_that_is_not_exact_is_taken_from_the_bound(repaired):
    """More decrement, or a value that is less exact, lowers the bound by what it can be wrong by."""
    X, objective, point = made(lasso=3.0)
    loss = objective.gradient(point).loss
    masses, repair = point.expected, None
    if repaired:
        mask = np.ones(loss.shape, dtype=bool)
        step, target, loss, _ = objective.proof._repaired(point, loss, mask)
        masses, repair = step.masses, (mask, target)

    def bound(decrement, value_error=0.0):
        objective.likelihood.value_error = value_error
        proof = elastic_net.ElasticNetProof(objective)
        proof._add_bound(point, masses, loss, 1.0, decrement, repair)
        return proof._bound, proof._unsettled

    exact, none = bound(0.0)
    assert none == 0
    assert_allclose(bound(0.0, 0.25)[0], exact - 0.25, rtol=1e-12)
    for decrement in (1e-8, 1e-6):
        found, unsettled = bound(decrement)
        root = np.sqrt(decrement)
        coupled = np.linalg.norm(X) * np.sqrt(objective.likelihood.weights.max())
        least = decrement + root * coupled * np.linalg.norm(point.coords)
        assert unsettled >= least
        gap = objective.value(point) - exact
        assert unsettled - least <= 2 * root * np.sqrt(gap) * 1.1
        assert unsettled - least >= 2 * root * np.sqrt(gap) * 0.9
        assert found <= exact - unsettled
