"""Solvers touch rows through likelihood, space and vectors alone: rows may lie in blocks held apart."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rows_apart import Rows, apart
from scipy import sparse

from problems import random_sparse  # isort: skip

from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.likelihood import Binary, Multinomial
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet, Gaussian
from skmaxent.convex.solvers import SOLVERS
from skmaxent.convex.solvers.control import Control
from skmaxent.convex.spaces import RowSpace, Vectors, WeightSpace
from skmaxent.convex.starts import zero_start
from skmaxent.numerics.threads import Workers

CASES = {
    "newton-cg on weights": ("newton-cg", WeightSpace, Gaussian(0.7)),
    "newton-cg on rows": ("newton-cg", RowSpace, Gaussian(0.7)),
    "lbfgs on weights": ("lbfgs", WeightSpace, Gaussian(0.7)),
    "lbfgs on rows": ("lbfgs", RowSpace, Gaussian(0.7)),
    "newton-cholesky": ("newton-cholesky", WeightSpace, Gaussian(0.7)),
    "working-set, Laplace": ("working-set", WeightSpace, ElasticNet(0.8, 0.0)),
    "working-set, elastic net": ("working-set", WeightSpace, ElasticNet(0.5, 0.4)),
}


def problem(kind, labels):
    rng = np.random.default_rng(3)
    n, K = 60, 2 if kind == "binary" else 3
    X = random_sparse(n, 25, 0.4)
    masses = rng.uniform(size=(n, K))
    weights = masses.sum(axis=1) if labels == "masses" else rng.uniform(0.3, 3, n)
    codes = rng.integers(K, size=n) if labels == "codes" else None
    return X, weights, 1 if K == 2 else K, codes, masses if labels == "masses" else None


def solved(solver, space, penalty, design, likelihood, vectors):
    objective = Objective(space(design, vectors), likelihood, penalty, True, vectors)
    control = Control(1e-13, 500, 1.0, lambda *line: False)
    point, gradient = SOLVERS[solver].solve(objective, zero_start(objective), control)
    return objective, objective.space.weights(point.coords), point, gradient


@pytest.mark.parametrize(
    "kind, labels", [("multinomial", "codes"), ("multinomial", "masses"), ("binary", "codes")]
)
@pytest.mark.parametrize("case", CASES)
def test_rows_in_blocks_held_apart_give_the_same_optimum_and_certificate(case, kind, labels):
    solver, space, penalty = CASES[case]
    X, weights, n_outputs, codes, masses = problem(kind, labels)
    workers = Workers()
    likelihood = (Binary if n_outputs == 1 else Multinomial)(codes, masses, weights, n_outputs, workers)
    here = solved(solver, space, penalty, make_design(X, n_outputs, workers), likelihood, Vectors(workers))
    there = solved(solver, space, penalty, *apart(X, weights, n_outputs, codes, masses))
    assert isinstance(there[2].scores, Rows) and isinstance(there[2].expected, Rows)
    values = [objective.value(point) for objective, _, point, _ in (here, there)]
    assert_allclose(values[1], values[0], rtol=1e-12)
    # The weights are as close as both gaps allow, which is closer than 1e-12 of the objective asks for.
    assert_allclose(there[1], here[1], atol=1e-6)
    shift = there[2].intercept - here[2].intercept
    assert_allclose(shift - (shift.mean() if n_outputs > 1 else 0), 0, atol=1e-6)
    gaps = [gradient.gap / value for (*_, gradient), value in zip((here, there), values)]
    assert 0 <= max(gaps) < 1e-11


@pytest.mark.parametrize("penalty", [Gaussian(0.7), ElasticNet(0.5, 0.4)])
def test_the_certificate_of_a_point_is_the_same(penalty):
    X, weights, n_outputs, codes, masses = problem("multinomial", "codes")
    workers = Workers()
    likelihood = Multinomial(codes, masses, weights, n_outputs, workers)
    coords = np.random.default_rng(0).normal(size=(25, 3)) * (np.arange(25)[:, None] % 2)
    found = []
    for design, part, vectors in (
        (make_design(X, n_outputs, workers), likelihood, Vectors(workers)),
        apart(X, weights, n_outputs, codes, masses),
    ):
        objective = Objective(WeightSpace(design, vectors), part, penalty, True, vectors)
        point = objective.point(coords, np.zeros(3))
        gradient = objective.gradient(point)
        found.append([objective.value(point), gradient.gap, gradient.square, gradient.peak, *point.intercept])
    assert_allclose(found[1], found[0], rtol=1e-12)


def test_rows_refuse_arithmetic():
    rows = Rows([np.ones((2, 3)), np.ones((1, 3))])
    for operation in (
        lambda: rows + 1,
        lambda: 1 - rows,
        lambda: np.ones((3, 3)) * rows,
        lambda: rows @ np.ones((3, 1)),
        lambda: np.exp(rows),
        lambda: np.asarray(rows),
        lambda: rows[0],
        lambda: sparse.eye(3).tocsr() @ rows,
    ):
        with pytest.raises((TypeError, ValueError)):
            operation()
