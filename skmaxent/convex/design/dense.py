"""The design of a dense array: blocks of rows for BLAS."""

import numpy as np

from ...numerics.sparse import WIDENED_ENTRIES, peak
from ...numerics.threads import even_cuts
from .base import MAX_LANES, Design, count_lanes, narrowed

# Entries from which a lane pays.
DENSE_LANE = 500_000
# Rows for each product that X X.T costs, which BLAS makes many times as fast as products of few columns.
KERNEL_ROWS = 70


class DenseDesign(Design):
    """Dense design, in blocks of rows."""

    def __init__(self, X, workers, tally=None, dtype=None):
        self.X, self.shape, self.dtype, self._workers = X, X.shape, np.dtype(dtype or X.dtype), workers
        self.tally, self._kernel = [0.0] if tally is None else tally, None
        n_lanes = count_lanes(X.size / DENSE_LANE, MAX_LANES)
        if self.dtype != X.dtype:
            n_lanes = max(n_lanes, -(-X.size // WIDENED_ENTRIES))
        self._cuts = even_cuts(X.shape[0], n_lanes)

    def astype(self, dtype):
        """The same design in another precision."""
        X = narrowed(self.X, dtype, self._workers)
        return DenseDesign(X, self._workers, self.tally, dtype)

    def forward(self, W, out=None):
        """Scores X @ W, (n, K); in `out` where it is given."""
        self.tally[0] += 0.5
        scores = np.empty((self.shape[0], W.shape[1]), self.dtype) if out is None else out

        def block(rows):
            np.matmul(self.X[rows], W, out=scores[rows])

        self._workers.map(block, self._cuts)
        return scores

    def adjoint(self, R):
        """X.T @ R, (d, K)."""
        self.tally[0] += 0.5
        # BLAS is faster on the transposed product: R has few columns.
        parts = self._workers.map(lambda rows: R[rows].T @ self.X[rows], self._cuts)
        return np.ascontiguousarray(sum(parts[1:], start=parts[0]).T)

    def curved(self, likelihood, expected, W, shift=None, buffers=None):
        """The Hessian of the loss times weights and an intercept; see `Design.curved`."""
        if callable(shift):
            return super().curved(likelihood, expected, W, shift, buffers)
        self.tally[0] += 1
        shift = 0 if shift is None else shift.astype(self.dtype)
        shape = likelihood.shape
        scores = np.empty(shape, self.dtype) if buffers is None else buffers("scores", *shape, self.dtype)

        def block(rows):
            V, totals = np.matmul(self.X[rows], W, out=scores[rows]), np.zeros(W.shape[1])
            V += shift
            likelihood.curve(rows, expected, V, totals)
            return V.T @ self.X[rows], totals

        # At once, and not one step after another: threads are woken once.
        products, totals = zip(*self._workers.map(block, self._cuts))
        return np.ascontiguousarray(sum(products[1:], start=products[0]).T), sum(totals)

    def gram(self, A):
        """X @ X.T @ A, (n, K), and the largest entry of X.T @ A in modulus."""
        V = self.adjoint(A)
        return self.forward(V), peak(V)

    def kernel(self):
        """X X.T, (n, n), once as many products have been taken as it costs; None before."""
        n, d = self.shape
        if self._kernel is None and n <= KERNEL_ROWS * self.tally[0]:
            cuts = even_cuts(d, len(self._cuts))
            parts = self._workers.map(lambda columns: self.X[:, columns] @ self.X[:, columns].T, cuts)
            self._kernel = sum(parts[1:], start=parts[0])
        return self._kernel

    def squared_adjoint(self, R):
        """(X * X).T @ R: the diagonal of a weighted Gram matrix."""
        chunks = even_cuts(self.shape[0], -(-self.X.size // 500_000))  # never a second X in memory
        parts = self._workers.map(lambda rows: (self.X[rows] ** 2).T @ R[rows], chunks)
        return sum(parts[1:], start=parts[0]).astype(self.dtype, copy=False)
