"""When to stop, and the record of how the solver got there."""

import time

import numpy as np

from .newton_direction import newton_direction

# Without a prior and with too many weights for Newton's equation to be solved as a whole: accuracy of the
# step whose decrement decides, and the norm of the gradient relative to the first from which it is taken.
STEP_ACCURACY, NEAR = 0.05, 1e-2


class Control:
    """Stopping rule, history and reporting of one fit.

    The rule is the duality gap relative to the objective, whatever the prior. Where weights without a penalty
    are too many to have one, it is the Newton decrement, which does not depend on the units of the columns
    either; the gap is then reported as infinite. Where weights have no penalty nothing but the likelihood
    holds them, and the gap is the square of a norm of the gradient: `tol` is then asked of the norm too, as
    far as precision goes.

    Parameters
    ----------
    tol : float
        Relative duality gap to reach.
    max_iter : int
    total_weight : float
        Sum of the row weights: reports are on the scale of the mean loss.
    report : callable
        Called as ``report(record, objective, point)`` after each iteration; a true answer stops
        the fit.
    begun : float, optional
        Time (`time.perf_counter`) from which the seconds count; by default now.
    separation : Separation, optional
        Looks for optima at infinity; without a penalty only.
    extras : sequence of str
        Attributes of the gradient that the history also keeps.
    budget : float, optional
        Products after which truncated Newton gives up, for another solver to go on.

    Attributes
    ----------
    reason : str or None
        Why the fit stopped: "converged", "separated", "max_iter", "callback" or "precision"; or a solver:
        "budget".
    """

    def __init__(
        self, tol, max_iter, total_weight, report, begun=None, separation=None, extras=(), budget=np.inf
    ):
        self._extras, self._budget = extras, budget
        self.tol, self.max_iter, self.total_weight = tol, max_iter, total_weight
        self._report, self._separation = report, separation
        self._start = time.perf_counter() if begun is None else begun
        self._first_square = self._first_value = None
        self.new_stage()
        self.reason, self._near = None, False
        self.history = {
            name: [] for name in ("iteration", "seconds", "objective", "gap", "kkt", *self._extras)
        }

    @property
    def n_iter(self):
        return max(len(self.history["iteration"]) - 1, 0)

    def elapsed(self):
        """Seconds since the fit began."""
        return time.perf_counter() - self._start

    def target(self, objective, point):
        """Squared gradient norm at which the stopping rule holds, roughly."""
        if objective.penalty.ridge:
            return 2 * objective.penalty.ridge * self.tol * max(objective.value(point), 0.0)
        return self.tol**2 * (self._first_square or np.inf)

    def accuracy(self, objective, point, gradient):
        """How far the point is from the optimum, in units of the stopping rule (<= 1: converged)."""
        if gradient.gap == 0:
            return 0.0
        if np.isnan(gradient.gap):  # of numbers beyond the range: nothing is proven
            gradient.gap = np.inf
        allowed = self.tol * objective.value(point)
        return gradient.gap / allowed if allowed > 0 else np.inf

    def stalled(self, objective, point, gradient, patience=6):
        """Whether neither gradient nor objective still shrinks: the limit of the precision in use.

        `patience` is the number of iterations in which the norm of the gradient must fall by a third.
        """
        value = objective.value(point)
        noise = 10 * np.finfo(objective.dtype).eps * abs(value)
        if gradient.square < 0.5 * self._best_square or value < self._best_value - noise:
            self._stalls = 0
        else:
            self._stalls += 1
        self._best_square = min(self._best_square, gradient.square)
        self._best_value = min(self._best_value, value)
        return self._stalls >= patience

    def products_left(self, objective):
        """How many products there are left of the budget."""
        return self._budget - objective.space.design.tally[0]

    def go_on(self):
        """Another solver takes over, without a budget."""
        self.reason, self._budget = None, np.inf

    def new_stage(self):
        """Forget the stalls: the next iterations are in higher precision."""
        self._best_square = self._best_value = np.inf
        self._stalls = 0

    def stop(self, objective, point, gradient, final=True):
        """Record the iterate; true when the fit is over, with `reason` set.

        With ``final=False`` (an iterate in lower precision) only the iteration limit and a callback
        stop it.
        """
        if self._first_square is None:
            self._first_square, self._first_value = gradient.square, objective.value(point)
        done = None
        if final and objective.has_free:
            done = self._certify(objective, point, gradient)
        record = {
            "iteration": len(self.history["iteration"]),
            "seconds": self.elapsed(),
            "objective": objective.value(point) / self.total_weight,
            "gap": gradient.gap / self.total_weight,
            "kkt": gradient.peak / self.total_weight,
        }
        record |= {name: getattr(gradient, name) for name in self._extras}
        for name, value in record.items():
            self.history[name].append(value)
        if final and self._holds(objective, point, gradient):
            self.reason = "separated" if done == "separated" else "converged"
        elif done or record["iteration"] >= self.max_iter:
            self.reason = done or "max_iter"
        if self._report(record, objective, point):
            self.reason = self.reason or "callback"
        return self.reason is not None

    def _holds(self, objective, point, gradient):
        """Whether the rule holds, with its strictness where weights have no penalty."""
        strictness = min(self.tol, 1.0) if objective.unpenalised else 1.0
        if self.accuracy(objective, point, gradient) > strictness:
            return False
        small = gradient.square <= self.tol**2 * self._first_square
        return small or objective.unpenalised or not objective.has_free

    def _certify(self, objective, point, gradient):
        """Set the gap of a point with free weights; the reason to stop that follows without one, or None."""
        value, separation = objective.value(point), self._separation
        small = objective.unpenalised and value <= self.tol * self._first_value
        if separation and small and separation.is_complete(point):
            return "separated"
        if objective.proof.exists:
            gradient.gap, step = objective.certify(point, gradient, self.tol * value)
            if step is None:
                return None
            decrement, scores, coords = step.decrement, step.scores + step.shift, step.coords
        elif gradient.square > NEAR**2 * self._first_square:
            return None
        elif not objective.penalty.smooth:  # no Newton direction here: as the subgradient tells
            return "converged" if gradient.square <= self.tol**2 * self._first_square else None
        else:
            coords, scores, shift, _ = newton_direction(objective, point, gradient, STEP_ACCURACY)
            decrement = -objective.space.inner(gradient.coords, coords, scores)
            scores = scores + shift
        if not decrement <= self.tol * value:
            return None
        if separation and separation.recedes(objective, scores, coords):
            return "separated"
        if objective.proof.exists:
            hidden = step.n_hidden > 0 and separation and separation.search(objective)
            return "separated" if hidden else None
        self._near = True
        return "converged" if decrement <= self.tol**2 * value else None

    def finish(self, objective, point, gradient):
        """At the limit of precision: converged all the same, if the rule holds without its strictness."""
        if self.reason != "precision":
            return
        if objective.proof.repairable and self.accuracy(objective, point, gradient) > 1:
            gap = objective.certify(point, gradient, self.tol * objective.value(point), last_resort=True)[0]
            gradient.gap = min(gap, gradient.gap)
        if self._near or self.accuracy(objective, point, gradient) <= 1:
            self.reason = "converged"
