"""scikit-learn's own checks, without expected failures, for every variant."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import BackpropMLPClassifier
from skmaxent.nn.activations import ACTIVATIONS
from skmaxent.nn.session import SOLVERS

VARIANTS = [
    {},
    *({"solver": solver} for solver in SOLVERS if solver != "adam"),
    *({"activation": activation} for activation in ACTIVATIONS if activation != "relu"),
    {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling"},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1},
    {"solver": "lbfgs", "l1_ratio": 0.5, "max_iter": 300},
    {"l1_ratio": 1.0},
    {"early_stopping": True},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (), "solver": "lbfgs"},
    {"hidden_layer_sizes": (10, 10)},
    {"dropout": 0.2},
]


@parametrize_with_checks([BackpropMLPClassifier(**variant) for variant in VARIANTS])
def test_check_estimator(estimator, check):
    check(estimator)
