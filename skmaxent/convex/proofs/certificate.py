"""The duality gap of an elastic-net fit: a proof of how far from the optimum it can be.

With r = mu - y, mu masses of the classes in each row, y the label masses and m their row sums, and G = X' r,
every s in [0, 1] gives a dual point

    D(s) = sum_i m_i H(s mu_i / m_i + (1 - s) y_i / m_i)  -  P*(-s G),          F(W, b) >= min F >= D(s),

H the entropy and P* the conjugate of the penalty, which is infinite unless s |G| <= lasso on all weights
without a Gaussian part. It takes that the columns of r sum to 0, the condition of the intercept, and that
G is 0 on free weights. The better of the largest such s and the one that makes P* zero counts, and the
largest D that a fit has met bounds all its iterates: it need not come from the iterate that it certifies.

Nothing of it is exact in floating point, and every part of the error is bounded and counted against D: G by
its norm-wise rounding, the entropies by units in the last place, and the class totals, which do not agree
exactly, by the dual point nearest to mu where they do. That one exists: Newton's step on the intercept (and
the free weights) gives it, see `skmaxent.convex.proofs.free`; its relative entropy to mu is at most the
decrement of that step.
"""

import numpy as np


def dual_value(likelihood, penalty, masses, bound, tilt=0.0):
    """The largest D(s) of the two: a lower bound of the optimum; -inf when there is no dual point.

    Parameters
    ----------
    likelihood : Multinomial or Binary
    penalty : ElasticNet
    masses : ndarray of shape (n, K)
        Masses mu, in the precision of the answer.
    bound : ndarray of shape (d, K)
        Moduli of the gradient that mu gives, or bounds on them.
    tilt : float
        Excess of the class totals of mu times the intercept: what settling it would change, to first order.

    Notes
    -----
    Free weights count as minimised over, like the intercept.
    """
    best = -np.inf
    for share in penalty.shares(bound):
        conjugate = penalty.conjugate(bound, share)
        if np.isfinite(conjugate):
            best = max(best, likelihood.mixed_entropy(masses, share) + share * tilt - conjugate)
    return best
