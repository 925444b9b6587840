"""What the fit of a convex model tells while it runs and when it ends."""

from copy import copy

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ...compat import warn_user

# Columns that a warning names.
SHOWN = 10
# Ratio of scales from which they are the likely cause of lost digits.
WIDE = 1e4
# Relative gap that single precision hardly ever exceeds.
FINE = 1e-10
# Largest shares of the way that are told before its end, and without a proof.
BELOW_ONE = float(np.nextafter(1.0, 0.0))
UNPROVEN = 0.99


def _relative(record):
    """Gap of a line of the history relative to the objective."""
    if record["gap"] == 0:
        return 0.0
    return record["gap"] / record["objective"] if record["objective"] > 0 else np.inf


class Way:
    """How much of the way to `tol` is behind a fit, by the logarithm of its gap from the first to `tol`.

    Iterations do not measure that: their number is not known before. Where there is no gap, it is the
    largest entry of the gradient, which proves nothing and never counts for the whole way.

    Parameters
    ----------
    tol : float

    Attributes
    ----------
    done : float in [0, 1]
        Never falls; 1 when the relative gap is at most `tol`.
    """

    def __init__(self, tol):
        self._tol = max(tol, float(np.finfo(float).eps))
        self._first = {}
        self.done = 0.0

    def go_on(self, record):
        """Take in a line of the history; returns `done`."""
        gap = _relative(record)
        if np.isfinite(gap):
            self.done = max(self.done, self._share("gap", gap, self._tol))
        elif "gap" not in self._first and np.isfinite(record["kkt"]):
            first = self._first.get("kkt", record["kkt"])
            self.done = max(self.done, min(self._share("kkt", record["kkt"], self._tol * first), UNPROVEN))
        return self.done

    def _share(self, name, value, target):
        """The share of the way from the first value to the target, on a logarithmic scale."""
        if value <= target:
            return 1.0
        first = self._first.setdefault(name, value)
        if value >= first:
            return 0.0
        share = (np.log(first) - np.log(value)) / (np.log(first) - np.log(target))
        return min(float(share), BELOW_ONE)


def progress(estimator, events, attributes):
    """The function that a solver calls after each iteration: prints a line, informs callbacks.

    Parameters
    ----------
    estimator : estimator
        With a parameter `verbose`.
    events : FitEvents
    attributes : callable
        ``attributes(weights, intercept)`` gives the fitted attributes as a dict.
    """

    name, way = type(estimator).__name__, Way(estimator.tol)

    def report(record, model):
        done = way.go_on(record) if estimator.verbose or events.listening else 0.0
        if estimator.verbose:
            print(
                f"[{name}] iteration {record['iteration']:4d}  {record['seconds']:8.2f} s  "
                f"objective {record['objective']:.8g}  gap {_relative(record):.2e} relative, "
                f"{int(100 * done)}% of the way to tol",
                flush=True,
            )
        return events.listening and events.step("iteration", lambda: attributes(*model()), done)

    return report


class FitReport:
    """What a cross-validation tells of each of its fits, from any thread: a line, and a task to callbacks.

    Parameters
    ----------
    estimator : MaxEntClassifierCV
    events : FitEvents
    shape : tuple of int
        Numbers of folds, of shares of the Laplace prior and of values of C.
    shared : dict
        Attributes that the models of all fits have.
    """

    def __init__(self, estimator, events, shape, shared):
        self._estimator, self._shape, self._shared = estimator, shape, shared
        # Where no callback listens, processes are spared the data.
        self._events = events if events.listening else None

    def __call__(self, place, index, model, score, report, train):
        """One fit is over.

        Parameters
        ----------
        place : tuple of int
            Numbers of its fold and share.
        index : int
            Number of its C.
        model : MaxEntClassifier
        score : float
        report : dict
            Its `convergence_`.
        train : Part
            What it was fitted to.
        """
        number = int(np.ravel_multi_index((*place, index), self._shape))
        if self._estimator.verbose:
            print(
                f"[{type(self._estimator).__name__}] fit {number + 1}/{np.prod(self._shape)}  "
                f"fold {place[0] + 1}  l1_ratio {model.l1_ratio:g}  C {model.C:.4g}  "
                f"{report['n_iter']} iterations  {report['seconds']:.2f} s  score {score:.4f}",
                flush=True,
            )
        if self._events is not None:
            names = {"coef_", "intercept_", "joint_table_"} & vars(model).keys()
            fitted = {name: copy(getattr(model, name)) for name in names}
            fitted |= {"C_": model.C, "l1_ratio_": model.l1_ratio}
            data = {"X": train.X, "y": train.y, "metadata": train.options}
            self._events.step("fit", lambda: self._shared | fitted, number=number, **data)


def warn_unless_converged(estimator, result, column_names):
    """ConvergenceWarning when the fit stopped short of `tol`, saying how far and what to change.

    Parameters
    ----------
    estimator : estimator
    result : Result
    column_names : callable
        Gives the names of the columns, or None where they have only numbers.
    """
    report, name = result.report, type(estimator).__name__
    if result.separated is not None:
        message = (
            "The training data are linearly separable along weights without a penalty: the likelihood has no "
            "maximum, and these weights grow without bound. They are finite only because the fit stopped. "
            f"{_columns(result.separated, column_names())} Give them a penalty: set C to a finite value."
        )
    elif report["stop_reason"] in ("converged", "callback"):
        return
    else:
        if np.isfinite(report["relative_gap"]):
            reached = f"a relative duality gap of {report['relative_gap']:.1e}"
        else:
            reached = f"a gradient norm of {report['gradient_norm']:.1e}"
        change = "Increase max_iter"
        if report["stop_reason"] == "precision":
            change = "This is the limit of the floating-point precision of X: " + _remedy(result)
        message = (
            f"{name} stopped after {report['n_iter']} iterations with {reached} (tol={estimator.tol:g}). "
            f"{change}."
        )
    warn_user(message, ConvergenceWarning)


def _remedy(result):
    """What helps where precision ends."""
    if not np.isfinite(result.report["relative_gap"]):
        return (
            "columns without a penalty may be nearly combinations of others, or hidden by a row of very "
            "large numbers; give them a penalty (a finite C), or leave out such columns or rows"
        )
    if result.spread > WIDE:
        return (
            f"its columns differ in scale, or in their distance from 0, by a factor of {result.spread:.0e}; "
            "scale the columns, for instance with StandardScaler, or increase tol"
        )
    single = result.weights.dtype == np.float32 and result.report["relative_gap"] > FINE
    return "give X in float64, or increase tol" if single else "increase tol"


def _columns(columns, names):
    """A sentence that names the columns along which data are separated."""
    if len(columns) == 0:
        return "The intercept alone separates them."
    shown = [str(j) if names is None else str(names[j]) for j in columns[:SHOWN]]
    more = f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else ""
    return f"The columns: {', '.join(shown)}{more}."
