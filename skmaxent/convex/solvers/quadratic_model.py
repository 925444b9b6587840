"""The quadratic model of the loss that orthant-wise Newton steps minimise by conjugate gradients."""

from functools import partial

import numpy as np

from ..preconditioners.class_blocks import ClassBlocks

ACCURACY = 0.1
# Power of the inverse diagonal of the Hessian that conditions the conjugate gradients.
DAMPING = 0.75
# Length of a run from which the Hessian is inverted within each class to condition it: on text this takes a
# third of the products, and about as long as a run of that length.
BLOCKS_FROM = 32


def curvatures(objective, expected, ridge):
    """The diagonal of the Hessian, nowhere 0."""
    dtype = objective.dtype
    diagonal = objective.space.design.squared_adjoint(objective.likelihood.curvature_diagonal(expected))
    diagonal += ridge
    return np.maximum(diagonal, dtype.type(1e-6) * diagonal.max(initial=np.finfo(dtype).tiny), out=diagonal)


class KrylovModel:
    """The model through products with the design.

    Parameters
    ----------
    inner : Objective
        In the precision of the products.
    expected : ndarray of shape (n, K)
    free : boolean ndarray like the weights
        Those that may move at all.
    ridge : float or ndarray
        Added to the Hessian's diagonal.
    diagonal : ndarray like the weights
        Of the Hessian, with the ridge.
    run : int
        Longest run of conjugate gradients.
    r : ndarray like the weights
        The first residual, to measure the accuracy by.
    """

    def __init__(self, inner, expected, free, ridge, diagonal, run, r):
        self._design, self._likelihood = inner.space.design, inner.likelihood
        self._vectors = inner.vectors
        self._expected, self._ridge, self._run = expected, ridge, run
        self._eliminate = inner.intercept_elimination(expected)
        self._conditioner = _conditioner(inner, expected, free, diagonal, run)
        self._start = self._vectors.dot(r, self._conditioner(np.zeros(r.shape, bool))(r))

    def times(self, p):
        """Hessian times p, the intercept eliminated."""
        parts = self._expected, p, self._eliminate, self._vectors.buffers
        Hp = self._design.curved(self._likelihood, *parts)[0]
        if np.any(self._ridge):
            Hp += self._ridge * p
        return Hp

    def improve(self, coords, r, held):
        """At most `run` steps on `coords` and residual `r`, in place; True when all were taken."""
        vectors, condition = self._vectors, self._conditioner(held)
        z = condition(r)
        p, rz = z.copy(), vectors.dot(r, z)
        for _ in range(self._run):
            if not rz > ACCURACY**2 * self._start:
                return False
            Hp = self.times(p)
            curvature = vectors.dot(Hp, p)
            if not curvature > 0:
                break
            alpha = rz / curvature
            vectors.add(coords, alpha, p)
            vectors.add(r, -alpha, Hp)
            z = condition(r)
            rz, last = vectors.dot(r, z), rz
            vectors.scale_add(p, rz / last, z)
        return True


def _conditioner(inner, expected, free, diagonal, run):
    """Function held -> function r -> z: solves the Newton equation roughly on the free weights not held."""
    blocks = None
    if run >= BLOCKS_FROM:
        places = np.flatnonzero(free)
        blocks = ClassBlocks.build(inner, expected, places, diagonal.ravel()[places])
    if blocks is None:
        inverse = diagonal**-DAMPING
        inverse *= free
        return lambda held: partial(np.multiply, inverse * ~held)

    def on_moving(held):
        moving = ~held.ravel()[places]

        def solve(r):
            z = np.zeros_like(r)
            z.ravel()[places] = blocks(r.ravel()[places] * moving) * moving
            return z

        return solve

    return on_moving
