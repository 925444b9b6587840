"""BackpropMLPClassifier: classes, weights and meanings of y, scores: faults that users' data found."""

import numpy as np
import pytest
from networks import same_model, text_like
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_moons
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier

from skmaxent import BackpropMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FEW = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 8}


def make(**options):
    return BackpropMLPClassifier(**{**FEW, **options})


def masses(n=60, seed=0):
    X, y = text_like(n=n, d=60, n_classes=3, density=0.1, seed=seed)
    return X, np.random.default_rng(seed).random((n, 3)) + 2 * np.eye(3)[y]


# ---------------------------------------------------------------- class weights


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("wrong", [{0: -1, 1: 1}, {0: np.nan, 1: 1}, {0: np.inf, 1: 1}, {0: 0, 1: 0}])
def test_class_weights_are_validated(solver, wrong):
    X, y = make_moons(40, random_state=0)
    mlp = make(solver=solver, class_weight=wrong)
    with pytest.raises(ValueError, match="class_weight must be finite, non-negative and not all zero"):
        mlp.fit(X, y)
    assert not hasattr(mlp, "coefs_")
    if solver == "adam":
        with pytest.raises(ValueError, match="class_weight must be finite"):
            mlp.partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_class_without_weight_stays(solver, early_stopping):
    X, y = text_like(n=90, n_classes=3)
    options = {
        "solver": solver,
        "early_stopping": early_stopping,
        "max_iter": 300,
        "learning_rate_init": 0.01,
    }
    for mlp in (
        make(**options, class_weight={0: 1, 1: 1, 2: 0}).fit(X, y),
        make(**options).fit(X, y, sample_weight=(y != 2).astype(float)),
    ):
        assert_array_equal(mlp.classes_, [0, 1, 2])
        p = mlp.predict_proba(X)
        assert np.isfinite(p).all()
        assert (mlp.predict(X) != 2).all()


# ---------------------------------------------------------------- divergence


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_lbfgs_refuses_a_loss_that_is_not_finite(l1_ratio):
    X, y = make_moons(40, random_state=0)
    mlp = make(solver="lbfgs", activation="identity", l1_ratio=l1_ratio).fit(X, y)
    before = [w.copy() for w in mlp.coefs_]
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"loss is not finite in iteration 1\. Scale the columns of X"),
    ):
        mlp.fit(X * 8e307, y)
    for w, b in zip(mlp.coefs_, before):
        assert_array_equal(w, b)


# ---------------------------------------------------------------- classes


def test_partial_fit_takes_its_classes_again_and_again():
    X, y = text_like(n=60, n_classes=3)
    labels = np.array(["b", "a", "c"])[y]
    mlp = make()
    for start in range(0, 60, 20):
        part = slice(start, start + 20)
        mlp.partial_fit(X[part], labels[part], classes=np.array(["c", "b", "a", "b"])[: 4 - (start == 20)])
    assert_array_equal(mlp.classes_, ["a", "b", "c"])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        mlp.partial_fit(X, labels, classes=["a", "b"])


@pytest.mark.parametrize("solver", ["adam", "sgd", "adagrad", "lbfgs"])
@pytest.mark.parametrize("label", [0, 1, "only"])
def test_a_single_class(solver, label):
    """As MLPClassifier: that class for every row, in the first of two columns."""
    X, _ = make_moons(40, random_state=0)
    options = {"max_iter": 300, "random_state": 0}
    ours = BackpropMLPClassifier(solver=solver, learning_rate_init=0.01, **options).fit(X, [label] * 40)
    theirs = MLPClassifier(**options).fit(X, [label] * 40)
    for mlp in (ours, theirs):
        assert_array_equal(mlp.classes_, [label])
        assert_array_equal(mlp.predict(X), [label] * 40)
        assert mlp.n_outputs_ == 1 and mlp.out_activation_ == "logistic"
        p = mlp.predict_proba(X)
        assert p.shape == (40, 2) and p[:, 0].min() > 0.8
        assert_allclose(p.sum(axis=1), 1)
    assert ours.decision_function(X).shape == (40,)
    assert_allclose(np.exp(ours.predict_log_proba(X)), ours.predict_proba(X))
    assert ours.score(X, [label] * 40) == 1


def test_a_single_class_with_early_stopping_and_partial_fit():
    X, _ = make_moons(40, random_state=0)
    assert make(early_stopping=True).fit(X, np.zeros(40)).best_validation_score_ == 1
    mlp = make().partial_fit(X, np.ones(40), classes=[1]).partial_fit(X, np.ones(40), classes=[1, 1])
    assert_array_equal(mlp.predict(X), np.ones(40))


@pytest.mark.parametrize("meta", [MultiOutputClassifier, ClassifierChain])
@pytest.mark.parametrize("constant", [0, 1])
def test_a_constant_column_of_many_outputs(meta, constant):
    X, y = make_moons(60, random_state=0)
    Y = np.column_stack([y, np.full(60, constant)])
    model = meta(BackpropMLPClassifier(max_iter=300, learning_rate_init=0.01, random_state=0)).fit(X, Y)
    assert_array_equal(model.predict(X)[:, 1], Y[:, 1])
    ours = np.asarray(model.predict_proba(X))
    theirs = np.asarray(meta(MLPClassifier(max_iter=1000, random_state=0)).fit(X, Y).predict_proba(X))
    assert ours.shape == theirs.shape
    assert_allclose(
        ours[1] if ours.ndim == 3 else ours[:, 1], theirs[1] if ours.ndim == 3 else theirs[:, 1], atol=0.1
    )


# ---------------------------------------------------------------- what y means


def test_the_dtype_decides_and_never_the_values():
    """A fold of indicators whose rows happen to sum to 1 is multilabel; floats of 0 and 1 are masses."""
    X, y = text_like(n=60, n_classes=3)
    one_hot = np.eye(3)[y]
    for indicators in (one_hot.astype(int), one_hot.astype(bool), one_hot.astype(np.uint8)):
        for container in (np.asarray, sparse.csr_matrix):
            mlp = make().fit(X, container(indicators))
            assert mlp.out_activation_ == "logistic" and mlp.predict(X).shape == (60, 3)
    same_model(make().fit(X, one_hot), make().fit(X, y))
    for soft in (one_hot, one_hot.astype(np.float32), sparse.csr_matrix(one_hot)):
        mlp = make().fit(X, soft)
        assert mlp.out_activation_ == "softmax" and mlp.predict(X).shape == (60,)


def test_target_type_settles_what_y_means():
    X, m = masses()
    counts = np.floor(3 * m).astype(int)
    with pytest.raises(ValueError, match=r"hold 0 and 1 only.*as floats, or with target_type='masses'"):
        make().fit(X, counts)
    same_model(make(target_type="masses").fit(X, counts), make().fit(X, counts.astype(float)))
    indicators = (m > 1).astype(float)
    same_model(make(target_type="multilabel").fit(X, indicators), make().fit(X, indicators.astype(int)))
    with pytest.raises(ValueError, match="hold 0 and 1 only"):
        make(target_type="multilabel").fit(X, m)
    for target_type in ("masses", "multilabel"):
        with pytest.raises(ValueError, match=f"target_type='{target_type}' needs a y of shape"):
            make(target_type=target_type).fit(X, m.argmax(axis=1))
    with pytest.raises(
        ValueError, match=r"target_type='masses' needs a y .* Got an array of shape \(60, 1\)"
    ):
        make(target_type="masses").fit(X, m[:, :1])
    with pytest.raises(ValueError, match="'target_type' parameter of BackpropMLPClassifier must be"):
        make(target_type="soft").fit(X, m)
    with pytest.raises(ValueError, match="non-negative"):
        make().fit(X, -m)
    one = make(target_type="multilabel").fit(X, indicators[:, :1])
    assert one.predict(X).shape == one.decision_function(X).shape == one.predict_proba(X).shape == (60, 1)


def test_two_columns_of_masses():
    X, m = masses()
    mlp = make(max_iter=50).fit(X, m[:, :2])
    assert mlp.predict_proba(X).shape == mlp.decision_function(X).shape == (60, 2)
    assert mlp.predict(X).shape == (60,)


# ---------------------------------------------------------------- scores


def test_score_of_masses_is_the_expected_accuracy():
    X, m = masses()
    w = np.random.default_rng(1).random(60)
    mlp = make(max_iter=50).fit(X, m)
    chosen = m[np.arange(60), mlp.predict(X)]
    assert mlp.score(X, m) == pytest.approx(chosen.sum() / m.sum())
    assert mlp.score(X, m, sample_weight=w) == pytest.approx((w @ chosen) / (w @ m.sum(axis=1)))
    assert mlp.score(X, m.argmax(axis=1)) == np.mean(mlp.predict(X) == m.argmax(axis=1))
    assert mlp.score(X, sparse.csr_matrix(m)) == mlp.score(X, m)
    assert np.isnan(mlp.score(X, 0 * m))
    # a label a row is the same score, given as masses or as labels
    assert mlp.score(X, np.eye(3)[m.argmax(axis=1)]) == pytest.approx(mlp.score(X, m.argmax(axis=1)))


def test_masses_in_cross_validation():
    X, m = masses()
    scores = cross_val_score(make(max_iter=50), X, m, cv=KFold(3), error_score="raise")
    for (train, test), score in zip(KFold(3).split(X), scores):
        assert score == make(max_iter=50).fit(X[train], m[train]).score(X[test], m[test])
    search = GridSearchCV(make(max_iter=50), {"alpha": [1e-3, 1.0]}, cv=3, error_score="raise").fit(X, m)
    assert search.score(X, m) == search.best_estimator_.score(X, m)


@pytest.mark.parametrize("scoring", [None, "loss", "accuracy", "neg_log_loss"])
def test_masses_and_validation(scoring):
    """A row of masses counts as its labels, each with its mass."""
    X, m = masses(200)
    X_val, m_val = masses(60, seed=1)
    mlp = make(early_stopping=True, scoring=scoring, max_iter=30, learning_rate_init=0.01)
    mlp.fit(X, m, X_val=X_val, y_val=m_val)
    log_p = mlp.predict_log_proba(X_val)
    expected = -(m_val * -log_p).sum() / m_val.sum()
    if scoring in (None, "accuracy"):
        expected = mlp.score(X_val, m_val)
    assert mlp.best_validation_score_ == pytest.approx(expected)
    inside = make(early_stopping=True, scoring=scoring, max_iter=5).fit(X, m)
    assert np.isfinite(inside.validation_scores_).all()
    with pytest.raises(ValueError, match="y has shape"):
        make().fit(X, m, X_val=X_val, y_val=m_val.argmax(axis=1))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_decision_function(kind):
    X, y = text_like(n=80, n_classes=2 if kind == "binary" else 4)
    if kind == "multilabel":
        y = (np.random.default_rng(0).random((80, 4)) < 0.5).astype(int)
    mlp = make(max_iter=30).fit(X, y)
    scores, p = mlp.decision_function(X), mlp.predict_proba(X)
    assert scores.shape == ((80,) if kind == "binary" else (80, 4))
    if kind == "multiclass":
        assert_allclose(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), p)
    else:
        assert_allclose(1 / (1 + np.exp(-scores)), p[:, 1] if kind == "binary" else p, rtol=1e-12)
    if kind == "binary":
        assert roc_auc_score(y, scores) == roc_auc_score(y, p[:, 1])
        assert CalibratedClassifierCV(mlp, cv=2).fit(X, y).predict_proba(X).shape == (80, 2)
