"""The quadratic model of the loss that orthant-wise Newton steps minimise by conjugate gradients."""

from functools import partial

import numpy as np
from scipy import sparse

from ..preconditioners.class_blocks import ClassBlocks

ACCURACY = 0.1
# Power of the inverse diagonal of the Hessian that conditions the conjugate gradients.
DAMPING = 0.75
# Length of a run from which the Hessian is inverted within each class to condition it: on text this takes a
# third of the products, and about as long as a run of that length.
BLOCKS_FROM = 32
# ... and work for each score, as cubes of the sides of the blocks, up to which short runs gain by it too: on
# part-of-speech tags eight steps with the diagonal get nowhere, and the blocks cost about 25 products.
CHEAP_CUBES = 5_000
# Steps, a power of 2, after which weights past their edge are first looked for.
FIRST_LOOK = 8
# Growth of the residual in the metric of the conditioner beyond which rounding has taken over.
FARTHEST = 1e12


def curvatures(objective, expected, ridge):
    """The diagonal of the Hessian, nowhere 0."""
    dtype = objective.dtype
    diagonal = objective.space.design.squared_adjoint(objective.likelihood.curvature_diagonal(expected))
    diagonal += ridge
    return np.maximum(diagonal, dtype.type(1e-6) * diagonal.max(initial=np.finfo(dtype).tiny), out=diagonal)


def blocks_pay(objective, n_free, run):
    """Whether the Hessian within each class of so many weights can be had, and pays near an optimum."""
    n, K = objective.likelihood.shape
    cheap = float(n_free) ** 3 <= CHEAP_CUBES * float(n) * K**3
    if not ClassBlocks.serves(objective, n_free):
        return False
    return run >= BLOCKS_FROM or (cheap and sparse.issparse(objective.space.design.X))


class KrylovModel:
    """The model on the weights that may move, flat, through products with the design.

    Parameters
    ----------
    inner : Objective
        In the precision of the products.
    expected : ndarray of shape (n, K)
    free : boolean ndarray like the weights
        Those that may move at all, m of them.
    ridge : float or ndarray
        Added to the Hessian's diagonal.
    diagonal : ndarray like the weights
        Of the Hessian, with the ridge.
    run : int
        Longest run of conjugate gradients.
    blocks : ClassBlocks or None
        What conditions them; else the diagonal does.
    blocked : integer ndarray or slice
        The weights that it knows; the diagonal conditions the others.
    """

    def __init__(self, inner, expected, free, ridge, diagonal, run, blocks=None, blocked=slice(None)):
        self._inner, self._ridge, self._run = inner, ridge, run
        self._start = None  # square of the first residual in the metric of the conditioner
        self._shape, self._places = free.shape, np.flatnonzero(free)
        self._diagonal, self._blocks, self._blocked = diagonal[free], blocks, blocked
        self.move(expected)

    def move(self, expected):
        """The Hessian of another state, conditioned as before."""
        inner = self._inner
        self._expected = expected
        self._eliminate = inner.intercept_elimination(expected) if inner.fit_intercept else None

    def widen(self, free, diagonal):
        """More weights may move, those that join conditioned by the diagonal.

        Parameters
        ----------
        free : boolean ndarray like the weights
        diagonal : ndarray like the weights
        """
        places = np.flatnonzero(free)
        self._blocked = np.searchsorted(places, self._places)[self._blocked]
        self._places, self._diagonal = places, diagonal[free]

    def times(self, p):
        """Hessian times p, the intercept eliminated."""
        W = np.zeros(self._shape, p.dtype)
        W.ravel()[self._places] = p
        inner = self._inner
        parts = self._expected, W, self._eliminate, inner.vectors.buffers
        Hp = inner.space.design.curved(inner.likelihood, *parts)[0]
        if np.any(self._ridge):
            Hp += self._ridge * W
        return Hp.ravel()[self._places]

    def improve(self, coords, r, held, limit=None, past=None):
        """At most `run` steps on `coords` and residual `r`, in place; True when all were taken.

        They end where the residual is small beside that of the first call, in the metric of the conditioner;
        if there is a `limit`, where no weight that may move has a larger one. Or where some weight is `past`
        its edge, a function of the coordinates that is asked after 8, 16, 32, ... steps.
        """
        vectors, condition, moving = self._inner.vectors, self._conditioner(held), ~held
        z = condition(r)
        p, rz = z.copy(), vectors.dot(r, z)
        farthest = FARTHEST * rz
        self._start = rz if self._start is None else self._start
        for step in range(self._run):
            if limit is None:
                left = rz > ACCURACY**2 * self._start
            else:
                left = rz > 0 and np.any(np.abs(r) > limit, where=moving)
            if not left:
                return False
            if past is not None and step >= FIRST_LOOK and not step & (step - 1) and past(coords).any():
                break
            if not rz <= farthest:
                break
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

    def _conditioner(self, held):
        """Function r -> z: solves the Newton equation roughly on the weights that are not held."""
        if self._blocks is None:
            return partial(np.multiply, self._diagonal**-DAMPING * ~held)
        blocked, others = self._blocked, ~held / self._diagonal
        condition = self._blocks.holding(held[blocked])

        def solve(r):
            z = others * r
            z[blocked] = condition(r[blocked])
            return z

        return solve
