"""Newton's step on weights without a penalty, against the equation built from its definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import make_likelihood, make_objective, random_sparse
from scipy import sparse

from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.proofs.free import SIDE, FreeSystem, is_manageable, least_decrement
from skmaxent.convex.spaces import WeightSpace
from skmaxent.numerics.threads import Workers

D = 5


def system(kind, fit_intercept=True):
    """An objective, a point, some free weights, the Hessian and gradient on these and the intercept."""
    rng = np.random.default_rng(1)
    X = random_sparse(80, D, density=0.6) * 3.0
    objective = make_objective(X, make_likelihood(kind, "masses", 80), WeightSpace, 0.0, fit_intercept)
    shape = objective.coords_shape
    point = objective.point(0.02 * rng.standard_normal(shape), np.zeros(shape[1]), settle=False)
    free = rng.uniform(size=shape) < 0.6
    free[0], free[1] = True, False
    likelihood, K = objective.likelihood, shape[1]
    places = [*zip(*np.nonzero(free)), *(fit_intercept * [(None, k) for k in range(K)])]
    directions = np.zeros((len(places), 80, K))
    for direction, (j, k) in zip(directions, places):
        direction[:, k] = 1 if j is None else X.toarray()[:, j]
    curved = [likelihood.curvature(point.expected, direction) for direction in directions]
    H = np.einsum("aik,bik->ab", directions, curved)
    residual = likelihood.residual(point.expected)
    right = np.einsum("aik,ik->a", directions, residual)
    return objective, point, free, H, right, directions


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_the_step_and_its_decrement_are_newtons(kind, fit_intercept):
    objective, point, free, H, right, directions = system(kind, fit_intercept)
    loss = objective.space.pull(objective.likelihood.residual(point.expected))
    excess = objective.excess(point.expected)
    step = FreeSystem(objective, point.expected, free).step(loss, excess, point.expected)
    assert np.all(step.coords[~free] == 0)
    solution = -np.linalg.lstsq(H, right, rcond=1e-11)[0]
    moved = step.scores + step.shift
    wanted = np.einsum("aik,a->ik", directions, solution)
    if kind == "multinomial":  # a shift of all classes changes nothing
        moved, wanted = (part - part.mean(axis=1, keepdims=True) for part in (moved, wanted))
    assert_allclose(moved, wanted, atol=1e-9)
    assert_allclose(step.decrement, -right @ solution, rtol=1e-6)
    assert step.decrement >= -right @ solution
    # The dual point keeps to all conditions.
    assert step.masses is not None
    left = np.einsum("aik,ik->a", directions, objective.likelihood.residual(step.masses))
    assert_allclose(left, 0, atol=1e-9)
    assert objective.likelihood.contains(step.masses)


@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_the_least_decrement_is_that_of_the_best_single_weight(kind):
    objective, point, free, H, right, _ = system(kind, fit_intercept=False)
    gradient = objective.space.pull(objective.likelihood.residual(point.expected))
    gradient[~free] = 1e3  # has no part in it
    small = 1e-3 * gradient
    single = np.max(right**2 / np.diagonal(H))
    assert_allclose(least_decrement(objective, point, gradient, free), single, rtol=1e-12)
    assert_allclose(least_decrement(objective, point, small, free), 1e-6 * single, rtol=1e-12)
    assert single <= right @ np.linalg.lstsq(H, right, rcond=1e-11)[0]


def test_a_column_of_zeros_has_no_decrement():
    X = random_sparse(80, D) * np.array([[1.0, 1, 0, 1, 1]])
    objective = make_objective(X, make_likelihood("multinomial", "codes", 80), WeightSpace, 0.0)
    point = objective.point(np.zeros((D, 3)), np.zeros(3))
    gradient, free = np.zeros((D, 3)), np.zeros((D, 3), dtype=bool)
    gradient[2], free[2] = 1.0, True
    assert least_decrement(objective, point, gradient, free) == 0


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_what_is_manageable_counts_columns_with_a_free_weight_and_the_intercept(K, fit_intercept):
    most = SIDE // K - fit_intercept
    design = make_design(random_sparse(2, most + 1), K, Workers())
    free = np.zeros((most + 1, K), dtype=bool)
    free[:most, 0] = True  # one weight of a column is enough
    assert is_manageable(design, free, K, fit_intercept)
    free[most, -1] = True
    assert not is_manageable(design, free, K, fit_intercept)


def test_rounding_counts_the_more_the_closer_columns_are_to_each_other():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 80))
    found = []
    for apart in (1e-1, 1e-2, 1e-3):
        X = sparse.csr_array(np.column_stack([first, first + apart * second]))
        objective = make_objective(X, make_likelihood("binary", "codes", 80), WeightSpace, 0.0, False)
        point = objective.point(np.zeros((2, 1)), np.zeros(1))
        free = np.ones((2, 1), dtype=bool)
        step = FreeSystem(objective, point.expected, free).step(np.zeros((2, 1)), np.zeros(1), point.expected)
        found.append(step.decrement)  # of no gradient: all of it is rounding
    # The least curvature is as the square of the distance, and the decrement as its inverse.
    assert_allclose(np.divide(found[1:], found[:-1]), 100, rtol=0.05)
    assert found[0] < 1e-24 * 80
