"""Candidate sets in any units: what the candidates of a group share changes neither model nor claim."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmaxent import MaxEntRanker
from skmaxent.convex.grouped import GroupedProblem
from skmaxent.convex.reductions.units import near_in_groups
from skmaxent.convex.solvers import SOLVERS, able


def made(n_groups=60, size=4):
    """X, choices and groups; the multiples of 1/1024 keep their digits beside large numbers."""
    rng = np.random.default_rng(0)
    X = np.round(1024 * rng.standard_normal((n_groups * size, 3))) / 1024
    utility = (X @ [1.0, -1.0, 0.5] + rng.gumbel(size=len(X))).reshape(n_groups, size)
    y = (utility == utility.max(axis=1, keepdims=True)).ravel()
    return X, y, np.repeat(np.arange(n_groups), size)


@pytest.mark.parametrize("C, l1_ratio", [(1.0, 0.0), (np.inf, 0.0), (1.0, 1.0), (1.0, 0.5)])
@pytest.mark.parametrize("offset", [1e4, 1e7, 1e11])
def test_a_number_of_its_own_for_each_group_changes_nothing(offset, C, l1_ratio):
    X, y, groups = made()
    plain = MaxEntRanker(C=C, l1_ratio=l1_ratio, tol=1e-12).fit(X, y, groups=groups)
    own = np.random.default_rng(1).integers(1, 9, groups[-1] + 1)[groups]
    moved = X + offset * own[:, None] * [1.0, 0.0, -1.0]
    for solver in ["auto", *(able(elastic_net=True) if l1_ratio else SOLVERS)]:
        model = MaxEntRanker(C=C, l1_ratio=l1_ratio, solver=solver, tol=1e-9).fit(moved, y, groups=groups)
        report = model.convergence_
        assert report["stop_reason"] == "converged" and report["relative_gap"] <= 1e-9
        assert_allclose(report["objective"], plain.convergence_["objective"], rtol=1.1e-9)
        assert_allclose(model.coef_, plain.coef_, atol=1e-3)


def dense(X):
    return X.toarray() if sparse.issparse(X) else X


def problem(X, starts):
    masses = np.zeros(X.shape[0], X.dtype)
    masses[starts[:-1]] = 1
    return GroupedProblem(X, np.ones(len(starts) - 1, X.dtype), np.array(starts), masses)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_number_nearest_to_0_is_taken_where_that_is_exact(dtype, kind):
    X = np.array(
        [[-100, 1, 5], [-150, 2, 5], [-200, -3, 5], [9000, 4, 6], [9000.5, 5, 6], [700, 1, 7]], dtype
    )
    given = kind(X)
    near = near_in_groups(problem(given, [0, 3, 5, 6]))
    assert_array_equal(dense(given), X)
    expected = [[0, 1, 0], [-50, 2, 0], [-100, -3, 0], [0, 0, 0], [0.5, 1, 0], [0, 0, 0]]
    assert_array_equal(dense(near.X), np.array(expected, dtype))
    assert near.X.dtype == dtype
    # Beyond a factor of 2 a difference is rounded: the group keeps its numbers.
    X[1, 0] = -201
    assert_array_equal(dense(near_in_groups(problem(kind(X), [0, 3, 5, 6])).X)[:3, 0], X[:3, 0])


def test_a_sparse_column_is_shared_by_the_groups_that_have_it_everywhere():
    X = np.array([[0.0, 90], [1, 90], [90, 1], [90, 0], [90, 90], [90.5, 90]])
    near = near_in_groups(problem(sparse.csr_array(X), [0, 2, 4, 6]))
    assert_array_equal(near.X.toarray(), [[0, 0], [1, 0], [0, 1], [0, 0], [0, 0], [0.5, 0]])


def test_groups_near_0_are_left_as_they_are():
    rng = np.random.default_rng(0)
    for X in (rng.standard_normal((12, 3)), 5 + rng.standard_normal((12, 3)), np.zeros((12, 3))):
        candidates = problem(X, [0, 4, 8, 12])
        assert near_in_groups(candidates) is candidates
        candidates = problem(sparse.csr_array(X), [0, 4, 8, 12])
        assert near_in_groups(candidates) is candidates


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_many_groups_are_found_far_by_some_of_them(kind):
    X, y, groups = made(5000)
    plain = MaxEntRanker(tol=1e-12).fit(X, y, groups=groups)
    far = kind(X + 2.0**20 * np.array([1.0, 0.0, -1.0]))
    near = near_in_groups(problem(far, np.arange(0, 20001, 4)))
    assert abs(near.X).max() < 20
    model = MaxEntRanker(tol=1e-9).fit(far, y, groups=groups)
    assert_allclose(model.coef_, plain.coef_, atol=1e-3)
