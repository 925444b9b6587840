"""What the fit of a convex model tells while it runs and when it ends."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ...compat import warn_user

# Columns that a warning names.
SHOWN = 10
# Ratio of scales from which they are the likely cause of lost digits.
WIDE = 1e4
# Relative gap that single precision hardly ever exceeds.
FINE = 1e-10


def _relative(record):
    """Gap of a line of the history relative to the objective."""
    return record["gap"] / record["objective"] if record["objective"] > 0 else record["gap"] * np.inf


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

    name = type(estimator).__name__

    def report(record, model):
        if estimator.verbose:
            print(
                f"[{name}] iteration {record['iteration']:4d}  {record['seconds']:8.2f} s  "
                f"objective {record['objective']:.8g}  gap {_relative(record):.2e} relative",
                flush=True,
            )
        return events.listening and events.step("iteration", lambda: attributes(*model()))

    return report


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
