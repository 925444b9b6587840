"""The training objective: conditional negative log-likelihood plus the penalty of a prior.

    F(W, b) = sum_i m_i * -log p(y_i | x_i)  +  P(W),

on the scale of the total weight, P one of `skmaxent.convex.penalty`; the intercept b is never penalised.
Reports divide by sum_i m_i.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .design.blocks import make_design
from .intercept import Intercept
from .proofs.rounding import EPS, lost_in_scores
from .spaces import WeightSpace

# Largest move of the intercept to its optimum at which it counts as settled.
ADRIFT = 0.1


@dataclass
class Point:
    """An iterate with everything that follows from it.

    Attributes
    ----------
    coords : ndarray (n or d, K)
        The weights in the coordinates of the space.
    scores : ndarray (n, K)
        X @ W, without intercept.
    intercept : ndarray (K,), float64
    expected : ndarray (n, K)
        Masses the model expects, the state of the likelihood.
    loss : float
    square : float
        |W|^2, of the user's weights.
    decrement : float
        Newton decrement e' H^-1 e of the intercept when it was last settled, e the differences between
        expected and observed class totals; 0 without an intercept.
    adrift : float
        How far Newton's method would still move the intercept.
    excess : ndarray (K,) or None
        Expected less observed class totals, when the decrement was measured.
    inverse : ndarray (K, K) or None
        H^-1 of the intercept.
    tight : bool
        Whether it was settled as far as precision goes.
    """

    coords: np.ndarray
    scores: np.ndarray
    intercept: np.ndarray
    expected: np.ndarray
    loss: float
    square: float
    decrement: float = np.inf
    adrift: float = np.inf
    excess: np.ndarray | None = None
    inverse: np.ndarray | None = None
    tight: bool = False

    @property
    def settled(self):
        """Whether the intercept is close to its optimum, as the certificate needs it."""
        return self.adrift <= ADRIFT


@dataclass
class Gradient:
    """Gradient of F at a point; with a Laplace prior the subgradient of smallest norm.

    Attributes
    ----------
    coords : ndarray
        In the coordinates of the space; 0 exactly where the KKT condition of a weight at 0 holds.
    scores : ndarray or None
        In row space only.
    loss : ndarray or None
        The gradient of the loss alone, under an elastic net.
    square : float
        Squared norm: for the user's weights, under an elastic net of `coords`.
    peak : float
        Largest modulus for the user's weights: the KKT violation.
    gap : float
        Duality gap: how far the point is from the optimum at most; infinite where nothing is proven, nan
        where it was not asked for.
    support : int
        Under an elastic net the number of columns with a weight other than 0.
    """

    coords: np.ndarray
    scores: np.ndarray | None
    loss: np.ndarray | None
    square: float
    peak: float = np.nan
    gap: float = np.nan
    support: int = 0


class Objective(Intercept):
    """F over a space of coordinates.

    Parameters
    ----------
    space : RowSpace or WeightSpace
        Under an elastic net the weights without a scale: its strengths belong to the solved weights.
    likelihood : Likelihood
    penalty : Gaussian or ElasticNet
    fit_intercept : bool
    vectors : Vectors
    scale : ndarray of shape (d, 1), or (m, 1) of pairs, optional
        By how much the weights are larger than the user's, for reports under an elastic net.
    """

    def __init__(self, space, likelihood, penalty, fit_intercept, vectors, scale=None):
        self.space, self.likelihood, self.penalty = space, likelihood, penalty
        self.fit_intercept, self.vectors, self.scale = fit_intercept, vectors, scale
        self.dtype = likelihood.dtype
        self.still = {}  # how many directions move no score, by the bytes of a mask of free weights
        self.proof = penalty.proof(self)

    @classmethod
    def build(cls, X, likelihood, penalty, fit_intercept, vectors):
        """The objective on the columns of X."""
        design = make_design(X, likelihood.shape[1], vectors.workers)
        return cls(WeightSpace(design, vectors), likelihood, penalty, fit_intercept, vectors)

    def astype(self, dtype):
        """The same objective in another precision."""
        parts = self.space, self.likelihood, self.penalty
        return Objective(*(part.astype(dtype) for part in parts), self.fit_intercept, self.vectors)

    @property
    def has_free(self):
        """Whether some weight has no penalty at all."""
        return self.penalty.has_free

    @property
    def unpenalised(self):
        """Whether no weight has a penalty."""
        return self.penalty.is_none

    @property
    def free(self):
        """Mask of the weights that have no penalty at all."""
        return self.penalty.free(self.coords_shape)

    @cached_property
    def norm(self):
        """Frobenius norm of the design in the user's units."""
        design, scale = self.space.design, self.space.scale
        squares = design.weight_squares()
        return float(np.sqrt(np.sum(squares if scale is None else squares * scale**2)))

    @cached_property
    def heaviest(self):
        """Root of the largest row weight."""
        return float(np.sqrt(self.likelihood.heaviest))

    @property
    def coords_shape(self):
        return self.space.coords_shape(self.likelihood.shape[1])

    def value(self, point):
        return point.loss + self.penalty.at_point(point)

    def point(self, coords, intercept, scores=None, settle=True):
        """The point with these coordinates, its intercept brought to its optimum unless told not to."""
        vectors = self.vectors
        coords = vectors.astype(coords, self.dtype)
        scores = self.space.push(coords) if scores is None else vectors.astype(scores, self.dtype)
        expected = vectors.empty_like(scores)
        point = Point(coords, scores, np.array(intercept, dtype=float), expected, 0.0, 0.0)
        point.square = self.space.square_of(coords, coords, scores)
        self.evaluate(point)
        return self.settle_intercept(point) if settle else point

    def evaluate(self, point):
        """Loss and expected masses at the point's scores and intercept."""
        base = point.scores
        if self.fit_intercept:
            base = self.vectors.shifted(base, point.intercept)
        point.loss = self.likelihood.evaluate(base, point.expected)

    def gradient(self, point, certify=True, tightly=True):
        """Gradient at the point, whose intercept is settled, and the gap that it proves.

        `tightly`: with the intercept settled as far as precision goes, where it has a part in the gap.

        With free weights a gap takes more: see `certify`.
        """
        residual = self.likelihood.residual(point.expected)
        norm = self.norm_of(residual) if certify else np.nan
        gradient = self.penalty.gradient(self, point, self.space.pull(residual), certify)
        if certify:
            gradient.gap, is_drifting = self.proof.gap(point, gradient, norm)
            if is_drifting and tightly and not point.tight:
                return self.gradient(self.settle_intercept(point, tightly=True))
        return gradient

    def norm_of(self, residual):
        """Euclidean norm of an array of the rows."""
        return np.sqrt(self.vectors.dot(residual, residual))

    def users_square(self, gradient):
        """Squared norm of a gradient for the user's weights."""
        if self.scale is None:
            return gradient.square
        shown = gradient.coords * self.scale
        return self.vectors.dot(shown, shown)

    def certify(self, point, gradient, enough, last_resort=False):
        """The gap at the point by a dual point repaired by Newton's method, and its step.

        Free weights have no other. As a last resort it serves weights whose prior is so weak beside the
        curvature, as in columns of very large numbers, that the rounding of the gradient counts.

        Parameters
        ----------
        point : Point
        gradient : Gradient
        enough : float
            A larger gap is of no use: where it is certain to be larger nothing is computed.
        last_resort : bool

        Returns
        -------
        gap : float
        step : FreeStep or None
            None where nothing was computed.
        """
        if not point.settled:
            return np.inf, None
        return self.proof.certify(point, gradient, enough, last_resort)

    def raised(self, point, weights, scores, intercept, enough):
        """By how much weights of the design near the point's raise F at most, and their residual (n, K).

        Parameters
        ----------
        point : Point
        weights : ndarray like the weights of the design
        scores : ndarray of shape (n, K)
            Of these weights.
        intercept : ndarray of shape (K,)
        enough : float
            A smaller bound on what rounding hides is of no use.
        """
        expected = self.vectors.empty_like(scores)
        loss = self.likelihood.evaluate(self.vectors.shifted(scores, intercept), expected)
        residual, value = self.likelihood.residual(expected), self.value(point)
        raised = max(loss + self.penalty.of(weights, self.space) - value, 0.0)
        hidden = 16 * EPS * value + lost_in_scores(self, weights, residual, enough)
        return raised + hidden, residual

    @cached_property
    def _restriction(self):
        return self.space.design.restriction()

    def restrict(self, allowed):
        """The objective on some of the weights, the others being 0, and where these are.

        Parameters
        ----------
        allowed : boolean ndarray of shape (d, K)

        Returns
        -------
        part : Objective
        place : tuple of ndarray
            `W[place]` are the weights of `part`: of pairs, or of whole columns where a dense block is
            faster; `part` may then use more weights than are allowed.
        """
        if allowed.all():
            return self, (slice(None),)
        design, place = self._restriction.to(allowed, self.dtype, self.vectors.workers)
        space, penalty = WeightSpace(design, self.vectors), self.penalty.at(place)
        return Objective(space, self.likelihood, penalty, self.fit_intercept, self.vectors), place

    def strengthened(self, factor, point, gradient):
        """The objective with its penalty times a factor, and its gradient at the point."""
        parts = self.fit_intercept, self.vectors
        stronger = Objective(self.space, self.likelihood, self.penalty.times(factor), *parts)
        stronger._restriction = self._restriction
        coords = stronger.penalty.subgradient(point.coords, gradient.loss)
        return stronger, replace(gradient, coords=coords, square=self.vectors.dot(coords, coords))
