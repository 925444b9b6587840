"""Designs whose rows and columns are brought to like size."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skmaxent import MaxEntClassifier
from skmaxent.convex.proofs.levels import levelled


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_entries_lie_about_one_and_factors_are_powers_of_two(kind, fit_intercept):
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, (9, 4)) * rng.choice([-1, 1], (9, 4))
    X *= 10.0 ** rng.integers(-20, 20, (9, 1)) * 10.0 ** rng.integers(-20, 20, 4)
    X[2, 1] = 0
    X[:, 3] = 0
    given = kind(X.copy())
    A, scale = levelled(given, fit_intercept)
    assert_array_equal(given.toarray() if sparse.issparse(given) else given, X)
    whole = np.hstack([X, np.ones((9, 1))]) if fit_intercept else X
    assert A.shape == whole.shape and scale.shape == (whole.shape[1],)
    part = A.toarray()[:, :3]  # of rank one but for a factor of 2
    assert_array_equal(part == 0, X[:, :3] == 0)
    if not fit_intercept:
        assert (np.abs(part[part != 0]) > 0.2).all() and (np.abs(part) < 5).all()
    factors = A.toarray()[whole != 0] / whole[whole != 0]
    assert_array_equal(np.frexp(factors)[0], 0.5)
    assert_array_equal(np.frexp(scale)[0], 0.5)
    # One factor a row, beside that of the column.
    rows = np.divide(A.toarray(), whole * scale, where=whole != 0, out=np.full(whole.shape, np.nan))
    assert_array_equal(np.nanmin(rows, axis=1), np.nanmax(rows, axis=1))


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_curvature_that_one_row_hides_proves_nothing(K):
    """Two columns share a row of 1e13: what their difference could gain elsewhere is lost in rounding."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 3))
    y = (X @ rng.standard_normal((3, K)) + rng.gumbel(size=(50, K))).argmax(axis=1)
    X[0, :2] = 1e13
    hidden = MaxEntClassifier(C=np.inf).fit(X, y).convergence_
    assert hidden["duality_gap"] == np.inf and hidden["stop_reason"] == "precision"
    # Columns that say the same move no score against each other: there is nothing to hide.
    X[0, :2] = X[1, :2]
    same = MaxEntClassifier(C=np.inf, tol=1e-8).fit(np.hstack([X, X @ [[1], [1], [1]]]), y).convergence_
    assert same["stop_reason"] == "converged" and same["relative_gap"] <= 1e-8
