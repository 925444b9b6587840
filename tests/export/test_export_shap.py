"""SHAP's explainer of linear models takes ours, and what they become."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import random_sparse
from scipy import sparse

from skmaxent import MaxEntClassifier, explain

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports
    shap = pytest.importorskip("shap", reason="comes with the extra 'shap'")

X = random_sparse(60, 8, 0.5, seed=3)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("rows", [sparse.csr_matrix(X), X.toarray()], ids=["sparse", "dense"])
def test_values_sum_to_the_decision_function(rows, n_classes):
    model = MaxEntClassifier().fit(rows, np.arange(60) % n_classes)
    for linear in (model, model.to_sklearn()):
        explainer = shap.LinearExplainer(linear, rows)
        values = np.asarray(explainer.shap_values(rows[:5]))
        assert_allclose(
            values.sum(axis=1) + explainer.expected_value, model.decision_function(rows[:5]), atol=1e-9
        )


@pytest.mark.parametrize("top", [1, 2, 3, None])  # as many values as classes, too
def test_one_class_of_an_explanation(top):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    explanation = explain(MaxEntClassifier().fit(X, np.arange(60) % 3), X[:1], top=top)
    for class_, score in zip(explanation.classes, explanation.scores):
        column = explanation.to_shap(class_)
        assert column.values.sum() + column.base_values == pytest.approx(score, abs=1e-12)
        assert column.feature_names[: len(explanation.features)] == explanation.features
        assert column.data.shape == column.values.shape == (len(column.feature_names),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own pictures
        shap.plots.waterfall(explanation.to_shap(explanation.prediction), show=False)
    names = [tick.get_text() for tick in pyplot.gcf().axes[0].get_yticklabels()]
    assert all(any(feature in name for name in names) for feature in explanation.features)
    with pytest.raises(ValueError, match=r"class_=7 is not a valid label. It should be one of \[0, 1, 2\]"):
        explanation.to_shap(7)
