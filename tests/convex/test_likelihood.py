"""What the likelihoods offer besides losses: feasible masses, pieces of rows, intercepts, norms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import label_masses, make_likelihood, make_objective, random_sparse

from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.intercept import MANY_CLASSES
from skmaxent.convex.likelihood import Multinomial
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import Gaussian
from skmaxent.convex.spaces import Vectors, WeightSpace
from skmaxent.numerics.threads import Workers


@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_masses_are_contained_up_to_their_bounds(kind):
    likelihood = make_likelihood(kind, "codes", 6)
    masses = np.zeros(likelihood.shape)
    masses[::2, 0] = likelihood.weights[::2]
    assert likelihood.contains(masses)
    below = masses.copy()
    below[1, 0] = -1e-9
    assert not likelihood.contains(below)
    missing = masses.copy()
    missing[1, 0] = np.nan
    assert not likelihood.contains(missing)


def test_a_binary_mass_is_at_most_the_weight():
    likelihood = make_likelihood("binary", "codes", 6)
    masses = likelihood.weights[:, None].copy()
    masses[4] *= 1 + 1e-9
    assert not likelihood.contains(masses)


@pytest.mark.parametrize("size", [1, 10, 25, 100])
def test_pieces_are_all_rows_in_order_and_no_longer_than_asked(size):
    likelihood = make_likelihood("multinomial", "codes", 25)
    rows = likelihood.sample(17)
    assert len(rows) == len(set(rows.tolist())) == 17
    for given, whole in ((None, np.arange(25)), (rows, rows)):
        pieces = [np.arange(25)[piece] for piece in likelihood.pieces(given, size)]
        assert_array_equal(np.concatenate(pieces), whole)
        assert max(map(len, pieces)) <= size
    assert_array_equal(rows, np.unique(rows))


@pytest.mark.parametrize("labels", ["codes", "masses"])
@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_scaling_finds_the_intercept_of_equal_rows_in_one_step(kind, labels):
    objective = make_objective(random_sparse(30, 4), make_likelihood(kind, labels, 30), WeightSpace)
    shape = objective.coords_shape
    point = objective.point(np.zeros(shape), np.full(shape[1], 0.3), settle=False)
    assert objective._scale_intercept(point)
    totals = label_masses(objective.likelihood).sum(axis=0)
    shares = np.log(totals / totals.sum())
    wanted = shares[1:] - shares[:1]  # the log-odds of the other classes beside the first
    found = point.intercept if kind == "binary" else point.intercept[1:] - point.intercept[0]
    assert_allclose(found, wanted, rtol=1e-12)
    assert_allclose(objective.excess(point.expected), 0, atol=1e-12 * totals.sum())


def test_without_an_intercept_nothing_is_left_to_settle():
    likelihood = make_likelihood("multinomial", "codes", 30)
    objective = make_objective(random_sparse(30, 4), likelihood, WeightSpace, fit_intercept=False)
    point = objective.point(np.ones(objective.coords_shape), np.zeros(3), settle=False)
    assert not point.settled
    objective.measure_intercept(point)
    assert point.decrement == point.adrift == 0
    assert point.settled


@pytest.mark.parametrize("scaled", [False, True])
def test_the_norm_of_the_design_is_that_of_the_users_columns(scaled):
    X, workers = random_sparse(30, 4), Workers()
    scale = np.array([[0.1], [3.0], [5.0], [0.7]]) if scaled else None
    likelihood = make_likelihood("multinomial", "codes", 30, workers=workers)
    space = WeightSpace(make_design(X, 3, workers), Vectors(workers), scale)
    objective = Objective(space, likelihood, Gaussian(0.7), True, Vectors(workers))
    columns = X.toarray() * (scale.T if scaled else 1)
    assert_allclose(objective.norm, np.linalg.norm(columns), rtol=1e-13)


def test_the_hessian_of_the_intercept_is_summed_over_all_blocks():
    n = 140_000  # more rows of two classes than a block has, whatever it counts
    likelihood = make_likelihood("multinomial", "codes", n, n_classes=2)
    expected = likelihood.zeros()
    likelihood.evaluate(np.tile([0.0, np.log(3)], (n, 1)), expected)
    edge = likelihood.total_weight * 3 / 16
    assert_allclose(likelihood.intercept_hessian(expected), [[edge, -edge], [-edge, edge]], rtol=1e-10)


def test_the_intercept_of_many_classes_is_settled_from_anywhere():
    likelihood = make_likelihood("multinomial", "codes", 600, n_classes=MANY_CLASSES)
    objective = make_objective(random_sparse(600, 4), likelihood, WeightSpace)
    point = objective.point(np.zeros((4, MANY_CLASSES)), np.linspace(-1, 1, MANY_CLASSES))
    assert_allclose(objective.excess(point.expected), 0, atol=1e-6)
    wanted = np.log(likelihood.label_totals)
    assert_allclose(np.diff(point.intercept), np.diff(wanted), atol=1e-6)


@pytest.mark.parametrize("n", [63, 256, 257, 20_001])
@pytest.mark.parametrize("kind", ["binary", "multinomial"])
def test_totals_of_equal_numbers_in_single_precision_do_not_drift(kind, n):
    likelihood = make_likelihood(kind, "codes", n, n_classes=5).astype(np.float32)
    values = np.full(likelihood.shape, 0.2, np.float32)
    assert_allclose(likelihood.totals(values), n * float(np.float32(0.2)), rtol=2e-5)


def test_an_intercept_at_its_optimum_is_settled_in_single_precision_at_once():
    n = 50_000
    likelihood = Multinomial(np.minimum(np.arange(n) % 12, 4), None, np.ones(n), 5, Workers())
    objective = make_objective(random_sparse(n, 4), likelihood, WeightSpace).astype(np.float32)
    point = objective.point(np.zeros((4, 5)), np.log(likelihood.label_totals), settle=False)
    start = point.intercept.copy()
    objective.settle_intercept(point)
    assert_array_equal(point.intercept, start)


def nearly_certain(labels, dtype, n=40, n_classes=4):
    """A likelihood, a state with 1e-20 beside each row's label, and the probabilities of these others."""
    rng = np.random.default_rng(0)
    codes, weights = rng.integers(n_classes, size=n), rng.uniform(0.5, 2, n).astype(dtype)
    given = np.zeros((n, n_classes), dtype)
    given[np.arange(n), codes] = weights
    masses = given if labels == "masses" else None
    likelihood = Multinomial(None if labels == "masses" else codes, masses, weights, n_classes, Workers())
    scores = np.where(given > 0, 0, -46 - rng.uniform(size=given.shape)).astype(dtype)
    expected = np.empty_like(scores)
    likelihood.evaluate(scores, expected)
    return likelihood, expected, np.where(given > 0, 0, np.exp(scores.astype(float))) * weights[:, None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", ["codes", "masses"])
def test_residuals_of_rows_that_are_all_but_certain_have_all_their_digits(labels, dtype):
    """Rounded to 1 - 1 they would be 0, and so would a sum over them."""
    likelihood, expected, others = nearly_certain(labels, dtype)
    wanted = np.where(others > 0, others, -others.sum(axis=1, keepdims=True))
    digits = 100 * np.finfo(dtype).eps
    assert_allclose(likelihood.residual(expected), wanted, rtol=digits)
    objective = make_objective(random_sparse(40, 4), likelihood, WeightSpace)
    assert_allclose(objective.excess(expected), wanted.sum(axis=0), rtol=digits, atol=digits * others.sum())


@pytest.mark.parametrize("labels", ["codes", "masses"])
def test_residuals_are_expected_less_observed(labels):
    likelihood = make_likelihood("multinomial", labels, 30)
    expected = likelihood.zeros()
    likelihood.evaluate(np.random.default_rng(0).standard_normal(likelihood.shape), expected)
    wanted = expected - label_masses(likelihood)
    assert_allclose(likelihood.residual(expected), wanted, atol=1e-14)
    assert_allclose(likelihood.label_totals, label_masses(likelihood).sum(axis=0), rtol=1e-14)
    objective = make_objective(random_sparse(30, 4), likelihood, WeightSpace)
    assert_allclose(objective.excess(expected), wanted.sum(axis=0), atol=1e-13)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (256, 5), (257, 5), (320, 5), (700, 17)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_number_for_each_column_is_added_to_all_rows(shape, dtype):
    rng = np.random.default_rng(0)
    u, shift = rng.standard_normal(shape).astype(dtype), rng.standard_normal(shape[1])
    shifted = Vectors(Workers()).shifted(u, shift)
    assert shifted.dtype == dtype
    assert_array_equal(shifted, u + shift.astype(dtype))
