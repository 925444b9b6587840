"""Maximum-entropy classifiers for eli5, as it explains scikit-learn's LogisticRegression."""

from functools import partial

from ..estimators.maxent import MaxEntClassifier
from ..estimators.maxent_cv import MaxEntClassifierCV


def register_eli5() -> None:
    """Let ``eli5.explain_weights`` and ``eli5.explain_prediction`` take our maximum-entropy classifiers.

    They are explained as the LogisticRegression that `MaxEntClassifier.to_sklearn` gives, with all options
    that eli5 has for it (``vec``, ``top``, ``targets``, ...), at the end of a Pipeline too. To call it
    again changes nothing.

    Raises
    ------
    ImportError
        If eli5 is not installed.

    See Also
    --------
    skmaxent.explain : Explanations of our own, of networks, joint features and taggers too.

    Examples
    --------
    >>> from skmaxent import MaxEntClassifier
    >>> from skmaxent.export import register_eli5
    >>> model = MaxEntClassifier().fit([[0.0], [1.0]], ["no", "yes"])
    >>> register_eli5()  # doctest: +SKIP
    >>> eli5.explain_weights(model, feature_names=["x"])  # doctest: +SKIP
    """
    try:
        import eli5
        from eli5.sklearn import explain_prediction_sklearn, explain_weights_sklearn
    except ImportError as error:
        raise ImportError("register_eli5 needs eli5: pip install eli5") from error

    for dispatchers in (
        (eli5.explain_weights, explain_weights_sklearn),
        (eli5.explain_prediction, explain_prediction_sklearn),
    ):
        explained = partial(_explained, dispatchers[0])
        for kind in (MaxEntClassifier, MaxEntClassifierCV):
            for dispatcher in dispatchers:
                dispatcher.register(kind, explained)


def _explained(function, estimator, *args, **options):
    """What eli5 says of scikit-learn's model, under our name."""
    explanation = function(estimator.to_sklearn(), *args, **options)
    explanation.estimator = repr(estimator)
    return explanation
