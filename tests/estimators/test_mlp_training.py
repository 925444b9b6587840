"""BackpropMLPClassifier: how training starts, goes on, stops and fails."""

from copy import deepcopy

import numpy as np
import pytest
from networks import same_model
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmaxent import BackpropMLPClassifier
from skmaxent.compat import HAS_CALLBACKS
from skmaxent.nn.training.trainer import Trainer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
STOCHASTIC = ["sgd", "adam", "adagrad"]


def blobs(n=200, seed=0):
    X, y = make_blobs(n, centers=3, n_features=6, cluster_std=6, random_state=seed)
    return X / 10, y


def wide(n=200, d=2000):
    rng = np.random.default_rng(0)
    return sparse.random(n, d, density=0.003, format="csr", random_state=0), rng.integers(0, 3, n)


def make(**options):
    return BackpropMLPClassifier(
        **{"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 8, "batch_size": 20, **options}
    )


@pytest.mark.parametrize("data", [blobs, wide])
@pytest.mark.parametrize("solver", STOCHASTIC)
@pytest.mark.parametrize("options", [{}, {"dropout": 0.2}, {"alpha": 0.2, "l1_ratio": 0.5}])
def test_partial_fit_equals_fit(solver, options, data):
    """Repeated calls are the epochs of one fit: the same shuffles, the same steps."""
    X, y = data()
    whole = make(solver=solver, max_iter=5, **options).fit(X, y)
    parts = make(solver=solver, **options)
    for _ in range(5):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    same_model(parts, whole, 1e-5 if solver == "adam" else 1e-10)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-5)
    assert parts.t_ == whole.t_ == 5 * X.shape[0]
    assert parts.n_iter_ == 1


def test_partial_fit_on_pieces_equals_unshuffled_fit():
    X, y = blobs()
    whole = make(shuffle=False, max_iter=1).fit(X, y)
    parts = make(shuffle=False)
    for start in range(0, 200, 40):
        parts.partial_fit(X[start : start + 40], y[start : start + 40], classes=[0, 1, 2])
    same_model(parts, whole, 1e-12)


def test_partial_fit_shuffles_afresh(monkeypatch):
    orders = []
    epoch = Trainer.epoch
    monkeypatch.setattr(
        Trainer,
        "epoch",
        lambda self, data, batches, *rest: orders.append(batches) or epoch(self, data, batches, *rest),
    )
    X, y = blobs()
    mlp = make()
    for _ in range(3):
        mlp.partial_fit(X, y, classes=[0, 1, 2])
    assert len({np.concatenate(batches).tobytes() for batches in orders}) == 3


def test_partial_fit_needs_and_keeps_the_classes():
    X, y = blobs()
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        make().partial_fit(X, y)
    mlp = make().partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    before = deepcopy(vars(mlp))
    assert_array_equal(mlp.classes_, [0, 1, 2])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`.*\[7\]"):
        mlp.partial_fit(X, np.where(y == 2, 7, y))
    with pytest.raises(ValueError, match="is not the same as on last call"):
        mlp.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="X has 5 features, but BackpropMLPClassifier is expecting 6"):
        mlp.partial_fit(X[:, :5], y)
    same_model(mlp, type("Old", (), before))
    mlp.partial_fit(X, y)
    assert not hasattr(make(solver="lbfgs"), "partial_fit")
    assert not hasattr(make(early_stopping=True), "partial_fit")
    with pytest.raises(ValueError, match="class_weight='balanced'"):
        make(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


def test_zero_weights_are_harmless():
    X, y = blobs()
    mlp = make().partial_fit(X, y, classes=[0, 1, 2])
    before = [w.copy() for w in mlp.coefs_]
    mlp.partial_fit(X[:20], y[:20], sample_weight=np.zeros(20))
    for w, b in zip(mlp.coefs_, before):
        assert_array_equal(w, b)
    with pytest.raises(ValueError, match="sample weights are zero everywhere"):
        make().fit(X, y, sample_weight=np.zeros(200))
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        make().fit(X, y, sample_weight=-np.ones(200))
    kept = np.arange(200) % 3 > 0
    same_model(make().fit(X, y, sample_weight=kept.astype(float)), make().fit(X[kept], y[kept]))


@pytest.mark.parametrize("solver", [*STOCHASTIC, "lbfgs"])
def test_warm_start_goes_on(solver):
    """Two warm fits of 4 epochs are one of 8 (up to the memory of L-BFGS), also after convergence."""
    X, y = blobs()
    warm = make(solver=solver, warm_start=True, max_iter=4).fit(X, y)
    first = warm.loss_
    warm.fit(X, y)
    assert warm.loss_ < first
    if solver != "lbfgs":
        same_model(warm, make(solver=solver, max_iter=8).fit(X, y), 1e-12)
        assert warm.n_iter_ == 4 and len(warm.loss_curve_) == 8 and warm.t_ == 1600


def test_settings_may_change_between_calls():
    X, y = wide()
    mlp = make().partial_fit(X, y, classes=[0, 1, 2])
    before = mlp.coefs_[0]
    mlp.set_params(learning_rate_init=1e-12).partial_fit(X, y)
    assert_allclose(mlp.coefs_[0], before, atol=1e-9)
    mlp.set_params(learning_rate_init=0.01, alpha=2.0, beta_1=0.5).partial_fit(X, y)
    assert np.abs(mlp.coefs_[0] - before).max() > 1e-3


@pytest.mark.parametrize("betas", [(0.0, 0.999), (0.9, 0.5), (0.99, 0.9)])
def test_adam_with_unusual_betas(betas):
    """Also where the closed form for resting rows does not hold."""
    X, y = wide()
    options = {"beta_1": betas[0], "beta_2": betas[1], "learning_rate_init": 1e-4}
    mlp = make(**options).fit(X, y)
    same_model(mlp, make(**options).fit(X.toarray(), y), 1e-5)


def test_warm_start_after_convergence():
    X, y = blobs()
    mlp = make(warm_start=True, tol=10.0, n_iter_no_change=3, max_iter=50).fit(X, y)
    assert mlp.n_iter_ == 5  # the first epoch always improves, the fourth stalled one after it stops
    before, loss = mlp.coefs_[0], mlp.loss_
    mlp.fit(X, y)
    assert mlp.n_iter_ == 5
    assert mlp.loss_ < loss
    assert np.abs(mlp.coefs_[0] - before).max() > 1e-3


def test_warm_start_refuses_other_shapes_and_classes():
    X, y = blobs()
    mlp = make(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="hidden_layer_sizes cannot change"):
        mlp.set_params(hidden_layer_sizes=(7,)).fit(X, y)
    mlp.set_params(hidden_layer_sizes=(6,))
    with pytest.raises(ValueError, match="classes not in"):
        mlp.fit(X, y + 1)
    with pytest.raises(ValueError, match="kind"):
        mlp.fit(X, np.eye(3, dtype=int)[y])
    mlp.set_params(solver="sgd").fit(X, y)  # another optimiser starts afresh from the same weights
    mlp.set_params(warm_start=False, hidden_layer_sizes=(7,)).fit(X, y)
    assert mlp.coefs_[0].shape == (6, 7)


def test_early_stopping_restores_the_best_weights():
    X, y = blobs(400)
    mlp = make(early_stopping=True, max_iter=200, learning_rate_init=0.05, n_iter_no_change=5, tol=0.0).fit(
        X, y
    )
    assert mlp.n_iter_ < 200
    assert len(mlp.validation_scores_) == len(mlp.validation_loss_curve_) == mlp.n_iter_
    assert mlp.best_validation_score_ == max(mlp.validation_scores_)
    assert mlp.best_loss_ is None
    best_epoch = int(np.argmax(mlp.validation_scores_)) + 1
    given = make(
        max_iter=best_epoch, learning_rate_init=0.05, early_stopping=True, n_iter_no_change=5, tol=0.0
    )
    same_model(given.fit(X, y), mlp)


def test_early_stopping_with_a_given_set():
    X, y = blobs(400)
    X_val, y_val = blobs(100, seed=0)
    mlp = make(early_stopping=True, max_iter=100, learning_rate_init=0.05).fit(X, y, X_val=X_val, y_val=y_val)
    assert mlp.best_validation_score_ == mlp.score(X_val, y_val)
    watched = make(max_iter=7).fit(X, y, X_val=X_val, y_val=y_val)
    assert watched.validation_scores_[-1] == watched.score(X_val, y_val)
    assert_allclose(
        watched.validation_loss_curve_[-1],
        -np.log(watched.predict_proba(X_val)[np.arange(100), y_val]).mean(),
    )
    same_model(watched, make(max_iter=7).fit(X, y))  # being watched changes nothing
    with pytest.raises(ValueError, match="together"):
        make().fit(X, y, X_val=X_val)
    with pytest.raises(ValueError, match="X has 3 features"):
        make().fit(X, y, X_val=X_val[:, :3], y_val=y_val)
    with pytest.raises(ValueError, match="classes not in"):
        make().fit(X, y, X_val=X_val, y_val=y_val + 1)
    lbfgs = make(solver="lbfgs").fit(X, y, X_val=X_val, y_val=y_val)
    assert lbfgs.validation_scores_[-1] == lbfgs.score(X_val, y_val)


def test_warm_start_never_leaks_the_validation_set(monkeypatch):
    """Every warm fit sets the same rows aside, however they are ordered."""
    trained = []
    epoch = Trainer.epoch

    def spy(self, data, order, *rest):
        trained.append({row.tobytes() for row in data.X})
        return epoch(self, data, order, *rest)

    monkeypatch.setattr(Trainer, "epoch", spy)
    X, y = blobs()
    mlp = make(early_stopping=True, warm_start=True, random_state=None, max_iter=2)
    order = np.random.default_rng(1).permutation(200)
    mlp.fit(X, y).fit(X[order], y[order])
    assert len(trained[0]) == 180
    assert all(rows == trained[0] for rows in trained)


def test_learning_rate_schedules():
    X, y = blobs()
    constant = make(solver="sgd", learning_rate_init=0.1).fit(X, y)
    slower = make(solver="sgd", learning_rate_init=0.1, learning_rate="invscaling").fit(X, y)
    assert constant.loss_ < slower.loss_
    adaptive = make(
        solver="sgd",
        learning_rate_init=0.5,
        learning_rate="adaptive",
        tol=1e-3,
        n_iter_no_change=2,
        max_iter=1000,
    )
    adaptive.fit(X, y)
    assert 20 < adaptive.n_iter_ < 1000  # several falls of the rate before it is below 1e-6


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_divergence_says_so(solver):
    X, y = blobs()
    mlp = make(solver="adam").fit(X, y)
    before = [w.copy() for w in mlp.coefs_]
    mlp.set_params(solver=solver, learning_rate_init=1e300)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"loss is not finite in epoch 1.*learning_rate_init"),
    ):
        mlp.fit(X, y)
    for w, b in zip(mlp.coefs_, before):
        assert_array_equal(w, b)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_interrupt_keeps_the_epochs_done(solver, monkeypatch):
    X, y = wide()
    from skmaxent.nn.losses import SoftmaxLoss

    calls = []
    fprop = SoftmaxLoss.fprop

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 35:  # in the fourth epoch of ten batches
            raise KeyboardInterrupt
        return fprop(self, *args)

    monkeypatch.setattr(SoftmaxLoss, "fprop", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user after"):
        mlp = make(solver=solver, max_iter=100, tol=0.0).fit(X, y)
    assert mlp.n_iter_ == len(mlp.loss_curve_) >= 3
    if solver == "adam":
        assert mlp.n_iter_ == 3
    assert mlp.score(X, y) > 0.34
    assert all(np.isfinite(w).all() for w in mlp.coefs_)


def test_failing_fit_leaves_the_old_model():
    X, y = blobs()
    mlp = make().fit(X, y)
    before = mlp.predict_proba(X)
    for wrong_X, wrong_y, weights in ((X[:, :4], y, -np.ones(200)), (X[:, :2], np.linspace(0, 1, 200), None)):
        with pytest.raises(ValueError):
            mlp.fit(wrong_X, wrong_y, sample_weight=weights)
        assert_array_equal(mlp.predict_proba(X), before)


def test_failing_fit_leaves_no_model():
    X, y = blobs()
    with pytest.raises(ValueError, match="NaN"):
        make().fit(np.where(X > 1, np.nan, X), y)
    mlp = make()
    for wrong in (np.linspace(0, 1, 200), np.full((200, 2), "a")):
        with pytest.raises(ValueError, match=r"class|label"):
            mlp.fit(X, wrong)
    assert not hasattr(mlp, "coefs_")


@pytest.mark.parametrize(
    "option",
    [
        {"activation": "step"}, {"solver": "newton"}, {"alpha": -1}, {"l1_ratio": 2}, {"dropout": 1.0},
        {"batch_size": 0}, {"learning_rate": "fast"}, {"learning_rate_init": 0}, {"momentum": 2},
        {"beta_1": 1.0}, {"epsilon": 0}, {"validation_fraction": 1.0}, {"n_iter_no_change": 0},
        {"max_iter": 0}, {"class_weight": "heavy"},
    ],
)  # fmt: skip
def test_parameter_errors(option):
    (name,) = option
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of BackpropMLPClassifier must be .* Got .* instead"
    ):
        make(**option).fit(*blobs())


@pytest.mark.parametrize("sizes", [(0,), (5, -1), (2.5,)])
def test_hidden_layer_sizes_errors(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be"):
        make(hidden_layer_sizes=sizes).fit(*blobs())
    assert make(hidden_layer_sizes=4).fit(*blobs()).coefs_[0].shape == (6, 4)


def test_verbose_prints_a_line_an_epoch(capsys):
    X, y = blobs()
    make(verbose=True, max_iter=3).fit(X, y, X_val=X, y_val=y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Iteration 1", "Iteration 2", "Iteration 3"]
    assert all("loss = " in line and "validation score = " in line for line in lines)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="callbacks came with scikit-learn 1.9")
@pytest.mark.parametrize("data", [blobs, wide])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks(solver, data):
    """A callback sees a model ready to predict after each epoch, with loss and score; it can stop the fit."""

    class Watch:
        seen = ()

        def setup(self, estimator, context): ...

        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
            if context.parent is not None:
                score = fitted_estimator.score(X, y)
                self.seen = (
                    *self.seen,
                    (fitted_estimator.loss_, score, fitted_estimator.validation_scores_[-1]),
                )
                return len(self.seen) == 4

    X, y = data()
    X = X.astype(np.float32)
    watch = Watch()
    mlp = make(solver=solver, max_iter=10).set_callbacks(watch)
    mlp.fit(X, y, X_val=X, y_val=y)
    assert len(watch.seen) == mlp.n_iter_ == 4
    assert [loss for loss, _, _ in watch.seen] == mlp.loss_curve_
    assert all(score == validation for _, score, validation in watch.seen)
    assert watch.seen[-1][1] == mlp.score(X, y)


def test_replaces_mlp_classifier_in_a_grid_search():
    X, y = blobs()
    pipeline = make_pipeline(StandardScaler(), make(max_iter=20))
    search = GridSearchCV(
        pipeline,
        {
            "backpropmlpclassifier__hidden_layer_sizes": [(4,), (8, 4)],
            "backpropmlpclassifier__dropout": [0, 0.1],
        },
        cv=3,
    ).fit(X, y)
    assert search.best_score_ > 0.5
    assert clone(search.best_estimator_).get_params().keys() == search.best_estimator_.get_params().keys()
