"""The truncated Newton direction, by preconditioned conjugate gradients."""

import numpy as np

MAX_CG = 500


def newton_direction(inner, point, gradient, accuracy):
    """The truncated Newton direction: coordinates, scores and intercept shift.

    The intercept c that goes with scores V solves 1' S (V + 1 c) = 0. It is eliminated from every
    Hessian product, so that conjugate gradients see the weights alone: left to them as one more
    unknown, it doubled the number of products on text.

    Parameters
    ----------
    inner : Objective
        The objective in the precision in which to look for the direction.
    point : Point
    gradient : Gradient
    accuracy : float
        Norm of the residual relative to that of the gradient, in the metric of the preconditioner.
    """
    space, likelihood, vectors = inner.space, inner.likelihood, inner.vectors
    ridge = inner.penalty.ridge
    expected = vectors.astype(point.expected, inner.dtype)
    # The direction is proportional to the gradient: scaled to 1, float32 cannot underflow.
    square = gradient.square
    if space.preconditioned:
        square = vectors.dot(gradient.coords, gradient.coords)
    scale = np.sqrt(square)
    r = vectors.scaled(gradient.coords, -1 / scale, inner.dtype)
    if space.preconditioned:
        space.precondition(likelihood, expected, ridge, inner.fit_intercept)
        z, z_scores, rz = space.metric(r)
    else:
        z, z_scores, rz = r, vectors.scaled(gradient.scores, -1 / scale, inner.dtype), 1.0
    shift_of = inner.intercept_elimination(expected, point.inverse)

    p, p_scores = vectors.copy(z), None if z_scores is None else vectors.copy(z_scores)
    coords, scores = vectors.zeros_like(r), None if z_scores is None else vectors.zeros_like(z_scores)
    start = rz
    for _ in range(MAX_CG):
        if p_scores is None:
            Hp = space.design.curved(likelihood, expected, p, shift_of, vectors.buffers)[0]
        else:
            Hp = space.pull(likelihood.curvature(expected, p_scores, shift_of(p_scores)))
        if ridge:
            space.penalise(Hp, ridge, p)
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
    coords = vectors.scaled(coords, inner.dtype.type(scale))
    scores = space.push(coords) if scores is None else vectors.scaled(scores, inner.dtype.type(scale))
    return coords, scores, shift_of(scores)
