"""scikit-learn's own checks, without expected failures, for every variant."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import BackpropMLPClassifier
from skmaxent.nn.activations import ACTIVATIONS
from skmaxent.nn.training.session import SOLVERS

# The few epochs that keep this quick do not converge.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# The checks train on one batch of 20 to 50 examples, so that an epoch is one step: except for the default,
# the learning rate is raised from what is meant for hundreds of steps an epoch, and the epochs are fewer.
QUICK = {"max_iter": 60, "learning_rate_init": 0.05}
VARIANTS = [
    {},
    {**QUICK, "solver": "adagrad", "learning_rate_init": 0.2},
    {**QUICK, "solver": "sgd", "learning_rate_init": 0.1},
    {**QUICK, "solver": "sgd", "learning_rate_init": 0.2, "momentum": 0.0, "learning_rate": "adaptive"},
    {"solver": "lbfgs"},
    # Without a hidden layer: with one, rounding decides which local minimum the split variables reach. A
    # penalty that leaves some weights, whose optimum is found to ten digits.
    {
        "hidden_layer_sizes": (),
        "solver": "lbfgs",
        "l1_ratio": 0.5,
        "alpha": 3.0,
        "max_iter": 2000,
        "tol": 1e-9,
    },
    *({**QUICK, "activation": activation} for activation in ACTIVATIONS if activation != "relu"),
    {**QUICK, "l1_ratio": 1.0},
    {**QUICK, "early_stopping": True},
    {**QUICK, "hidden_layer_sizes": (), "learning_rate_init": 0.2},
    {"hidden_layer_sizes": (), "solver": "lbfgs"},
    {**QUICK, "hidden_layer_sizes": (10, 10)},
    {**QUICK, "dropout": 0.2},
]


def test_every_solver_and_activation_is_there():
    assert {BackpropMLPClassifier(**v).solver for v in VARIANTS} == set(SOLVERS)
    assert {BackpropMLPClassifier(**v).activation for v in VARIANTS} == set(ACTIVATIONS)


@parametrize_with_checks([BackpropMLPClassifier(**variant) for variant in VARIANTS])
def test_check_estimator(estimator, check):
    check(estimator)
