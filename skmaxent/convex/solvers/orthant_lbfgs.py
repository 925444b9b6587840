"""Orthant-wise limited-memory quasi-Newton (OWL-QN): the elastic net far from its optimum.

One product an iteration, and each may change the orthant: while many weights enter and leave, that
gets further than Newton's directions, which need many products for one orthant. The first metric is
the diagonal of the Hessian (Andrew & Gao 2007; Gilbert & Lemarechal 1989 for the diagonal).
"""

import numpy as np

from .orthant_newton import search_path
from .quadratic_model import DAMPING, curvatures

MEMORY = 10
# Iterations that cost about as much as one of Newton's, with its conjugate gradients.
STEPS = 10


def improve(objective, inner, point, trust, *, target, max_steps):
    """Iterations until the squared norm of the subgradient is at most `target`.

    The parameters are those of `orthant_newton.improve`; `inner` and `trust` are not used.
    """
    vectors = objective.vectors
    pairs, moved, last = [], False, None
    inverse = curvatures(objective, point.expected, objective.penalty.ridge) ** -DAMPING
    for _ in range(STEPS * max_steps):
        subgradient = objective.gradient(point, certify=False)
        if subgradient.square <= target:
            break
        V = subgradient.coords
        if last is not None:
            s, y = point.coords - last[0], subgradient.loss - last[1]
            if np.any(objective.penalty.ridge):
                y += objective.penalty.ridge * s
            sy, yy = vectors.dot(s, y), vectors.dot(y, y)
            if sy > 1e-8 * yy:
                pairs = [*pairs[1 - MEMORY :], (s, y, sy)]
        last = point.coords.copy(), subgradient.loss
        direction = _direction(V, pairs, inverse, vectors)
        direction[direction * V >= 0] = 0  # of the orthant of steepest descent only what descends
        fenced = np.asarray(objective.penalty.lasso) > 0
        orthant = np.where(point.coords != 0, np.sign(point.coords), -np.sign(V))
        if search_path(objective, point, V, direction, orthant, fenced)[0]:
            objective.settle_intercept(point)
            moved = True
        elif pairs:
            pairs, last = [], None
        else:
            break
    return moved


def _direction(V, pairs, inverse, vectors):
    """Minus the inverse of the approximate Hessian times V: two loops over the pairs (s, y, <s, y>)."""
    q, alphas = -V, []
    for s, y, sy in reversed(pairs):
        alphas.append(vectors.dot(s, q) / sy)
        vectors.add(q, -alphas[-1], y)
    z = q * inverse
    if pairs:
        _, y, sy = pairs[-1]
        z *= V.dtype.type(sy / vectors.dot(y, y * inverse))
    for (s, y, sy), alpha in zip(pairs, reversed(alphas), strict=True):
        vectors.add(z, alpha - vectors.dot(y, z) / sy, s)
    return z
