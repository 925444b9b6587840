"""Columns less their mean within each class: what makes the intercept one more unknown of Newton's equation.

With the curvatures s_ik of the scores and the means mu_jk = sum_i s_ik x_ij / sum_i s_ik the columns
x_ij - mu_jk are orthogonal to the intercept of class k, but for the curvatures between classes.
"""

import numpy as np

# Least share of its curvature that a centred column keeps: of a constant one only rounding is left.
LEAST_SHARE = 1e-3


class Centring:
    """The difference between products with the columns as they are and with centred ones.

    Parameters
    ----------
    sums : ndarray like the weights
        sum_i s_ik x_ij.
    totals : ndarray of shape (K,)
        sum_i s_ik.
    classes : integer ndarray of shape (m,), optional
        Classes of the weights, where these belong to pairs.

    Attributes
    ----------
    unit : float
        What one unit of the intercept's curvature is to the preconditioner of the weights.
    """

    def __init__(self, sums, totals, classes=None):
        self._classes, self._sums, self._n_classes = classes, sums, len(totals)
        inverse = 1 / np.maximum(totals, np.finfo(np.float32).tiny)
        self._means = sums * self._beside(inverse.astype(sums.dtype))
        self.unit = 1.0

    def _beside(self, values):
        """Numbers of the classes (K,) beside the weights."""
        return values if self._classes is None else values[self._classes, None]

    def shift(self, p):
        """What centring adds to the scores of the weights p, (K,)."""
        moved = self._means * p
        if self._classes is not None:
            return -np.bincount(self._classes, moved[:, 0], self._n_classes)
        return -(np.ones(len(p), p.dtype) @ moved).astype(float)

    def correct(self, product, totals):
        """Make the adjoint of values of the rows, in place, that for centred columns.

        Parameters
        ----------
        product : ndarray like the weights
        totals : ndarray of shape (K,)
            Sums of the values over the rows.
        """
        product -= self._means * self._beside(totals.astype(product.dtype))

    def curvatures(self, squares):
        """Diagonal of the Hessian for centred columns from that for the columns as they are."""
        return np.maximum(squares - self._means * self._sums, squares.dtype.type(LEAST_SHARE) * squares)
