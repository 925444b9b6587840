"""Bounds on what rounding in float64 can do to a certificate."""

import numpy as np

EPS = np.finfo(float).eps
# Units in the last place for each root of the length of a sum, and at least: errors of either sign, of which
# the worst case, one unit a term, never occurs in long sums.
ULPS, LEAST_ULPS = 1.0, 4.0


def rounding(length):
    """Relative error of a sum of so many products, of the product of the norms of its factors."""
    return max(LEAST_ULPS, ULPS * np.sqrt(length)) * EPS


class Rounding:
    """What rounding can do to the value of an objective and to the gradient of its loss.

    Parameters
    ----------
    n_terms : int
        Largest number of entries that are not 0 in a row.
    row : float
        Largest norm of a row.
    columns : ndarray like the weights, or (d, 1)
        Norms of the columns that belong to the weights.
    n_rows : int
    """

    def __init__(self, n_terms, row, columns, n_rows):
        self._scores = rounding(n_terms) * row
        self._columns, self._relative = columns, rounding(n_rows)

    def of_gradient(self, residual, moved=0.0):
        """Bound like the weights, for residuals of that Euclidean norm that are moved by at most `moved`."""
        return (residual * self._relative + moved) * self._columns

    def of_value(self, value, weights, residual, shape):
        """Bound on the rounding of loss plus penalty; errors of the scores count with their residuals."""
        longest = np.sqrt(np.einsum("jk,jk->k", weights, weights).max(initial=0))
        scores = self._scores * longest * residual * np.sqrt(shape[0] * shape[1])
        return 4 * EPS * abs(value) + scores
