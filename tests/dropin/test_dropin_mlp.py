"""MLPClassifier of skmaxent.dropin: scikit-learn's training to rounding."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier

from skmaxent.dropin import MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rng = np.random.default_rng(0)
X = sparse.random(300, 3000, density=0.01, format="csr", random_state=0)
y = rng.integers(0, 3, 300)

RULES = [
    {"solver": "adam"},
    {"solver": "adam", "alpha": 1.0, "beta_1": 0.5},
    {"solver": "sgd", "learning_rate_init": 0.1},
    {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling"},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1},
]


@pytest.mark.parametrize("container", [sparse.csr_matrix, lambda x: x.toarray()], ids=["sparse", "dense"])
@pytest.mark.parametrize("units", [(40,), (2,), (40, 20)], ids=str)
@pytest.mark.parametrize("rules", RULES, ids=lambda r: "-".join(map(str, r.values())))
def test_same_training(container, units, rules):
    parameters = {"hidden_layer_sizes": units, "max_iter": 5, "random_state": 0, "batch_size": 64, **rules}
    data = container(X)
    ours = MLPClassifier(**parameters).fit(data, y)
    other = TheirMLPClassifier(**parameters).fit(data, y)
    assert ours.fit_engine_ == "skmaxent"
    assert_allclose(ours.loss_curve_, other.loss_curve_, rtol=1e-10)
    for mine, yours in zip(ours.coefs_ + ours.intercepts_, other.coefs_ + other.intercepts_):
        assert_allclose(mine, yours, atol=1e-9)
    assert vars(ours).keys() - vars(other).keys() == {"fit_engine_"}
    assert ours._optimizer.learning_rate == other._optimizer.learning_rate


def test_float32_and_early_stopping():
    parameters = {"hidden_layer_sizes": (40,), "max_iter": 5, "random_state": 0, "early_stopping": True}
    data = X.astype(np.float32)
    ours, other = MLPClassifier(**parameters).fit(data, y), TheirMLPClassifier(**parameters).fit(data, y)
    assert ours.coefs_[0].dtype == np.float32
    assert_allclose(ours.loss_curve_, other.loss_curve_, rtol=1e-5)
    assert_allclose(ours.validation_scores_, other.validation_scores_, atol=0.1)


def test_partial_fit_goes_on_after_a_pickle():
    parameters = {"hidden_layer_sizes": (40,), "random_state": 0}
    ours, other = MLPClassifier(**parameters), TheirMLPClassifier(**parameters)
    for _ in range(3):
        ours.partial_fit(X, y, classes=[0, 1, 2])
        other.partial_fit(X, y, classes=[0, 1, 2])
        ours, other = pickle.loads(pickle.dumps(ours)), pickle.loads(pickle.dumps(other))
    assert_allclose(ours.loss_curve_, other.loss_curve_, rtol=1e-10)


def test_lbfgs_is_theirs():
    parameters = {"solver": "lbfgs", "random_state": 0, "max_iter": 5, "hidden_layer_sizes": (3,)}
    ours, other = MLPClassifier(**parameters).fit(X, y), TheirMLPClassifier(**parameters).fit(X, y)
    assert ours.fit_engine_ == "scikit-learn" and ours.loss_ == other.loss_
