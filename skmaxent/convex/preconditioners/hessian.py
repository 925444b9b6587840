"""The whole Hessian of the loss for few columns, and its Cholesky factor.

With K score columns and d features (and the intercept as one more feature) it is a
(K (d + 1), K (d + 1)) matrix of blocks X' diag(S_kl) X, S the curvature of the likelihood in the
scores: K (K - 1) / 2 weighted Gram matrices off the diagonal,
which add up to those on it. Rows and columns are ordered class by class.
"""

import numpy as np
from scipy import linalg, sparse

from ...numerics.sparse import take_rows

CHUNK_ENTRIES = 500_000
# Matrices that are added up at a time; and multiplications from which their number is a multiple of it, so
# that no thread waits: of three pieces the third took as long as the first two.
MAX_PARTS, SHARED_WORK = 4, 5e7
# Side up to which a matrix is inverted by its eigenvalues, which cannot fail.
SMALL = 50
# Least pivot of a scaled factor at which a matrix that small is inverted by it: half the time.
ROBUST_PIVOT = 1e-3
# Penalty of a weight relative to its curvature that is as good as none to a factorisation.
WEAK = 1e-8


def loss_hessian(likelihood, X, expected, fit_intercept, workers, rows=None, dtype=None):
    """Hessian of the loss in float64, summed over all rows or over the chosen ones.

    Parameters
    ----------
    likelihood : Likelihood
    X : ndarray or CSR/CSC array of shape (n, d)
    expected : ndarray of shape (n, K)
        State of the likelihood.
    fit_intercept : bool
    workers : Workers
    rows : integer ndarray, optional
    dtype : dtype, optional
        Precision of the products, each of a block of rows; by default that of `expected`.
    """
    d, K = X.shape[1], expected.shape[1]
    side = d + fit_intercept

    def block(chosen):
        E = expected[chosen]
        part = X if len(E) == X.shape[0] else take_rows(X, chosen)
        part = likelihood.centred(chosen, part.toarray() if sparse.issparse(part) else part, E)
        # Of several classes column by column: operations along rows of a few numbers take longer.
        order = "C" if K == 1 else "F"
        part = np.asarray(part, order=order)
        root = np.asarray(likelihood.curvature_root(chosen, E), order=order)
        spread = np.empty((len(part), side, K), dtype or expected.dtype, order=order).T
        np.multiply(root.T[:, None], part.T, out=spread[:, :d], casting="same_kind")
        if fit_intercept:
            spread[:, d] = root.T
        spread = spread.reshape(K * side, -1)
        return spread @ spread.T  # with itself: half the work of a product

    n = X.shape[0] if rows is None else len(rows)
    n_pieces = -(-n * K * side // CHUNK_ENTRIES)
    if n * (K * side) ** 2 > SHARED_WORK:
        n_pieces += -n_pieces % MAX_PARTS
    pieces = likelihood.pieces(rows, -(-n // max(n_pieces, 1)))
    H = np.zeros((K * side, K * side))
    for start in range(0, len(pieces), MAX_PARTS):
        for part in workers.map(block, pieces[start : start + MAX_PARTS]):
            H += part
    if K > 1:
        blocks = np.negative(H, out=H).reshape(K, side, K, side)
        own = np.einsum("kikj->kij", blocks)  # a view
        own[:] = 0
        own[:] = -blocks.sum(axis=2)  # all classes together have no curvature
    return H


def unit_scale(H):
    """Factors (m,) of rows and columns that give H (m, m) a unit diagonal; 1 where there is no curvature."""
    diagonal = np.diagonal(H)
    return 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))


class Factor:
    """Cholesky factor of a positive semi-definite matrix, scaled to a unit diagonal.

    Scaled, so that neither the factor nor the ridge that a singular matrix needs depends on the units of
    the columns (van der Sluis 1969).

    Parameters
    ----------
    H : ndarray of shape (m, m)
        Overwritten.
    """

    RIDGE = 1e-14

    def __init__(self, H):
        diagonal = np.einsum("ii->i", H)  # a view
        self._scale = unit_scale(H)
        H *= self._scale[:, None]
        H *= self._scale
        ridge = self.RIDGE
        while True:
            diagonal[:] = 1 + ridge
            # H is symmetric: its transpose is what LAPACK calls column by column, without a copy.
            self._factor, failed = linalg.lapack.dpotrf(H.T, lower=1, clean=0)
            if not failed:
                break
            ridge *= 100

    def solve(self, right):
        """The solution for a right-hand side of shape (m,)."""
        return self._scale * linalg.lapack.dpotrs(self._factor, self._scale * right, lower=1)[0]


def inverse(H):
    """The inverse of a positive definite matrix, scaled as in `Factor`; H is overwritten."""
    diagonal = np.diagonal(H)
    # Not so small that steps leave the range of single precision.
    scale = 1 / np.sqrt(np.maximum(diagonal, max(1e-30 * float(diagonal.max(initial=0)), 1e-300)))
    H *= scale[:, None]
    H *= scale
    lower, failed = linalg.lapack.dpotrf(H, lower=1)
    # A pivot is at most 1. Where the least is this large the inverse has digits enough.
    if not failed and (len(H) > SMALL or lower.diagonal().min() > ROBUST_PIVOT):
        lower = linalg.lapack.dpotri(lower, lower=1, overwrite_c=1)[0]
        upper = lower.T.copy()
        upper.reshape(-1)[:: len(H) + 1] = 0
        lower += upper
        return lower * scale[:, None] * scale
    if len(H) > SMALL:
        return np.linalg.pinv(H, hermitian=True, rcond=Factor.RIDGE) * scale[:, None] * scale
    values, vectors = np.linalg.eigh(H)
    values = np.maximum(values, Factor.RIDGE)
    return (vectors / values @ vectors.T) * scale[:, None] * scale


def fill_common_shift(H, own):
    """Give the null direction of a Hessian in which all classes shift alike a curvature, in place.

    Every right-hand side is orthogonal to it. In proportion to the diagonal, so that classes of little
    mass keep their digits.

    Parameters
    ----------
    H : ndarray of shape (K, side, K, side)
    own : integer ndarray
        Which of the `side` features have the null direction.
    """
    for j in own:
        block = H[:, j, :, j]
        diagonal = block.diagonal().copy()
        total = diagonal.sum()
        if total > 0:
            block += diagonal[:, None] * (diagonal / total)


class NewtonSystem:
    """The Newton equation (H + penalty) step = right-hand side, factored.

    Parameters
    ----------
    H : ndarray of shape (K side, K side)
        From `loss_hessian`; overwritten.
    n_outputs, d : int
        K and the number of columns; side is d, and 1 for an intercept.
    penalty : float or ndarray of shape (d, 1)
    """

    def __init__(self, H, n_outputs, d, penalty):
        self._n_outputs, self._d = n_outputs, d
        self._side = H.shape[0] // n_outputs
        blocks = H.reshape(n_outputs, self._side, n_outputs, self._side)
        ridge = np.broadcast_to(np.ravel(penalty), d)
        diagonal = H.reshape(-1)[:: len(H) + 1].reshape(n_outputs, self._side)[:, :d]
        diagonal += ridge
        if n_outputs > 1:
            # A penalty too weak to be seen beside the curvature of the loss does not fill it either.
            mean = diagonal.sum(axis=0) / n_outputs
            weak = np.flatnonzero(ridge <= WEAK * mean)
            fill_common_shift(blocks, np.append(weak, np.arange(d, self._side)))
        self._factor = Factor(H)

    def solve(self, right, excess=None):
        """Weights (d, K) and intercept shift (K,) for a right-hand side (d, K) in the weights.

        `excess` (K,) is the gradient of the intercept; None where it is settled, and has none.
        """
        whole = np.zeros((self._n_outputs, self._side))
        whole[:, : self._d] = right.T
        if excess is not None:
            whole[:, self._d] = -excess
        step = self._factor.solve(whole.ravel()).reshape(self._n_outputs, self._side)
        shift = step[:, self._d] if self._side > self._d else np.zeros(self._n_outputs)
        return np.ascontiguousarray(step[:, : self._d].T, dtype=right.dtype), shift
