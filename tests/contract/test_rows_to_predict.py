"""Rows to predict for: sound arrays pass without scikit-learn's checks, all others meet them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError

from skmaxent import BackpropMLPClassifier, MaxEntClassifier
from skmaxent.estimators.common import network_prediction, prediction
from skmaxent.estimators.common import rows as rows_module
from skmaxent.numerics.losses import logistic, sigmoids

rng = np.random.default_rng(0)
X, y = rng.standard_normal((40, 5)), np.arange(40) % 3
MAKE = [MaxEntClassifier, lambda: BackpropMLPClassifier((4,), tol=1e9, n_iter_no_change=1, random_state=0)]


@pytest.fixture(scope="module", params=MAKE)
def model(request):
    return request.param().fit(X, y)


def with_entry(value):
    rows = X.copy()
    rows[3, 2] = value
    return rows


FAULTY = {
    "nan": with_entry(np.nan),
    "inf": with_entry(np.inf),
    "both infinities": np.where(np.arange(5) < 1, np.inf, with_entry(-np.inf)),
    "sparse nan": sparse.csr_array(with_entry(np.nan)),
    "columns": X[:, :4],
    "sparse columns": sparse.csr_array(X[:, :4]),
    "no rows": X[:0],
    "one row": X[0],
    "complex": X + 1j,
    "words": np.array([["a"] * 5]),
    "cube": X[None],
}


@pytest.mark.parametrize("name", FAULTY)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_faulty_rows_are_refused(model, name, method):
    with pytest.raises(ValueError), np.errstate(invalid="ignore"):  # scikit-learn adds infinities up
        getattr(model, method)(FAULTY[name])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
@pytest.mark.parametrize(
    "rows",
    [X.tolist(), np.asfortranarray(X), X[:, ::-1][:, ::-1], sparse.coo_array(X), sparse.csc_matrix(X),
     X.astype(object), X.astype(">f8"), X.view(type("Own", (np.ndarray,), {}))],
)  # fmt: skip
def test_other_containers_are_converted(model, method, rows):
    assert_allclose(getattr(model, method)(rows), getattr(model, method)(X), rtol=1e-12)


@pytest.mark.parametrize("rows", [X, X[:1], sparse.csr_array(X), sparse.csr_matrix(X)])
def test_sound_rows_need_no_checks(model, monkeypatch, rows):
    def refuse(*args, **options):
        raise AssertionError("checked all the same")

    expected = model.predict_proba(rows)
    monkeypatch.setattr(rows_module, "validate_data", refuse)
    for module in (rows_module, prediction, network_prediction):
        monkeypatch.setattr(module, "check_is_fitted", refuse)
    assert_array_equal(model.predict_proba(rows), expected)
    with pytest.raises(AssertionError, match="checked all the same"):
        model.predict_proba(X.tolist())


def test_names_of_columns_are_looked_at():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    model = MaxEntClassifier().fit(frame, y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list("edcba")])


def test_finite_rows_whose_sum_is_not_are_scored(model):
    large = np.where(np.arange(5) < 3, 1.7e308, X)
    with np.errstate(over="ignore"):
        assert np.isinf(large.sum()) and np.isfinite(large).all()
    if isinstance(model, MaxEntClassifier):
        assert np.isfinite(model.decision_function(large)).all()
    small = np.full((2, 5), 1e38, np.float32)
    assert model.predict(small).shape == (2,)


@pytest.mark.parametrize("make", MAKE)
@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "decision_function"])
def test_an_unfitted_model_says_so(make, method):
    with pytest.raises(NotFittedError):
        getattr(make(), method)(X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_probabilities_of_two_classes_are_accurate_on_both_sides(dtype):
    scores = np.array([[-800.0], [-80], [-1], [0], [1e-5], [3], [90], [800]], dtype)
    proba = sigmoids(scores)
    assert proba.dtype == dtype
    eps = np.finfo(dtype).eps
    expected = np.hstack([logistic(-scores)[1], logistic(scores)[1]])
    assert_allclose(proba, expected, rtol=16 * eps, atol=np.finfo(dtype).tiny)
    assert_allclose(proba.sum(axis=1), 1, rtol=4 * eps)
