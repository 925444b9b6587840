"""BackpropMLPClassifier: weights of examples and classes, and targets of every kind."""

import warnings

import numpy as np
import pytest
from networks import same_model, text_like
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_moons, make_multilabel_classification

from skmaxent import BackpropMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weights_are_repetitions(solver):
    """In full batches a weight of 2 is the row twice, of 0 its absence; they scale as alpha does."""
    X, y = make_moons(60, noise=0.2, random_state=0)
    w = np.random.default_rng(0).integers(0, 4, 60)
    options = {
        "hidden_layer_sizes": (8,),
        "solver": solver,
        "max_iter": 30,
        "random_state": 0,
        "batch_size": 1000,
        "dropout": 0.25,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        weighted = BackpropMLPClassifier(**options).fit(X, y, sample_weight=w)
        repeated = BackpropMLPClassifier(**options).fit(X.repeat(w, axis=0), y.repeat(w))
        scaled = BackpropMLPClassifier(alpha=2.5e-4, **options).fit(X, y, sample_weight=w * 2.5)
    same_model(weighted, repeated, 1e-6)
    same_model(weighted, scaled, 1e-6)


def test_class_weight():
    X, y = text_like(n=200, n_classes=3)
    y[y == 2] = np.where(np.arange((y == 2).sum()) % 5, 1, 2)  # make class 2 rare
    options = {"hidden_layer_sizes": (6,), "solver": "lbfgs", "random_state": 0, "max_iter": 50}
    factors = {0: 2.0, 1: 0.5, 2: 3.0}
    same_model(
        BackpropMLPClassifier(class_weight=factors, **options).fit(X, y),
        BackpropMLPClassifier(**options).fit(X, y, sample_weight=np.vectorize(factors.get)(y)),
    )
    balanced = 200 / (3 * np.bincount(y))
    same_model(
        BackpropMLPClassifier(class_weight="balanced", **options).fit(X, y),
        BackpropMLPClassifier(**options).fit(X, y, sample_weight=balanced[y]),
        1e-12,
    )


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_soft_labels(solver):
    """A row with the distribution t is a row of each class k with the weight t_k; counts are weights."""
    X, y = text_like(n=50, d=60, n_classes=3, density=0.1)
    counts = np.random.default_rng(0).integers(0, 3, (50, 3)) + np.eye(3, dtype=int)[y]
    options = {"hidden_layer_sizes": (6,), "solver": solver, "max_iter": 20, "random_state": 0}
    soft = BackpropMLPClassifier(**options).fit(X, counts.astype(float))
    assert soft.out_activation_ == "softmax" and soft.n_outputs_ == 3
    assert_array_equal(soft.classes_, [0, 1, 2])
    hard = BackpropMLPClassifier(**options).fit(
        sparse.vstack([X] * 3).tocsr(), np.repeat([0, 1, 2], 50), sample_weight=counts.T.ravel()
    )
    same_model(soft, hard, 1e-6)
    assert_allclose(soft.predict_proba(X).sum(axis=1), 1)
    with pytest.raises(ValueError, match="non-negative"):
        BackpropMLPClassifier().fit(X, counts - 1.5)


def test_multilabel():
    X, Y = make_multilabel_classification(200, n_classes=4, random_state=0)
    X = X / X.max()
    options = {"hidden_layer_sizes": (20,), "solver": "lbfgs", "random_state": 0}
    mlp = BackpropMLPClassifier(**options).fit(X, Y)
    assert mlp.out_activation_ == "logistic"
    assert mlp.predict(X).shape == Y.shape
    assert mlp.score(X, Y) > 0.6
    assert_array_equal(mlp.predict(X), mlp.predict_proba(X) > 0.5)
    same_model(BackpropMLPClassifier(**options).fit(X, sparse.csr_matrix(Y)), mlp)
    with pytest.raises(ValueError, match="class_weight"):
        BackpropMLPClassifier(class_weight="balanced").fit(X, Y)
    # without a hidden layer the labels are independent models
    independent = BackpropMLPClassifier((), solver="lbfgs", tol=1e-9).fit(X, Y)
    alone = BackpropMLPClassifier((), solver="lbfgs", tol=1e-9).fit(X, Y[:, 2])
    assert_allclose(independent.coefs_[0][:, [2]], alone.coefs_[0], atol=1e-5)


def test_labels_of_any_kind():
    X, y = text_like(n=60, n_classes=3)
    options = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
    reference = BackpropMLPClassifier(**options).fit(X, y)
    for labels in (
        np.array(["b", "a", "c"]),
        np.array(["b", "a", "c"], dtype=object),
        np.array([5, -1, 7]),
        np.array([2.0, 1.0, 3.0]),
    ):
        mlp = BackpropMLPClassifier(**options).fit(X, np.sort(labels)[y])
        assert_array_equal(mlp.classes_, np.sort(labels))
        assert_array_equal(mlp.predict(X), np.sort(labels)[reference.predict(X)])


@pytest.mark.parametrize("binary", [True, False])
def test_probabilities(binary):
    X, y = text_like(n=60, n_classes=2 if binary else 3)
    mlp = BackpropMLPClassifier((5,), max_iter=20, random_state=0).fit(X, y)
    p, log_p = mlp.predict_proba(X), mlp.predict_log_proba(X)
    assert_allclose(p.sum(axis=1), 1)
    assert_allclose(np.exp(log_p), p, rtol=1e-12)
    assert_array_equal(mlp.predict(X), mlp.classes_[p.argmax(axis=1)])
    assert mlp.out_activation_ == ("logistic" if binary else "softmax")
