"""The truncated Newton direction, by preconditioned conjugate gradients."""

import numpy as np

MAX_CG = 500
# How much smaller the smoothed residual is at best: where `enough` is farther away nothing is smoothed.
GAIN = 0.25


def newton_direction(inner, point, gradient, accuracy, enough=0.0, most=np.inf):
    """The truncated Newton direction: coordinates, scores and intercept shift, and whether it was smoothed.

    The intercept c that goes with scores V solves 1' S (V + 1 c) = 0. Left to conjugate gradients as one more
    unknown it doubled the number of products on text. It is eliminated from every Hessian product; or, where
    the space has a `Centring`, it is one more unknown beside centred columns, from which it is all but
    independent, so that a product is one pass over the rows instead of two.

    Parameters
    ----------
    inner : Objective
        The objective in the precision in which to look for the direction.
    point : Point
    gradient : Gradient
    accuracy : float
        Norm of the residual relative to that of the gradient, in the metric of the preconditioner.
    enough : float
        The same in the norm of the user's weights, in which the gap measures the next gradient: where it
        is reached first, by the smoothed residual, the direction is that one.
    most : float
        Products that may be taken, at least one.
    """
    space, likelihood, vectors = inner.space, inner.likelihood, inner.vectors
    ridge = inner.penalty.ridge
    expected = vectors.astype(point.expected, inner.dtype)
    # The direction is proportional to the gradient: scaled to 1, float32 cannot underflow.
    scale = np.sqrt(gradient.square)
    if space.preconditioned:
        scale = np.sqrt(vectors.dot(gradient.coords, gradient.coords))
        r = vectors.scaled(gradient.coords, -1 / scale, inner.dtype)
        space.precondition(likelihood, expected, ridge, inner.fit_intercept)
        z, z_scores, rz = space.metric(r)
    else:
        z = r = vectors.scaled(gradient.coords, -1 / scale, inner.dtype)
        z_scores, rz = vectors.scaled(gradient.scores, -1 / scale, inner.dtype), 1.0
    eliminate = inner.intercept_elimination(expected, point.inverse)
    shift = eliminate if inner.fit_intercept else None
    joint = _JointIntercept(inner, expected, point.inverse) if space.centring else None

    p, p_scores = vectors.copy(z), None if z_scores is None else vectors.copy(z_scores)
    coords, scores = vectors.zeros_like(r), None if z_scores is None else vectors.zeros_like(z_scores)
    smooth = None
    if not space.preconditioned:  # both norms are the same
        accuracy = max(accuracy, enough)
    elif enough >= GAIN * accuracy:
        smooth = _Smoothed(space, vectors, r, enough)
    start, smoothed, taken = rz, False, MAX_CG
    for step in range(1, int(min(MAX_CG, max(most, 1))) + 1):
        if joint is not None:
            Hp, curvature = joint.times(p)
        else:
            Hp, curvature = space.curved(likelihood, expected, p, shift, p_scores)[0], 0.0
        if ridge:
            space.penalise(Hp, ridge, p)
        curvature += space.inner(Hp, p, p_scores)
        if not curvature > 0:
            break
        alpha = rz / curvature
        vectors.add(coords, alpha, p)
        if scores is not None:
            vectors.add(scores, alpha, p_scores)
        vectors.add(r, -alpha, Hp)
        z, z_scores, rz_new = space.metric(r)
        if joint is not None:
            rz_new += joint.step(alpha)
        smoothed = smooth is not None and smooth.reaches(coords, r)
        if smoothed or not rz_new > accuracy**2 * start:
            taken = step
            break
        beta = rz_new / rz
        vectors.scale_add(p, beta, z)
        if joint is not None:
            joint.turn(beta)
        if p_scores is not None:
            vectors.scale_add(p_scores, beta, z_scores)
        rz = rz_new
    if space.preconditioned:
        space.has_taken(taken)
    coords = vectors.scaled(smooth.coords if smoothed else coords, inner.dtype.type(scale))
    scores = space.push(coords) if scores is None else vectors.scaled(scores, inner.dtype.type(scale))
    return coords, scores, eliminate(scores), smoothed


class _Smoothed:
    """The mean of the iterates whose residual is the smallest that can be had from one iterate to the next.

    Conjugate gradients bring the objective down in every step, but not the norm of the residual, by which
    the gap is measured: on part-of-speech tags the last digits took half as many products again (minimal
    residual smoothing: Schoenauer 1987; Zhou & Walker 1994).
    """

    def __init__(self, space, vectors, r, enough):
        self._space, self._vectors = space, vectors
        self.coords, self._r = vectors.zeros_like(r), vectors.copy(r)
        self._square = space.dual_inner(r, r)
        self._enough = enough**2 * self._square

    def reaches(self, coords, r):
        """Move to the next iterate as far as its residual r makes that of the mean smaller: is it enough?"""
        own, cross = self._space.dual_inner(r, r), self._space.dual_inner(self._r, r)
        gain, spread = self._square - cross, self._square - 2 * cross + own
        share = min(max(gain / spread, 0.0), 1.0) if spread > 0 else 1.0
        self._square = max(self._square - share * (2 * gain - share * spread), 0.0)
        self._vectors.approach(self._r, share, r)
        self._vectors.approach(self.coords, share, coords)
        return self._square <= self._enough


class _JointIntercept:
    """The intercept as an unknown of conjugate gradients, beside centred columns."""

    def __init__(self, inner, expected, inverse):
        self._inner, self._expected, self._centring = inner, expected, inner.space.centring
        if inverse is None:
            inverse = inner.inverse_intercept_hessian(expected)
        # Where the largest curvatures are, so that it converges first: what is left of its part of the
        # residual goes to the weights of common columns when the intercept is settled.
        self._condition = inverse * self._centring.unit
        self._p, self._r = np.zeros(len(inverse)), np.zeros(len(inverse))
        self._product = self._z = None

    def times(self, p):
        """Hessian of the loss times a direction, and what the intercept adds to its curvature."""
        inner, centring = self._inner, self._centring
        shift = self._p + centring.shift(p)
        Hp, self._product = inner.space.curved(inner.likelihood, self._expected, p, shift)
        centring.correct(Hp, self._product)
        return Hp, float(self._product @ self._p)

    def step(self, alpha):
        """Take a step; what the intercept adds to the square of the residual."""
        self._r -= alpha * self._product
        self._z = self._condition @ self._r
        return float(self._r @ self._z)

    def turn(self, beta):
        """The next direction."""
        self._p = beta * self._p + self._z
