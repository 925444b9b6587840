"""Which rows and columns presolve merges, and which not: small cases on the edges, against enumeration."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse

from skmaxent import MaxEntClassifier
from skmaxent.convex.problem import Problem
from skmaxent.convex.reductions import presolve
from skmaxent.convex.reductions.presolve import ColumnMap, drop_dominated, merge_columns, merge_rows
from skmaxent.numerics.threads import Workers

CONTAINERS = {"dense": np.asarray, "csr": sparse.csr_array}


def problem_of(X):
    return Problem(X, np.ones(X.shape[0]), 2, codes=np.zeros(X.shape[0], int))


# ---- rows


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("repeats", [0, 2, 3, 50])
def test_rows_of_large_data_merge_from_a_share_of_repeats_on(repeats, container, monkeypatch):
    """3 % of 100 rows; fewer are not even compared."""
    X = np.random.default_rng(0).standard_normal((100, 3))
    X[:repeats] = X[99]
    problem = problem_of(CONTAINERS[container](X))
    size = problem.X.size
    monkeypatch.setattr(presolve, "CANONICAL_ENTRIES", size - 1)
    if repeats < 3:
        monkeypatch.setattr(presolve, "_equal_neighbours", None)
        assert merge_rows(problem) == (problem, 0)
        monkeypatch.undo()
        monkeypatch.setattr(presolve, "CANONICAL_ENTRIES", size)
    merged, removed = merge_rows(problem)
    assert removed == repeats and merged.X.shape[0] == 100 - repeats
    assert np.sort(merged.weights)[-1] == 1 + repeats
    # In an order that does not depend on the given one.
    shuffled, _ = merge_rows(problem_of(problem.X[np.random.default_rng(1).permutation(100)]))
    assert_array_equal(abs(merged.X - shuffled.X).sum(), 0)


def test_dense_rows_that_differ_in_their_first_columns_are_not_looked_at_further(monkeypatch):
    monkeypatch.setattr(presolve, "CANONICAL_ENTRIES", 0)
    monkeypatch.setattr(presolve, "FEW_COLUMNS", 2)
    X = np.random.default_rng(0).standard_normal((100, 6))
    X[:, 5] = np.nan  # would be found in every key of all columns
    assert merge_rows(problem_of(X))[1] == 0
    X[:, 5] = X[:, :2] = 1  # the same in all rows: the others decide
    assert merge_rows(problem_of(X))[1] == 0
    X[:50] = X[50:]
    assert merge_rows(problem_of(X))[1] == 50


def test_rows_that_only_look_the_same_are_no_repeats(monkeypatch):
    """A stored zero changes the structure of a row, not its projection."""
    monkeypatch.setattr(presolve, "CANONICAL_ENTRIES", 0)
    monkeypatch.setattr(presolve, "ROW_GAIN", 0.5)
    rows = [([0], [1.0]), ([0], [1.0]), ([0, 1], [1.0, 0.0]), ([1], [5.0])]
    indices, data = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
    indptr = np.cumsum([0, *(len(row[0]) for row in rows)])
    problem = problem_of(sparse.csr_array((data, indices, indptr), shape=(4, 2)))
    assert merge_rows(problem) == (problem, 0)
    monkeypatch.setattr(presolve, "ROW_GAIN", 0.0)
    merged, removed = merge_rows(problem)
    assert removed == 1
    assert_allclose(merged.weights @ merged.X.toarray(), [3, 5])


def test_rows_whose_projections_overflow_are_compared_entry_by_entry():
    """All of one structure; a row and its repeats are one row where their projections are nan, too."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((12, 40)) < 0.5, 1e308, -1e308)
    X[6:] = X[6]
    merged, removed = merge_rows(problem_of(sparse.csr_array(X)))
    assert removed == 5 and merged.weights.max() == 6
    assert_array_equal(np.unique(merged.X.toarray(), axis=0), np.unique(X, axis=0))


# ---- the way back


def test_restored_weights_of_more_columns_than_a_block():
    rng = np.random.default_rng(0)
    group, scale = rng.integers(0, 50, 40_000), rng.integers(-2, 3, 40_000) / 2
    V = rng.standard_normal((50, 3)).astype(np.float32)
    W = ColumnMap(group, scale, 50).restore(V, Workers())
    assert W.dtype == np.float32
    assert_array_equal(W, V[group] * scale[:, None].astype(np.float32))


# ---- columns


def groups_of(X, thorough, reduce=merge_columns):
    """The columns of a CSC array, or a dense one, that each reduced column stands for."""
    reduced, column_map = reduce(sparse.csc_array(X), thorough)
    if column_map is None:
        return [[j] for j in range(X.shape[1])]
    assert reduced.shape == (X.shape[0], column_map.n_reduced)
    assert not column_map.group[column_map.scale == 0].any()
    group = np.where(column_map.scale != 0, column_map.group, -1)
    return [np.flatnonzero(group == g).tolist() for g in range(reduced.shape[1])]


def stored(columns):
    """A CSC array of columns given as dicts, zeros kept."""
    indices = [i for column in columns for i in column]
    data = [float(x) for column in columns for x in column.values()]
    return sparse.csc_array((data, indices, np.cumsum([0, *map(len, columns)])), shape=(3, len(columns)))


@pytest.mark.parametrize("reduce", [merge_columns, drop_dominated])
@pytest.mark.parametrize("thorough", [True, False])
def test_nothing_to_merge(thorough, reduce):
    for X in (np.zeros((4, 3)), np.eye(3) + 1, np.zeros((2, 1)), np.ones((3, 1))):
        A = sparse.csc_array(X)
        assert reduce(A, thorough) == (A, None)


@pytest.mark.parametrize("thorough", [True, False])
def test_a_single_column_is_left(thorough):
    reduced, column_map = merge_columns(sparse.csc_array([[0.0, 2, 0, -4], [0, 0, 0, 0]]), thorough)
    assert_allclose(reduced.toarray(), [[np.sqrt(20)], [0]])
    assert_allclose(column_map.scale, np.array([0, 2, 0, -4]) / np.sqrt(20))
    assert_array_equal(column_map.group, 0)


def test_neighbours_that_are_equal_but_for_their_sign():
    a, b = {0: 1, 1: 2, 2: 3}, {0: -1, 1: -2, 2: -3}
    columns = [
        [a, b, a, b, a],
        [b, a, {1: 5}, b],
        [a, {0: 1, 1: 5, 2: 3}, {0: 1, 1: 2, 2: -3}, {0: -1, 1: 2, 2: -3}],  # equal ends; signs that differ
        [{0: 1, 1: 2}, {0: 1, 2: 2}, {1: 1, 2: 2}],  # other rows
        [{0: 2, 1: 4}, {0: 1, 1: 2}, {0: 1, 1: 3}],  # multiples are not looked for; first entries alone agree
        [{0: 1, 1: 2}, {0: 3, 1: 2}],
        [{0: 0, 1: 5, 2: 0}, {0: 0, 1: 0, 2: 0}, {0: 0, 1: 0, 2: 0}],  # stored zeros
        [{1: 2}, {0: 1}, {1: -1}, {2: 1, 0: 0}, {1: 3}],
        [{0: 1, 1: 2}, {0: 1, 1: 2}, {0: 2, 1: 1}, {0: -2, 1: -1}],
        [{2: 5}, b, a],
        [{2: 5}, {2: -1}],
    ]
    expected = [
        [[0, 1, 2, 3, 4]],
        [[0, 1], [2], [3]],
        [[0], [1], [2], [3]],
        [[0], [1], [2]],
        [[0], [1], [2]],
        [[0], [1]],
        [[0], [1], [2]],
        [[0, 2, 4], [1], [3]],
        [[0, 1], [2, 3]],
        [[0], [1, 2]],
        [[0, 1]],
    ]
    for some, groups in zip(columns, expected):
        A = stored(some)
        assert groups_of(A, thorough=False) == groups
        assert_isometry(A, thorough=False)


def assert_isometry(A, thorough):
    """Same scores, same norm."""
    reduced, column_map = merge_columns(A, thorough)
    if column_map is not None:
        V = np.random.default_rng(0).standard_normal((reduced.shape[1], 2))
        W = column_map.restore(V, Workers())
        assert_allclose(A @ W, reduced @ V, rtol=1e-12, atol=1e-12)
        assert_allclose(np.vdot(W, W), np.vdot(V, V), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_all_proportional_columns_are_found(dtype):
    """In every order, with stored zeros, empty columns, and others of the same structure in between."""
    rng = np.random.default_rng(0)
    base = rng.standard_normal((9, 5))
    base[2:4, 1] = base[5:, 2] = base[:8, 3] = 0
    origin = rng.integers(0, 5, 40)
    X = base[:, origin] * rng.choice([-3.0, 0.1, 7.0, 1.0], 40)
    X[:, [3, 39]] = 0
    A = sparse.csc_array(X.astype(dtype))
    got = sorted(groups_of(A, thorough=True))
    filled = X.any(axis=0)
    assert got == sorted([int(j) for j in np.flatnonzero((origin == k) & filled)] for k in range(5))
    # Zeros stored in the same places do not keep columns apart; in others they do.
    same = stored([{0: 1, 1: 0, 2: 2}, {0: 2, 1: 0, 2: 4}, {0: 0, 1: 1}, {0: 0, 1: 2}, {}])
    assert groups_of(same, thorough=True) == [[0, 1], [2], [3]]
    assert_isometry(same, thorough=True)
    assert groups_of(stored([{0: 1, 2: 2}, {0: 2, 1: 0, 2: 4}]), thorough=True) == [[0], [1]]


def test_thousands_of_multiples_in_single_precision_are_all_found():
    """Also next to others with nearly their key, and however rounding parts their own."""
    base = np.random.default_rng(0).standard_normal((5, 4000)).astype(np.float32)
    A = sparse.csc_array(np.hstack([base, np.float32(1.1) * base, np.float32(-0.3) * base]))
    groups = groups_of(A, thorough=True)
    assert sorted(map(sorted, groups)) == [[j, 4000 + j, 8000 + j] for j in range(4000)]


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("change", [1e-12, -1e-12, 1e-14, -1e-14])
def test_columns_are_merged_to_rounding_only(change, size):
    X = size * np.column_stack([[0.3, 0.7, 1.3], [0.6, 1.4, 2.6], [0.3, 0.7, 1.3], [-0.3, -0.7, -1.3]])
    assert groups_of(X, thorough=True) == [[0, 1, 2, 3]]
    X[1, 2:] *= 1 + change
    assert groups_of(X, thorough=True)[0] == [0, 1]


@pytest.mark.parametrize("thorough", [True, False])
def test_the_largest_of_proportional_columns_dominates(thorough):
    """Of those with a single entry, or of all."""
    a = np.array([1.0, 2, 0])
    X = np.column_stack([-2 * a, [0, 0, 1], a, [0, 0, 3], [0, 0, -4], [0, 0, 0], 3 * a, [1, 2, 1], [0, 0, 2]])
    reduced, column_map = drop_dominated(sparse.csc_array(X), thorough)
    kept = [4, 6, 7] if thorough else [0, 2, 4, 6, 7]
    assert_array_equal(reduced.toarray(), X[:, kept])
    assert column_map.n_reduced == len(kept)
    assert_array_equal(column_map.scale, np.isin(np.arange(9), kept))
    assert_array_equal(column_map.group[kept], np.arange(len(kept)))
    assert groups_of(X, thorough, drop_dominated) == [[j] for j in kept]


def test_a_random_design_is_left_alone():
    A = sparse.csc_array(random_sparse(30, 12, density=0.7))
    assert merge_columns(A, True) == (A, None) and drop_dominated(A, True) == (A, None)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize("dtype, size", [(np.float64, 1e200), (np.float64, 1e100), (np.float32, 1e35)])
def test_multiples_beyond_the_range_of_numbers_stay_apart(dtype, size, thorough):
    X = np.array([[1 / size, size, 1.0, 2 / size, 3 * size], [0, 0, 0, 0, 0]]).astype(dtype)
    # Compared with the first of a row alone, or with all that are within range.
    alike = [[0, 3], [1, 4], [2]] if thorough else [[0, 3], [1], [2], [4]]
    assert groups_of(X, thorough) == alike
    assert groups_of(X, thorough, drop_dominated) == [[1]] * (not thorough) + [[2], [3], [4]]
    if thorough:  # of several entries
        assert groups_of(np.vstack([X[0], 2 * X[0]]), True) == [[0, 3], [1, 4], [2]]
    y, options = [0, 1, 0, 1], {"solver": "newton-cg", "n_jobs": 1, "fit_intercept": False}
    rows = np.hstack([np.vstack([X, X[::-1]]), np.zeros((4, 9), dtype)])
    model = MaxEntClassifier(**options)
    if size > 1e150:
        with pytest.raises(ValueError, match="too large to be trained on: 3e\\+200 in modulus"):
            model.fit(sparse.csr_array(rows), y)
        return
    model.fit(sparse.csr_array(rows), y)
    assert np.isfinite(model.coef_).all() and 0 <= model.convergence_["relative_gap"] <= 1e-4


@pytest.mark.parametrize("exponent, merged", [(60, True), (61, False), (-60, True), (-61, False)])
def test_multiples_up_to_which_columns_merge(exponent, merged):
    X = sparse.csc_array(np.array([[3.0, 3 * 2.0**exponent, 0.0], [0.0, 0.0, 1.0]]))
    for thorough in (True, False):
        assert groups_of(X, thorough) == ([[0, 1], [2]] if merged else [[0], [1], [2]])
        assert_isometry(X, thorough)
