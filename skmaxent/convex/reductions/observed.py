"""Observed pairs: the weights that exist, and their way through presolve and back.

A pair of a column and a class is observed when enough rows have both. The pairs of a problem are kept
like the structure of a CSR array (d, K), column by column; a vector over the pairs follows that order.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from ...numerics.sparse import canonical, short_indices

# Stored entries whose pairs are counted at a time.
COUNTED = 4_000_000


@dataclass(frozen=True)
class Pairs:
    """Pairs of d columns with K score columns.

    Attributes
    ----------
    indptr : integer ndarray of shape (d + 1,)
        Where the pairs of each column begin, and m.
    classes : integer ndarray of shape (m,)
        Increasing within each column.
    n_outputs : int
        K.
    """

    indptr: np.ndarray
    classes: np.ndarray
    n_outputs: int

    def __len__(self):
        return len(self.classes)

    @property
    def n_columns(self):
        return len(self.indptr) - 1

    @property
    def full(self):
        """Whether every pair is there."""
        return len(self) == self.n_columns * self.n_outputs

    @property
    def columns(self):
        """The column of each pair, increasing."""
        return np.repeat(np.arange(self.n_columns, dtype=self.indptr.dtype), np.diff(self.indptr))

    def of_columns(self, columns):
        """The pairs of some of the columns, renumbered."""
        sizes = np.diff(self.indptr)[columns]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(self.indptr.dtype)
        places = np.arange(indptr[-1]) + np.repeat(self.indptr[columns] - indptr[:-1], sizes)
        return Pairs(indptr, self.classes[places], self.n_outputs)


def count_pairs(problem, min_count, counted=False):
    """The pairs that at least `min_count` rows show: a non-zero value, and some mass of the class.

    When binary there is one weight a column, the log-odds of the second class: the difference of the
    weights that its two pairs would have. It exists when either pair is observed.

    Parameters
    ----------
    problem : Problem
        Its rows all count, whatever they weigh. A sparse X is CSC without stored zeros.
    min_count : int
    counted : bool
        Whether to return the number of rows of each pair as well; not when binary.
    """
    X, n = problem.X, problem.X.shape[0]
    if problem.codes is None:
        labels = sparse.csr_array((problem.masses > 0).astype(np.int32))
    else:
        labels = sparse.csr_array(
            (np.ones(n, np.int32), problem.codes.astype(np.int32), np.arange(n + 1, dtype=np.int32)),
            shape=(n, problem.n_classes),
        )
    kind = np.int16 if problem.n_classes <= np.iinfo(np.int16).max else np.int32
    sizes, classes, rows = [], [], []
    for block in _column_blocks(X):
        counts = block @ labels
        counts.data[counts.data < min_count] = 0
        counts.eliminate_zeros()
        counts.sort_indices()
        observed = np.diff(counts.indptr)
        if problem.n_outputs == 1:
            observed = (observed > 0).astype(observed.dtype)
            counts.indices = np.zeros(observed.sum(), kind)
        sizes.append(observed)
        classes.append(counts.indices.astype(kind))
        rows.append(counts.data if counted else None)
    total = sum(map(len, classes))
    indptr = np.zeros(X.shape[1] + 1, np.int32 if total <= np.iinfo(np.int32).max else np.int64)
    np.cumsum(np.concatenate(sizes), out=indptr[1:])
    pairs = Pairs(indptr, np.concatenate(classes), problem.n_outputs)
    return (pairs, np.concatenate(rows)) if counted else pairs


def _column_blocks(X):
    """Blocks of columns of X, transposed, as CSR arrays of ones."""
    d = X.shape[1]
    if sparse.issparse(X):
        edges = X.indptr.searchsorted(np.arange(COUNTED, X.nnz, COUNTED))
    else:
        step = max(1, COUNTED // X.shape[0])
        edges = np.arange(step, d, step)
    edges = np.unique([0, *edges.tolist(), d])
    for start, stop in pairwise(edges):
        if sparse.issparse(X):
            entries = slice(int(X.indptr[start]), int(X.indptr[stop]))
            indices, indptr = X.indices[entries], X.indptr[start : stop + 1] - X.indptr[start]
        else:
            part = sparse.csc_array(X[:, start:stop] != 0)
            indices, indptr = part.indices, part.indptr
        ones = np.ones(len(indices), np.int32)
        yield sparse.csr_array((ones, indices, indptr), shape=(stop - start, X.shape[0]))


def observe(problem, min_count):
    """The problem on the columns that have observed pairs, and its pairs.

    Returns
    -------
    problem : Problem
        Its X is CSC where it was sparse.
    pairs : Pairs
        Of all columns.
    kept : integer ndarray
        The columns left: those with pairs, or the first when there are none at all.
    """
    X = problem.X
    if sparse.issparse(X):
        X = short_indices(canonical(X.tocsc()))
        if not X.data.all():
            X = X.copy()
            X.eliminate_zeros()
        problem = replace(problem, X=X)
    pairs = count_pairs(problem, min_count)
    kept = np.flatnonzero(np.diff(pairs.indptr))
    if len(kept) == 0:
        kept = np.zeros(1, np.intp)
    if len(kept) < X.shape[1]:
        problem = replace(problem, X=X[:, kept])
    return problem, pairs, kept


class PairMap:
    """Between the weights of the user's columns and those that a solver moves.

    A solver has one weight a pair, (m, 1) in the order of its design, or (d, K) when all pairs of its
    columns are there.

    Parameters
    ----------
    pairs : Pairs
        Of the user's columns.
    kept : integer ndarray
        The columns that have pairs.
    column_map : ColumnMap or None
        What presolve did with these. Proportional columns have their entries in the same rows, and
        therefore the same classes.
    """

    def __init__(self, pairs, kept, column_map):
        self.pairs, self._place, self._scale = pairs, None, None
        self.reduced = pairs.of_columns(kept)
        if column_map is not None:
            sizes, starts = np.diff(self.reduced.indptr), self.reduced.indptr[:-1]
            filled = np.flatnonzero(column_map.scale)
            leaders = np.empty(column_map.n_reduced, np.intp)
            leaders[column_map.group[filled]] = filled
            self.reduced = self.reduced.of_columns(leaders)
            place = np.arange(len(pairs), dtype=pairs.indptr.dtype)
            place += np.repeat(self.reduced.indptr[column_map.group] - starts, sizes)
            self._scale = np.repeat(column_map.scale, sizes)
            place[self._scale == 0] = 0
            self._place = place

    def arrange(self, values, design):
        """A vector over the reduced pairs as an array like the weights of the design."""
        return values[design.order, None] if design.paired else values.reshape(-1, self.pairs.n_outputs)

    def restore(self, weights, design):
        """The weights of a design as a CSR matrix (d, K).

        Parameters
        ----------
        weights : ndarray like the weights of the design
        design : ObservedDesign, or any other when all pairs are there
        """
        values = weights.reshape(-1)
        if design.paired:
            values = np.empty_like(values)
            values[design.order] = weights[:, 0]
        if self._place is not None:
            values = values[self._place] * self._scale.astype(values.dtype)
        pairs, K = self.pairs, self.pairs.n_outputs
        W = sparse.csr_matrix(
            (values.copy(), pairs.classes.astype(pairs.indptr.dtype), pairs.indptr.copy()),
            shape=(pairs.n_columns, K),
        )
        W.eliminate_zeros()
        return W

    def reduce(self, W, design):
        """The nearest weights of the design to those of the user's columns, (d, K) dense or sparse."""
        values = np.asarray(W[self.pairs.columns, self.pairs.classes], dtype=float).reshape(-1)
        if self._place is not None:
            values = np.bincount(self._place, weights=values * self._scale, minlength=len(self.reduced))
        return self.arrange(values, design)

    def multipliers(self, multipliers, design):
        """Penalty weights (d, 1) or (d, K) of the user's columns, like the weights of the design."""
        classes = self.pairs.classes if multipliers.shape[1] > 1 else 0
        return self.arrange(multipliers[self.pairs.columns, classes], design)
