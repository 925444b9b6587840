"""The gap under a Gaussian prior, part by part, from the definitions, and against the dual itself."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import make_likelihood, make_objective, random_sparse

from skmaxent.convex.proofs import free, gaussian
from skmaxent.convex.proofs.free import FreeSystem
from skmaxent.convex.proofs.rounding import EPS
from skmaxent.convex.spaces import RowSpace, WeightSpace

N, D, RIDGE = 60, 5, 0.7


def made(kind="multinomial", ridge=RIDGE, fit_intercept=True, dtype=np.float64):
    X = random_sparse(N, D, density=0.6, dtype=dtype)
    likelihood = make_likelihood(kind, "masses", N, dtype=dtype)
    return X.toarray(), make_objective(X, likelihood, WeightSpace, ridge, fit_intercept)


def point_of(objective, size=0.1, seed=3):
    rng = np.random.default_rng(seed)
    coords = size * rng.standard_normal(objective.coords_shape)
    return objective.point(coords, np.zeros(coords.shape[1]))


@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_the_gap_is_made_of_gradient_rounding_and_intercept(kind):
    X, objective = made(kind)
    point = point_of(objective)
    gradient = replace(objective.gradient(point), square=0.25)
    norm = np.linalg.norm(X)
    heaviest = np.sqrt(objective.likelihood.weights.max())
    # rounding is at least 4 units, or the root of the number of rows
    for residual, decrement in ((0.0, 0.0), (1e14, 0.0), (0.0, 1e-2), (3e13, 1e-4)):
        state = replace(point, decrement=decrement)
        error = norm * np.sqrt(N) * EPS * residual
        coupling = norm * np.sqrt(decrement) * heaviest
        gap, is_drifting = objective.proof.gap(state, gradient, residual)
        assert_allclose(gap, (0.5 + error + coupling) ** 2 / (2 * RIDGE) + decrement, rtol=1e-10)
        assert is_drifting == (coupling > 0.05)
    at_optimum = replace(gradient, square=0.0)
    assert objective.proof.gap(replace(point, decrement=0.0), at_optimum, 0.0) == (0.0, False)
    assert objective.proof.gap(replace(point, adrift=1.0), gradient, 0.0) == (np.inf, False)
    objective.likelihood.state_error = 1e-3
    gap = objective.proof.gap(replace(point, decrement=0.0), gradient, 1e12)[0]
    assert_allclose(gap, (0.5 + norm * (1e-3 + np.sqrt(N) * EPS * 1e12)) ** 2 / (2 * RIDGE), rtol=1e-10)


def test_in_float32_the_gap_is_that_of_the_gradient_alone():
    _, objective = made(dtype=np.float32)
    point = point_of(objective)
    gradient = replace(objective.gradient(point), square=0.25)
    state = replace(point, decrement=1.0)
    assert objective.proof.gap(state, gradient, 1e9) == (pytest.approx(0.25 / (2 * RIDGE)), False)


def test_where_there_is_a_proof_and_a_last_resort(monkeypatch):
    monkeypatch.setattr(gaussian, "SIDE", 3 * D)
    X, likelihood = random_sparse(N, D), make_likelihood("multinomial", "masses", N)
    for space, ridge, side, proof in (
        (WeightSpace, RIDGE, 3 * D, (True, True)),
        (WeightSpace, RIDGE, 3 * D - 1, (True, False)),
        (WeightSpace, 0.0, 3 * D, (True, False)),
        (RowSpace, RIDGE, 3 * N, (True, False)),
        (RowSpace, 0.0, 3 * N, (False, False)),
    ):
        monkeypatch.setattr(gaussian, "SIDE", side)
        objective = make_objective(X, likelihood, space, ridge)
        assert (bool(objective.proof.exists), bool(objective.proof.repairable)) == proof


@pytest.mark.parametrize("ulps", [0.0, 1e-3])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_the_repaired_gap_counts_all_that_is_left(kind, fit_intercept, ulps, monkeypatch):
    """As if numbers had three digits, so that what rounding does is no less than the rest."""
    X, objective = made(kind, 1e-2, fit_intercept)
    point = point_of(objective, size=0.02)
    if fit_intercept:
        point.intercept = point.intercept + 0.3
        point.decrement = 1e-3
    monkeypatch.setattr(gaussian, "EPS", ulps)
    for module in (gaussian, free):
        monkeypatch.setattr(module, "rounding", lambda length: ulps * length)
    excess_of = objective.excess
    offset = 1e-2 * np.cos(np.arange(len(point.intercept)) + 1)
    monkeypatch.setattr(
        objective, "excess", lambda masses: excess_of(masses) + offset * (masses is not point.expected)
    )
    gradient = objective.gradient(point)
    likelihood, g = objective.likelihood, gradient.coords
    norms = np.sqrt(np.sum(X**2, axis=0))[:, None]
    heaviest = np.sqrt(likelihood.weights.max())

    def error(masses, decrement):
        residual = np.linalg.norm(likelihood.residual(masses))
        return (ulps * N * residual + np.sqrt(decrement) * heaviest) * norms

    share = (np.abs(g) + error(point.expected, point.decrement)) ** 2 / (2 * 1e-2)
    for quantile in (0.0, 0.3, 0.6):
        # The limit halfway between two shares: some weights are repaired, the others are not.
        shares = np.sort(share.ravel())
        place = int(quantile * shares.size)
        limit = 0.5 * (shares[place] + (shares[place - 1] if place else 0.0))
        weak = share > limit
        assert np.count_nonzero(weak) == shares.size - place
        found, step = objective.proof.certify(point, gradient, 1e3 * limit * shares.size, True)
        assert step is None
        system = FreeSystem(objective, point.expected, weak)
        move = system.step(g, objective.excess(point.expected), point.expected)
        assert move.masses is not None
        left = X.T @ likelihood.residual(move.masses) + 1e-2 * point.coords
        again = system.step(left, objective.excess(move.masses), move.masses).decrement
        beyond = np.abs(left) + error(move.masses, again)
        wanted = (np.sqrt(move.decrement) + np.sqrt(again)) ** 2
        wanted += np.sum(beyond[~weak] ** 2) / (2 * 1e-2) + np.sum(beyond[weak] * np.abs(point.coords[weak]))
        if fit_intercept:
            spread = max(point.intercept.max(), 0.0) - min(point.intercept.min(), 0.0)
            away = np.abs(objective.excess(move.masses)).sum()
            wanted += (away + 4 * ulps * likelihood.weights.sum()) * spread
        assert_allclose(found, wanted, rtol=1e-9)
    assert objective.proof.certify(point, gradient, 1e6 * shares[-1] * shares.size, True) == (np.inf, None)
    monkeypatch.setattr(gaussian, "is_manageable", lambda *_: False)
    assert objective.proof.certify(point, gradient, 1e3 * limit * shares.size, True) == (np.inf, None)


@pytest.mark.parametrize("ridge", [1e-6, 1e-2, 1.0])
@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_the_repaired_gap_bounds_the_distance_from_the_optimum(kind, ridge):
    _, objective = made(kind, ridge)
    point = best = point_of(objective, size=0.02)
    every = np.ones(point.coords.shape, dtype=bool)
    for _ in range(30):  # Newton's method; with the prior left out of the curvature it only takes longer
        gradient = objective.gradient(best)
        step = FreeSystem(objective, best.expected, every).step(
            gradient.coords, objective.excess(best.expected), best.expected
        )
        best = objective.point(best.coords + 0.7 * step.coords, best.intercept + 0.7 * step.shift)
    excess = objective.value(point) - objective.value(best)
    assert excess > 0.1
    for enough in (1e-6, 1e-1, 10.0):
        gap = objective.proof.certify(point, objective.gradient(point), enough, True)[0]
        assert gap >= excess
