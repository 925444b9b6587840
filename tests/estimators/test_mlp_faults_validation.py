"""BackpropMLPClassifier: validation sets, early stopping, warnings: faults that users' data found."""

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
from networks import same_model
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmaxent import BackpropMLPClassifier
from skmaxent.compat import HAS_CALLBACKS
from skmaxent.nn.training.row_keys import stratified_split

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def make(**options):
    return BackpropMLPClassifier(
        **{"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 8, "batch_size": 20, **options}
    )


def moons(n=100, noise=0.3):
    return make_moons(n, noise=noise, random_state=0)


# ---------------------------------------------------------------- the validation split


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", ["rows", "weights", "normalised", "sparse"])
def test_early_stopping_on_rows_that_repeat(seed, form):
    """XOR of the first two of four binary columns: 16 patterns, none of which training may miss."""
    X = np.random.default_rng(seed).integers(0, 2, (1000, 4))
    y, w = X[:, 0] ^ X[:, 1], None
    rows = X, y
    if form == "weights":
        X, w = np.unique(X, axis=0, return_counts=True)
        y = X[:, 0] ^ X[:, 1]
    elif form == "normalised":
        w = np.full(1000, 1 / 1000)
    elif form == "sparse":
        X = sparse.csr_matrix(X.astype(float))
    options = {"batch_size": 2, "learning_rate_init": 0.01} if form == "weights" else {}
    mlp = BackpropMLPClassifier(early_stopping=True, max_iter=500, alpha=0, random_state=seed, **options)
    assert mlp.fit(X, y, w).score(*rows) == 1.0


def group_shares(keys, strata, weights, fraction=0.1):
    share = stratified_split(keys, strata, weights, fraction)
    weights = np.ones(keys.size) if weights is None else weights
    pairs = keys * np.uint64(10) + strata.astype(np.uint64)
    _, group = np.unique(pairs, return_inverse=True)
    return np.bincount(group, weights * share), np.bincount(group, weights)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.9])
def test_split_divides_equal_rows(fraction):
    """A row k times and a row of weight k are divided alike; some of each stays; the total is right."""
    rng = np.random.default_rng(0)
    keys = rng.permutation(2000)[:300].astype(np.uint64)
    strata = rng.integers(0, 3, 300)
    counts = rng.integers(1, 7, 300)
    shares, masses = group_shares(keys, strata, counts.astype(float), fraction)
    order = rng.permutation(counts.sum())
    repeated, _ = group_shares(keys.repeat(counts)[order], strata.repeat(counts)[order], None, fraction)
    assert_array_equal(repeated, shares)
    assert_array_equal(shares, np.round(shares))
    many = masses > 1
    assert (masses - shares >= 1)[many].all()
    assert np.abs(shares - np.minimum(fraction * masses, masses - 1))[many].max() < 1
    if fraction < 0.5:
        assert abs(shares.sum() - fraction * counts.sum()) <= 0.5
        assert set(shares[~many]) == {0.0, 1.0}


def test_split_of_rows_that_occur_once_keeps_them_whole():
    for weights in (None, np.full(50, 1.5), np.full(50, 1e-3), np.random.default_rng(0).random(50)):
        share = stratified_split(np.arange(50, dtype=np.uint64), np.arange(50) % 2, weights, 0.2)
        total = np.ones(50) if weights is None else weights
        assert set(share) == {0.0, 1.0}
        assert abs(share @ total - 0.2 * total.sum()) <= total.max()


def test_class_weights_do_not_make_copies_of_a_row():
    """A rare class that weighs nine times as much has not occurred nine times."""
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = (np.arange(200) % 10 == 0).astype(int)
    seen = []
    scorer = lambda model, X, y, sample_weight: seen.append((X, y, sample_weight)) or 0.0  # noqa: E731
    mlp = make(
        early_stopping=True, class_weight={0: 1, 1: 9}, scoring=scorer, max_iter=1, validation_fraction=0.2
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(X, y)
    rows, labels, weights = seen[0]
    assert_array_equal(np.bincount(labels), [36, 4])
    assert_array_equal(weights, np.where(labels, 9, 1))
    assert len(np.unique(rows, axis=0)) == 40


def test_split_needs_two_rows():
    with pytest.raises(ValueError, match="validation set is too small, with n_samples=1"):
        make(early_stopping=True).fit([[0.0]], [1])


# ---------------------------------------------------------------- a given validation set


@quiet
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("scoring", [None, "loss", "roc_auc", "neg_log_loss", make_scorer(roc_auc_score)])
def test_scoring(solver, scoring):
    """The validation score is what the scorer says of the model as of then, with the weights of the set."""
    X, y = moons(100)
    X_val, y_val = make_moons(60, noise=0.4, random_state=1)
    w = np.random.default_rng(0).random(60)
    options = {
        "solver": solver,
        "learning_rate_init": 0.1,
        "tol": 0.0,
        "n_iter_no_change": 6,
        "max_iter": 100,
    }
    mlp = make(early_stopping=True, scoring=scoring, **options)
    mlp.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
    p = mlp.predict_proba(X_val)
    expected = {
        None: lambda: mlp.score(X_val, y_val, w),
        "loss": lambda: -log_loss(y_val, p, sample_weight=w),
        "neg_log_loss": lambda: -log_loss(y_val, p, sample_weight=w),
        "roc_auc": lambda: roc_auc_score(y_val, mlp.decision_function(X_val), sample_weight=w),
    }.get(scoring, lambda: roc_auc_score(y_val, mlp.predict(X_val), sample_weight=w))()
    assert mlp.best_validation_score_ == max(mlp.validation_scores_) == pytest.approx(expected, rel=1e-9)
    assert len(mlp.validation_scores_) == mlp.n_iter_
    best = int(np.argmax(mlp.validation_scores_))
    # it stopped when the score had stalled for more than `n_iter_no_change` epochs, and went back to the best
    highest = np.maximum.accumulate(mlp.validation_scores_)
    stalled = mlp.n_iter_ - 1 - np.flatnonzero(mlp.validation_scores_ >= highest)[-1]
    assert stalled == 7 or (stalled < 7 and (mlp.n_iter_ == 100 or solver == "lbfgs"))
    assert -mlp.validation_loss_curve_[best] == pytest.approx(-log_loss(y_val, p, sample_weight=w), rel=1e-9)


@quiet
def test_lbfgs_stops_early_where_a_set_is_given():
    X, y = moons(100, noise=0.5)
    X_val, y_val = make_moons(100, noise=0.5, random_state=1)
    options = {"hidden_layer_sizes": (30,), "solver": "lbfgs", "alpha": 0, "max_iter": 300}
    plain = make(**options).fit(X, y, X_val=X_val, y_val=y_val)
    assert plain.best_validation_score_ is None and plain.best_loss_ == min(plain.loss_curve_)
    mlp = make(early_stopping=True, scoring="loss", **options).fit(X, y, X_val=X_val, y_val=y_val)
    assert mlp.n_iter_ < plain.n_iter_ and mlp.best_loss_ is None
    losses = plain.validation_loss_curve_
    assert_array_equal(mlp.validation_loss_curve_, losses[: mlp.n_iter_])
    assert mlp.best_validation_score_ == -min(losses[: mlp.n_iter_])
    assert log_loss(y_val, mlp.predict_proba(X_val)) == pytest.approx(-mlp.best_validation_score_)
    # without a set it is MLPClassifier's lbfgs, which sets nothing aside
    alone = make(early_stopping=True, **options).fit(X, y)
    same_model(alone, plain)
    assert alone.best_validation_score_ is None and np.isfinite(alone.best_loss_)


@quiet
def test_a_score_that_is_nan_never_wins():
    X, y = moons()
    scores = iter([0.5, np.nan, 0.7, *[np.nan] * 50])
    mlp = make(early_stopping=True, scoring=lambda *_: next(scores), max_iter=50).fit(X, y)
    assert mlp.best_validation_score_ == 0.7 and mlp.n_iter_ == 3 + 11


@quiet
def test_warm_start_measures_the_set_at_hand():
    """Its best score so far is that of the new set and score, not of the old ones."""
    X, y = moons()
    mlp = make(early_stopping=True, warm_start=True).fit(X, y, X_val=X, y_val=y)
    mlp.set_params(scoring="loss").fit(X, y, X_val=X, y_val=y)
    assert mlp.best_validation_score_ < 0
    assert log_loss(y, mlp.predict_proba(X)) == pytest.approx(-mlp.best_validation_score_)


def test_validation_arguments_are_checked():
    X, y = moons()
    with pytest.raises(ValueError, match="sample_weight_val needs X_val and y_val"):
        make().fit(X, y, sample_weight_val=np.ones(100))
    with pytest.raises(ValueError, match="weights of the validation set are zero"):
        make().fit(X, y, X_val=X, y_val=y, sample_weight_val=np.zeros(100))
    with pytest.raises(ValueError, match="'scoring' parameter of BackpropMLPClassifier must be"):
        make(scoring="best").fit(X, y)


def test_the_example_of_a_validation_set_in_a_pipeline(capsys):
    example = Path(__file__).parents[2] / "docs" / "examples" / "validation_in_a_pipeline.py"
    if not example.exists():
        pytest.skip("the tests run without a checkout")
    state = runpy.run_path(str(example))
    assert "test accuracy" in capsys.readouterr().out
    loss = log_loss(state["y_val"], state["model"].predict_proba(state["val"]))
    assert loss == pytest.approx(-state["network"].best_validation_score_, rel=1e-5)


# ---------------------------------------------------------------- warnings and lines


class Quiet:
    """A callback that does nothing."""

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context): ...


WAYS = {
    "fit": lambda mlp, X, y: mlp.fit(X, y),
    "pipeline": lambda mlp, X, y: make_pipeline(StandardScaler(), mlp).fit(X, y),
    "grid search": lambda mlp, X, y: GridSearchCV(mlp, {"tol": [0.0]}, cv=2, error_score="raise").fit(X, y),
    "callbacks": lambda mlp, X, y: (mlp.set_callbacks(Quiet()) if HAS_CALLBACKS else mlp).fit(X, y),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "options", [{"max_iter": 1}, {"solver": "lbfgs", "max_iter": 1}, {"batch_size": 500}]
)
def test_warnings_point_at_the_line_of_the_user(way, options):
    X, y = moons()
    with pytest.warns(UserWarning) as caught:
        WAYS[way](make(**options), X, y)
    assert {warning.filename for warning in caught} == {__file__}


def test_lines_are_flushed_and_show_the_time(monkeypatch):
    lines = []
    monkeypatch.setattr("builtins.print", lambda *args, **options: lines.append((*args, options)))
    X, y = moons()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        make(max_iter=3, verbose=True, scoring="loss").fit(X, y, X_val=X, y_val=y)
    assert len(lines) == 3
    for text, options in lines:
        assert options == {"flush": True}
        assert text.endswith(" s") and float(text.split(", ")[-1][:-2]) >= 0
