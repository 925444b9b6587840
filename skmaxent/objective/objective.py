"""The training objective: conditional negative log-likelihood plus a Gaussian prior.

    F(W, b) = sum_i m_i * -log p(y_i | x_i)  +  penalty / 2 * |W|^2,      penalty = 1 / C,

on the scale of the total weight; the intercept b is never penalised. Reports divide by sum_i m_i.
"""

from dataclasses import dataclass

import numpy as np

# Largest share of the total weight by which expected and observed class totals may differ where the
# intercept counts as settled: about what single precision reaches.
SETTLED = 1e-4


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
        |W|^2.
    imbalance : float
        Largest difference between expected and observed class totals, relative to the total weight,
        when the intercept was last settled; 0 without an intercept.
    """

    coords: np.ndarray
    scores: np.ndarray
    intercept: np.ndarray
    expected: np.ndarray
    loss: float
    square: float
    imbalance: float = np.inf

    @property
    def settled(self):
        """Whether the intercept is close to its optimum, as the certificate needs it."""
        return self.imbalance <= SETTLED


@dataclass
class Gradient:
    """Gradient of F at a point: coordinates, scores (row space only), squared norm, largest modulus.

    `settled` tells whether the point's intercept was: otherwise the gradient proves nothing.
    """

    coords: np.ndarray
    scores: np.ndarray | None
    square: float
    peak: float
    settled: bool


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
    def coords_shape(self):
        return self.space.coords_shape(self.likelihood.shape[1])

    def value(self, point):
        return point.loss + 0.5 * self.penalty * point.square

    def point(self, coords, intercept, scores=None, settle=True):
        """The point with these coordinates, its intercept brought to its optimum unless told not to."""
        coords = coords.astype(self.dtype, copy=False)
        scores = self.space.push(coords) if scores is None else scores.astype(self.dtype, copy=False)
        point = Point(coords, scores, np.array(intercept, dtype=float), np.empty_like(scores), 0.0, 0.0)
        point.square = self.space.inner(coords, coords, scores)
        self.evaluate(point)
        return self.settle_intercept(point) if settle else point

    def evaluate(self, point):
        """Loss and expected masses at the point's scores and intercept."""
        base = point.scores
        if self.fit_intercept:
            base = base + point.intercept.astype(self.dtype)
        point.loss = self.likelihood.evaluate(base, point.expected)

    def settle_intercept(self, point, max_steps=30):
        """Newton steps on the intercept alone, until expected and observed class totals agree.

        The certificate needs it: only then is the residual feasible for the dual problem.
        """
        if not self.fit_intercept:
            point.imbalance = 0.0
            return point
        observed = self.likelihood.label_totals
        total = float(self.likelihood.weights.sum(dtype=float))
        accuracy = 1e-13 if self.dtype == np.float64 else 1e-6
        size = np.inf
        for _ in range(max_steps):
            excess = self.likelihood.totals(point.expected) - observed
            last, size = size, np.abs(excess).max()
            point.imbalance = size / total
            # Close to the optimum each step squares the error; one that does not is rounding.
            if size <= accuracy * total or (last <= 1e-4 * total and size > 0.1 * last):
                break
            newton = -(self.inverse_intercept_hessian(point.expected) @ excess)
            if not (self._try_intercept(point, newton, accuracy) or self._scale_intercept(point, accuracy)):
                break
        return point

    def _try_intercept(self, point, step, accuracy):
        """Move the intercept along `step`, halved until the loss does not grow; False if it stays."""
        before, old = point.loss, point.intercept
        for halvings in range(15):
            point.intercept = old + 0.5**halvings * step
            self.evaluate(point)
            if point.loss <= before + accuracy * abs(before):
                return True
        point.intercept = old
        self.evaluate(point)
        return False

    def _scale_intercept(self, point, accuracy):
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
        return self._try_intercept(point, ratio, accuracy)

    def inverse_intercept_hessian(self, expected):
        """Inverse of the Hessian of the intercept, on the shifts that are orthogonal to a common one."""
        H = self.likelihood.intercept_hessian(expected)
        if len(H) > 1:
            H += np.trace(H) / len(H) ** 2  # fills the null direction, which no right-hand side meets
        return np.linalg.pinv(H, hermitian=True, rcond=1e-14)

    def intercept_elimination(self, expected):
        """Function V -> c, the intercept that goes with scores V (zero without an intercept)."""
        if not self.fit_intercept:
            return lambda V: np.zeros(V.shape[1])
        inverse = self.inverse_intercept_hessian(expected)
        return lambda V: inverse @ -self.likelihood.curvature_totals(expected, V)

    def gradient(self, point):
        """Gradient at the point (whose intercept is settled)."""
        coords = self.space.pull(self.likelihood.residual(point.expected))
        if self.penalty:
            self.vectors.add(coords, self.penalty, point.coords)
        square, peak, scores = self.space.dual_norm(coords)
        return Gradient(coords, scores, max(square, 0.0), peak, point.settled)

    def gap(self, gradient):
        """Duality gap F(W, b) - D(p), with the model's own probabilities as the dual point.

        D(mu) = sum_i m_i H(mu_i) - |X^T (m mu - t)|^2 / (2 penalty); at mu = p the difference is
        |gradient|^2 / (2 penalty), which can be computed without cancellation. Infinite unpenalised, and
        where the intercept is not settled, so that these probabilities are no dual point.
        """
        return gradient.square / (2 * self.penalty) if self.penalty and gradient.settled else np.inf
