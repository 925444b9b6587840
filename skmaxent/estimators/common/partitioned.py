"""Fitting and predicting on rows that lie in partitions: what an estimator asks of the row machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...convex.machine.files import Partitions
from ...convex.machine.parts import Labelling
from ...convex.machine.solve import train_rows
from ...convex.memory import require_weights
from .convex_fit import solver_settings
from .labels import class_factors

Method = TypeVar("Method", bound=Callable)


def fit_rows(estimator, data, survey, make_backend, events, attributes, train=train_rows):
    """The body of `fit` on rows that lie in blocks.

    Parameters
    ----------
    estimator : MaxEntClassifier
    data : object
        The rows as the user gave them, for messages.
    survey : Survey
        Of all of them.
    make_backend : callable
        ``make_backend(labelling, workers)`` gives a back end of `train_rows`.
    events : FitEvents
    attributes : callable
        ``attributes(classes, weights, intercept)`` gives the fitted attributes as a dict.
    train : callable
        `train_rows`, or what calls it.
    """
    kind = type(data).__name__
    classes, d = survey.classes, survey.n_columns
    require_possible(estimator, kind)
    factors = class_factors(estimator.class_weight, classes, survey.totals)
    labelling = Labelling.settled(survey, factors, estimator.fit_intercept)
    K = 1 if len(classes) == 2 else len(classes)
    if estimator.features != "observed":
        require_weights(d, K, survey.dtype)
    shape = SimpleNamespace(X=SimpleNamespace(shape=(survey.n_rows, d)), n_outputs=K)
    settings = solver_settings(estimator, shape, estimator.fit_intercept)
    multipliers = settings["penalty_weights"]
    if multipliers is not None and not multipliers.all():
        raise ValueError(f"On {kind} all weights need a penalty: penalty_weights must be above 0.")
    start = estimator._previous(classes, {"n_features_in_": d}) if estimator.warm_start else None

    def solve(workers, report):
        backend = make_backend(labelling, workers)
        parts = {"C": estimator.C, "dtype": survey.dtype, "start": start, "report": report}
        return train(backend, labelling, **parts, **settings)

    return estimator._solved(solve, events, lambda *model: attributes(classes, *model))


def require_possible(estimator, kind):
    """Raise ValueError for parameters that need all rows in memory, naming them."""
    if not isinstance(estimator.features, str):
        raise ValueError(
            f"{kind} have columns: features must be 'all' or 'observed', got {estimator.features!r}."
        )
    if not np.isfinite(estimator.C):
        raise ValueError(
            f"On {kind} C must be finite: without a penalty an optimum at infinity is only found with all "
            f"rows in memory. Got C={estimator.C!r}."
        )


def refuse_beside(kind, **given):
    """Raise ValueError where what lies in the partitions is given beside them."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{kind} hold {name} themselves: leave {name} out.")


def by_blocks(method: Method) -> Method:
    """A method of rows X that takes partitions as well, block by block, and puts the results together."""

    @wraps(method)
    def on_any(self, X):
        if not isinstance(X, Partitions):
            return method(self, X)
        _check_columns(self, X)
        return np.concatenate([method(self, block) for block, _, _ in X.blocks()])

    return on_any


def score_of_partitions(model, data):
    """Share of the rows, or of the label mass, of partitions whose label is predicted."""
    _check_columns(model, data)
    hits = total = 0.0
    for X, y, weights in data.blocks():
        labels = model.predict(X)
        if y.ndim == 1:
            right, mass = (labels == y).astype(float), np.ones(len(y))
        else:
            codes = np.searchsorted(model.classes_, labels)
            right, mass = y[np.arange(len(y)), codes], y.sum(axis=1)
        weights = np.ones(len(y)) if weights is None else weights
        hits, total = hits + weights @ right, total + weights @ mass
    return float(hits / total) if total > 0 else np.nan


def _check_columns(model, data):
    check_is_fitted(model)
    if hasattr(model, "joint_table_"):
        raise ValueError("Partitions have columns, and this model has joint features.")
    if data.shape[1] != model.n_features_in_:
        raise ValueError(
            f"X has {data.shape[1]} features, but {type(model).__name__} is expecting "
            f"{model.n_features_in_} features as input."
        )
    if data.survey.has_masses and len(data.classes) != len(model.classes_):
        raise ValueError(
            f"y has {len(data.classes)} columns, but the model has {len(model.classes_)} classes."
        )
