"""The design on observed pairs, one weight each, in memory proportional to the pairs and the entries of X.

Columns that have most of their classes are multiplied as a dense block of weights, whose other entries
are 0 or not read: the block has at most 1 / `SHARE` times as many weights as there are pairs. The others
are multiplied pair by pair, which takes one multiplication for each pair of each entry.
"""

import numpy as np
from scipy import sparse

from ...numerics.sparse import peak, retyped
from ...numerics.threads import balanced_cuts
from .base import Design
from .blocks import LANE_WORK, make_design

# Share of its classes from which a column is cheaper in a dense block. A multiplication there takes
# 0.2 to 1 ns, the less the fewer classes; in a pair, which gathers its operand, 1 to 2 ns.
SHARE = 0.25
# Classes whose columns of an (n, K) block are transposed at a time: a cache line of them.
WIDTH = 8


class ObservedDesign(Design):
    """The linear map from weights (m, 1) of pairs to scores (n, K), and its adjoint.

    Parameters
    ----------
    X : CSC array or ndarray of shape (n, d)
        Shared, not copied, but for the columns of the dense block.
    columns, classes : integer ndarray of shape (m,)
        The pairs, each once.
    n_outputs : int
        K.
    workers : Workers
    tally : list of one float, optional
        Counts the products, as in the other designs.

    Attributes
    ----------
    order : integer ndarray of shape (m,)
        Which of the given pairs each weight belongs to.
    columns, classes : integer ndarray of shape (m,)
        The pair of each weight.
    """

    paired = True

    def __init__(self, X, columns, classes, n_outputs, workers, tally=None):
        self.X, self.n_outputs, self._workers = X, n_outputs, workers
        self.tally = [0.0] if tally is None else tally
        self.dtype, self.shape = X.dtype, (X.shape[0], len(columns))
        sizes = np.bincount(columns, minlength=X.shape[1])
        in_block = sizes >= (SHARE * n_outputs if sparse.issparse(X) else 1)
        chosen = in_block[columns]
        block, rare = np.flatnonzero(chosen), np.flatnonzero(~chosen)
        # Class by class and, within a class, from the last column to the first: see `_Pairwise`.
        rare = rare[np.argsort(columns[rare], kind="stable")][::-1]
        rare = rare[np.argsort(classes[rare], kind="stable")]
        self.order = np.concatenate([block, rare])
        self.columns, self.classes = columns[self.order], classes[self.order]
        self._n_block, self._block, self._flat, self._pairwise = len(block), None, None, None
        if len(block):
            members = np.flatnonzero(in_block)
            number = np.cumsum(in_block) - 1
            part = X if len(members) == X.shape[1] else X[:, members]
            self._block = make_design(part, n_outputs, workers)
            self._flat = number[columns[block]] * n_outputs + classes[block]
        if len(rare):
            self._pairwise = _Pairwise.build(X, columns[rare], classes[rare], n_outputs, workers)
        self._squares = None

    def astype(self, dtype):
        """The same design in another precision, sharing the indices."""
        X = retyped(self.X, dtype)
        twin = object.__new__(ObservedDesign)
        twin.__dict__.update(self.__dict__)
        twin.X, twin.dtype, twin._squares = X, X.dtype, None
        twin._block = self._block and self._block.astype(dtype)
        twin._pairwise = self._pairwise and self._pairwise.on(X)
        return twin

    def subset(self, allowed):
        """The design on some of the pairs, and where its weights are among those of this one.

        Parameters
        ----------
        allowed : boolean ndarray of shape (m, 1)
        """
        chosen = np.flatnonzero(allowed)
        part = ObservedDesign(
            self.X, self.columns[chosen], self.classes[chosen], self.n_outputs, self._workers, self.tally
        )
        return part, chosen[part.order]

    def forward(self, w, out=None):
        """Scores (n, K) of the weights (m, 1); in `out` where it is given."""
        self.tally[0] += 0.5
        if self._block is None:
            scores = np.empty((self.shape[0], self.n_outputs), self.dtype) if out is None else out
            scores[:] = 0
        else:
            W = np.zeros((self._block.shape[1], self.n_outputs), self.dtype)
            W.reshape(-1)[self._flat] = w[: self._n_block, 0]
            scores = self._block.forward(W, out)
        if self._pairwise is not None:
            self._pairwise.add_forward(w[self._n_block :, 0], scores)
        return scores

    def adjoint(self, R):
        """The adjoint, (m, 1), of (n, K) values."""
        self.tally[0] += 0.5
        return self._adjoint(R, self._block and self._block.adjoint, self._pairwise)

    def _adjoint(self, R, block_adjoint, pairwise):
        result = np.empty((self.shape[1], 1), self.dtype)
        if block_adjoint is not None:
            np.take(block_adjoint(R).reshape(-1), self._flat, out=result[: self._n_block, 0], mode="clip")
        if pairwise is not None:
            pairwise.adjoint(R, result[self._n_block :, 0])
        return result

    def squared_adjoint(self, R):
        """The adjoint of the design with its entries squared: the diagonal of a weighted Gram matrix."""
        if self._squares is None and self._pairwise is not None:
            X, values = self.X, self.X.data
            if np.all((values == 0) | (values == 1)):  # indicators are their own squares
                self._squares = self._pairwise
            else:
                squared = type(X)((values**2, X.indices, X.indptr), shape=X.shape, copy=False)
                self._squares = self._pairwise.on(squared)
        return self._adjoint(R, self._block and self._block.squared_adjoint, self._squares)

    def gram(self, A):
        """The product of the adjoint with the design, (n, K), and the adjoint's largest entry in modulus."""
        v = self.adjoint(A)
        return self.forward(v), peak(v)


class _Pairwise:
    """Products over pairs that share the entries of X: nothing is copied for a pair.

    The pairs of one class are the rows of a CSR array over the indices and values of X itself. Its row
    pointers are the first and the end of each column in turn; because the columns are in decreasing
    order, every second "row" begins after its own end and is empty. SciPy's products loop from each
    pointer to the next one and need no more than that.

    Parameters
    ----------
    X : CSC array of shape (n, d)
    bounds : integer ndarray of shape (2 m,)
        First entry and end of the column of each pair; the pairs ordered by class, and then by
        decreasing column.
    edges : integer ndarray of shape (K + 1,)
        Where the pairs of each class begin, and m.
    workers : Workers
    """

    def __init__(self, X, bounds, edges, workers):
        self._X, self._bounds, self._edges, self._workers = X, bounds, edges, workers
        self._gathers, self._scatters = [], []
        for first, end in zip(edges[:-1].tolist(), edges[1:].tolist()):
            side = max(2 * (end - first) - 1, 0)
            for kind, kept, shape in (
                (sparse.csr_array, self._gathers, (side, X.shape[0])),
                (sparse.csc_array, self._scatters, (X.shape[0], side)),
            ):
                A = kind(shape, dtype=X.dtype)
                A.indptr, A.indices, A.data = bounds[2 * first : 2 * end], X.indices, X.data
                kept.append(A)
        lengths = bounds[1::2] - bounds[::2]
        work = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])[edges]
        n_pieces = 1 if work[-1] < LANE_WORK // 4 else max(4, -(-(len(edges) - 1) // WIDTH))
        self._pieces = balanced_cuts(work, n_pieces)

    @classmethod
    def build(cls, X, columns, classes, n_outputs, workers):
        """For pairs in that order."""
        bounds = np.empty(2 * len(columns), X.indptr.dtype)
        bounds[::2], bounds[1::2] = X.indptr[columns], X.indptr[1:][columns]
        return cls(X, bounds, np.searchsorted(classes, np.arange(n_outputs + 1)), workers)

    def on(self, X):
        """The same products with another array of the same structure."""
        return _Pairwise(X, self._bounds, self._edges, self._workers)

    def _subpieces(self, piece):
        """The classes of a piece, some at a time."""
        return [slice(k, min(k + WIDTH, piece.stop)) for k in range(piece.start, piece.stop, WIDTH)]

    def add_forward(self, w, scores):
        """Add the scores of the weights (m,) to `scores` (n, K)."""

        def scatter(piece):
            for some in self._subpieces(piece):
                part = np.zeros((some.stop - some.start, len(scores)), scores.dtype)
                for k in range(some.start, some.stop):
                    first, end = self._edges[k], self._edges[k + 1]
                    if first < end:
                        x = np.zeros(2 * (end - first) - 1, w.dtype)
                        x[::2] = w[first:end]
                        part[k - some.start] = self._scatters[k] @ x
                scores[:, some] += part.T

        self._workers.map(scatter, self._pieces)

    def adjoint(self, R, out):
        """Fill `out` (m,) with the adjoint of (n, K) values."""

        def gather(piece):
            for some in self._subpieces(piece):
                part = np.ascontiguousarray(R[:, some].T)
                for k in range(some.start, some.stop):
                    first, end = self._edges[k], self._edges[k + 1]
                    if first < end:
                        out[first:end] = (self._gathers[k] @ part[k - some.start])[::2]

        self._workers.map(gather, self._pieces)
