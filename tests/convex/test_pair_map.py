"""Observed pairs by enumeration, and the map between their weights and those of the user's columns."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmaxent.convex.problem import Problem
from skmaxent.convex.reductions import observed as observed_module
from skmaxent.convex.reductions.observed import PairMap, Pairs, count_pairs, observe
from skmaxent.convex.reductions.presolve import drop_dominated, merge_columns

CONTAINERS = {"dense": np.asarray, "csc": sparse.csc_array}
CODES = np.array([0, 2, 1, 2, 0, 1, 2, 0])


def design(n_classes=3):
    """Columns that are multiples of each other, empty ones, and some with the same rows only."""
    rng = np.random.default_rng(0)
    X = np.zeros((8, 9))
    X[[1, 3], 1], X[[0, 2, 5], 2] = [1, 2], [1, 1, 3]
    X[:, 4], X[4, 5], X[[1, 3], 6] = rng.standard_normal(8), 2.0, [-3, -6]
    X[4, 7], X[[0, 2, 5], 8] = -0.5, [2, 2, 6]
    return X, CODES % n_classes


def mask_of(pairs):
    mask = np.zeros((pairs.n_columns, pairs.n_outputs), bool)
    mask[pairs.columns, pairs.classes] = True
    return mask


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("min_count", [1, 2])
@pytest.mark.parametrize("counted", [1, 3, 16, 10_000])
def test_the_rows_of_each_pair(counted, min_count, container, monkeypatch):
    monkeypatch.setattr(observed_module, "COUNTED", counted)
    X, codes = design()
    problem = Problem(CONTAINERS[container](X), np.full(8, 0.1), 3, codes=codes)
    pairs, rows = count_pairs(problem, min_count, counted=True)
    counts = (X != 0).astype(int).T @ np.eye(3, dtype=int)[codes]
    assert_array_equal(mask_of(pairs), counts >= min_count)
    assert_array_equal(rows, counts[pairs.columns, pairs.classes])
    assert len(pairs) == len(pairs.classes) and pairs.n_columns == 9 and not pairs.full
    assert pairs.indptr.dtype == np.int32 and pairs.classes.dtype == np.int16
    # With masses: a class counts where it has some, however little.
    masses = np.eye(3)[codes] * 0.1
    masses[:, 0] += 1e-3
    counts[:, 0] = (X != 0).sum(axis=0)
    problem = Problem(CONTAINERS[container](X), masses.sum(axis=1), 3, masses=masses)
    assert_array_equal(mask_of(count_pairs(problem, min_count)), counts >= min_count)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("counted", [1, 7, 20, 40, 10_000])
def test_blocks_of_columns_are_of_bounded_size(counted, container, monkeypatch):
    """As many columns as the entries allow, but at least one."""
    monkeypatch.setattr(observed_module, "COUNTED", counted)
    X = np.arange(1.0, 81).reshape(8, 10)
    X[:, 3], X[1:, 4] = 0, 0
    blocks = list(observed_module._column_blocks(CONTAINERS[container](X)))
    assert_array_equal(sparse.vstack(blocks).toarray(), (X != 0).T)
    sizes = [block.shape[0] for block in blocks]
    if container == "dense":
        assert set(sizes[:-1]) <= {max(1, counted // 8)} and sizes[-1] <= max(1, counted // 8)
    else:  # one column more than that at most
        assert max(block.nnz for block in blocks) < counted + 8
        assert len(blocks) <= 1 + 65 // counted


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_entries_at_all(container):
    X = CONTAINERS[container](np.zeros((8, 2)))
    problem, pairs, kept = observe(Problem(X, np.ones(8), 3, codes=CODES), 1)
    assert len(pairs) == 0 and pairs.n_columns == 2 and not pairs.full
    assert kept.tolist() == [0] and problem.X.shape == (8, 1)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_columns_with_pairs_are_kept(n_classes, container):
    X, codes = design(n_classes)
    given = Problem(CONTAINERS[container](X), np.ones(8), n_classes, codes=codes)
    counts = (X != 0).astype(int).T @ np.eye(n_classes, dtype=int)[codes]
    for min_count in (1, 2, 3, 4, 7):
        problem, _, kept = observe(given, min_count)
        expected = np.flatnonzero((counts >= min_count).any(axis=1))
        expected = expected if len(expected) else [0]
        assert_array_equal(kept, expected)
        assert_array_equal(problem.X.toarray() if sparse.issparse(problem.X) else problem.X, X[:, expected])
    assert kept.tolist() == [0]
    # All columns: no copy.
    whole = Problem(CONTAINERS[container](X[:, [1, 2]]), np.ones(8), n_classes, codes=codes)
    assert observe(whole, 1)[0].X is whole.X
    # Stored zeros are no entries, and stay in the user's array.
    if container == "csc":
        given.X.data[:2] = 0
        assert observe(given, 1)[2].tolist() == [2, 4, 5, 6, 7, 8]
        assert given.X.nnz == np.count_nonzero(X)


def test_some_of_the_columns():
    pairs = Pairs(np.array([0, 2, 2, 5, 6]), np.array([1, 3, 0, 1, 2, 3]), 4)
    some = pairs.of_columns(np.array([3, 0, 1, 0]))
    assert_array_equal(some.indptr, [0, 1, 3, 3, 5])
    assert_array_equal(some.classes, [3, 1, 3, 1, 3])
    assert_array_equal(mask_of(pairs.of_columns(np.array([2, 1]))), mask_of(pairs)[[2, 1]])
    assert not pairs.full and Pairs(np.array([0, 2, 4]), np.array([0, 1, 0, 1]), 2).full


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("reduce", [None, merge_columns, drop_dominated])
def test_there_and_back(reduce, n_classes, paired):
    """W = S V, S the matrix of scales between the user's pairs and the reduced ones; and V = S' W."""
    X, codes = design(n_classes)
    problem, pairs, kept = observe(Problem(sparse.csc_array(X), np.ones(8), n_classes, codes=codes), 1)
    K = pairs.n_outputs
    column_map = None if reduce is None else reduce(problem.X, True)[1]
    pair_map = PairMap(pairs, kept, column_map)
    group, scale = np.arange(len(kept)), np.ones(len(kept))
    if column_map is not None:
        group, scale = column_map.group, column_map.scale
        assert column_map.n_reduced == 4
    mask = np.zeros((group.max() + 1, K), bool)
    for j, g, s in zip(kept, group, scale):
        if s:
            mask[g] = mask_of(pairs)[j]
    assert_array_equal(mask_of(pair_map.reduced), mask)
    m = mask.sum()
    rng = np.random.default_rng(1)
    values, W = rng.standard_normal(m), rng.standard_normal((9, K))
    if paired:
        order = rng.permutation(m)
        kind = SimpleNamespace(paired=True, order=order)
        weights = values[order, None]
    else:  # any design of all pairs
        kind, weights = SimpleNamespace(paired=False), values
    V = np.zeros(mask.shape)
    V[mask] = values
    expected = np.zeros((9, K))
    expected[kept] = V[group] * scale[:, None] * mask_of(pairs)[kept]
    restored = pair_map.restore(weights, kind)
    assert restored.nnz == np.count_nonzero(expected)
    assert_allclose(restored.toarray(), expected, rtol=1e-14)
    if paired or mask.all():
        projected = np.zeros(mask.shape)
        np.add.at(projected, group, scale[:, None] * W[kept])
        for given in (W, sparse.csr_array(W)):
            reduced = pair_map.reduce(given, kind)
            assert reduced.shape == ((m, 1) if paired else mask.shape)
            assert_allclose(reduced.ravel(), projected[mask][order if paired else slice(None)], rtol=1e-14)


def test_a_single_pair_is_left():
    X = sparse.csc_array([[1.0, 3.0], [0.0, 0.0]])
    problem, pairs, kept = observe(Problem(X, np.ones(2), 2, codes=np.arange(2)), 1)
    pair_map = PairMap(pairs, kept, drop_dominated(problem.X, True)[1])
    kind = SimpleNamespace(paired=True, order=np.zeros(1, int))
    assert_array_equal(pair_map.restore(np.array([[5.0]]), kind).toarray(), [[0], [5]])
    assert_array_equal(pair_map.reduce(np.array([[7.0], [2.0]]), kind), [[2]])


@pytest.mark.parametrize("K", [2, 3])
def test_penalty_weights_of_columns_and_of_pairs(K):
    X, codes = design(K)
    problem = Problem(sparse.csc_array(X), np.ones(8), K, codes=codes, symmetric=True)
    _, pairs, kept = observe(problem, 1)
    pair_map = PairMap(pairs, kept, None)
    order = np.random.default_rng(0).permutation(len(pairs))
    kind = SimpleNamespace(paired=True, order=order)
    columns, pairwise = np.arange(9.0)[:, None], np.arange(9.0 * K).reshape(9, K)
    assert_array_equal(pair_map.multipliers(columns, kind)[:, 0], pairs.columns[order])
    places = pairs.columns * K + pairs.classes
    assert_array_equal(pair_map.multipliers(pairwise, kind)[:, 0], places[order])
