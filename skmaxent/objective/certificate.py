"""The duality gap of an elastic-net fit: a proof of how far from the optimum it can be.

With r = t p - y scaled by the row masses m (the gradient of the loss in the scores; its columns sum
to 0 when the intercept is at its optimum) and G = X' r, every share s in [0, 1] gives a dual point

    D(s) = sum_i m_i H(s p_i + (1 - s) y_i / m_i)  -  P*(-s G),          F(W, b) >= min F >= D(s),

H the entropy and P* the conjugate of the penalty. Where a Gaussian part is present P* is finite at
s = 1; a Laplace part alone needs s |G| <= lasso. The better of the two shares is reported.
"""

import numpy as np


def duality_gap(likelihood, penalty, point, gradient):
    """F - D at the point, 0 or more; inf when there is no dual point.

    Parameters
    ----------
    likelihood : Multinomial or Binary
    penalty : ElasticNet
    point : Point
        Weights (d, K) and a settled intercept.
    gradient : ndarray of shape (d, K)
        Gradient of the loss with respect to the weights.

    Notes
    -----
    Weights without any penalty count as minimised over, like the intercept; the stopping rule asks
    for their gradient to vanish.
    """
    value = point.loss + penalty.value(point.coords)
    gap = np.inf
    for share in {1.0, penalty.feasible_share(gradient)}:
        conjugate = penalty.conjugate(gradient, share)
        if np.isfinite(conjugate):
            gap = min(gap, value + conjugate - likelihood.mixed_entropy(point.expected, share))
    return max(gap, 0.0)
