"""Likelihoods, Hessians, the objective in both spaces, and the duality certificate."""

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import label_masses, make_likelihood, make_objective, random_sparse
from scipy.special import logsumexp, xlogy
from scipy.special import softmax as scipy_softmax

from skmaxent.convex import likelihood as likelihood_module
from skmaxent.convex.objective import ADRIFT
from skmaxent.convex.preconditioners import hessian as hessian_module
from skmaxent.convex.preconditioners.hessian import NewtonSystem, loss_hessian
from skmaxent.convex.spaces import RowSpace, WeightSpace
from skmaxent.numerics.threads import Workers

KINDS = [(kind, labels) for kind in ("multinomial", "binary") for labels in ("codes", "masses")]


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def small_blocks(monkeypatch):
    """Several blocks even on small arrays."""
    monkeypatch.setattr(likelihood_module, "BLOCK_ENTRIES", 16)
    monkeypatch.setattr(likelihood_module, "SHARED_ENTRIES", 16)


# ---- the likelihood as a function of the scores


def reference_loss(likelihood, scores):
    return oracle.loss(scores, label_masses(likelihood))


@pytest.mark.parametrize("kind, labels", KINDS)
def test_likelihood_gradient_by_complex_step(rng, small_blocks, kind, labels):
    likelihood = make_likelihood(kind, labels, 12)
    scores = 2 * rng.standard_normal(likelihood.shape)
    expected = np.empty_like(scores)
    loss = likelihood.evaluate(scores, expected)
    assert loss == pytest.approx(reference_loss(likelihood, scores), rel=1e-13)
    gradient = oracle.complex_step(lambda z: reference_loss(likelihood, z), scores)
    assert_allclose(likelihood.residual(expected), gradient, rtol=1e-12, atol=1e-13)
    masses = label_masses(likelihood)[:, -likelihood.shape[1] :]
    assert_allclose(likelihood.label_totals, masses.sum(axis=0), rtol=1e-13)
    assert_allclose(likelihood.totals(expected), expected.sum(axis=0), rtol=1e-13)


@pytest.mark.parametrize("kind, labels", KINDS)
def test_likelihood_curvature_against_differences(rng, small_blocks, kind, labels):
    likelihood = make_likelihood(kind, labels, 12)
    scores, V = rng.standard_normal(likelihood.shape), rng.standard_normal(likelihood.shape)
    shift = rng.standard_normal(likelihood.shape[1])
    step = 1e-5

    def residual(direction, t):
        expected = np.empty_like(scores)
        likelihood.evaluate(scores, expected, direction, t)
        return likelihood.residual(expected)

    expected = np.empty_like(scores)
    likelihood.evaluate(scores, expected)
    product = (residual(V, step) - residual(V, -step)) / (2 * step)
    assert_allclose(likelihood.curvature(expected, V), product, atol=1e-8)
    shifted = (residual(V + shift, step) - residual(V + shift, -step)) / (2 * step)
    assert_allclose(likelihood.curvature(expected, V, shift), shifted, atol=1e-8)
    assert_allclose(likelihood.curvature_totals(expected, V), product.sum(axis=0), atol=1e-7)
    first, second = likelihood.slopes(expected, V)
    assert first == pytest.approx(np.vdot(likelihood.residual(expected), V), rel=1e-11)
    assert second == pytest.approx(np.vdot(V, product), rel=1e-7)


@pytest.mark.parametrize("kind, labels", KINDS)
def test_diagonal_matrix_and_intercept_hessian_are_the_curvature(rng, small_blocks, kind, labels):
    likelihood = make_likelihood(kind, labels, 12)
    scores, expected = rng.standard_normal(likelihood.shape), np.empty(likelihood.shape)
    likelihood.evaluate(scores, expected)
    n, K = likelihood.shape
    columns = [likelihood.curvature(expected, np.tile(unit, (n, 1))) for unit in np.eye(K)]
    dense = np.stack(columns, axis=2)  # (n, K, K)
    assert_allclose(likelihood.curvature_diagonal(expected), np.einsum("ikk->ik", dense), atol=1e-14)
    assert_allclose(likelihood.intercept_hessian(expected), dense.sum(axis=0), atol=1e-12)
    rows = slice(3, 9)
    root = likelihood.curvature_root(rows, expected[rows])
    for k in range(K):
        others = [-root[:, k] * root[:, l] for l in range(K) if l != k]
        entries = others[:k] + [-sum(others) if K > 1 else root[:, 0] ** 2] + others[k:]
        assert_allclose(np.stack(entries, axis=1), dense[rows, k], atol=1e-14)


@pytest.mark.parametrize("kind, labels", KINDS)
def test_likelihood_is_bit_equal_for_any_number_of_threads(rng, small_blocks, kind, labels):
    scores = rng.standard_normal((50, 1 if kind == "binary" else 3))
    outcomes = []
    for threads in (1, 2):
        with Workers(threads) as workers:
            likelihood = make_likelihood(kind, labels, 50, workers=workers)
            assert len(likelihood._cuts) > 2
            expected = np.empty_like(scores)
            loss = likelihood.evaluate(scores, expected)
            outcomes.append((loss, expected, likelihood.slopes(expected, scores)))
    for one, two in zip(*outcomes):
        assert_array_equal(one, two)


@pytest.mark.parametrize("kind, labels", KINDS)
def test_likelihood_in_single_precision(rng, kind, labels):
    likelihood = make_likelihood(kind, labels, 30)
    single = likelihood.astype(np.float32)
    scores = rng.standard_normal(likelihood.shape)
    expected, single_expected = np.empty_like(scores), np.empty(scores.shape, np.float32)
    loss = likelihood.evaluate(scores, expected)
    assert single.evaluate(scores.astype(np.float32), single_expected) == pytest.approx(loss, rel=1e-6)
    assert single.residual(single_expected).dtype == np.float32
    assert_allclose(single_expected, expected, rtol=1e-5)


# ---- the objective in both spaces


def corresponding(X, likelihood, coords, penalty, fit_intercept):
    """The same point in row space and in weight space."""
    by_rows = make_objective(X, likelihood, RowSpace, penalty, fit_intercept)
    by_weights = make_objective(X, likelihood, WeightSpace, penalty, fit_intercept)
    start = np.zeros(likelihood.shape[1])
    return (by_rows, by_rows.point(coords, start)), (by_weights, by_weights.point(X.T @ coords, start))


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind, labels", KINDS)
@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
def test_both_spaces_are_the_same_objective(rng, shape, kind, labels, fit_intercept):
    X = random_sparse(*shape)
    likelihood = make_likelihood(kind, labels, shape[0])
    coords = 0.3 * rng.standard_normal(likelihood.shape)
    (rows, at_rows), (weights, at_weights) = corresponding(X, likelihood, coords, 0.7, fit_intercept)
    assert rows.value(at_rows) == pytest.approx(weights.value(at_weights), rel=1e-12)
    assert at_rows.square == pytest.approx(np.vdot(at_weights.coords, at_weights.coords), rel=1e-12)
    assert_allclose(at_rows.scores, at_weights.scores, atol=1e-12)
    row_gradient, weight_gradient = rows.gradient(at_rows), weights.gradient(at_weights)
    assert_allclose(rows.space.weights(row_gradient.coords), weight_gradient.coords, atol=1e-11)
    assert row_gradient.square == pytest.approx(weight_gradient.square, rel=1e-11)
    assert row_gradient.peak == pytest.approx(weight_gradient.peak, rel=1e-11)
    assert row_gradient.gap == pytest.approx(weight_gradient.gap, rel=1e-11)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind, labels", KINDS)
def test_objective_gradient_against_differences(rng, kind, labels, fit_intercept):
    X = random_sparse(25, 8)
    likelihood = make_likelihood(kind, labels, 25)
    objective = make_objective(X, likelihood, WeightSpace, 0.7, fit_intercept)
    W, D = (rng.standard_normal((8, likelihood.shape[1])) for _ in range(2))
    zero = np.zeros(likelihood.shape[1])
    gradient = objective.gradient(objective.point(W, zero))
    # The intercept follows the weights to its own optimum, so that its gradient adds nothing.
    step = 1e-5
    slope = objective.value(objective.point(W + step * D, zero))
    slope = (slope - objective.value(objective.point(W - step * D, zero))) / (2 * step)
    assert np.vdot(gradient.coords, D) == pytest.approx(slope, rel=1e-6)
    assert gradient.square == pytest.approx(np.vdot(gradient.coords, gradient.coords))
    assert gradient.peak == np.abs(gradient.coords).max()


def primal(X, likelihood, W, b, penalty):
    """The objective from its definition."""
    return reference_loss(likelihood, X @ W + b) + 0.5 * penalty * np.vdot(W, W)


def dual(X, likelihood, mu, penalty):
    """The dual objective at class probabilities mu (n, K), from the formula of the certificate.

    Masses t of total m, also distributions: D = sum_i m_i H(mu_i) - |X' (t - m mu)|^2 / (2 penalty).
    In the form with one weight vector for two classes only the column of the second class counts.
    """
    weights = likelihood.weights
    entropy = -(weights[:, None] * xlogy(mu, mu)).sum()
    residual = (label_masses(likelihood) - weights[:, None] * mu)[:, -likelihood.shape[1] :]
    return entropy - np.square(X.T @ residual).sum() / (2 * penalty)


def probabilities(scores):
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    return scipy_softmax(scores, axis=1)


@pytest.mark.parametrize("space", [RowSpace, WeightSpace])
@pytest.mark.parametrize("penalty", [1e-3, 0.7, 100.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind, labels", KINDS)
def test_gap_is_primal_minus_dual(kind, labels, fit_intercept, penalty, space):
    X = random_sparse(15, 10)
    likelihood = make_likelihood(kind, labels, 15)
    objective = make_objective(X, likelihood, space, penalty, fit_intercept)
    for seed in range(5):
        coords = np.random.default_rng(seed).standard_normal(objective.coords_shape)
        point = objective.point(10.0 ** (seed - 3) * coords, np.zeros(likelihood.shape[1]))
        W, b = objective.space.weights(point.coords), point.intercept
        value = primal(X, likelihood, W, b, penalty)
        assert objective.value(point) == pytest.approx(value, rel=1e-12)
        gap = objective.gradient(point).gap
        certified = dual(X, likelihood, probabilities(point.scores + b), penalty)
        assert gap >= 0
        assert gap == pytest.approx(value - certified, rel=1e-9, abs=1e-10 * abs(value))


@pytest.mark.parametrize("kind, labels", KINDS)
def test_dual_bounds_every_primal_value(kind, labels):
    """Weak duality for arbitrary mu, not only the model's own probabilities: the formula is right."""
    X = random_sparse(15, 10)
    likelihood = make_likelihood(kind, labels, 15)
    K = likelihood.shape[1]
    rng = np.random.default_rng(3)
    values = [
        primal(X, likelihood, scale * rng.standard_normal((10, K)), np.zeros(K), 0.7)
        for scale in (0, 0.1, 1) for _ in range(5)
    ]  # fmt: skip
    duals = [
        dual(X, likelihood, rng.dirichlet(np.ones(max(K, 2)), 15), 0.7) for _ in range(10)
    ]  # fmt: skip
    assert max(duals) <= min(values)


def test_unpenalised_objective_has_no_gap(rng):
    likelihood = make_likelihood("multinomial", "codes", 15)
    objective = make_objective(random_sparse(15, 10), likelihood, WeightSpace, penalty=0.0)
    point = objective.point(rng.standard_normal((10, 3)), np.zeros(3))
    assert objective.gradient(point).gap == np.inf


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind, labels", KINDS)
def test_settled_intercept_balances_the_classes(rng, kind, labels, dtype):
    X = random_sparse(40, 8, dtype=dtype)
    likelihood = make_likelihood(kind, labels, 40, dtype=dtype)
    objective = make_objective(X, likelihood, WeightSpace)
    coords = (3 * rng.standard_normal((8, likelihood.shape[1]))).astype(dtype)
    point = objective.point(coords, np.full(likelihood.shape[1], 5.0))
    balance = likelihood.totals(point.expected) - likelihood.label_totals
    assert np.abs(balance).max() <= {np.float64: 1e-12, np.float32: 1e-5}[dtype] * likelihood.weights.sum()


def test_settled_intercept_of_zero_weights_is_the_log_prior():
    likelihood = make_likelihood("multinomial", "masses", 20)
    objective = make_objective(random_sparse(20, 4), likelihood, WeightSpace)
    point = objective.point(np.zeros((4, 3)), np.zeros(3))
    prior = label_masses(likelihood).sum(axis=0)
    log_prior = np.log(prior / prior.sum())
    assert_allclose(point.intercept - logsumexp(point.intercept), log_prior, atol=1e-12)


def dense_hessian(likelihood, X, expected, penalty, fit_intercept):
    """Hessian of the objective, rows and columns class by class, one unit vector at a time."""
    X = np.column_stack([X.toarray(), np.ones(X.shape[0])]) if fit_intercept else X.toarray()
    K, side = likelihood.shape[1], X.shape[1]
    H = np.empty((K * side, K * side))
    for k, j in np.ndindex(K, side):
        unit = np.zeros((side, K))
        unit[j, k] = 1
        H[:, k * side + j] = (X.T @ likelihood.curvature(expected, X @ unit)).T.ravel()
        H[k * side + j, k * side + j] += penalty if j < side - fit_intercept else 0
    return H


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind, labels", KINDS)
def test_whole_hessian_and_newton_system(monkeypatch, rng, kind, labels, fit_intercept):
    monkeypatch.setattr(hessian_module, "CHUNK_ENTRIES", 40)
    X = random_sparse(20, 6)
    likelihood = make_likelihood(kind, labels, 20)
    K = likelihood.shape[1]
    expected = np.empty(likelihood.shape)
    likelihood.evaluate(rng.standard_normal(likelihood.shape), expected)
    reference = dense_hessian(likelihood, X, expected, 0.0, fit_intercept)
    rows = np.array([1, 4, 9, 17])
    for layout in (X, X.tocsc(), X.toarray()):
        H = loss_hessian(likelihood, layout, expected, fit_intercept, Workers())
        assert_allclose(H, reference, atol=1e-12)
        parts = [
            loss_hessian(likelihood, layout, expected, fit_intercept, Workers(), chosen)
            for chosen in (rows, np.setdiff1d(np.arange(20), rows))
        ]
        assert_allclose(sum(parts), reference, atol=1e-12)
    for penalty in (0.7, 0.0):
        right = X.T @ likelihood.residual(expected)
        if fit_intercept:  # a settled intercept: the residual sums to zero
            residual = likelihood.residual(expected)
            right = X.T @ (residual - residual.mean(axis=0))
        step, shift = NewtonSystem(H.copy(), K, 6, penalty).solve(right)
        whole = dense_hessian(likelihood, X, expected, penalty, fit_intercept)
        found = np.vstack([step, shift]) if fit_intercept else step
        wanted = np.vstack([right, np.zeros(K)]) if fit_intercept else right
        assert_allclose(whole @ found.T.ravel(), wanted.T.ravel(), atol=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("factored", [True, False])
def test_preconditioner_approximates_the_inverse_hessian(monkeypatch, rng, factored, fit_intercept):
    monkeypatch.setattr(WeightSpace, "WORTH", 10**9 if factored else 0)
    X = random_sparse(20, 6)
    likelihood = make_likelihood("multinomial", "codes", 20)
    objective = make_objective(X, likelihood, WeightSpace, 0.7, fit_intercept)
    point = objective.point(rng.standard_normal((6, 3)), np.zeros(3))
    objective.space.precondition(likelihood, point.expected, 0.7, fit_intercept)
    r = rng.standard_normal((6, 3))
    z, scores, inner = objective.space.metric(r)
    assert scores is None
    assert inner == pytest.approx(np.vdot(r, z))
    if factored:  # all rows are in the sample: the exact Newton step, the intercept eliminated
        H = dense_hessian(likelihood, X, point.expected, 0.7, fit_intercept)
        right = np.vstack([r, np.zeros(3)]) if fit_intercept else r
        exact = np.linalg.lstsq(H, right.T.ravel(), rcond=1e-12)[0].reshape(3, -1).T[:6]
        assert_allclose(z, exact, atol=1e-9)
    else:
        H = dense_hessian(likelihood, X, point.expected, 0.7, False)
        diagonal = np.diag(H).reshape(3, 6).T
        if fit_intercept:  # of columns less their mean, class by class
            curvatures = likelihood.curvature_diagonal(point.expected)
            diagonal = diagonal - (X.T @ curvatures) ** 2 / curvatures.sum(axis=0)
        assert_allclose(z, r / diagonal**WeightSpace.DAMPING, rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind, labels", KINDS)
@pytest.mark.parametrize("scale", [30.0, 300.0])
def test_the_intercept_settles_where_probabilities_are_saturated(rng, kind, labels, dtype, scale):
    likelihood = make_likelihood(kind, labels, 60, n_classes=6, dtype=dtype)
    X = random_sparse(60, 8, dtype=dtype)
    objective = make_objective(X, likelihood, WeightSpace)
    coords = (scale * rng.standard_normal((8, likelihood.shape[1]))).astype(dtype)
    start = scale * np.linspace(-2, 2, likelihood.shape[1])
    point = objective.point(coords, start, settle=False)
    before = point.loss
    assert not point.settled
    assert objective.gradient(point).gap == np.inf  # these probabilities are no dual point
    objective.settle_intercept(point, max_steps=500)
    assert point.loss <= before
    excess = likelihood.totals(point.expected) - likelihood.label_totals
    newton = objective.inverse_intercept_hessian(point.expected) @ excess
    assert point.settled == (np.ptp([0.0, *newton] if len(newton) == 1 else newton) <= ADRIFT)
    assert np.isfinite(objective.gradient(point).gap) == point.settled
    assert point.settled or scale > 30  # beyond, it takes more steps than these
