"""Orthant-wise truncated Newton: the inner solver of the elastic net.

Within one orthant the penalty is smooth. One iteration takes the weights that are not 0 and those
at 0 whose KKT condition fails, finds the truncated Newton direction on these by preconditioned
conjugate gradients in float32, cuts the step where a weight would change its sign (it becomes 0),
and searches the line to the cut point, along which the objective is smooth: the scores are affine,
so the search costs no product (Andrew & Gao 2007 for the orthants; Byrd, Chin, Nocedal & Oztoprak
2016 for the second-order method).
"""

from dataclasses import dataclass

import numpy as np

# Conjugate gradients see the weights of one orthant only: short runs, between which weights leave and
# enter, took a fifth of the products of long ones.
SHORT_RUN, LONG_RUN = 8, 256
ACCURACY = 0.1
# Power of the inverse diagonal of the Hessian that conditions the conjugate gradients.
DAMPING = 0.75
MAX_HALVINGS = 8
MAX_FAILURES = 6


@dataclass
class Trust:
    """How far the quadratic model is believed, from one iteration to the next.

    Attributes
    ----------
    damping : float
        Added to the curvature of each weight (Levenberg and Marquardt).
    run : int
        Longest run of conjugate gradients.
    """

    damping: float = 0.0
    run: int = SHORT_RUN


def improve(objective, inner, point, trust, *, target, max_steps):
    """Newton iterations until the squared norm of the subgradient is at most `target`.

    Parameters
    ----------
    objective : CompositeObjective
        On a working set.
    inner : CompositeObjective
        The same objective in the precision in which directions are sought.
    point : Point
        Changed in place.
    trust : Trust
        Changed in place.
    target : float
    max_steps : int

    Returns
    -------
    moved : bool
        Whether any step made progress.
    """
    moved, failures = False, 0
    for _ in range(max_steps):
        subgradient = objective.subgradient(point, certify=False)
        if subgradient.square <= target:
            break
        step = _step(objective, inner, point, subgradient, trust)
        if step:
            moved, failures = True, 0
        elif failures == MAX_FAILURES:
            trust.damping = 0.0  # rounding, not the model, was to blame
            break
        else:
            failures += 1
    return moved


def _step(objective, inner, point, subgradient, trust):
    """One iteration on `point`, in place; returns the step, 0 when there was no descent."""
    W, V = point.coords, subgradient.coords
    fenced = np.asarray(objective.penalty.lasso) > 0  # only a Laplace part holds a weight to its orthant
    orthant = np.where(W != 0, np.sign(W), -np.sign(V))
    direction, small, capped = _direction(inner, point, subgradient, trust)
    direction = direction.astype(V.dtype, copy=False)
    step, settled = _search_path(objective, point, V, direction, orthant, fenced)
    if step == 1:
        trust.damping *= 0.1
        # Once no weight changes its sign, what is left is a linear system: longer runs solve it.
        if capped and settled:
            trust.run = min(2 * trust.run, LONG_RUN)
    else:
        # With much damping the direction is minus the subgradient, and cutting keeps it a descent.
        trust.damping = max((4 if step else 20) * trust.damping, small)
    if not settled:
        trust.run = max(trust.run // 2, SHORT_RUN)
    return step


def _search_path(objective, point, V, direction, orthant, fenced):
    """Search along the path on which a weight that would change its sign stops at 0.

    Returns
    -------
    step : float
        0 when there was no descent.
    settled : bool
        Whether no weight reached 0.
    """
    W, settled = point.coords, True
    # Along the projected path a weight that changes its sign stops at 0, however short the step.
    for step in (1.0, 0.25, 0.0625):
        end = W + V.dtype.type(step) * direction
        cut = (end * orthant < 0) & fenced
        end[cut] = 0
        settled = settled and not cut.any()
        coords = end - W
        slope = float(np.sum(V * coords, dtype=float))
        if slope < 0 and _search(objective, point, coords, end, slope, 1 if step > 0.1 else MAX_HALVINGS):
            objective.smooth.settle_intercept(point)
            return step, settled
    return 0.0, settled


def _direction(inner, point, subgradient, trust):
    """Truncated Newton direction on the weights that may move.

    Returns
    -------
    direction : ndarray like the weights
    small : float
        A small curvature, to damp with.
    capped : bool
        Whether the conjugate gradients took their longest run.
    """
    dtype, penalty, likelihood = inner.dtype, inner.penalty, inner.likelihood
    design, vectors = inner.space.design, inner.smooth.vectors
    expected = point.expected.astype(dtype, copy=False)
    free = ((point.coords != 0) | (subgradient.coords != 0)).astype(dtype)
    ridge = dtype.type(penalty.ridge) if np.isscalar(penalty.ridge) else penalty.ridge
    diagonal = design.squared_adjoint(likelihood.curvature_diagonal(expected))
    ridge = ridge + dtype.type(trust.damping)
    diagonal += ridge
    np.maximum(diagonal, dtype.type(1e-6) * diagonal.max(initial=np.finfo(dtype).tiny), out=diagonal)
    inverse = diagonal**-DAMPING
    inverse *= free
    eliminate = inner.smooth.intercept_elimination(expected)

    scale = np.sqrt(subgradient.square)  # the direction is proportional: float32 cannot underflow
    r = (subgradient.coords / -scale).astype(dtype)
    coords, z = np.zeros_like(r), r * inverse
    p, rz = z.copy(), vectors.dot(r, z)
    start = rz
    run = trust.run if np.any(penalty.lasso) else LONG_RUN  # without a Laplace part there is one orthant
    capped = True
    for _ in range(run):
        scores = design.forward(p)
        Hp = design.adjoint(likelihood.curvature(expected, scores, eliminate(scores).astype(dtype)))
        if np.any(ridge):
            Hp += ridge * p
        curvature = vectors.dot(Hp, p)
        if not curvature > 0:
            break
        alpha = rz / curvature
        vectors.add(coords, alpha, p)
        vectors.add(r, -alpha, Hp)
        np.multiply(r, inverse, out=z)
        rz, last = vectors.dot(r, z), rz
        if not rz > ACCURACY**2 * start:
            capped = False
            break
        vectors.scale_add(p, rz / last, z)
    coords *= dtype.type(scale)
    return coords, 1e-2 * float(diagonal.mean()), capped


def _search(objective, point, coords, end, slope, max_trials):
    """Move the point along `coords`, to `end` if that is good enough; False when there is no descent."""
    likelihood, penalty, smooth = objective.likelihood, objective.penalty, objective.smooth
    scores = objective.space.push(coords)
    base, moved, shift = point.scores, scores, 0.0
    if smooth.fit_intercept:
        shift = smooth.intercept_elimination(point.expected)(scores)
        base, moved = base + point.intercept.astype(base.dtype), scores + shift.astype(scores.dtype)
    value0 = objective.value(point)
    slack = 4 * np.finfo(base.dtype).eps * abs(point.loss)
    expected = np.empty_like(point.expected)
    step = 1.0
    for _ in range(max_trials):
        W = end if step == 1 else point.coords + base.dtype.type(step) * coords
        loss = likelihood.evaluate(base, expected, moved, step)
        value = loss + penalty.value(W)
        if value <= value0 + 1e-2 * step * slope + slack * (step == 1):
            break
        # The minimum of the parabola through both values and the slope.
        bend = value - value0 - step * slope
        parabola = -0.5 * slope * step**2 / bend if np.isfinite(bend) and bend > 0 else 0.0
        step = min(max(parabola, 0.1 * step), 0.7 * step)
    else:
        return False
    point.coords, point.loss, point.expected = W, loss, expected
    objective.smooth.vectors.add(point.scores, step, scores)
    point.intercept = point.intercept + step * shift
    return True
