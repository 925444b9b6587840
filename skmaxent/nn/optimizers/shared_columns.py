"""Columns of equal size that occur in one and the same training row only, trained as one column.

Half of the word pairs of a text corpus occur in a single document, most of them once. Let the k columns j of
a group have their only non-zero a_j in the same row, all of one size |a_j| = a. Their gradients are a_j
delta, delta the gradient of that row: the same but for the sign, and so are the states of an optimiser that
follows the gradients alone (Adam, AdaGrad, epsilon included). All their weights move by sign(a_j) times the
same step, and a decoupled decay shrinks them by the same factor. One column of value k a and weight ``v =
sum_j sign(a_j) w_j / k`` contributes as much to the row's sums as they do; its gradient divided by k is that
of a member, so that it moves as they do and decays as they do. From its weight at two moments, D the product
of the decays between them,

    w_j(end) = D w_j(start) + sign(a_j) (v(end) - D v(start)).

Columns that occur in no row have no gradient at all: they are left out, and decay by D. The others are
ordered by their frequency, so that the rows of a batch lie on few pages of memory.
"""

import numpy as np

from ..kernels import csr_dot, row_block

#: Least share of the non-zeros that groups must remove, and of numbers in the first weights.
LEAST_SHARE, LEAST_WEIGHTS = 0.1, 1_000_000
#: Share of the batches that hold a column from which on its weights take part in every step.
HEAD_SHARE = 0.4


def lonely_groups(X, n_hidden):
    """The entries that are the only ones of their columns, grouped by row and size.

    Returns
    -------
    groups : tuple (entries, starts), or None where the table of weights is small
        Places of these entries in ``X.data``, group by group in the order of the rows; where each group
        begins, and the end. None of them where groups would not pay.
    """
    if X.shape[1] * n_hidden < LEAST_WEIGHTS:
        return None
    counts = np.bincount(X.indices, minlength=X.shape[1])
    entries = np.flatnonzero((counts == 1)[X.indices] & (X.data != 0))
    rows, sizes = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))[entries], np.abs(X.data[entries])
    order = np.lexsort((sizes, rows))
    entries, rows, sizes = entries[order], rows[order], sizes[order]
    new = (rows[1:] != rows[:-1]) | (sizes[1:] != sizes[:-1])
    starts = np.concatenate([[0], np.flatnonzero(new) + 1, [entries.size]])
    removed = entries.size - (starts.size - 1)
    return (entries, starts) if removed > LEAST_SHARE * X.nnz else (entries[:0], starts[:1])


class SharedColumns:
    """A network on the groups of such columns, and the way back.

    Parameters
    ----------
    X : CSR matrix of shape (n, d)
        All training rows.
    parameters : Parameters
        The network on the d columns; `restore` changes it in place.
    groups : tuple
        From `lonely_groups`.
    run : BlockRunner
    batch_size : int

    Attributes
    ----------
    X : CSR matrix of shape (n, r)
        The columns that are not shared, the most frequent first, then one column a group.
    scale : ndarray of shape (r,) or None
        What the gradients of the rows of its first weights are to be multiplied by: 1 / k for a group. None
        without groups.
    parameters : Parameters
        The network on these columns.
    n_head : int
        Number of columns, the first ones, that most batches hold.
    """

    def __init__(self, X, parameters, groups, run, batch_size):
        self._whole, self._run, self.scale = parameters, run, None
        entries, self._starts = groups
        size = np.diff(self._starts)
        values = X.data[entries]
        self._columns, self._signs = X.indices[entries].astype(np.intp), np.sign(values)
        self._group = np.repeat(np.arange(size.size), size)
        self._shares = self._signs / size[self._group].astype(X.dtype)
        counts = np.bincount(X.indices, minlength=X.shape[1])
        self._absent = np.flatnonzero(counts == 0)
        counts[self._columns] = 0
        kept = np.flatnonzero(counts)
        self._kept = kept[np.argsort(-counts[kept], kind="stable")]
        missing = (1 - np.minimum(counts[self._kept] / X.shape[0], 1)) ** batch_size
        self.n_head = int(np.count_nonzero(missing <= 1 - HEAD_SHARE))
        if size.size:
            self.scale = np.concatenate([np.ones(self._kept.size), 1 / size]).astype(X.dtype)
        first = entries[self._starts[:-1]]
        self.X = self._merge(X, entries, first, np.abs(X.data[first]) * size.astype(X.dtype))
        self.parameters = self._start()

    def _merge(self, X, entries, first, masses):
        """X with one entry for each group, after those of its row that are not shared."""
        rows = np.searchsorted(X.indptr, first, side="right") - 1
        kept = np.ones(X.nnz, dtype=bool)
        kept[entries] = False
        n_groups = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=X.shape[0]))])
        n_kept = np.concatenate([[0], np.cumsum(kept)])[X.indptr]
        indptr = (n_kept + n_groups).astype(X.indptr.dtype)
        places = n_kept[rows + 1] + np.arange(rows.size)
        copied = np.ones(indptr[-1], dtype=bool)
        copied[places] = False
        number = np.empty(X.shape[1], dtype=X.indices.dtype)
        number[self._kept] = np.arange(self._kept.size)
        indices = np.empty(copied.size, dtype=X.indices.dtype)
        data = np.empty(copied.size, dtype=X.dtype)
        indices[copied], data[copied] = number[X.indices[kept]], X.data[kept]
        indices[places], data[places] = self._kept.size + np.arange(rows.size), masses
        shape = (X.shape[0], self._kept.size + rows.size)
        return type(X)((data, indices, indptr), shape=shape, copy=False)

    def _start(self):
        whole, k = self._whole, self._kept.size
        reduced = whole.like(first=self.X.shape[1])
        first = reduced.first
        np.take(whole.first, self._kept, axis=0, out=first[:k], mode="clip")

        def mean(start, stop):
            csr_dot(
                self._starts[start : stop + 1], self._columns, self._shares, whole.first,
                first[k + start : k + stop],
            )  # fmt: skip

        self._run(mean, first.shape[0] - k, row_block(first.strides[0]))
        self._anchor = first[k:].copy()
        reduced.vector[first.size :] = whole.vector[whole.first.size :]
        return reduced

    def restore(self, decay):
        """Write the weights to the network on all columns.

        Parameters
        ----------
        decay : float
            Product of the optimiser's decay factors since the last call.
        """
        whole, first, k = self._whole.first, self.parameters.first, self._kept.size
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

        def absent(start, stop):
            whole[self._absent[start:stop]] *= decay

        block = row_block(whole.strides[0])
        self._run(members, self._columns.size, block)
        self._run(others, k, block)
        if decay != 1:
            self._run(absent, self._absent.size, block)
        self._whole.vector[whole.size :] = self.parameters.vector[first.size :]
