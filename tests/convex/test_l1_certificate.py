"""The elastic net's certificate and inner solver against an independent solver of the same problem."""

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import make_likelihood, random_sparse
from scipy import optimize

from skmaxent import MaxEntClassifier
from skmaxent.convex import starts
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.problem import Problem
from skmaxent.convex.proofs.certificate import dual_value
from skmaxent.convex.solvers import orthant_newton
from skmaxent.convex.spaces import Vectors
from skmaxent.convex.stochastic_start import stochastic_start
from skmaxent.numerics.threads import Workers

PENALTIES = {"lasso": (0.7, 0.0), "elastic net": (0.4, 0.3), "weighted": (None, 0.2)}


def independent_optimum(X, masses, lasso, ridge, fit_intercept=True):
    """The least objective by L-BFGS-B on the positive and the negative parts of the weights.

    It shares no code with the package; masses (n, K) with K = 2 stand for one score column.
    """
    X, d = X.toarray(), X.shape[1]
    K = masses.shape[1] if masses.shape[1] > 2 else 1
    lasso, ridge = (np.broadcast_to(part, (d, K)).ravel() for part in (lasso, ridge))

    def value(v):
        parts, bias = v[: 2 * d * K].reshape(2, d * K), v[2 * d * K :]
        W = (parts[0] - parts[1]).reshape(d, K)
        F, gradient, excess = oracle.objective(
            X, masses, W.T, fit_intercept * bias, 0.0, ridge.reshape(d, K).T
        )
        slope = gradient.T.ravel() + ridge * W.ravel()
        F += lasso @ parts.sum(axis=0)
        return F, np.concatenate([slope + lasso, -slope + lasso, fit_intercept * excess])

    bounds = [(0, None)] * (2 * d * K) + [(None, None)] * K
    options = {"maxiter": 50_000, "maxfun": 100_000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 30}
    start = np.zeros(len(bounds))
    return optimize.minimize(value, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options).fun


def made_problem(kind, penalty, n=40, d=15):
    """A random likelihood with its masses, and the strengths of the penalty."""
    X = random_sparse(n, d)
    likelihood = make_likelihood(kind, "masses", n)
    lasso, ridge = PENALTIES[penalty]
    if lasso is None:
        lasso = np.random.default_rng(3).uniform(0.2, 1.5, (d, likelihood.shape[1]))
    return X, likelihood, lasso, ridge


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_dual_values_are_below_an_independent_optimum(kind, penalty):
    """Whatever model the dual point is from; and the largest one met closes the gap at the optimum."""
    X, likelihood, lasso, ridge = made_problem(kind, penalty)
    optimum = independent_optimum(X, likelihood.masses, lasso, ridge)
    rng = np.random.default_rng(0)
    with Workers() as workers:
        objective = Objective.build(X, likelihood, ElasticNet(lasso, ridge), True, Vectors(workers))
        shape = objective.coords_shape
        best = -np.inf
        for size in (0.0, 0.1, 1.0, 10.0):
            W = size * rng.standard_normal(shape) * (rng.random(shape) < 0.5)
            point = objective.point(W, np.zeros(shape[1]))
            subgradient = objective.gradient(point)
            dual = dual_value(likelihood, objective.penalty, point.expected, subgradient.loss)
            best = max(best, dual)
            assert dual <= optimum * (1 + 1e-9)
            # The gap is to the largest dual value so far, whichever iterate it is from.
            assert subgradient.gap == pytest.approx(objective.value(point) - best, rel=1e-12)
            assert subgradient.gap >= objective.value(point) - optimum - 1e-9 * optimum
        point = objective.point(np.zeros(shape), np.zeros(shape[1]))
        trust = orthant_newton.Trust()
        orthant_newton.improve(objective, objective, point, trust, target=0.0, max_steps=80)
        assert objective.value(point) == pytest.approx(optimum, rel=1e-8)
        assert objective.gradient(point).gap <= 1e-6 * optimum


@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_gap_bounds_the_suboptimality_at_every_iterate(K, l1_ratio, fit_intercept):
    X = random_sparse(80, 30)
    y = np.random.default_rng(1).integers(0, K, 80)
    y[:K] = np.arange(K)
    C = 2.0
    optimum = independent_optimum(X, np.eye(K)[y], l1_ratio / C, (1 - l1_ratio) / C, fit_intercept)
    model = MaxEntClassifier(C=C, l1_ratio=l1_ratio, fit_intercept=fit_intercept, tol=1e-9, n_jobs=1).fit(
        X, y
    )
    history = model.convergence_["history"]
    excess = history["objective"] * len(y) - optimum
    assert len(excess) >= 3
    assert (excess >= -1e-8 * optimum).all()
    assert (history["gap"] * len(y) >= excess - 1e-8 * optimum).all()
    assert model.convergence_["stop_reason"] == "converged"
    assert model.convergence_["objective"] * len(y) == pytest.approx(optimum, rel=1e-8)


def test_a_whole_step_ends_on_the_edges_of_the_orthant(monkeypatch):
    """Weights that would change their sign end at exactly 0, and the others make up for it."""
    X, likelihood, lasso, ridge = made_problem("multinomial", "lasso", n=60, d=25)
    values = {}
    with Workers() as workers:
        objective = Objective.build(X, likelihood, ElasticNet(lasso, ridge), True, Vectors(workers))
        best = objective.point(np.zeros(objective.coords_shape), np.zeros(3))
        trust = orthant_newton.Trust()
        orthant_newton.improve(objective, objective, best, trust, target=0.0, max_steps=80)
        noise = 0.03 * np.random.default_rng(0).standard_normal(best.coords.shape)
        for cycles in (1, orthant_newton.CYCLES):
            monkeypatch.setattr(orthant_newton, "CYCLES", cycles)
            point = objective.point(best.coords + np.where(best.coords != 0, noise, 0), best.intercept)
            V, W, before = objective.gradient(point), point.coords, objective.value(point)
            orthant = np.where(W != 0, np.sign(W), -np.sign(V.coords))
            fenced = np.full(W.shape, True)
            trust = orthant_newton.Trust(run=200)
            direction = orthant_newton._direction(objective, point, V, trust, orthant, fenced)[0]
            held = (direction == -2 * W) & (W != 0)  # overshoots, so that a whole step is cut at exactly 0
            assert held.any() == (cycles > 1)
            arguments = objective, point, V.coords, direction, orthant, fenced
            step, n_cut = orthant_newton.search_path(*arguments)
            values[cycles] = objective.value(point) if step == 1 else np.inf
            if cycles > 1:
                assert_array_equal(point.coords[held], 0)
                assert n_cut >= held.sum()
    assert values[orthant_newton.CYCLES] < min(before, values[1])


@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_columns_are_shifted_to_the_least_penalty(kind):
    """A number common to all classes of a column changes the penalty alone; no other number is better."""
    X, likelihood, lasso, _ = made_problem(kind, "lasso")
    with Workers() as workers:
        objective = Objective.build(X, likelihood, ElasticNet(lasso, 0.0), True, Vectors(workers))
        shape = objective.coords_shape
        W = np.random.default_rng(0).standard_normal(shape)
        point = objective.point(W, np.zeros(shape[1]))
        orthant_newton.shift_columns(objective, point)
        if kind == "binary":
            assert_array_equal(point.coords, W)
            return
        again = objective.point(point.coords, point.intercept)
    assert again.loss == pytest.approx(point.loss, rel=1e-12)
    assert_allclose(np.ptp(point.coords - W, axis=1), 0, atol=1e-12)
    best = np.abs(point.coords).sum(axis=1)
    for shift in np.linspace(-3, 3, 61):
        assert (best <= np.abs(W + shift).sum(axis=1) + 1e-12).all()


@pytest.mark.parametrize("labels", ["codes", "masses"])
def test_stochastic_start_of_a_laplace_prior(labels):
    """Excluded weights stay 0 and free ones do not, most others are 0, and the objective falls."""
    n, d, K = 3000, 40, 3
    X = random_sparse(n, d, density=0.2)
    scores = 2 * X[:, :K].toarray() + np.random.default_rng(2).gumbel(size=(n, K))
    codes = scores.argmax(axis=1)
    masses = None if labels == "codes" else np.eye(K)[codes] * 0.9 + 0.1 / K
    problem = Problem(X, np.ones(n), K, codes if labels == "codes" else None, masses)
    lasso = np.full((d, K), 30.0)
    lasso[:2] = 0.0
    lasso[2, 1] = np.inf
    with Workers(2) as workers:
        W = stochastic_start(problem, 0.0, lasso, epochs=3, seed=0, workers=workers)
        likelihood = problem.likelihood(workers)
        finite = ElasticNet(np.where(np.isinf(lasso), 1e9, lasso), 0.0)
        objective = Objective.build(X, likelihood, finite, True, Vectors(workers))
        start, zero = (objective.point(v.astype(float), np.zeros(K)) for v in (W, np.zeros_like(W)))
        assert objective.value(start) < 0.95 * objective.value(zero)
    assert W[2, 1] == 0
    assert W[:2].all()
    assert np.count_nonzero(W) < 0.6 * W.size


@pytest.mark.parametrize("start", ["stochastic_start", "_gaussian_start"])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_many_rows_have_a_start_of_their_own(l1_ratio, start, monkeypatch):
    """With or without it the same optimum; the same bits for any number of threads."""
    monkeypatch.setattr(starts, "STOCHASTIC_ROWS", 500)
    monkeypatch.setattr(starts, "GAUSSIAN_SIDE", 0 if start == "stochastic_start" else 5000)
    X = random_sparse(600, 30, density=0.2)
    y = (X[:, :3].toarray() + 0.5 * np.random.default_rng(1).standard_normal((600, 3))).argmax(axis=1)
    calls, function = [], getattr(starts, start)

    def watched(*args, **options):
        calls.append(args)
        return function(*args, **options)

    monkeypatch.setattr(starts, start, watched)
    options = {"C": 0.5, "l1_ratio": l1_ratio, "tol": 1e-10}
    models = [MaxEntClassifier(n_jobs=jobs, **options).fit(X, y) for jobs in (1, 2)]
    assert len(calls) == 2
    assert_array_equal(models[0].coef_, models[1].coef_)
    first = models[0].convergence_["history"]["objective"][0]
    monkeypatch.setattr(starts, "STOCHASTIC_ROWS", 10_000)
    cold = MaxEntClassifier(n_jobs=1, **options).fit(X, y)
    assert len(calls) == 2
    assert first < cold.convergence_["history"]["objective"][0]
    assert_allclose(models[0].coef_, cold.coef_, atol=1e-4)
