"""scikit-learn's own checks of an estimator, for every variant; no failure is expected."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import MaxEntClassifier
from skmaxent.convex.solvers import SOLVERS

VARIANTS = [
    MaxEntClassifier(),
    *(MaxEntClassifier(solver=solver) for solver in SOLVERS),
    *(MaxEntClassifier(solver=solver, fit_intercept=False) for solver in SOLVERS),
    *(MaxEntClassifier(solver=solver, C=np.inf) for solver in SOLVERS),
    MaxEntClassifier(tol=1e-10),
    MaxEntClassifier(n_jobs=2),
    MaxEntClassifier(warm_start=True),
    MaxEntClassifier(features="observed"),
    MaxEntClassifier(features="observed", fit_intercept=False),
    MaxEntClassifier(features="observed", solver="lbfgs", warm_start=True),
    MaxEntClassifier(features="observed", C=np.inf),
    *(MaxEntClassifier(features="observed", l1_ratio=l1_ratio) for l1_ratio in (0.5, 1)),
]


@parametrize_with_checks(VARIANTS)
def test_check_estimator(estimator, check):
    with warnings.catch_warnings():
        if np.isinf(estimator.C):  # some checks have separable data, and the fit says so
            warnings.filterwarnings("ignore", ".*separa", ConvergenceWarning)
        check(estimator)
