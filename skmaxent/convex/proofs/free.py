"""Weights without any penalty: Newton's equation on them, the dual point that it gives, and its decrement.

A dual point mu must satisfy Z' (mu - t) = 0 for the design Z of the free weights and the intercept. The
model's own masses E do so only at an optimum. With the Newton step c on the free weights, H c = -Z' (E - t),

    mu = E + S Z c        S the curvature of the likelihood, so that Z' (mu - t) = Z' (E - t) + H c = 0,

and its relative entropy to the model is at most c' H c, the Newton decrement, wherever mu >= 0. Without any
penalty that is the duality gap. Rounding in Z' (E - t) is bounded and becomes part of the decrement. In
directions of which rounding leaves no curvature it could be anything: only those count as fulfilled that move
no score at all, and with others nothing is proven.
"""

from dataclasses import dataclass

import numpy as np

from ..preconditioners.hessian import unit_scale
from .levels import levelled, triangle, within_groups
from .rounding import rounding

# Largest side of the Newton equation: its eigenvalues are wanted.
SIDE = 1_500
# Eigenvalues of the equation, scaled to a unit diagonal, that are no more than rounding.
NULL = 1e-13
# Singular values of the levelled design, of columns of norm 1, that are no more than rounding: far below the
# roots of `NULL`, because a Gram matrix squares them.
STILL = 1e-13


def free_weights(design, free):
    """The columns that have free weights, and the place among these and the class of each such weight.

    Parameters
    ----------
    design : Design
    free : boolean ndarray like the weights
    """
    if design.paired:
        columns, place = np.unique(design.columns[free[:, 0]], return_inverse=True)
        return columns, place, design.classes[free[:, 0]]
    columns = np.flatnonzero(free.any(axis=1))
    return columns, *np.nonzero(free[columns])


def is_manageable(design, free, n_outputs, fit_intercept):
    """Whether Newton's equation on the free weights is small enough to be solved."""
    columns = design.columns[free[:, 0]] if design.paired else np.flatnonzero(free.any(axis=1))
    return (len(np.unique(columns)) + fit_intercept) * n_outputs <= SIDE


def least_decrement(objective, point, gradient, free):
    """A lower bound of the decrement at next to no cost: that of the best single weight."""
    curvatures = objective.space.design.squared_adjoint(
        objective.likelihood.curvature_diagonal(point.expected)
    )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return float(np.max(gradient**2 / curvatures, initial=0.0, where=free & (curvatures > 0)))


@dataclass
class FreeStep:
    """Newton's step on the free weights and the intercept.

    Attributes
    ----------
    coords : ndarray like the weights
        0 for the weights that have a penalty.
    shift : ndarray of shape (K,)
    scores : ndarray of shape (n, K)
        Of `coords`, without the shift.
    decrement : float
    masses : ndarray of shape (n, K) or None
        The dual point times the row weights; None where it leaves the simplex or some curvature is hidden, so
        that nothing is proven.
    n_hidden : int
        Directions that move scores and of whose curvature rounding leaves nothing.
    """

    coords: np.ndarray
    shift: np.ndarray
    scores: np.ndarray
    decrement: float
    masses: np.ndarray | None
    n_hidden: int


class FreeSystem:
    """Newton's equation at one state.

    Parameters
    ----------
    objective : Objective
    expected : ndarray of shape (n, K)
        The state.
    free : boolean ndarray like the weights

    Attributes
    ----------
    n_hidden : int
        Directions that move scores and of whose curvature rounding leaves nothing.
    """

    def __init__(self, objective, expected, free):
        self._objective, self._free = objective, free
        design, likelihood = objective.space.design, objective.likelihood
        K = likelihood.shape[1]
        columns, place, classes = free_weights(design, free)
        H = design.hessian(likelihood, expected, objective.fit_intercept, columns)
        side = len(H) // K
        chosen = classes * side + place
        if objective.fit_intercept:
            chosen = np.concatenate([chosen, np.arange(K) * side + side - 1])
        H = H[np.ix_(chosen, chosen)]
        self._scale = unit_scale(H)
        self._values, self._vectors = np.linalg.eigh(H * self._scale[:, None] * self._scale)
        self.n_hidden = self._count_hidden(columns, chosen)
        # Bound on the norm of what rounding adds to the scaled right-hand side.
        squares = design.column_squares()[columns][place]
        if objective.fit_intercept:
            squares = np.concatenate([squares, np.full(K, float(design.shape[0]))])
        residual = float(objective.norm_of(likelihood.residual(expected)))
        self._error = (
            rounding(design.shape[0]) * residual * float(np.linalg.norm(np.sqrt(squares) * self._scale))
        )

    def _count_hidden(self, columns, chosen):
        """How many directions without curvature there are beyond those that move no score."""
        objective, design = self._objective, self._objective.space.design
        n_flat, K = int(np.count_nonzero(self._values <= NULL)), objective.likelihood.shape[1]
        side = len(columns) + objective.fit_intercept
        common = np.count_nonzero(np.bincount(chosen % side) == K) if K > 1 else 0
        if n_flat <= common or not design.is_here:
            return 0
        mask = self._free.tobytes()
        if mask not in objective.still:  # the same at every state
            X, starts = design.X[:, columns], getattr(objective.likelihood, "starts", None)
            X = X if starts is None else within_groups(X, starts)
            R = triangle(levelled(X, objective.fit_intercept)[0])
            even = np.eye(K) - 1 / K if K > 1 else np.eye(1)
            moves = np.kron(even, R)[:, chosen]
            sizes = np.linalg.norm(moves, axis=0)
            moves /= np.where(sizes > 0, sizes, 1.0)
            objective.still[mask] = len(chosen) - np.count_nonzero(
                np.linalg.svd(moves, compute_uv=False) > STILL
            )
        return n_flat - objective.still[mask]

    def step(self, gradient, excess, expected):
        """The step from the gradient of the loss (like the weights) and the excess of the class totals.

        The norm of the rounding is counted against every direction, and directions without curvature as
        if they had the least that rounding can tell from none.
        """
        objective, free = self._objective, self._free
        right = gradient[free].astype(float)
        if objective.fit_intercept:
            right = np.concatenate([right, excess])
        parts = self._vectors.T @ (self._scale * right)
        curved = self._values > NULL
        curvatures = np.where(curved, self._values, NULL)
        excesses = np.where(curved, np.abs(parts), np.maximum(np.abs(parts) - self._error, 0))
        decrement = np.sqrt(np.sum(excesses**2 / curvatures))
        decrement += self._error * np.sqrt(np.sum(1 / curvatures[curved]))
        solution = -self._scale * (self._vectors @ np.where(curved, parts / curvatures, 0))
        coords = np.zeros(gradient.shape, objective.dtype)
        n_free = np.count_nonzero(free)
        coords[free] = solution[:n_free]
        shift = solution[n_free:] if objective.fit_intercept else np.zeros(expected.shape[1])
        scores = objective.space.push(coords)
        masses = objective.vectors.sum(expected, objective.likelihood.curvature(expected, scores, shift))
        if self.n_hidden > 0 or not objective.likelihood.contains(masses):
            masses = None
        return FreeStep(coords, shift, scores, float(decrement) ** 2, masses, self.n_hidden)
