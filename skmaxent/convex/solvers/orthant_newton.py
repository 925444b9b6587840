"""Orthant-wise truncated Newton: the inner solver of the elastic net.

Within one orthant the penalty is smooth. One iteration takes the weights that are not 0 and those
at 0 whose KKT condition fails, and minimises the quadratic model on these within the orthant by
preconditioned conjugate gradients in float32: a weight that would change its sign is held at 0, and
the others go on from there (More & Toraldo 1991). Without that a single such weight makes the whole
step fail. The line to the end is searched; along it the objective is smooth and the scores are affine,
so that the search costs no product (Andrew & Gao 2007 for the orthants; Byrd, Chin, Nocedal & Oztoprak
2016 for the second-order method).
"""

from dataclasses import dataclass, field

import numpy as np

from ..preconditioners.class_blocks import LastBlocks
from . import proximal_newton
from .quadratic_model import BLOCKS_FROM, KrylovModel, blocks_pay, curvatures

# Conjugate gradients see the weights of one orthant only: while many weights leave and enter it, long
# runs are wasted. A run is at most doubled, where less than `GROW` of the weights left, or halved.
SHORT_RUN, LONG_RUN = 8, 256
GROW, SHRINK = 0.02, 0.05
# Runs in one direction: after each the weights that would leave the orthant are held at its edge.
CYCLES = 4
MAX_HALVINGS = 8
MAX_FAILURES = 6
# Whole steps in turn that gain less than a unit in the last place of the objective.
MAX_IDLE = 2


@dataclass
class Trust:
    """How far the quadratic model is believed, from one iteration to the next.

    Attributes
    ----------
    damping : float
        Added to the curvature of each weight (Levenberg and Marquardt).
    run : int
        Longest run of conjugate gradients.
    settled : bool
        Whether the last step was a whole one on which few weights changed their sign.
    enough : float
        Gain of a whole step, in nats, under which a round ends for a look at what it proves; 0 for never.
    near : bool
        Whether the last round ended so.
    patience : float
        Factor on that gain: less after each look that came too soon.
    numbers : integer ndarray like the weights of the working set, or None
        Their numbers among all weights; None where these are all.
    blocks : LastBlocks
    """

    damping: float = 0.0
    run: int = SHORT_RUN
    settled: bool = False
    enough: float = 0.0
    near: bool = False
    patience: float = 1.0
    numbers: np.ndarray | None = None
    blocks: LastBlocks = field(default_factory=LastBlocks)


def improve(objective, inner, point, trust, *, target, max_steps):
    """Newton iterations until the squared norm of the subgradient is at most `target`.

    Parameters
    ----------
    objective : Objective
        On a working set.
    inner : Objective
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
    moved, failures, idle, trust.near = False, 0, 0, False
    for _ in range(max_steps):
        shift_columns(objective, point)
        subgradient = objective.gradient(point, certify=False)
        if subgradient.square <= target:
            break
        before = objective.value(point)
        step = _step(objective, inner, point, subgradient, trust)
        if step:
            moved, failures = True, 0
            gain = before - objective.value(point)
            idle = idle + 1 if gain < np.finfo(objective.dtype).eps * abs(before) else 0
            trust.near = step == 1 and bool(trust.enough) and gain < trust.enough
            if trust.near or idle == MAX_IDLE:
                break
        elif failures == MAX_FAILURES:
            trust.damping = 0.0  # rounding, not the model, was to blame
            break
        else:
            failures += 1
    return moved


def _step(objective, inner, point, subgradient, trust):
    """One iteration on `point`, in place; returns the step, 0 when there was no descent."""
    if proximal_newton.fits(objective, hard=trust.run >= BLOCKS_FROM):
        step = proximal_step(objective, inner, point, subgradient, trust)
        if step:
            return step
    W, V = point.coords, subgradient.coords
    fenced = np.asarray(objective.penalty.lasso) > 0  # only a Laplace part holds a weight to its orthant
    orthant = np.where(W != 0, np.sign(W), -np.sign(V))
    direction, small, capped = _direction(inner, point, subgradient, trust, orthant, fenced)
    direction = direction.astype(V.dtype, copy=False)
    step, cut = search_path(objective, point, V, direction, orthant, fenced)
    if step:
        objective.follow_intercept(point)
    share = cut / max(1, np.count_nonzero(direction))
    trust.settled = step == 1 and share <= SHRINK
    if step == 1:
        trust.damping *= 0.3
        # Once no weight changes its sign, what is left is a linear system: longer runs solve it.
        if capped and share <= GROW:
            trust.run = min(2 * trust.run, LONG_RUN)
    else:
        trust.blocks.forget()
        # With much damping the direction is minus the subgradient, and cutting keeps it a descent.
        trust.damping = max((4 if step else 20) * trust.damping, small)
    if share > SHRINK:
        trust.run = max(trust.run // 2, SHORT_RUN)
    return step


def proximal_step(objective, inner, point, subgradient, trust):
    """One iteration on `point`, in place, by the whole model; returns the step, 0 without descent."""
    coords = proximal_newton.direction(inner, point, subgradient, trust.damping)
    if coords is None:
        return 0.0
    W, penalty = point.coords, objective.penalty
    end = W + coords
    smooth = subgradient.loss + penalty.ridge * W
    bend = np.where(coords != 0, penalty.lasso, 0) * (np.abs(end) - np.abs(W))
    slope = float(np.sum(smooth * coords + bend, dtype=float))
    step = _search(objective, point, coords, end, slope, MAX_HALVINGS) if slope < 0 else 0.0
    if step:
        objective.follow_intercept(point)
        if step == 1:
            trust.damping *= 0.3
    return step


def shift_columns(objective, point):
    """Add to the weights of each column the number, the same for all classes, that makes the penalty least.

    The likelihood does not see it, so that within an orthant nothing but the damping bounds a step that
    way. Weights of a column that are not all of one strength, or have a ridge, are left as they are.
    """
    W, lasso = point.coords, np.asarray(objective.penalty.lasso)
    K = objective.likelihood.shape[1]
    if W.shape[1] != K or K == 1 or np.any(objective.penalty.ridge) or (lasso.ndim and lasso.shape[1] > 1):
        return
    low, high = np.partition(W, ((K - 1) // 2, K // 2), axis=1)[:, ((K - 1) // 2, K // 2)].T
    shift = np.clip(W.dtype.type(0), low, high)  # any number between the two is a median
    shift *= lasso.ravel() > 0  # free weights stay centred
    if shift.any():
        point.coords = W - shift[:, None]


def search_path(objective, point, V, direction, orthant, fenced):
    """Search along the path on which a weight that would change its sign stops at 0.

    Returns
    -------
    step : float
        0 when there was no descent.
    n_cut : int
        How many weights reached 0.
    """
    W, n_cut = point.coords, 0
    # Along the projected path a weight that changes its sign stops at 0, however short the step.
    for step in (1.0, 0.25, 0.0625):
        end = W + V.dtype.type(step) * direction
        cut = (end * orthant < 0) & fenced
        end[cut] = 0
        n_cut = max(n_cut, np.count_nonzero(cut))
        coords = end - W
        slope = float(np.sum(V * coords, dtype=float))
        if slope < 0 and _search(objective, point, coords, end, slope, 1 if step > 0.1 else MAX_HALVINGS):
            return step, n_cut
    return 0.0, n_cut


def _direction(inner, point, subgradient, trust, orthant, fenced):
    """Truncated Newton direction on the weights that may move.

    Returns
    -------
    direction : ndarray like the weights
    small : float
        A small curvature, to damp with.
    capped : bool
        Whether the conjugate gradients took their longest run.
    """
    dtype, penalty = inner.dtype, inner.penalty
    expected = inner.vectors.astype(point.expected, dtype)
    free = (point.coords != 0) | (subgradient.coords != 0)
    ridge = dtype.type(penalty.ridge) if np.isscalar(penalty.ridge) else penalty.ridge
    ridge = ridge + dtype.type(trust.damping)
    diagonal = curvatures(inner, expected, ridge)
    scale = np.sqrt(subgradient.square)  # the direction is proportional: float32 cannot underflow
    r = (subgradient.coords[free] / -scale).astype(dtype)
    coords, W = np.zeros_like(r), (point.coords[free] / scale).astype(dtype)
    orthant, fenced = (np.broadcast_to(values, free.shape)[free] for values in (orthant, fenced))
    held = np.zeros(r.shape, bool)
    run = trust.run if fenced.any() else LONG_RUN  # without a Laplace part there is one orthant
    blocked = run >= BLOCKS_FROM or (trust.settled and blocks_pay(inner, len(r), run))
    blocks, covered = None, slice(None)
    if blocked:
        places = np.flatnonzero(free)
        numbers = places if trust.numbers is None else trust.numbers[free]
        blocks, covered = trust.blocks.of(inner, expected, places, diagonal[free], numbers)
    model = KrylovModel(inner, expected, free, ridge, diagonal, run, blocks, covered)
    for cycle in range(CYCLES):
        capped = model.improve(coords, r, held)
        end = W + coords
        cut = (end * orthant < 0) & fenced & ~held
        if cycle == CYCLES - 1 or not cut.any():
            break
        # Weights that would leave the orthant stay at its edge, and the others make up for it; those
        # for which the edge was wrong come back, once: later it hindered more than it helped.
        change = np.where(cut, -end, 0).astype(dtype)
        coords += change
        r -= model.times(change)
        held |= cut
        if cycle == 0:
            held &= r * orthant <= 0
    direction = np.zeros(free.shape, dtype)
    direction[free] = coords * dtype.type(scale)
    # Past the edge, so that a whole step ends exactly on it, whatever the rounding.
    free[free] = held
    direction[free] = -2 * point.coords[free]
    return direction, 1e-2 * float(diagonal.mean()), capped


def _search(objective, point, coords, end, slope, max_trials):
    """Move the point along `coords`, to `end` if that is good enough; the step, 0 without descent."""
    likelihood, penalty, vectors = objective.likelihood, objective.penalty, objective.vectors
    scores = objective.space.push(coords)
    base, moved, shift = point.scores, scores, np.zeros(scores.shape[1])
    if objective.fit_intercept:
        shift = objective.intercept_elimination(point.expected, point.inverse)(scores)
        shift -= point.inverse @ point.excess
        slope += float(point.excess @ shift)
        if not slope < 0:
            return 0.0
        base, moved = vectors.shifted(base, point.intercept), vectors.shifted(scores, shift)
    value0 = objective.value(point)
    slack = 16 * np.finfo(objective.dtype).eps * abs(value0)
    expected = vectors.empty_like(point.expected)
    step = 1.0
    for _ in range(max_trials):
        W = end if step == 1 else point.coords + objective.dtype.type(step) * coords
        loss = likelihood.evaluate(base, expected, moved, step)
        value = loss + penalty.value(W)
        if value <= value0 + 1e-2 * step * slope + slack * (step == 1):
            break
        # The minimum of the parabola through both values and the slope.
        bend = value - value0 - step * slope
        parabola = -0.5 * slope * step**2 / bend if np.isfinite(bend) and bend > 0 else 0.0
        step = min(max(parabola, 0.1 * step), 0.7 * step)
    else:
        return 0.0
    point.coords, point.loss, point.expected = W, loss, expected
    vectors.add(point.scores, step, scores)
    point.intercept = point.intercept + step * shift
    return step
