"""MaxEntClassifier's fitted state: unbroken by failures, pickled with its version; callbacks and tools."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import dataset
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import skmaxent.compat as compatibility
from skmaxent import MaxEntClassifier
from skmaxent.convex.objective import Objective
from skmaxent.convex.proofs.gaussian import GaussianProof
from skmaxent.convex.solvers import SOLVERS
from skmaxent.estimators import maxent
from skmaxent.estimators.common import convex_fit

needs_callbacks = pytest.mark.skipif(
    not compatibility.HAS_CALLBACKS, reason="sklearn.callback needs scikit-learn 1.9 or later"
)
FITTED = ["classes_", "coef_", "convergence_", "intercept_", "n_features_in_", "n_iter_"]


@pytest.fixture
def model():
    return MaxEntClassifier().fit(*dataset())


# ---- what is fitted


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_fitted_state_is_arrays_numbers_strings_and_dicts(solver, n_classes):
    model = MaxEntClassifier(solver=solver).fit(*dataset(n_classes=n_classes))
    fitted = {name: value for name, value in vars(model).items() if name not in model.get_params()}
    assert sorted(fitted) == FITTED

    def check(value):
        if isinstance(value, dict):
            for part in value.values():
                check(part)
        else:
            assert isinstance(value, np.ndarray | np.number | int | float | str)

    check(fitted)
    rows = 1 if n_classes == 2 else n_classes
    assert model.coef_.shape == (rows, 8) and model.intercept_.shape == (rows,)
    assert model.n_iter_.shape == (1,) and model.n_features_in_ == 8


def test_feature_names_come_and_go():
    pandas = pytest.importorskip("pandas")
    X, y = dataset()
    frame = pandas.DataFrame(X.toarray(), columns=list("abcdefgh"))
    model = MaxEntClassifier().fit(frame, pandas.Series(y))
    assert model.feature_names_in_.tolist() == list("abcdefgh")
    model.fit(X, y)
    assert not hasattr(model, "feature_names_in_")


# ---- failures leave the old model whole


def raise_interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def raise_memory_error(*args, **kwargs):
    raise MemoryError("no memory")


BREAKS = {
    "validation": (maxent, "encode_labels", raise_memory_error, MemoryError),
    "training": (convex_fit, "path", raise_interrupt, KeyboardInterrupt),
    "gradient": (Objective, "gradient", raise_interrupt, KeyboardInterrupt),
    "gap": (GaussianProof, "gap", raise_memory_error, MemoryError),
    "state": (maxent, "parameters", raise_interrupt, KeyboardInterrupt),
}


def snapshot(model):
    """A hash of every attribute, bit by bit."""
    return joblib.hash(vars(model))


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("place", BREAKS)
def test_a_broken_fit_leaves_the_old_model_whole(monkeypatch, place, warm_start):
    X, y = dataset()
    names = [f"column {j}" for j in range(8)]
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.toarray(), columns=names)
    model = MaxEntClassifier(warm_start=warm_start).fit(frame, y)
    before, scores = snapshot(model), model.decision_function(frame)
    owner, name, broken, error = BREAKS[place]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, broken)
        for other in (X, X[:, :5]):
            with pytest.raises(error):
                model.fit(other, y)
    assert snapshot(model) == before
    assert_array_equal(model.decision_function(frame), scores)


def test_a_failed_first_fit_leaves_no_model():
    X, y = dataset()
    model = MaxEntClassifier()
    for bad in (np.zeros(60), y[:-1], np.where(y == 0, np.nan, y)):
        with pytest.raises(ValueError):
            model.fit(X, bad)
        assert vars(model).keys() == model.get_params().keys()


@pytest.mark.parametrize("bad", ["labels", "data", "parameter"])
def test_refused_data_leave_the_old_model_whole(model, bad):
    before = snapshot(model)
    X, y = dataset((60, 5), seed=1)
    if bad == "data":
        X.data[0] = np.nan
    with pytest.raises(ValueError):
        if bad == "parameter":
            model.set_params(tol=1e-6).fit(X, y, sample_weight=-np.ones(60))
        model.fit(X, np.zeros(60) if bad == "labels" else y)
    assert snapshot(model) == before


# ---- pickles and clones


def test_pickle_carries_the_version_and_restores_the_model(model):
    X, _ = dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restored = pickle.loads(pickle.dumps(model))
    assert snapshot(restored) == snapshot(model)
    assert_array_equal(restored.predict_proba(X), model.predict_proba(X))
    import skmaxent

    assert model.__getstate__()["_skmaxent_version"] == skmaxent.__version__


def test_pickle_of_another_version_warns(monkeypatch, model):
    monkeypatch.setattr(compatibility, "__version__", "0.0.1")
    stored = pickle.dumps(model)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match=r"unpickle MaxEntClassifier from skmaxent 0\.0\.1 with version"):
        restored = pickle.loads(stored)
    assert_array_equal(restored.coef_, model.coef_)
    assert not hasattr(restored, "_skmaxent_version")


def test_pickle_keeps_the_layout_that_prediction_needs():
    X, y = dataset((40, 500))
    model = pickle.loads(pickle.dumps(MaxEntClassifier().fit(X, y)))
    assert model.coef_.T.flags.c_contiguous


def test_clone_and_parameters(model):
    parameters = {"C": 3.0, "tol": 1e-3, "class_weight": {0: 2.0}, "n_jobs": 2, "solver": "lbfgs"}
    copy = clone(model.set_params(**parameters))
    assert not hasattr(copy, "coef_")
    assert {name: copy.get_params()[name] for name in parameters} == parameters


# ---- scikit-learn's tools


def test_grid_search_and_cross_validation_in_two_processes():
    X, y = dataset((90, 8))
    pipeline = make_pipeline(MaxAbsScaler(), MaxEntClassifier())
    search = {"maxentclassifier__C": [0.01, 10.0]}
    one, two = (GridSearchCV(pipeline, search, cv=3, n_jobs=n_jobs).fit(X, y) for n_jobs in (1, 2))
    assert one.best_params_ == two.best_params_
    assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    assert_array_equal(one.best_estimator_[-1].coef_, two.best_estimator_[-1].coef_)
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.5


def test_tags():
    tags = MaxEntClassifier().__sklearn_tags__()
    assert tags.input_tags.sparse and tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_class


# ---- progress


@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_prints_one_line_an_iteration(capsys, solver):
    X, y = dataset()
    silent = MaxEntClassifier(solver=solver).fit(X, y)
    assert capsys.readouterr().out == ""
    model = MaxEntClassifier(solver=solver, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == model.convergence_["n_iter"] + 1
    assert all(line.startswith("[MaxEntClassifier] iteration") for line in lines)
    assert f"objective {model.convergence_['objective']:.8g}" in lines[-1]
    assert_array_equal(model.coef_, silent.coef_)


class Recorder:
    """A callback that records the steps of a fit and asks to stop after some of them."""

    def __init__(self, stop_after=None, error_after=None):
        self.stop_after, self.error_after = stop_after, error_after
        self.fitted, self.calls = [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata=None, fitted_estimator=None):
        self.calls.append(f"end {context.task_name}")
        if context.task_name != "iteration":
            return False
        self.fitted.append(fitted_estimator)
        if len(self.fitted) == self.error_after:
            raise KeyboardInterrupt
        return len(self.fitted) == self.stop_after


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_sees_every_iteration_as_a_model(solver):
    X, y = dataset()
    recorder = Recorder()
    model = MaxEntClassifier(solver=solver)
    model.set_callbacks(recorder)
    model.fit(X, y)
    history = model.convergence_["history"]
    assert (
        recorder.calls.count("begin iteration")
        == recorder.calls.count("end iteration")
        == len(history["objective"])
    )
    assert recorder.calls[0] == "setup" and recorder.calls[-1] == "teardown"
    for fitted, objective in zip(recorder.fitted, history["objective"]):
        loss = -fitted.predict_log_proba(X)[np.arange(60), y].mean()
        assert loss + 0.5 * np.square(fitted.coef_).sum() / 60 == pytest.approx(objective, rel=1e-9)
    assert_array_equal(model.coef_, MaxEntClassifier(solver=solver).fit(X, y).coef_)


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_stops_the_fit_without_a_warning(solver):
    model = MaxEntClassifier(solver=solver)
    model.set_callbacks(Recorder(stop_after=2))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(*dataset())
    assert model.convergence_["stop_reason"] == "callback"
    assert model.convergence_["n_iter"] == 1  # the second report follows the first iteration
    assert model.convergence_["relative_gap"] > 1e-6


@needs_callbacks
def test_an_interrupt_from_a_callback_leaves_the_old_model_whole(model):
    X, y = dataset(seed=4)
    before = snapshot(model)
    recorder = Recorder(error_after=2)
    model.set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :5], y)
    assert recorder.calls[-1] == "teardown"
    del model._skl_callbacks
    assert snapshot(model) == before


@needs_callbacks
def test_progress_bar():
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    X, y = dataset()
    model = MaxEntClassifier()
    model.set_callbacks(ProgressBar())
    assert model.fit(X, y).convergence_["stop_reason"] == "converged"


@needs_callbacks
def test_callbacks_inside_a_grid_search():
    X, y = dataset()
    search = GridSearchCV(MaxEntClassifier().set_callbacks(Recorder()), {"C": [1.0, 2.0]}, cv=2)
    assert search.fit(sparse.csr_array(X), y).best_score_ > 0.5
