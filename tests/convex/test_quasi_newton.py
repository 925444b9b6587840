"""The quasi-Newton solver of first derivatives: directions by the textbook, optima by other solvers."""

import numpy as np
import pytest

from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet, Gaussian
from skmaxent.convex.problem import Problem
from skmaxent.convex.solvers import lbfgs, quasi_newton, working_set
from skmaxent.convex.solvers.control import Control
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers


def objective(penalty, workers, n=60, d=8, K=4):
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(n, d)), rng.integers(K, size=n)
    likelihood = Problem(X, np.ones(n), K, codes=codes).likelihood(workers)
    return Objective.build(X, likelihood, penalty, False, Vectors(workers))


def textbook(pairs, gradient):
    """Nocedal & Wright, algorithm 7.4, in float64."""
    q, alphas = gradient.copy(), []
    for s, y in reversed(pairs):
        alphas.append(np.vdot(s, q) / np.vdot(s, y))
        q -= alphas[-1] * y
    if pairs:
        s, y = pairs[-1]
        q *= np.vdot(s, y) / np.vdot(y, y)
    for (s, y), alpha in zip(pairs, reversed(alphas)):
        q += (alpha - np.vdot(y, q) / np.vdot(s, y)) * s
    return -q


@pytest.mark.parametrize("block", [5, 10**5])
def test_directions_are_those_of_the_textbook(block, monkeypatch):
    """Also after the memory has gone round, and where a pair without curvature is passed over."""
    monkeypatch.setattr(quasi_newton.Memory, "BLOCK", block)
    rng = np.random.default_rng(0)
    A = rng.normal(size=(32, 32))
    A = A @ A.T / 32 + np.eye(32)
    with Workers() as workers:
        memory, kept = quasi_newton.Memory(objective(Gaussian(1.0), workers)), []
        for i in range(2 * quasi_newton.MEMORY + 3):
            gradient = rng.normal(size=(8, 4))
            if i:
                s = rng.normal(size=(8, 4))
                y = -s if i == 7 else (A @ s.ravel()).reshape(8, 4)
                memory.remember(s, y)
                kept += [(s, y)] if i != 7 else []
                kept = kept[-quasi_newton.MEMORY :]
            expected = textbook(kept, gradient)
            found = memory.direction(gradient)
            np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())
            if i != 7:
                assert len(memory) == len(kept)


@pytest.mark.parametrize(
    "penalty, other",
    [(Gaussian(0.3), lbfgs), (ElasticNet(1.0, 0.3), working_set), (ElasticNet(2.0, 0.0), working_set)],
)
def test_the_optimum_is_that_of_other_solvers(penalty, other):
    values = []
    with Workers() as workers:
        for solver in (quasi_newton, other):
            F = objective(penalty, workers)
            control = Control(1e-9, 500, 60.0, lambda *line: False)
            point = F.point(np.zeros(F.coords_shape), np.zeros(4))
            point, gradient = solver.solve(F, point, control)
            assert control.reason == "converged" and gradient.gap <= 1e-9 * F.value(point)
            values.append(F.value(point))
    assert values[0] == pytest.approx(values[1], rel=2e-9)
