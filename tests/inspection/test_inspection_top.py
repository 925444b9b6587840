"""The strongest features of many classes and of sparse weights."""

import numpy as np
import pytest
from problems import random_sparse
from scipy import sparse

from skmaxent import CoefficientsDisplay, MaxEntClassifier, explain, top_features
from skmaxent.inspection import top


def model_with(coef):
    model = MaxEntClassifier()
    K, d = coef.shape
    classes = np.array([f"class {k}" for k in range(K)])
    model.__dict__.update(classes_=classes, coef_=coef, intercept_=np.zeros(K), n_features_in_=d)
    return model


@pytest.mark.parametrize("density", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
@pytest.mark.parametrize("n", [1, 7, 100])
def test_sparse_weights_give_what_dense_ones_give(density, convert, n):
    coef = random_sparse(5, 300, density).toarray()
    stored = convert(coef) if convert is not sparse.coo_array else sparse.csr_array(sparse.coo_array(coef))
    dense, thin = top_features(model_with(coef), n=n), top_features(model_with(stored), n=n)
    for c in dense:
        # Equal weights, of columns without an own weight, may come in any order.
        np.testing.assert_allclose([w for _, w in thin[c]], [w for _, w in dense[c]], rtol=1e-12)
        centred = coef - coef.mean(axis=0)
        k = list(dense).index(c)
        np.testing.assert_allclose(
            [centred[k, int(name[1:])] for name, _ in thin[c]], [w for _, w in thin[c]]
        )


def test_sparse_weights_of_two_classes_and_votes():
    coef = random_sparse(1, 50, 0.5).toarray()
    row = random_sparse(1, 50, 0.9, seed=1)
    dense, thin = model_with(coef), model_with(sparse.csr_array(coef))
    for model in (dense, thin):
        model.__dict__.update(classes_=np.array(["a", "b"]))
    assert top_features(thin, n=5) == top_features(dense, n=5)
    np.testing.assert_array_equal(explain(thin, row).votes, explain(dense, row).votes)
    model = model_with(random_sparse(4, 50, 0.5).toarray())
    expected = explain(model, row).votes
    np.testing.assert_allclose(explain(model.sparsify(), row).votes, expected, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 9])
def test_blocks_of_columns_do_not_matter(monkeypatch, n):
    model = model_with(np.random.default_rng(0).standard_normal((6, 500)))
    whole = top_features(model, n=n)
    monkeypatch.setattr(top, "_BLOCK", 60)
    assert top_features(model, n=n) == whole


def test_a_thousand_classes_are_cut_short():
    model = model_with(np.random.default_rng(0).standard_normal((1000, 8)))
    top = top_features(model, n=3)
    assert len(top) == 1000
    for view in (str(top), top._repr_html_()):
        assert "Shown are the first 40 of 1,000 classes." in view and "class 40" not in view
    assert len(top._repr_html_()) < 100_000


def test_display_of_a_thousand_classes():
    pytest.importorskip("matplotlib").use("Agg")
    model = model_with(np.random.default_rng(0).standard_normal((1000, 8)))
    display = CoefficientsDisplay.from_estimator(model, n=3)
    assert len(display.axes_) == 12
    assert display.figure_._suptitle.get_text().endswith(
        "strongest features of the first 12 of 1,000 classes"
    )
