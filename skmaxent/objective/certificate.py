"""The duality gap of an elastic-net fit: a proof of how far from the optimum it can be.

With r = m p - y, y the label masses and m their row sums (the gradient of the loss in the scores, whose
columns sum to 0 when the intercept is at its optimum), and G = X' r, every s in [0, 1] gives a dual point

    D(s) = sum_i m_i H(s p_i + (1 - s) y_i / m_i)  -  P*(-s G),          F(W, b) >= min F >= D(s),

H the entropy and P* the conjugate of the penalty, which is infinite unless s |G| <= lasso on all weights
without a Gaussian part. The better of the largest such s and the one that makes P* zero is reported.
"""

import numpy as np


def duality_gap(likelihood, penalty, point, gradient):
    """F - D at the point, 0 or more; inf when there is no dual point.

    Parameters
    ----------
    likelihood : Multinomial or Binary
    penalty : ElasticNet
    point : Point
        Weights (d, K); without a settled intercept there is no dual point.
    gradient : ndarray of shape (d, K)
        Gradient of the loss with respect to the weights.

    Notes
    -----
    Weights without any penalty count as minimised over, like the intercept; the stopping rule asks
    for their gradient to vanish.
    """
    if not point.settled:
        return np.inf
    value = point.loss + penalty.value(point.coords)
    gap = np.inf
    for share in penalty.shares(gradient):
        conjugate = penalty.conjugate(gradient, share)
        if np.isfinite(conjugate):
            gap = min(gap, value + conjugate - likelihood.mixed_entropy(point.expected, share))
    return max(gap, 0.0)
