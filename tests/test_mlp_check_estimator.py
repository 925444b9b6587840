"""scikit-learn's own checks, without expected failures, for every variant."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import BackpropMLPClassifier
from skmaxent.nn.activations import ACTIVATIONS
from skmaxent.nn.session import SOLVERS

# Where the learning rate is raised, it is because the checks train on one batch of 20 to 50 examples, so that
# an epoch is one step; the default rate is meant for hundreds of them.
VARIANTS = [
    {},
    *({"solver": solver} for solver in SOLVERS if solver not in ("adam", "sgd")),
    {"solver": "sgd", "learning_rate_init": 0.1},
    {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0, "learning_rate": "adaptive"},
    {"solver": "lbfgs", "l1_ratio": 0.5},
    *(
        {"activation": activation, "learning_rate_init": 0.05}
        for activation in ACTIVATIONS
        if activation != "relu"
    ),
    {"l1_ratio": 1.0},
    {"early_stopping": True, "learning_rate_init": 0.05},
    {"hidden_layer_sizes": (), "learning_rate_init": 0.1},
    {"hidden_layer_sizes": (), "solver": "lbfgs"},
    {"hidden_layer_sizes": (10, 10), "learning_rate_init": 0.01},
    {"dropout": 0.2},
]


@parametrize_with_checks([BackpropMLPClassifier(**variant) for variant in VARIANTS])
def test_check_estimator(estimator, check):
    check(estimator)
