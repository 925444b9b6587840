"""What tools around a classifier find: the kind of its prior, and weights as an array."""

import copy
import pickle

import numpy as np
import pytest
from observed_problems import problem
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_selection import SelectFromModel

from skmaxent import MaxEntClassifier, MaxEntClassifierCV

X, Y = problem()


# ---- the kind of the prior


@pytest.mark.parametrize(
    "model, name",
    [
        (MaxEntClassifier(C=1.0, l1_ratio=1), "l1"),
        (MaxEntClassifier(C=1.0, l1_ratio=0.5), "elasticnet"),
        (MaxEntClassifier(C=1.0), "l2"),
        (MaxEntClassifierCV(Cs=[1.0], l1_ratios=[1], cv=2), "l1"),
        (MaxEntClassifierCV(Cs=[1.0], l1_ratios=[0], cv=2), "l2"),
        (MaxEntClassifierCV(Cs=[1.0], l1_ratios=[0.3], cv=2, refit=False), "elasticnet"),
    ],
)
def test_a_tool_that_asks_for_the_penalty_learns_it(model, name):
    assert model.penalty == name and clone(model).penalty == name
    assert "penalty" not in model.get_params()
    selector = SelectFromModel(model).fit(X, Y)
    assert selector.estimator_.penalty == name
    weights = selector.estimator_.coef_
    sizes = np.abs(weights).sum(axis=0)
    threshold = 1e-5 if name == "l1" else sizes.mean()
    assert selector.threshold_ == pytest.approx(threshold)
    np.testing.assert_array_equal(selector.get_support(), sizes >= threshold)
    assert 0 < selector.get_support().sum() < X.shape[1]


def test_the_penalty_follows_the_parameters_and_cannot_be_set():
    model = MaxEntClassifier(l1_ratio=1, C=np.inf)
    assert model.penalty is None
    assert model.set_params(C=1).penalty == "l1"
    with pytest.raises(AttributeError, match="penalty"):
        model.penalty = "l2"
    with pytest.raises(ValueError, match="Invalid parameter 'penalty'"):
        model.set_params(penalty="l2")
    assert MaxEntClassifierCV(l1_ratios=[0.0, 1.0]).penalty == "elasticnet"
    chosen = MaxEntClassifierCV(Cs=[0.5], l1_ratios=[0.0, 1.0], cv=2).fit(X, Y)
    assert chosen.penalty == {0.0: "l2", 1.0: "l1"}[chosen.l1_ratio_]


# ---- weights of observed pairs as an array


@pytest.fixture
def sparse_weights(monkeypatch):
    monkeypatch.setattr("skmaxent.estimators.common.prediction.DENSE_BYTES", 0)
    return MaxEntClassifier(features="observed").fit(X, Y)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_weights_of_observed_pairs_are_an_array_up_to_a_size(monkeypatch, dtype):
    size = 5 * X.shape[1] * np.dtype(dtype).itemsize
    model = MaxEntClassifier(features="observed")
    monkeypatch.setattr("skmaxent.estimators.common.prediction.DENSE_BYTES", size)
    array = clone(model).fit(X.astype(dtype), Y)
    monkeypatch.setattr("skmaxent.estimators.common.prediction.DENSE_BYTES", size - 1)
    thin = clone(model).fit(X.astype(dtype), Y)
    assert type(array.coef_) is np.ndarray and array.coef_.dtype == thin.coef_.dtype == dtype
    assert sparse.issparse(thin.coef_) and thin.coef_.format == "csc"
    np.testing.assert_array_equal(array.coef_, thin.coef_.toarray())
    assert array.coef_.T.flags.c_contiguous  # one row of X is scored from rows of K weights
    np.testing.assert_allclose(array.predict_proba(X), thin.predict_proba(X), atol=1e-6)


def test_selection_by_observed_pairs():
    selector = SelectFromModel(MaxEntClassifier(features="observed", l1_ratio=1, C=1.0)).fit(X, Y)
    np.testing.assert_array_equal(selector.get_support(), selector.estimator_.coef_.any(axis=0))


@pytest.mark.parametrize(
    "use",
    [
        np.asarray,
        np.count_nonzero,
        lambda coef: np.linalg.norm(coef, axis=0, ord=1),  # SelectFromModel before 1.9
        lambda coef: np.dot(coef, np.ones(X.shape[1])),  # SHAP
        lambda coef: coef.ravel(),  # skl2onnx
    ],
)
@pytest.mark.parametrize("by_hand", [True, False])
def test_an_array_of_sparse_weights_names_densify(sparse_weights, use, by_hand):
    model = MaxEntClassifier().fit(X, Y).sparsify() if by_hand else sparse_weights
    with pytest.raises(TypeError, match=r"sparse matrix of shape \(5, 25\).*Call densify\(\) on"):
        use(model.coef_)
    use(model.densify().coef_)


def test_sparse_weights_are_an_ordinary_sparse_matrix(sparse_weights):
    coef = sparse_weights.coef_
    array = coef.toarray()
    for again in (copy.deepcopy(coef), pickle.loads(pickle.dumps(coef))):
        np.testing.assert_array_equal(again.toarray(), array)
    np.testing.assert_array_equal(sparse.hstack([coef, coef]).toarray(), np.hstack([array, array]))
    np.testing.assert_array_equal(sparse.csr_array(coef).toarray(), array)
    np.testing.assert_array_equal((np.float64(2) * abs(coef)).toarray(), 2 * np.abs(array))
    np.testing.assert_array_equal(coef[:, [3, 1]].toarray(), array[:, [3, 1]])
    np.testing.assert_allclose(np.ones((2, 5)) @ coef, np.ones((2, 5)) @ array)
    np.testing.assert_allclose(X @ coef.T @ np.ones(5), X @ array.T @ np.ones(5))
    assert np.sum(coef) == pytest.approx(array.sum()) and np.max(coef) == array.max()
