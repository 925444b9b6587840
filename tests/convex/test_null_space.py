"""Weights of least norm with the same scores: against the pseudo-inverse of the user's columns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmaxent.convex.reductions import null_space
from skmaxent.convex.reductions.null_space import least_norm

# Powers of two, and units of the columns that undo them: the matrix of null vectors stays well conditioned.
SCALE = np.array([1.0, 4.0, 0.25, 1.0, 2.0, 0.5])


def designs():
    """Columns that depend on each other, of unlike size, constant and empty."""
    rng = np.random.default_rng(0)
    tall = rng.standard_normal((30, 6))
    tall[:, 3] = tall[:, 0] + 2 * tall[:, 1]
    tall[:, 4] = 3 * tall[:, 2]
    with_constants = tall + 0.0
    with_constants[:, 1], with_constants[:, 5] = 0.1, 0.0
    return {
        "tall": tall,
        "constants": with_constants,
        "wide": rng.standard_normal((4, 6)) * [1, 5, 1, 1, 0.3, 1],
    }


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", designs())
def test_the_rest_is_in_the_row_space_of_the_users_columns(name, fit_intercept, container):
    X = designs()[name] + (0.5 if name == "tall" and fit_intercept else 0.0)
    W = np.random.default_rng(1).standard_normal((6, 2))
    weights, change = least_norm(container(X), W, SCALE, fit_intercept)
    theirs = X * SCALE
    centred = theirs - theirs.mean(axis=0) if fit_intercept else theirs
    expected = np.linalg.pinv(centred, rcond=1e-10) @ centred @ (W / SCALE[:, None])
    assert_allclose(weights / SCALE[:, None], expected, atol=1e-12)
    assert np.abs(weights - W).max() > 0.1
    assert_allclose(X @ weights + change, X @ W, atol=1e-12)
    assert change.any() == fit_intercept


def test_independent_columns_keep_their_weights():
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((30, 3)), rng.standard_normal((3, 4))
    weights, change = least_norm(X, W, np.ones(3), True)
    assert weights is W
    assert_array_equal(change, np.zeros(4))


@pytest.mark.parametrize("n", [7, 300, 3000])
@pytest.mark.parametrize("value", [0.1, -1000.0, 1e-9])
def test_columns_that_are_constant_to_rounding_are_the_intercepts(value, n):
    """Also where the sum of many equal numbers rounds, and where they differ in the last bit."""
    X = np.column_stack([np.full(n, value), np.full(n, value), np.random.default_rng(0).standard_normal(n)])
    X[::2, 1] = np.nextafter(value, np.inf)
    W = np.array([[1.0], [3.0], [2.0]])
    weights, change = least_norm(X, W, np.ones(3), True)
    assert_allclose(weights[:, 0], [0, 0, 2], atol=1e-13)
    assert_allclose(change, 4 * value, rtol=1e-12)
    # One constant column is all the design: no rank at all.
    alone, change = least_norm(X[:, :1], W[:1], np.ones(1), True)
    assert alone.item() == 0 and change.item() == pytest.approx(value)
    # It is no constant where it says something.
    X[0, 1] *= 1 + 1e-12
    assert_array_equal(least_norm(X, W, np.ones(3), True)[0][1:], W[1:])


@pytest.mark.parametrize("extra, done", [(0.0, True), (-0.5, False)])
def test_too_much_work_is_not_begun(monkeypatch, extra, done):
    X, W = np.ones((5, 3)), np.array([[1.0], [2.0], [3.0]])
    monkeypatch.setattr(null_space, "WORK", 5 * 3**2 + extra)
    weights, change = least_norm(X, W, np.ones(3), False)
    assert_allclose(weights, np.full((3, 1), 2.0) if done else W)
    assert_array_equal(change, 0)
