"""BackpropMLPClassifier: the scale of alpha, epsilon: faults that users' data found."""

from inspect import signature

import numpy as np
import pytest
from networks import same_model, text_like
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_digits, make_moons
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skmaxent import BackpropMLPClassifier, MaxEntClassifier
from skmaxent.nn.optimizers import shared_columns
from skmaxent.nn.optimizers.lazy_rows import LazyRows
from skmaxent.nn.optimizers.momentum import Momentum
from skmaxent.nn.optimizers.rules import SGD, AdaGrad, Adam
from skmaxent.nn.training import session
from skmaxent.numerics.threads import BlockRunner

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RULES = [
    SGD,
    lambda *a, **kw: Momentum(*a, 0.9, False, **kw),
    lambda *a, **kw: Momentum(*a, 0.9, True, **kw),
    AdaGrad,
    Adam,
]


def make(**options):
    return BackpropMLPClassifier(
        **{"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 8, "batch_size": 20, **options}
    )


def moons(n=100, noise=0.3):
    return make_moons(n, noise=noise, random_state=0)


# ---------------------------------------------------------------- alpha


@quiet
def test_alpha_of_one_trains_as_in_mlp_classifier():
    X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    for solver in ("adam", "lbfgs"):
        with threadpool_limits(1, user_api="blas"):  # small products: threads wait for each other
            ours, theirs = (
                cls(solver=solver, alpha=1.0, random_state=0).fit(X, y).score(X_test, y_test)
                for cls in (BackpropMLPClassifier, MLPClassifier)
            )
        assert ours > 0.96 and abs(ours - theirs) < 0.015


def network_pair(X, y, **options):
    """Our network and scikit-learn's with the same weights, one step or more from training on."""
    pair = []
    for cls in (BackpropMLPClassifier, MLPClassifier):
        mlp = cls((4,), "tanh", shuffle=False, **{"random_state": 0, **options})
        mlp.partial_fit(X, y, classes=np.unique(y))
        pair.append(mlp)
    rng = np.random.default_rng(1)
    for ours, theirs in zip(*(mlp.coefs_ + mlp.intercepts_ for mlp in pair)):
        ours[:] = theirs[:] = rng.normal(size=ours.shape)
    return pair


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sgd_takes_the_steps_of_mlp_classifier(n_classes):
    """Also the last batch, of 5 examples, whose penalty weighs four times as much."""
    X, y = text_like(n=45, d=20, n_classes=n_classes, density=0.3)
    for momentum in (0.0, 0.9):
        pair = network_pair(
            X, y, solver="sgd", alpha=3.0, momentum=momentum, learning_rate_init=0.05, batch_size=20
        )
        if momentum:  # the velocities of the first call differ
            for w in pair[1]._optimizer.velocities:
                w[:] = 0
            pair[0]._training_state["slots"][0][:] = 0
        for mlp in pair:
            for _ in range(3):
                mlp.partial_fit(X, y)
        ours, theirs = (mlp.coefs_ + mlp.intercepts_ for mlp in pair)
        for a, b in zip(ours, theirs):
            assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad"])
def test_one_step_by_hand(solver, l1_ratio):
    """A weight counts as so many examples, in the loss and below alpha."""
    X, y = moons(12)
    weights, rate, alpha = np.random.default_rng(0).random(12), 0.1, 2.0
    options = {"hidden_layer_sizes": (), "solver": solver, "momentum": 0.0, "learning_rate_init": rate}
    mlp = make(**options, alpha=alpha, l1_ratio=l1_ratio)
    mlp.partial_fit(X, y, classes=[0, 1], sample_weight=np.zeros(12))
    W, b = mlp.coefs_[0].copy(), mlp.intercepts_[0].copy()
    slopes = weights * (1 / (1 + np.exp(-(X @ W + b)[:, 0])) - y)
    gradient = (X.T @ slopes)[:, None] / weights.sum()
    if solver != "sgd":  # the first adaptive step is the sign
        gradient = gradient / (np.abs(gradient) + 1e-8)
    strength = alpha / weights.sum()
    moved = W - rate * (gradient + (1 - l1_ratio) * strength * W)
    expected = np.sign(moved) * np.maximum(np.abs(moved) - rate * l1_ratio * strength, 0)
    mlp.partial_fit(X, y, sample_weight=weights)
    assert_allclose(mlp.coefs_[0], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_minimises_the_objective_of_mlp_classifier(weighted):
    X, y = moons()
    w = np.random.default_rng(0).integers(1, 4, 100) if weighted else np.ones(100)
    if weighted and "sample_weight" not in signature(MLPClassifier.fit).parameters:
        pytest.skip("weights came to MLPClassifier with scikit-learn 1.7")
    options = {"hidden_layer_sizes": (3,), "activation": "tanh", "solver": "lbfgs", "alpha": 2.0}
    options |= {"random_state": 0, "tol": 1e-9, "max_iter": 5000}
    ours = BackpropMLPClassifier(**options).fit(X, y, **({"sample_weight": w} if weighted else {}))
    p = ours.predict_proba(X)[np.arange(100), y]
    penalty = 0.5 * 2.0 * sum((c**2).sum() for c in ours.coefs_)
    assert ours.loss_ == pytest.approx((w @ -np.log(p) + penalty) / w.sum(), rel=1e-10)
    theirs = MLPClassifier(**options)
    repeated = theirs.fit(X.repeat(w.astype(int), axis=0), y.repeat(w.astype(int)))
    # no worse a minimum than theirs, by their own formula
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    assert ours.loss_ <= repeated.loss_ + 1e-3


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_alpha_is_the_reciprocal_of_c(l1_ratio):
    X, y = moons()
    w = np.random.default_rng(0).integers(1, 4, 100)
    maxent = MaxEntClassifier(C=0.5, l1_ratio=l1_ratio, tol=1e-12).fit(X, y, sample_weight=w)
    mlp = BackpropMLPClassifier((), solver="lbfgs", alpha=2.0, l1_ratio=l1_ratio, tol=1e-9)
    mlp.fit(X, y, sample_weight=w)
    assert_allclose(mlp.coefs_[0].T, maxent.coef_, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("penalty", [(2.0, 0.0), (0.0, 0.5), (2.0, 0.5)])
def test_lazy_rows_are_dense_rows_for_batches_of_any_size(rule, penalty):
    """The penalty of a step differs with its examples: the last batch, weights."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(12, 5))
    dense, lazy = (rule(*penalty, window=70) for _ in range(2))
    w, lazy_w = start.copy(), start.copy()
    slots, lazy_slots = ([np.zeros_like(w) for _ in range(dense.n_slots)] for _ in range(2))
    rows_lazy = LazyRows(lazy_w, lazy_slots, lazy, BlockRunner(1))
    for step in range(300):
        examples = rng.choice([3.0, 20.0, 20.5])
        rows = np.flatnonzero(rng.random(12) < [0.02, 0.5][step % 2])
        gradient = np.zeros_like(w)
        gradient[rows] = rng.normal(size=(rows.size, 5))
        rows_lazy.read(rows)
        dense.begin(0.01, examples)
        dense.step(w, slots, gradient.copy(), np.empty_like(w))
        lazy.begin(0.01, examples)
        rows_lazy.update(lambda a, b, out, g=gradient[rows]: np.copyto(out, g[a:b]) or out)
        lazy.advance()
        rows_lazy.advance()
    rows_lazy.sync()
    assert_allclose(lazy_w, w, rtol=0, atol=2e-7 if isinstance(dense, Adam) else 1e-12)
    for a, b in zip(lazy_slots, slots):
        assert_allclose(a, b, rtol=1e-10, atol=1e-13)


@quiet
@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad"])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_lazy_training_equals_dense_training_with_a_small_last_batch(solver, l1_ratio, monkeypatch):
    X, y = text_like(n=403, d=3000, density=0.002)
    weights = np.random.default_rng(0).uniform(0.5, 2, 403)
    options = {"solver": solver, "alpha": 0.3, "l1_ratio": l1_ratio, "batch_size": 10, "epsilon": 1e-14}
    lazy = make(**options).fit(X, y, weights)
    monkeypatch.setattr(session, "DENSE_FRACTION", 0.0)
    dense = make(**options).fit(X, y, weights)
    same_model(lazy, dense, 1e-7 if solver == "adam" else 1e-9)


# ---------------------------------------------------------------- epsilon


@quiet
@pytest.mark.parametrize("solver", ["adam", "adagrad"])
@pytest.mark.parametrize("sizes", ["equal", "unlike"])
def test_epsilon_holds_where_columns_share_their_state(solver, sizes, monkeypatch):
    """Forty columns of a row share one state: its gradient must not look forty times as large to epsilon."""
    rng = np.random.default_rng(0)
    n, k = 200, 40
    y = rng.integers(0, 3, n)
    values = np.ones(n * k) if sizes == "equal" else rng.random(n * k)
    X = sparse.csr_matrix((values, (np.repeat(np.arange(n), k), np.arange(n * k))))
    options = {"solver": solver, "epsilon": 1e-3, "learning_rate_init": 0.01, "max_iter": 20}
    alone = make(**options).fit(X, y)
    monkeypatch.setattr(shared_columns, "LEAST_WEIGHTS", 0)
    together = make(**options).fit(X, y)
    same_model(together, alone, 1e-7)
    assert_allclose(together.loss_curve_, alone.loss_curve_, rtol=1e-8)
