"""The duality gap of an elastic-net fit: a proof of how far from the optimum it can be.

With r = m p - y, y the label masses and m their row sums (the gradient of the loss in the scores, whose
columns sum to 0 when the intercept is at its optimum), and G = X' r, every s in [0, 1] gives a dual point

    D(s) = sum_i m_i H(s p_i + (1 - s) y_i / m_i)  -  P*(-s G),          F(W, b) >= min F >= D(s),

H the entropy and P* the conjugate of the penalty, which is infinite unless s |G| <= lasso on all weights
without a Gaussian part. The better of the largest such s and the one that makes P* zero counts, and the
largest D that a fit has met bounds all its iterates: it need not come from the iterate that it certifies.
"""

import numpy as np


def dual_value(likelihood, penalty, expected, gradient):
    """The largest D(s) of the two: a lower bound of the optimum; -inf when there is no dual point.

    Parameters
    ----------
    likelihood : Multinomial or Binary
    penalty : ElasticNet
    expected : ndarray of shape (n, K)
        Expected masses of a model with a settled intercept; it need not be the one to certify.
    gradient : ndarray of shape (d, K)
        Gradient of its loss with respect to the weights.

    Notes
    -----
    Weights without any penalty count as minimised over, like the intercept; the stopping rule asks
    for their gradient to vanish.
    """
    best = -np.inf
    for share in penalty.shares(gradient):
        conjugate = penalty.conjugate(gradient, share)
        if np.isfinite(conjugate):
            best = max(best, likelihood.mixed_entropy(expected, share) - conjugate)
    return best
