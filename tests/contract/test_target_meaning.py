"""What y means: labels, label masses, or an indicator, whatever values a fold holds; and values that miss."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multioutput import MultiOutputClassifier

from skmaxent import (
    Joined,
    JointFeatures,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    c_min,
    maxent_path,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((90, 4))
Y = (X[:, :3] + RNG.standard_normal((90, 3))).argmax(axis=1)
COUNTS = RNG.integers(0, 4, (90, 3)) + 2 * np.eye(3, dtype=int)[Y]
SEVERAL = np.eye(3, dtype=int)[Y] | np.eye(3, dtype=int)[RNG.integers(0, 3, 90)]
MESSAGE = r"must sum to 1.*MultiOutputClassifier.*BackpropMLPClassifier.*target_type='masses'"

FITS = {
    "fit": lambda y, **options: MaxEntClassifier(**options).fit(X, y),
    "cv": lambda y, **options: MaxEntClassifierCV(Cs=[1.0], cv=2, **options).fit(X, y),
    "path": lambda y, **options: maxent_path(X, y, Cs=[1.0], **options),
    "c_min": lambda y, **options: c_min(X, y, **options),
    "score": lambda y, **options: MaxEntClassifier(**options).fit(X, COUNTS.astype(float)).score(X, y),
    "counts": lambda y, **options: MaxEntClassifier().fit(X, Y).observed_counts(X, y),
    "joint": lambda y, **options: MaxEntClassifier(
        features=JointFeatures([Joined("a")], bias=True), **options
    ).fit([{"a": "x" if row[0] > 0 else "y"} for row in X], y),
}  # fmt: skip


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize("kind", [int, bool, np.uint8, "frame", "sparse", "list", "nullable"])
def test_an_indicator_of_several_labels_is_refused(how, kind):
    y = {
        "frame": lambda: pd.DataFrame(SEVERAL),
        "sparse": lambda: sparse.csr_matrix(SEVERAL),
        "list": SEVERAL.tolist,
        "nullable": lambda: pd.DataFrame(SEVERAL).astype("Int64"),
    }.get(kind, lambda: SEVERAL.astype(kind))()
    with pytest.raises(ValueError, match=MESSAGE):
        FITS[how](y)


@pytest.mark.parametrize("how", FITS)
def test_counts_are_floats_or_said_to_be_masses(how):
    """Whole numbers alone could be labels in one fold and counts in another."""
    with pytest.raises(ValueError, match=MESSAGE):
        FITS[how](COUNTS)
    FITS[how](COUNTS.astype(float))
    if how != "counts":
        FITS[how](COUNTS, target_type="masses")


def test_counts_by_either_way_are_the_same_masses():
    reference = MaxEntClassifier().fit(np.tile(X, (3, 1)), np.repeat(np.arange(3), 90), COUNTS.T.ravel())
    for y, options in [
        (COUNTS.astype(float), {}),
        (COUNTS.astype(np.float32), {}),
        (COUNTS, {"target_type": "masses"}),
        (pd.DataFrame(COUNTS), {"target_type": "masses"}),
        (pd.DataFrame(COUNTS.astype(float)), {}),
        (sparse.csr_array(COUNTS.astype(float)), {}),
        (SEVERAL.astype(float) * 0 + COUNTS, {}),
    ]:
        model = MaxEntClassifier(**options).fit(X, y)
        assert_allclose(model.coef_, reference.coef_, atol=1e-4)
        assert_array_equal(model.classes_, [0, 1, 2])


def test_the_meaning_is_that_of_the_type_in_every_fold():
    """A multilabel indicator of which some fold has one label a row is refused in the others, never read
    otherwise; floats that are all 0 and 1 are masses."""
    one_hot = np.eye(3, dtype=int)[Y]
    by_label = MaxEntClassifier(tol=1e-10).fit(X, Y)
    for y in (one_hot, one_hot.astype(bool), one_hot.astype(float), pd.DataFrame(one_hot)):
        assert_allclose(MaxEntClassifier(tol=1e-10).fit(X, y).coef_, by_label.coef_, atol=1e-6)
    both = SEVERAL.astype(float)
    doubled = MaxEntClassifier(tol=1e-10).fit(X, both)  # a row with two labels is a row of each
    copies = MaxEntClassifier(tol=1e-10).fit(np.tile(X, (3, 1)), np.repeat([0, 1, 2], 90), both.T.ravel())
    assert_allclose(doubled.coef_, copies.coef_, atol=1e-5)
    assert MultiOutputClassifier(MaxEntClassifier()).fit(X, SEVERAL).predict(X).shape == (90, 3)


def test_masses_need_columns():
    with pytest.raises(ValueError, match="needs y of shape"):
        MaxEntClassifier(target_type="masses").fit(X, Y)
    with pytest.raises(
        ValueError, match="The 'target_type' parameter of MaxEntClassifier must be a str among"
    ):
        MaxEntClassifier(target_type="multilabel").fit(X, Y)
    with pytest.raises(ValueError, match="target_type must be one of"):
        c_min(X, Y, target_type="counts")
    model = MaxEntClassifier().fit(X, COUNTS.astype(float))
    for method in (model.score, model.observed_counts):
        with pytest.raises(ValueError, match="y has 2 columns, but the model has 3 classes"):
            method(X, COUNTS[:, :2].astype(float))


# ---- scores


def test_score_on_masses_is_the_expected_accuracy():
    masses, weights = COUNTS / 7, RNG.uniform(0, 2, 90)
    model = MaxEntClassifier().fit(X, masses)
    predicted = model.predict(X)
    copies = {
        "y_true": np.repeat([0, 1, 2], 90),
        "y_pred": np.tile(predicted, 3),
    }
    assert model.score(X, masses) == pytest.approx(accuracy_score(**copies, sample_weight=masses.T.ravel()))
    assert model.score(X, masses, weights) == pytest.approx(
        accuracy_score(**copies, sample_weight=(masses * weights[:, None]).T.ravel())
    )
    assert model.score(X, np.eye(3)[Y]) == model.score(X, Y) == accuracy_score(Y, predicted)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, masses[:-1])
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        model.score(X, masses, -weights)


@pytest.mark.parametrize("target_type", ["auto", "masses"])
def test_scikit_learns_cross_validation_on_masses(target_type):
    y = COUNTS / 7 if target_type == "auto" else COUNTS
    model = MaxEntClassifier(target_type=target_type)
    scores = cross_val_score(model, X, y, error_score="raise")
    folds = list(KFold(5).split(X))
    masses = y.astype(float)
    expected = [MaxEntClassifier().fit(X[a], masses[a]).score(X[b], masses[b]) for a, b in folds]
    assert_allclose(scores, expected, atol=1e-12)
    search = GridSearchCV(model, {"C": [1e-4, 0.1]}, cv=5, error_score="raise").fit(X, y)
    ours = MaxEntClassifierCV(Cs=[1e-4, 0.1], cv=5, target_type=target_type).fit(X, y)
    assert_allclose(ours.scores_[:, 0].mean(axis=0), search.cv_results_["mean_test_score"], atol=1e-12)
    assert search.best_params_["C"] == ours.C_
    assert_allclose(ours.coef_, search.best_estimator_.coef_, atol=1e-6)
    assert ours.score(X, y) == search.score(X, y)


def test_log_loss_on_masses():
    y, weights = COUNTS / 7, RNG.uniform(0, 2, 90)
    folds = list(KFold(3).split(X))
    model = MaxEntClassifierCV(Cs=[0.01, 1.0], cv=folds, scoring="neg_log_loss").fit(
        X, y, sample_weight=weights
    )
    for i, (train, test) in enumerate(folds):
        one = MaxEntClassifier(C=0.01).fit(X[train], y[train], weights[train])
        mass = (y[test] * weights[test, None]).T.ravel()
        expected = -log_loss(
            np.repeat([0, 1, 2], len(test)), np.tile(one.predict_proba(X[test]), (3, 1)), sample_weight=mass
        )
        assert model.scores_[i, 0, 0] == pytest.approx(expected, rel=1e-3)
    by_label = MaxEntClassifierCV(Cs=[0.01, 1.0], cv=folds, scoring="neg_log_loss").fit(X, Y)
    one_hot = MaxEntClassifierCV(Cs=[0.01, 1.0], cv=folds, scoring="neg_log_loss").fit(X, np.eye(3)[Y])
    assert_allclose(one_hot.scores_, by_label.scores_, atol=1e-6)
    assert one_hot.score(X, np.eye(3)[Y]) == pytest.approx(by_label.score(X, Y), abs=1e-4)


def test_folds_of_masses_that_lack_a_class():
    """Rows in the order of their classes, as KFold takes them."""
    order = np.argsort(Y, kind="stable")
    y = np.eye(3)[Y][order]
    for scoring in (None, "neg_log_loss"):
        model = MaxEntClassifierCV(Cs=[0.1, 1.0], cv=3, scoring=scoring).fit(X[order], y)
        assert np.isfinite(model.scores_).all()
    assert np.isfinite(cross_val_score(MaxEntClassifier(), X[order], y, cv=3, error_score="raise")).all()


# ---- values that miss


@pytest.mark.parametrize("model", [MaxEntClassifier(), MaxEntClassifierCV(cv=2)])
@pytest.mark.parametrize(
    "y",
    [
        np.array(["a", np.nan, "b"] * 4, dtype=object),
        np.array(["a", None, "b"] * 4, dtype=object),
        ["a", float("nan"), "b"] * 4,
        pd.Series(["a", np.nan, "b"] * 4),
        pd.Series(["a", pd.NA, "b"] * 4, dtype="string"),
        pd.Series(["a", None, "b"] * 4, dtype="category"),
        pd.Series([1, None, 2] * 4, dtype="Int64"),
        np.array([1, np.nan, 2] * 4, dtype=object),
        np.array([1, np.nan, 2] * 4),
        pd.Series(pd.to_datetime(["2020-01-01", None, "2020-01-03"] * 4)),
        pd.DataFrame({"a": ["a", None, "b"] * 4}),
    ],
    ids=lambda y: f"{type(y).__name__}-{getattr(y, 'dtype', '')}",
)
def test_labels_that_miss_are_refused(model, y):
    with pytest.raises(ValueError, match="Input y contains NaN"):
        model.fit(X[:12], y)


@pytest.mark.parametrize(
    "groups",
    [
        np.array([1, 1, np.nan, np.nan, 2, 2]),
        [1.0, 1.0, float("nan"), float("nan"), 2.0, 2.0],
        ["a", "a", float("nan"), float("nan"), "b", "b"],
        np.array(["a", "a", None, None, "b", "b"], dtype=object),
        pd.Series(["a", "a", pd.NA, pd.NA, "b", "b"], dtype="string"),
        pd.Series([1, 1, None, None, 2, 2], dtype="Int64"),
        np.array(["2020-01-01", "2020-01-01", "NaT", "NaT", "2021-01-01", "2021-01-01"], dtype="M8[D]"),
    ],
    ids=lambda y: f"{type(y).__name__}-{getattr(y, 'dtype', '')}",
)
def test_group_ids_that_miss_are_refused(groups):
    marks = [1, 0] * 3
    with pytest.raises(ValueError, match="Input groups contains NaN"):
        MaxEntRanker().fit(X[:6], marks, groups)
    ranker = MaxEntRanker().fit(X[:6], marks, [0, 0, 1, 1, 2, 2])
    for method in (ranker.predict, ranker.predict_proba, ranker.predict_log_proba):
        with pytest.raises(ValueError, match="Input groups contains NaN"):
            method(X[:6], groups)
    with pytest.raises(ValueError, match="Input groups contains NaN"):
        ranker.score(X[:6], marks, groups)


@pytest.mark.parametrize("missing", [None, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT")])
def test_what_misses_in_a_conjunction_is_nothing(missing):
    rows = [{"word": "in", "tag": "x"}, {"word": missing, "tag": "x"}, {"word": "at", "tag": missing}]
    model = MaxEntClassifier(features=JointFeatures([Joined(("word", "tag"))])).fit(rows, ["a", "b", "b"])
    assert model.joint_feature_names_.tolist() == ["word=in & tag=x, c=a", "word=in & tag=x, c=b"]
    assert model.predict_proba(rows[1:]).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    frame = pd.DataFrame(rows)
    assert_allclose(model.predict_proba(frame), model.predict_proba(rows))


def test_a_polars_frame_is_read_by_rows():
    polars = pytest.importorskip("polars")
    rows = [{"word": "in", "tag": "x"}, {"word": "at", "tag": None}] * 5
    y = ["a", "b"] * 5
    model = MaxEntClassifier(features=JointFeatures([Joined("word"), Joined(("word", "tag"))]))
    by_rows = model.fit(rows, y).coef_.copy()
    frame = polars.DataFrame(rows)
    assert_array_equal(model.fit(frame, polars.Series(y)).coef_, by_rows)
    assert_array_equal(model.predict(frame), y)
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        model.predict(frame[:0])
    masses = polars.DataFrame({"0": [1.0, 0.0] * 5, "1": [0.0, 1.0] * 5})
    assert model.fit(frame, masses).score(frame, masses) == 1
