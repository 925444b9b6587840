"""MaxEntClassifier against scikit-learn's optimum, closed forms, invariances and its own certificate."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import SHAPES, assert_same_model, dataset, random_sparse, reference, tight
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skmaxent import MaxEntClassifier
from skmaxent.convex.solvers import SOLVERS

# Any ConvergenceWarning fails, but the one about rounding: the tests ask for more digits than some reach.
pytestmark = [
    pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings(
        "ignore:.*limit of the floating-point precision:sklearn.exceptions.ConvergenceWarning"
    ),
]
ALL_SOLVERS = [*SOLVERS, "auto"]


def with_long_indices(X):
    X = sparse.csr_matrix(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def memory_map(X, directory):
    path = directory / "X.npy"
    np.save(path, X.toarray())
    return np.load(path, mmap_mode="r")


def read_only_sparse(X):
    X = X.copy()
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    return X


CONTAINERS = {
    "dense C": lambda X, _: X.toarray(),
    "dense F": lambda X, _: np.asfortranarray(X.toarray()),
    "list": lambda X, _: X.toarray().tolist(),
    "csr_matrix": lambda X, _: sparse.csr_matrix(X),
    "csc_matrix": lambda X, _: sparse.csc_matrix(X),
    "coo_matrix": lambda X, _: sparse.coo_matrix(X),
    "csr_array": lambda X, _: sparse.csr_array(X),
    "csc_array": lambda X, _: sparse.csc_array(X),
    "coo_array": lambda X, _: sparse.coo_array(X),
    "lil_array": lambda X, _: sparse.lil_array(X),
    "int64 indices": lambda X, _: with_long_indices(X),
    "memory map": memory_map,
    "read-only csr": lambda X, _: read_only_sparse(X),
    "read-only csc": lambda X, _: read_only_sparse(X.tocsc()),
}


# ---- agreement with scikit-learn


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_optimum_of_logistic_regression(solver, shape, n_classes, fit_intercept, C):
    X, y = dataset(shape, n_classes)
    expected = reference(X, y, C, fit_intercept)
    for container in (X, X.toarray()):
        model = tight(C=C, solver=solver, fit_intercept=fit_intercept).fit(container, y)
        assert_same_model(model, expected)
        assert_allclose(model.predict_proba(container), expected.predict_proba(container), atol=1e-6)
        assert_allclose(model.decision_function(X).ravel(), model.decision_function(container).ravel())
    if not fit_intercept:
        assert_array_equal(model.intercept_, 0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container(tmp_path, container, solver, shape):
    X, y = dataset(shape)
    given = CONTAINERS[container](X, tmp_path)
    model = tight(solver=solver).fit(given, y)
    assert_same_model(model, reference(X, y))
    assert_array_equal(X.toarray(), random_sparse(*SHAPES[shape], density=0.4).toarray())
    assert model.score(given, y) == np.mean(model.predict(X) == y)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("layout", ["csr", "csc", "dense"])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_single_precision(solver, layout, n_classes, fit_intercept):
    X, y = dataset("wide", n_classes)
    expected = reference(X, y, fit_intercept=fit_intercept)
    X = X.astype(np.float32)
    X = X.toarray() if layout == "dense" else X.asformat(layout)
    model = MaxEntClassifier(solver=solver, fit_intercept=fit_intercept).fit(X, y)
    assert model.coef_.dtype == model.intercept_.dtype == model.predict_proba(X).dtype == np.float32
    assert_same_model(model, expected, tolerance=5e-3)
    assert model.convergence_["relative_gap"] <= 1e-6


@pytest.mark.parametrize("dtype", [np.int64, np.int8, bool, np.float16])
def test_other_types_become_float64(dtype):
    X, y = dataset()
    X = (X.toarray() > 0.5).astype(dtype)
    model = tight().fit(sparse.csr_array(X) if dtype != np.float16 else X, y)
    assert model.coef_.dtype == np.float64
    assert_same_model(model, reference(X.astype(float), y))


@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_class_and_sample_weights(solver):
    X, y = dataset()
    weights = np.random.default_rng(5).uniform(0, 3, len(y))
    totals = np.bincount(y, weights)
    balanced = dict(enumerate(totals.sum() / (3 * totals)))
    for class_weight, factors in [({0: 0.2, 2: 5.0}, {0: 0.2, 1: 1.0, 2: 5.0}), ("balanced", balanced)]:
        model = tight(solver=solver, class_weight=class_weight).fit(X, y, weights)
        assert_same_model(model, reference(X, y, sample_weight=weights, class_weight=factors))


def test_real_text(real_corpus):
    """Tf-idf of docstrings: the objective that LogisticRegression reaches, within the gap we prove."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from skmaxent.datasets import load_docstrings

    corpus = real_corpus(load_docstrings)
    kept = np.flatnonzero(np.asarray(corpus.target) < 6)[::3]
    X = TfidfVectorizer(min_df=2).fit_transform([corpus.data[i] for i in kept])
    y = np.asarray(corpus.target)[kept]
    assert len(np.unique(y)) == 6
    model = MaxEntClassifier(tol=1e-9).fit(X, y)
    theirs = LogisticRegression(solver="newton-cg", tol=1e-8, max_iter=500).fit(X, y)
    assert_allclose(model.predict_proba(X), theirs.predict_proba(X), atol=1e-4)
    assert_allclose(model.coef_, theirs.coef_, atol=1e-4)


# ---- weights, counts and distributions


@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("layout", [sparse.csr_array, sparse.csc_array, sparse.csr_array.toarray])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repeats_to_the_bit(n_classes, layout, solver):
    X, y = dataset(n_classes=n_classes)
    counts = np.random.default_rng(1).integers(0, 4, len(y))
    repeats = np.repeat(np.arange(len(y)), counts)
    model = MaxEntClassifier(solver=solver)
    weighted = model.fit(layout(X), y, counts).coef_.copy()
    repeated = model.fit(layout(X[np.random.default_rng(2).permutation(repeats)]), y[
        np.random.default_rng(2).permutation(repeats)]).coef_  # fmt: skip
    assert_array_equal(weighted, repeated)


@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_label_masses_are_weighted_copies(n_classes, solver):
    X, _ = dataset()
    masses = np.random.default_rng(3).integers(0, 4, (X.shape[0], n_classes)).astype(float)
    model = tight(solver=solver).fit(X, masses)  # some rows may have no mass: they are absent
    copies = np.tile(X.toarray(), (n_classes, 1))
    labels = np.repeat(np.arange(n_classes), X.shape[0])
    assert_same_model(model, reference(copies, labels, sample_weight=masses.T.ravel()))
    assert_array_equal(model.classes_, np.arange(n_classes))


def test_one_hot_masses_are_labels_and_weights_multiply_masses():
    X, y = dataset()
    weights = np.random.default_rng(3).uniform(0.5, 2, len(y))
    by_label = tight().fit(X, y, weights)
    one_hot = np.eye(3)[y]
    for masses, extra in [(one_hot, weights), (one_hot * weights[:, None], None)]:
        assert_same_model(tight().fit(X, masses, extra), by_label, tolerance=1e-8)
    balanced = tight(class_weight="balanced")
    assert_same_model(balanced.fit(X, one_hot), tight(class_weight="balanced").fit(X, y), tolerance=1e-8)


# ---- invariances


@pytest.mark.parametrize("solver", ALL_SOLVERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_order_and_scale_do_not_matter(shape, solver):
    X, y = dataset(shape)
    base = tight(solver=solver).fit(X, y)
    rows = np.random.default_rng(4).permutation(X.shape[0])
    columns = np.random.default_rng(5).permutation(X.shape[1])
    assert_same_model(tight(solver=solver).fit(X[rows], y[rows]), base)
    moved = tight(solver=solver).fit(X[:, columns], y)
    assert_allclose(moved.coef_, base.coef_[:, columns], atol=1e-6)
    scaled = tight(solver=solver, C=1 / 7.0**2).fit(7 * X, y)
    assert_allclose(7 * scaled.coef_, base.coef_, atol=1e-6)
    assert_allclose(scaled.intercept_, base.intercept_, atol=1e-6)


@pytest.mark.parametrize("names", [["no", "perhaps", "yes"], [-7, 0, 12], [0.0, 1.0, 2.0], list("xyz")])
def test_names_of_the_labels_do_not_matter(names):
    X, y = dataset()
    for dtype in (None, object):
        labels = np.array(names, dtype=dtype)
        if dtype is object and not isinstance(names[0], str):
            continue  # scikit-learn does not take objects that are numbers
        model, base = MaxEntClassifier().fit(X, labels[y]), MaxEntClassifier().fit(X, y)
        assert_array_equal(model.coef_, base.coef_)
        assert_array_equal(model.classes_, labels)
        assert_array_equal(model.predict(X), labels[base.predict(X)])


# ---- closed forms and limits


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_columns_without_information_give_the_log_priors(solver, n_classes, container):
    y = np.repeat(np.arange(n_classes), np.arange(2, 2 + n_classes) ** 2)
    X = container(np.zeros((len(y), 3)))
    model = tight(solver=solver).fit(X, y)
    prior = np.bincount(y) / len(y)
    assert_array_equal(model.coef_, 0)
    assert_allclose(model.predict_proba(X), np.tile(prior, (len(y), 1)), rtol=1e-9)
    if n_classes == 2:
        assert_allclose(model.intercept_, np.log(prior[1] / prior[0]), rtol=1e-9)
    else:
        assert_allclose(model.intercept_, np.log(prior) - np.log(prior).mean(), rtol=1e-8)
    entropy = -(prior * np.log(prior)).sum()
    assert model.convergence_["objective"] == pytest.approx(entropy, rel=1e-12)


@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_unpenalised_indicators_reproduce_the_frequencies(solver):
    groups = np.repeat(np.arange(3), [10, 20, 30])
    y = np.random.default_rng(0).integers(0, 3, 60)
    y[::7] = groups[::7]
    X = np.eye(3)[groups]
    model = MaxEntClassifier(C=np.inf, fit_intercept=False, solver=solver, tol=1e-9).fit(X, y)
    frequencies = np.array([np.bincount(y[groups == g], minlength=3) / np.sum(groups == g) for g in range(3)])
    assert_allclose(model.predict_proba(np.eye(3)), frequencies, atol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_unpenalised_optimum_matches_the_counts(solver, n_classes, fit_intercept):
    X, y = dataset((200, 5), n_classes)
    model = MaxEntClassifier(C=np.inf, tol=1e-8, solver=solver, fit_intercept=fit_intercept).fit(X, y)
    report = model.convergence_
    assert report["stop_reason"] == "converged"
    assert 0 <= report["relative_gap"] <= 1e-8
    assert report["gradient_norm"] <= 1e-6
    assert_allclose(model.expected_counts(X), model.observed_counts(X, y), atol=1e-4)
    assert_allclose(
        model.coef_ @ np.ones(5), reference(X, y, 1e10, fit_intercept).coef_ @ np.ones(5), rtol=0.05
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_separable_data_without_prior_warn_and_stay_finite(solver, n_classes):
    y = np.repeat(np.arange(n_classes), 5)
    X = np.eye(n_classes)[y] + 0.01 * np.random.default_rng(0).standard_normal((len(y), n_classes))
    with pytest.warns(ConvergenceWarning, match="separable"):
        model = MaxEntClassifier(C=np.inf, solver=solver).fit(X, y)
    assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()
    assert_array_equal(model.predict(X), y)


# ---- the two sides of the constraint


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("C", [0.3, 10.0])
def test_counts_differ_by_the_weights_over_C(C, n_classes):
    X, y = dataset(n_classes=n_classes)
    weights = np.random.default_rng(2).uniform(0.5, 2, len(y))
    model = tight(C=C).fit(X, y, weights)
    observed, expected = model.observed_counts(X, y, weights), model.expected_counts(X, weights)
    assert_allclose(observed, ((np.eye(n_classes)[y] * weights[:, None]).T @ X.toarray()), atol=1e-12)
    difference = observed - expected
    assert_allclose(difference if n_classes > 2 else difference[1:], model.coef_ / C, atol=1e-6)
    assert_allclose(model.observed_counts(X, np.eye(n_classes)[y], weights), observed, atol=1e-12)
    with pytest.raises(ValueError, match="unseen labels"):
        model.observed_counts(X, np.full(len(y), 99))
