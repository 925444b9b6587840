"""Truncated Newton with conjugate gradients, most of it in single precision.

One outer iteration solves the Newton equation (J' S J + penalty) D = -gradient by conjugate
gradients, S the curvature of the likelihood in the scores and J' S J its pull-back through the
design, to a relative accuracy that tightens with the gradient (Dembo & Steihaug 1983; Nocedal &
Wright, Numerical Optimization, 2006, ch. 7). Directions need few digits, so they are sought in
float32: half the memory traffic. Iterates start in float32 too, and move to float64 when they are
close enough, so that the answer and its certificate have full precision.
"""

import numpy as np

from ..reductions.units import fits_single
from .line_search import search
from .newton_direction import newton_direction

# Fewer scores than this fit in the cache in any precision: nothing to gain from float32.
SINGLE_ENTRIES = 20_000
# Relative duality gap at which float32 iterates hand over to float64; and that of weights that are more than
# the rows, whose gradient the rounding of the scores moves by more: one step there did not help at 1e-6.
SWITCH, SWITCH_WEIGHTS = 1e-6, 1e-4
# ... or as a share of the tolerance: the same point may well hold in float64.
NEARLY = 0.9


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.convex.solvers` for the contract."""
    stages = [(objective, objective)]
    if (
        objective.dtype == np.float64
        and objective.likelihood.shape[0] * sum(objective.coords_shape) > SINGLE_ENTRIES
        and fits_single(objective.space.scale)
    ):
        single = objective.astype(np.float32)
        stages = [(single, single), (objective, single), (objective, objective)]
    first_square = None
    space = objective.space
    many_weights = space.preconditioned and space.design.shape[1] > space.design.shape[0]
    switch = SWITCH_WEIGHTS if many_weights else SWITCH
    for base, inner in stages:
        control.new_stage()
        if point.scores.dtype != base.dtype:
            scores = point.scores if objective.vectors.is_zero(point.coords) else None
            point = base.point(point.coords, point.intercept, scores)
        else:
            base.settle_intercept(point)
        final = base is objective
        factor = 1.0 if final else max(NEARLY, switch / control.tol) if control.tol else np.inf
        while True:
            gradient = base.gradient(point)
            if control.stop(base, point, gradient, final=final):
                return _return_point(objective, base, point, gradient)
            if not final and control.accuracy(base, point, gradient) <= factor:
                break
            if control.stalled(base, point, gradient):
                break
            left = control.products_left(base)
            if not left > 0:
                control.reason = "budget"
                return point, gradient
            first_square = first_square or gradient.square
            terms = _forcing_terms(gradient.square, first_square, factor * control.target(base, point))
            if not _newton_step(base, inner, point, gradient, *terms, left):
                break
    control.reason = "precision"
    return point, gradient


def _return_point(objective, base, point, gradient):
    """The point and its gradient in the objective's own precision."""
    if base is objective:
        return point, gradient
    point = objective.point(point.coords, point.intercept)
    return point, objective.gradient(point)


def _forcing_terms(square, first_square, target):
    """Relative accuracy of the Newton direction: superlinear convergence; and what is needed at the end."""
    return min(0.5, (square / first_square) ** 0.25), min(0.5, 0.6 * np.sqrt(target / square))


def _newton_step(base, inner, point, gradient, accuracy, enough, most):
    """One Newton iteration on `point`, in place, of so many products; False when there was no descent."""
    coords, scores, shift, is_smooth = newton_direction(inner, point, gradient, accuracy, enough, most)
    if base is not inner:
        coords = base.vectors.astype(coords, base.dtype)
        scores = base.space.push(coords)
    # Another length than 1 would lower the objective more, and leave a larger gradient.
    if not search(base, point, coords, scores, shift, accuracy=0.9 if is_smooth else 0.1):
        return False
    base.settle_intercept(point)
    return True
