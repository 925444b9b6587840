"""The penalty as the user gives it, checked; and the weakest one that still leaves a weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_array

from ...convex.solvers import able
from .labels import encode_labels, make_problem

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


def penalty_name(C, l1_ratio):
    """The kind of a prior as scikit-learn's `penalty` names it: "l1", "l2", "elasticnet" or None."""
    if np.isinf(C):
        return None
    return "l1" if l1_ratio == 1 else "l2" if l1_ratio == 0 else "elasticnet"


def check_penalty(estimator, problem):
    """The penalty weights of an estimator as (d, 1) or (d, n_outputs), or None where all are 1.

    Raises
    ------
    ValueError
        If they have the wrong shape or are negative, or the solver cannot have such a penalty.
    """
    multipliers = penalty_multipliers(estimator.penalty_weights, problem)
    if not np.isfinite(estimator.C) and multipliers is not None and np.isfinite(multipliers).all():
        multipliers = None  # no penalty to multiply
    needs = [
        name
        for name, needed in (
            ("l1_ratio", np.isfinite(estimator.C) and estimator.l1_ratio > 0),
            ("penalty_weights", multipliers is not None),
        )
        if needed
    ]
    observed = getattr(estimator, "features", "all") == "observed"
    if observed and estimator.solver not in ("auto", *able(on_pairs=True)):
        raise ValueError(
            f"Solver {estimator.solver} supports only features='all', got features='observed'. Use "
            "solver='auto'."
        )
    if needs and estimator.solver not in ("auto", *able(elastic_net=True)):
        raise ValueError(
            f"Solver {estimator.solver} supports only l1_ratio=0 without penalty_weights, got "
            f"{needs[0]}={getattr(estimator, needs[0])!r}. Use solver='auto'."
        )
    return multipliers


def penalty_multipliers(penalty_weights, problem):
    """Penalty weights (d,) or (n_outputs, d) as an array (d, 1) or (d, n_outputs), or None."""
    if penalty_weights is None:
        return None
    weights = check_array(
        penalty_weights,
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite=False,
        input_name="penalty_weights",
    )
    d, K = problem.X.shape[1], problem.n_outputs
    if weights.shape not in ((d,), (K, d)):
        raise ValueError(f"penalty_weights.shape == {weights.shape}, expected {(d,)} or {(K, d)}!")
    if not (weights >= 0).all():
        raise ValueError("penalty_weights must be non-negative and not nan.")
    weights = weights[:, None] if weights.ndim == 1 else np.ascontiguousarray(weights.T)
    return None if (weights == 1).all() else weights


def c_min(
    X: Any,
    y: Any,
    *,
    l1_ratio: float = 1.0,
    fit_intercept: bool = True,
    class_weight: dict[Any, float] | str | None = None,
    target_type: str = "auto",
    penalty_weights: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The critical C of a Laplace prior: up to it all weights are exactly 0.

    At zero weights the model predicts the class priors (with an intercept; otherwise all classes
    alike), and zero is the optimum as long as no entry of the gradient there exceeds its part of the
    penalty ``penalty_weights * l1_ratio / C``. The closed form covers the multinomial model, the
    elastic net, weights and label masses.

    Parameters
    ----------
    X : array-like or sparse array of shape (n, d)
        The rows of the fit.
    y : array-like of shape (n,) or (n, K)
        Labels, or non-negative label masses.
    l1_ratio : float, default=1.0
        Share of the Laplace prior, above 0.
    fit_intercept : bool, default=True
        Whether the models have an intercept.
    class_weight : dict or "balanced", default=None
        Weights of the classes, as in MaxEntClassifier.
    target_type : {"auto", "masses"}, default="auto"
        As in MaxEntClassifier.
    penalty_weights : array-like of shape (d,) or (K, d), default=None
        As in MaxEntClassifier, above 0.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows; None: all 1.

    Returns
    -------
    C : float
        ``MaxEntClassifier(C=C, l1_ratio=l1_ratio)`` has zero weights, and with any larger C it has not;
        infinite when no C has.

    Raises
    ------
    ValueError
        If `l1_ratio` is not in (0, 1], or a penalty weight is 0, so that there is no such C.

    See Also
    --------
    sklearn.svm.l1_min_c : The same for binary problems and one against the rest.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, c_min
    >>> X, y = load_iris(return_X_y=True)
    >>> C = c_min(X, y)
    >>> bool(MaxEntClassifier(C=C, l1_ratio=1).fit(X, y).coef_.any())
    False
    """
    if not 0 < l1_ratio <= 1:
        raise ValueError(f"l1_ratio must be above 0 and at most 1. Got {l1_ratio!r} instead.")
    X = check_array(X, accept_sparse=("csr", "csc"), dtype=[np.float64, np.float32])
    problem = make_problem(X, encode_labels(y, X, sample_weight, class_weight, target_type))
    multipliers = penalty_multipliers(penalty_weights, problem)
    if multipliers is not None and not multipliers.all():
        raise ValueError("Without a penalty weights are not 0 for any C: penalty_weights must be above 0.")
    masses = problem.label_masses().astype(float)
    priors = np.full(problem.n_classes, 1 / problem.n_classes)
    if fit_intercept:
        priors = masses.sum(axis=0) / masses.sum()
    residual = masses.sum(axis=1, keepdims=True) * priors - masses
    pull = np.abs(problem.X.T @ residual[:, -problem.n_outputs :])
    peak = float(np.max(pull if multipliers is None else pull / multipliers))
    return l1_ratio / peak if peak > 0 else np.inf
