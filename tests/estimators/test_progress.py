"""What fits tell while they run: how much of the way is done, to people and to callbacks."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from numpy.testing import assert_allclose
from problems import dataset
from sklearn.model_selection import GridSearchCV

import skmaxent.compat as compatibility
from skmaxent import MaxEntClassifier, MaxEntClassifierCV, MaxEntRanker, maxent_path
from skmaxent.convex.solvers import SOLVERS
from skmaxent.estimators.common.reports import UNPROVEN, Way

needs_callbacks = pytest.mark.skipif(
    not compatibility.HAS_CALLBACKS, reason="sklearn.callback needs scikit-learn 1.9 or later"
)


def record(gap, objective=1.0, kkt=1.0):
    return {"gap": gap, "objective": objective, "kkt": kkt}


def shares(gaps, tol, **others):
    way = Way(tol)
    return [way.go_on(record(gap, **others)) for gap in gaps]


@given(st.integers(1, 30), st.floats(1e-12, 1e-2), st.floats(1e-6, 1e6))
def test_a_gap_that_falls_at_one_rate_is_a_way_of_equal_steps(n, tol, unit):
    gaps = unit * np.geomspace(1.0, tol / 1.0001, n + 1)
    assert_allclose(shares(gaps, tol, objective=unit), np.arange(n + 1) / n, atol=1e-3)
    assert shares(gaps, tol, objective=unit)[-1] == 1


@given(st.lists(st.floats(0, np.inf), min_size=1), st.lists(st.floats(0, 1e300), min_size=1))
def test_what_is_done_never_falls_and_is_the_whole_way_only_at_tol(gaps, kkts):
    way, done, reached = Way(1e-3), [], []
    for gap, kkt in zip(gaps, kkts):
        done.append(way.go_on(record(gap, kkt=kkt)))
        reached.append(gap <= 1e-3)
    assert all(0 <= before <= after <= 1 for before, after in zip(done, done[1:] + done[-1:]))
    assert [share == 1 for share in done] == [any(reached[: i + 1]) for i in range(len(done))]


def test_without_a_gap_the_gradient_tells_but_proves_nothing():
    way = Way(1e-4)
    done = [way.go_on(record(np.inf, kkt=kkt)) for kkt in (10.0, 1.0, 0.1, 1e-9)]
    assert_allclose(done, [0, 0.25, 0.5, UNPROVEN])
    assert Way(0.0).go_on(record(0.0, objective=0.0)) == 1  # nothing is left of nothing


def percentages(printed):
    return [int(share) for share in re.findall(r"(\d+)% of the way to tol", printed)]


@pytest.mark.parametrize("options", [{}, {"l1_ratio": 0.5}, {"C": np.inf}, {"features": "observed"}])
def test_verbose_tells_what_is_left(capsys, options):
    model = MaxEntClassifier(verbose=1, **options).fit(*dataset())
    told = percentages(capsys.readouterr().out)
    assert len(told) == model.convergence_["n_iter"] + 1 and told == sorted(told)
    assert told[0] == 0 and told[-1] == 100


def test_verbose_does_not_tell_the_whole_way_of_a_fit_cut_off(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MaxEntClassifier(verbose=1, max_iter=2).fit(*dataset())
    assert 0 < percentages(capsys.readouterr().out)[-1] < 100


def test_the_path_tells_how_many_fits_are_done(capsys):
    maxent_path(*dataset(), Cs=[1.0, 0.1, 10.0], verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:4] for line in lines] == [
        ["1/3", "C", "0.1"],
        ["2/3", "C", "1"],
        ["3/3", "C", "10"],
    ]


class Bar:
    """What ProgressBar sees: tasks that begin and end, and of how many they are."""

    max_propagation_depth = None

    def __init__(self):
        self.totals, self.ended = [], []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context):
        self.totals.append((context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)


class Watcher(Bar):
    """A callback that wants models; it also notes what a bar has been told until then."""

    max_propagation_depth = 0

    def __init__(self, bar=None):
        super().__init__()
        self.bar, self.models, self.told = bar, [], []

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        super().on_fit_task_end(estimator, context)
        if context.parent is not None:
            self.models.append((context.task_id, fitted_estimator, X, y, metadata))
            self.told.append(self.bar and self.bar.ended.count("hundredth"))


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_bar_shows_the_logarithm_of_the_gap(solver):
    bar = Bar()
    watcher = Watcher(bar)
    model = MaxEntClassifier(solver=solver, tol=1e-7).set_callbacks(bar, watcher).fit(*dataset())
    assert bar.totals[0] == ("fit", 100) and bar.ended == ["hundredth"] * 100 + ["fit"]
    history = model.convergence_["history"]
    relative = np.maximum(history["gap"] / history["objective"], 1e-7)
    finite = np.flatnonzero(np.isfinite(relative))[0]
    done = 100 * np.log(relative[finite] / relative) / np.log(relative[finite] / 1e-7)
    done = np.maximum.accumulate(np.where(np.isfinite(done), done, 0))
    # The watcher hears of an iteration before the bar does.
    assert_allclose(watcher.told[1 + finite :], done[finite:-1], atol=1.001)
    assert watcher.ended == ["iteration"] * len(history["gap"]) + ["fit"]


@needs_callbacks
def test_a_bar_of_more_iterations_than_parts(monkeypatch):
    monkeypatch.setattr(compatibility.FitEvents, "PARTS", 5)
    bar, watcher = Bar(), Watcher()
    X, y = dataset((200, 20))
    model = MaxEntClassifier(solver="lbfgs", C=1e5).set_callbacks(bar, watcher).fit(X, y)
    assert len(watcher.models) == model.convergence_["n_iter"] + 1 > 8
    assert bar.totals[0] == ("fit", 5) and bar.ended.count("hundredth") == 5


@needs_callbacks
def test_a_bar_of_a_fit_cut_off():
    bar = Bar()
    with pytest.warns(match="stopped after 2 iterations"):
        MaxEntClassifier(max_iter=2).set_callbacks(bar).fit(*dataset())
    assert 0 < bar.ended.count("hundredth") < 100 and bar.ended[-1] == "fit"


@needs_callbacks
def test_a_bar_of_a_ranker():
    bar, rng = Bar(), np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 3)
    MaxEntRanker().set_callbacks(bar).fit(rng.standard_normal((30, 3)), groups * 0 + 1, groups=groups)
    assert bar.totals[0] == ("fit", 100) and bar.ended.count("hundredth") == 100


@needs_callbacks
@pytest.mark.parametrize("backend", ["sequential", "threading"])
@pytest.mark.parametrize("refit", [True, False])
def test_cross_validation_reports_every_fit(backend, refit):
    X, y = dataset()
    X = X.toarray()
    weights = np.linspace(1, 2, len(y))
    bar, watcher = Bar(), Watcher()
    search = MaxEntClassifierCV(Cs=[0.1, 1.0, 10.0], l1_ratios=[0, 1], cv=3, refit=refit, n_jobs=2)
    search.set_callbacks(bar, watcher)
    with parallel_config(backend):
        search.fit(X, y, sample_weight=weights)
    assert bar.totals[0] == ("fit", 18 + refit)
    assert bar.ended == ["fit"] * 18 + ["refit"] * refit + ["fit"]
    watched = {number: rest for number, *rest in watcher.models if number < 18}
    assert sorted(watched) == list(range(18))
    for (fold, share, at), number in zip(np.ndindex(3, 2, 3), range(18)):
        model, X_fold, y_fold, metadata = watched[number]
        assert (model.C_, model.l1_ratio_) == (search.Cs_[at], search.l1_ratios_[share])
        assert len(X_fold) == len(y_fold) == len(metadata["sample_weight"]) == 40
        alone = MaxEntClassifier(C=model.C_, l1_ratio=model.l1_ratio_)
        alone.fit(X_fold, y_fold, metadata["sample_weight"])
        assert_allclose(model.coef_, alone.coef_, atol=0.02)
        rest = np.setdiff1d(np.arange(60), [np.flatnonzero((row == X).all(axis=1))[0] for row in X_fold])
        score = model.score(X[rest], y[rest], sample_weight=weights[rest])
        assert score == pytest.approx(search.scores_[fold, share, at])


def test_cross_validation_prints_every_fit(capsys):
    model = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=3, verbose=1).fit(*dataset())
    *lines, best = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == [f"{n}/6" for n in range(1, 7)]
    scores = [float(line.split()[-1]) for line in lines]
    assert_allclose(np.reshape(scores, (3, 2)), model.scores_[:, 0], atol=1e-4)
    assert best.startswith(f"[MaxEntClassifierCV] best: l1_ratio 0  C {model.C_:.4g}  mean score ")


@needs_callbacks
def test_a_bar_of_a_grid_search_goes_down_to_our_fits():
    bar = Bar()
    search = GridSearchCV(MaxEntClassifier(), {"C": [1.0, 2.0]}, cv=2).set_callbacks(bar)
    search.fit(*dataset())
    assert [total for name, total in bar.totals if name == "fit"].count(100) == 5
    assert bar.ended.count("hundredth") == 500
