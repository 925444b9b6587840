"""The design: the linear map from weights (d, K) to scores (n, K), its adjoint, and their product.

Three layouts, by shape. `ColumnBlocks` (n < d) walks CSC column blocks: the score block stays in
cache while the long weight array streams past. `RowBlocks` (n >= d) walks CSR row blocks, for the
same reason the other way round. `DenseDesign` (`dense`) gives row blocks to BLAS. The blocks depend on the
data alone, never on the number of threads, and partial sums are added in a fixed order.

The `dtype` of a design is that of the vectors it takes and gives. Data in float32 stay in float32 under
float64 vectors, and are widened block by block within the products.
"""

import numpy as np
from scipy import sparse

from ...numerics.sparse import add_product, assembled, flipped, peak
from ...numerics.threads import balanced_cuts, even_cuts
from .base import MAX_LANES, Design, count_lanes, narrowed
from .dense import DenseDesign

# Non-zeros times columns of the right-hand side from which a thread pays; and where these are multiplied one
# by one, which takes longer for each.
LANE_WORK, NARROW_LANE = 1_500_000, 85_000
BLOCK_NNZ = 150_000
# Scores that stay in cache between the two halves of a product.
SHORT_ENTRIES = 131_072
# Columns of a right-hand side up to which they are multiplied one by one, and the entries of a row and of a
# column from which that is worth copying them for.
NARROW, NARROW_ENTRIES = 3, 8


def make_design(X, n_outputs, workers, dtype=None):
    """The design for X: dense array, or CSR/CSC with sorted int32/int64 indices.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, d)
    n_outputs : int
        Columns K of the right-hand sides, to judge the work.
    workers : Workers
    dtype : dtype, optional
        Precision of the vectors, at least that of X; by default the same.
    """
    if not sparse.issparse(X):
        return DenseDesign(X, workers, dtype=dtype)
    layout = ColumnBlocks if X.shape[0] < X.shape[1] else RowBlocks
    return layout(layout.convert(X), n_outputs, workers, dtype=dtype)


def _two(A, less=0):
    """The first two columns of three, less a third, each contiguous."""
    two = np.empty((len(A), 2), A.dtype, order="F")
    for k in range(2):
        np.subtract(A[:, k], less, out=two[:, k])
    return two


def _cut_up(rows, K):
    """A slice of rows in slices of about SHORT_ENTRIES scores."""
    cuts = even_cuts(rows.stop - rows.start, -(-(rows.stop - rows.start) * K // SHORT_ENTRIES))
    return [slice(rows.start + cut.start, rows.start + cut.stop) for cut in cuts]


def _copy_columns(source, target):
    """Copy the columns of an array to the first ones of another; rows of two or three numbers are slow."""
    for k in range(source.shape[1]):
        target[:, k] = source[:, k]


def _row_by_row(A, out=None):
    """The array in C order: in `out` where that is given, itself where it can be."""
    if out is None:
        if A.flags.c_contiguous:
            return A
        out = np.empty(A.shape, A.dtype)
    _copy_columns(A, out)
    return out


class _SparseDesign(Design):
    def __init__(self, X, n_outputs, workers, tally=None, dtype=None, max_lanes=MAX_LANES):
        self.shape, self.dtype, self._max_lanes = X.shape, np.dtype(dtype or X.dtype), max_lanes
        self.X, self._n_outputs, self._workers = X, n_outputs, workers
        self.tally = [0.0] if tally is None else tally  # products; forward and adjoint are one half each
        self._squares = self._short = None
        self._narrow = NARROW if X.nnz >= NARROW_ENTRIES * sum(X.shape) else 1
        work = NARROW_LANE if self._narrow >= n_outputs else LANE_WORK
        n_lanes = count_lanes(X.nnz * n_outputs / work, max_lanes)
        n_blocks = n_lanes * max(1, X.nnz // (n_lanes * BLOCK_NNZ)) if self._fine else n_lanes
        self._cuts = balanced_cuts(X.indptr, n_blocks)
        blocks = [(cut, self._block(cut)) for cut in self._cuts]
        self._blocks = [(cut, B, flipped(B)) for cut, B in blocks]
        self._lanes = [self._blocks[i::n_lanes] for i in range(min(n_lanes, len(blocks)))]

    def _block(self, cut):
        """Rows (columns) `cut` of the CSR (CSC) array, as views of its memory."""
        X = self.X
        indptr = X.indptr[cut.start : cut.stop + 1]
        piece = slice(int(indptr[0]), int(indptr[-1]))
        length = cut.stop - cut.start
        shape = (length, X.shape[1]) if X.format == "csr" else (X.shape[0], length)
        kind = sparse.csr_array if X.format == "csr" else sparse.csc_array
        return assembled(kind, X.data[piece], X.indices[piece], indptr - indptr[0], shape)

    def astype(self, dtype):
        """The same design in another precision, sharing the indices."""
        X = self.X
        twin = type(X)(
            (narrowed(X.data, dtype, self._workers), X.indices, X.indptr), shape=X.shape, copy=False
        )
        return type(self)(twin, self._n_outputs, self._workers, self.tally, dtype, self._max_lanes)

    def squared_adjoint(self, R):
        """(X * X).T @ R without forming X * X whole: the diagonal of a weighted Gram matrix."""
        if self._squares is None:
            values = self.X.data
            if np.all((values == 0) | (values == 1)):  # indicators are their own squares
                self._squares = self
            else:
                squared = type(self.X)(
                    (values**2, self.X.indices, self.X.indptr), shape=self.shape, copy=False
                )
                parts = self._n_outputs, self._workers, None, self.dtype, self._max_lanes
                self._squares = type(self)(squared, *parts)
        return self._squares.adjoint(R)

    def moments(self, R):
        """X.T @ R and (X * X).T @ R; the same array for indicators."""
        squares = self.squared_adjoint(R)
        return squares if self._squares is self else self.adjoint(R), squares

    def _order(self, K):
        """The order in which products of K columns have their arrays."""
        return "F" if self._narrow >= K else "C"

    def _laid(self, W):
        """A right-hand side in that order."""
        if W.flags[self._order(W.shape[1])]:
            return W
        if W.shape[1] > self._narrow:
            return np.ascontiguousarray(W)
        laid = np.empty(W.shape, W.dtype, order="F")
        _copy_columns(W, laid)
        return laid

    def curved(self, likelihood, expected, W, shift=None, buffers=None):
        """The Hessian of the loss times weights and an intercept; see `Design.curved`.

        Of three classes two are multiplied, the third being the origin of the scores.
        """
        if not (likelihood.is_relative and W.shape[1] == self._narrow == 3):
            return super().curved(likelihood, expected, W, shift, buffers)
        shape, follows = likelihood.shape, callable(shift)
        scores = np.empty(shape, self.dtype) if buffers is None else buffers("scores", *shape, self.dtype)
        _copy_columns(self._forward(_two(W, W[:, 2])), scores)
        scores[:, 2] = 0
        curved = likelihood.curvature(expected, scores, shift(scores) if follows else shift, out=scores)
        pulled = self._adjoint(_two(curved))
        product = np.empty_like(W)
        _copy_columns(pulled, product)
        np.negative(pulled[:, 0] + pulled[:, 1], out=product[:, 2])
        return product, None if follows else likelihood.totals(curved)

    def forward(self, W, out=None):
        """Scores X @ W, (n, K); in `out` where it is given."""
        result = self._forward(W, out)
        return result if result is out else _row_by_row(result, out)

    def adjoint(self, R):
        """X.T @ R, (d, K)."""
        return _row_by_row(self._adjoint(R))

    def _lane_sums(self, function):
        """Sum of function(lane) over the lanes, in their order."""
        sums = self._workers.map(function, self._lanes)
        total = sums[0]
        for part in sums[1:]:
            total += part
        return total

    def _piecewise(self, result, add):
        """The array filled block by block: add(B, B.T, part of it that is 0) for each block."""

        def fill(block):
            cut, B, B_T = block
            part = result[cut]
            part[:] = 0
            add(B, B_T, part)

        self._workers.map(fill, self._blocks)
        return result


class ColumnBlocks(_SparseDesign):
    """Sparse design in CSC blocks, for fewer rows than columns."""

    _fine = True  # small blocks, so that a block's part of the weights stays in cache

    @staticmethod
    def convert(X):
        return X.tocsc()

    def _forward(self, W, out=None):
        """Scores in the order of the products; in `out` where it is given and has that order."""
        self.tally[0] += 0.5
        W, order = self._laid(W), self._order(W.shape[1])
        first = out
        if out is None or not out.flags[order]:
            first = np.empty((self.shape[0], W.shape[1]), self.dtype, order)

        def lane_sum(lane):
            total = first if lane is self._lanes[0] else np.empty_like(first)
            total[:] = 0
            for cut, B, _ in lane:
                add_product(B, W[cut], total)
            return total

        return self._lane_sums(lane_sum)

    def _adjoint(self, R):
        """The adjoint in the order of the products."""
        self.tally[0] += 0.5
        R = self._laid(R)
        result = np.empty((self.shape[1], R.shape[1]), self.dtype, self._order(R.shape[1]))
        return self._piecewise(result, lambda B, B_T, part: add_product(B_T, R, part))

    def gram(self, A):
        """X @ X.T @ A, (n, K), and the largest entry of X.T @ A in modulus, in one pass.

        The (d, K) array in between never exists whole, but in parts of about the size of A.
        """
        self.tally[0] += 1
        A, order = self._laid(A), self._order(A.shape[1])
        peaks = []

        def pulled(cut, B_T):
            V = np.zeros((cut.stop - cut.start, A.shape[1]), self.dtype, order)
            add_product(B_T, A, V)
            return V

        def lane_sum(lane):
            total = np.zeros(A.shape, self.dtype, order)
            for run in self._runs(lane):
                parts = [pulled(cut, B_T) for cut, _, B_T in run]
                for (_, B, _), V in zip(run, parts):
                    peaks.append(peak(V))
                    add_product(B, V, total)
            return total

        return _row_by_row(self._lane_sums(lane_sum)), max(peaks)

    def _runs(self, lane):
        """Blocks one after another with about as many columns as there are rows, or one block.

        Where A and the result are too large for the cache, going from one to the other after each block took
        twice as long: 25 million entries, 400,000 rows of 3 classes.
        """
        run, n_columns = [], 0
        for block in lane:
            cut = block[0]
            if run and n_columns + cut.stop - cut.start > self.shape[0]:
                yield run
                run, n_columns = [], 0
            run.append(block)
            n_columns += cut.stop - cut.start
        yield run


class RowBlocks(_SparseDesign):
    """Sparse design in CSR blocks, for at least as many rows as columns."""

    _fine = False

    @staticmethod
    def convert(X):
        return X.tocsr()

    def _forward(self, W, out=None):
        """Scores in the order of the products; in `out` where it is given and has that order."""
        self.tally[0] += 0.5
        W, order = self._laid(W), self._order(W.shape[1])
        if out is None or not out.flags[order]:
            out = np.empty((self.shape[0], W.shape[1]), self.dtype, order)
        return self._piecewise(out, lambda B, B_T, part: add_product(B, W, part))

    def _adjoint(self, R):
        """The adjoint in the order of the products."""
        self.tally[0] += 0.5
        R, order = self._laid(R), self._order(R.shape[1])

        def lane_sum(lane):
            total = np.zeros((self.shape[1], R.shape[1]), self.dtype, order)
            for cut, _, B_T in lane:
                add_product(B_T, R[cut], total)
            return total

        return self._lane_sums(lane_sum)

    def curved(self, likelihood, expected, W, shift=None, buffers=None):
        """The Hessian of the loss times weights and an intercept; see `Design.curved`.

        In one walk over short blocks of rows, whose scores stay in cache, or in two where the shift follows.
        """
        (n, K), follows = likelihood.shape, callable(shift)
        if self._narrow >= K:
            return super().curved(likelihood, expected, W, shift, buffers)
        self.tally[0] += 1
        W, lanes, scores = self._laid(W), self._short_lanes(K), None

        def forward(lane):
            """Fill the scores; what their class totals are when curved."""
            totals = np.zeros(K)
            for cut, B, _ in lane:
                part = scores[cut]
                part[:] = 0
                add_product(B, W, part)
                totals += likelihood.curved_totals(cut, expected, part)
            return totals

        def product(lane):
            result, totals = np.zeros((self.shape[1], K), self.dtype), np.zeros(K)
            longest = max(cut.stop - cut.start for cut, _, _ in lane)
            own = None if follows else np.empty((longest, K), self.dtype)
            for cut, B, B_T in lane:
                if follows:
                    part = scores[cut]
                    part += shift
                else:
                    part = own[: cut.stop - cut.start]
                    part[:] = shift
                    add_product(B, W, part)
                likelihood.curve(cut, expected, part, None if follows else totals)
                add_product(B_T, part, result)
            return result, totals

        if follows:
            scores = np.empty((n, K), self.dtype) if buffers is None else buffers("scores", n, K, self.dtype)
            shift = shift.of(sum(self._workers.map(forward, lanes)))
        shift = 0 if shift is None else shift.astype(self.dtype)
        (result, totals), *others = self._workers.map(product, lanes)
        for part, part_totals in others:
            result += part
            totals += part_totals
        return result, None if follows else totals

    def _short_lanes(self, K):
        """The lanes in blocks of few rows."""
        if self._short is None:
            cuts = [[cut for whole, _, _ in lane for cut in _cut_up(whole, K)] for lane in self._lanes]
            blocks = [[(cut, self._block(cut)) for cut in lane] for lane in cuts]
            self._short = [[(cut, B, flipped(B)) for cut, B in lane] for lane in blocks]
        return self._short

    def gram(self, A):
        """X @ X.T @ A, (n, K), and the largest entry of X.T @ A in modulus."""
        V = self.adjoint(A)
        return self.forward(V), peak(V)
