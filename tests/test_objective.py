"""Designs, likelihoods, the objective in both spaces, and the duality certificate."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import label_masses, make_likelihood, make_objective, random_sparse
from scipy import sparse
from scipy.special import logsumexp, xlogy
from scipy.special import softmax as scipy_softmax

from skmaxent._parallel import Workers
from skmaxent.objective import design as design_module
from skmaxent.objective import likelihood as likelihood_module
from skmaxent.objective.design import ColumnBlocks, DenseDesign, RowBlocks, make_design
from skmaxent.objective.spaces import RowSpace, Vectors, WeightSpace

DESIGNS = ["ColumnBlocks", "RowBlocks", "DenseDesign"]
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}
KINDS = [(kind, labels) for kind in ("multinomial", "binary") for labels in ("codes", "masses")]


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def small_blocks(monkeypatch):
    """Several lanes and blocks even on small arrays."""
    monkeypatch.setattr(design_module, "LANE_WORK", 50)
    monkeypatch.setattr(design_module, "BLOCK_NNZ", 20)
    monkeypatch.setattr(likelihood_module, "BLOCK_ENTRIES", 16)
    monkeypatch.setattr(Vectors, "BLOCK", 16)


def build_design(name, dtype, n_outputs, workers):
    X = random_sparse(*{"ColumnBlocks": (17, 60), "RowBlocks": (60, 17)}.get(name, (40, 9)), dtype=dtype)
    X = X if name != "DenseDesign" else X.toarray()
    made = make_design(X, n_outputs, workers)
    assert type(made).__name__ == name
    return X, made


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("n_outputs", [1, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DESIGNS)
def test_products_of_every_design(rng, small_blocks, name, dtype, n_outputs, threads):
    with Workers(threads) as workers:
        X, design = build_design(name, dtype, n_outputs, workers)
        n, d = X.shape
        W = rng.standard_normal((d, n_outputs)).astype(dtype)
        R = rng.standard_normal((n, n_outputs)).astype(dtype)
        forward, adjoint, (gram, peak) = design.forward(W), design.adjoint(R), design.gram(R)
        squares = design.squared_adjoint(R)
    tolerance = TOLERANCE[dtype]
    full = (X.toarray() if sparse.issparse(X) else X).astype(float)
    for product, expected in [
        (forward, full @ W),
        (adjoint, full.T @ R),
        (gram, full @ (full.T @ R)),
        (squares, (full**2).T @ R),
    ]:
        assert product.dtype == dtype
        assert_allclose(product, expected, rtol=tolerance, atol=10 * tolerance)
    assert peak == pytest.approx(np.abs(full.T @ R).max(), rel=tolerance)
    assert np.vdot(forward, R) == pytest.approx(np.vdot(W, adjoint), rel=10 * tolerance)  # the adjoint


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", DESIGNS)
def test_products_are_bit_equal_for_any_number_of_threads(rng, small_blocks, name, dtype):
    results = []
    for threads in (1, 2, 3):
        rng = np.random.default_rng(2)
        with Workers(threads) as workers:
            X, design = build_design(name, dtype, 3, workers)
            if name != "DenseDesign":
                assert len(design._lanes) > 1 and len(design._blocks) > 1
            W = rng.standard_normal((X.shape[1], 3)).astype(dtype)
            R = rng.standard_normal((X.shape[0], 3)).astype(dtype)
            results.append(
                [design.forward(W), design.adjoint(R), design.gram(R)[0], design.squared_adjoint(R)]
            )
    for other in results[1:]:
        for one, two in zip(results[0], other):
            assert_array_equal(one, two)


@pytest.mark.parametrize("name", DESIGNS)
def test_design_in_another_precision_and_the_tally(rng, name):
    X, design = build_design(name, np.float64, 2, Workers())
    single = design.astype(np.float32)
    W, R = rng.standard_normal((X.shape[1], 2)), rng.standard_normal((X.shape[0], 2))
    assert single.forward(W.astype(np.float32)).dtype == np.float32
    design.adjoint(R)
    design.gram(R)
    assert design.tally == single.tally == [2.0]  # products are counted in both precisions together
    if sparse.issparse(X):
        assert np.shares_memory(single.X.indices, design.X.indices)


def test_conversion_copies_nothing_that_fits():
    wide, tall = random_sparse(5, 20).tocsc(), random_sparse(20, 5)
    assert isinstance(make_design(wide, 2, Workers()), ColumnBlocks)
    for X, layout in [(wide, ColumnBlocks), (tall, RowBlocks)]:
        design = make_design(X, 2, Workers())
        assert isinstance(design, layout)
        assert np.shares_memory(design.X.data, X.data)
        assert np.shares_memory(design._blocks[0][1].data, X.data)
    dense = np.ones((20, 5))
    assert np.shares_memory(make_design(dense, 2, Workers()).X, dense)
    assert isinstance(make_design(dense, 2, Workers()), DenseDesign)


# ---- the likelihood as a function of the scores


def reference_loss(likelihood, scores):
    """The loss from the definition, for real or complex scores."""
    masses = label_masses(likelihood)
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    log_z = np.log(np.exp(scores - scores.real.max(axis=1, keepdims=True)).sum(axis=1))
    log_z = log_z + scores.real.max(axis=1)
    return (likelihood.weights * log_z - (masses * scores).sum(axis=1)).sum()


@pytest.mark.parametrize("kind, labels", KINDS)
def test_likelihood_gradient_by_complex_step(rng, small_blocks, kind, labels):
    likelihood = make_likelihood(kind, labels, 12)
    scores = 2 * rng.standard_normal(likelihood.shape)
    expected = np.empty_like(scores)
    loss = likelihood.evaluate(scores, expected)
    assert loss == pytest.approx(reference_loss(likelihood, scores), rel=1e-13)
    gradient = np.empty_like(scores)
    for place in np.ndindex(scores.shape):
        moved = scores.astype(complex)
        moved[place] += 1e-30j
        gradient[place] = reference_loss(likelihood, moved).imag / 1e-30
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
    entries = likelihood.curvature_matrix(rows, expected[rows])
    for k in range(K):
        for l in range(K):
            assert_allclose(entries(k, l), dense[rows, k, l], atol=1e-14)


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
    assert rows.gap(row_gradient) == pytest.approx(weights.gap(weight_gradient), rel=1e-11)


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
        gap = objective.gap(objective.gradient(point))
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
    assert objective.gap(objective.gradient(point)) == np.inf


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


def test_preconditioner_is_the_damped_diagonal_of_the_hessian(rng, monkeypatch):
    X = random_sparse(20, 6)
    likelihood = make_likelihood("multinomial", "codes", 20)
    objective = make_objective(X, likelihood, WeightSpace)
    point = objective.point(rng.standard_normal((6, 3)), np.zeros(3))
    monkeypatch.setattr(WeightSpace, "WORTH", 0)  # never the Cholesky factor
    objective.space.precondition(likelihood, point.expected, 0.7, False)
    r = rng.standard_normal((6, 3))
    z, scores, inner = objective.space.metric(r)
    diagonal = np.empty((6, 3))
    for j, k in np.ndindex(6, 3):
        unit = np.zeros((6, 3))
        unit[j, k] = 1
        diagonal[j, k] = (X.T @ likelihood.curvature(point.expected, X @ unit))[j, k] + 0.7
    assert_allclose(z, r / diagonal**WeightSpace.DAMPING, rtol=1e-10)
    assert scores is None
    assert inner == pytest.approx(np.vdot(r, z))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_preconditioner_with_few_columns_inverts_the_hessian(rng, fit_intercept):
    X = random_sparse(60, 3)
    likelihood = make_likelihood("multinomial", "codes", 60)
    objective = make_objective(X, likelihood, WeightSpace)
    objective.fit_intercept = fit_intercept
    point = objective.point(rng.standard_normal((3, 3)), np.zeros(3))
    space = objective.space
    space.WORTH = np.inf
    space.precondition(likelihood, point.expected, 0.7, fit_intercept)
    z = space.metric(r := rng.standard_normal((3, 3)) @ (np.eye(3) - 1 / 3))[0]
    shift = np.zeros(3)
    if fit_intercept:  # eliminated, as in the solver
        shift = objective.inverse_intercept_hessian(point.expected) @ -likelihood.curvature_totals(
            point.expected, X @ z
        )
    Hz = X.T @ likelihood.curvature(point.expected, X @ z, shift) + 0.7 * z
    assert_allclose(Hz, r, atol=1e-10)
