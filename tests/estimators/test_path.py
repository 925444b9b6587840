"""Regularisation paths and the choice of the prior by cross-validation."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import MaxEntClassifier, MaxEntClassifierCV, PathDisplay, c_min, maxent_path
from skmaxent.convex import fit as convex_fit
from skmaxent.convex import prepare as prepare_module
from skmaxent.convex.design.dense import DenseDesign
from skmaxent.convex.design.shared_pairs import ObservedDesign
from skmaxent.estimators.common.labels import encode_labels, make_problem
from skmaxent.numerics.threads import Workers


@pytest.fixture(scope="module", params=[2, 3], ids=["binary", "multinomial"])
def data(request):
    X = random_sparse(120, 30, 0.4)
    noise = np.random.default_rng(0).standard_normal((120, request.param))
    return X, np.array(["a", "b", "c"])[(X[:, : request.param].toarray() + noise).argmax(axis=1)]


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_path_equals_separate_fits(data, l1_ratio, monkeypatch):
    X, y = data
    presolves = []
    merge = prepare_module.merge_rows
    monkeypatch.setattr(prepare_module, "merge_rows", lambda problem: presolves.append(1) or merge(problem))
    Cs = np.array([0.3, 3.0, 0.05, 1.0])
    path = maxent_path(X, y, Cs=Cs, l1_ratio=l1_ratio, tol=1e-11, n_jobs=1)
    assert len(presolves) == 1
    assert path.converged.all()
    for i, C in enumerate(Cs):
        model = MaxEntClassifier(C=C, l1_ratio=l1_ratio, tol=1e-11, n_jobs=1).fit(X, y)
        assert_allclose(path.coefs[i], model.coef_, atol=1e-5)
        assert_allclose(path.intercepts[i], model.intercept_, atol=1e-5)
        assert path.objectives[i] == pytest.approx(model.convergence_["objective"], rel=1e-10)
        assert path.n_nonzero[i] == np.count_nonzero(path.coefs[i])
        assert path.gaps[i] <= 1e-11 * path.objectives[i]
    assert_array_equal(path.classes, np.unique(y))


@pytest.mark.parametrize("features", ["all", "observed"])
@pytest.mark.parametrize("shape", [(200, 900), (900, 40)])
def test_the_fits_of_a_path_share_dense_data(shape, features, monkeypatch):
    """In float32 too, and with X X.T where that is used; each of them counts its own products."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape) * (rng.random(shape) < 0.02)
    y = (X[:, :4] + rng.gumbel(size=(len(X), 4))).argmax(axis=1)
    problem = make_problem(X, encode_labels(y, X, None, None, "auto"))
    settings = {"fit_intercept": True, "solver": "newton-cg", "tol": 1e-9, "max_iter": 100}
    settings |= {"observed": features == "observed", "workers": Workers()}
    design, made = {"all": DenseDesign, "observed": ObservedDesign}[features], []
    convert = design.astype
    monkeypatch.setattr(design, "astype", lambda self, dtype: made.append(dtype) or convert(self, dtype))
    together = dict(convex_fit.path(problem, [0.01, 0.1, 1.0], **settings))
    assert made.count(np.float32) == 1
    start = None
    for i, C in enumerate([0.01, 0.1, 1.0]):
        alone = convex_fit.train(problem, C=C, start=start, **settings)
        assert together[i].report["stop_reason"] == alone.report["stop_reason"] == "converged"
        assert together[i].report["n_products"] == pytest.approx(alone.report["n_products"], rel=0.2)
        assert together[i].report["objective"] == pytest.approx(alone.report["objective"], rel=1e-8)
        start = alone.weights, alone.intercept
    assert made.count(np.float32) == 4


def test_path_begins_at_the_critical_c(data):
    X, y = data
    path = maxent_path(X, y, Cs=c_min(X, y) * np.array([0.99, 1.1, 5]), l1_ratio=1, n_jobs=1)
    assert path.n_nonzero[0] == 0
    assert 0 < path.n_nonzero[1] < path.n_nonzero[2]


def test_errors(data):
    X, y = data
    with pytest.raises(ValueError, match="Cs must be"):
        maxent_path(X, y, Cs=[1.0, -1.0])
    with pytest.raises(ValueError, match="The 'l1_ratio' parameter"):
        maxent_path(X, y, l1_ratio=2)
    with pytest.raises(ValueError, match="l1_ratios must be an array-like of numbers between 0 and 1"):
        MaxEntClassifierCV(l1_ratios=[2.0]).fit(X, y)
    with pytest.raises(ValueError, match="Cs must be"):
        MaxEntClassifierCV(Cs=[0.0]).fit(X, y)


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_cv_is_the_grid_search(data, scoring):
    """Scores, choice and final model are those of GridSearchCV over LogisticRegression (L2)."""
    X, y = data
    Cs, folds = [0.01, 0.1, 1.0], StratifiedKFold(3)
    model = MaxEntClassifierCV(Cs=Cs, cv=folds, scoring=scoring, tol=1e-12).fit(X, y)
    grid = GridSearchCV(LogisticRegression(tol=1e-10, max_iter=10_000), {"C": Cs}, cv=folds, scoring=scoring)
    grid.fit(X.tocsr(), y)
    expected = np.array([grid.cv_results_[f"split{i}_test_score"] for i in range(3)])
    assert model.scores_.shape == (3, 1, 3)
    assert_allclose(model.scores_[:, 0], expected, atol=1e-5)
    assert grid.best_params_["C"] == model.C_
    assert_allclose(model.coef_, grid.best_estimator_.coef_, atol=1e-4)
    assert model.score(X, y) == pytest.approx(grid.score(X.tocsr(), y), abs=1e-5)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_cv_over_shares(data, n_jobs):
    X, y = data
    Cs, shares = [0.02, 0.3, 2.0], (0.0, 0.5, 1.0)
    model = MaxEntClassifierCV(Cs=Cs, l1_ratios=shares, cv=4, n_jobs=n_jobs, tol=1e-10).fit(X, y)
    K = len(model.coef_)
    assert model.coefs_paths_.shape == (4, 3, 3, K, 31)
    assert model.n_iter_.shape == model.scores_.shape == (4, 3, 3)
    train, test = next(StratifiedKFold(4).split(X, y))
    for r, share in enumerate(shares):
        one = MaxEntClassifier(C=0.3, l1_ratio=share, tol=1e-10, n_jobs=1).fit(X[train], y[train])
        assert_allclose(model.coefs_paths_[0, r, 1, :, :30], one.coef_, atol=1e-5)
        assert_allclose(model.coefs_paths_[0, r, 1, :, 30], one.intercept_, atol=1e-5)
        assert model.scores_[0, r, 1] == one.score(X[test], y[test])
    best = np.unravel_index(model.scores_.mean(axis=0).argmax(), (3, 3))
    assert (model.l1_ratio_, model.C_) == (shares[best[0]], Cs[best[1]])


def test_without_refit_the_folds_are_averaged(data):
    X, y = data
    model = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=3, refit=False).fit(X, y)
    best = model.scores_[:, 0].argmax(axis=1)
    mean = np.mean([model.coefs_paths_[i, 0, c] for i, c in enumerate(best)], axis=0)
    assert_allclose(model.coef_, mean[:, :30])
    assert_allclose(model.intercept_, mean[:, 30])
    assert pytest.approx(np.mean(np.array([0.1, 1.0])[best])) == model.C_
    light = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=3, refit=False, store_paths=False).fit(X, y)
    assert not hasattr(light, "coefs_paths_")
    assert_array_equal(light.coef_, model.coef_)


def test_sample_weights_count_in_fit_and_score(data):
    """Rows of weight 0 change nothing, wherever the splitter puts them."""
    X, y = data
    train, test = next(StratifiedKFold(3).split(X, y))
    weights = np.ones(len(y))
    weights[train[:10]], weights[test[:10]] = 0, 0
    model = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=[(train, test)]).fit(X, y, sample_weight=weights)
    short = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=[(train[10:], test[10:])]).fit(X, y)
    assert_allclose(model.scores_, short.scores_)
    assert_allclose(model.coefs_paths_, short.coefs_paths_, atol=1e-3)


def test_metadata_routing(data):
    X, y = data
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=3, scoring=_weighted_accuracy())
        model.set_fit_request(sample_weight=True).fit(X, y, sample_weight=weights)
    plain = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=3).fit(X, y, sample_weight=weights)
    assert_allclose(model.scores_, plain.scores_)
    with pytest.raises(ValueError, match="metadata routing is not enabled"):
        MaxEntClassifierCV(cv=3).fit(X, y, importance=weights)


def _weighted_accuracy():
    return sklearn.metrics.get_scorer("accuracy").set_score_request(sample_weight=True)


def test_path_display(data):
    pytest.importorskip("matplotlib").use("Agg")
    X, y = data
    model = MaxEntClassifierCV(Cs=[3.0, 0.1, 1.0], cv=3, l1_ratios=(0.5, 1.0)).fit(X, y)
    first = model.classes_[0]
    display = PathDisplay.from_estimator(model, class_=first, l1_ratio=1.0, n=4)
    assert display.axes_.shape == (2, 1)
    sign = -1 if len(model.classes_) == 2 else 1
    mean = sign * model.coefs_paths_[:, 1, :, 0, :30].mean(axis=0)[[1, 2, 0]]
    named = [line for line in display.ax_.lines if not line.get_label().startswith("_")]
    # Those largest at the chosen C, and none that are 0 there.
    at_best = np.abs(mean[[0.1, 1.0, 3.0].index(display.best_C)])
    largest = np.argsort(-at_best, kind="stable")[:4]
    assert {int(line.get_label()) for line in named} == set(largest[at_best[largest] > 0].tolist())
    display = PathDisplay(display.Cs, display.coefs, best_C=3.0, scores=display.scores).plot(n=4)
    named = [line for line in display.ax_.lines if not line.get_label().startswith("_")]
    assert len(named) == 4
    for line in named:
        assert_array_equal(line.get_xdata(), [0.1, 1.0, 3.0])
        assert_allclose(line.get_ydata(), mean[:, int(line.get_label())])
    mean_score = display.axes_[1, 0].lines[3]
    assert_allclose(mean_score.get_ydata(), model.scores_[:, 1].mean(axis=0)[[1, 2, 0]])
    for options, message in [
        ({"class_": "no"}, "class_ must be one of"),
        ({"l1_ratio": 0.3}, "l1_ratio must be one of"),
    ]:
        with pytest.raises(ValueError, match=message):
            PathDisplay.from_estimator(model, **options)
    with pytest.raises(ValueError, match="coefs_paths_"):
        PathDisplay.from_estimator(MaxEntClassifier().fit(X, y))


@parametrize_with_checks(
    [MaxEntClassifierCV(Cs=3, cv=3), MaxEntClassifierCV(Cs=[0.1, 10], cv=2, l1_ratios=(0.5, 1.0))]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
