"""eli5 explains our classifiers as it explains scikit-learn's."""

import warnings

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline

from skmaxent import BackpropMLPClassifier, MaxEntClassifier, MaxEntClassifierCV
from skmaxent.export import register_eli5

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports
    eli5 = pytest.importorskip("eli5", reason="eli5 is not installed")

TEXTS = ["a good film", "a bad film", "good good fun", "bad and dull", "odd", "very odd film"]
KINDS = ["pos", "neg", "pos", "neg", "odd", "odd"]


def table(explanation):
    """Class, feature and weight of each line."""
    assert explanation.error is None
    return {
        (target.target, line.feature): line.weight
        for target in explanation.targets
        for line in (*target.feature_weights.pos, *target.feature_weights.neg)
    }


@pytest.mark.parametrize("model", [MaxEntClassifier(), MaxEntClassifierCV(Cs=[0.5, 1.0], cv=2)])
@pytest.mark.parametrize("kinds", [KINDS, [kind == "pos" for kind in KINDS]], ids=["several", "two"])
def test_weights_and_predictions(model, kinds):
    register_eli5()
    register_eli5()
    words = CountVectorizer().fit(TEXTS)
    model.fit(words.transform(TEXTS), kinds)
    ours, theirs = (eli5.explain_weights(m, vec=words, top=20) for m in (model, model.to_sklearn()))
    assert table(ours) == table(theirs) and ours.estimator == repr(model)
    prediction = eli5.explain_prediction(model, TEXTS[0], vec=words)
    scores = model.decision_function(words.transform(TEXTS[:1]))[0]
    for target in prediction.targets:
        score = scores if np.ndim(scores) == 0 else scores[[*model.classes_].index(target.target)]
        assert abs(target.score) == pytest.approx(abs(score), rel=1e-9)
    assert "film" in {feature for _, feature in table(prediction)}


def test_in_a_pipeline():
    register_eli5()
    model = make_pipeline(CountVectorizer(), MaxEntClassifier()).fit(TEXTS, KINDS)
    assert ("pos", "good") in table(eli5.explain_weights(model))


def test_networks_are_not_supported_there():
    register_eli5()
    network = BackpropMLPClassifier((2,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], [0, 1])
    assert "not supported" in eli5.explain_weights(network).error
