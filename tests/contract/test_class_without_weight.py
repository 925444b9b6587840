"""Classes whose rows weigh nothing stay in `classes_`, and all else is the model of the other classes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import dataset
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import StratifiedKFold

from skmaxent import (
    Joined,
    JointFeatures,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    c_min,
    explain,
    maxent_path,
    top_features,
)
from skmaxent.convex.reductions.present_classes import VANISHING, absent_intercept
from skmaxent.convex.solvers import SOLVERS

pytestmark = [
    pytest.mark.filterwarnings("error::RuntimeWarning"),
    pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning"),
]
WAYS = ["sample_weight", "class_weight", "masses", "vanishing"]
PRIORS = [
    *((solver, {"C": 2.0}) for solver in (*SOLVERS, "auto")),
    ("newton-cg", {"C": np.inf, "tol": 1e-6}),
    ("auto", {"C": 2.0, "l1_ratio": 1.0}),
    ("auto", {"C": 2.0, "l1_ratio": 0.5}),
    ("auto", {"C": 2.0, "penalty_weights": np.array([0.5, 2, 1, np.inf, 1, 1, 3, 1])}),
    ("auto", {"C": 2.0, "features": "observed"}),
    ("auto", {"C": 2.0, "features": "observed", "l1_ratio": 0.5}),
]


def data(n_classes, n=150):
    """Overlapping classes, so that the unpenalised optimum is finite."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    X = np.where(
        rng.random((n, 8)) < 0.5, rng.standard_normal((n, 8)) + 0.5 * y[:, None] * (rng.random(8) - 0.5), 0
    )
    return X, y


def fit_without(way, X, y, absent, **parameters):
    """The model under the given way of taking all weight from a class."""
    model, weight = MaxEntClassifier(**{"tol": 1e-10} | parameters), np.where(y == absent, 0.0, 1.0)
    if way == "class_weight":
        return model.set_params(class_weight={int(absent): 0}).fit(X, y)
    if way == "masses":
        return model.fit(X, np.eye(y.max() + 1)[y] * weight[:, None])
    return model.fit(X, y, weight if way == "sample_weight" else np.maximum(weight, 1e-30))


def assert_absent(model, X, absent):
    """The class has no probability, and nothing is nan."""
    proba, log_proba = model.predict_proba(X), model.predict_log_proba(X)
    assert np.isfinite(proba).all() and np.isfinite(log_proba).all()
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    assert proba[:, absent].max() < (1e-300 if proba.dtype == np.float64 else 1e-37)
    assert np.isfinite(model.intercept_).all()
    assert absent not in model.predict(X)


def coefficients(model):
    return model.coef_.toarray() if sparse.issparse(model.coef_) else model.coef_


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("solver, prior", PRIORS)
def test_the_others_are_fitted_as_if_alone(solver, prior, way):
    """One of four classes: the model of the other three."""
    X, y = data(4)
    if solver == "auto":
        X = sparse.csr_array(X)
    model = fit_without(way, X, y, 1, solver=solver, **prior)
    alone = MaxEntClassifier(solver=solver, **{"tol": 1e-10} | prior).fit(X[y != 1], y[y != 1])
    assert_array_equal(model.classes_, [0, 1, 2, 3])
    assert_allclose(coefficients(model)[[0, 2, 3]], coefficients(alone), atol=1e-5)
    assert_array_equal(coefficients(model)[1], 0)
    assert_allclose(model.intercept_[[0, 2, 3]], alone.intercept_, atol=1e-5)
    assert model.intercept_[1] == absent_intercept(np.float64)
    assert model.convergence_["objective"] == pytest.approx(alone.convergence_["objective"], rel=1e-9)
    assert model.convergence_["stop_reason"] == "converged"
    assert_absent(model, X, 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("solver, prior", PRIORS)
def test_two_of_three_keep_the_penalty_of_two_columns(solver, prior, way):
    """(w, -w) / 2 costs half of w under a Gaussian prior, and the same under a Laplace prior."""
    X, y = data(3)
    model = fit_without(way, X, y, 0, solver=solver, **prior)
    coef = coefficients(model)
    assert_array_equal(coef[0], 0)
    assert_absent(model, X, 0)
    l1_ratio = prior.get("l1_ratio", 0.0)
    if "penalty_weights" not in prior and l1_ratio != 0.5:
        C = prior["C"] * (2 - l1_ratio)
        pair = MaxEntClassifier(**{"tol": 1e-10} | prior | {"C": C}).fit(X[y > 0], y[y > 0])
        assert_allclose(coef[2] - coef[1], coefficients(pair)[0], atol=2e-5)
        assert_allclose(model.predict_proba(X)[:, 1:], pair.predict_proba(X), atol=1e-5)
    if l1_ratio == 0 and "penalty_weights" not in prior:
        assert_allclose(coef.sum(axis=0), 0, atol=1e-8)


def test_scikit_learns_logistic_regression_goes_to_the_same_limit():
    X, y = data(3)
    weight = np.where(y == 2, 0.0, 1.0)
    theirs = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, y, weight)
    ours = MaxEntClassifier(tol=1e-12).fit(X, y, weight)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("features", ["all", "observed"])
def test_one_class_with_weight_has_everything(n_classes, features, way):
    X, y = data(n_classes)
    weight = (y == 1) + (1e-30 if way == "vanishing" else 0.0)
    model = MaxEntClassifier(features=features)
    if way == "class_weight":
        model.set_params(class_weight=dict.fromkeys(set(range(n_classes)) - {1}, 0)).fit(X, y)
    elif way == "masses":
        model.fit(X, np.eye(n_classes)[y] * weight[:, None])
    else:
        model.fit(X, y, weight)
    assert not coefficients(model).any()
    assert coefficients(model).shape == (1 if n_classes == 2 else n_classes, 8)
    assert_array_equal(model.predict_proba(X)[:, 1], 1)
    assert_absent(model, X, 0)
    report = model.convergence_
    assert (report["objective"], report["duality_gap"], report["relative_gap"]) == (0, 0, 0)
    assert report["stop_reason"] == "converged" and model.n_iter_ == 1
    assert report.keys() == MaxEntClassifier(features=features).fit(X, y).convergence_.keys()


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_single_precision(n_classes, l1_ratio):
    X, y = data(n_classes)
    X = X.astype(np.float32)
    model = MaxEntClassifier(l1_ratio=l1_ratio, tol=1e-4).fit(X, y, np.where(y == 1, 1e-60, 1.0))
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    assert_absent(model, X, 1)
    assert_absent(model, 100 * X, 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rare_classes_are_not_absent(dtype):
    """Down to what sums in float64 resolve a class has the probability that it asks for."""
    X, y = data(2)
    share = 1e-9
    model = MaxEntClassifier(tol=1e-3).fit(X.astype(dtype), y, np.where(y == 1, share, 1.0))
    assert_allclose(model.predict_proba(X).mean(axis=0)[1], share, rtol=0.02)
    assert share / 2 > VANISHING


@pytest.mark.parametrize("solver", [*SOLVERS])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_intercept_the_class_is_like_any_other(solver, n_classes):
    X, y = data(n_classes)
    X[:, 0] = 1.0  # a column of ones: a penalised intercept
    weight = np.where(y == 1, 0.0, 1.0)
    model = MaxEntClassifier(solver=solver, fit_intercept=False, tol=1e-9).fit(X, y, weight)
    theirs = LogisticRegression(fit_intercept=False, tol=1e-10, max_iter=10_000).fit(X, y, weight)
    assert_allclose(model.coef_, theirs.coef_, atol=1e-3)
    assert model.predict_proba(X)[:, 1].max() < 0.5


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_joint_features(n_classes, l1_ratio):
    """Without an intercept of its own the class is an ordinary one that no datum has."""
    rng = np.random.default_rng(0)
    rows = [{"a": str(a), "b": str(b)} for a, b in rng.integers(0, 4, (120, 2))]
    y = np.array(["x", "y", "z"])[rng.integers(0, n_classes, 120)]
    features = JointFeatures([Joined("a"), Joined("b")], bias=True)
    model = MaxEntClassifier(features=features, l1_ratio=l1_ratio, tol=1e-9)
    model.fit(rows, y, np.where(y == "x", 0.0, 1.0))
    kept = [d for d, label in zip(rows, y) if label != "x"]
    masses = np.eye(n_classes)[np.searchsorted(model.classes_, y[y != "x"])]
    again = MaxEntClassifier(features=features, l1_ratio=l1_ratio, tol=1e-9).fit(kept, masses)
    assert list(model.classes_) == ["x", "y", "z"][:n_classes]
    assert_allclose(model.predict_proba(rows), again.predict_proba(rows), atol=1e-6)
    assert model.predict_proba(rows)[:, 0].max() < 0.2
    assert "x" not in model.predict(rows)
    assert np.isfinite(model.observed_counts(rows, y)).all()


# ---- weights of rows


def test_balanced_weights_leave_absent_classes_out():
    X, y = data(4)
    weight = np.where(y == 1, 0.0, 1.0) * (1 + y)
    model = MaxEntClassifier(class_weight="balanced", tol=1e-10).fit(X, y, weight)
    alone = MaxEntClassifier(class_weight="balanced", tol=1e-10).fit(X[y != 1], y[y != 1], weight[y != 1])
    assert_allclose(model.coef_[[0, 2, 3]], alone.coef_, atol=1e-6)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("estimator", [MaxEntClassifier(), MaxEntClassifierCV(Cs=[1.0], cv=2)])
def test_class_weights_are_checked_as_sample_weights_are(estimator, value):
    X, y = data(3)
    with pytest.raises(ValueError, match="class_weight must be"):
        estimator.set_params(class_weight={0: value}).fit(X, y)


def test_no_weight_at_all():
    X, y = data(3)
    with pytest.raises(ValueError, match="class_weight must be finite, non-negative and not all zero"):
        MaxEntClassifier(class_weight={0: 0, 1: 0, 2: 0}).fit(X, y)
    with pytest.raises(ValueError, match="The data have no weight"):
        MaxEntClassifier(class_weight={0: 0, 1: 0}).fit(X, y, np.where(y == 2, 0.0, 1.0))


# ---- what uses the model


def test_penalty_weights_of_pairs():
    X, y = data(4)
    factors = np.random.default_rng(1).uniform(0.2, 3, (4, 8))
    model = MaxEntClassifier(penalty_weights=factors, tol=1e-10).fit(X, y, np.where(y == 1, 0.0, 1.0))
    others = [0, 2, 3]
    alone = MaxEntClassifier(penalty_weights=factors[others], tol=1e-10).fit(X[y != 1], y[y != 1])
    assert_allclose(model.coef_[others], alone.coef_, atol=1e-5)


@pytest.mark.parametrize("features", ["all", "observed"])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_warm_start_to_and_from_a_class_without_weight(n_classes, l1_ratio, features):
    X, y = data(n_classes)
    weight = np.where(y == 1, 0.0, 1.0)
    options = {"features": features, "l1_ratio": l1_ratio, "tol": 1e-9}
    chain = MaxEntClassifier(warm_start=True, **options)
    for weights in (None, weight, weight, None, 1 - weight, None):
        chain.fit(X, y, weights)
        cold = MaxEntClassifier(**options).fit(X, y, weights)
        # Under a Laplace prior alone the weights of an even number of classes are not unique.
        assert_allclose(chain.predict_proba(X), cold.predict_proba(X), atol=1e-4)
        assert chain.convergence_["stop_reason"] == "converged"
        assert_allclose(chain.convergence_["objective"], cold.convergence_["objective"], rtol=1e-8)
        assert_array_equal(
            chain.intercept_ == chain.intercept_.min(), cold.intercept_ == cold.intercept_.min()
        )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_path(n_classes):
    X, y = data(n_classes)
    weight = np.where(y == 1, 0.0, 1.0)
    for features in ("all", "observed"):
        path = maxent_path(X, y, Cs=[0.1, 1.0], sample_weight=weight, tol=1e-12, features=features)
        for i, C in enumerate(path.Cs):
            model = MaxEntClassifier(C=C, tol=1e-12, features=features).fit(X, y, weight)
            coef = path.coefs[i].toarray() if features == "observed" else path.coefs[i]
            assert_allclose(coef, coefficients(model), atol=1e-6)
            assert_allclose(path.intercepts[i], model.intercept_, atol=1e-6)
        assert path.converged.all()


def test_critical_c():
    X, y = data(4)
    weight = np.where(y == 1, 0.0, 1.0)
    assert c_min(X, y, sample_weight=weight) == pytest.approx(c_min(X[y != 1], y[y != 1]))
    assert c_min(*data(2), class_weight={0: 0}) == np.inf


def test_callbacks_see_models_of_all_classes(monkeypatch):
    """The models reported while fitting have the shape of the final one."""
    from skmaxent.estimators.common import convex_fit

    X, y = data(4)
    shapes = []
    monkeypatch.setattr(
        convex_fit,
        "progress",
        lambda estimator, events, attributes: (
            lambda record, model: shapes.append(
                {
                    name: value.shape
                    for name, value in attributes(*model()).items()
                    if name != "n_features_in_"
                }
            )
        ),
    )
    model = MaxEntClassifier(solver="newton-cg", tol=1e-9).fit(X, y, np.where(y == 1, 0.0, 1.0))
    assert len(shapes) > 1
    for shape in shapes:
        assert shape == {name: getattr(model, name).shape for name in ("classes_", "coef_", "intercept_")}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("features", ["all", "observed"])
def test_inspection(n_classes, features):
    X, y = data(n_classes)
    weight = np.where(y == 1, 0.0, 1.0)
    model = MaxEntClassifier(features=features, C=np.inf, tol=1e-9).fit(X, y, weight)
    expected, observed = model.expected_counts(X, weight), model.observed_counts(X, y, weight)
    assert_allclose(expected, observed, atol=1e-4)
    assert_array_equal(expected[1], 0)
    explanation = explain(model, X[0])
    assert str(explanation) and explanation.to_dict()
    assert top_features(model).keys() == set(range(n_classes))
    if n_classes == 3:
        assert top_features(model)[0] and str(explain(model, X[0], contrast=(0, 2)))
        # The class has no part in the mean of the intercepts, and costs the votes no decimals.
        explanation = explain(model, X[0])
        assert_allclose(explanation.to_dict()["offset"], model.intercept_, rtol=1e-9)
        assert f"{model.intercept_[0]:+.4f}" in str(explanation)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_meta_estimators_and_scorers(n_classes):
    """A third class without weight costs them nothing."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % n_classes
    X = rng.standard_normal((400, 4))
    X[:, 0] += 3.2 * y
    absent = n_classes - 1
    weight = np.where(y == absent, 0.0, 1.0)
    kept = y != absent
    model = MaxEntClassifier()
    ensembles = [
        CalibratedClassifierCV(model, cv=3),
        CalibratedClassifierCV(model, cv=3, ensemble=False, method="isotonic"),
        VotingClassifier([("a", model), ("b", MaxEntClassifier(C=0.1))], voting="soft"),
        StackingClassifier(
            [("a", model), ("b", MaxEntClassifier(C=0.1))], final_estimator=MaxEntClassifier(), cv=3
        ),
    ]
    alone = model.fit(X, y, weight).score(X[kept], y[kept])
    assert alone > 0.93
    for ensemble in ensembles:
        ensemble.fit(X, y, sample_weight=weight)
        proba = ensemble.predict_proba(X)
        assert proba.shape == (400, n_classes) and np.isfinite(proba).all()
        assert ensemble.score(X[kept], y[kept]) > alone - 0.02
        assert proba[:, absent].max() < 0.05
    assert get_scorer("neg_log_loss")(model, X, y, sample_weight=weight) == pytest.approx(
        -log_loss(y[kept], model.predict_proba(X[kept]), labels=np.arange(n_classes))
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_cross_validation(n_classes):
    """Without weight in all folds, and without a row in the training part of one."""
    X, y = data(n_classes)
    weight = np.where(y == 1, 0.0, 1.0)
    for scoring in (None, "neg_log_loss"):
        model = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=3, scoring=scoring).fit(X, y, sample_weight=weight)
        assert np.isfinite(model.scores_).all()
        assert_absent(model, X, 1)
        folds = list(StratifiedKFold(3).split(X, y))
        train, test = folds[0]
        folds[0] = train[y[train] != 1], test
        model = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=folds, scoring=scoring).fit(X, y)
        one = MaxEntClassifier(C=0.1).fit(X[train], y[train], weight[train])
        assert_allclose(model.coefs_paths_[0, 0, 0, :, :-1], one.coef_, atol=1e-3)
        assert_allclose(
            model.scores_[0, 0, 0],
            one.score(X[test], y[test])
            if scoring is None
            else -log_loss(y[test], one.predict_proba(X[test])),
            atol=1e-4,
        )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_mean_over_the_folds_leaves_out_those_without_the_class(n_classes):
    X, y = data(n_classes)
    folds = list(StratifiedKFold(3).split(X, y))
    folds[0] = folds[0][0][y[folds[0][0]] != 1], folds[0][1]
    model = MaxEntClassifierCV(Cs=[1.0], cv=folds, refit=False).fit(X, y)
    assert_allclose(model.intercept_[-1 if n_classes == 2 else 1],
                    model.coefs_paths_[1:, 0, 0, -1 if n_classes == 2 else 1, -1].mean())  # fmt: skip
    assert 1 in model.predict(X)


def test_ranker_with_groups_of_no_weight_and_candidates_without_mass():
    X, _ = dataset((60, 8))
    X = X.toarray().astype(np.float32)
    groups, masses = np.repeat(np.arange(20), 3), np.tile([0.0, 2.0, 1.0], 20)
    weight = np.where(groups < 10, 1.0, 0.0)
    ranker = MaxEntRanker(tol=1e-6)
    for weights in (weight, np.maximum(weight, 1e-60)):  # 0 in single precision
        coef = ranker.fit(X, masses, groups, weights).coef_.copy()
        alone = ranker.fit(X[:30], masses[:30], groups[:30]).coef_
        assert_allclose(coef, alone, atol=1e-4)
        assert np.isfinite(ranker.predict_proba(X, groups)).all()
