"""The truncated Newton direction: with the intercept as an unknown, on pairs, and smoothed at the end."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import make_likelihood, random_sparse

from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.design.shared_pairs import ObservedDesign
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import Gaussian
from skmaxent.convex.preconditioners.centring import LEAST_SHARE, Centring
from skmaxent.convex.preconditioners.hessian import loss_hessian
from skmaxent.convex.solvers.newton_direction import newton_direction
from skmaxent.convex.spaces import Vectors, WeightSpace
from skmaxent.numerics.threads import Workers

RIDGE = 0.3


@pytest.fixture(autouse=True)
def no_factor(monkeypatch):
    """The damped diagonal also where a Cholesky factor would be cheaper."""
    monkeypatch.setattr(WeightSpace, "WORTH", 0)


def objective_of(kind, fit_intercept=True, pairs=False, scaled=False, n=80, d=10):
    """An objective at a random point, X, and which weights (d, K) it has."""
    rng = np.random.default_rng(5)
    X = random_sparse(n, d, 0.4)
    X.data[:] = np.abs(X.data) + 0.5  # far from centred
    likelihood, vectors = make_likelihood(kind, "codes", n), Vectors(Workers())
    K = likelihood.shape[1]
    allowed = np.ones((d, K), bool)
    if pairs:
        allowed = rng.uniform(size=(d, K)) < 0.7
        design = ObservedDesign(X.tocsc(), *np.nonzero(allowed), K, vectors.workers)
    else:
        design = make_design(X, K, vectors.workers)
    scale = rng.uniform(0.2, 3, (design.shape[1], 1)) if scaled else None
    objective = Objective(
        WeightSpace(design, vectors, scale), likelihood, Gaussian(RIDGE), fit_intercept, vectors
    )
    point = objective.point(rng.standard_normal(objective.coords_shape), np.zeros(K))
    if pairs:  # the design has an order of its own
        allowed = np.zeros((d, K), bool)
        allowed[design.columns, design.classes] = True
    return objective, point, X, allowed


def newton_system(objective, point, X, allowed):
    """Hessian in the weights of the design, the intercept eliminated, written out class by class."""
    likelihood, design = objective.likelihood, objective.space.design
    K, d = likelihood.shape[1], X.shape[1]
    H = loss_hessian(likelihood, X, point.expected, objective.fit_intercept, Workers())
    side = len(H) // K
    if design.paired:
        places = design.classes * side + design.columns
    else:
        places = (np.arange(K) * side + np.arange(d)[:, None]).ravel()
    inner = H[np.ix_(places, places)]
    if objective.fit_intercept:
        own = np.arange(K) * side + d
        border = H[np.ix_(places, own)]
        inner = inner - border @ np.linalg.pinv(H[np.ix_(own, own)]) @ border.T
    ridge = RIDGE * np.broadcast_to(objective.space.units, objective.coords_shape).ravel()
    return inner + np.diag(ridge)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_it_solves_newtons_equation(kind, fit_intercept, pairs, scaled):
    objective, point, X, allowed = objective_of(kind, fit_intercept, pairs, scaled)
    gradient = objective.gradient(point)
    coords, scores, shift, smoothed = newton_direction(objective, point, gradient, 1e-12)
    assert (objective.space.centring is not None) == fit_intercept
    assert not smoothed
    H = newton_system(objective, point, X, allowed)
    exact = np.linalg.solve(H, -gradient.coords.ravel()).reshape(coords.shape)
    assert_allclose(coords, exact, rtol=1e-7, atol=1e-9)
    assert_allclose(scores, objective.space.push(exact), atol=1e-8)
    moved = objective.likelihood.curvature(point.expected, scores, shift)
    if fit_intercept:
        assert_allclose(objective.likelihood.totals(moved), 0, atol=1e-9)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_at_the_end_the_next_gradient_is_as_small_as_asked_for(kind, scaled):
    """In the norm of the user's weights, by the quadratic model; farther away nothing is smoothed."""
    objective, point, X, allowed = objective_of(kind, scaled=scaled, n=300, d=40)
    H = newton_system(objective, point, X, allowed)
    gradient = objective.gradient(point)
    for enough in (0.4, 0.1, 0.01, 1e-4):
        for accuracy in (1e-12, 2 * enough, 5 * enough):
            coords, _, _, smoothed = newton_direction(objective, point, gradient, accuracy, enough)
            residual = gradient.coords + (H @ coords.ravel()).reshape(coords.shape)
            left = np.sqrt(objective.space.dual_inner(residual, residual) / gradient.square)
            if smoothed:
                assert left <= 1.02 * enough  # and what is left of the intercept's part
            assert smoothed or accuracy > 1e-12
            assert not (smoothed and accuracy == 5 * enough)


def test_a_smoothed_step_is_a_descent():
    objective, point, *_ = objective_of("multinomial", n=300, d=40)
    gradient = objective.gradient(point)
    for enough in (0.45, 0.2, 0.05):
        coords, *_ = newton_direction(objective, point, gradient, enough, enough)
        assert np.vdot(coords, gradient.coords) < 0


@pytest.mark.parametrize("pairs", [False, True])
def test_centring_is_that_of_columns_less_their_means(pairs):
    objective, point, X, _ = objective_of("multinomial", pairs=pairs)
    design, likelihood = objective.space.design, objective.likelihood
    s = likelihood.curvature_diagonal(point.expected)
    classes = design.classes if pairs else None
    sums, squares = design.moments(s)
    centring = Centring(sums, s.sum(axis=0), classes)
    X, K = X.toarray(), s.shape[1]
    columns, of = np.divmod(np.arange(X.shape[1] * K), K)
    if pairs:
        columns, of = design.columns, design.classes
    means = (X.T @ s / s.sum(axis=0))[columns, of]
    centred = X[:, columns] - means  # one column a weight
    rng = np.random.default_rng(0)
    p, R = rng.standard_normal(objective.coords_shape), rng.standard_normal(s.shape)
    scores = np.zeros_like(s)
    for m, k in enumerate(of):
        scores[:, k] += centred[:, m] * p.ravel()[m]
    assert_allclose(design.forward(p) + centring.shift(p), scores, atol=1e-12)
    product = design.adjoint(R)
    centring.correct(product, R.sum(axis=0))
    assert_allclose(product.ravel(), np.sum(centred * R[:, of], axis=0), atol=1e-12)
    exact = np.sum(centred**2 * s[:, of], axis=0)
    assert_allclose(centring.curvatures(squares).ravel(), exact, rtol=1e-9)
    assert (exact > LEAST_SHARE * squares.ravel()).all()


@pytest.mark.parametrize("shape", [(40, 12), (12, 40)])
def test_moments_of_indicators_are_one_product(shape):
    X = random_sparse(*shape)
    R = np.random.default_rng(0).standard_normal((shape[0], 3))
    for values in (X.data, np.ones_like(X.data)):
        X.data[:] = values
        design = make_design(X, 3, Workers())
        sums, squares = design.moments(R)
        assert_allclose(sums, X.T @ R, atol=1e-12)
        assert_allclose(squares, X.power(2).T @ R, atol=1e-12)
        assert (sums is squares) == (values == 1).all()


def test_the_same_work_is_done_in_threads():
    results = []
    for n_threads in (1, 2):
        with Workers(n_threads) as workers:
            vectors = Vectors(workers)
            u, v = np.random.default_rng(0).standard_normal((2, 3, 400_000))
            vectors.approach(u, 0.25, v)
            results.append(u)
    u, v = np.random.default_rng(0).standard_normal((2, 3, 400_000))
    assert_allclose(results[0], 0.75 * u + 0.25 * v, atol=1e-14)
    assert_array_equal(*results)


@pytest.mark.parametrize("accuracy", [0.5, 1e-12])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_a_diagonal_is_kept_after_few_steps_and_still_leads_to_the_solution(fit_intercept, accuracy):
    objective, point, X, allowed = objective_of("multinomial", fit_intercept)
    newton_direction(objective, point, objective.gradient(point), accuracy)
    before = objective.space._apply
    rng = np.random.default_rng(8)
    other = objective.point(rng.standard_normal(objective.coords_shape), np.zeros(3))
    gradient = objective.gradient(other)
    coords = newton_direction(objective, other, gradient, 1e-12)[0]
    assert (objective.space._apply is before) == (accuracy == 0.5)
    H = newton_system(objective, other, X, allowed)
    assert_allclose(coords.ravel(), -np.linalg.solve(H, gradient.coords.ravel()), rtol=1e-6, atol=1e-9)
