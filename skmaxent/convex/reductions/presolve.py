"""Exact reductions before solving, undone afterwards: as in linear programming.

Rows: identical rows become one row with their label masses added up, so that repeats and weights
are the same problem. Columns, under a Gaussian prior: columns a_j u that are multiples of one
vector u act like the one column |a| u, and at the optimum w_j = (a_j / |a|) v, v the weight of that
column, because this spends the least prior on a given score. All words that occur in one and the
same document only are such a group. Empty columns get the weight 0. Candidates are found by hashing
with random vectors and confirmed entry by entry.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ...numerics.sparse import entries

# Up to this many stored entries the rows are always put in a canonical order, so that repeated
# rows and weighted rows give the same bits; above, only when enough rows repeat to pay the copy.
CANONICAL_ENTRIES = 200_000
ROW_GAIN = 0.03
# Columns of dense data that are looked at first.
FEW_COLUMNS = 16
# Ratio from which multiples are no longer merged: its square is a number of single precision up to there.
UNLIKE = 2.0**60
SEED = 20_240_229
# By how much, relative, keys of multiples may differ, for either precision; and how often those with one key
# that are no multiples of the first are looked at among themselves.
ALIKE, ROUNDS = 2e-6, 4


def merge_rows(problem):
    """The problem with identical data (rows, or groups of rows) merged, and how many that removed."""
    X = problem.comparable()
    n = X.shape[0]
    always = (X.nnz if sparse.issparse(X) else X.size) <= CANONICAL_ENTRIES
    factors = np.random.default_rng(SEED).standard_normal(X.shape[1]).astype(X.dtype)
    # Of many columns a few mostly tell rows apart, dense ones at least, without a pass over all.
    if not (always or sparse.issparse(X)) and _few_alike(X[:, :FEW_COLUMNS] @ factors[:FEW_COLUMNS]):
        return problem, 0
    keys = X @ factors
    if not always and _few_alike(keys):
        return problem, 0
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    alike = keys[1:] == keys[:-1]
    new_group = np.concatenate([[True], ~_equal_neighbours(X, order, alike | np.isnan(keys[1:]))])
    if not always and n - np.count_nonzero(new_group) < ROW_GAIN * n:
        return problem, 0
    group = np.empty(n, np.intp)
    group[order] = np.cumsum(new_group) - 1
    representatives = order[new_group]
    return problem.with_rows(representatives, group), n - len(representatives)


def _few_alike(keys):
    """Whether too few rows have the key of another one for a merger to pay."""
    in_order = np.sort(keys)  # several times as fast as finding the order
    return np.count_nonzero(in_order[1:] == in_order[:-1]) < ROW_GAIN * len(keys)


def _equal_neighbours(X, order, alike):
    """Whether each row from the second on, in some order, is identical to the row before it.

    `alike` says where their keys are the same, or not known. Equal sparse rows have equal keys, because they
    are added up entry by entry; what BLAS makes of dense rows may depend on their places.
    """
    if not sparse.issparse(X):
        X = X[order]
        return (X[1:] == X[:-1]).all(axis=1)
    X, equal = X.tocsr(), np.zeros(len(alike), bool)
    places = np.flatnonzero(alike)
    rows, before, counts = order[places + 1], order[places], np.diff(X.indptr)
    kept = counts[rows] == counts[before]
    places, rows, before, counts = places[kept], rows[kept], before[kept], counts[rows[kept]]
    here, there = entries(X.indptr, rows, counts), entries(X.indptr, before, counts)
    same = (X.indices[here] == X.indices[there]) & (X.data[here] == X.data[there])
    equal[places] = _all_of(same, counts)
    return equal


def _all_of(flags, lengths):
    """Whether all flags of each run of the given lengths hold; true for an empty run."""
    misses = np.concatenate([[0], np.cumsum(~flags)])
    ends = np.cumsum(lengths)
    return misses[ends] == misses[ends - lengths]


@dataclass(frozen=True)
class ColumnMap:
    """How the columns of the original problem follow from those of the reduced one.

    Attributes
    ----------
    group : integer ndarray of shape (d,)
        Reduced column of each original column (0 for an empty one).
    scale : ndarray of shape (d,)
        Factor a_j / |a| of merged columns; 1 for a column kept as it is, 0 for one left out.
    n_reduced : int
    """

    group: np.ndarray
    scale: np.ndarray
    n_reduced: int

    def restore(self, V, workers):
        """Weights (d, K) of the original columns from those of the reduced ones (n_reduced, K)."""
        d = len(self.group)
        W = np.empty((d, V.shape[1]), V.dtype)
        scale = self.scale.astype(V.dtype)

        def block(start):
            cut = slice(start, start + 16_384)
            np.take(V, self.group[cut], axis=0, out=W[cut], mode="clip")
            W[cut] *= scale[cut, None]

        workers.map(block, range(0, d, 16_384))
        return W


def merge_columns(X, thorough):
    """The CSC array with proportional columns merged, and the ColumnMap that undoes it.

    Parameters
    ----------
    X : canonical CSC array of shape (n, d)
    thorough : bool
        Whether to look for all proportional columns, or, at next to no cost, only among those with
        a single entry (the words of one document) and among neighbours that are equal but for their
        sign (a predicate joined with both of two classes).

    Returns
    -------
    reduced : CSC array of shape (n, n_reduced)
    column_map : ColumnMap, or None when nothing could be merged
    """
    counts = np.diff(X.indptr)
    if thorough:
        leader, ratio = _leaders(X, counts)
    else:
        leader, ratio = _equal_neighbour_leaders(X, counts, *_single_entry_leaders(X, counts))
    is_leader = (leader == np.arange(X.shape[1])) & (counts > 0)
    n_reduced = int(np.count_nonzero(is_leader))
    if n_reduced == X.shape[1] or n_reduced == 0:
        return X, None
    norm = np.sqrt(np.bincount(leader, weights=ratio.astype(float) ** 2, minlength=X.shape[1]))
    number = np.cumsum(is_leader) - 1
    columns = np.flatnonzero(is_leader)
    kept = entries(X.indptr, columns, counts[columns])
    indptr = np.concatenate([[0], np.cumsum(counts[columns])]).astype(X.indptr.dtype)
    data = X.data[kept]
    data *= np.repeat(norm[columns], counts[columns]).astype(X.dtype)
    reduced = type(X)((data, X.indices[kept], indptr), shape=(X.shape[0], n_reduced))
    filled = counts > 0
    scale = np.where(filled, ratio / norm[leader], 0)
    return reduced, ColumnMap(np.where(filled, number[leader], 0), scale, n_reduced)


def drop_dominated(X, thorough):
    """The CSC array with the largest column of each proportional group, and the ColumnMap that undoes it.

    Under a Laplace prior alone, the largest of the columns a_j u buys a given score at the least
    price, and the others have the weight 0 at an optimum. Parameters and results as `merge_columns`.
    """
    counts = np.diff(X.indptr)
    leader, ratio = _leaders(X, counts) if thorough else _single_entry_leaders(X, counts)
    order = np.lexsort((-np.abs(ratio), leader))
    best = order[np.concatenate([[True], np.diff(leader[order]) != 0])]
    kept = np.sort(best[counts[best] > 0])
    if len(kept) == X.shape[1] or len(kept) == 0:
        return X, None
    group, scale = np.zeros(X.shape[1], np.intp), np.zeros(X.shape[1])
    group[kept], scale[kept] = np.arange(len(kept)), 1.0
    return X[:, kept], ColumnMap(group, scale, len(kept))


def _single_entry_leaders(X, counts):
    """Leader and ratio of each column, merging only columns with one entry in the same row."""
    leader, ratio = np.arange(X.shape[1]), np.ones(X.shape[1], X.dtype)
    columns = np.flatnonzero(counts == 1)
    places = X.indptr[columns]
    values, rows = X.data[places], X.indices[places]
    columns, values, rows = columns[values != 0], values[values != 0], rows[values != 0]
    first = np.empty(X.shape[0], np.intp)  # of each row that has any
    first[rows[::-1]] = np.arange(len(rows))[::-1]
    factor, near = _ratios(values, values[first[rows]])
    leader[columns[near]] = columns[first[rows]][near]
    ratio[columns[near]] = factor[near]
    return leader, ratio


def _ratios(values, others):
    """Ratios of numbers, and where they are near enough to 1 for columns to merge."""
    with np.errstate(over="ignore"):
        ratio = values / others
    size = np.abs(ratio)
    return ratio, (size <= UNLIKE) & (size >= 1 / UNLIKE)


def _equal_neighbour_leaders(X, counts, leader, ratio):
    """The same with columns of several entries that equal the column before them but for their sign."""
    after = np.flatnonzero((counts[1:] == counts[:-1]) & (counts[1:] > 1)) + 1
    first, last = X.indptr[:-1], X.indptr[1:] - 1
    for ends in (first, last):  # most differ here already
        after = after[X.indices[ends[after]] == X.indices[ends[after - 1]]]
        after = after[np.abs(X.data[ends[after]]) == np.abs(X.data[ends[after - 1]])]
    here, before = (entries(X.indptr, some, counts[after]) for some in (after, after - 1))
    sign = np.sign(X.data[first[after]]) * np.sign(X.data[first[after - 1]])
    same = X.indices[here] == X.indices[before]
    same &= X.data[here] == np.repeat(sign, counts[after]) * X.data[before]
    confirmed = _all_of(same, counts[after]) & (sign != 0)
    # The head of a run of such columns leads it; the signs multiply along the run.
    linked, signs = np.zeros(len(counts), bool), np.ones(len(counts), X.dtype)
    linked[after[confirmed]], signs[after[confirmed]] = True, sign[confirmed]
    head = np.maximum.accumulate(np.where(linked, 0, np.arange(len(counts))))
    signs = np.cumprod(signs)
    leader[linked] = head[linked]
    ratio[linked] = (signs * signs[head])[linked]
    return leader, ratio


def _leaders(X, counts):
    """Leader and ratio of each column, merging all columns that are proportional to rounding."""
    d = X.shape[1]
    leader, ratio = np.arange(d), np.ones(d, X.dtype)
    filled, first = np.flatnonzero(counts), np.zeros(d, X.dtype)
    first[filled] = X.data[X.indptr[filled]]
    usable = np.flatnonzero(first)
    usable, run = _runs(usable, *_keys(X, first, counts, usable))
    for _ in range(ROUNDS):
        if not len(usable):
            break
        starts = np.flatnonzero(np.diff(run, prepend=-1))
        head = np.repeat(np.minimum.reduceat(usable, starts), np.diff(starts, append=len(run)))
        others = (usable != head) & (counts[usable] == counts[head])
        usable, run, head = usable[others], run[others], head[others]
        factor, near = _ratios(first[usable], first[head])
        factor = np.where(near, factor, 0)
        here, there = entries(X.indptr, usable, counts[usable]), entries(X.indptr, head, counts[usable])
        close = np.abs(X.data[here] - np.repeat(factor, counts[usable]) * X.data[there])
        same = close <= 4 * np.finfo(X.dtype).eps * np.abs(X.data[here])
        same &= X.indices[here] == X.indices[there]
        confirmed = _all_of(same, counts[usable]) & near
        leader[usable[confirmed]] = head[confirmed]
        ratio[usable[confirmed]] = factor[confirmed]
        usable, run = usable[~confirmed], run[~confirmed]
    return leader, ratio


def _runs(columns, key, same):
    """The columns ordered by both keys, and the numbers of the runs in which the first is nearly the same."""
    order = np.lexsort((key, same))
    key, same = key[order], same[order]
    new = np.diff(key, prepend=key[:1]) > ALIKE * key
    new |= np.diff(same, prepend=same[:1]) != 0
    return columns[order], np.cumsum(new)


def _keys(X, first, counts, columns):
    """Two numbers a column that its multiples share: one to rounding, the other exactly.

    The first is a projection of the moduli, which loses no digits to cancellation, relative to the first
    entry; the other stands for number and first place of the entries and for their signs, and may overflow.
    """
    rng, n = np.random.default_rng(SEED), X.shape[0]
    probe, weights = rng.uniform(1, 2, n), rng.integers(1, 2**20, n).astype(float)
    moduli = X
    same = X.indices[X.indptr[columns]].astype(np.int64) * (n + 1) + counts[columns]
    if (X.data < 0).any():
        moduli = type(X)((np.abs(X.data), X.indices, X.indptr), shape=X.shape, copy=False)
        signs = type(X)((np.sign(X.data), X.indices, X.indptr), shape=X.shape, copy=False).T @ weights
        same = same + (signs[columns] * np.sign(first[columns])).astype(np.int64) * (n + 1) ** 2
    with np.errstate(over="ignore", invalid="ignore"):
        key = (moduli.T @ probe)[columns] / np.abs(first[columns])
    return np.where(np.isfinite(key), key, 0), same
