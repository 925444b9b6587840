"""A preconditioner for the weights of (column, class) pairs: the Hessian within each class, inverted.

For class k the Hessian is A' diag(E_k (1 - E_k / m)) A with the columns A of X that have a weight for k, less
a rank-one part for the intercept. Near an optimum most rows are all but certain: the few that hold nearly all
of the curvature are taken, and what the others have is added to the diagonal, which is exact.
"""

from itertools import pairwise

import numpy as np
from scipy import linalg, sparse

from ...numerics.sparse import column_counts
from ...numerics.threads import even_cuts
from ..design.pairs import pair_index
from ..grouped import Grouped

# Curvatures below this share of a row's mean mass are left out.
THIN = 1e-3
# Largest side of a block for short runs and for long ones, numbers in all blocks, and weights up to which
# blocks that small are worth it.
BLOCK_SIDE, LARGE_SIDE, BLOCK_NUMBERS, MAX_WEIGHTS = 3_000, 4_000, 64_000_000, 200_000
# Cubes of the sides of the blocks, for each multiplication of a product, up to which inverses of all weights
# cost less than the products that they save; where they would cost more, those of the weights of largest
# curvature, for this share of it. BLAS makes so many multiplications with dense data in the time of one.
MAX_CUBES, PART, DENSE = 5_000, 0.3, 8
# Steps for which an inverse is used, and the least share of its weights, and of theirs, that both have.
USES, COVERED = 2, 0.95
# Ridge of a block relative to its diagonal, which is 1: collinear columns.
RIDGE = 1e-5


class ClassBlocks:
    """The inverse of the diagonal blocks of the Hessian, in float32.

    Parameters
    ----------
    X : CSR array or ndarray of shape (n, d), float32
    columns, classes : integer ndarray of shape (m,)
        The pairs, in any order.
    curved : ndarray of shape (n, K), float32
        Curvature of each score.
    threshold : float
        Smaller curvatures are left out.
    diagonal : ndarray of shape (m,)
        Of the exact Hessian, with any ridge.
    side : int
        Largest side of a block.
    fit_intercept : bool
    workers : Workers
    """

    def __init__(self, X, columns, classes, curved, threshold, diagonal, side, fit_intercept, workers):
        self._workers = workers
        order = np.lexsort((columns, classes))
        side = int(min(side, 1 + BLOCK_NUMBERS // max(len(order), 1)))
        edges = np.searchsorted(classes[order], np.arange(curved.shape[1] + 1))
        pieces = []
        for k, (first, last) in enumerate(pairwise(edges.tolist())):
            mine = order[first:last]
            pieces += [(k, mine[cut]) for cut in even_cuts(len(mine), -(-len(mine) // side)) if len(mine)]

        def block(piece):
            k, places = piece
            rows = np.flatnonzero(curved[:, k] > threshold)
            weights = curved[rows, k]
            A = X[rows][:, columns[places]]
            if sparse.issparse(A):
                scaled = A.copy()
                scaled.data *= np.repeat(np.sqrt(weights), np.diff(A.indptr))
                B = (scaled.T @ scaled).toarray()
            else:
                scaled = A * np.sqrt(weights)[:, None]
                B = scaled.T @ scaled
            own = np.arange(len(B))
            B[own, own] = np.maximum(diagonal[places], B[own, own])
            if fit_intercept and len(rows):
                b = A.T @ weights
                B -= np.outer(b, b / curved[:, k].sum())
            return places, *_inverse(B)

        self._blocks = workers.map(block, pieces)

    @staticmethod
    def serves(objective, n_free):
        """Whether there are classes, rows in this process, and not too many weights."""
        grouped = isinstance(objective.likelihood, Grouped)
        return not grouped and n_free <= MAX_WEIGHTS and objective.space.design.is_here

    @classmethod
    def build(cls, objective, expected, free, diagonal, side=BLOCK_SIDE):
        """For some weights of an objective, or for those of them that pay.

        Parameters
        ----------
        objective : Objective
            On a working set, in float32.
        expected : ndarray of shape (n, K)
        free : integer ndarray of shape (m,)
            The weights, as places in its flat coordinates.
        diagonal : ndarray of shape (m,)
        side : int
            Largest side of a block.

        Returns
        -------
        blocks : ClassBlocks or None
            None where there are too many weights, or no classes but groups of rows.
        covered : integer ndarray or slice
            For which of the weights these are.
        """
        if not cls.serves(objective, len(free)):
            return None, slice(None)
        likelihood, design, n_outputs = objective.likelihood, objective.space.design, expected.shape[1]
        X, columns, classes = pair_index(design, free, n_outputs)
        cubes = MAX_CUBES * _multiplications(design, X, columns, n_outputs)
        covered = _affordable(classes, diagonal, side, cubes)
        columns, classes, diagonal = columns[covered], classes[covered], diagonal[covered]
        if sparse.issparse(X):
            used, columns = np.unique(columns, return_inverse=True)
            X = X[:, used].tocsr()
        X = X.astype(np.float32, copy=False)
        curved = likelihood.curvature_diagonal(expected).astype(np.float32, copy=False)
        threshold = THIN * float(likelihood.weights.mean())
        parts = X, columns.ravel(), classes, curved, threshold, diagonal, side
        return cls(*parts, objective.fit_intercept, objective.vectors.workers), covered

    def __call__(self, r):
        """An approximate solution of Hessian times z = r, (m,)."""
        z = np.empty_like(r)

        def solve(block):
            places, scale, inverse = block
            z[places] = scale * linalg.blas.ssymv(1.0, inverse, scale * r[places], lower=1)

        self._workers.map(solve, self._blocks)
        return z

    def holding(self, held):
        """Function r -> z like the call, for the Hessian on the weights that are not held; z of those is 0.

        A principal part of an inverse is not the inverse of a part: where columns are all but collinear, it
        is far from it, and each weight held cost conjugate gradients about a step.

        Parameters
        ----------
        held : boolean ndarray of shape (m,)
        """
        borders = self._workers.map(lambda block: _border(*block, held), self._blocks)

        def solve(r):
            z = np.empty_like(r)

            def part(piece):
                (places, scale, inverse), border = piece
                right = scale * r[places]
                if border is None:
                    z[places] = scale * linalg.blas.ssymv(1.0, inverse, right, lower=1)
                    return
                mine, columns, inner = border
                right[mine] = 0
                left = linalg.blas.ssymv(1.0, inverse, right, lower=1)
                left -= columns @ (inner @ left[mine])
                left[mine] = 0
                z[places] = scale * left

            self._workers.map(part, list(zip(self._blocks, borders, strict=True)))
            return z

        return solve


def _multiplications(design, X, columns, n_outputs):
    """About how many of them a product takes, in those of sparse data; of pairs those of these columns."""
    if not sparse.issparse(X):
        return design.n_entries * n_outputs / DENSE
    return column_counts(X)[columns].sum() if design.paired else design.n_entries * n_outputs


def _affordable(classes, diagonal, side, cubes):
    """The weights whose blocks cost no more: all, or of each class those with the largest diagonal."""
    sides = np.bincount(classes)
    if sides @ np.minimum(sides, float(side)) ** 2 <= cubes:
        return slice(None)
    most = (PART * cubes / np.count_nonzero(sides)) ** (1 / 3)
    order, ranks = np.lexsort((-diagonal, classes)), np.empty(len(classes), np.intp)
    ranks[order] = np.arange(len(order)) - np.repeat(np.cumsum(sides) - sides, sides)
    return np.flatnonzero(ranks < most)


class LastBlocks:
    """The last inverse within classes, for the steps after it, in which a few weights go and others come.

    Near an optimum the Hessian changes little from one step to the next, and an inverse costs as much as
    thirty products.
    """

    def __init__(self):
        self._blocks, self._numbers, self._sought, self._uses = None, None, 0, 0

    def forget(self):
        """Let go of its memory, and build anew next time."""
        self._blocks = None

    def of(self, objective, expected, free, diagonal, numbers):
        """See `ClassBlocks.build`.

        Parameters
        ----------
        objective, expected, free, diagonal
        numbers : integer ndarray of shape (m,)
            What tells the weights from all others, from one working set to the next.

        Returns
        -------
        blocks : ClassBlocks, _Part or None
        covered : integer ndarray or slice
            For which of the weights these are.
        """
        if self._blocks is not None and self._uses < USES:
            _, covered, theirs = np.intersect1d(
                numbers, self._numbers, assume_unique=True, return_indices=True
            )
            most = max(len(numbers), self._sought)
            if len(covered) * self._sought >= COVERED * len(self._numbers) * most:
                self._uses += 1
                return _Part(self._blocks, theirs, len(self._numbers)), covered
        self.forget()
        self._blocks, covered = ClassBlocks.build(objective, expected, free, diagonal)
        self._numbers, self._sought, self._uses = numbers[covered], len(numbers), 1
        return self._blocks, covered


class _Part:
    """The exact inverse of the blocks of some of the weights of a `ClassBlocks`."""

    def __init__(self, blocks, places, size):
        self._blocks, self._places, self._size = blocks, places, size

    def holding(self, held):
        """See `ClassBlocks.holding`."""
        all_held = np.ones(self._size, bool)
        all_held[self._places] = held
        condition = self._blocks.holding(all_held)

        def solve(r):
            whole = np.zeros(self._size, r.dtype)
            whole[self._places] = r
            return condition(whole)[self._places]

        return solve


def _border(places, scale, inverse, held):
    """Of the held weights of a block: where they are, their columns of the inverse, their part inverted."""
    mine = np.flatnonzero(held[places])
    if not len(mine):
        return None
    above = np.arange(len(inverse))[:, None] < mine
    columns = np.where(above, inverse[mine].T, inverse[:, mine])  # only the lower triangle is there
    values, vectors = np.linalg.eigh(columns[mine].astype(float))
    values = np.maximum(values, np.finfo(np.float32).eps * values[-1])
    return mine, columns, ((vectors / values) @ vectors.T).astype(inverse.dtype)


def _inverse(B):
    """The scale s that brings the diagonal of B to 1, and the lower triangle of the inverse of s B s."""
    own = np.arange(len(B))
    scale = 1 / np.sqrt(np.maximum(B[own, own], np.finfo(B.dtype).tiny))
    B *= scale[:, None] * scale
    ridge = RIDGE
    while ridge < 1e3:
        B[own, own] = 1 + ridge
        factor, failed = linalg.lapack.spotrf(B.T, lower=1, clean=0)
        if not failed and np.isfinite(factor[-1, -1]):
            return scale, linalg.lapack.spotri(factor, lower=1, overwrite_c=1)[0]
        ridge *= 10
    return scale, np.asfortranarray(np.eye(len(B), dtype=B.dtype))  # entries that overflow
