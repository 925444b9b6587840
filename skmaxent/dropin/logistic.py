"""LogisticRegression and LogisticRegressionCV whose paths of optima come from our convex engine."""

from functools import partial, wraps
from inspect import signature

import numpy as np
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.linear_model import LogisticRegression as TheirLogisticRegression
from sklearn.linear_model import LogisticRegressionCV as TheirLogisticRegressionCV
from sklearn.linear_model import _logistic as theirs
from sklearn.utils import compute_class_weight

from ..convex.fit import path, train
from ..estimators.common.labels import Labels, make_problem, rows_of_weight
from ..numerics.threads import Workers
from .inside import AsTheirs, with_names
from .record import OURS, THEIRS, recorded

_DEFAULTS = {
    name: parameter.default
    for name, parameter in signature(theirs._logistic_regression_path).parameters.items()
}
_BALANCE_HAS_WEIGHTS = "sample_weight" in signature(compute_class_weight).parameters
#: Solvers of scikit-learn that reach the optimum that ours reach: liblinear penalises the intercept.
SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")
#: Below so many iterations a fit is cut off on purpose: the solver's iterate is wanted, not the optimum.
LEAST_ITERATIONS = 20
#: Relative duality gaps: the largest to ask for, and the least that makes sense.
LARGEST_GAP, LEAST_GAP = 1e-6, 1e-15


class LogisticRegression(AsTheirs, TheirLogisticRegression):
    @wraps(TheirLogisticRegression.fit)
    def fit(self, X, y, sample_weight=None):
        with recorded(self, _expected(self)) as engines:
            return _fit(TheirLogisticRegression, engines)(self, X, y, sample_weight=sample_weight)


class LogisticRegressionCV(AsTheirs, TheirLogisticRegressionCV):
    @wraps(TheirLogisticRegressionCV.fit)
    def fit(self, X, y, sample_weight=None, **params):
        with recorded(self, _expected(self)) as engines:
            return _fit(TheirLogisticRegressionCV, engines)(self, X, y, sample_weight=sample_weight, **params)


def _fit(parent, engines):
    """scikit-learn's `fit` of a class, around our optima."""
    optima = partial(solve_path, engines)
    scoring = with_names(theirs._log_reg_scoring_path, theirs, _logistic_regression_path=optima)
    fit = with_names(parent.fit, theirs, _logistic_regression_path=optima, _log_reg_scoring_path=scoring)
    return _fit_context(prefer_skip_nested_validation=True)(fit)


def _expected(estimator):
    """The engine of fits in other processes, from which nothing is heard; liblinear's are not told either."""
    one_vs_rest = getattr(estimator, "multi_class", None) == "ovr"
    return OURS if estimator.solver in SOLVERS and not one_vs_rest else THEIRS


def solve_path(engines, X, y, **options):
    """scikit-learn's function of the same purpose: the optima for several C.

    Parameters
    ----------
    engines : list
        Told the name of the engine that did the work.
    X, y, **options
        As scikit-learn's `fit` passes them, already validated.

    Returns
    -------
    coefs : ndarray of shape (n_Cs, d [+ 1]), or (n_Cs, K, d [+ 1]) with several classes
    Cs : ndarray of shape (n_Cs,)
    n_iter : int32 ndarray of shape (n_Cs,)
    """
    settings = _DEFAULTS | options
    solved = None
    if _is_ours(X, settings):
        try:
            solved = _solve(X, np.asarray(y), settings)
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):  # its own code says it better
            solved = None
    engines.append(THEIRS if solved is None else OURS)
    return theirs._logistic_regression_path(X, y, **options) if solved is None else solved


def _is_ours(X, settings):
    """Whether the settings ask for an optimum that our engine solves."""
    l1_ratio = _l1_ratio(settings)
    plain = isinstance(X, np.ndarray) or (sparse.issparse(X) and X.format == "csr")
    return (
        settings["solver"] in SOLVERS
        and not settings["dual"]
        and not settings["check_input"]
        and l1_ratio is not None
        and (l1_ratio == 0 or settings["solver"] == "saga")
        and settings["max_iter"] >= LEAST_ITERATIONS
        and plain
        and X.dtype in (np.float32, np.float64)
        and not hasattr(settings.get("estimator"), "_skl_callbacks")
    )


def _l1_ratio(settings):
    """Share of the Laplace prior; None where the settings are none that are known."""
    penalty = settings["penalty"]
    if penalty == "elasticnet":
        return settings["l1_ratio"]
    if penalty is None and np.isinf(_strengths(settings["Cs"])).all():
        return 0.0
    return {"l1": 1.0, "l2": 0.0}.get(penalty)


def _strengths(Cs):
    return np.logspace(-4, 4, Cs) if isinstance(Cs, int | np.integer) else np.asarray(Cs, dtype=float)


def _solve(X, y, settings):
    """What `solve_path` returns, or None where it cannot be told to be scikit-learn's optimum."""
    problem = _problem(X, y, settings)
    if problem is None:
        return None
    fit_intercept, max_iter = settings["fit_intercept"], settings["max_iter"]
    shape = (problem.n_outputs, X.shape[1] + bool(fit_intercept))
    start = settings["coef"]
    if start is not None:
        start = np.atleast_2d(start)
        if start.shape != shape or not np.isfinite(start).all():
            return None
        start = start[:, : X.shape[1]].T, start[:, -1] if fit_intercept else np.zeros(len(start))
    Cs = _strengths(settings["Cs"])
    coefs, n_iter = np.empty((len(Cs), *shape), X.dtype), np.zeros(len(Cs), np.int32)
    rules = {
        "l1_ratio": _l1_ratio(settings),
        "fit_intercept": bool(fit_intercept),
        "solver": "auto",
        "tol": max(min(LARGEST_GAP, settings["tol"] ** 2), LEAST_GAP),
        "max_iter": max_iter,
        "report": _line if settings["verbose"] else None,
    }
    with Workers(None, None) as workers:
        for index, result in path(problem, Cs, start=start, workers=workers, **rules):
            result, done = _refined(result, problem, Cs[index], settings["tol"], workers, rules)
            if result is None:
                return None
            coefs[index, :, : X.shape[1]] = result.weights.T
            if fit_intercept:
                coefs[index, :, -1] = result.intercept
            n_iter[index] = np.clip(done, 1, max_iter)
    one_row = problem.n_outputs == 1
    return coefs[:, 0] if one_row else coefs, Cs, n_iter


def _refined(result, problem, C, tol, workers, rules):
    """A result at which no entry of the gradient exceeds `tol`, or precision ends; None where there is none.

    Returns
    -------
    result : Result or None
    n_iter : int
    """
    n_iter, gap = result.report["n_iter"], rules["tol"]
    while result.report["stop_reason"] == "converged" and gap > LEAST_GAP:
        if result.report["kkt_violation"] <= tol:
            break
        gap = max(gap * 1e-3, LEAST_GAP)
        start = result.weights, result.intercept
        result = train(problem, C=C, start=start, workers=workers, **rules | {"tol": gap})
        n_iter += result.report["n_iter"]
    reached = result.report["stop_reason"] in ("converged", "precision")
    return (result if reached else None), n_iter


def _problem(X, y, settings):
    """The training problem, or None where ours would not be scikit-learn's."""
    classes = settings.get("classes")
    classes = np.unique(y) if classes is None else np.asarray(classes)
    several = len(classes) > 2
    if len(classes) < 2 or not _one_softmax(settings, several):
        return None
    codes = np.clip(np.searchsorted(classes, y), 0, len(classes) - 1)
    weights = settings["sample_weight"]
    weights = np.ones(len(y)) if weights is None else np.array(weights, dtype=float)
    if weights.shape != y.shape or not (classes[codes] == y).all():
        return None
    class_weight = settings["class_weight"]
    if class_weight is not None:
        more = {"sample_weight": weights} if _BALANCE_HAS_WEIGHTS else {}
        weights *= compute_class_weight(class_weight, classes=classes, y=y, **more)[codes]
    # A class without weight has its optimum at infinity: where to stop on the way is the solver's own.
    totals = np.bincount(codes, weights=weights, minlength=len(classes))
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (totals > 0).all()):
        return None
    rows = rows_of_weight(weights)
    if rows is not None:
        codes, weights = codes[rows], weights[rows]
    return make_problem(X, Labels(classes, rows, weights, codes, None))


def _one_softmax(settings, several):
    """Whether one model of all classes is asked for: always, in versions without `multi_class`."""
    multi_class = settings.get("multi_class", "auto")
    if several:
        return multi_class in ("auto", "multinomial") and settings.get("pos_class") is None
    # The softmax of two columns of weights has another penalty than the sigmoid of their difference.
    return multi_class in ("auto", "ovr")


def _line(record, model):
    print("[LogisticRegression] " + ", ".join(f"{name} {value:.6g}" for name, value in record.items()))
