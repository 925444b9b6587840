"""MaxEntClassifierCV on observed pairs, joint features and masses; groups; validation sets."""

import pickle

import numpy as np
import pytest
import sklearn
from joint_examples import FUNCTIONS, dict_data, names_data
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skmaxent import (
    Joined,
    JointFeatures,
    MaxEntClassifier,
    MaxEntClassifierCV,
    PathDisplay,
    explain,
    maxent_path,
)

Cs = [0.05, 1.0, 20.0]


def table(n_classes=3, n=90, d=25, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(1, 3, (n, d)) * (rng.random((n, d)) < 0.15) * 1.0
    y = (X[:, :n_classes] + 0.6 * rng.random((n, n_classes))).argmax(axis=1)
    return sparse.csr_array(X), np.array(["a", "b", "c"])[y]


# ---- observed pairs


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("features, min_count", [("observed", 1), ("observed", 2), ("all", 12)])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_the_search_is_separate_fits_on_observed_pairs(n_classes, features, min_count, l1_ratio):
    X, y = table(n_classes)
    options = {"features": features, "min_count": min_count, "tol": 1e-11}
    folds = list(StratifiedKFold(3).split(X, y))
    model = MaxEntClassifierCV(Cs=Cs, l1_ratios=[l1_ratio], cv=folds, **options).fit(X, y)
    for f, (train, test) in enumerate(folds):
        for c, C in enumerate(Cs):
            one = MaxEntClassifier(C=C, l1_ratio=l1_ratio, **options).fit(X[train], y[train])
            assert model.scores_[f, 0, c] == pytest.approx(one.score(X[test], y[test]), abs=0.02)
            kept = model.coefs_paths_[f, 0, c]
            assert sparse.issparse(kept) == (features == "observed")
            kept = kept.toarray() if sparse.issparse(kept) else kept
            assert_allclose(kept[:, :-1], one.coef_, atol=1e-3)
            assert_allclose(kept[:, -1], one.intercept_, atol=1e-3)
    best = MaxEntClassifier(C=model.C_, l1_ratio=l1_ratio, **options).fit(X, y)
    assert_array_equal(model.coef_, best.coef_)
    assert model.convergence_.get("n_pairs") == best.convergence_.get("n_pairs")


def test_the_mean_over_folds_of_sparse_weights():
    X, y = table()
    model = MaxEntClassifierCV(Cs=Cs, cv=3, refit=False, features="observed").fit(X, y)
    best = model.scores_[:, 0].argmax(axis=1)
    mean = np.mean([model.coefs_paths_[i, 0, c].toarray() for i, c in enumerate(best)], axis=0)
    assert_allclose(model.coef_, mean[:, :-1])
    assert_allclose(model.intercept_, mean[:, -1])


def test_paths_of_sparse_weights_are_drawn():
    pytest.importorskip("matplotlib").use("Agg")
    X, y = table()
    model = MaxEntClassifierCV(Cs=Cs, cv=3, features="observed").fit(X, y)
    display = PathDisplay.from_estimator(model, class_="b")
    mean = np.mean([fold.toarray()[1, :-1] for fold in model.coefs_paths_[:, 0, 2]], axis=0)
    assert_allclose(display.coefs[2], mean)


# ---- joint features


@pytest.mark.parametrize("form", ["tuples", "dicts"])
def test_the_search_is_separate_fits_with_joint_features(form):
    if form == "tuples":
        (data, y), features = names_data(120), JointFeatures([*FUNCTIONS, Joined((0, 1), min_count=1)])
    else:
        (data, y), features = dict_data(120), JointFeatures([Joined("a", min_count=2)], bias=True)
    y = np.asarray(y)
    folds = list(StratifiedKFold(3).split(np.zeros(len(y)), y))
    model = MaxEntClassifierCV(Cs=Cs, cv=folds, features=features, tol=1e-11, scoring="neg_log_loss")
    model.fit(data, y)
    for f, (train, test) in enumerate(folds):
        for c, C in enumerate(Cs):
            one = MaxEntClassifier(C=C, features=features, tol=1e-11)
            one.fit([data[i] for i in train], y[train])
            proba = one.predict_proba([data[i] for i in test])
            expected = -log_loss(y[test], proba, labels=model.classes_)
            assert model.scores_[f, 0, c] == pytest.approx(expected, abs=1e-5)
            assert_allclose(model.coefs_paths_[f, 0, c], one.coef_, atol=1e-3)
    best = MaxEntClassifier(C=model.C_, features=features, tol=1e-11).fit(data, y)
    assert_array_equal(model.predict_proba(data), best.predict_proba(data))
    assert_array_equal(model.joint_feature_names_, best.joint_feature_names_)
    assert model.score(data, y) == pytest.approx(-log_loss(y, best.predict_proba(data)))
    assert str(explain(model, data[0])).splitlines()[1:] == str(explain(best, data[0])).splitlines()[1:]
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(data), best.predict(data))
    assert not hasattr(model, "intercept_") and not hasattr(model, "n_features_in_")


def test_each_fold_reads_the_data_left_out_once():
    calls = []

    def in_capitalised(c, d):
        calls.append(d)
        return c == "LOCATION" and d[0] == "in"

    data, y = names_data(60)
    folds = [(np.arange(30), np.arange(30, 60))]
    search = MaxEntClassifierCV(Cs=3, cv=folds, features=JointFeatures([in_capitalised]), refit=True)
    few = len(search.fit(data, y).scores_) and len(calls)
    calls.clear()
    search.set_params(Cs=9).fit(data, y)
    assert len(calls) == few


def test_joint_features_in_a_search_at_the_edges():
    data, y = names_data(60)
    features = JointFeatures(FUNCTIONS)
    with pytest.raises(ValueError, match="Use refit=True"):
        MaxEntClassifierCV(features=features, refit=False).fit(data, y)
    model = MaxEntClassifierCV(Cs=Cs, cv=2, features=features).fit(data, y)
    with pytest.raises(ValueError, match="folds of a model with joint features have no columns in common"):
        PathDisplay.from_estimator(model)
    X, labels = table()
    model.set_params(features="all").fit(X, labels)
    assert not hasattr(model, "joint_table_") and model.coef_.shape == (3, 25)
    model.set_params(features=features).fit(data, y)
    assert not hasattr(model, "intercept_")


@pytest.mark.parametrize("kind", ["observed", "joint"])
def test_masses_are_copies_of_rows(kind):
    """Two to one in the masses are three rows of one label each, in the same fold."""
    X, y = table()
    codes = np.unique(y, return_inverse=True)[1]
    masses = 2.0 * np.eye(3)[codes] + np.eye(3)[(codes + 1) % 3]
    repeated, labels = np.repeat(np.arange(len(y)), 3), np.stack([codes, codes, (codes + 1) % 3], axis=1)
    if kind == "joint":
        features, data = JointFeatures([Joined("a", min_count=1)]), dict_data(len(y))[0]
        whole = [data[i] for i in repeated]
    else:
        features, data, whole = "observed", X, X[repeated]
    train, test = np.arange(60), np.arange(60, 90)
    options = {"Cs": Cs, "features": features, "scoring": "neg_log_loss", "tol": 1e-11}
    soft = MaxEntClassifierCV(cv=[(train, test)], **options).fit(data, masses)
    copies = [np.flatnonzero(np.isin(repeated, part)) for part in (train, test)]
    hard = MaxEntClassifierCV(cv=[copies], **options).fit(whole, labels.ravel())
    assert_allclose(soft.scores_, hard.scores_, atol=1e-5)
    assert_allclose(soft.coef_, hard.coef_, atol=1e-3)


# ---- groups


def test_groups_need_no_switch():
    X, y = table()
    groups = np.arange(len(y)) % 7
    folds = list(GroupKFold(3).split(X, y, groups))
    expected = MaxEntClassifierCV(Cs=Cs, cv=folds).fit(X, y)
    model = MaxEntClassifierCV(Cs=Cs, cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert_array_equal(model.scores_, expected.scores_)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = MaxEntClassifierCV(Cs=Cs, cv=GroupKFold(3)).fit(X, y, groups=groups)
    assert_array_equal(routed.scores_, expected.scores_)
    with pytest.raises(ValueError, match="The 'groups' parameter should not be None"):
        MaxEntClassifierCV(Cs=Cs, cv=GroupKFold(3)).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MaxEntClassifierCV(Cs=Cs, cv=GroupKFold(3)).fit(X, y, groups=groups[:-1])
    with pytest.raises(ValueError, match=r"\[groups\] are passed but metadata routing is not enabled"):
        model.score(X, y, groups=groups)


# ---- a validation set


@pytest.mark.parametrize("features", ["all", "observed"])
@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_a_validation_set_is_a_fold(features, scoring):
    X, y = table()
    train, test, m = np.arange(60), np.arange(60, 90), np.random.default_rng(0).uniform(0.1, 3, 30)
    options = {"Cs": Cs, "l1_ratios": (0.0, 1.0), "features": features, "scoring": scoring, "tol": 1e-10}
    model = MaxEntClassifierCV(**options).fit(X[train], y[train], X_val=X[test], y_val=y[test])
    fold = MaxEntClassifierCV(cv=[(train, test)], **options).fit(X, y)
    assert_array_equal(model.scores_, fold.scores_)
    assert (model.C_, model.l1_ratio_) == (fold.C_, fold.l1_ratio_)
    one = MaxEntClassifier(C=model.C_, l1_ratio=model.l1_ratio_, features=features, tol=1e-10)
    assert_array_equal(model.coef_, one.fit(X[train], y[train]).coef_)  # of the training data alone
    options.pop("l1_ratios")
    validation = {"X_val": X[test], "y_val": y[test]}
    path = maxent_path(X[train], y[train], **options, **validation)
    assert_array_equal(path.scores, model.scores_[0, 0])
    assert path.best_C == Cs[path.scores.argmax()]
    weighted = MaxEntClassifierCV(**options)
    weighted.fit(X[train], y[train], **validation, sample_weight_val=m)
    ours = maxent_path(X[train], y[train], **options, **validation, sample_weight_val=m)
    assert_array_equal(ours.scores, weighted.scores_[0, 0])
    assert (ours.scores != path.scores).any()


def test_a_validation_set_of_masses_and_of_data():
    X, y = table()
    masses = np.eye(3)[np.unique(y, return_inverse=True)[1]] + 0.1
    train, test = np.arange(60), np.arange(60, 90)
    model = MaxEntClassifierCV(Cs=Cs).fit(X[train], masses[train], X_val=X[test], y_val=masses[test])
    fold = MaxEntClassifierCV(Cs=Cs, cv=[(train, test)]).fit(X, masses)
    assert_array_equal(model.scores_, fold.scores_)
    data, labels = dict_data(90)
    features = JointFeatures([Joined("a", min_count=1)])
    model = MaxEntClassifierCV(Cs=Cs, features=features)
    model.fit(data[:60], labels[:60], X_val=data[60:], y_val=labels[60:])
    fold = MaxEntClassifierCV(Cs=Cs, features=features, cv=[(train, test)]).fit(data, labels)
    assert_array_equal(model.scores_, fold.scores_)


def test_a_validation_set_through_a_pipeline():
    X, y = table()
    parts = {"X_val": X[60:], "y_val": y[60:]}
    with sklearn.config_context(enable_metadata_routing=True):
        search = MaxEntClassifierCV(Cs=Cs).set_fit_request(X_val=True, y_val=True)
        model = make_pipeline(MaxAbsScaler(), search, transform_input=["X_val"])
        model.fit(X[:60], y[:60], **parts)
    scaler = MaxAbsScaler().fit(X[:60])
    plain = MaxEntClassifierCV(Cs=Cs)
    plain.fit(scaler.transform(X[:60]), y[:60], X_val=scaler.transform(X[60:]), y_val=y[60:])
    assert_array_equal(model[-1].scores_, plain.scores_)


def test_validation_sets_that_do_not_go_with_the_training_data():
    X, y = table()
    A, b, V, v = X[:60], y[:60], X[60:], y[60:]
    for fit in (MaxEntClassifierCV(Cs=Cs).fit, lambda *args, **more: maxent_path(*args, Cs=Cs, **more)):
        for more, message in (
            ({"X_val": V}, "X_val and y_val must be given together"),
            ({"y_val": v}, "X_val and y_val must be given together"),
            ({"sample_weight_val": np.ones(30)}, "sample_weight_val needs X_val and y_val"),
            ({"X_val": V[:, 1:], "y_val": v}, "X has 24 features, but MaxEntClassifier.* is expecting 25"),
            ({"X_val": V, "y_val": v[1:]}, "inconsistent numbers of samples"),
            ({"X_val": V, "y_val": np.eye(3)[:30]}, "inconsistent numbers of samples"),
            ({"X_val": V, "y_val": np.ones((30, 3)) / 3}, "y_val must hold labels like y. Got label masses"),
            ({"X_val": V, "y_val": v, "sample_weight_val": -np.ones(30)}, "Negative values in data"),
        ):
            with pytest.raises(ValueError, match=message):
                fit(A, b, **more)
    with pytest.raises(ValueError, match="scoring needs X_val and y_val"):
        maxent_path(A, b, scoring="accuracy")
    with pytest.raises(ValueError, match="X_val and cv exclude each other"):
        MaxEntClassifierCV(cv=3).fit(A, b, X_val=V, y_val=v)
    with pytest.raises(ValueError, match="X_val and groups exclude each other"):
        MaxEntClassifierCV().fit(A, b, X_val=V, y_val=v, groups=np.arange(60))
