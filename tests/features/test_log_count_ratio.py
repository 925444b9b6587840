"""LogCountRatioScaler: the weights of naive Bayes, scikit-learn's checks, and misuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import LogCountRatioScaler, MaxEntClassifier, explain


@parametrize_with_checks([LogCountRatioScaler()])
def test_check_estimator(estimator, check):
    check(estimator)


def counts(n_classes, n=40, d=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(0.7, (n, d)).astype(float), rng.integers(n_classes, size=n), rng.integers(0, 4, n)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_two_classes_have_the_weights_of_multinomial_naive_bayes(alpha):
    X, y, m = counts(2)
    bayes = MultinomialNB(alpha=alpha).fit(X, y, sample_weight=m).feature_log_prob_
    scaler = LogCountRatioScaler(alpha=alpha).fit(X, y, sample_weight=m)
    assert_allclose(scaler.scale_, bayes[1] - bayes[0], rtol=1e-12, atol=1e-12)
    assert_array_equal(scaler.log_ratios_[0], scaler.scale_)
    assert_allclose(scaler.transform(X).sum(axis=1), X @ (bayes[1] - bayes[0]))


def test_several_classes_have_the_ratio_of_one_against_the_rest_that_is_largest():
    X, y, m = counts(4)
    scaler = LogCountRatioScaler().fit(X, y, sample_weight=m)
    for k, ratios in enumerate(scaler.log_ratios_):
        one = LogCountRatioScaler().fit(X, y == k, sample_weight=m)
        assert_allclose(ratios, one.scale_, rtol=1e-12, atol=1e-12)
    assert_array_equal(scaler.scale_, np.abs(scaler.log_ratios_).max(axis=0))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_containers_and_precision(n_classes, form, dtype):
    X, y, _ = counts(n_classes)
    given = form(X.astype(dtype))
    scaler = LogCountRatioScaler().fit(given, y)
    scaled = scaler.transform(given)
    assert scaled.dtype == dtype and sparse.issparse(scaled) == sparse.issparse(given)
    dense = scaled.toarray() if sparse.issparse(scaled) else scaled
    assert_allclose(dense, X * LogCountRatioScaler().fit(X, y).scale_, rtol=1e-5, atol=1e-6)
    assert_array_equal(given.toarray() if sparse.issparse(given) else given, X)  # a copy was scaled


def test_weights_are_repeats():
    X, y, m = counts(3)
    repeated = LogCountRatioScaler().fit(np.repeat(X, m, axis=0), np.repeat(y, m))
    weighted = LogCountRatioScaler().fit(X, y, sample_weight=m)
    assert_allclose(weighted.log_ratios_, repeated.log_ratios_, rtol=1e-12, atol=1e-12)


def test_words_keep_their_names_in_explanations():
    texts = ["a fine film", "fine acting", "a dull film", "dull plot"]
    model = make_pipeline(CountVectorizer(binary=True), LogCountRatioScaler(), MaxEntClassifier())
    model.fit(texts, ["pos", "pos", "neg", "neg"])
    votes = dict(zip(*[(e := explain(model, "fine plot")).features, e.votes[:, 0]]))
    assert votes["fine"] > 0 > votes["plot"]
    assert model[:-1].get_feature_names_out().tolist() == ["acting", "dull", "film", "fine", "plot"]


def test_misuse_is_told():
    X, y, _ = counts(2)
    with pytest.raises(ValueError, match="Negative values in data passed to LogCountRatioScaler"):
        LogCountRatioScaler().fit(-X, y)
    with pytest.raises(ValueError, match="only one class"):
        LogCountRatioScaler().fit(X, np.zeros(len(y)))
    with pytest.raises(ValueError, match="The 'alpha' parameter of LogCountRatioScaler must be a float"):
        LogCountRatioScaler(alpha=0).fit(X, y)
    scaler = LogCountRatioScaler().fit(X, y)
    before = scaler.scale_.copy()
    with pytest.raises(ValueError, match="only one class"):
        scaler.fit(X[:, :3], np.zeros(len(y)))
    assert scaler.transform(X).shape == X.shape  # the old model is whole
    assert_array_equal(scaler.scale_, before)
