"""features="observed" as an estimator: warm start, threads, sparse weights, errors, paths."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from observed_problems import PRIORS, dense, fit, observed, problem
from scipy import sparse

from skmaxent import MaxEntClassifier, explain, maxent_path, top_features
from skmaxent.convex.design.shared_pairs import ObservedDesign


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("shape", [(60, 25), (25, 90)])
@pytest.mark.parametrize("dense_bytes", [0, 1 << 25])
def test_warm_start_across_everything(prior, shape, dense_bytes, monkeypatch):
    monkeypatch.setattr("skmaxent.estimators.common.prediction.DENSE_BYTES", dense_bytes)
    X, y = problem(shape=shape)
    model = MaxEntClassifier(features="observed", warm_start=True, l1_ratio=PRIORS[prior], tol=1e-10)
    first = model.fit(X, y).n_iter_[0]
    assert model.fit(X, y).n_iter_[0] < first
    for change in (
        {"C": 3.0},
        {"min_count": 2},
        {"l1_ratio": 0.3},
        {"features": "all"},
        {"features": "observed"},
    ):
        model.set_params(**change).fit(X, y)
        cold = MaxEntClassifier(**model.get_params()).fit(X, y)
        assert_allclose(dense(model), dense(cold), atol=2e-4)
    model.fit(X[5:], y[5:])
    assert_allclose(dense(model), dense(MaxEntClassifier(**model.get_params()).fit(X[5:], y[5:])), atol=2e-4)


@pytest.mark.parametrize("prior", PRIORS)
def test_same_bits_for_any_number_of_threads(prior, monkeypatch):
    for module in ("skmaxent.convex.design.shared_pairs", "skmaxent.convex.design.blocks"):
        monkeypatch.setattr(f"{module}.LANE_WORK", 8)
    X, y = problem(11, shape=(80, 60))
    one, three = (
        fit(X, y, features="observed", l1_ratio=PRIORS[prior], n_jobs=n_jobs, tol=1e-8) for n_jobs in (1, 3)
    )
    assert_array_equal(dense(one), dense(three))
    assert_array_equal(one.intercept_, three.intercept_)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_sparse_weights_serve_everything(n_classes, monkeypatch):
    X, y = problem(n_classes)
    monkeypatch.setattr("skmaxent.estimators.common.prediction.DENSE_BYTES", 0)
    model = fit(X, y, features="observed", min_count=2)
    assert sparse.issparse(model.coef_) and model.coef_.format == "csc"
    assert model.coef_.shape == ((1 if n_classes == 2 else 5), 25)
    expected = X.toarray() @ dense(model).T + model.intercept_
    monkeypatch.setattr(
        "skmaxent.estimators.common.prediction.BLOCK_ENTRIES", 3 * n_classes
    )  # several blocks
    for form in (X, X.tocsc(), X.toarray(), sparse.csr_matrix(X)):
        scores = model.decision_function(form)
        assert type(scores) is np.ndarray
        assert_allclose(scores.reshape(60, -1), expected, atol=1e-12)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    votes = explain(model, X[[0]]).votes
    top = top_features(model, 3)
    whole = pickle.loads(pickle.dumps(model)).densify()
    assert isinstance(whole.coef_, np.ndarray)
    assert_array_equal(whole.sparsify().coef_.toarray(), dense(model))
    whole.densify()
    assert_allclose(explain(whole, X[[0]]).votes, votes)
    other = top_features(whole, 3)
    assert other.keys() == top.keys()
    for class_, features in top.items():
        assert [name for name, _ in other[class_]] == [name for name, _ in features]
        assert_allclose([weight for _, weight in other[class_]], [weight for _, weight in features])
    assert_allclose(whole.predict_proba(X), model.predict_proba(X))


def test_bad_parameters_are_refused_in_scikit_learns_words():
    X, y = problem()
    for value in (0, -1, 1.5, "many"):
        with pytest.raises(ValueError, match="The 'min_count' parameter of MaxEntClassifier must be an int"):
            MaxEntClassifier(features="observed", min_count=value).fit(X, y)
    with pytest.raises(ValueError, match="The 'features' parameter of MaxEntClassifier must be"):
        MaxEntClassifier(features="seen").fit(X, y)
    with pytest.raises(ValueError, match="newton-cholesky supports only features='all'"):
        MaxEntClassifier(features="observed", solver="newton-cholesky").fit(X, y)


def test_a_failed_fit_leaves_the_old_model_whole(monkeypatch):
    X, y = problem()
    model = MaxEntClassifier(features="observed").fit(X, y)
    before = pickle.dumps(model)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(ObservedDesign, "adjoint", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:40], y[:40])
    assert pickle.dumps(model) == before


def test_convergence_tells_the_number_of_pairs():
    X, y = problem()
    model = MaxEntClassifier(features="observed").fit(X, y)
    assert model.convergence_["n_pairs"] == observed(X, np.eye(5)[y]).sum()
    assert "n_pairs" not in MaxEntClassifier().fit(X, y).convergence_
    laplace = MaxEntClassifier(features="observed", l1_ratio=1).fit(X, y)
    assert laplace.convergence_["history"]["support"][-1] == dense(laplace).any(axis=0).sum()


@pytest.mark.parametrize("l1_ratio", PRIORS.values())
def test_a_path_has_the_models_of_separate_fits(l1_ratio):
    X, y = problem()
    path = maxent_path(X, y, Cs=[0.3, 3], l1_ratio=l1_ratio, features="observed", min_count=2, tol=1e-12)
    for C, coef, intercept, n_nonzero in zip(path.Cs, path.coefs, path.intercepts, path.n_nonzero):
        model = fit(X, y, C=C, l1_ratio=l1_ratio, features="observed", min_count=2, tol=1e-12)
        assert n_nonzero == coef.nnz
        assert_allclose(coef.toarray(), dense(model), atol=1e-4)
        assert_allclose(intercept, model.intercept_, atol=1e-4)
