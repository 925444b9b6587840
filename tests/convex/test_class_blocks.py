"""The preconditioner of Newton's steps under a Laplace prior: the Hessian within a class, inverted."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import make_likelihood, random_sparse

from skmaxent.convex.design.pairs import PairDesign
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.preconditioners import class_blocks
from skmaxent.convex.preconditioners.class_blocks import ClassBlocks, LastBlocks
from skmaxent.convex.solvers import orthant_newton, proximal_newton, quadratic_model, working_set
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers

RIDGE = 0.5


def objective_and_state(kind, layout, fit_intercept, workers, n=60, d=12):
    """An objective on all weights or on a few pairs, and expected masses of random scores."""
    X = random_sparse(n, d)
    likelihood = make_likelihood(kind, "codes", n)
    K = likelihood.shape[1]
    X = X.toarray() if layout == "dense" else X
    penalty = ElasticNet(0.3, RIDGE)
    objective = Objective.build(X, likelihood, penalty, fit_intercept, Vectors(workers))
    columns, classes = np.divmod(np.arange(d * K), K)
    if layout == "pairs":
        allowed = np.arange(d * K).reshape(d, K) % (K + 1) == 0
        objective, (columns, classes) = objective.restrict(allowed)
        columns, classes = columns.ravel(), classes.ravel()
        assert isinstance(objective.space.design, PairDesign)
    scores = np.random.default_rng(2).standard_normal(likelihood.shape)
    expected = np.empty_like(scores)
    likelihood.evaluate(scores, expected)
    return X if layout == "dense" else X.toarray(), columns, classes, objective, expected


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("layout", ["dense", "sparse", "pairs"])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_inverts_the_hessian_within_each_class(kind, layout, fit_intercept, share, monkeypatch):
    """Against the formula, written out: X' S X - (X' s)(X' s)' / sum s + ridge, s the curvatures.

    With weights held at 0 it is the inverse of what is left, not a part of the inverse.
    """
    monkeypatch.setattr(class_blocks, "THIN", 0.0)
    with Workers(2) as workers:
        X, columns, classes, objective, expected = objective_and_state(kind, layout, fit_intercept, workers)
        free = np.flatnonzero(np.random.default_rng(3).uniform(size=len(columns)) < 0.8)
        diagonal = quadratic_model.curvatures(objective, expected, RIDGE).ravel()[free]
        blocks, covered = ClassBlocks.build(objective, expected, free, diagonal)
        assert covered == slice(None)
        r = np.random.default_rng(4).standard_normal(len(free))
        held = np.random.default_rng(5).uniform(size=len(free)) < share
        z = blocks.holding(held)(r)
        if not share:
            assert_array_equal(z, blocks(r))
    assert_array_equal(z[held], 0)
    for k in range(expected.shape[1]):
        mine = np.flatnonzero((classes[free] == k) & ~held)
        A = X[:, columns[free[mine]]]
        s = expected[:, k] * (1 - expected[:, k] / objective.likelihood.weights)
        H = (A.T * s) @ A + RIDGE * np.eye(len(mine))
        if fit_intercept:
            H -= np.outer(A.T @ s, A.T @ s) / s.sum()
        assert_allclose(z[mine], np.linalg.solve(H, r[mine]), rtol=1e-3, atol=1e-4 * np.abs(z).max())


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("side", [3, 3000])
def test_is_symmetric_and_positive(side, share, monkeypatch):
    """What conjugate gradients need, with rows left out, blocks cut up and collinear columns."""
    monkeypatch.setattr(class_blocks, "BLOCK_SIDE", side)
    monkeypatch.setattr(class_blocks, "THIN", 0.1)
    with Workers() as workers:
        *_, objective, expected = objective_and_state("multinomial", "sparse", True, workers)
        X = objective.space.design.X.toarray()
        X[:, 1] = 2 * X[:, 0]
        penalty, vectors = ElasticNet(0.3, 0.0), Vectors(workers)
        objective = Objective.build(X, objective.likelihood, penalty, True, vectors)
        diagonal = quadratic_model.curvatures(objective, expected, 0.0).ravel()
        blocks = ClassBlocks.build(objective, expected, np.arange(len(diagonal)), diagonal)[0]
        held = np.random.default_rng(5).uniform(size=len(diagonal)) < share
        condition = blocks.holding(held)
        inverse = np.column_stack([condition(unit) for unit in np.eye(len(diagonal))[~held]])[~held]
    assert_allclose(inverse, inverse.T, rtol=1e-3, atol=1e-5 * np.abs(inverse).max())
    assert np.linalg.eigvalsh(inverse).min() > 0


def test_the_last_inverse_serves_the_weights_that_are_still_there(monkeypatch):
    """The exact inverse on those, at its own state; anew after two uses, or where it covers few."""
    monkeypatch.setattr(class_blocks, "THIN", 0.0)
    builds, build = [], ClassBlocks.build
    monkeypatch.setattr(ClassBlocks, "build", lambda *args: builds.append(1) or build(*args))
    with Workers(2) as workers:
        *_, objective, expected = objective_and_state("multinomial", "sparse", True, workers, n=200, d=40)
        diagonal = quadratic_model.curvatures(objective, expected, RIDGE).ravel()
        m, last = len(diagonal), LastBlocks()

        def of(free, state=expected):
            return last.of(objective, state, free, diagonal[free], free + 1000)

        first, second = np.delete(np.arange(m), [3, 50]), np.delete(np.arange(m), [7, 60, 61])
        blocks, covered = of(first)
        assert isinstance(blocks, ClassBlocks) and covered == slice(None)
        blocks, covered = of(second, np.full_like(expected, 0.1))  # the state is not looked at
        assert len(builds) == 1
        common = np.intersect1d(first, second)
        assert_array_equal(second[covered], common)
        exact = build(objective, expected, common, diagonal[common])[0]
        held = np.random.default_rng(5).uniform(size=len(common)) < 0.2
        r = np.random.default_rng(4).standard_normal(len(common))
        z = blocks.holding(held)(r)
        assert_allclose(z, exact.holding(held)(r), rtol=1e-3, atol=1e-4 * np.abs(z).max())
        assert of(second)[1] == slice(None) and len(builds) == 2
        assert of(second[: m // 2])[1] == slice(None) and len(builds) == 3
        assert len(of(second[: m // 2])[1]) == m // 2 and len(builds) == 3
        last.forget()
        assert of(second[: m // 2])[1] == slice(None) and len(builds) == 4


@pytest.mark.parametrize("layout", ["dense", "sparse", "pairs"])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_where_inverses_cost_too_much_the_largest_curvatures_have_them(kind, layout, monkeypatch):
    """Exactly, as many in each class; and the next step has them again, if its weights are about the same."""
    monkeypatch.setattr(class_blocks, "THIN", 0.0)
    with Workers(2) as workers:
        _, columns, classes, objective, expected = objective_and_state(
            kind, layout, True, workers, n=200, d=40
        )
        diagonal = quadratic_model.curvatures(objective, expected, RIDGE).ravel()
        m, K, design = len(diagonal), expected.shape[1], objective.space.design
        work = class_blocks._multiplications(design, design.X, columns, K)
        if layout == "pairs":
            assert work == sum(B.nnz for _, _, B, _ in design._lanes)
        monkeypatch.setattr(class_blocks, "MAX_CUBES", K * 4.5**3 / work / class_blocks.PART)
        last, numbers = LastBlocks(), np.arange(m)
        blocks, covered = last.of(objective, expected, numbers, diagonal, numbers)
        for k in range(K):
            mine = np.flatnonzero(classes == k)
            best = mine[np.argsort(-diagonal[mine], kind="stable")[:5]]
            assert_array_equal(np.sort(covered[classes[covered] == k]), np.sort(best))
        monkeypatch.undo()
        monkeypatch.setattr(class_blocks, "THIN", 0.0)
        exact = ClassBlocks.build(objective, expected, covered, diagonal[covered])[0]
        r = np.random.default_rng(4).standard_normal(len(covered))
        assert_allclose(blocks(r), exact(r), rtol=1e-3, atol=1e-4 * np.abs(exact(r)).max())
        fewer = np.delete(numbers, np.setdiff1d(numbers, covered)[:1])
        again, places = last.of(objective, expected, fewer, diagonal[fewer], fewer)
        assert_array_equal(fewer[places], covered)
        assert_allclose(again.holding(np.zeros(len(r), bool))(r), blocks(r), rtol=1e-6)


def test_the_blocks_of_many_more_weights_are_made_anew():
    """Those that an inverse of some was made for are still there, but are no longer those that pay."""
    with Workers(2) as workers:
        *_, objective, expected = objective_and_state("binary", "sparse", True, workers, n=200, d=40)
        diagonal = quadratic_model.curvatures(objective, expected, RIDGE).ravel()
        last, numbers = LastBlocks(), np.arange(len(diagonal))
        half = numbers[::2]
        for free in (half, numbers):
            blocks, covered = last.of(objective, expected, free, diagonal[free], free)
            assert isinstance(blocks, ClassBlocks) and covered == slice(None)


@pytest.mark.parametrize("share", [0.05, 0.9])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_weights_of_a_working_set_are_told_by_their_numbers(kind, share):
    """Of pairs and of whole columns: where they are in the flat weights."""
    with Workers() as workers:
        *_, objective, _ = objective_and_state(kind, "sparse", True, workers)
        shape = objective.coords_shape
        allowed = np.random.default_rng(0).uniform(size=shape) < share
        allowed[:2, 0] = True, False
        _, place = objective.restrict(allowed)
        numbers = np.arange(np.prod(shape)).reshape(shape)
        assert_array_equal(working_set._numbers(place, shape), numbers[place])


@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_the_optimum_does_not_depend_on_it(kind, monkeypatch):
    """Newton's iterations with and without it end where all KKT conditions hold; with it, sooner."""
    monkeypatch.setattr(proximal_newton, "WHOLE_SIDE", 0)  # this few weights would be solved as a whole
    ends = {}
    for blocked in (True, False):
        if not blocked:
            monkeypatch.setattr(ClassBlocks, "build", lambda *_: (None, slice(None)))
        with Workers() as workers:
            *_, objective, _ = objective_and_state(kind, "sparse", True, workers)
            start = np.zeros(objective.coords_shape)
            point = objective.point(start, np.zeros(objective.likelihood.shape[1]))
            trust = orthant_newton.Trust(run=200)
            orthant_newton.improve(objective, objective, point, trust, target=1e-24, max_steps=100)
            ends[blocked] = point, objective.gradient(point), objective.space.design.tally[0]
    for point, subgradient, _ in ends.values():
        assert subgradient.peak < 1e-9
        assert_allclose(point.coords, ends[True][0].coords, atol=1e-8)
    assert ends[True][2] < ends[False][2]


def test_entries_that_overflow_leave_the_diagonal():
    """An inverse that single precision cannot hold is not looked for without end."""
    B = np.full((3, 3), np.inf, np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        scale, inverse = class_blocks._inverse(B)
    assert (scale == 0).all()
    assert_allclose(inverse, np.eye(3))
