"""Problems with pairs of a column and a class that never occur, for the tests of features="observed"."""

import warnings

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmaxent import MaxEntClassifier

PRIORS = {"L2": 0.0, "elastic net": 0.5, "L1": 1.0}
BACK = {"csr": sparse.csr_array, "csc": sparse.csc_matrix, "dense": lambda X: X.toarray()}


def problem(n_classes=5, shape=(60, 25), seed=0, density=0.12):
    """Sparse rows whose labels depend on them; many pairs are not observed.

    An odd number of classes: under a Laplace prior a column with all its pairs may be shifted to any
    median of its weights.
    """
    rng = np.random.default_rng(seed)
    X = random_sparse(*shape, density=density, seed=seed)
    y = (X @ rng.standard_normal((shape[1], n_classes)) + rng.gumbel(size=(shape[0], n_classes))).argmax(1)
    y[:n_classes] = np.arange(n_classes)
    return X, y


def observed(X, masses, min_count=1):
    """Mask (K, d), or (1, d) when binary, of the observed pairs, from the definition."""
    X = X.toarray() if sparse.issparse(X) else X
    counts = (masses > 0).T.astype(int) @ (X != 0).astype(int)
    mask = counts >= min_count
    return mask.any(axis=0, keepdims=True) if len(mask) == 2 else mask


def fit(X, y, sample_weight=None, **parameters):
    """A model at the limit of float64."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the limit may lie above tol
        return MaxEntClassifier(**{"tol": 1e-17, **parameters}).fit(X, y, sample_weight)


def dense(model):
    return model.coef_.toarray() if sparse.issparse(model.coef_) else model.coef_


def assert_same(ours, theirs, tolerance=1e-8):
    assert_array_equal(ours.classes_, theirs.classes_)
    assert_allclose(dense(ours), dense(theirs), atol=tolerance)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=tolerance)
