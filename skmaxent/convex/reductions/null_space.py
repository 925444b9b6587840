"""Of all weights that give the same scores, those of least norm: where no prior chooses among them."""

import numpy as np
from scipy import sparse

# Work up to which the null space of the design is looked for: rows times the square of the columns.
WORK = 5e8


def least_norm(X, weights, scale, fit_intercept):
    """Weights of least norm with the same scores, up to an intercept, and the change of that intercept.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, d)
    weights : ndarray of shape (d, K)
        Of X, without a penalty.
    scale : ndarray of shape (d,)
        By how much they are larger than the user's, whose norm counts.
    fit_intercept : bool

    Returns
    -------
    weights : ndarray of shape (d, K)
    change : ndarray of shape (K,)
    """
    n, d = X.shape
    change = np.zeros(weights.shape[1])
    if n * float(d) ** 2 > WORK:
        return weights, change
    A = (X.toarray() if sparse.issparse(X) else X).astype(float)
    mean = np.zeros(d)
    if fit_intercept:  # about the first row: that of a constant column is exact
        mean = A[0] + (A - A[0]).mean(axis=0)
    A = A - mean
    norms = np.sqrt(np.einsum("ij,ij->j", A, A))
    # A column that is constant to rounding leaves only that when it is centred.
    constant = norms <= 4 * np.finfo(float).eps * np.sqrt(n) * np.abs(mean)
    A[:, constant], norms[constant] = 0.0, 1.0
    _, values, rows = np.linalg.svd(np.linalg.qr(A / norms, mode="r"))
    noise = max(n, d) * np.finfo(float).eps
    rank = np.count_nonzero(values > noise * values[0])
    if rank == d:
        return weights, change
    # Columns whose part in them is rounding have none. Of the user's, whose weights are smaller by the scale.
    null = np.where(np.abs(rows[rank:].T) > noise, rows[rank:].T, 0)
    null = np.linalg.qr(null / (norms * scale)[:, None])[0]
    removed = scale[:, None] * (null @ (null.T @ (weights / scale[:, None])))
    return weights - removed, mean @ removed
