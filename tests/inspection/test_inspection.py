"""Votes, remainder, offset and class means sum to the score, for every linear model and network."""

import json

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit, logsumexp
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skmaxent import BackpropMLPClassifier, MaxEntClassifier, explain, top_features
from skmaxent.inspection.model import decompose
from skmaxent.nn.activations import ACTIVATIONS

LINEAR = {
    "logistic": LogisticRegression(),
    "logistic without intercept": LogisticRegression(fit_intercept=False),
    "svm": LinearSVC(),
    "svm without intercept": LinearSVC(fit_intercept=False),
    "sgd": SGDClassifier(random_state=0),
    "ridge": RidgeClassifier(),
    "ridge without intercept": RidgeClassifier(fit_intercept=False),
    "perceptron": Perceptron(),
    "lda": LinearDiscriminantAnalysis(),
    "one against the rest": OneVsRestClassifier(LinearSVC(), n_jobs=1),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "search": GridSearchCV(make_pipeline(StandardScaler(), LinearSVC()), {"linearsvc__C": [0.1, 1.0]}, cv=2),
}


def data(n_classes, seed=0):
    X, y = make_classification(
        80, 12, n_informative=8, n_classes=n_classes, n_clusters_per_class=1, random_state=seed
    )
    X[np.abs(X) < 0.5] = 0
    return X, np.array(["ant", "bee", "cat", "dog"])[y]


def total(explanation):
    parts = (explanation.remainder, explanation.offset, explanation.class_mean)
    return explanation.votes.sum(axis=0) + sum(parts)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("top", [1, 3, None])
def test_votes_sum_to_the_decision_function(name, n_classes, top):
    X, y = data(n_classes)
    model = LINEAR[name].fit(X, y)
    for i in range(4):
        explanation = explain(model, X[i], top=top)
        expected = np.ravel(model.decision_function(X[[i]]))
        np.testing.assert_allclose(explanation.scores, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(total(explanation), expected, rtol=1e-12, atol=1e-12)
        assert explanation.prediction == model.predict(X[[i]])[0]
        np.testing.assert_allclose(explanation.votes, explanation.values[:, None] * explanation.weights)


@pytest.mark.parametrize(
    "convert", [sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix, np.asarray, list]
)
def test_any_container_of_one_row(convert):
    X, y = data(4)
    model = LogisticRegression().fit(X, y)
    row = X[3] if convert is list else X[[3]]
    np.testing.assert_allclose(
        explain(model, convert(row)).scores, model.decision_function(X[[3]])[0], rtol=1e-12
    )


def test_duplicate_and_explicit_zero_entries():
    X, y = data(4)
    model = LogisticRegression().fit(X, y)
    row = sparse.csr_matrix(([1.0, 2.0, 0.0], [5, 5, 1], [0, 3]), shape=(1, 12))
    explanation = explain(model, row)
    assert explanation.features == ["x5"] and explanation.values.tolist() == [3.0]
    assert row.nnz == 3


def test_all_zero_row_has_only_the_intercept():
    X, y = data(4)
    model = LogisticRegression().fit(X, y)
    explanation = explain(model, np.zeros(12))
    assert explanation.features == [] and explanation.n_remaining == 0
    np.testing.assert_allclose(total(explanation), model.intercept_, rtol=1e-12)
    assert "intercept" in str(explanation)


def test_sparsified_and_float32_models():
    X, y = data(4)
    model = LogisticRegression().fit(X, y)
    dense = explain(model, X[0])
    np.testing.assert_array_equal(explain(model.sparsify(), X[0]).votes, dense.votes)
    assert top_features(model, n=3) == top_features(model.densify(), n=3)
    single = LogisticRegression().fit(X.astype(np.float32), y)
    expected = single.decision_function(X[:1].astype(np.float32))[0]
    np.testing.assert_allclose(
        explain(single, X[0].astype(np.float32)).scores, expected, rtol=1e-4, atol=1e-5
    )


def test_votes_are_centred_over_the_classes():
    X, y = data(4)
    model = LinearSVC().fit(X, y)
    explanation = explain(model, X[0], top=5)
    for part in (explanation.votes, explanation.weights, explanation.remainder, explanation.offset):
        np.testing.assert_allclose(part.sum(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(explanation.class_mean, model.decision_function(X[:1]).mean(), rtol=1e-12)
    assert "mean of the classes" in str(explanation)


def test_shown_features_have_the_largest_votes():
    X, y = data(4)
    model = LogisticRegression().fit(X, y)
    full, short = explain(model, X[1], top=None), explain(model, X[1], top=4)
    sizes = np.abs(full.votes[:, full.focus])
    assert np.all(np.diff(sizes) <= 0)
    assert short.features == full.features[:4]
    assert short.n_remaining == len(full.features) - 4
    assert full.focus == full.classes.index(full.prediction)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_contrast_is_the_difference_of_two_scores(n_classes):
    X, y = data(n_classes)
    model = LogisticRegression().fit(X, y)
    log_proba = dict(zip(model.classes_, model.predict_log_proba(X[:1])[0]))
    explanation = explain(model, X[0], contrast=("bee", "ant"), top=3)
    np.testing.assert_allclose(total(explanation), explanation.scores, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(explanation.scores, log_proba["bee"] - log_proba["ant"], rtol=1e-10)
    back = explain(model, X[0], contrast=["ant", "bee"], top=3)
    np.testing.assert_allclose(back.votes, -explanation.votes)
    assert (back.classes, back.against) == (["ant"], "bee")
    assert explanation.prediction == model.predict(X[:1])[0]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_contrast_of_a_network(n_classes):
    X, y = data(n_classes)
    model = MLPClassifier((4,), solver="lbfgs", alpha=1.0, max_iter=2000, random_state=0).fit(X, y)
    explanation = explain(model, X[0], contrast=("ant", "bee"), top=3)
    log_proba = model.predict_log_proba(X[:1])[0]
    np.testing.assert_allclose(total(explanation), explanation.scores, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(explanation.scores, log_proba[0] - log_proba[1], rtol=1e-9)


def test_binary_column_speaks_for_the_positive_class():
    X, y = data(2)
    explanation = explain(LogisticRegression().fit(X, y), X[0])
    assert (explanation.classes, explanation.against) == (["bee"], "ant")
    assert "Positive votes speak for bee, negative for ant." in str(explanation)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("layers", [(6,), (5, 4)])
def test_network_votes_and_remainder_sum_to_the_score(n_classes, activation, layers):
    X, y = data(n_classes)
    model = MLPClassifier(layers, activation=activation, solver="lbfgs", max_iter=20, random_state=0)
    with pytest.warns(UserWarning):
        model.fit(X, y)
    explanation = explain(model, X[0], top=4)
    np.testing.assert_allclose(total(explanation), explanation.scores, rtol=1e-12, atol=1e-12)
    scores = explanation.scores if n_classes > 2 else np.array([0, explanation.scores[0]])
    np.testing.assert_allclose(
        scores - logsumexp(scores), model.predict_log_proba(X[:1])[0], rtol=1e-9, atol=1e-12
    )
    assert explanation.approximate
    assert "local approximation" in str(explanation)
    assert "remainder of the approximation" in explanation._repr_html_()


class Network(MLPClassifier):
    """A network with any of the project's activations, its weights given."""


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_network_weights_are_the_gradient(activation):
    rng = np.random.default_rng(0)
    X, y = data(4)
    model = Network((5, 4), solver="lbfgs", max_iter=1, random_state=0)
    with pytest.warns(UserWarning):
        model.fit(X, y)
    model.activation = activation
    row = rng.normal(size=12)
    step = 1e-6
    gradient = decompose(model, row[None]).several
    for j in range(12):
        ends = [row + sign * step * (np.arange(12) == j) for sign in (1, -1)]
        high, low = (explain(model, end).scores for end in ends)
        np.testing.assert_allclose((high - low) / (2 * step), gradient[j], rtol=1e-5, atol=1e-8)


def test_network_without_hidden_layers_is_linear():
    X, y = data(4)
    linear = LogisticRegression().fit(X, y)
    model = MLPClassifier((3,), max_iter=1)
    with pytest.warns(UserWarning):
        model.fit(X, y)
    model.coefs_, model.intercepts_ = [linear.coef_.T], [linear.intercept_]
    assert model.out_activation_ == "softmax"
    ours, theirs = explain(model, X[0]), explain(linear, X[0])
    assert not ours.approximate
    np.testing.assert_array_equal(ours.votes, theirs.votes)
    assert top_features(model, n=4) == top_features(linear, n=4)


@pytest.mark.parametrize("model", [RidgeClassifier(), OneVsRestClassifier(LogisticRegression())])
def test_multilabel_scores_are_not_centred(model):
    X, Y = make_multilabel_classification(60, 8, n_classes=3, random_state=0)
    model.fit(X, Y)
    explanation = explain(model, X[0], top=2)
    np.testing.assert_allclose(total(explanation), model.decision_function(X[:1])[0], rtol=1e-12)
    assert explanation.prediction == np.flatnonzero(model.predict(X[:1])[0]).tolist()
    assert not explanation.class_mean.any()
    coef = model.coef_ if isinstance(model, RidgeClassifier) else model.estimators_[1].coef_[[0, 0]]
    assert top_features(model, n=2, class_=1)[1][0][1] == pytest.approx(coef[1].max())


@pytest.mark.parametrize("convert", [np.array, sparse.csr_matrix])
def test_linear_kernel_of_two_classes(convert):
    X, y = data(2)
    model = SVC(kernel="linear").fit(convert(X), y)
    expected = model.decision_function(convert(X[:1]))
    np.testing.assert_allclose(total(explain(model, convert(X[:1]), top=2)), expected, rtol=1e-10)


@pytest.mark.parametrize("layers", [(), (6, 5)])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_own_networks(layers, kind):
    X, y = data(2 if kind == "binary" else 4)
    if kind == "multilabel":
        X, y = make_multilabel_classification(60, 8, n_classes=3, random_state=0)
    model = BackpropMLPClassifier(layers, activation="gelu", solver="lbfgs", alpha=8.0, max_iter=5000)
    model.fit(X, y)
    explanation = explain(model, X[0], top=3)
    np.testing.assert_allclose(total(explanation), explanation.scores, rtol=1e-12, atol=1e-12)
    scores = explanation.scores
    proba = np.exp(scores - logsumexp(scores)) if kind == "multiclass" else expit(scores)
    np.testing.assert_allclose(proba, model.predict_proba(X[:1])[0, -scores.size :], rtol=1e-9)
    assert explanation.approximate == (layers != ())
    if kind == "multilabel":
        assert explanation.prediction == np.flatnonzero(model.predict(X[:1])[0]).tolist()
        assert not explanation.class_mean.any()
    else:
        assert explanation.prediction == model.predict(X[:1])[0]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_own_classifier(n_classes, l1_ratio):
    X, y = data(n_classes)
    model = MaxEntClassifier(l1_ratio=l1_ratio).fit(X, y)
    expected = np.ravel(model.decision_function(X[:1]))
    np.testing.assert_allclose(total(explain(model, X[0], top=3)), expected, rtol=1e-12, atol=1e-12)
    assert explain(model, X[0]).prediction == model.predict(X[:1])[0]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_top_features_are_the_largest_centred_weights(n_classes):
    X, y = data(n_classes)
    model = LogisticRegression().fit(X, y)
    top = top_features(model, n=5)
    coef = model.coef_ if n_classes > 2 else np.vstack([-model.coef_, model.coef_])
    centred = coef - (coef.mean(axis=0) if n_classes > 2 else 0)
    for k, label in enumerate(model.classes_):
        ranked = np.argsort(-centred[k])
        order = [j for j in ranked if centred[k, j] > 0][:5] + [j for j in ranked if centred[k, j] < 0][-5:]
        assert [name for name, _ in top[label]] == [f"x{j}" for j in order]
        np.testing.assert_allclose([weight for _, weight in top[label]], centred[k, order])
        assert top_features(model, n=5, class_=label) == {label: top[label]}


def test_top_features_across_blocks(monkeypatch):
    X, y = data(4)
    model = LogisticRegression().fit(X, y)
    whole = top_features(model, n=4)
    monkeypatch.setattr("skmaxent.inspection.top._BLOCK", 5)
    assert top_features(model, n=4) == whole


def test_export_as_dict_and_frame():
    pytest.importorskip("pandas")
    X, y = data(4)
    explanation = explain(LinearSVC().fit(X, y), X[0], top=3)
    exported = json.loads(json.dumps(explanation.to_dict()))
    assert exported["features"][0]["name"] == explanation.features[0]
    votes = sum(np.array(feature["votes"]) for feature in exported["features"])
    rest = sum(np.array(exported[key]) for key in ("remainder", "offset", "class_mean"))
    np.testing.assert_allclose(votes + rest, exported["scores"], rtol=1e-12)
    frame = explanation.to_frame()
    np.testing.assert_allclose(frame["vote"].sum(), explanation.scores, rtol=1e-12)
    assert frame["vote"].columns.tolist() == explanation.classes
    assert frame.loc[explanation.features[0], ("value", "")] == explanation.values[0]


X_BAD, Y_BAD = data(3)
FITTED = LogisticRegression().fit(X_BAD, Y_BAD)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: explain(LogisticRegression(), X_BAD[0]), NotFittedError, "is not fitted yet"),
        (
            lambda: explain(make_pipeline(StandardScaler(), LinearSVC()), X_BAD[0]),
            NotFittedError,
            "not fitted yet",
        ),
        (
            lambda: explain(FITTED, X_BAD[:2]),
            ValueError,
            r"Found array with 2 sample.*\(2, 12\)",
        ),
        (lambda: explain(FITTED, X_BAD[:0]), ValueError, r"0 sample\(s\)"),
        (
            lambda: explain(FITTED, X_BAD[0, :7]),
            ValueError,
            "X has 7 features, but LogisticRegression is",
        ),
        (
            lambda: explain(FITTED, X_BAD[0], contrast=("ant", "owl")),
            ValueError,
            "'owl' is not a class of",
        ),
        (lambda: explain(FITTED, X_BAD[0], contrast=("ant", "ant")), ValueError, "two different classes"),
        (
            lambda: explain(FITTED, X_BAD[0], contrast="ant"),
            ValueError,
            "The 'contrast' parameter of explain",
        ),
        (lambda: explain(FITTED, X_BAD[0], top=0), ValueError, "The 'top' parameter of explain must be"),
        (
            lambda: explain(RandomForestClassifier(2).fit(X_BAD, Y_BAD), X_BAD[0]),
            ValueError,
            "Got RandomForestClassifier instead",
        ),
        (
            lambda: explain(LinearRegression().fit(X_BAD, X_BAD[:, 0]), X_BAD[0]),
            ValueError,
            "LinearRegression",
        ),
        (lambda: explain(SVC(kernel="linear").fit(X_BAD, Y_BAD), X_BAD[0]), ValueError, "between pairs"),
        (lambda: top_features(FITTED, class_="owl"), ValueError, "class_='owl' is not a valid label"),
        (lambda: top_features(FITTED, n=0), ValueError, "The 'n' parameter of top_features must be"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_top_features_refuses_hidden_layers():
    model = MLPClassifier((3,), max_iter=1)
    with pytest.warns(UserWarning):
        model.fit(X_BAD, Y_BAD)
    with pytest.raises(ValueError, match=r"use explain\. Got MLPClassifier instead"):
        top_features(model)
