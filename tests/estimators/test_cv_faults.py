"""Cross-validation and paths at their edges: folds without a class, NaN scores, routed weights, refusals."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, get_scorer, log_loss, make_scorer
from sklearn.model_selection import KFold

from skmaxent import Joined, JointFeatures, MaxEntClassifierCV, maxent_path

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4))
NUMBERS = (X[:, :3] + RNG.standard_normal((120, 3))).argmax(axis=1)
WEIGHTS = RNG.uniform(0.1, 3, 120)
Cs = [0.01, 1.0]


def labels(n_classes):
    return np.array(["a", "b", "c"])[np.minimum(NUMBERS, n_classes - 1)]


# ---- folds that lack a class


def folds_without(y, absent):
    """The test part of the first fold has no row of a class, the training part of the second neither."""
    folds = [list(fold) for fold in KFold(3).split(X)]
    folds[0][1] = folds[0][1][y[folds[0][1]] != absent]
    folds[1][0] = folds[1][0][y[folds[1][0]] != absent]
    return [tuple(fold) for fold in folds]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("scoring", ["neg_log_loss", "f1_macro", "accuracy"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_test_part_without_a_class_is_scored_among_all_classes(n_classes, scoring):
    y = labels(n_classes)
    absent = "c" if n_classes == 3 else "a"
    train, test = folds_without(y, absent)[0]
    model = MaxEntClassifierCV(Cs=Cs, cv=[(train, test)], scoring=scoring, tol=1e-10).fit(X, y)
    one = LogisticRegression(C=Cs[1], tol=1e-10, max_iter=1000).fit(X[train], y[train])
    classes = np.unique(y)
    proba, predicted = one.predict_proba(X[test]), one.predict(X[test])
    expected = {
        "neg_log_loss": lambda: -log_loss(y[test], proba, labels=classes),
        "f1_macro": lambda: f1_score(y[test], predicted, labels=classes, average="macro"),
        "accuracy": lambda: accuracy_score(y[test], predicted),
    }[scoring]()
    assert model.scores_[0, 0, 1] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_that_the_user_gives_a_scorer_are_kept(n_classes):
    y = labels(n_classes)
    scorer = make_scorer(f1_score, labels=["b"], average="macro", pos_label=None)
    model = MaxEntClassifierCV(Cs=[1.0], cv=3, scoring=scorer).fit(X, y)
    expected = f1_score(y, model.predict(X), labels=["b"], average="macro")
    assert model.score(X, y) == pytest.approx(expected)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_folds_without_a_class_on_either_side(n_classes):
    y = labels(n_classes)
    model = MaxEntClassifierCV(Cs=Cs, cv=folds_without(y, "b"), scoring="neg_log_loss").fit(X, y)
    assert np.isfinite(model.scores_).all()
    assert model.classes_.tolist() == ["a", "b", "c"][:n_classes]
    assert model.coefs_paths_.shape == (3, 1, 2, 1 if n_classes == 2 else 3, 5)
    assert "b" in model.predict(X)
    assert np.isfinite(model.score(X[y != "b"], y[y != "b"]))


# ---- scores of NaN


def nan_for_the_smaller_c(n_folds):
    """A scorer that prefers the smaller C and fails for it in the first folds."""
    failures = []

    def score(estimator, X, y):
        if np.abs(estimator.coef_).max() > 0.2:  # the larger C
            return 0.5
        failures.append(np.nan)
        return np.nan if len(failures) <= n_folds else 0.6

    return score


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("refit", [True, False])
def test_a_score_of_nan_never_wins(refit, verbose):
    model = MaxEntClassifierCV(Cs=Cs, cv=3, refit=refit, verbose=verbose)
    model.set_params(scoring=nan_for_the_smaller_c(3))
    with pytest.warns(UserWarning, match=r"One or more of the test scores are non-finite: \[\[") as caught:
        model.fit(X, labels(3))
    assert pytest.approx(Cs[1]) == model.C_
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite:UserWarning")
def test_a_mean_with_a_nan_never_wins():
    model = MaxEntClassifierCV(Cs=Cs, cv=3, scoring=nan_for_the_smaller_c(1)).fit(X, labels(3))
    assert np.isnan(model.scores_).sum() == 1
    assert Cs[1] == model.C_
    model.set_params(scoring=lambda *args: np.nan).fit(X, labels(3))
    assert Cs[0] == model.C_  # GridSearchCV's choice where all have failed


# ---- weights of scores


def test_routed_aliases_of_sample_weight():
    """Fitting and scoring have their own weights where the scorer asks for others by another name."""
    y, others = labels(3), WEIGHTS[::-1].copy()
    folds = list(KFold(3).split(X))
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer("accuracy").set_score_request(sample_weight="score_weight")
        model = MaxEntClassifierCV(Cs=Cs, cv=folds, scoring=scorer, tol=1e-8)
        model.fit(X, y, sample_weight=WEIGHTS, score_weight=others.tolist())
        train, test = folds[0]
        one = LogisticRegression(C=Cs[1], tol=1e-8).fit(X[train], y[train], WEIGHTS[train])
        expected = accuracy_score(y[test], one.predict(X[test]), sample_weight=others[test])
        assert model.scores_[0, 0, 1] == pytest.approx(expected)
        expected = accuracy_score(y, model.predict(X), sample_weight=others)
        assert model.score(X, y, score_weight=others) == pytest.approx(expected)
        with pytest.raises(TypeError, match=r"unexpected argument\(s\) {'sample_weight'}"):
            model.score(X, y, sample_weight=others)
        with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
            model.fit(X, y, score_weight=-others)


def test_weights_of_score_count():
    y = labels(3)
    model = MaxEntClassifierCV(Cs=Cs, cv=3).fit(X, y)
    expected = accuracy_score(y, model.predict(X), sample_weight=WEIGHTS)
    assert model.score(X, y, sample_weight=WEIGHTS) == pytest.approx(expected)
    assert expected != model.score(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        model.set_params(scoring=get_scorer("accuracy").set_score_request(sample_weight=True))
        assert model.score(X, y, sample_weight=WEIGHTS) == pytest.approx(expected)
        model.set_params(scoring=get_scorer("accuracy").set_score_request(sample_weight=False))
        with pytest.raises(TypeError, match="not routed to any object"):
            model.score(X, y, sample_weight=WEIGHTS)


# ---- refusals


@pytest.mark.parametrize("cv", [[], iter(())])
def test_no_folds(cv):
    with pytest.raises(ValueError, match=r"No fits were performed. Was the CV iterator empty\?"):
        MaxEntClassifierCV(cv=cv).fit(X, labels(3))


def test_a_path_refuses_what_it_does_not_use(capsys):
    y = labels(3)
    for name, value in (("C", 3.0), ("warm_start", True), ("warm_start", False), ("nothing", 1)):
        with pytest.raises(TypeError, match=f"got an unexpected keyword argument '{name}'"):
            maxent_path(X, y, **{name: value})
    with pytest.raises(ValueError, match="maxent_path supports only features='all' and features='observed'"):
        maxent_path(X, y, features=JointFeatures([Joined("a")]))
    maxent_path(X, y, Cs=Cs)
    assert capsys.readouterr().out == ""
    path = maxent_path(X, y, Cs=Cs, verbose=1)
    assert capsys.readouterr().out.count("[maxent_path] ") == 2
    assert_allclose(path.Cs, Cs)


def test_the_search_offers_nothing_that_it_cannot_do():
    """It is no MaxEntClassifier: no weights from outside, no names of joint features without them."""
    from skmaxent import MaxEntClassifier

    model = MaxEntClassifierCV(Cs=Cs, cv=3).fit(X, labels(3))
    assert not isinstance(model, MaxEntClassifier)
    for name in ("from_weights", "joint_feature_names_", "C", "l1_ratio", "warm_start"):
        assert not hasattr(model, name), name
    assert set(model._parameter_constraints) == set(model.get_params())
    assert set(MaxEntClassifier._parameter_constraints) == set(MaxEntClassifier().get_params())


def test_the_parameters_of_a_path_are_those_of_the_model():
    """But for C, and for a warm start, which each fit of a path has."""
    from inspect import signature

    from skmaxent import MaxEntClassifier

    path = signature(maxent_path).parameters
    validation = {"X_val", "y_val", "sample_weight_val", "scoring"}
    own = {"X", "y", "Cs", "sample_weight", *validation}
    assert set(path) == own | MaxEntClassifier().get_params().keys() - {"C", "warm_start"}
    for name, value in MaxEntClassifier().get_params().items():
        if name in path:
            assert path[name].default == value
