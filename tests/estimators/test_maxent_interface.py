"""MaxEntClassifier as an estimator: errors, warm start, threads, callbacks, pickles, unbroken state."""

import sys
import types
import warnings

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from problems import dataset
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from skmaxent import MaxEntClassifier
from skmaxent.convex import likelihood as likelihood_module
from skmaxent.convex import starts
from skmaxent.convex.design import blocks as design_module
from skmaxent.convex.design import dense
from skmaxent.convex.solvers import SOLVERS
from skmaxent.convex.spaces import Vectors
from skmaxent.estimators.common import convex_fit
from skmaxent.numerics import threads as threads_module
from skmaxent.numerics.threads import Workers, balanced_cuts, even_cuts, thread_count

# ---- errors


def with_entry(value):
    X = dataset()[0].toarray()
    X[3, 2] = value
    return X


X_GOOD, Y_GOOD = dataset()
MASSES = np.eye(3)[Y_GOOD]
BAD_DATA = {
    "one class": (
        X_GOOD,
        np.zeros(60),
        None,
        "at least 2 classes in the data, but the data contains only one",
    ),
    "one row": (X_GOOD[:1], Y_GOOD[:1], None, "only one class"),
    "no row": (np.empty((0, 8)), [], None, r"Found array with 0 sample\(s\)"),
    "no column": (np.empty((60, 0)), Y_GOOD, None, r"Found array with 0 feature\(s\)"),
    "sparse without column": (sparse.csr_array((60, 0)), Y_GOOD, None, r"Found array with 0 feature\(s\)"),
    "one dimension": (np.ones(60), Y_GOOD, None, "Expected 2D array, got 1D array instead"),
    "zero weights": (X_GOOD, Y_GOOD, np.zeros(60), "at least one non-zero number"),
    "negative weights": (X_GOOD, Y_GOOD, -np.ones(60), "Negative values in data passed to `sample_weight`"),
    "weights of NaN": (X_GOOD, Y_GOOD, np.full(60, np.nan), "sample_weight contains NaN"),
    "weights of another length": (X_GOOD, Y_GOOD, np.ones(59), r"sample_weight.shape == \(59,\)"),
    "NaN": (with_entry(np.nan), Y_GOOD, None, "Input X contains NaN"),
    "infinity": (with_entry(np.inf), Y_GOOD, None, "Input X contains infinity"),
    "sparse NaN": (sparse.csr_array(with_entry(np.nan)), Y_GOOD, None, "Input X contains NaN"),
    "sparse infinity": (sparse.csc_array(with_entry(np.inf)), Y_GOOD, None, "Input X contains infinity"),
    "complex": (X_GOOD.toarray() + 1j, Y_GOOD, None, "Complex data not supported"),
    "strings": (np.full((60, 2), "word"), Y_GOOD, None, "could not convert string to float"),
    "lengths": (X_GOOD, Y_GOOD[:-1], None, "inconsistent numbers of samples"),
    "no y": (X_GOOD, None, None, "requires y to be passed, but the target y is None"),
    "continuous y": (X_GOOD, np.linspace(0, 1, 60), None, "Unknown label type: continuous"),
    "y with NaN": (X_GOOD, np.where(Y_GOOD == 0, np.nan, Y_GOOD), None, "NaN"),
    "negative masses": (X_GOOD, -MASSES, None, "Negative values in data passed to MaxEntClassifier"),
    "masses with NaN": (X_GOOD, MASSES * np.nan, None, "Input y contains NaN"),
    "masses of another length": (X_GOOD, MASSES[:-1], None, "inconsistent numbers of samples"),
    "masses that weigh nothing": (X_GOOD, MASSES * 0, None, "needs a positive total weight"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_are_refused_in_scikit_learns_words(case):
    X, y, weights, message = BAD_DATA[case]
    with pytest.raises(ValueError, match=message):
        MaxEntClassifier().fit(X, y, sample_weight=weights)


@pytest.mark.parametrize(
    "name, value",
    [
        ("C", 0), ("C", -1.0), ("C", "big"), ("C", np.nan), ("tol", -1e-3), ("max_iter", 0),
        ("max_iter", 1.5), ("solver", "saga"), ("fit_intercept", "no"), ("class_weight", "even"),
        ("n_jobs", 1.5), ("warm_start", 2), ("random_state", "seed"), ("verbose", -1),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused_in_scikit_learns_words(name, value):
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of MaxEntClassifier must be .* Got {value!r}"
    ):
        MaxEntClassifier(**{name: value}).fit(X_GOOD, Y_GOOD)


@pytest.mark.parametrize("class_weight", [{7: 2.0}, {0: 1.0, "x": 1.0}, {0: -1.0}, {0: 0, 1: 0, 2: 0}])
def test_bad_class_weights(class_weight):
    with pytest.raises(ValueError, match=r"class_weight|classes"):
        MaxEntClassifier(class_weight=class_weight).fit(X_GOOD, Y_GOOD)


def test_unknown_class_in_class_weight_reads_like_scikit_learn():
    weights = {0: 1.0, 1: 1.0, 7: 2.0}
    messages = []
    for estimator in (MaxEntClassifier(class_weight=weights), LogisticRegression(class_weight=weights)):
        with pytest.raises(ValueError) as error:
            estimator.fit(X_GOOD, Y_GOOD)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_errors_after_fit():
    model = MaxEntClassifier()
    for method in (model.predict, model.predict_proba, model.decision_function, model.expected_counts):
        with pytest.raises(NotFittedError, match="This MaxEntClassifier instance is not fitted yet"):
            method(X_GOOD)
    with pytest.raises(NotFittedError):
        model.sparsify()
    model.fit(X_GOOD, Y_GOOD)
    with pytest.raises(ValueError, match="X has 7 features, but MaxEntClassifier is expecting 8 features"):
        model.predict(X_GOOD[:, :7])


# ---- prediction


@pytest.mark.parametrize("n_classes", [2, 3])
def test_log_probabilities_are_exact_where_probabilities_underflow(n_classes):
    X, y = dataset(n_classes=n_classes)
    model = MaxEntClassifier().fit(X, y)
    assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-12)
    assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=1e-12)
    far = model.predict_log_proba(1e6 * X)
    assert np.isfinite(far).all() and far.min() < -1e4 and far.max() <= 0
    assert model.predict_proba(1e6 * X).min() == 0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparsify_and_densify(n_classes):
    X, y = dataset((40, 30), n_classes)
    model = MaxEntClassifier().fit(X, y)
    coef, scores = model.coef_.copy(), model.decision_function(X)
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    assert_allclose(model.decision_function(X), scores, rtol=1e-12)
    assert_allclose(model.decision_function(X.toarray()), scores, rtol=1e-12)
    assert_allclose(model.decision_function(sparse.csr_matrix(X)), scores, rtol=1e-12)
    assert model.densify() is model and model.densify() is model
    assert_array_equal(model.coef_, coef)
    assert_array_equal(model.decision_function(X), scores)


def test_sound_sparse_rows_skip_validation_and_others_do_not():
    X, y = dataset((40, 30), 3)
    X = sparse.csr_matrix(X)
    model = MaxEntClassifier().fit(X, y)
    expected = model.predict_proba(X.toarray())
    for given in (X, X.tocsc(), X.astype(np.float32), sparse.csr_array(X)):
        assert_allclose(model.predict_proba(given), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="X has 29 features, but MaxEntClassifier is expecting 30"):
        model.predict(X[:, :29])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        model.predict(X[:0])
    bad = X.copy()
    bad.data[0] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(bad)


def test_predicting_one_row_touches_no_copy_of_the_weights():
    X, y = dataset((40, 3000))
    model = MaxEntClassifier().fit(X, y)
    assert model.coef_.T.flags.c_contiguous
    batch = model.predict_proba(X[:3])
    for i in range(3):
        assert_allclose(model.predict_proba(X[[i]]), batch[[i]], rtol=1e-12)


# ---- warm start


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [(60, 8), (30, 45)])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_warm_start(solver, shape, n_classes):
    X, y = dataset(shape, n_classes)
    model = MaxEntClassifier(solver=solver, warm_start=True, C=10.0, tol=1e-8).fit(X, y)
    cold_products, space = model.convergence_["n_products"], model.convergence_["space"]
    again = model.fit(X, y).convergence_
    assert again["n_products"] < cold_products
    # Row space expresses old weights only up to the condition of the problem.
    assert again["n_iter"] <= 1 or space == "rows"
    # From the optimum of another C it takes no more work, and the same optimum is found.
    warm = model.set_params(C=5.0).fit(X, y)
    cold = MaxEntClassifier(solver=solver, C=5.0, tol=1e-8).fit(X, y)
    assert warm.convergence_["relative_gap"] <= 1e-8
    assert warm.convergence_["n_products"] <= cold.convergence_["n_products"]
    history, cold_history = warm.convergence_["history"], cold.convergence_["history"]
    assert history["objective"][0] < cold_history["objective"][0]
    assert_allclose(warm.coef_, cold.coef_, atol=1e-3)


def test_warm_start_after_other_classes_or_columns_is_a_cold_start():
    X, y = dataset()
    for other_X, other_y in [(X[:, :5], y), (X, y + 1), (X, np.minimum(y, 1))]:
        warm = MaxEntClassifier(warm_start=True).fit(other_X, other_y).fit(X, y)
        assert_array_equal(warm.coef_, MaxEntClassifier().fit(X, y).coef_)


def test_warm_start_through_merged_columns_and_after_sparsify():
    X, y = dataset((30, 45))
    X = sparse.hstack([X, 2 * X, sparse.eye(30), sparse.csr_array((30, 2))]).tocsr()
    model = MaxEntClassifier(warm_start=True, tol=1e-8, C=0.1, solver="newton-cg").fit(X, y)
    assert model.convergence_["presolve"]["columns_merged"] > 0
    cold = model.convergence_["n_products"]
    dense = model.fit(X, y).coef_.copy()
    assert model.convergence_["n_products"] < cold
    model.sparsify().fit(X, y)
    assert model.convergence_["n_products"] < cold
    assert_allclose(model.coef_, dense, atol=1e-4)


# ---- threads


@pytest.fixture
def small_blocks(monkeypatch):
    """Several lanes, blocks and chunks even on small data."""
    monkeypatch.setattr(design_module, "LANE_WORK", 200)
    monkeypatch.setattr(design_module, "NARROW_LANE", 200)
    monkeypatch.setattr(dense, "DENSE_LANE", 200)
    monkeypatch.setattr(design_module, "BLOCK_NNZ", 50)
    monkeypatch.setattr(likelihood_module, "BLOCK_ENTRIES", 64)
    monkeypatch.setattr(likelihood_module, "SHARED_ENTRIES", 64)
    for name in ("BLOCK", "SHARED", "PIECE"):
        monkeypatch.setattr(Vectors, name, 64)
    monkeypatch.setattr(starts, "STOCHASTIC_ROWS", 150)


@pytest.mark.parametrize("solver", [*SOLVERS, "auto"])
@pytest.mark.parametrize("shape", [(200, 20), (60, 150)])
@pytest.mark.parametrize("layout", ["sparse", "dense"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_results_are_bit_equal_for_any_number_of_threads(small_blocks, solver, shape, layout, n_classes):
    X, y = dataset(shape, n_classes)
    X = X if layout == "sparse" else X.toarray()
    models = [MaxEntClassifier(solver=solver, n_jobs=n_jobs, tol=1e-3).fit(X, y) for n_jobs in (1, 2, 3)]
    for model in models[1:]:
        assert_array_equal(model.coef_, models[0].coef_)
        assert_array_equal(model.intercept_, models[0].intercept_)
        assert model.convergence_["objective"] == models[0].convergence_["objective"]
        assert_array_equal(model.convergence_["history"]["gap"], models[0].convergence_["history"]["gap"])


def test_n_jobs_sets_the_number_of_threads(monkeypatch):
    asked = []

    class Recorder(Workers):
        def __enter__(self):
            self._started()
            asked.append(self._n_threads)
            return super().__enter__()

    monkeypatch.setattr(convex_fit, "Workers", Recorder)
    monkeypatch.setattr(threads_module, "cpu_count", lambda: 5)
    for n_jobs in (1, 2, None):
        MaxEntClassifier(n_jobs=n_jobs).fit(X_GOOD, Y_GOOD)
    assert asked == [1, 2, 5]


def test_threads_inside_joblib_contexts(monkeypatch):
    monkeypatch.setattr(threads_module, "cpu_count", lambda: 6)
    assert thread_count(None) == 6
    assert thread_count(3) == 3
    assert thread_count(-1) == joblib.effective_n_jobs(-1)
    with parallel_config(backend="loky", n_jobs=2):
        assert thread_count(None) == 2
    threads = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(thread_count)(None) for _ in range(3)
    )
    assert threads == [1, 1, 1]


def test_one_thread_inside_a_task_of_dask():
    # Its worker too: a folder of that name on the path would be taken for the package.
    pytest.importorskip("distributed.worker", reason="needs dask's scheduler: pip install distributed")
    import distributed

    assert not threads_module._in_dask_task()
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
            assert client.submit(thread_count, None, pure=False).result(timeout=60) == 1
    assert thread_count(None) >= 1


def test_a_module_of_the_same_name_is_not_taken_for_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", types.ModuleType("distributed"))
    model = MaxEntClassifier().fit([[0.0], [1.0]], [0, 1])
    assert model.predict([[1.0]]) == [1]


def test_threads_inside_worker_processes_never_oversubscribe():
    n_workers = 2
    counts = joblib.Parallel(n_jobs=n_workers)(joblib.delayed(thread_count)(None) for _ in range(2))
    assert all(1 <= count <= max(1, joblib.cpu_count() // n_workers) for count in counts)


def test_workers_keep_the_order_and_pass_on_errors():
    for threads in (1, 2):
        with Workers(threads) as workers:
            assert workers.map(lambda i: i * i, range(20)) == [i * i for i in range(20)]
            with pytest.raises(ZeroDivisionError):
                workers.map(lambda i: 1 // i, [1, 0, 2])


def test_cuts_cover_everything_once():
    for n_items in (1, 2, 7, 100):
        for n_pieces in (1, 2, 3, 8):
            indptr = np.concatenate([[0], np.cumsum(np.arange(n_items) % 4)])
            for cuts in (even_cuts(n_items, n_pieces), balanced_cuts(indptr, n_pieces)):
                assert 1 <= len(cuts) <= n_pieces
                assert [i for cut in cuts for i in range(cut.start, cut.stop)] == list(range(n_items))
