"""scikit-learn's own checks on RecurrentClassifier, without expected failures: rows are series of scalars."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import RecurrentClassifier

# The few epochs that keep this quick do not converge.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
# The checks train on one batch of 20 to 50 examples, so that an epoch is one step.
QUICK = {"hidden_layer_sizes": (12,), "max_iter": 40, "learning_rate_init": 0.03}
VARIANTS = [
    QUICK,
    {**QUICK, "cell": "gru", "pooling": "last", "bidirectional": False, "early_stopping": True},
    {**QUICK, "cell": "elman", "pooling": "mean", "hidden_layer_sizes": (8, 8), "solver": "adagrad"},
]


@parametrize_with_checks([RecurrentClassifier(**variant) for variant in VARIANTS])
def test_check_estimator(estimator, check):
    check(estimator)
