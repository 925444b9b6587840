"""Scores of a cross-validation: of folds that lack a class, on label masses, and of which is the best."""

from copy import copy
from inspect import signature

import numpy as np
from sklearn.metrics import accuracy_score, get_scorer, log_loss
from sklearn.utils.validation import check_consistent_length

from ...compat import check_sample_weight, warn_user
from .prediction import Prediction
from .targets import mass_log_loss, masses_of_model


def make_scoring(scoring, y, classes, target_type):
    """The scorer for labels, or label masses, among the given classes.

    Parameters
    ----------
    scoring : str, callable or None
        As of MaxEntClassifierCV.
    y : array-like of shape (n,) or (n, K)
        Of the kind to be scored.
    classes : ndarray of shape (K,)
    target_type : {"auto", "masses"}

    Returns
    -------
    scorer : callable
        Called as ``scorer(model, X, y, **params)``.
    """
    scorer = get_scorer(scoring or "accuracy")
    function = getattr(scorer, "_score_func", None)
    if masses_of_model(y, target_type, classes) is None:
        return _with_labels(scorer, function, classes)
    on_masses = {accuracy_score: _score_accuracy, log_loss: _score_log_loss}
    return scorer if getattr(scorer, "_kwargs", None) else on_masses.get(function, scorer)


def _with_labels(scorer, function, classes):
    """The scorer told all classes, where it wants to know, because rows to score may lack some.

    scikit-learn's LogisticRegressionCV does the same.
    """
    accepted = signature(function).parameters if function else {}
    if "labels" not in accepted:
        return scorer
    told = {"labels": classes}
    if len(classes) == 2 and "pos_label" in accepted:
        averaged = scorer._kwargs.get("average", "binary") != "binary"
        told["pos_label"] = None if averaged else classes[1]
    scorer = copy(scorer)
    scorer._kwargs = told | scorer._kwargs
    return scorer


def _score_accuracy(model, X, y, sample_weight=None):
    """Expected accuracy, also of a subclass that scores otherwise."""
    return Prediction.score(model, X, y, sample_weight)


def _score_log_loss(model, X, y, sample_weight=None):
    """Minus the mean of -log p over the mass."""
    masses, proba = masses_of_model(y, model.target_type, model.classes_), model.predict_proba(X)
    check_consistent_length(proba, masses)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, proba)
    return -mass_log_loss(masses, proba, sample_weight)


def warn_of_nonfinite(means):
    """GridSearchCV's warning about mean scores over the folds."""
    if not np.isfinite(means).all():
        warn_user(f"One or more of the test scores are non-finite: {means}")


def best_place(scores):
    """Index of the largest score, a tuple; NaN never wins against a number."""
    return np.unravel_index(np.argmax(np.where(np.isnan(scores), -np.inf, scores)), scores.shape)
