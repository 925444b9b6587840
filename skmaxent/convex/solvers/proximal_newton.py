"""Proximal Newton steps for few weights: the quadratic model plus the elastic net, minimised as a whole.

The Hessian is formed, the intercept eliminated from it. The minimum of the model is a linear system once
it is known which weights are 0 and what signs the others have: an active-set method finds that, without a
look at the data, and weights may change their signs on the way (Lee, Sun & Saunders 2014 for proximal
Newton methods). The line to the minimum is searched.
"""

import numpy as np

from ..design.dense import DenseDesign
from ..preconditioners.hessian import Factor, fill_common_shift

# Weights up to which the Hessian is formed, and its work: rows times their square.
WHOLE_SIDE, WHOLE_WORK = 300, 2e8
# ... and the same of dense data with so many rows for each weight, where conjugate gradients take long:
# forming it costs no more than a few dozen products, and solving with it next to nothing.
TALL, TALL_SIDE, TALL_WORK = 100, 1_000, 1e11
# Linear systems for one step, in all and for each weight; orthant-wise steps take over where they do not lead
# to the minimum. So many drop all weights at once that want it, which may go in circles; the others one,
# which cannot: 500 weights of tall dense data took 527 systems, as long as one Hessian.
MAX_SYSTEMS, SYSTEMS_PER_WEIGHT, IN_BULK = 50, 2, 40
# Weights that may come in at once, and as a share of those that are in: of more than there are rows the
# system says nothing, and hundreds were then dropped one by one.
COMING, SHARE = 3, 0.5
# Relative to the diagonal: of columns that are copies the model does not say which is to have the weight.
RIDGE = 1e-8
# By how much, relative, the gradient of a weight at 0 must exceed its bound to move it.
BEYOND = 1e-9


def fits(objective, hard=False):
    """Whether the Hessian of an objective is small enough, or would be where it is hard for other methods."""
    design, weights = objective.space.design, int(np.prod(objective.coords_shape))
    n = objective.likelihood.shape[0]
    work = float(n) * weights**2
    few = weights <= WHOLE_SIDE and work <= WHOLE_WORK
    if hard and isinstance(design, DenseDesign):
        few = few or (n >= TALL * weights and weights <= TALL_SIDE and work <= TALL_WORK)
    return few and not design.paired


def direction(inner, point, subgradient, damping):
    """The way from the weights of a point to the minimum of the model; None where it was not found.

    Parameters
    ----------
    inner : Objective
        In the precision of the products.
    point : Point
    subgradient : Gradient
        With the gradient of the loss.
    damping : float
        Added to the curvature of each weight.

    Returns
    -------
    coords : ndarray (d, K) or None
    """
    W, penalty = point.coords, inner.penalty
    ridge = np.broadcast_to(penalty.ridge, W.shape)
    H, border = _hessian(inner, inner.vectors.astype(point.expected, inner.dtype))
    slope = (subgradient.loss + ridge * W).astype(float).ravel()
    if inner.fit_intercept:  # at the best intercept for each
        H -= border @ point.inverse @ border.T
        slope -= border @ (point.inverse @ point.excess)
    own = np.einsum("ii->i", H)  # a view
    own += (ridge + damping).ravel()
    minimum = _minimum(H, slope, W.astype(float).ravel(), np.broadcast_to(penalty.lasso, W.shape).ravel())
    return None if minimum is None else minimum.reshape(W.shape).astype(W.dtype, copy=False) - W


def _hessian(inner, expected):
    """Hessian of the loss (d K, d K) in the order of the flat weights, and their part with the intercept."""
    d, K = inner.coords_shape
    H = inner.space.design.hessian(inner.likelihood, expected, inner.fit_intercept)
    side = len(H) // K
    if K > 1:  # of a column without any penalty all classes move, and what they share has no curvature
        fill_common_shift(H.reshape(K, side, K, side), np.flatnonzero(inner.free.all(axis=1)))
    blocks = H.reshape(K, side, K, side)[:, :d]
    H = blocks[..., :d].transpose(1, 0, 3, 2).reshape(d * K, d * K)
    return H, blocks[..., d].transpose(1, 0, 2).reshape(d * K, K) if inner.fit_intercept else None


def _minimum(H, slope, start, lasso):
    """Where ``slope (w - start) + (w - start) H (w - start) / 2 + sum lasso |w|`` is least, (m,), or None."""
    w = start
    H = H + np.diag(RIDGE * H.diagonal())
    signs = np.sign(start)
    active = (signs != 0) | (lasso == 0)
    signs[lasso == 0] = 0  # free weights have none
    for system in range(MAX_SYSTEMS + SYSTEMS_PER_WEIGHT * len(w)):
        chosen = np.flatnonzero(active)
        pull = signs[chosen] * lasso[chosen]
        # From the start, not from where copies of columns have led: that can be 1 / RIDGE away.
        end = np.where(active, start, 0)
        if len(chosen):
            rest = slope[chosen] + H[chosen] @ (end - start) + pull
            end[chosen] -= Factor(H[chosen[:, None], chosen]).solve(rest)
        crossed = active & (end * signs < 0) & (lasso > 0)
        if system >= IN_BULK and crossed.any():  # as far as the first that reaches 0
            way = np.where(crossed, w / np.where(crossed, w - end, 1), 1)
            first = int(way.argmin())
            end = w + way[first] * (end - w)
            crossed &= np.arange(len(w)) == first
        end[crossed] = 0
        w, gradient = end, slope + H @ (end - start)
        if crossed.any():
            active &= ~crossed
            signs[crossed] = 0
            continue
        entering = np.flatnonzero(~active & (np.abs(gradient) > (1 + BEYOND) * lasso))
        if not len(entering):
            return w
        coming = max(COMING, int(SHARE * np.count_nonzero(active))) if system < IN_BULK else 1
        excess = np.abs(gradient[entering]) - lasso[entering]
        entering = entering[np.argsort(-excess, kind="stable")[:coming]]
        signs[entering] = -np.sign(gradient[entering])
        active[entering] = True
    return None
