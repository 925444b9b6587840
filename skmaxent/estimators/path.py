"""Regularisation paths: the model for one strength of the prior after another, each from the last."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

from ..compat import validate_training_data
from ..convex.fit import path
from ..features.joint import JointFeatures
from ..numerics.threads import Workers
from .common.advice import advice_on, advise_observed
from .common.convex_fit import solver_settings
from .common.cv_scoring import best_place, make_scoring
from .common.labels import encode_labels, make_problem
from .common.prediction import stored_weights
from .common.validation import given_validation
from .maxent import MaxEntClassifier

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import ArrayLike

    class MaxEntPath(dict[str, Any]):
        """What editors see of the Bunch that `maxent_path` returns."""

        Cs: np.ndarray
        coefs: Any
        intercepts: np.ndarray
        classes: np.ndarray
        objectives: np.ndarray
        gaps: np.ndarray
        n_nonzero: np.ndarray
        n_iter: np.ndarray
        seconds: np.ndarray
        converged: np.ndarray
        scores: np.ndarray  # with a validation set
        best_C: float


def strengths(Cs):
    """Values of C: an integer is the length of a logarithmic grid from 1e-4 to 1e4.

    Raises
    ------
    ValueError
        If there is none, or one is not positive.
    """
    Cs = np.logspace(-4, 4, Cs) if isinstance(Cs, Integral) else np.asarray(Cs, dtype=np.float64)
    if Cs.ndim != 1 or not len(Cs) or not (Cs > 0).all():
        raise ValueError(f"Cs must be a positive integer or a list of positive numbers. Got {Cs!r} instead.")
    return Cs


def maxent_path(
    X: Any,
    y: Any,
    *,
    Cs: int | ArrayLike = 10,
    l1_ratio: float = 0.0,
    features: str = "all",
    min_count: int = 1,
    penalty_weights: ArrayLike | None = None,
    fit_intercept: bool = True,
    class_weight: dict[Any, float] | str | None = None,
    target_type: str = "auto",
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int = 1000,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int | bool = 0,
    sample_weight: ArrayLike | None = None,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: ArrayLike | None = None,
    scoring: str | Callable[..., float] | None = None,
) -> MaxEntPath:
    """Weights of a maximum-entropy model along a path of prior strengths.

    Each fit starts from the one before, and presolve runs once. The weights are those of separate
    fits of `MaxEntClassifier`.

    Parameters
    ----------
    X : array-like or sparse array of shape (n, d)
        The rows of all fits.
    y : array-like of shape (n,) or (n, K)
        Labels, or label masses.
    Cs : int or array-like of shape (n_Cs,), default=10
        Inverse strengths of the prior; an integer is the length of a logarithmic grid from 1e-4 to
        1e4. With a Laplace part the path begins to have weights at `c_min`.
    l1_ratio : float, default=0.0
        Share of the Laplace prior.
    features : {"all", "observed"}, default="all"
        As in MaxEntClassifier, like all that follow; joint features are refused.
    min_count : int, default=1
        Least number of occurrences of an observed pair.
    penalty_weights : array-like of shape (d,) or (K, d), default=None
        Factors on the penalty of columns or weights.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    class_weight : dict or "balanced", default=None
        Weights of the classes.
    target_type : {"auto", "masses"}, default="auto"
        What y means.
    solver : str, default="auto"
        All reach the same optimum.
    tol : float, default=1e-6
        Relative duality gap at which to stop.
    max_iter : int, default=1000
        Largest number of outer iterations of each fit.
    n_jobs : int, default=None
        Number of threads.
    random_state : int, RandomState instance or None, default=None
        Seeds only a stochastic start.
    verbose : int, default=0
        1 prints one line for each C.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows; None: all 1.
    X_val, y_val : like X and y, default=None
        Validation set on which to score each model.
    sample_weight_val : array-like of shape (n_val,), default=None
        Weights of its rows in the score.
    scoring : str or callable, default=None
        What is measured there, greater being better, as in MaxEntClassifierCV; None is accuracy.

    Returns
    -------
    path : Bunch
        ``Cs`` (n_Cs,), ``coefs`` (n_Cs, K or 1, d), with observed pairs a list of sparse matrices,
        ``intercepts`` (n_Cs, K or 1), ``classes`` (K,),
        and for each C: ``objectives`` and ``gaps`` (mean loss scale, in nats), ``n_nonzero`` (weights
        that are not 0), ``n_iter``, ``seconds`` and ``converged``. With a validation set ``scores``
        (n_Cs,), and ``best_C``, that of the best score, the first of several.

    Raises
    ------
    ValueError
        If the data are malformed, the features are joint features, or `scoring` has no validation set.

    See Also
    --------
    MaxEntClassifierCV : Choose C by cross-validation along such paths.
    c_min : The C at which the path of a Laplace prior begins.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import c_min, maxent_path
    >>> X, y = load_iris(return_X_y=True)
    >>> path = maxent_path(X, y, Cs=c_min(X, y) * np.array([1, 10, 100]), l1_ratio=1)
    >>> path.n_nonzero.tolist()[0]
    0
    >>> path = maxent_path(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    >>> bool(path.scores.max() > 0.9)
    True
    """
    if isinstance(features, JointFeatures):
        raise ValueError(
            "maxent_path supports only features='all' and features='observed', got joint features. Fit a "
            "MaxEntClassifier(features=..., warm_start=True) for each C, or use MaxEntClassifierCV."
        )
    model = MaxEntClassifier(
        l1_ratio=l1_ratio,
        features=features,
        min_count=min_count,
        penalty_weights=penalty_weights,
        fit_intercept=fit_intercept,
        class_weight=class_weight,
        target_type=target_type,
        solver=solver,
        tol=tol,
        max_iter=max_iter,
        n_jobs=n_jobs,
        random_state=random_state,
        verbose=verbose,
    )
    model._validate_params()
    Cs = strengths(Cs)
    with advice_on(X, model):
        X, names = validate_training_data(model, X, y)
    labels = encode_labels(y, X, sample_weight, model.class_weight, model.target_type)
    validation = given_validation(model, names, y, labels.classes, X_val, y_val, sample_weight_val)
    if validation is None and scoring is not None:
        raise ValueError("scoring needs X_val and y_val.")
    scorer = make_scoring(scoring, y, labels.classes, target_type)
    problem = make_problem(X, labels)
    advise_observed(model, problem)
    K, d, observed = problem.n_outputs, X.shape[1], features == "observed"
    found = _empty(Cs, labels.classes, (K, d), X.dtype, observed)
    if validation is not None:
        found.scores = np.empty(len(Cs))
    model.classes_, model.n_features_in_ = labels.classes, d
    settings = solver_settings(model, problem, fit_intercept)
    with Workers(None, n_jobs) as workers:
        optima = path(problem, Cs, workers=workers, **settings)
        del X, problem  # copies of the user's, as a rule of unsorted or integer ones
        for n, (index, result) in enumerate(optima, 1):
            report = result.report
            found.coefs[index], found.intercepts[index] = result.weights.T, result.intercept
            found.objectives[index], found.gaps[index] = report["objective"], report["duality_gap"]
            found.n_nonzero[index] = result.weights.nnz if observed else np.count_nonzero(result.weights)
            found.n_iter[index], found.seconds[index] = report["n_iter"], report["seconds"]
            found.converged[index] = report["stop_reason"] == "converged"
            if validation is not None:
                model.coef_, model.intercept_ = stored_weights(result.weights), found.intercepts[index]
                found.scores[index] = scorer(model, validation.X, validation.y, **validation.options)
            if verbose:
                print(
                    f"[maxent_path] {n}/{len(Cs)}  C {Cs[index]:.4g}  {report['seconds']:8.2f} s  objective "
                    f"{report['objective']:.8g}  gap {report['duality_gap']:.2e}",
                    flush=True,
                )
    if validation is not None:
        found.best_C = float(Cs[best_place(found.scores)])
    return found


def _empty(Cs, classes, shape, dtype, observed):
    """The Bunch of a path before its fits; `shape` is that of the weights."""
    K, d = shape
    return Bunch(
        Cs=Cs,
        classes=classes,
        coefs=[None] * len(Cs) if observed else np.empty((len(Cs), d, K), dtype).transpose(0, 2, 1),
        intercepts=np.empty((len(Cs), K), dtype),
        n_iter=np.empty(len(Cs), dtype=np.int32),
        n_nonzero=np.empty(len(Cs), dtype=np.intp),
        converged=np.empty(len(Cs), dtype=bool),
        **{name: np.empty(len(Cs)) for name in ("objectives", "gaps", "seconds")},
    )
