"""The intercept: brought to its optimum at every point, and eliminated from every direction."""

import numpy as np

from .preconditioners.hessian import fill_common_shift, inverse

# Longest step of the intercept, and farthest it is eliminated to: single precision must hold it.
LONGEST, FARTHEST = 1e4, 1e30
# Classes from which the inverse Hessian of the intercept is kept from one iteration to the next.
MANY_CLASSES = 200
# Difference of class totals relative to them that has lost half of its digits: the residuals of the rows, of
# several classes at least, still have theirs.
LOST = 1e-8


class Intercept:
    """What an Objective knows of its intercept; mixed into it."""

    def settle_intercept(self, point, max_steps=30, tightly=False, roughly=False):
        """Newton steps on the intercept alone, until expected and observed class totals agree.

        The certificate needs it: only then is the residual feasible for the dual problem. `tightly`: as far
        as precision goes, where what is left of the decrement would be a good part of the gap. `roughly`: no
        farther than any certificate needs it, where the next step moves the intercept as well.
        """
        point.tight = tightly
        if not self.fit_intercept:
            point.decrement = point.adrift = 0.0
            return point
        total = self.likelihood.total_weight
        accuracy = (1e-15 if tightly else 3e-13) if self.dtype == np.float64 else 5e-6
        many = self.likelihood.shape[1] >= MANY_CLASSES
        inverse, last = point.inverse if many else None, np.inf
        for _ in range(max_steps):
            excess = self.excess(point.expected)
            fresh = inverse is None or not many
            if fresh:
                inverse = self.inverse_intercept_hessian(point.expected)
            step = -(inverse @ excess)
            point.inverse = inverse
            self._note(point, excess, step)
            # Close to the optimum each step squares the error; one that does not is rounding. That of an
            # earlier state serves as long as steps with it get on.
            slow = point.decrement > (0.01 if fresh else 0.25) * last
            if roughly and point.settled:
                break
            if point.decrement <= accuracy**2 * total or (slow and fresh and point.decrement <= 1e-9 * total):
                break
            if slow:
                inverse = None
            last = point.decrement
            step = np.clip(step, -LONGEST, LONGEST)  # where all is saturated
            if not (self._try_intercept(point, step) or self._scale_intercept(point)):
                break
        else:
            point.excess = self.excess(point.expected)
        return point

    def measure_intercept(self, point):
        """Note how far the intercept is from its optimum, which `settle_intercept` would bring it to."""
        point.tight = False
        if not self.fit_intercept:
            point.decrement = point.adrift = 0.0
            return
        excess = self.excess(point.expected)
        point.inverse = self.inverse_intercept_hessian(point.expected)
        self._note(point, excess, -(point.inverse @ excess))

    def follow_intercept(self, point):
        """After a step that moved the intercept as well: note where it is, settled where that is far.

        With many classes the inverse Hessian costs more than to settle it with the last one.
        """
        if self.likelihood.shape[1] >= MANY_CLASSES:
            self.settle_intercept(point)
            return
        self.measure_intercept(point)
        if not point.settled:
            self.settle_intercept(point, roughly=True)

    def _note(self, point, excess, step):
        point.excess = excess
        point.decrement = max(float(-(excess @ step)), 0.0)
        point.adrift = float(np.ptp(step)) if len(step) > 1 else abs(float(step[0]))

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
        total = self.likelihood.total_weight
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
        """The `Elimination` of the intercept at a state, which gives 0 without an intercept."""
        if self.fit_intercept and inverse is None:
            inverse = self.inverse_intercept_hessian(expected)
        return Elimination(self.likelihood, expected, inverse if self.fit_intercept else None)

    def excess(self, masses):
        """Class totals of masses less those of the labels."""
        likelihood = self.likelihood
        excess = likelihood.totals(masses) - likelihood.label_totals
        if len(excess) > 1 and np.abs(excess).max() <= LOST * likelihood.total_weight:
            return likelihood.totals(likelihood.residual(masses))
        return excess


class Elimination:
    """Function V -> c, the intercept that goes with scores V: class totals of S (V + 1 c) are 0.

    Parameters
    ----------
    likelihood : Likelihood
    expected : ndarray of shape (n, K)
        The state at which S is the curvature.
    inverse : ndarray of shape (K, K) or None
        Of the Hessian of the intercept; None where there is none.
    """

    def __init__(self, likelihood, expected, inverse):
        self._likelihood, self._expected, self._inverse = likelihood, expected, inverse

    def __call__(self, V):
        if self._inverse is None:
            return np.zeros(V.shape[1])
        return self.of(self._likelihood.curvature_totals(self._expected, V))

    def of(self, totals):
        """The intercept where there is one and the class totals of S V are known."""
        return np.clip(self._inverse @ -totals, -FARTHEST, FARTHEST)
