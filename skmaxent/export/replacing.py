"""Whatever holds models of this package, with scikit-learn's own classes in their place."""

from io import BytesIO
from pickle import HIGHEST_PROTOCOL, Pickler, loads
from typing import Any

from sklearn.base import BaseEstimator

_PACKAGE = __name__.split(".")[0]
#: Meta-estimators whose predictions do not depend on decision values, or only on their signs and order.
READ_NO_DECISIONS = {
    "BaseSearchCV",
    "FrozenEstimator",
    "OneVsRestClassifier",
    "MultiOutputClassifier",
    "BaggingClassifier",
    "SelfTrainingClassifier",
}


class _Replacing(Pickler):
    """A pickler that writes scikit-learn's model wherever it meets one of ours."""

    def reducer_override(self, value):
        kind = type(value)
        if not any(base.__module__.startswith(f"{_PACKAGE}.") for base in kind.__mro__):
            if isinstance(value, BaseEstimator):
                _check_decisions(value)
            return NotImplemented
        if hasattr(kind, "to_sklearn"):
            fitted = any(name.endswith("_") for name in vars(value))
            return _itself, (value.to_sklearn() if fitted else value._counterpart(),)
        if isinstance(value, BaseEstimator):
            raise ValueError(
                f"{kind.__name__} has no counterpart in scikit-learn. Models that hold one travel as pickles "
                "or with skops, to where this package is installed."
            )
        return NotImplemented


def _check_decisions(value):
    """Refuse what may have learnt to read decision values that are not there any more.

    Wherever a classifier has a `decision_function`, calibrations and thresholds read that and no
    probabilities. Our networks have one.
    """
    names = {base.__name__ for base in type(value).__mro__}
    if names & READ_NO_DECISIONS or getattr(value, "response_method", None) == "predict_proba":
        return
    inner = getattr(value, "estimator", None)
    if hasattr(inner, "decision_function") and not hasattr(to_sklearn(inner), "decision_function"):
        raise ValueError(
            f"{type(value).__name__} may read the decision_function of its classifier, and MLPClassifier has "
            "none: the copy would predict otherwise."
        )


def _itself(model):
    """How to build what is there: a pickle calls a function wherever one object stands for another."""
    return model


def to_sklearn(estimator: Any) -> Any:
    """A copy of an estimator in which all classifiers of this package are scikit-learn's own.

    It predicts the same, and works, and its pickles load, where this package is not installed.

    Parameters
    ----------
    estimator : estimator
        One of our classifiers, ``skmaxent.dropin`` included, or anything around them that can be pickled:
        Pipeline, GridSearchCV, CalibratedClassifierCV, VotingClassifier, ... Those that are not fitted, such
        as the ``estimator`` of a search, become ones with the same parameters, as far as both have them.

    Returns
    -------
    copy : estimator
        Nothing in it is of this package.

    Raises
    ------
    ValueError
        For what scikit-learn does not have: joint features, sequences and tags, groups of candidates,
        activations such as "gelu"; for a network inside of what reads its `decision_function`, such as
        CalibratedClassifierCV.

    See Also
    --------
    skmaxent.MaxEntClassifier.to_sklearn, skmaxent.BackpropMLPClassifier.to_sklearn : For one model.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmaxent import MaxEntClassifier
    >>> from skmaxent.export import to_sklearn
    >>> texts, y = ["good film", "bad film"], ["pos", "neg"]
    >>> model = make_pipeline(TfidfVectorizer(), MaxEntClassifier()).fit(texts, y)
    >>> to_sklearn(model)[-1]
    LogisticRegression(max_iter=1000)
    """
    written = BytesIO()
    _Replacing(written, HIGHEST_PROTOCOL).dump(estimator)
    return loads(written.getvalue())
