"""Mini-batches: rows of X as the first box wants them."""

import numpy as np

from ..kernels import csr_arrays, csr_rows, csr_transposed

#: numbers of a dense batch that are copied in less time than a thread takes to hear of it
SMALL = 1 << 18


class SparseBatch:
    """Some rows of a sparse matrix, ready for `SparseAffine`.

    Parameters
    ----------
    x : tuple (indptr, indices, data)
        Its compressed rows.
    n_columns : int
    rows : intp ndarray of shape (r,), optional
        The columns that occur, or that every batch has, ascending, when x is renumbered to just these;
        None when it keeps its d columns.
    transposed : bool
        Whether there shall be gradients.
    scale : ndarray of shape (n_columns,), optional
        Factors on the rows of the transpose, and so on the gradients that follow from it.

    Attributes
    ----------
    n_rows : int
    x, x_transposed : tuples (indptr, indices, data)
        Compressed rows of x and of its transpose.
    """

    def __init__(self, x, n_columns, rows=None, transposed=True, scale=None):
        self.n_rows = x[0].size - 1
        self.rows, self.x = rows, x
        if transposed:
            indptr, indices, data = csr_transposed(*x, n_columns)
            if scale is not None:
                data *= np.repeat(scale, np.diff(indptr))
            self.x_transposed = indptr, indices, data


class Dataset:
    """Examples with their targets and weights.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d)
    targets : intp ndarray of shape (n,) or ndarray of shape (n, q)
        As the loss box wants them.
    weights : ndarray of shape (n,), optional
    keys : uint64 ndarray of shape (n,), optional
        `row_keys`, where there is dropout.
    scale : ndarray of shape (d,), optional
        Factors on the gradients of the rows of the first weights, for a sparse X.
    n_head : int
        Number of columns, the first ones, that every batch has, whether they occur or not.
    """

    def __init__(self, X, targets, weights=None, keys=None, scale=None, n_head=0):
        self.X, self.targets, self.weights, self.keys, self.scale = X, targets, weights, keys, scale
        self.sparse = not isinstance(X, np.ndarray)
        self.renumber, self.n_head = False, n_head
        self.n_columns = X.shape[1]
        self._positions = None

    def __len__(self):
        return self.X.shape[0]

    #: whether columns may be trained as one: see `SharedColumns`
    may_share = True

    def batches(self, order, batch_size):
        """The examples of each batch of an epoch, given their order."""
        return [order[start : start + batch_size] for start in range(0, order.size, batch_size)]

    def outputs(self, graph):
        """Yields (rows, scores) for all rows, block after block."""
        for start, (*_, scores) in layer_outputs(graph, self.X):
            yield slice(start, start + scores.shape[0]), scores

    def takes_time(self, n_rows):
        """Whether a batch of so many rows takes longer to make than to ask another thread for."""
        return self.sparse or n_rows * self.X.shape[1] > SMALL

    def occurring_columns(self, order):
        """Number of distinct columns in the rows `order`."""
        return np.unique(self.X[order].indices).size

    def batch(self, order):
        """(x, targets, weights, keys) of the rows `order`."""
        weights = None if self.weights is None else self.weights[order]
        keys = None if self.keys is None else self.keys[order]
        return self.inputs(order), self.targets[order], weights, keys

    def inputs(self, order):
        """The rows `order` as the first box wants them."""
        if not self.sparse:
            return self.X[order]
        x = csr_rows(self.X, order)
        return self._renumbered(x) if self.renumber else SparseBatch(x, self.n_columns, scale=self.scale)

    def _renumbered(self, x):
        """The batch with only the columns that occur and the head, numbered in their order.

        Marks instead of sorting: a pass over d bytes is cheaper than a sort of the non-zeros.
        """
        indptr, indices, data = x
        if self._positions is None:
            self._marks = np.zeros(self.n_columns, dtype=bool)
            self._positions = np.empty(self.n_columns, dtype=indices.dtype)
        self._marks[indices] = True
        self._marks[: self.n_head] = True
        rows = np.flatnonzero(self._marks)
        self._marks[rows] = False
        self._positions[rows] = np.arange(rows.size, dtype=indices.dtype)
        x = indptr, np.take(self._positions, indices), data
        return SparseBatch(x, rows.size, rows, scale=None if self.scale is None else self.scale[rows])


def layer_outputs(graph, X, block=4096):
    """The output of each layer for many rows, computed without a gradient.

    Parameters
    ----------
    graph : FlowGraph
    X : ndarray or CSR matrix of shape (n, d)

    Yields
    ------
    start : int
    outputs : list of ndarrays
        Activations of each hidden layer and, last, the scores, for the rows from `start` on.
    """
    for start in range(0, X.shape[0], block):
        x = X[start : start + block]
        if not isinstance(X, np.ndarray):
            x = SparseBatch(csr_arrays(x), X.shape[1], transposed=False)
        outputs = []
        for box in graph.boxes:
            x = box.fprop(x)
            if box.ends_layer:
                outputs.append(x)
        yield start, [*outputs, x]
