"""A design whose rows and columns are of like size, for what does not depend on their scales.

Whether some direction never loses, and how many move no score at all, are such questions; but neither the
tolerances of a linear programme nor the digits of a Gram matrix see the other rows beside one of very large
numbers.
"""

import numpy as np
from scipy import sparse

# Rounds of bringing the entries of rows and columns to like size.
ROUNDS = 8
# Entries of the blocks of rows that `triangle` takes in at a time.
QR_ENTRIES = 1_000_000


def levelled(X, fit_intercept):
    """X, and a column of ones, times powers of two so that the entries of each row and column lie about 1.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, d)
    fit_intercept : bool
        Whether there is a column of ones, the last.

    Returns
    -------
    A : CSR array of shape (n, d) or (n, d + 1)
    scale : ndarray
        The factor of each column.
    """
    A = sparse.csr_array(X, dtype=float, copy=True)
    if fit_intercept:
        A = sparse.hstack([A, np.ones((A.shape[0], 1))], format="csr")
    A.eliminate_zeros()
    rows, sizes = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr)), np.log2(np.abs(A.data))
    factors = np.zeros(A.shape[0]), np.zeros(A.shape[1])
    for _ in range(ROUNDS):
        for index, factor in zip((rows, A.indices), factors):
            low, high = np.full(len(factor), np.inf), np.full(len(factor), -np.inf)
            scaled = sizes + factors[0][rows] + factors[1][A.indices]
            np.minimum.at(low, index, scaled)
            np.maximum.at(high, index, scaled)
            some = low <= high
            factor[some] -= np.round(0.5 * (low[some] + high[some]))
    A.data = np.ldexp(A.data, (factors[0][rows] + factors[1][A.indices]).astype(int))
    return A, 2.0 ** factors[1]


def triangle(A):
    """R with ``R.T @ R`` the Gram matrix of a sparse array, by orthogonal rotations: no value is squared."""
    side = A.shape[1]
    rows, R = max(side, QR_ENTRIES // max(side, 1), 1), np.zeros((0, side))
    for start in range(0, A.shape[0], rows):
        R = np.linalg.qr(np.vstack([R, A[start : start + rows].toarray()]), mode="r")
    return R


def row_differences(X, rows, others):
    """``X[rows] - X[others]`` as a CSR array; of two numbers, so that no digit of it is lost."""
    X = sparse.csr_array(X, dtype=float)
    return X[rows] - X[others]


def within_groups(X, starts):
    """Differences of rows that span those of each group of rows, neighbours in size first.

    Beside rows of very large numbers the others keep their digits.

    Parameters
    ----------
    X : ndarray or sparse array of shape (M, d)
    starts : integer ndarray of shape (G + 1,)
    """
    X = sparse.csr_array(X, dtype=float)
    size = abs(X).max(axis=1).toarray().ravel()
    group = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((size, group))
    same = group[order][1:] == group[order][:-1]
    return row_differences(X, order[1:][same], order[:-1][same])
