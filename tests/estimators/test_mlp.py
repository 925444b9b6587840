"""BackpropMLPClassifier: what it computes."""

import pickle
import warnings

import numpy as np
import pytest
from networks import same_model, text_like
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from skmaxent import BackpropMLPClassifier, MaxEntClassifier
from skmaxent.nn.activations import ACTIVATIONS
from skmaxent.nn.training import session as session_module
from skmaxent.nn.training.session import SOLVERS
from skmaxent.numerics.threads import BlockRunner

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
STOCHASTIC = [name for name, rule in SOLVERS.items() if rule is not None]
SPARSE_FORMATS = [
    getattr(sparse, f"{kind}_{shape}") for kind in ("csr", "csc", "coo") for shape in ("matrix", "array")
]


XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a != "identity"])
def test_xor_needs_a_hidden_layer(activation):
    options = {"solver": "lbfgs", "alpha": 1e-6, "random_state": 0, "max_iter": 1000}
    assert BackpropMLPClassifier((8,), activation, **options).fit(*XOR).score(*XOR) == 1
    assert BackpropMLPClassifier((), activation, **options).fit(*XOR).score(*XOR) < 1
    assert BackpropMLPClassifier((8,), "identity", **options).fit(*XOR).score(*XOR) < 1


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_xor_by_single_examples(solver):
    """batch_size=1 is the textbook's stochastic gradient descent."""
    rate = {"sgd": 0.1, "adam": 0.02, "adagrad": 0.2}[solver]
    mlp = BackpropMLPClassifier(
        (8,), "tanh", solver=solver, batch_size=1, learning_rate_init=rate, max_iter=300, random_state=0
    )
    assert mlp.fit(*XOR).score(*XOR) == 1


WAVE = np.linspace(-1, 1, 201)[:, None], 0.5 + 0.45 * np.sin(7 * np.linspace(-1, 1, 201))


def wave_network(size, **options):
    """A network of `size` hidden units, fitted to the probabilities of WAVE."""
    options = {"solver": "lbfgs", "alpha": 0, "tol": 1e-7, "random_state": 0, **options}
    x, p = WAVE
    return BackpropMLPClassifier((size,) if size else (), "tanh", **options).fit(
        x, np.column_stack([1 - p, p])
    )


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_universal_approximation():
    """One hidden layer holds a smooth function, here a probability, as closely as it has units.

    The weights are those of the usual proof: unit k is a step at t_k, as high as the log-odds rise there.
    """
    x, p = WAVE
    errors = []
    for size in (10, 40, 160):
        mlp = wave_network(size, max_iter=1)
        t, h = np.linspace(-1, 1, size), 2 / (size - 1)
        edges = 0.5 + 0.45 * np.sin(7 * np.append(t - h / 2, 1 + h / 2))
        heights = np.log(edges / (1 - edges))
        mlp.coefs_[0][:], mlp.intercepts_[0][:] = 2 / h, -2 / h * t
        rise = np.diff(heights) / 2
        mlp.coefs_[1][:] = np.column_stack([0 * rise, rise])
        mlp.intercepts_[1][:] = 0, heights[0] + rise.sum()
        errors.append(np.abs(mlp.predict_proba(x)[:, 1] - p).max())
    assert errors[1] < 0.01 and errors[2] < 0.001
    assert errors[2] < errors[1] / 4 < errors[0] / 16


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_training_finds_what_a_hidden_layer_can_hold():
    """Distance from the truth in nats. How near training comes hangs on the last bits, but not this much."""
    x, p = WAVE
    distances = []
    for size in (0, 30):
        q = wave_network(size, max_iter=1000).predict_proba(x)[:, 1]
        distances.append(np.mean(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))))
    assert distances[0] > 0.2 and distances[1] < 0.01


def test_overfits_ten_rows():
    X, y = load_digits(return_X_y=True)
    X, y = X[:10] / 16, y[:10]
    for options in ({"solver": "adam", "learning_rate_init": 0.03, "max_iter": 3000}, {"solver": "lbfgs"}):
        mlp = BackpropMLPClassifier(
            (50,), alpha=0, tol=1e-9, n_iter_no_change=3000, random_state=0, **options
        ).fit(X, y)
        assert -np.log(mlp.predict_proba(X)[np.arange(10), y]).mean() < 1e-6


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.7])
def test_no_hidden_layer_is_logistic_regression(n_classes, l1_ratio):
    """The maximum-entropy optimum; two classes have a single vector of weights, as LogisticRegression's."""
    X, y = text_like(n_classes=n_classes, n=200, d=60, density=0.1)
    C = 2.0
    mlp = BackpropMLPClassifier(
        (),
        solver="lbfgs",
        alpha=1 / C,
        l1_ratio=l1_ratio,
        tol=1e-9,
        max_iter=20000,
        max_fun=100000,
        random_state=0,
    ).fit(X, y)
    peer = LogisticRegression(C=C, solver="newton-cg", tol=1e-12, max_iter=10000)
    if l1_ratio:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer.set_params(solver="saga", tol=1e-10, l1_ratio=l1_ratio, penalty="elasticnet", random_state=0)
            peer.fit(X, y)
    else:
        peer.fit(X, y)
    assert_allclose(mlp.predict_proba(X), peer.predict_proba(X), atol=1e-6)
    assert_allclose(mlp.coefs_[0].T, peer.coef_, atol=1e-5 if l1_ratio else 1e-6)
    if l1_ratio:
        assert_array_equal(mlp.coefs_[0].T == 0, peer.coef_ == 0)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_no_hidden_layer_is_maximum_entropy(n_classes):
    X, y = text_like(n_classes=n_classes, n=200, d=60, density=0.1)
    maxent = MaxEntClassifier(C=0.5, tol=1e-14).fit(X, y)
    options = {"solver": "lbfgs", "alpha": 2.0, "tol": 1e-9, "max_iter": 5000, "random_state": 0}
    mlp = BackpropMLPClassifier((), **options).fit(X, y)
    assert_allclose(mlp.coefs_[0].T, maxent.coef_, atol=1e-6)
    assert_allclose(
        mlp.intercepts_[0], maxent.intercept_ - (maxent.intercept_.mean() if n_classes > 2 else 0), atol=1e-6
    )
    assert_allclose(mlp.predict_proba(X), maxent.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_same_seed_same_bits(solver):
    X, y = text_like()
    a, b = (
        BackpropMLPClassifier((10,), solver=solver, max_iter=5, dropout=0.2, random_state=3).fit(X, y)
        for _ in range(2)
    )
    same_model(a, b)
    c = BackpropMLPClassifier((10,), solver=solver, max_iter=5, random_state=4).fit(X, y)
    assert np.abs(a.coefs_[0] - c.coefs_[0]).max() > 1e-3


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_threads_do_not_change_the_bits(solver, monkeypatch):
    X, y = text_like(n=600, d=20000, density=0.01)
    models = []
    for n_threads in (1, 2, 3):
        monkeypatch.setattr(
            session_module, "BlockRunner", lambda n=None, n_threads=n_threads: BlockRunner(n_threads)
        )
        models.append(BackpropMLPClassifier((30,), solver=solver, max_iter=3, random_state=0).fit(X, y))
    same_model(models[0], models[1])
    same_model(models[0], models[2])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "options", [{}, {"l1_ratio": 0.5, "alpha": 0.02}, {"dropout": 0.3}, {"early_stopping": True}]
)
def test_dense_equals_every_sparse_format(solver, options):
    X, y = text_like(n=120, d=100)
    options = {
        "hidden_layer_sizes": (8,),
        "solver": solver,
        "max_iter": 6,
        "random_state": 0,
        "batch_size": 20,
        **options,
    }
    dense = BackpropMLPClassifier(**options).fit(X.toarray(), y)
    for container in SPARSE_FORMATS:
        same_model(BackpropMLPClassifier(**options).fit(container(X), y), dense, 1e-10)
    assert_allclose(dense.predict_proba(X), dense.predict_proba(X.toarray()), rtol=1e-12)


@pytest.mark.parametrize("penalty", [{"alpha": 0}, {"alpha": 0.1}, {"alpha": 0.1, "l1_ratio": 1.0}])
@pytest.mark.parametrize("solver", STOCHASTIC)
def test_lazy_training_equals_dense_training(solver, penalty, monkeypatch):
    """The same network by the lazy and by the dense path of the optimiser."""
    X, y = text_like(n=400, d=3000, density=0.002)
    options = {
        "hidden_layer_sizes": (10,),
        "solver": solver,
        "max_iter": 8,
        "random_state": 0,
        "batch_size": 10,
        **penalty,
    }
    lazy = BackpropMLPClassifier(**options).fit(X, y)
    monkeypatch.setattr(session_module, "DENSE_FRACTION", 0.0)
    dense = BackpropMLPClassifier(**options).fit(X, y)
    same_model(lazy, dense, 1e-4 if solver == "adam" else 1e-10)
    assert_allclose(lazy.loss_curve_, dense.loss_curve_, rtol=1e-4 if solver == "adam" else 1e-10)


def test_lazy_adam_on_text(real_corpus):
    """Loss curves on 20 Newsgroups: lazy within 1 % of dense (measured: within 1e-4)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from skmaxent.datasets import load_newsgroups

    corpus = real_corpus(load_newsgroups, "train")
    X = TfidfVectorizer(sublinear_tf=True, dtype=np.float32).fit_transform(corpus.data[:1500])
    curves = []
    for fraction in (0.0, 1.1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(session_module, "DENSE_FRACTION", fraction)
            mlp = BackpropMLPClassifier((20,), max_iter=6, batch_size=50, random_state=0)
            curves.append(mlp.fit(X, corpus.target[:1500]).loss_curve_)
    assert_allclose(curves[0], curves[1], rtol=0.01)
    assert curves[0][-1] < 0.7 * curves[0][0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
def test_dtype(dtype, solver):
    X, y = text_like(n=60)
    for Z in (X.astype(dtype), X.toarray().astype(dtype)):
        mlp = BackpropMLPClassifier((5, 4), solver=solver, max_iter=3, random_state=0).fit(Z, y)
        assert {w.dtype for w in mlp.coefs_ + mlp.intercepts_} == {np.dtype(dtype)}
        assert mlp.predict_proba(Z).dtype == dtype
        assert mlp.hidden_activations(Z).dtype == dtype


def test_int64_indices_and_input_left_alone():
    X, y = text_like(n=60)
    wide = X.copy()
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    options = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}
    same_model(BackpropMLPClassifier(**options).fit(wide, y), BackpropMLPClassifier(**options).fit(X, y))
    assert wide.indices.dtype == np.int64
    double = sparse.coo_matrix(
        (
            np.r_[X.tocoo().data / 2, X.tocoo().data / 2],
            (np.tile(X.tocoo().row, 2), np.tile(X.tocoo().col, 2)),
        ),
        shape=X.shape,
    )
    raw = sparse.csr_matrix((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), X.indptr * 2), shape=X.shape)
    for repeated in (double, raw):
        same_model(
            BackpropMLPClassifier(**options).fit(repeated, y),
            BackpropMLPClassifier(**options).fit(X, y),
            1e-12,
        )
    assert raw.nnz == 2 * X.nnz


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_penalty_is_alpha_by_the_examples_of_a_step(solver):
    """Batches of any size, or the rows repeated: the same penalised optimum, for the same alpha / B."""
    X, y = make_classification(200, 5, random_state=0)
    base = {"hidden_layer_sizes": (), "random_state": 0}
    optimum = BackpropMLPClassifier(solver="lbfgs", tol=1e-10, alpha=60, **base).fit(X, y)
    for batch_size in (10, 200):
        mlp = BackpropMLPClassifier(
            solver=solver, batch_size=batch_size, learning_rate="invscaling", learning_rate_init=2.0,
            momentum=0.5, max_iter=300, n_iter_no_change=300,
            alpha=0.3 * (200 if solver == "lbfgs" else batch_size), **base,
        ).fit(X, y)  # fmt: skip
        assert_allclose(mlp.coefs_[0], optimum.coefs_[0], atol=0.02)
    repeated = BackpropMLPClassifier(solver="lbfgs", tol=1e-10, alpha=180, **base)
    repeated.fit(np.tile(X, (3, 1)), np.tile(y, 3))
    assert_allclose(repeated.coefs_[0], optimum.coefs_[0], atol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
def test_l1_makes_zeros(solver):
    X, y = text_like()
    # the penalty is decoupled from adaptive steps, larger than the gradient: it takes a larger alpha
    rate, alpha = {"sgd": (0.5, 2.0), "adam": (0.01, 20.0), "adagrad": (0.5, 4.0), "lbfgs": (1.0, 3.0)}[
        solver
    ]
    mlp = BackpropMLPClassifier(
        (10,),
        solver=solver,
        alpha=alpha,
        l1_ratio=1.0,
        max_iter=300,
        learning_rate_init=rate,
        random_state=0,
        tol=1e-6,
    ).fit(X, y)
    assert np.mean(mlp.coefs_[0] == 0) > 0.5
    assert mlp.score(X, y) > 0.5


def test_hidden_activations():
    X, y = text_like(n=60)
    mlp = BackpropMLPClassifier((7, 5), "tanh", max_iter=3, random_state=0).fit(X, y)
    h0 = np.tanh(X @ mlp.coefs_[0] + mlp.intercepts_[0])
    h1 = np.tanh(h0 @ mlp.coefs_[1] + mlp.intercepts_[1])
    assert_allclose(mlp.hidden_activations(X, 0), h0)
    assert_allclose(mlp.hidden_activations(X), h1)
    assert_allclose(mlp.hidden_activations(X, layer=-2), h0)
    with pytest.raises(IndexError, match="2 hidden layers"):
        mlp.hidden_activations(X, 2)


def test_initial_weights_are_glorots():
    X, y = text_like(n=50, d=500)
    mlp = BackpropMLPClassifier(
        (80,), solver="sgd", learning_rate_init=1e-12, max_iter=1, random_state=0
    ).fit(X, y)
    for w, b in zip(mlp.coefs_, mlp.intercepts_):
        bound = np.sqrt(6 / sum(w.shape))
        assert np.abs(w).max() <= bound and np.abs(w).max() > 0.95 * bound
        assert abs(w.std() / (bound / np.sqrt(3)) - 1) < 0.06
        assert np.abs(b).max() < 1e-9


def test_pickle_is_no_bigger_than_the_weights():
    X, y = text_like(d=2000)
    mlp = BackpropMLPClassifier((50,), max_iter=2, random_state=0).fit(X.astype(np.float32), y)
    n_bytes = sum(w.nbytes for w in mlp.coefs_ + mlp.intercepts_)
    dumped = pickle.dumps(mlp)
    assert len(dumped) < n_bytes + 5000
    assert_array_equal(pickle.loads(dumped).predict_proba(X), mlp.predict_proba(X))
    warm = BackpropMLPClassifier((50,), max_iter=2, warm_start=True).fit(X.astype(np.float32), y)
    assert len(pickle.dumps(warm)) > 2.5 * n_bytes  # its optimiser's state goes with it


def test_fitted_state_is_plain():
    X, y = text_like(n=50)
    plain = (np.ndarray, str, int, float, type(None))

    def check(value):
        if isinstance(value, dict):
            value = [*value.values()]
        if isinstance(value, list):
            for item in value:
                check(item)
        else:
            assert isinstance(value, plain)

    mlp = BackpropMLPClassifier((5,), max_iter=2, warm_start=True).fit(X, y)
    for name in set(vars(mlp)) - set(mlp.get_params()):
        check(getattr(mlp, name))


def test_max_iter_warns():
    X, y = text_like(n=50)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\)"):
        BackpropMLPClassifier((5,), max_iter=2).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        BackpropMLPClassifier((5,), solver="lbfgs", max_iter=2).fit(X, y)
