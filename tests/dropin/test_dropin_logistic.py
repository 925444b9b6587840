"""LogisticRegression and LogisticRegressionCV of skmaxent.dropin: same optimum, which engine, same class."""

import pickle

import numpy as np
import pytest
import sklearn.linear_model as theirs
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import scale

from skmaxent.dropin import LogisticRegression, LogisticRegressionCV

X, y = load_iris(return_X_y=True)
X = scale(X)
X2, y2 = load_breast_cancer(return_X_y=True)
X2 = scale(X2)


def both(X, y, weights=None, tol=1e-10, **parameters):
    """Ours and theirs, fitted; theirs to the limit."""
    ours = LogisticRegression(tol=tol, max_iter=10_000, **parameters).fit(X, y, sample_weight=weights)
    other = theirs.LogisticRegression(tol=tol, max_iter=10_000, **parameters).fit(X, y, sample_weight=weights)
    return ours, other


@pytest.mark.parametrize("data", [(X, y), (X2, y2)], ids=["several", "two"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky"])
def test_same_optimum(data, fit_intercept, weighted, solver):
    X, y = data
    weights = np.random.default_rng(0).integers(0, 3, len(y)) if weighted else None
    more = {"class_weight": "balanced"} if weighted else {}
    more["fit_intercept"] = fit_intercept
    ours, other = both(X, y, weights, solver=solver, **more)
    if solver == "lbfgs":  # whose own optimum has five digits
        other = both(X, y, weights, solver="newton-cg", **more)[1]
    assert ours.fit_engine_ == "skmaxent"
    assert_allclose(ours.coef_, other.coef_, atol=1e-6)
    assert_allclose(ours.intercept_, other.intercept_, atol=1e-6)
    assert ours.coef_.dtype == other.coef_.dtype and ours.n_iter_.shape == other.n_iter_.shape
    assert vars(ours).keys() - vars(other).keys() == {"fit_engine_"}


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_laplace_prior(l1_ratio):
    ours, other = both(X2, y2, solver="saga", C=0.1, tol=1e-6, **_prior(l1_ratio))
    assert ours.fit_engine_ == "skmaxent"
    assert_allclose(ours.coef_, other.coef_, atol=1e-3)


def _prior(l1_ratio):
    """The same prior in the words of the installed version."""
    if theirs.LogisticRegression().penalty == "deprecated":
        return {"l1_ratio": l1_ratio}
    return {"penalty": "l1"} if l1_ratio == 1 else {"penalty": "elasticnet", "l1_ratio": l1_ratio}


@pytest.mark.parametrize(
    "parameters",
    [{"solver": "liblinear"}, {"solver": "liblinear", "dual": True}, {"max_iter": 3}],
    ids=lambda p: "-".join(map(str, p.values())),
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_rest_is_theirs_to_the_bit(parameters):
    ours = LogisticRegression(random_state=0, **parameters).fit(X2, y2)
    other = theirs.LogisticRegression(random_state=0, **parameters).fit(X2, y2)
    assert ours.fit_engine_ == "scikit-learn"
    np.testing.assert_array_equal(ours.coef_, other.coef_)


def test_separated_data_without_prior_are_theirs():
    parameters = {"C": np.inf} if LogisticRegression().penalty == "deprecated" else {"penalty": None}
    ours = LogisticRegression(**parameters).fit([[0.0], [1.0]], [0, 1])
    other = theirs.LogisticRegression(**parameters).fit([[0.0], [1.0]], [0, 1])
    assert ours.fit_engine_ == "scikit-learn"
    np.testing.assert_array_equal(ours.coef_, other.coef_)


def test_their_warning_where_max_iter_is_hit():
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        LogisticRegression(max_iter=2).fit(X2, y2)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix])
def test_sparse_float32(container):
    data = container(np.where(np.abs(X2) < 0.5, 0, X2).astype(np.float32))
    ours = LogisticRegression(solver="newton-cg").fit(data, y2)
    other = theirs.LogisticRegression(solver="newton-cg").fit(data, y2)
    assert ours.fit_engine_ == "skmaxent" and ours.coef_.dtype == other.coef_.dtype == np.float32
    assert_allclose(ours.coef_, other.coef_, atol=2e-3)


@pytest.mark.parametrize("data", [(X, y), (X2, y2)], ids=["several", "two"])
@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_cross_validation(data, refit):
    X, y = data
    parameters = {
        "Cs": 4,
        "solver": "newton-cg",
        "cv": 3,
        "scoring": "neg_log_loss",
        "tol": 1e-9,
        "max_iter": 10_000,
        "refit": refit,
    }
    ours = LogisticRegressionCV(**parameters).fit(X, y)
    other = theirs.LogisticRegressionCV(**parameters).fit(X, y)
    assert ours.fit_engine_ == "skmaxent"
    assert vars(ours).keys() - vars(other).keys() == {"fit_engine_"}
    for name in ("coef_", "intercept_", "C_", "Cs_"):
        assert_allclose(getattr(ours, name), getattr(other, name), atol=1e-4, err_msg=name)
    for name in ("scores_", "coefs_paths_"):
        mine, yours = getattr(ours, name), getattr(other, name)
        for key in mine if isinstance(mine, dict) else [slice(None)]:
            assert mine[key].shape == yours[key].shape
            assert_allclose(mine[key], yours[key], rtol=1e-3, atol=1e-4, err_msg=name)
    assert ours.n_iter_.shape == other.n_iter_.shape


def test_it_is_their_class():
    model = LogisticRegression(C=3.0)
    assert isinstance(model, theirs.LogisticRegression) and repr(model) == "LogisticRegression(C=3.0)"
    assert clone(model).get_params() == model.get_params()
    assert [*make_pipeline(model).named_steps] == ["logisticregression"]
    assert "linear_model.LogisticRegression.html" in model._repr_html_inner()
    assert "sample_weight" in str(model.get_metadata_routing())
    again = pickle.loads(pickle.dumps(model.fit(X, y)))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.fit_engine_ == "skmaxent"


def test_their_messages():
    for parameters, data in [({"C": -1}, (X, y)), ({"solver": "liblinear", "dual": 3}, (X, y)),
                             ({}, (X, np.zeros(len(y)))), ({}, (X[:3], y))]:  # fmt: skip
        messages = []
        for kind in (LogisticRegression, theirs.LogisticRegression):
            with pytest.raises(ValueError) as error:
                kind(**parameters).fit(*data)
            messages.append(str(error.value))
        assert messages[0] == messages[1]
