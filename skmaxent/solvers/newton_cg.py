"""Truncated Newton with conjugate gradients, most of it in single precision.

One outer iteration solves the Newton equation (J' S J + penalty) D = -gradient by conjugate
gradients, S the curvature of the likelihood in the scores and J' S J its pull-back through the
design, to a relative accuracy that tightens with the gradient (Dembo & Steihaug 1983; Nocedal &
Wright, Numerical Optimization, 2006, ch. 7). Directions need few digits, so they are sought in
float32: half the memory traffic. Iterates start in float32 too, and move to float64 when they are
close enough, so that the answer and its certificate have full precision.
"""

import numpy as np

from .line_search import search

MAX_CG = 500
# Fewer scores than this fit in the cache in any precision: nothing to gain from float32.
SINGLE_ENTRIES = 20_000
# Relative duality gap at which float32 iterates hand over to float64.
SWITCH = 1e-6


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.solvers` for the contract."""
    stages = [(objective, objective)]
    if (
        objective.dtype == np.float64
        and objective.likelihood.shape[0] * sum(objective.coords_shape) > SINGLE_ENTRIES
    ):
        single = objective.astype(np.float32)
        stages = [(single, single), (objective, single), (objective, objective)]
    first_square = None
    for base, inner in stages:
        control.new_stage()
        if point.scores.dtype != base.dtype:
            scores = None if point.coords.any() else point.scores
            point = base.point(point.coords, point.intercept, scores)
        final = base is objective
        factor = 1.0 if final else max(0.5, SWITCH / control.tol) if control.tol else np.inf
        while True:
            gradient = base.gradient(point)
            if control.stop(base, point, gradient, final=final):
                return _return_point(objective, base, point, gradient)
            if not final and control.accuracy(base, point, gradient) <= factor:
                break
            if control.stalled(base, point, gradient):
                break
            first_square = first_square or gradient.square
            accuracy = _forcing_term(gradient.square, first_square, factor * control.target(base, point))
            if not _newton_step(base, inner, point, gradient, accuracy):
                break
    control.reason = "precision"
    return point, gradient


def _return_point(objective, base, point, gradient):
    """The point and its gradient in the objective's own precision."""
    if base is objective:
        return point, gradient
    point = objective.point(point.coords, point.intercept)
    return point, objective.gradient(point)


def _forcing_term(square, first_square, target):
    """Relative accuracy of the Newton direction: superlinear convergence, but no more than is needed."""
    superlinear = min(0.5, (square / first_square) ** 0.25)
    enough = 0.5 * np.sqrt(target / square)
    return min(0.5, max(superlinear, enough))


def _newton_step(base, inner, point, gradient, accuracy):
    """One Newton iteration on `point`, in place; False when there was no descent."""
    coords, scores, shift = _direction(inner, point.expected, gradient, accuracy)
    if base is not inner:
        coords = coords.astype(base.dtype)
        scores = base.space.push(coords)
    if not search(base, point, coords, scores, shift):
        return False
    base.settle_intercept(point)
    return True


def _direction(inner, expected, gradient, accuracy):
    """The truncated Newton direction: coordinates, scores and intercept shift.

    The intercept c that goes with scores V solves 1' S (V + 1 c) = 0. It is eliminated from every
    Hessian product, so that conjugate gradients see the weights alone: left to them as one more
    unknown, it doubled the number of products on text.
    """
    space, likelihood, vectors = inner.space, inner.likelihood, inner.vectors
    expected = expected.astype(inner.dtype, copy=False)
    # The direction is proportional to the gradient: scaled to 1, float32 cannot underflow.
    scale = np.sqrt(gradient.square)
    r = (gradient.coords / -scale).astype(inner.dtype, copy=False)
    if space.preconditioned:
        space.precondition(likelihood, expected, inner.penalty, inner.fit_intercept)
        z, z_scores, rz = space.metric(r)
    else:
        z, z_scores, rz = r, (gradient.scores / -scale).astype(inner.dtype, copy=False), 1.0
    shift_of = _intercept_elimination(inner, expected)

    p, p_scores = z.copy(), None if z_scores is None else z_scores.copy()
    coords, scores = np.zeros_like(r), None if z_scores is None else np.zeros_like(z_scores)
    start = rz
    for _ in range(MAX_CG):
        moved = space.push(p) if p_scores is None else p_scores
        Hp = space.pull(likelihood.curvature(expected, moved, shift_of(moved).astype(inner.dtype)))
        if inner.penalty:
            vectors.add(Hp, inner.penalty, p)
        curvature = space.inner(Hp, p, p_scores)
        if not curvature > 0:
            break
        alpha = rz / curvature
        vectors.add(coords, alpha, p)
        if scores is not None:
            vectors.add(scores, alpha, p_scores)
        vectors.add(r, -alpha, Hp)
        z, z_scores, rz_new = space.metric(r)
        if not rz_new > accuracy**2 * start:
            break
        beta = rz_new / rz
        vectors.scale_add(p, beta, z)
        if p_scores is not None:
            vectors.scale_add(p_scores, beta, z_scores)
        rz = rz_new
    coords *= inner.dtype.type(scale)
    scores = space.push(coords) if scores is None else scores * inner.dtype.type(scale)
    return coords, scores, shift_of(scores)


def _intercept_elimination(inner, expected):
    """Function V -> c, the intercept that goes with scores V (zero without an intercept)."""
    likelihood = inner.likelihood
    if not inner.fit_intercept:
        return lambda V: np.zeros(V.shape[1])
    inverse = inner.inverse_intercept_hessian(expected)
    return lambda V: inverse @ -likelihood.curvature_totals(expected, V)
