"""Dual points of other masses than the expected ones: never above the optimum, and good where sought."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import make_likelihood, random_sparse
from scipy import sparse

from skmaxent import MaxEntClassifier
from skmaxent.convex.grouped import Grouped
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.preconditioners.class_blocks import ClassBlocks
from skmaxent.convex.solvers import feasible_masses, orthant_newton, proximal_newton, working_set
from skmaxent.convex.solvers.quadratic_model import KrylovModel, curvatures
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


@pytest.mark.parametrize("power", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_tempered_masses_are_in_proportion_to_a_power(kind, power):
    with Workers() as workers:
        likelihood = make_likelihood(kind, "codes", 40, workers=workers)
        masses = np.empty(likelihood.shape)
        likelihood.evaluate(6 * np.random.default_rng(0).standard_normal(likelihood.shape), masses)
        masses[0] = 0
        masses[0, 0] = likelihood.weights[0]
        tempered = likelihood.tempered(masses, power)
    both = [
        np.hstack([part, likelihood.weights[:, None] - part]) if kind == "binary" else part
        for part in (masses, tempered)
    ]
    assert_allclose(both[1].sum(axis=1), likelihood.weights)
    shares = both[0] / likelihood.weights[:, None]
    odds = (shares / shares.max(axis=1, keepdims=True)) ** power
    assert_allclose(both[1] / both[1].max(axis=1, keepdims=True), odds, rtol=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["multinomial", "binary"]),
    ridge=st.sampled_from([0.0, 0.0, 0.3]),
    fit_intercept=st.booleans(),
    unit=st.sampled_from([1e-4, 1.0, 1e4]),
    size=st.sampled_from([0.0, 1e-6, 1e-2, 1.0, 30.0]),
    seed=st.integers(0, 10**6),
)
def test_no_masses_prove_more_than_is_true(kind, ridge, fit_intercept, unit, size, seed):
    """However they are chosen: the bound is below the objective everywhere."""
    rng = np.random.default_rng(seed)
    parts = {"ridge": ridge, "n": 30, "d": 8, "fit_intercept": fit_intercept, "unit": unit, "seed": seed % 5}
    with Workers() as workers:
        objective = make(kind, workers, **parts)
        point = near_optimum(objective, target=1e-12)
        least = objective.value(point)
        plain = objective.gradient(point).gap
        likelihood = objective.likelihood
        moved = likelihood.curvature(point.expected, size * rng.standard_normal(point.scores.shape))
        proof = make(kind, workers, **parts).proof
        masses, _, gap = proof.add_masses(point, likelihood.within(point.expected + moved))
        assert proof._bound <= least and gap >= 0
        assert likelihood.contains(masses)
        objective.proof.add_masses(point, likelihood.within(point.expected + moved))
        assert 0 <= objective.gradient(point).gap <= plain


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_masses_that_keep_to_the_bounds_prove_how_near_an_iterate_is(kind, unit, fit_intercept):
    """What they prove is a small multiple of what is true, where the model itself proves much less."""
    parts = {"n": 200, "d": 30, "unit": unit, "fit_intercept": fit_intercept}
    with Workers() as workers:
        least = (objective := make(kind, workers, **parts)).value(near_optimum(objective, target=0.0))
        objective = make(kind, workers, **parts)
        point = near_optimum(objective, target=(1e-2 * unit) ** 2)
        gradient = objective.gradient(point)  # settles the intercept
        true = objective.value(point) - least
        assert gradient.gap > 50 * true
        enough = 3 * true + 1e-9 * least
        assert feasible_masses.improve_bound(objective, point, gradient, enough)
        gap = objective.gradient(point).gap
    assert true - 1e-12 * least <= gap <= enough


@pytest.mark.parametrize("room", [0.0, 1.0])
def test_weights_that_come_to_exceed_their_bound_join(room, monkeypatch):
    """Those of the columns in use without a new start, others with one; all end within their bounds."""
    monkeypatch.setattr(feasible_masses, "ROOM", room)
    starts, found = [], []
    build = feasible_masses._Search.__init__
    monkeypatch.setattr(
        feasible_masses._Search, "__init__", lambda *args: starts.append(args[-1].sum()) or build(*args)
    )
    with Workers() as workers:
        objective = make("multinomial", workers, lasso=2.5, n=200, d=400)
        point = near_optimum(objective, target=9.0)
        gradient, proof = objective.gradient(point), objective.proof
        least = objective.value(near_optimum(make("multinomial", workers, lasso=2.5, n=200, d=400)))
        true = objective.value(point) - least
        add = proof.add_masses
        monkeypatch.setattr(proof, "add_masses", lambda *args: found.append(add(*args)) or found[-1])
        assert feasible_masses.improve_bound(objective, point, gradient, 3 * true)
    excess = [np.maximum(np.abs(loss) / 2.5 - 1, 0).max() for _, loss, _ in found]
    assert excess[0] > 1e-3 and excess[-1] < 0.2 * excess[0]
    assert (len(starts) > 1) == (room == 0)


def twins(workers, unit=1.0):
    """A search near an optimum with a weight in use and, for the same class, its unused twin: their places.

    The gradient of the twin exceeds its bound by a twentieth, which no masses change without the other's.
    """
    X = random_sparse(200, 12)
    X.data *= unit
    X = sparse.csr_array(sparse.hstack([X, X]))
    likelihood = make_likelihood("multinomial", "masses", 200)
    objective = Objective.build(X, likelihood, ElasticNet(0.7 * unit, 0.0), True, Vectors(workers))
    point = near_optimum(objective, target=1e-8 * unit**2)
    loss = objective.gradient(point).loss
    W = point.coords.copy()
    W[:12] += W[12:]
    W[12:] = 0
    used, k = np.unravel_index(np.abs(W).argmax(), W.shape)
    point = objective.point(W, point.intercept)
    gradient = objective.gradient(point)
    wanted = W != 0
    wanted[used + 12, k] = True
    search = feasible_masses._Search(objective, point, gradient, wanted)
    places = [(int(np.flatnonzero(search._place[0].ravel() == column)[0]), k) for column in (used, used + 12)]
    search._target[places[1]] *= 20 / 21
    return search, point, loss, places


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
def test_a_weight_that_the_masses_take_past_zero_is_let_go(unit):
    """Two gradients that cannot both be had: the bound of the twin holds, the other may be below its own."""
    with Workers() as workers:
        search, point, loss, (used, twin) = twins(workers, unit)
        assert search.violation(loss) > 0.04
        masses = search.improved(point.expected, loss, 1e-4)
        likelihood, space = search._part.likelihood, search._part.space
        there = space.pull(likelihood.residual(masses))
        assert not search._free[used] and search._free[twin]
        assert np.count_nonzero(~search._free & search._known) == 1
        assert there[twin] == pytest.approx(search._target[twin], rel=1e-2)
        assert search._weights[used] == 0 and search._weights[twin] != 0


def test_a_weight_that_had_to_come_back_stays():
    with Workers() as workers:
        search, point, loss, (used, _) = twins(workers)
        search.improved(point.expected, loss, 1e-4)
        wanted = search.wanted()
        assert wanted.sum() == search._free.sum()
        again = wanted.copy()
        again[search._place[0].ravel()[used[0]], used[1]] = True
        assert search.widen(again, loss) and search._free[used]
        search.improved(point.expected, loss, 1e-4)
        assert search._free[used]


def test_a_class_that_lost_its_masses_proves_nothing():
    """Its total cannot be settled; nor can anything that is no number."""
    with Workers() as workers:
        objective = make("multinomial", workers)
        point = near_optimum(objective, target=1.0)
        lost = point.expected.copy()
        lost[:, 2] = 0
        for masses in (objective.likelihood.within(lost), np.full_like(lost, np.nan)):
            fresh = make("multinomial", workers)
            _, loss, gap = fresh.proof.add_masses(point, masses)
            assert loss is None and gap == np.inf
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
def test_fits_end_at_what_was_asked_for(unit, dtype, monkeypatch):
    """The same optimum and a true gap with the search and without, with no more rounds."""
    monkeypatch.setattr(proximal_newton, "WHOLE_SIDE", 0)
    monkeypatch.setattr(working_set, "SINGLE_ENTRIES", 0)
    X = random_sparse(300, 40, density=0.2)
    scores = 2 * X[:, :4].toarray() + np.random.default_rng(2).gumbel(size=(300, 4))
    y = scores.argmax(axis=1)
    X = (X * unit).astype(dtype)
    ends, calls, improve = {}, [], feasible_masses.improve_bound
    monkeypatch.setattr(
        feasible_masses, "improve_bound", lambda *args: calls.append(improve(*args)) or calls[-1]
    )
    for gain in (0.0, 1e4):
        monkeypatch.setattr(working_set, "GAIN", gain)
        model = MaxEntClassifier(C=1 / unit, l1_ratio=1, tol=1e-5, n_jobs=1).fit(X, y)
        ends[gain] = model.convergence_
        assert model.convergence_["stop_reason"] == "converged"
        assert model.convergence_["relative_gap"] <= 1e-5
    assert any(calls)
    exact = MaxEntClassifier(C=1 / unit, l1_ratio=1, tol=1e-10, n_jobs=1).fit(X.astype(float), y)
    least = exact.convergence_["objective"]
    for end in ends.values():
        assert end["objective"] - least <= end["duality_gap"] + 1e-12 * least


def test_a_round_ends_for_a_small_gain_only_where_that_was_asked_for(monkeypatch):
    """Not where rounding makes a gain negative."""
    with Workers() as workers:
        for enough, least, most in ((0.0, 2, 80), (1e6, 1, 1)):
            objective = make("multinomial", workers)
            point = objective.point(np.zeros(objective.coords_shape), np.zeros(3))
            trust, count = orthant_newton.Trust(enough=enough), []
            value = iter(-1e-9 * np.arange(1000)[::-1])  # rising
            monkeypatch.setattr(objective, "value", lambda point: next(value))  # noqa: B023
            monkeypatch.setattr(orthant_newton, "_step", lambda *args: count.append(1) or 1.0)  # noqa: B023
            orthant_newton.improve(objective, objective, point, trust, target=0.0, max_steps=80)
            assert least <= len(count) <= most and trust.near == (enough > 0)


def test_the_search_is_for_laplace_priors_alone():
    with Workers() as workers:
        assert feasible_masses.serves(make("multinomial", workers))
        assert not feasible_masses.serves(make("multinomial", workers, ridge=0.2))
        free = make("multinomial", workers, lasso=np.r_[0.0, np.full(19, 0.7)][:, None])
        assert not feasible_masses.serves(free)


def test_a_limit_holds_for_every_weight_that_may_move():
    """Also where some joined that conjugate gradients have no block for."""
    with Workers() as workers:
        objective = make("multinomial", workers)
        point = near_optimum(objective, target=1.0)
        rng, shape = np.random.default_rng(0), objective.coords_shape
        diagonal = curvatures(objective, point.expected, 0.0)
        few = rng.uniform(size=shape) < 0.5
        r = rng.standard_normal(shape)
        blocks = ClassBlocks.build(objective, point.expected, np.flatnonzero(few), diagonal[few])
        model = KrylovModel(objective, point.expected, few, 0.0, diagonal, 200, *blocks)
        free = few | (rng.uniform(size=shape) < 0.3)
        model.widen(free, diagonal)
        held = rng.uniform(size=np.count_nonzero(free)) < 0.2
        v, left = np.zeros(held.shape), r[free]
        assert not model.improve(v, left, held, np.full(held.shape, 1e-6))
        assert not v[held].any() and np.abs(left[~held]).max() <= 1e-6
        assert_allclose(r[free] - model.times(v), left, atol=1e-9)
        assert np.abs(left[held]).max() > 1e-3
