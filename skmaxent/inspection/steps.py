"""Pipelines and meta-estimators taken apart: what is applied to a row, and which classifier scores it."""

from typing import NamedTuple

from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.validation import check_is_fitted


class Peeled(NamedTuple):
    """A fitted estimator without what is around it.

    Attributes
    ----------
    steps : list of transformers
        All that is applied to a row before the classifier.
    classifier : estimator
        The innermost estimator, whose scores are made of votes.
    decider : estimator
        The one whose prediction and probabilities count: the outermost meta-estimator that calibrates
        or has a threshold of its own, or the classifier itself.
    n_before : int
        Number of the steps that come before `decider`.
    """

    steps: list
    classifier: object
    decider: object
    n_before: int


def thaw(step):
    """The estimator in a FrozenEstimator; any other as it is."""
    while isinstance(step, FrozenEstimator):
        step = step.estimator
    return step


def applied_steps(steps):
    """The steps of a pipeline that are applied at prediction, thawed.

    Samplers, which have `fit_resample`, change training data only: imbalanced-learn skips them, and
    refuses steps that transform as well.
    """
    steps = [thaw(step) for _, step in steps]
    return [
        step
        for step in steps
        if step is not None and step != "passthrough" and not hasattr(step, "fit_resample")
    ]


def peel(estimator):
    """Take pipelines, searches and meta-estimators off a fitted estimator.

    Returns
    -------
    peeled : Peeled

    Raises
    ------
    NotFittedError
        If one of them is not fitted.
    ValueError
        If a CalibratedClassifierCV averages several classifiers.
    """
    steps, decider, n_before = [], None, 0
    while True:
        # A threshold may be fixed for a fitted estimator without a fit of its own.
        if isinstance(estimator, FixedThresholdClassifier) and not hasattr(estimator, "estimator_"):
            inner = estimator.estimator
        else:
            check_is_fitted(estimator)
            inner = getattr(estimator, "estimator_", None)
        if decider is None and isinstance(estimator, _DECIDERS):
            decider, n_before = estimator, len(steps)
        if isinstance(estimator, Pipeline):
            steps += applied_steps(estimator.steps[:-1])
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif isinstance(estimator, CalibratedClassifierCV):
            estimator = _calibrated(estimator)
        elif isinstance(estimator, (*_DECIDERS, SelfTrainingClassifier)):
            estimator = inner
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif decider is None:
            return Peeled(steps, estimator, estimator, len(steps))
        else:
            return Peeled(steps, estimator, decider, n_before)


_DECIDERS = (CalibratedClassifierCV, FixedThresholdClassifier, TunedThresholdClassifierCV)


def _calibrated(estimator):
    """The one classifier that a CalibratedClassifierCV calibrates.

    The mean of several calibrated probabilities is no function of the mean of the scores, so that
    averaged votes would explain another model.
    """
    inner = [thaw(pair.estimator) for pair in estimator.calibrated_classifiers_]
    if any(other is not inner[0] for other in inner):
        raise ValueError(
            "Expected 'estimator' to be one classifier. This CalibratedClassifierCV is the mean of the "
            f"probabilities of {len(inner)}, and no votes sum to that. Fit it with ensemble=False, or pass "
            "one of them: calibrated_classifiers_[0].estimator."
        )
    return inner[0]
