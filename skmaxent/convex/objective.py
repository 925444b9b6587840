"""The training objective: conditional negative log-likelihood plus a Gaussian prior.

    F(W, b) = sum_i m_i * -log p(y_i | x_i)  +  penalty / 2 * |W|^2,      penalty = 1 / C,

on the scale of the total weight; the intercept b is never penalised. Reports divide by sum_i m_i.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .design.blocks import weight_squares
from .preconditioners.hessian import fill_common_shift, inverse
from .proofs.free import SIDE, FreeSystem, is_manageable, least_decrement, weak_gap
from .proofs.rounding import rounding

# Largest move of the intercept to its optimum at which it counts as settled.
ADRIFT = 0.1
# Longest step of the intercept, and farthest it is eliminated to: single precision must hold it.
LONGEST, FARTHEST = 1e4, 1e30
# Part of the gradient's norm that an unsettled intercept may add to it in the bound.
UNSETTLED = 0.1
# Classes from which the inverse Hessian of the intercept is kept from one iteration to the next.
MANY_CLASSES = 200


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
    inverse: np.ndarray | None = None
    tight: bool = False

    @property
    def settled(self):
        """Whether the intercept is close to its optimum, as the certificate needs it."""
        return self.adrift <= ADRIFT


@dataclass
class Gradient:
    """Gradient of F at a point.

    Attributes
    ----------
    coords : ndarray
        In the coordinates of the space.
    scores : ndarray or None
        In row space only.
    square, peak : float
        Squared norm and largest modulus, for the user's weights.
    gap : float
        Duality gap: how far the point is from the optimum at most; infinite where nothing is proven.
    """

    coords: np.ndarray
    scores: np.ndarray | None
    square: float
    peak: float
    gap: float


class Objective:
    """F over a space of coordinates.

    Parameters
    ----------
    space : RowSpace or WeightSpace
    likelihood : Multinomial or Binary
    penalty : float
        1 / C; 0 for no prior.
    fit_intercept : bool
    vectors : Vectors
    """

    def __init__(self, space, likelihood, penalty, fit_intercept, vectors):
        self.space, self.likelihood, self.penalty = space, likelihood, penalty
        self.fit_intercept, self.vectors = fit_intercept, vectors
        self.dtype = likelihood.dtype

    def astype(self, dtype):
        """The same objective in another precision."""
        return Objective(
            self.space.astype(dtype),
            self.likelihood.astype(dtype),
            self.penalty,
            self.fit_intercept,
            self.vectors,
        )

    @property
    def has_free(self):
        """Whether some weight has no penalty at all: here all or none."""
        return not self.penalty

    @property
    def certifiable(self):
        """Whether there is a gap: not where too many weights have no penalty."""
        if self.penalty:
            return True
        manageable = is_manageable(self.space.design, self.free, self.likelihood.shape[1], self.fit_intercept)
        return self.space.preconditioned and manageable

    @property
    def repairable(self):
        """Whether `certify` is a last resort: with few weights, whose own coordinates these are."""
        return self.space.preconditioned and self.penalty > 0 and np.prod(self.coords_shape) <= SIDE

    @property
    def unpenalised(self):
        """Whether no weight has a penalty."""
        return not self.penalty

    @property
    def free(self):
        """Mask of the weights that have no penalty at all."""
        return np.full(self.coords_shape, not self.penalty)

    @cached_property
    def norm(self):
        """Frobenius norm of the design in the user's units."""
        design, scale = self.space.design, self.space.scale
        squares = weight_squares(design)
        return float(np.sqrt(np.sum(squares if scale is None else squares * scale**2)))

    @property
    def coords_shape(self):
        return self.space.coords_shape(self.likelihood.shape[1])

    def value(self, point):
        return point.loss + 0.5 * self.penalty * point.square

    def penalty_value(self, weights):
        """The penalty of weights of the design."""
        weights = weights if self.space.scale is None else weights / self.space.scale
        return 0.5 * self.penalty * float(np.sum(weights * weights, dtype=float))

    def point(self, coords, intercept, scores=None, settle=True):
        """The point with these coordinates, its intercept brought to its optimum unless told not to."""
        coords = coords.astype(self.dtype, copy=False)
        scores = self.space.push(coords) if scores is None else scores.astype(self.dtype, copy=False)
        point = Point(coords, scores, np.array(intercept, dtype=float), np.empty_like(scores), 0.0, 0.0)
        point.square = self.space.square_of(coords, coords, scores)
        self.evaluate(point)
        return self.settle_intercept(point) if settle else point

    def evaluate(self, point):
        """Loss and expected masses at the point's scores and intercept."""
        base = point.scores
        if self.fit_intercept:
            base = base + point.intercept.astype(self.dtype)
        point.loss = self.likelihood.evaluate(base, point.expected)

    def settle_intercept(self, point, max_steps=30, tightly=False):
        """Newton steps on the intercept alone, until expected and observed class totals agree.

        The certificate needs it: only then is the residual feasible for the dual problem. `tightly`: as far
        as precision goes, where what is left of the decrement would be a good part of the gap.
        """
        point.tight = tightly
        if not self.fit_intercept:
            point.decrement = point.adrift = 0.0
            return point
        observed = self.likelihood.label_totals
        total = float(self.likelihood.weights.sum(dtype=float))
        accuracy = (1e-15 if tightly else 3e-13) if self.dtype == np.float64 else 5e-6
        many = len(observed) >= MANY_CLASSES
        inverse, last = point.inverse if many else None, np.inf
        for _ in range(max_steps):
            excess = self.likelihood.totals(point.expected) - observed
            fresh = inverse is None or not many
            if fresh:
                inverse = self.inverse_intercept_hessian(point.expected)
            step = -(inverse @ excess)
            point.inverse, point.decrement = inverse, max(float(-(excess @ step)), 0.0)
            point.adrift = float(np.ptp(step)) if len(step) > 1 else abs(float(step[0]))
            # Close to the optimum each step squares the error; one that does not is rounding. That of an
            # earlier state serves as long as steps with it get on.
            slow = point.decrement > (0.01 if fresh else 0.25) * last
            if point.decrement <= accuracy**2 * total or (slow and fresh and point.decrement <= 1e-9 * total):
                break
            if slow:
                inverse = None
            last = point.decrement
            step = np.clip(step, -LONGEST, LONGEST)  # where all is saturated
            if not (self._try_intercept(point, step) or self._scale_intercept(point)):
                break
        return point

    def _try_intercept(self, point, step):
        """Move the intercept along `step`, halved until the loss does not grow; False if it stays."""
        before, old = point.loss, point.intercept
        slack = 16 * np.finfo(self.dtype).eps * abs(before)
        for halvings in range(15):
            point.intercept = old + 0.5**halvings * step
            self.evaluate(point)
            if point.loss <= before + slack:
                return True
        point.intercept = old
        self.evaluate(point)
        return False

    def _scale_intercept(self, point):
        """One step of iterative scaling, b += log(observed / expected), which never raises the loss.

        Where probabilities are saturated the Hessian of the intercept all but vanishes and Newton steps
        lead nowhere (Darroch & Ratcliff 1972).
        """
        observed, expected = self.likelihood.label_totals, self.likelihood.totals(point.expected)
        total = float(self.likelihood.weights.sum(dtype=float))
        ratio = np.log(observed) - np.log(np.maximum(expected, 1e-30 * total))
        if len(ratio) == 1:
            rest = np.maximum(total - expected, 1e-30 * total)
            ratio -= np.log(total - observed) - np.log(rest)
        return self._try_intercept(point, ratio)

    def inverse_intercept_hessian(self, expected):
        """Inverse of the Hessian of the intercept, on the shifts that do not change the model."""
        H = self.likelihood.intercept_hessian(expected)
        if len(H) == 1:
            return 1 / np.maximum(H, np.finfo(float).tiny)
        fill_common_shift(H[:, None, :, None], [0])
        return inverse(H)

    def intercept_elimination(self, expected, inverse=None):
        """Function V -> c, the intercept that goes with scores V (zero without an intercept)."""
        if not self.fit_intercept:
            return lambda V: np.zeros(V.shape[1])
        if inverse is None:
            inverse = self.inverse_intercept_hessian(expected)
        curvature_totals = self.likelihood.curvature_totals
        return lambda V: np.clip(inverse @ -curvature_totals(expected, V), -FARTHEST, FARTHEST)

    def gradient(self, point):
        """Gradient at the point, whose intercept is settled, and the gap that it proves."""
        coords = self.likelihood.residual(point.expected)
        residual = np.sqrt(self.vectors.dot(coords, coords))
        coords = self.space.pull(coords)
        if self.penalty:
            self.space.penalise(coords, self.penalty, point.coords)
        square, peak, scores = self.space.dual_norm(coords)
        square = max(square, 0.0)
        gap, coupling = self._gap(point, square, residual)
        if coupling > UNSETTLED * np.sqrt(square) and not point.tight:
            return self.gradient(self.settle_intercept(point, tightly=True))
        return Gradient(coords, scores, square, peak, gap)

    def _gap(self, point, square, residual):
        """Duality gap F(W, b) - D(p), with the model's own probabilities as the dual point.

        D(mu) = sum_i m_i H(mu_i) - |X^T (m mu - t)|^2 / (2 penalty); at mu = p the difference is
        |gradient|^2 / (2 penalty), which can be computed without cancellation. Infinite unpenalised, and
        where the intercept is not settled, so that these probabilities are no dual point. Else the nearest
        dual point has a relative entropy of at most the decrement e' H^-1 e of the intercept, and moves the
        gradient by no more than its root times the norm of the weighted design. All of it, and the
        rounding of the gradient, is part of the bound. Returned with the part of the intercept in the norm.
        """
        if not self.penalty or not point.settled:
            return np.inf, 0.0
        if self.dtype != np.float64:  # on the way only
            return square / (2 * self.penalty), 0.0
        error = self.norm * rounding(self.likelihood.shape[0]) * residual
        coupling = self.norm * np.sqrt(point.decrement * float(self.likelihood.weights.max(initial=0)))
        return (np.sqrt(square) + error + coupling) ** 2 / (2 * self.penalty) + point.decrement, coupling

    def certify(self, point, gradient, enough, last_resort=False):
        """The gap at the point by a dual point repaired by Newton's method, and its step.

        Unpenalised weights have no other. As a last resort it serves those whose penalty is so weak beside
        the curvature, as in columns of very large numbers, that the rounding of the gradient counts.

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
        if last_resort:
            return weak_gap(self, point, gradient, enough), None
        free = self.free
        if least_decrement(self, point, gradient.coords, free) > enough:
            return np.inf, None
        step = FreeSystem(self, point.expected, free).step(
            gradient.coords, self.excess(point.expected), point.expected
        )
        return (np.inf if step.masses is None else step.decrement), step

    def excess(self, masses):
        """Class totals of masses less those of the labels."""
        return self.likelihood.totals(masses) - self.likelihood.label_totals
