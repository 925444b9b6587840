"""Parts of the proofs and of what they ask of penalty, intercept and likelihood, formula by formula."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import make_likelihood, random_sparse
from scipy import sparse

from skmaxent.convex.intercept import Intercept
from skmaxent.convex.objective import Gradient, Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.proofs import elastic_net
from skmaxent.convex.proofs.certificate import dual_value
from skmaxent.convex.proofs.elastic_net import ElasticNetProof
from skmaxent.convex.proofs.free import NULL, FreeSystem
from skmaxent.convex.proofs.rounding import EPS, rounding
from skmaxent.convex.proofs.separation import _least_direction
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.sparse import peak
from skmaxent.numerics.threads import Workers

N, D = 60, 3


def made(kind="multinomial", n=N, lasso=0.7, ridge=0.2, unit=1.0):
    workers = Workers()
    X, likelihood = unit * random_sparse(n, D, density=0.6), make_likelihood(kind, "masses", n)
    return Objective.build(X, likelihood, ElasticNet(lasso, ridge), True, Vectors(workers))


def at(objective, intercept, settle=False):
    coords = 0.1 * np.random.default_rng(3).standard_normal(objective.coords_shape)
    return objective.point(coords, np.array(intercept), settle=settle)


# ---- the elastic net's proof


def stub(**changes):
    """A proof whose objective answers with given numbers, so large that every part of a bound is seen."""
    penalty = SimpleNamespace(
        has_free=False, shares=lambda bound: {1.0}, conjugate=lambda bound, share: share * bound.sum()
    )
    likelihood = SimpleNamespace(
        total_weight=1e16,
        state_error=0.25,
        value_error=3.0,
        shape=(4, 2),
        mixed_entropy=lambda masses, share: 50.0,
    )
    parts = {
        "fit_intercept": True, "heaviest": 2.0, "norm": 5.0, "penalty": penalty, "likelihood": likelihood,
        "dtype": np.dtype(float), "value": lambda point: 60.0, "excess": lambda masses: np.array([2.0, -1.0]),
    }  # fmt: skip
    proof = ElasticNetProof(SimpleNamespace(**parts | changes))
    proof.__dict__["_rounding"] = SimpleNamespace(
        of_gradient=lambda residual, moved: np.full((2, 2), residual + moved),
        of_value=lambda value, weights, residual, shape: 100 * residual,
    )
    return proof


POINT = SimpleNamespace(
    intercept=np.array([3.0, 1.5]), coords=np.array([[1.0, -2.0], [0.0, 2.0]]), settled=True
)
LOSS = np.array([[0.5, -0.75], [0.25, 1.0]])


@pytest.mark.parametrize("repaired", [False, True])
def test_everything_that_is_not_exact_is_taken_off_the_bound(repaired):
    proof, residual, decrement = stub(), 0.125, 0.04
    error = residual + 0.2 * 2 + 0.25
    bound, tilt = np.abs(LOSS) + error, 2 * 3.0 - 1 * 1.5
    spare = 4 * EPS * 1e16 * 3.0
    repair = None
    if repaired:
        mask, target = np.array([[True, False], [False, True]]), np.array([[0.4, 9.0], [9.0, -0.9]])
        repair = mask, target
        bound[0, 0], bound[1, 1] = 0.4, 0.9
        tilt += (0.5 - 0.4) * 1 + (1.0 + 0.9) * 2
        spare += error * (1 + 2)
    dual = 50 + tilt - bound.sum()
    unsettled = 0.04 + 2 * 0.2 * np.sqrt(60 - dual) + 0.2 * 2 * 5 * 3.0
    proof._add_bound(POINT, None, LOSS, residual, decrement, repair)
    assert proof._unsettled == pytest.approx(unsettled, rel=1e-14)
    assert proof._bound == pytest.approx(dual - unsettled - spare - 2 * EPS * 1e16 - 12.5 - 3, rel=1e-14)
    best = proof._bound
    proof._add_bound(POINT, None, LOSS, 1.0, decrement, repair)  # a worse one
    assert proof._bound == best


def test_a_dual_value_above_the_value_leaves_no_root():
    proof = stub(value=lambda point: -60.0)
    proof._add_bound(POINT, None, LOSS, 0.0, 0.04)
    assert proof._unsettled == pytest.approx(0.04 + 0.2 * 2 * 5 * 3.0, rel=1e-14)


def test_the_gap_is_what_is_left_above_the_best_bound():
    proof = stub()
    proof._bound = 20.0
    assert proof._above_bound(POINT, 0.125) == 60 + 12.5 + 3 - 20
    proof._bound = 80.0  # which rounding alone can have made
    assert proof._above_bound(POINT, 0.125) == np.inf and proof._bound == -np.inf


def test_before_anything_is_proven_no_intercept_is_to_blame():
    proof = stub(penalty=SimpleNamespace(has_free=True))
    proof._bound = 55.0
    assert proof.gap(POINT, None, 0.0) == (8.0, False)


def test_in_single_precision_the_best_dual_value_serves_on_the_way():
    proof = stub(dtype=np.dtype(np.float32))
    point = SimpleNamespace(**vars(POINT), expected=None)
    for scale in (1.0, 3.0, 2.0):  # duals of 49, 47, 48
        assert proof.gap(point, SimpleNamespace(loss=scale * LOSS), None) == (11.0, False)
    proof._objective.value = lambda point: 48.5
    assert proof.gap(point, SimpleNamespace(loss=2 * LOSS), None)[0] == 0


def test_weights_join_the_repair_until_none_is_beyond(monkeypatch):
    likelihood = SimpleNamespace(residual=lambda masses: 0.0)
    free = np.array([[True, False], [False, False]])
    proof = stub(free=free, likelihood=likelihood, norm_of=lambda residual: 0.0)
    monkeypatch.setattr(elastic_net, "least_decrement", lambda *arguments: 0.0)
    doubtful = iter(np.array([[[0, 1], [0, 0]], [[0, 1], [1, 0]], [[1, 1], [1, 0]]], bool))
    masks, bounds = [], []
    proof._is_manageable = lambda mask: True
    proof._doubtful = lambda *arguments: next(doubtful)
    proof._add_bound = lambda *arguments: bounds.append(arguments[-1][0])
    proof._above_bound = lambda point, residual: 1.0

    def repaired(point, loss, mask):
        masks.append(mask)
        return SimpleNamespace(masses=0), None, loss, 0.0

    proof._repaired = repaired
    point = SimpleNamespace(expected=None, decrement=0.0)
    proof.certify(point, SimpleNamespace(loss=LOSS, coords=LOSS), 1.0, True)
    assert_array_equal(masks, [[[1, 1], [0, 0]], [[1, 1], [1, 0]]])
    assert_array_equal(bounds, masks[-1:])


def test_a_dual_value_is_entropy_and_tilt_less_the_conjugate():
    likelihood = SimpleNamespace(mixed_entropy=lambda masses, share: 1.0 + share)
    penalty = SimpleNamespace(
        shares=lambda bound: {0.5, 1.0}, conjugate=lambda bound, share: {0.5: 0.25, 1.0: np.inf}[share]
    )
    assert dual_value(likelihood, penalty, None, None, tilt=2.0) == 1.5 + 0.5 * 2 - 0.25


def test_the_bound_of_any_masses_counts_all_that_is_not_exact():
    masses, K = np.full((4, 3), 0.5), 3
    likelihood = SimpleNamespace(
        total_weight=1e16, state_error=0.25, value_error=3.0, shape=(4, K), mixed_entropy=lambda *_: 50.0,
        residual=lambda state: state,
    )  # fmt: skip
    space = SimpleNamespace(pull=lambda residual: LOSS)
    proof = stub(likelihood=likelihood, norm_of=lambda state: 2.0**50, space=space)
    proof._rounding.of_gradient = lambda residual, moved: np.full((2, 2), moved)
    proof._rounding.of_value = lambda *_: 100.0
    proof._settled = lambda state: (state, 0.04)
    settled, loss, _ = proof.add_masses(SimpleNamespace(coords=LOSS), masses)
    assert settled is masses and loss is LOSS
    dual = 50 - np.sum(np.abs(LOSS) + 0.2 * 2 + 0.25 + 1)
    lost = 0.04 + 2 * 0.2 * 1e8 * (1 + np.log(3))
    expected = dual - lost - 4 * EPS * (abs(dual) + 1e16) - 103
    assert abs(proof._bound - expected) < 1e-6


def test_what_is_left_of_class_totals_is_bounded_after_their_step(monkeypatch):
    objective = made()
    point = at(objective, np.zeros(3), settle=True)
    point = at(objective, point.intercept + [0.01, 0.0, -0.02])
    monkeypatch.setattr(objective.vectors, "sum", lambda masses, change: masses)
    masses, left = objective.proof._settled(point.expected)
    excess = objective.excess(masses)
    inverse = objective.inverse_intercept_hessian(point.expected)
    assert left == pytest.approx(excess @ inverse @ excess / 0.81, rel=1e-12) and left > 1e-4


# ---- free weights


def test_a_step_counts_rounding_against_every_direction():
    system = object.__new__(FreeSystem)
    space = SimpleNamespace(push=lambda coords: coords)
    likelihood = SimpleNamespace(curvature=lambda *arguments: 0.0, contains=lambda masses: True)
    vectors = SimpleNamespace(sum=lambda expected, change: expected)
    system._objective = SimpleNamespace(
        fit_intercept=False, space=space, likelihood=likelihood, vectors=vectors, dtype=np.dtype(float)
    )
    system._free, system._vectors, system._values = (
        np.ones((3, 1), bool),
        np.eye(3),
        np.array([4.0, 0.25, NULL]),
    )
    system._scale, system._error, system.n_hidden = np.array([1.0, 2.0, 1.0]), 1e-3, 0
    step = system.step(np.array([[3.0], [-0.5], [-2e-3]]), None, np.zeros((3, 1)))
    root = np.sqrt(9 / 4 + 1 / 0.25 + 1e-6 / NULL) + 1e-3 * np.sqrt(1 / 4 + 1 / 0.25)
    assert step.decrement == pytest.approx(root**2, rel=1e-12)
    assert_allclose(step.coords[:, 0], [-0.75, 8.0, 0.0], rtol=1e-14)
    assert step.masses is not None
    system.n_hidden = 1
    assert system.step(np.zeros((3, 1)), None, np.zeros((3, 1))).masses is None


def test_newtons_equation_has_a_unit_diagonal_and_a_bound_on_its_rounding():
    n = 900
    objective = made(n=n, lasso=0.0, ridge=0.0, unit=0.01)
    point = at(objective, np.zeros(3), settle=True)
    free = np.ones(objective.coords_shape, bool)
    system = FreeSystem(objective, point.expected, free)
    H = objective.space.design.hessian(objective.likelihood, point.expected, True)
    assert np.diagonal(H).min() < 0.1
    diagonal = np.diagonal(H).reshape(3, D + 1)
    scale = np.concatenate([diagonal[:, :D].T.ravel(), diagonal[:, D]]) ** -0.5
    assert_allclose(system._scale, scale, rtol=1e-12)
    squares = np.concatenate([np.repeat(objective.space.design.column_squares(), 3), np.full(3, n)])
    residual = np.linalg.norm(objective.likelihood.residual(point.expected))
    error = rounding(n) * residual * np.linalg.norm(np.sqrt(squares) * scale)
    assert system._error == pytest.approx(error, rel=1e-12, abs=0)


def test_the_direction_of_a_programme_is_the_least():
    rng = np.random.default_rng(0)
    for _ in range(5):
        margins = rng.uniform(1, 2, (6, 4))  # every positive direction gains
        direction = _least_direction(*map(sparse.csr_array, (margins, np.zeros((0, 4)))), np.full(4, np.inf))
        gain = margins.sum(axis=0)
        best = np.zeros(4)
        best[gain.argmax()] = 1.0
        assert_allclose(direction, best, atol=1e-12)


# ---- objective, penalty, likelihood


def test_norm_and_peak_of_a_gradient_are_for_the_users_weights():
    objective = made()
    objective.scale = np.array([[4.0], [1.0], [0.5]])
    point = at(objective, np.zeros(3), settle=True)
    gradient = objective.gradient(point)
    shown = gradient.coords * objective.scale
    assert objective.users_square(gradient) == pytest.approx(np.sum(shown**2), rel=1e-12)
    assert gradient.peak == pytest.approx(peak(shown), rel=1e-12) and gradient.peak != peak(gradient.coords)


def test_a_drifting_intercept_is_settled_tightly_once():
    objective = made()
    asked = []

    def gap(point, gradient, residual):
        asked.append(point.tight)
        return 1.0, True

    objective.proof = SimpleNamespace(gap=gap)
    point = at(objective, np.zeros(3), settle=True)
    assert isinstance(objective.gradient(point), Gradient)
    assert asked == [False, True]
    point = at(objective, np.zeros(3), settle=True)
    objective.gradient(point, tightly=False)
    assert asked == [False, True, False]


def test_some_weights_without_a_penalty_are_not_all():
    part = np.array([[0.0], [1.0]])
    none = np.zeros((2, 1))
    assert not ElasticNet(part, none).is_none and not ElasticNet(none, part).is_none
    assert ElasticNet(none, none).is_none


def test_free_weights_have_no_part_in_the_conjugate():
    net = ElasticNet(np.array([[0.0], [1.0]]), np.zeros((2, 1)))
    assert net.conjugate(np.array([[5.0], [0.5]])) == 0
    assert net.conjugate(np.array([[0.0], [1.5]])) == np.inf


def test_strengths_of_two_classes_stay_theirs():
    lasso, ridge = np.arange(6.0).reshape(3, 2), 10 + np.arange(6.0).reshape(3, 2)
    part = ElasticNet(lasso, ridge).at((np.array([0, 2, 1]), np.array([1, 1, 0])))
    assert_array_equal(part.lasso, [1, 5, 2])
    assert_array_equal(part.ridge, [11, 15, 12])
    column = ElasticNet(lasso[:, :1], ridge[:, :1]).at((np.array([0, 2]), np.array([1, 1])))
    assert_array_equal(column.lasso, [0, 4])


@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_the_heaviest_row(kind):
    likelihood = make_likelihood(kind, "masses", N)
    likelihood.weights[:] = np.linspace(0.1, 0.5, N)
    assert likelihood.heaviest == 0.5


# ---- the intercept


@pytest.mark.parametrize("step, adrift", [([-0.4], 0.4), ([0.3, -0.2], 0.5), ([1.0, 1.0, 0.75], 0.25)])
def test_how_far_an_intercept_is_adrift(step, adrift):
    point = SimpleNamespace()
    Intercept()._note(point, np.array(step), -2 * np.array(step))
    assert point.decrement == pytest.approx(2 * np.sum(np.square(step)))
    Intercept()._note(point, np.array(step), np.array(step))
    assert point.decrement == 0 and point.adrift == pytest.approx(adrift)


@pytest.mark.parametrize("kind, intercept", [("binary", [0.5]), ("multinomial", [0.3, 0.0, -0.2])])
def test_an_intercept_is_measured_where_it_is(kind, intercept):
    objective = made(kind)
    point = at(objective, intercept)
    point.tight = True
    objective.measure_intercept(point)
    excess = objective.excess(point.expected)
    inverse = objective.inverse_intercept_hessian(point.expected)
    assert point.tight is False
    assert point.decrement == pytest.approx(excess @ inverse @ excess, rel=1e-12) and point.decrement > 1e-3
    assert_array_equal(point.intercept, intercept)


def test_following_an_intercept_settles_it_no_farther_than_a_certificate_needs():
    objective = made()
    point, other = (at(objective, [2.0, 0.0, -1.0]) for _ in range(2))
    objective.follow_intercept(point)
    objective.settle_intercept(other)
    assert point.settled and point.decrement > 1e6 * other.decrement


def test_where_newtons_steps_fail_the_intercept_is_scaled(monkeypatch):
    objective = made()
    point, expected = at(objective, [1.0, 0.0, -1.0]), at(objective, [1.0, 0.0, -1.0], settle=True)
    real, calls = objective._try_intercept, []

    def fails_first(point, step):
        calls.append(step)
        return len(calls) > 1 and real(point, step)

    monkeypatch.setattr(objective, "_try_intercept", fails_first)
    objective.settle_intercept(point)
    assert_allclose(point.expected, expected.expected, rtol=1e-6)


def test_a_step_that_only_raises_the_loss_is_taken_back():
    objective = made()
    point = at(objective, np.zeros(3), settle=True)
    intercept, loss, state = point.intercept.copy(), point.loss, point.expected.copy()
    assert objective._try_intercept(point, np.array([1e5, 0.0, 0.0])) is False
    assert_array_equal(point.intercept, intercept)
    assert point.loss == loss
    assert_array_equal(point.expected, state)


def test_scaling_goes_on_where_one_of_two_classes_has_everything():
    objective = made("binary")
    point = at(objective, [900.0])
    before = point.loss
    assert objective._scale_intercept(point)
    assert np.isfinite(point.loss) and point.loss < before
