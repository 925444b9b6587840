"""The dual point of a Newton step under a Laplace prior: feasible always, exact where the step is."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import make_likelihood, random_sparse

from skmaxent import MaxEntClassifier
from skmaxent.convex.grouped import Grouped
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.solvers import orthant_newton, proximal_newton, working_set
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers


def make(kind, workers, lasso=0.7, ridge=0.0, n=60, d=20, fit_intercept=True, unit=1.0, seed=0):
    X = random_sparse(n, d, seed=seed)
    X.data *= unit
    likelihood = make_likelihood(kind, "masses", n, seed=seed)
    penalty = ElasticNet(lasso * unit, ridge * unit**2)
    return Objective.build(X, likelihood, penalty, fit_intercept, Vectors(workers))


def near_optimum(objective, target=0.0):
    point = objective.point(np.zeros(objective.coords_shape), np.zeros(objective.likelihood.shape[1]))
    trust = orthant_newton.Trust()
    orthant_newton.improve(objective, objective, point, trust, target=target, max_steps=80)
    point.arrival = None
    return point


@pytest.mark.parametrize("kind", ["multinomial", "binary", "grouped"])
def test_masses_are_brought_into_the_simplex(kind):
    """None is negative, rows have their weights, and masses that are inside stay what they are."""
    rng = np.random.default_rng(0)
    with Workers(2) as workers:
        if kind == "grouped":
            starts = np.array([0, 3, 7, 9])
            likelihood = Grouped(rng.uniform(0.1, 1, (9, 1)), np.array([1.0, 2.0, 0.5]), starts, workers)
        else:
            likelihood = make_likelihood(kind, "codes", 40, workers=workers)
        inside = np.empty(likelihood.shape)
        likelihood.evaluate(rng.standard_normal(likelihood.shape), inside)
        step = likelihood.curvature(inside, 5 * rng.standard_normal(inside.shape))
        moved = likelihood.within(inside + step)
        again = likelihood.within(inside)
    assert likelihood.contains(moved) and (moved == 0).any()
    if kind == "multinomial":
        assert_allclose(moved.sum(axis=1), likelihood.weights)
    if kind == "grouped":
        assert_allclose(np.add.reduceat(moved[:, 0], starts[:-1]), likelihood.weights)
    assert_allclose(again, inside, rtol=1e-14)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["multinomial", "binary"]),
    ridge=st.sampled_from([0.0, 0.0, 0.3]),
    fit_intercept=st.booleans(),
    unit=st.sampled_from([1e-4, 1.0, 1e4]),
    size=st.sampled_from([0.0, 1e-6, 1e-2, 1.0, 30.0]),
    seed=st.integers(0, 10**6),
)
def test_no_step_proves_more_than_is_true(kind, ridge, fit_intercept, unit, size, seed):
    """Whatever scores a step is said to have added: the bound is below the objective everywhere."""
    rng = np.random.default_rng(seed)
    with Workers() as workers:
        objective = make(kind, workers, 0.7, ridge, 30, 8, fit_intercept, unit, seed=seed % 5)
        point = near_optimum(objective, target=1e-12)
        least = objective.value(point)
        plain = objective.gradient(point).gap
        start = objective.point(
            point.coords * rng.uniform(0, 2, point.coords.shape), rng.standard_normal(point.intercept.shape)
        )
        scores = size * rng.standard_normal(start.scores.shape)
        shift = size * rng.standard_normal(start.intercept.shape) * fit_intercept
        fresh = make(kind, workers, 0.7, ridge, 30, 8, fit_intercept, unit, seed=seed % 5)
        point.arrival = start.expected, scores, shift
        proof = fresh.proof
        proof._add_arrival(point)
        assert proof._bound <= least
        gap = objective.gradient(point).gap
    assert 0 <= gap <= plain


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_the_gap_is_of_second_order_in_the_step(kind, dtype):
    """With half the distance it falls to a quarter or so, far below what the model itself proves."""
    with Workers() as workers:
        objective = make(kind, workers, d=6, fit_intercept=True)
        best = near_optimum(objective)
        V = np.random.default_rng(1).standard_normal(best.coords.shape) * (best.coords != 0)
        gaps = {}
        for h in (0.02, 0.01, 0.005):
            start = objective.point(best.coords + h * V, best.intercept)
            scores = (objective.space.push(best.coords) - start.scores).astype(dtype)
            end = objective.point(best.coords, best.intercept)
            fresh = make(kind, workers, d=6, fit_intercept=True)
            end.arrival = start.expected.astype(dtype), scores, end.intercept - start.intercept
            fresh.proof._add_arrival(end)
            fresh_model = make(kind, workers, d=6, fit_intercept=True)
            gaps[h] = objective.value(best) - fresh.proof._bound, fresh_model.gradient(start).gap
    newton, model = zip(*gaps.values(), strict=True)
    assert newton[1] < 0.35 * newton[0] and newton[2] < 0.35 * newton[1]
    assert 0 < newton[2] < 0.05 * model[2]


def test_a_class_that_lost_its_masses_proves_nothing():
    """Its total cannot be settled; nor can anything that is no number."""
    with Workers() as workers:
        objective = make("multinomial", workers)
        point = near_optimum(objective, target=1.0)
        lost = np.zeros(point.scores.shape)
        lost[:, 2] = -100.0
        for scores in (lost, np.full_like(lost, np.nan)):
            fresh = make("multinomial", workers)
            point.arrival = point.expected, scores, np.zeros(3)
            fresh.proof._add_arrival(point)
            assert fresh.proof._bound == -np.inf


def test_classes_that_no_row_connects_are_not_settled():
    """Two pairs of classes, each certain of its rows: totals of the pairs that differ stay as they are."""
    with Workers() as workers:
        likelihood = make_likelihood("multinomial", "masses", 40, n_classes=4, workers=workers)
        objective = Objective.build(
            random_sparse(40, 5), likelihood, ElasticNet(0.5, 0.0), True, Vectors(workers)
        )
        masses = np.full(likelihood.shape, 0.5) * likelihood.weights[:, None]
        masses[:20, :2] = masses[20:, 2:] = 0
        assert objective.proof._settled(masses)[1] == np.inf
        inside = 0.9 * masses + 0.1 * likelihood.weights[:, None] / 4
        for _ in range(30):
            inside = likelihood.within(inside * (likelihood.label_totals / inside.sum(axis=0)))
        settled, decrement = objective.proof._settled(inside)
        assert_allclose(settled.sum(axis=0), likelihood.label_totals, rtol=1e-12)
    assert (settled > 0).all() and decrement < 1e-20


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_last_steps_end_a_fit_at_what_was_asked_for(unit, dtype, monkeypatch):
    """The same optimum and a true gap with last steps and without, with no more rounds."""
    monkeypatch.setattr(proximal_newton, "WHOLE_SIDE", 0)
    X = random_sparse(300, 40, density=0.2)
    scores = 2 * X[:, :4].toarray() + np.random.default_rng(2).gumbel(size=(300, 4))
    y = scores.argmax(axis=1)
    X = (X * unit).astype(dtype)
    ends = {}
    for share in (0.0, orthant_newton.LAST_VIOLATION):
        monkeypatch.setattr(orthant_newton, "LAST_VIOLATION", share)
        model = MaxEntClassifier(C=1 / unit, l1_ratio=1, tol=1e-5, n_jobs=1).fit(X, y)
        ends[share] = model.convergence_
        assert model.convergence_["stop_reason"] == "converged"
        assert model.convergence_["relative_gap"] <= 1e-5
    exact = MaxEntClassifier(C=1 / unit, l1_ratio=1, tol=1e-10, n_jobs=1).fit(X.astype(float), y)
    least = exact.convergence_["objective"]
    for end in ends.values():
        assert end["objective"] - least <= end["duality_gap"] + 1e-12 * least
    first, last = ends.values()
    assert last["n_iter"] <= first["n_iter"]


def test_last_steps_are_for_laplace_priors_alone():
    control = SimpleNamespace(tol=1e-4)
    with Workers() as workers:
        objective = make("multinomial", workers)
        point = near_optimum(objective)
        share = working_set._last_residual(objective, point, control)
        penalty = objective.penalty.value(point.coords)
        assert share == pytest.approx(working_set.LAST_SHARE * 1e-4 * objective.value(point) / penalty)
        mixed = make("multinomial", workers, ridge=0.2)
        assert working_set._last_residual(mixed, point, control) is None
        zero = objective.point(np.zeros_like(point.coords), point.intercept)
        assert working_set._last_residual(objective, zero, control) is None


def test_a_limit_holds_for_every_weight_that_may_move():
    with Workers() as workers:
        objective = make("multinomial", workers)
        point = near_optimum(objective, target=1e-3)
        gradient = objective.gradient(point)
        trust = orthant_newton.Trust(residual=1e-6)
        orthant = np.where(point.coords != 0, np.sign(point.coords), -np.sign(gradient.coords))
        fenced = np.full(point.coords.shape, True)
        before = point.coords.copy()
        direction = orthant_newton._direction(objective, point, gradient, trust, orthant, fenced)[0]
        assert trust.last
        end = point.coords + direction
        end[end * orthant < 0] = 0
        moving = (end != 0) & ((before != 0) | (gradient.coords != 0))
        shift = objective.intercept_elimination(point.expected)
        curved = objective.space.design.curved(objective.likelihood, point.expected, end - before, shift)[0]
        left = np.abs(gradient.coords + curved)[moving]
    violation = np.abs(gradient.coords).max() / 0.7
    assert left.max() <= 0.7 * max(1e-6, orthant_newton.LAST_DIGITS * violation) * (1 + 1e-4)
    assert_array_equal(point.coords, before)
