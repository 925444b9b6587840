"""One-dimensional minimisation of the objective along a direction whose scores are known.

Scores are affine in the step, so that no product with X is needed and a nearly exact search is
cheap: a few passes over (n, K) arrays.
"""

import numpy as np

MAX_EVALUATIONS = 20
# How far the change of the value may be from what Newton's model says, relative to the slope: of a cubic
# the slope is then below a tenth of the first.
AS_SAID = 0.03


def search(objective, point, coords, scores, shift, step=1.0, accuracy=0.1, slope=None):
    """Move the point along a descent direction; returns the step taken, 0 when there is no descent.

    Safeguarded Newton iterations on the derivative phi'(t) until |phi'(t)| <= accuracy * |phi'(0)|.

    Parameters
    ----------
    objective : Objective
    point : Point
        Changed in place.
    coords, scores, shift : ndarray
        The direction: coordinates, scores without intercept, and intercept (K,).
    step : float or None
        First step to try; None for that of Newton's method along the direction.
    slope : float, optional
        Derivative of the objective along the direction of Newton's method, where it is known: then a first
        step that lowers the objective by what Newton's model says is taken without another look.
    """
    likelihood, penalty, space = objective.likelihood, objective.penalty.ridge, objective.space
    vectors = objective.vectors
    cross = space.square_of(point.coords, coords, scores) if penalty else 0.0
    square = space.square_of(coords, coords, scores) if penalty else 0.0
    base, moved = point.scores, scores
    if objective.fit_intercept:
        base, moved = vectors.shifted(base, point.intercept), vectors.shifted(scores, shift)
    slope0 = slope
    if slope is None:
        first, second = likelihood.slopes(point.expected, moved)
        slope0 = first + penalty * cross
    value0 = objective.value(point)
    slack = 4 * np.finfo(objective.dtype).eps * abs(value0)
    if not slope0 < 0:
        return 0.0
    if step is None:
        curvature = second + penalty * square
        step = -slope0 / curvature if curvature > 0 else 1.0
    trusted = slope is not None and -AS_SAID * slope0 > slack
    expected = vectors.empty_like(point.expected)
    low, high = 0.0, np.inf
    for _ in range(MAX_EVALUATIONS):
        loss = likelihood.evaluate(base, expected, moved, step)
        value = loss + 0.5 * penalty * (point.square + 2 * step * cross + step**2 * square)
        if trusted and abs(value - value0 - 0.5 * slope0) <= -AS_SAID * slope0:
            break
        trusted = False
        if np.isfinite(value):
            first, second = likelihood.slopes(expected, moved)
            slope = first + penalty * (cross + step * square)
            if abs(slope) <= -accuracy * slope0 and value <= value0 + slack:
                break
            curvature = second + penalty * square
        else:
            slope, curvature = np.inf, 1.0
        low, high = (low, step) if slope > 0 else (step, high)
        newton = step - slope / curvature if curvature > 0 and np.isfinite(slope) else np.nan
        if low < newton < min(high, 10 * step):
            step = newton
        else:
            step = 2 * step if high == np.inf else 0.5 * (low + high)
    else:
        if not value < value0:
            return 0.0
    vectors.add(point.coords, step, coords)
    vectors.add(point.scores, step, scores)
    point.intercept = point.intercept + step * shift
    point.expected, point.loss = expected, loss
    point.square += 2 * step * cross + step**2 * square
    if not penalty:
        point.square = space.square_of(point.coords, point.coords, point.scores)
    return step
