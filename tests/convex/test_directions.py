"""The linear programme of separation against problems whose directions are known."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skmaxent.convex.design.shared_pairs import ObservedDesign
from skmaxent.convex.grouped import GroupedProblem
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet, Gaussian
from skmaxent.convex.problem import Problem
from skmaxent.convex.proofs import separation
from skmaxent.convex.proofs.separation import PART, Separation
from skmaxent.convex.spaces import RowSpace, Vectors, WeightSpace
from skmaxent.numerics.threads import Workers


def made(X, labels, lasso=0.0, fit_intercept=True):
    """Search, and objective, of codes of classes or of masses."""
    labels, X = np.asarray(labels), sparse.csr_array(np.asarray(X, dtype=float))
    if labels.ndim == 1:
        problem = Problem(X, np.ones(len(labels)), labels.max() + 1, codes=labels)
    else:
        problem = Problem(X, labels.sum(axis=1), labels.shape[1], masses=labels)
    workers = Workers()
    penalty = ElasticNet(np.broadcast_to(lasso, (X.shape[1], problem.n_outputs)).astype(float), 0.0)
    objective = Objective.build(X, problem.likelihood(workers), penalty, fit_intercept, Vectors(workers))
    return Separation(problem), objective


def found(*args, **options):
    """The columns of the direction; None where there is none."""
    search, objective = made(*args, **options)
    if search.search(objective):
        return search.columns.tolist()
    assert search.columns is None
    return None


def overlapping(K, n=60):
    """Two columns that say nothing of the classes, and the classes."""
    rng = np.random.default_rng(K)
    return rng.standard_normal((n, 3)), np.arange(n) % K


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("K", [2, 3, 4])
def test_the_programme_names_the_one_column_that_a_class_has_for_itself(K, fit_intercept, scale):
    X, y = overlapping(K)
    assert found(X, y, fit_intercept=fit_intercept) is None
    X[:, 1] = (y == 1) * (np.arange(len(y)) % 5 == 0)
    assert found(X * scale, y, fit_intercept=fit_intercept) == [1]
    assert found(-X * scale, y, fit_intercept=fit_intercept) == [1]
    penalised = np.array([[0.0], [1.0], [0.0]])
    assert found(X * scale, y, penalised, fit_intercept) is None


def test_a_threshold_needs_the_intercept():
    """Two classes on either side of 5 are separated by the column and the intercept together."""
    x = np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0])[:, None]
    y = np.array([0, 0, 0, 1, 1, 1])
    assert found(x, y) == [0]
    assert found(x, y, fit_intercept=False) is None
    # With both sides of 5 in each class neither is enough.
    assert found(x, y[[0, 3, 1, 4, 2, 5]]) is None
    # The intercept alone: there is but one class of the two.
    assert found(np.array([[1.0], [-1.0], [0.0]]), np.array([[1.0, 0], [1, 0], [1, 0]])) == [0]
    assert found(x * 0, y, fit_intercept=False) is None


@pytest.mark.parametrize("free_class", [0, 1, 2])
def test_only_free_weights_move(free_class):
    """A column that class 2 never has separates along the weight of class 2, and along no other."""
    X, y = overlapping(3)
    X[:, 1] = (y != 2) * (np.arange(len(y)) % 4 < 2)
    lasso = np.ones((3, 3))
    lasso[1, free_class] = 0.0
    assert found(X, y, lasso) == ([1] if free_class == 2 else None)
    lasso[1], lasso[:, 2] = 0.0, 1.0  # a fall of one class is a rise of all others
    assert found(X, y, lasso) == [1]


def test_labels_of_one_row_stay_tied():
    """Rows with two labels hold the scores of both together, whatever the order of the classes."""
    X = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1], [0, 0], [0, 0], [0, 0]])
    masses = np.array([[1.0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert found(X, masses) == [0]  # class 2 falls where column 0 is
    for order in ([2, 0, 1], [1, 2, 0]):
        assert found(X, masses[:, order]) == [0]
    torn = np.vstack([X, [[1.0, 0]]])
    assert found(torn, np.vstack([masses, [[0.0, 0, 1]]])) is None
    assert found(X[:, 1:], masses) is None


def test_a_large_problem_is_left_alone(monkeypatch):
    """Numbers: what X stores and one a row, for each ordered pair of classes."""
    X, y = overlapping(3)
    X[:, 1] = y == 1
    size = (np.count_nonzero(X) + len(y)) * 3 * 2
    for limit, columns in ((size, [1]), (size - 1, None)):
        monkeypatch.setattr(separation, "LP_NUMBERS", limit)
        assert found(X, y) == columns
    x, y = overlapping(2)
    x[:, 1] = y
    for limit, columns in ((x.shape[0] + np.count_nonzero(x), [1]), (100, None)):
        monkeypatch.setattr(separation, "LP_NUMBERS", limit)
        assert found(x, y) == columns


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize("K", [2, 3])
def test_a_step_shows_separation_by_its_moves(K, confirmed, monkeypatch):
    """Scores of labels rise by a third of a nat at least, and none falls by more than a little of that."""
    X, y = overlapping(K)
    X[:, 1] = np.where(y == 1, 1.0, 0.0) * (np.arange(len(y)) % 5 == 0)
    search, objective = made(X, y)
    if not confirmed:
        monkeypatch.setattr(separation, "LP_NUMBERS", 0)
    coords = np.zeros(objective.coords_shape)
    coords[1, -1 if K == 2 else 1] = 1.0
    coords[0, 0], coords[2, 0] = 0.9 * PART, 1.1 * PART
    rise = np.zeros(coords.shape)
    rise[1] = coords[1]
    moves = objective.space.push(rise)
    for scores in (0.2 * moves, -moves, 0 * moves):
        assert not search.recedes(objective, scores, coords)
        assert search.columns is None
    for factor in (0.4, 1.0, 50.0):
        search.columns = None
        assert search.recedes(objective, factor * moves, factor * coords)
        assert_array_equal(search.columns, [1] if confirmed else [1, 2])


def test_what_the_programme_refutes_is_no_separation():
    X, y = overlapping(2)
    search, objective = made(X, y)
    scores = np.where(y == 1, 1.0, -1.0)[:, None]  # no column moves them so
    assert not search.recedes(objective, scores, np.ones(objective.coords_shape))
    assert search.columns is None


def moved(low, high, tied=0.0):
    """Whether scores of three classes with such margins count, where the programme says nothing."""
    masses = np.array([[1.0, 0, 0], [1, 0, 0], [1, 1, 0]])
    X = np.eye(3)
    search, objective = made(X, masses)
    scores = np.array([[high, 0, 0], [low, 0, 0], [0.5 * high + tied, 0.5 * high, 0]])
    return search.recedes(objective, scores, X)


def test_limits_of_what_counts_as_a_move(monkeypatch):
    """A fall or a tie broken counts as none up to 3 % of the largest rise, or of a nat."""
    monkeypatch.setattr(separation, "LP_NUMBERS", 0)
    assert moved(0.0, 0.3) and not moved(0.0, 0.29)
    for high, limit in ((0.5, 0.03), (1.0, 0.03), (4.0, 0.12)):
        assert moved(-0.99 * limit, high) and not moved(-1.01 * limit, high)
        assert moved(0.0, high, 0.99 * limit) and not moved(0.0, high, 1.01 * limit)
    assert moved(-0.03, 0.5) and moved(0.0, 0.3)  # the limits themselves count


def test_what_giants_gain_does_not_excuse_what_others_lose(monkeypatch):
    """A tenth of what most rows move, or of a nat, is allowed beside a row of any size."""
    monkeypatch.setattr(separation, "LP_NUMBERS", 0)
    for lost, counts in ((0.29, True), (0.31, False)):
        search, objective = made(np.eye(5), [1, 1, 1, 1, 0])
        scores = np.array([[1e9], [1.0], [1.0], [-lost], [0.0]])
        assert search.recedes(objective, scores, np.ones((5, 1))) == counts
        search, objective = grouped_made(np.eye(6), [1, 0, 1, 0, 1, 0], 2)
        scores = np.array([[0.0], [-1e9], [1.0], [0.0], [0.0], [lost]])
        assert search.recedes(objective, scores, np.ones((6, 1))) == counts


def grouped_made(X, masses, size):
    """As `made`, of groups of one size."""
    X, masses = sparse.csr_array(np.asarray(X, dtype=float)), np.asarray(masses, dtype=float)
    starts = np.arange(0, len(masses) + 1, size)
    problem = GroupedProblem(X, np.add.reduceat(masses, starts[:-1]), starts, masses)
    workers = Workers()
    penalty = ElasticNet(np.zeros((X.shape[1], 1)), 0.0)
    return Separation(problem), Objective.build(
        X, problem.likelihood(workers), penalty, False, Vectors(workers)
    )


@pytest.mark.parametrize("giant", [1.0, 1e12])
def test_the_programme_of_groups(giant):
    """A column that only chosen candidates have separates, and one that some reject does not."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    chosen = np.arange(40) % 4 == 1
    X[:, 1] = chosen * (np.arange(40) < 12)
    X[39, 2] = giant
    search, objective = grouped_made(X, chosen, 4)
    assert search.search(objective)
    assert_array_equal(search.columns, [1])
    X[4 + 2, 1] = 2.0
    search, objective = grouped_made(X, chosen, 4)
    assert not search.search(objective) and search.columns is None


def test_candidates_that_share_a_label_stay_tied():
    X = np.array([[1.0, 0], [0, 0], [0, 0], [2, 1], [0, 1], [0, 0]])
    for masses, columns in (([1, 1, 0, 0, 1, 1], None), ([1, 1, 0, 1, 1, 0], [1]), ([1, 0, 0, 1, 0, 0], [0])):
        search, objective = grouped_made(X, masses, 3)
        assert search.search(objective) == (columns is not None)
        assert columns is None or search.columns.tolist() == columns


def test_the_programme_of_observed_pairs():
    """Only pairs with a weight move: class 2 has none on the column that only class 1 lacks."""
    X, y = overlapping(3)
    X[:, 1] = (y != 1) * (np.arange(len(y)) % 4 < 2)
    for classes, expected in (([0, 1, 2], [1]), ([0, 2], [1]), ([0], None)):
        pairs = [(j, k) for j in (0, 2) for k in range(3)] + [(1, k) for k in classes]
        columns, labels = np.array(pairs).T
        problem = Problem(sparse.csr_array(X), np.ones(len(y)), 3, codes=y)
        workers = Workers()
        design = ObservedDesign(sparse.csc_array(X), columns, labels, 3, workers)
        vectors, penalty = Vectors(workers), ElasticNet(np.zeros((len(pairs), 1)), 0.0)
        objective = Objective(
            WeightSpace(design, vectors), problem.likelihood(workers), penalty, True, vectors
        )
        search = Separation(problem)
        assert search.search(objective) == (expected is not None)
        assert expected is None or search.columns.tolist() == expected


def test_complete_separation_names_the_columns_in_use():
    X, y = np.array([[-2.0, 0, 1], [-1, 0, 0], [1, 0, 2], [2, 0, 0]]), np.array([0, 0, 1, 1])
    search, objective = made(X, y)
    assert not search.is_complete(objective.point(np.zeros((3, 1)), [0.0]))
    # Apart by their scores, but the intercept takes one across; and the other way round.
    coords = np.array([[1.0], [0.0], [0.5]])
    assert not search.is_complete(objective.point(coords, [1.6], settle=False))
    assert search.columns is None
    assert search.is_complete(objective.point(coords, [0.1], settle=False))
    assert_array_equal(search.columns, [0, 2])
    search, objective = made(X, np.array([0, 0, 1, 2]))
    coords = np.array([[-9.0, 1, 2], [0, 0, 0], [0, 3, 0]])
    assert search.is_complete(objective.point(coords, [0.0, 0, 0], settle=False))
    assert_array_equal(search.columns, [0, 2])


def test_columns_that_hardly_move_are_not_named():
    """Column 0 is the class and a hundredth of column 1, which the direction takes out again."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 40)
    other = 300.0 * rng.choice([-1, 1], 40)
    assert found(np.column_stack([2 * y - 1 + 0.01 * other, other]), y, fit_intercept=False) == [0]
    assert found(np.column_stack([2 * y - 1 + 0.1 * other, other]), y, fit_intercept=False) == [0, 1]


def test_a_step_in_coordinates_of_rows_names_columns(monkeypatch):
    monkeypatch.setattr(separation, "LP_NUMBERS", 0)
    X, y = overlapping(3)
    X[:, 2] = 0.0
    search, plain = made(X, y)
    space = RowSpace(plain.space.design, plain.vectors)
    objective = Objective(space, plain.likelihood, Gaussian(0.0), True, plain.vectors)
    coords = np.random.default_rng(0).standard_normal((len(y), 3))
    assert search.recedes(objective, np.eye(3)[y], coords)
    assert_array_equal(search.columns, [0, 1])
