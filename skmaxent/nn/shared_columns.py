"""Columns that occur in one and the same training row only, trained as one column.

Half of the word pairs of a text corpus occur in a single document. Let the columns j of a group have their
only non-zero a_j in the same row. Their gradients are a_j delta, delta the gradient of that row, so an
optimiser whose step does not depend on the scale of the gradient (Adam, AdaGrad, up to epsilon) moves all
their weights alike, by sign(a_j) times the same step, and a decoupled decay shrinks them by the same factor.
One column of value A = sum_j |a_j| and weight ``v = sum_j a_j w_j / A`` contributes as much to the row's
sums as they do, moves as they do and decays as they do. From its weight at two moments, D the product of
the decays between them,

    w_j(end) = D w_j(start) + sign(a_j) (v(end) - D v(start)).
"""

import numpy as np

from .graph import Parameters
from .kernels import csr_dot, row_block

#: Least share of the non-zeros that sharing must remove, and of numbers in the first weights.
LEAST_SHARE, LEAST_WEIGHTS = 0.1, 1_000_000


def lonely_entries(X, n_hidden):
    """The entries that are the only ones of their columns.

    Returns
    -------
    lonely : bool ndarray of shape (nnz,), or None where sharing would not pay
    """
    if X.shape[1] * n_hidden < LEAST_WEIGHTS:
        return None
    counts = np.bincount(X.indices, minlength=X.shape[1])
    lonely = (counts == 1)[X.indices] & (X.data != 0)
    per_row = _sums(lonely, X.indptr)
    removed = per_row.sum() - np.count_nonzero(per_row)
    return lonely if removed > LEAST_SHARE * X.nnz else None


def _sums(flags, indptr):
    """Number of flagged entries in each row."""
    return np.diff(np.concatenate([[0], np.cumsum(flags)])[indptr])


class SharedColumns:
    """A network on the groups of such columns, and the way back.

    Parameters
    ----------
    X : CSR matrix of shape (n, d)
        All training rows.
    parameters : Parameters
        The network on the d columns; `restore` changes it in place.
    lonely : bool ndarray of shape (nnz,)
        From `lonely_entries`; some are.
    run : BlockRunner

    Attributes
    ----------
    X : CSR matrix of shape (n, r)
        The columns that are not shared, in their order, then one column a group.
    parameters : Parameters
        The network on these columns.
    """

    def __init__(self, X, parameters, lonely, run):
        self._whole, self._run = parameters, run
        per_row = _sums(lonely, X.indptr)
        rows = np.flatnonzero(per_row)
        values = X.data[lonely]
        self._columns, self._signs = X.indices[lonely].astype(np.intp), np.sign(values)
        self._group = np.repeat(np.arange(rows.size), per_row[rows])
        self._starts = np.concatenate([[0], np.cumsum(per_row[rows])])
        masses = np.add.reduceat(np.abs(values), self._starts[:-1])
        self._shares = values / masses[self._group]
        others = np.ones(X.shape[1], dtype=bool)
        others[self._columns] = False
        self._kept = np.flatnonzero(others)

        lengths = np.diff(X.indptr) - per_row
        lengths[rows] += 1
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(X.indptr.dtype)
        last = indptr[rows + 1] - 1  # a group's entry is the last of its row
        copied = np.ones(indptr[-1], dtype=bool)
        copied[last] = False
        number = np.cumsum(others, dtype=X.indices.dtype) - 1
        indices = np.empty(copied.size, dtype=X.indices.dtype)
        data = np.empty(copied.size, dtype=X.dtype)
        indices[copied], data[copied] = number[X.indices[~lonely]], X.data[~lonely]
        indices[last], data[last] = self._kept.size + np.arange(rows.size), masses
        shape = (X.shape[0], self._kept.size + rows.size)
        self.X = type(X)((data, indices, indptr), shape=shape, copy=False)
        self.parameters = self._start()

    def _start(self):
        whole, k = self._whole, self._kept.size
        reduced = Parameters((self.X.shape[1], *whole.sizes[1:]), whole.vector.dtype)
        first = reduced.coefs[0]
        np.take(whole.coefs[0], self._kept, axis=0, out=first[:k], mode="clip")

        def mean(start, stop):
            csr_dot(
                self._starts[start : stop + 1], self._columns, self._shares, whole.coefs[0],
                first[k + start : k + stop],
            )  # fmt: skip

        self._run(mean, first.shape[0] - k, row_block(first.strides[0]))
        self._anchor = first[k:].copy()
        reduced.vector[first.size :] = whole.vector[whole.coefs[0].size :]
        return reduced

    def restore(self, decay):
        """Write the weights to the network on all columns.

        Parameters
        ----------
        decay : float
            Product of the optimiser's decay factors since the last call.
        """
        whole, first, k = self._whole.coefs[0], self.parameters.coefs[0], self._kept.size
        decay = whole.dtype.type(decay)
        move = first[k:] - decay * self._anchor
        self._anchor[:] = first[k:]

        def members(start, stop):
            columns = self._columns[start:stop]
            block = move[self._group[start:stop]]
            block *= self._signs[start:stop, None]
            block += decay * whole[columns]
            whole[columns] = block

        def others(start, stop):
            whole[self._kept[start:stop]] = first[start:stop]

        block = row_block(whole.strides[0])
        self._run(members, self._columns.size, block)
        self._run(others, k, block)
        self._whole.vector[whole.size :] = self.parameters.vector[first.size :]
