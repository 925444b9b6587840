"""Designs whose rows and columns are brought to like size."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmaxent import MaxEntClassifier, MaxEntRanker
from skmaxent.convex.proofs import levels
from skmaxent.convex.proofs.levels import levelled, row_differences, triangle, within_groups


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
def test_curvature_that_one_row_hides_proves_nothing(K):
    """Two columns share a row of 1e13: what their difference could gain elsewhere is lost in rounding."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 3))
    y = (X @ rng.standard_normal((3, K)) + rng.gumbel(size=(50, K))).argmax(axis=1)
    X[0, :2] = 1e13
    with pytest.warns(ConvergenceWarning, match="give them a penalty"):
        hidden = MaxEntClassifier(C=np.inf).fit(X, y).convergence_
    assert hidden["duality_gap"] == np.inf and hidden["stop_reason"] == "precision"
    # Columns that say the same move no score against each other: there is nothing to hide.
    X[0, :2] = X[1, :2]
    same = MaxEntClassifier(C=np.inf, tol=1e-8).fit(np.hstack([X, X @ [[1], [1], [1]]]), y).convergence_
    assert same["stop_reason"] == "converged" and same["relative_gap"] <= 1e-8


@pytest.mark.parametrize("size", [1.0, 1e9, 1e12, 1e15])
def test_a_group_with_large_numbers_does_not_separate_the_others(size):
    """What one row gains does not excuse what others lose; and what it hides proves nothing."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((160, 3))
    groups = np.repeat(np.arange(40), 4)
    utility = (X @ [1.0, -1.0, 0.5] + rng.gumbel(size=160)).reshape(40, 4)
    y = (utility == utility.max(axis=1, keepdims=True)).ravel()

    def fitted(X):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return MaxEntRanker(C=np.inf, tol=1e-8).fit(X, y, groups=groups)

    X[0, :2] = size
    model = fitted(X)
    report = model.convergence_
    assert report["stop_reason"] != "separated"
    # Weights under which the row of large numbers scores about 0 are as good as any.
    turned = X @ np.array([[1.0, 0.0, 1 / size], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    turned[0] = [0.0, X[0, 2], 1.0]
    least = fitted(turned).convergence_
    assert least["stop_reason"] == "converged"
    assert report["objective"] - report["duality_gap"] <= least["objective"] * (1 + 1e-9)
    if size <= 1e9:
        assert_allclose(report["objective"], least["objective"], rtol=1e-8)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_a_gap_in_the_groups_of_one_row_hides_nothing(kind):
    """A column that is the same within each group moves no choice: it is no direction at all."""
    rng = np.random.default_rng(0)
    X, groups = rng.standard_normal((80, 3)), np.repeat(np.arange(20), 4)
    X[:, 2] = 10.0 ** rng.integers(-3, 9, 20)[groups]
    y = np.arange(80) % 4 == np.repeat(rng.integers(0, 4, 20), 4)
    report = MaxEntRanker(C=np.inf, tol=1e-8).fit(kind(X), y, groups=groups).convergence_
    assert report["stop_reason"] == "converged" and report["relative_gap"] <= 1e-8


@pytest.mark.parametrize("entries", [1, 30, 10**6])
def test_the_triangle_has_the_gram_matrix_and_small_singular_values_too(entries, monkeypatch):
    monkeypatch.setattr(levels, "QR_ENTRIES", entries)
    rng = np.random.default_rng(0)
    A = rng.standard_normal((40, 3))
    A = np.column_stack([A, A[:, 0] + 1e-10 * rng.standard_normal(40), A.sum(axis=1)])
    R = triangle(sparse.csr_array(A))
    assert_allclose(R.T @ R, A.T @ A, atol=1e-12)
    values = np.linalg.svd(R, compute_uv=False)
    assert_allclose(values[:4], np.linalg.svd(A, compute_uv=False)[:4], rtol=1e-4)
    assert 1e-10 < values[3] < 1e-8 and values[4] < 1e-13  # whose squares are both rounding
    assert triangle(sparse.csr_array((5, 0))).shape == (0, 0)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_differences_within_groups_keep_the_small_beside_the_large(kind):
    X = np.array([[1e16, 1.0], [0.0, 3.0], [0.25, 2.0], [5.0, 5.0], [7.0, 0.0], [7.0, 0.0]])
    assert_array_equal(row_differences(kind(X), [0, 2], [1, 2]).toarray(), [[1e16, -2.0], [0.0, 0.0]])
    # From the smallest row on: 2, 1, 0; a group of one has none; two that are equal move nothing.
    found = within_groups(kind(X), np.array([0, 3, 4, 6])).toarray()
    assert_array_equal(found, [[-0.25, 1.0], [1e16, -2.0], [0.0, 0.0]])
