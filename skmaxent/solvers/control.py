"""When to stop, and the record of how the solver got there."""

import time

import numpy as np


class Control:
    """Stopping rule, history and reporting of one fit.

    Parameters
    ----------
    tol : float
        Relative duality gap to reach; unpenalised, the gradient norm relative to the first one.
    max_iter : int
    total_weight : float
        Sum of the row weights: reports are on the scale of the mean loss.
    report : callable
        Called as ``report(record, objective, point)`` after each iteration; a true answer stops
        the fit.
    begun : float, optional
        Time (`time.perf_counter`) from which the seconds count; by default now.
    """

    _extras = ()  # attributes of the gradient that the history also keeps

    def __init__(self, tol, max_iter, total_weight, report, begun=None):
        self.tol, self.max_iter, self.total_weight = tol, max_iter, total_weight
        self._report = report
        self._start = time.perf_counter() if begun is None else begun
        self._first_norm = None
        self.new_stage()
        self.reason = None
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
        """Squared gradient norm at which the stopping rule holds."""
        if objective.penalty:
            return 2 * objective.penalty * self.tol * max(objective.value(point), 0.0)
        return self.tol**2 * (self._first_norm or np.inf)

    def accuracy(self, objective, point, gradient):
        """How far the point is from the optimum, in units of the stopping rule (<= 1: converged)."""
        if not point.settled:
            return np.inf
        return self._accuracy(objective, point, gradient) if gradient.square else 0.0

    def _accuracy(self, objective, point, gradient):
        target = self.target(objective, point)
        return gradient.square / target if target > 0 else np.inf

    def stalled(self, objective, point, gradient):
        """Whether neither gradient nor objective still shrinks: the limit of the precision in use."""
        value = objective.value(point)
        noise = 10 * np.finfo(objective.dtype).eps * abs(value)
        if gradient.square < 0.5 * self._best_square or value < self._best_value - noise:
            self._stalls = 0
        else:
            self._stalls += 1
        self._best_square = min(self._best_square, gradient.square)
        self._best_value = min(self._best_value, value)
        return self._stalls >= 6

    def new_stage(self):
        """Forget the stalls: the next iterations are in higher precision."""
        self._best_square = self._best_value = np.inf
        self._stalls = 0

    def stop(self, objective, point, gradient, final=True):
        """Record the iterate; true when the fit is over, with `reason` set.

        With ``final=False`` (an iterate in lower precision) only the iteration limit and a callback
        stop it.
        """
        if self._first_norm is None:
            self._first_norm = gradient.square
        record = {
            "iteration": len(self.history["iteration"]),
            "seconds": self.elapsed(),
            "objective": objective.value(point) / self.total_weight,
            "gap": objective.gap(gradient) / self.total_weight,
            "kkt": gradient.peak / self.total_weight,
        }
        record |= {name: getattr(gradient, name) for name in self._extras}
        for name, value in record.items():
            self.history[name].append(value)
        if final and self.accuracy(objective, point, gradient) <= 1:
            self.reason = "converged"
        elif record["iteration"] >= self.max_iter:
            self.reason = "max_iter"
        if self._report(record, objective, point):
            self.reason = self.reason or "callback"
        return self.reason is not None


class GapControl(Control):
    """Stopping rule under a penalty with a Laplace part or weights: the duality gap itself.

    Weights without any penalty have no gap; their KKT conditions must hold to `tol` relative to
    the largest violation at the start.
    """

    _extras = ("support",)

    def _accuracy(self, objective, point, gradient):
        value = objective.value(point)
        accuracy = gradient.gap / (self.tol * value) if self.tol * value > 0 else np.inf
        if objective.penalty.has_free:
            accuracy = max(accuracy, np.sqrt(gradient.square / self._first_norm) / max(self.tol, 1e-300))
        return accuracy
