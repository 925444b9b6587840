"""Presolve: merging rows and columns loses nothing, and is undone exactly."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse

from skmaxent import MaxEntClassifier
from skmaxent.convex import prepare as prepare_module
from skmaxent.convex.problem import Problem
from skmaxent.convex.reductions import presolve
from skmaxent.convex.reductions.presolve import merge_columns, merge_rows
from skmaxent.numerics.sparse import canonical, short_indices
from skmaxent.numerics.threads import Workers

FEW = settings(deadline=None, max_examples=60)
ENTRIES = st.sampled_from([0.0, 0.0, 0.0, 1.0, -1.0, 0.5, 3.0])


@st.composite
def designs(draw, max_rows=8, max_columns=8):
    """Small dense arrays with many zeros, and many repeated rows and columns."""
    n, d = draw(st.integers(1, max_rows)), draw(st.integers(1, max_columns))
    rows = st.lists(ENTRIES, min_size=d, max_size=d)
    return np.array(draw(st.lists(rows, min_size=n, max_size=n)))


@st.composite
def scaled_columns(draw):
    """A design whose columns are multiples of a few columns, single-entry and empty ones among them."""
    base = draw(designs(max_columns=4))
    d = draw(st.integers(1, 12))
    origins = draw(st.lists(st.integers(0, base.shape[1] - 1), min_size=d, max_size=d))
    factors = draw(st.lists(st.sampled_from([1.0, -1.0, 0.1, -7.3, 2.0, 0.0]), min_size=d, max_size=d))
    return base[:, origins] * np.array(factors)


def sparse_of(X, dtype, layout):
    return layout(X.astype(dtype))


def by_row(X, masses):
    """The label masses of each distinct row, as a dict: what merging rows must not change."""
    total = {}
    for row, mass in zip(X, masses):
        key = tuple(row + 0.0)
        total[key] = total.get(key, 0) + mass
    return total


def all_masses(problem):
    if problem.masses is not None:
        return problem.masses
    return np.eye(problem.n_classes)[problem.codes] * problem.weights[:, None]


def random_problem(X, labels, seed=0, n_classes=3):
    rng = np.random.default_rng(seed)
    n = X.shape[0]
    if labels == "codes":
        weights = rng.integers(1, 4, n).astype(X.dtype)
        return Problem(X, weights, n_classes, codes=rng.integers(0, n_classes, n))
    masses = rng.integers(0, 3, (n, n_classes)).astype(X.dtype)
    masses[:, 0] += 1
    return Problem(X, masses.sum(axis=1), n_classes, masses=masses)


# ---- rows


@FEW
@given(designs(), st.sampled_from(["codes", "masses"]), st.booleans(), st.integers(0, 99))
def test_merged_rows_keep_the_masses_of_every_distinct_row(X, labels, dense, seed):
    problem = random_problem(X if dense else sparse.csr_array(X), labels, seed)
    merged, removed = merge_rows(problem)
    reduced = merged.X if dense else merged.X.toarray()
    assert removed == len(X) - len(reduced)
    assert len(np.unique(reduced, axis=0)) == len(reduced)  # no two rows are left the same
    before, after = by_row(X, all_masses(problem)), by_row(reduced, all_masses(merged))
    assert before.keys() == after.keys()
    for row, mass in before.items():
        assert_array_equal(after[row], mass)
    assert_array_equal(merged.weights, all_masses(merged).sum(axis=1))


@FEW
@given(designs(), st.lists(st.integers(1, 4), min_size=8, max_size=8), st.booleans(), st.randoms())
def test_repeats_and_weights_are_the_same_problem(X, counts, dense, random):
    counts = np.array(counts[: len(X)])
    codes = np.arange(len(X)) % 3
    order = np.repeat(np.arange(len(X)), counts)
    random.shuffle(order)
    layout = np.asarray if dense else sparse.csr_array
    weighted, _ = merge_rows(Problem(layout(X), counts.astype(float), 3, codes=codes))
    repeated, _ = merge_rows(Problem(layout(X[order]), np.ones(len(order)), 3, codes=codes[order]))
    for one, two in [(weighted.X, repeated.X), (weighted.weights, repeated.weights)]:
        one, two = (a.toarray() if sparse.issparse(a) else a for a in (one, two))
        assert_array_equal(one, two)
    assert_array_equal(all_masses(weighted), all_masses(repeated))


def test_rows_that_disagree_on_the_class_become_masses():
    X = sparse.csr_array([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0]])
    merged, removed = merge_rows(Problem(X, np.array([1.0, 1.0, 3.0]), 2, codes=np.array([0, 1, 1])))
    assert removed == 1 and merged.codes is None
    assert by_row(merged.X.toarray(), merged.masses)[1.0, 2.0].tolist() == [1, 3]


def test_large_data_with_few_repeats_are_left_alone(monkeypatch):
    monkeypatch.setattr(presolve, "CANONICAL_ENTRIES", 0)
    X = random_sparse(100, 20)
    problem = random_problem(X, "codes")
    untouched, removed = merge_rows(problem)
    assert untouched is problem and removed == 0
    doubled = sparse.vstack([X, X[:50]]).tocsr()
    merged, removed = merge_rows(random_problem(doubled, "codes"))
    assert removed >= 50 and merged.X.shape[0] == 150 - removed


# ---- columns


@FEW
@given(scaled_columns(), st.booleans(), st.sampled_from([np.float64, np.float32]), st.integers(0, 99))
def test_merged_columns_give_the_same_scores_and_the_least_norm(X, thorough, dtype, seed):
    A = sparse_of(X, dtype, sparse.csc_array)
    reduced, column_map = merge_columns(A, thorough)
    V = np.random.default_rng(seed).standard_normal((reduced.shape[1], 3)).astype(dtype)
    if column_map is None:
        assert reduced is A
        return
    assert reduced.shape == (A.shape[0], column_map.n_reduced)
    assert reduced.dtype == dtype and reduced.has_canonical_format
    W = column_map.restore(V, Workers())
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    assert_allclose(A @ W, reduced @ V, rtol=tolerance, atol=20 * tolerance)
    # The norm is kept, so that the prior is the same: the map from V to W is an isometry.
    assert_allclose(np.vdot(W, W), np.vdot(V, V), rtol=10 * tolerance)
    assert_array_equal(W[np.diff(A.indptr) == 0], 0)  # weights of empty columns


@FEW
@example(np.outer([1, 0, 3, -1, -1, -1], [0, 0, 0, 0, 0, 0, 1, -7.3]), np.float32)  # keys beside a boundary
@given(scaled_columns(), st.sampled_from([np.float64, np.float32]))
def test_thorough_merge_finds_every_proportional_column(X, dtype):
    reduced, _ = merge_columns(sparse_of(X, dtype, sparse.csc_array), thorough=True)
    filled = X[:, X.any(axis=0)]
    lead = filled[filled.astype(bool).argmax(axis=0), np.arange(filled.shape[1])]
    directions = np.unique(np.round(filled / lead, 4), axis=1)
    assert reduced.shape[1] == directions.shape[1] or filled.shape[1] == 0


@FEW
@given(scaled_columns())
def test_quick_merge_finds_all_single_entry_columns_and_equal_neighbours(X):
    X = np.hstack([X, -X[:, -1:], X[:, -1:]])
    reduced, column_map = merge_columns(sparse.csc_array(X), thorough=False)
    counts = np.count_nonzero(X, axis=0)
    rows = np.unique(X[:, counts == 1].astype(bool).argmax(axis=0)) if (counts == 1).any() else []
    equal = (np.abs(X[:, 1:]) == np.abs(X[:, :-1])).all(axis=0)
    equal &= np.array([len(set(np.sign(a[a != 0] * b[a != 0]))) == 1 for a, b in zip(X.T[1:], X.T[:-1])])
    more = np.count_nonzero((counts > 1) & ~np.concatenate([[False], equal]))
    assert reduced.shape[1] == more + len(rows) or not counts.any()
    if column_map is not None:
        V = np.random.default_rng(0).standard_normal((reduced.shape[1], 2))
        W = column_map.restore(V, Workers())
        assert_allclose(X @ W, reduced @ V, rtol=1e-12, atol=1e-11)
        assert_allclose(np.vdot(W, W), np.vdot(V, V), rtol=1e-11)


@pytest.mark.parametrize("thorough", [True, False])
def test_explicit_zeros(thorough):
    # Columns: (2, 0 stored), (1, absent), (0 stored), (0, 3), an honest column and its negative.
    data = [2.0, 0.0, 1.0, 0.0, 3.0, 1.0, 2.0, -1.0, -2.0]
    indices = [0, 1, 0, 0, 1, 0, 1, 0, 1]
    A = sparse.csc_array((data, indices, [0, 2, 3, 4, 5, 7, 9]), shape=(2, 6))
    reduced, column_map = merge_columns(A, thorough)
    V = np.arange(1.0, reduced.shape[1] * 2 + 1).reshape(-1, 2)
    if column_map is None:
        assert reduced is A
    else:
        assert_allclose(A @ column_map.restore(V, Workers()), reduced @ V, atol=1e-14)
        assert reduced.shape[1] <= 5


@pytest.mark.parametrize("thorough", [True, False])
def test_nearly_proportional_columns_stay_apart(thorough):
    X = random_sparse(30, 4, density=0.9).toarray()
    near = X[:, [0]] * 2
    near[np.flatnonzero(near)[-1]] *= 1 + 1e-9
    A = sparse.csc_array(np.hstack([X, near]))
    reduced, column_map = merge_columns(A, thorough)
    assert reduced is A and column_map is None


@pytest.mark.parametrize("thorough", [True, False])
def test_input_is_never_changed(thorough):
    X = sparse.csc_array(np.array([[1.0, 2.0, 0.0], [3.0, 6.0, 5.0]]))
    kept = X.copy()
    merge_columns(X, thorough)
    merge_rows(Problem(X.tocsr(), np.ones(2), 2, codes=np.array([0, 1])))
    assert_array_equal(X.data, kept.data)
    assert_array_equal(X.indices, kept.indices)


# ---- canonical forms


def test_canonical_form_sums_duplicates_without_touching_the_input():
    X = sparse.csr_matrix((np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), np.array([0, 3, 3])), shape=(2, 3))
    indices = X.indices.copy()
    made = canonical(X)
    assert made.has_canonical_format
    assert_array_equal(made.toarray(), [[2, 0, 5], [0, 0, 0]])
    assert_array_equal(X.indices, indices)
    assert X.nnz == 3
    clean = random_sparse(4, 3)
    assert canonical(clean) is clean


def test_short_indices_share_the_data():
    X = random_sparse(6, 5)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    short = short_indices(X)
    assert short.indices.dtype == short.indptr.dtype == np.int32
    assert np.shares_memory(short.data, X.data)
    assert_array_equal(short.toarray(), X.toarray())
    assert short_indices(short) is short


# ---- presolve on = presolve off


def redundant(shape, seed=0):
    """Design with repeated rows and columns that are multiples, single entries or empty; labels."""
    rng = np.random.default_rng(seed)
    n, d = shape
    X = random_sparse(n, d, density=0.15, seed=seed).toarray()
    X[: n // 3] = X[rng.integers(n // 3, n, n // 3)]
    copies = rng.integers(0, d // 2, d // 3)
    X[:, -(d // 3) :] = X[:, copies] * rng.choice([-2.0, 0.5, 1.0, 3.0], d // 3)
    X[:, d // 2] = 0
    X[:, d // 2 + 1 : d // 2 + 4] = 0
    X[1, d // 2 + 1 : d // 2 + 4] = [1.0, -2.0, 5.0]
    return sparse.csr_array(X), rng.integers(0, 3, n)


@pytest.mark.parametrize("solver", ["newton-cg", "lbfgs"])
@pytest.mark.parametrize("shape", [(40, 90), (120, 40)])
def test_presolve_on_is_presolve_off(monkeypatch, shape, solver):
    X, y = redundant(shape)
    # A prior so strong that weights this close follow from the gap: |W - W*|^2 <= 2 C gap.
    model = MaxEntClassifier(C=0.1, tol=4e-14, solver=solver)
    monkeypatch.setattr(prepare_module, "THOROUGH_WORK", 0)
    on = model.fit(X, y)
    coef, intercept = on.coef_.copy(), on.intercept_.copy()
    presolved = on.convergence_["presolve"]
    assert presolved["rows_merged"] > 0 and presolved["columns_merged"] > 0
    monkeypatch.setattr(prepare_module, "merge_rows", lambda problem: (problem, 0))
    monkeypatch.setattr(prepare_module, "merge_columns", lambda X, thorough: (X, None))
    off = model.fit(X, y)
    assert off.convergence_["presolve"] == {"rows_merged": 0, "columns_merged": 0}
    assert off.convergence_["objective"] == pytest.approx(on.convergence_["objective"], rel=1e-12)
    assert_allclose(coef, off.coef_, atol=1e-6)
    assert_allclose(intercept, off.intercept_, atol=1e-6)


def test_quick_and_thorough_column_merges_reach_the_same_optimum(monkeypatch):
    X, y = redundant((120, 40))
    fits = []
    for work in (0, 10**9):
        monkeypatch.setattr(prepare_module, "THOROUGH_WORK", work)
        fits.append(MaxEntClassifier(tol=1e-13, solver="newton-cg").fit(X, y))
    assert fits[0].convergence_["presolve"]["columns_merged"] > 0
    assert fits[1].convergence_["presolve"]["columns_merged"] == 0
    assert_allclose(fits[0].coef_, fits[1].coef_, atol=1e-6)
