"""A design whose rows and columns are of like size, for what does not depend on their scales.

Whether some direction never loses, and how many move no score at all, are such questions; but neither the
tolerances of a linear programme nor the digits of a Gram matrix see the other rows beside one of very large
numbers.
"""

import numpy as np
from scipy import sparse

# Rounds of bringing the entries of rows and columns to like size.
ROUNDS = 8


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
