"""The whole Hessian of the loss for few columns, and its Cholesky factor.

With K score columns and d features (and the intercept as one more feature) it is a
(K (d + 1), K (d + 1)) matrix of blocks X' diag(S_kl) X, S the curvature of the likelihood in the
scores: K (K + 1) / 2 weighted Gram matrices. Rows and columns are ordered class by class.
"""

import numpy as np
from scipy import linalg, sparse

CHUNK_ENTRIES = 1_000_000


def loss_hessian(likelihood, X, expected, fit_intercept, workers, rows=None):
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
    """
    n, d = X.shape
    K = expected.shape[1]
    side = d + fit_intercept
    rows = np.arange(n) if rows is None else rows
    H = np.zeros((K, side, K, side))
    chunk = max(1, CHUNK_ENTRIES // side)
    for chosen in likelihood.pieces(rows, chunk):
        part = X[chosen].toarray() if sparse.issparse(X) else X[chosen]
        if fit_intercept:
            part = np.column_stack([part, np.ones(len(part), part.dtype)])
        part = likelihood.centred(chosen, part, expected[chosen])
        curvature = likelihood.curvature_matrix(chosen, expected[chosen])

        def add_row(k, part=part, curvature=curvature):
            for l in range(k + 1):
                H[k, :, l] += part.T @ (part * curvature(k, l)[:, None])

        workers.map(add_row, range(K))
    for k in range(K):
        for l in range(k):
            H[l, :, k] = H[k, :, l].T
    return H.reshape(K * side, K * side)


class NewtonSystem:
    """The Newton equation (H + penalty) step = right-hand side, factored.

    Parameters
    ----------
    H : ndarray of shape (K side, K side)
        From `loss_hessian`; overwritten.
    n_outputs, d : int
        K and the number of columns; side is d, and 1 for an intercept.
    penalty : float
    """

    def __init__(self, H, n_outputs, d, penalty):
        self._n_outputs, self._d = n_outputs, d
        self._side = H.shape[0] // n_outputs
        blocks = H.reshape(n_outputs, self._side, n_outputs, self._side)
        scale = np.trace(H) / H.shape[0]
        for k in range(n_outputs):
            blocks[k, np.arange(d), k, np.arange(d)] += penalty
        if n_outputs > 1:
            # Adding the same number to all classes changes nothing: fill that null direction, to
            # which every right-hand side is orthogonal, wherever no penalty does.
            free = np.arange(d if penalty else 0, self._side)
            blocks[:, free, :, free] += scale / n_outputs
        # Unpenalised collinear columns leave H singular: a relative ridge keeps the step a descent.
        diagonal = np.arange(H.shape[0])
        ridge = 1e-14 * max(scale, penalty, np.finfo(float).tiny)
        while True:
            H[diagonal, diagonal] += ridge
            try:
                self._factor = linalg.cho_factor(H, lower=True, check_finite=False)
                break
            except linalg.LinAlgError:
                ridge *= 100

    def solve(self, right):
        """Weights (d, K) and intercept shift (K,) for a right-hand side (d, K) in the weights.

        The right-hand side of the intercept is zero: every point's intercept is settled.
        """
        whole = np.zeros((self._n_outputs, self._side))
        whole[:, : self._d] = right.T
        step = linalg.cho_solve(self._factor, whole.ravel(), check_finite=False)
        step = step.reshape(self._n_outputs, self._side)
        shift = step[:, self._d] if self._side > self._d else np.zeros(self._n_outputs)
        return np.ascontiguousarray(step[:, : self._d].T, dtype=right.dtype), shift
