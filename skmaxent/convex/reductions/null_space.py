"""Of all weights that give the same scores, those of least norm: where no prior chooses among them."""

import numpy as np
from scipy import linalg, sparse

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
    mean = A.mean(axis=0) if fit_intercept else np.zeros(d)
    A = A - mean
    norms = np.sqrt(np.einsum("ij,ij->j", A, A))
    # A column that is constant leaves only rounding when it is centred.
    noise = 4 * np.finfo(float).eps * np.sqrt(n) * np.abs(mean)
    norms = np.where(norms > noise, norms, 0.0)
    A *= np.where(norms > 0, 1 / np.where(norms > 0, norms, 1.0), 0.0)
    R = linalg.qr(A, mode="r", check_finite=False)[0][: min(n, d)]
    _, values, rows = linalg.svd(R, check_finite=False)
    rank = np.count_nonzero(values > max(n, d) * np.finfo(float).eps * values.max(initial=0))
    if rank == d:
        return weights, change
    # Null vectors of the user's columns, whose weights are smaller by the scale.
    null = rows[rank:].T / np.where(norms > 0, norms, 1.0)[:, None] / scale[:, None]
    null = linalg.qr(null, mode="economic", check_finite=False)[0]
    removed = scale[:, None] * (null @ (null.T @ (weights / scale[:, None])))
    return weights - removed, mean @ removed
