"""Bounds on what rounding in float64 can do to a certificate."""

import numpy as np

EPS = np.finfo(float).eps
# Units in the last place for each root of the length of a sum, and at least: errors of either sign, of which
# the worst case, one unit a term, never occurs in long sums.
ULPS, LEAST_ULPS = 1.0, 4.0
# Share of a gap that a bound on rounding may add to it without being looked at more closely.
LITTLE = 1e-3


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


def lost_in_scores(objective, weights, residual, enough):
    """By how much the rounding of scores can have made a point look better than it is.

    The error of a score counts with its residual, in the value of the point and again in the dual value that
    its masses give, and squared with the weight of its row. Norms bound it at next to no cost; where
    that is not enough, and the rows are here, each row is looked at.

    Parameters
    ----------
    objective : Objective
    weights : ndarray like the weights of the design
        Of the point.
    residual : ndarray of shape (n, K)
        Of the point.
    enough : float
        A smaller bound is of no use.
    """
    design, likelihood = objective.space.design, objective.likelihood
    longest = np.einsum("jk,jk->k", weights, weights).max(initial=0)
    error = rounding(design.shape[1]) * float(np.sqrt(np.sum(design.weight_squares()) * longest))
    lost = 2 * error * float(objective.norm_of(residual)) * np.sqrt(likelihood.shape[1])
    lost += (error * objective.heaviest) ** 2
    if lost <= enough or design.paired or not design.is_here:
        return lost
    size = (abs(design.X) @ np.abs(weights)).max(axis=1)
    errors = rounding(design.row_bounds()[0]) * size
    squares = objective.heaviest**2 * errors * np.minimum(errors, 2)
    # Errors of either sign, one row beside another.
    return float(2 * np.linalg.norm(np.abs(residual).sum(axis=1) * errors) + squares.sum())
