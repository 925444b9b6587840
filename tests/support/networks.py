"""Data and comparisons of the tests of networks."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import sparse


def text_like(n=300, d=400, n_classes=4, density=0.02, seed=0):
    """Sparse counts whose classes prefer different columns."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    X = sparse.random(n, d, density=density, format="csr", random_state=seed, data_rvs=rng.random)
    X = X + sparse.csr_matrix((np.ones(n), (np.arange(n), 7 * y + rng.integers(0, 5, n))), shape=(n, d))
    return X.tocsr(), y


def same_model(a, b, tolerance=0.0):
    for v, w in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_):
        assert_allclose(v, w, rtol=tolerance, atol=tolerance)
