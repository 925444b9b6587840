"""What the fit of a convex model tells while it runs and when it ends."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._sklearn import HAS_CALLBACKS


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
                f"objective {record['objective']:.8g}  gap {record['gap']:.2e}",
                flush=True,
            )
        return events.listening and events.step("iteration", lambda: attributes(*model()))

    return report


def warn_unless_converged(estimator, result):
    """ConvergenceWarning when the fit stopped short of `tol`, saying how far and what to change."""
    report, name = result.report, type(estimator).__name__
    if result.separated:
        message = (
            "The training data are linearly separable: with C=np.inf the likelihood has no maximum and the "
            "weights grow without bound. They are finite only because the fit stopped. Set C to a finite "
            "value."
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
            change = "This is the limit of the floating-point precision of X: increase tol"
        message = (
            f"{name} stopped after {report['n_iter']} iterations with {reached} (tol={estimator.tol:g}). "
            f"{change}."
        )
    warnings.warn(
        message, ConvergenceWarning, stacklevel=4 + HAS_CALLBACKS
    )  # the caller of fit, past its decorators
