"""Copies of sparse X: whatever its form, a fit holds one copy at most, and the model is the same."""

import gc
import tracemalloc
from itertools import pairwise
from unittest.mock import ANY

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import skmaxent.convex.fit as convex_fit
import skmaxent.convex.prepare as prepare
from skmaxent import MaxEntClassifier, maxent_path
from skmaxent.numerics.sparse import canonical, retyped

FORMS = ("sorted", "unsorted", "duplicates", "long indices", "unsorted, long indices", "columns", "integers")


def counted(n, d, length=80, seed=0):
    """Counts of words, about `length` a row, as a canonical CSR array in float64, and labels."""
    rng = np.random.default_rng(seed)
    columns = (d * rng.uniform(size=n * length) ** 3).astype(np.int32)
    rows = np.repeat(np.arange(n, dtype=np.int32), length)
    X = sparse.csr_array((np.ones(n * length), (rows, columns)), shape=(n, d))
    X.sum_duplicates()
    return X, rng.integers(3, size=n)


def in_form(X, form):
    """The same matrix as vectorizers and users may give it."""
    data, indices, indptr = X.data.copy(), X.indices.copy(), X.indptr.copy()
    if form.startswith("unsorted"):
        for start, stop in pairwise(indptr):
            data[start:stop], indices[start:stop] = data[start:stop][::-1], indices[start:stop][::-1].copy()
    if form == "duplicates":  # each entry as two halves, one after all others of its row
        order = np.argsort(np.tile(np.repeat(np.arange(X.shape[0]), np.diff(indptr)), 2), kind="stable")
        data, indices, indptr = np.tile(data / 2, 2)[order], np.tile(indices, 2)[order], 2 * indptr
    if form == "integers":
        data = data.astype(np.int64)
    made = sparse.csr_array((data, indices, indptr), shape=X.shape)
    if form.endswith("long indices"):
        made.indices, made.indptr = made.indices.astype(np.int64), made.indptr.astype(np.int64)
    return made.tocsc() if form == "columns" else made


def size(X):
    return X.data.nbytes + X.indices.nbytes + X.indptr.nbytes


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(300, 1000), (1000, 300)])
def test_the_model_does_not_depend_on_the_form_of_x(form, shape):
    X, y = counted(*shape)
    expected = MaxEntClassifier(C=0.1, tol=1e-10).fit(X, y)
    given = in_form(X, form)
    kept = given.copy()
    model = MaxEntClassifier(C=0.1, tol=1e-10).fit(given, y)
    for part in ("data", "indices", "indptr"):
        assert_array_equal(getattr(given, part), getattr(kept, part))
    assert_allclose(model.coef_, expected.coef_, atol=1e-5)
    assert_allclose(model.convergence_["objective"], expected.convergence_["objective"], rtol=1e-9)
    assert_allclose(model.decision_function(given), model.decision_function(X), rtol=1e-12, atol=1e-12)


def held_while_it_solves(fit, monkeypatch):
    """Bytes that a fit holds, beside what there was before, whenever it begins to solve."""
    held, original = [], convex_fit._objective

    def solving(*parts):
        made = original(*parts)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
        return made

    fit()  # what is made once
    with monkeypatch.context() as patched:
        patched.setattr(convex_fit, "_objective", solving)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            fit()
        finally:
            tracemalloc.stop()
    return np.array(held) - before


def beside(X):
    """Bytes of what is no copy of X: of each row labels and weights, of each column its place."""
    return 60 * X.shape[0] + 20 * X.shape[1] + 50_000


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", ["wide", "tall", "tall, merged"])
@pytest.mark.parametrize("l1_ratio", [0, 1])
def test_while_it_solves_a_fit_holds_one_copy_of_x_at_most(form, shape, l1_ratio, monkeypatch):
    """The columns of a wide X, which presolve reorders; of a tall one its canonical form, where it is not."""
    X, y = counted(*((1000, 2000) if shape == "wide" else (4000, 1000)))
    monkeypatch.setattr(prepare, "THOROUGH_WORK", 0)  # presolve looks at columns, as of larger data
    if shape == "tall, merged":  # the last column once more
        X = sparse.hstack([X, X[:, [-1]]], format="csr")
    given, model = in_form(X, form), MaxEntClassifier(C=0.01, l1_ratio=l1_ratio, tol=0.1)
    (held,) = held_while_it_solves(lambda: model.fit(given, y), monkeypatch)
    assert size(X) > 4 * beside(X)
    assert held < size(given if form == "duplicates" else X) + beside(X)
    merged = {"tall": 0, "tall, merged": 1}
    assert model.convergence_["presolve"]["columns_merged"] == merged.get(shape, ANY)
    if shape == "tall" and form == "sorted":
        assert held < beside(X)


def test_a_path_lets_go_of_its_copy_too(monkeypatch):
    X, y = counted(2000, 4000)
    given = in_form(X, "unsorted")
    first, second = held_while_it_solves(lambda: maxent_path(given, y, Cs=[0.01, 0.02], tol=0.1), monkeypatch)
    weights = 3 * X.shape[1] * 8
    assert first < size(X) + 2 * weights + beside(X)
    assert second < size(X) + 4 * weights + beside(X)


def test_canonical_form_in_the_format_of_the_solvers():
    wide, tall = counted(30, 100)[0], counted(100, 30)[0]
    for X, format in ((wide, "csc"), (tall, "csr")):
        assert canonical(X, turn=True) is X  # nothing to copy
        for form in ("unsorted", "duplicates", "unsorted, long indices"):
            for given in (in_form(X, form), in_form(X, form).T.tocsr().T):  # CSR and CSC
                made = canonical(given, turn=True)
                assert made.has_canonical_format
                assert made.format == (given.format if given.has_canonical_format else format)
                assert_array_equal(made.toarray(), X.toarray())


def test_another_precision_shares_the_indices():
    X = counted(30, 100)[0]
    narrow = retyped(X, np.float32)
    assert narrow.dtype == np.float32 and type(narrow) is type(X)
    assert np.shares_memory(narrow.indices, X.indices) and np.shares_memory(narrow.indptr, X.indptr)
    assert_array_equal(narrow.toarray(), X.toarray())
    assert retyped(X, np.float64) is X and X.dtype == np.float64
    assert retyped(X.toarray(), np.float32).dtype == np.float32


@pytest.mark.parametrize("fitted, given", [(np.float32, np.float64), (np.float64, np.float32)])
def test_rows_of_the_other_precision_are_scored_without_copies_of_indices(fitted, given):
    X, y = counted(2000, 300)
    model = MaxEntClassifier(C=0.01, tol=1e-3).fit(X.astype(fitted), y)
    assert model.coef_.dtype == fitted
    rows = X.astype(given)
    expected = X.toarray() @ model.coef_.T.astype(float) + model.intercept_
    model.decision_function(rows)
    tracemalloc.start()
    try:
        scores = model.decision_function(rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    values = rows.nnz * np.dtype(fitted).itemsize
    assert peak < values + 0.5 * rows.indices.nbytes + 2 * scores.nbytes
