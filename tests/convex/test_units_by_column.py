"""Units of columns, the exact numbers: which shift, which power of two, where a column is left as it is."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmaxent.convex.reductions import units as units_module
from skmaxent.convex.reductions.units import LIMIT, Units, fits_single, ordinary_units

CONTAINERS = {"dense": np.asarray, "csr": sparse.csr_array, "csc": sparse.csc_array}


def dense(X):
    return X.toarray() if sparse.issparse(X) else X


# ---- there and back


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("shifted", [True, False])
@pytest.mark.parametrize("K", [1, 3])
def test_the_same_scores_in_both_units(K, shifted, paired):
    rng = np.random.default_rng(0)
    X, scale = rng.standard_normal((5, 4)), np.array([0.5, 4.0, 1.0, 2.0])
    shift = np.array([3.0, 0.0, -2.0, 10.0]) if shifted else None
    units = Units(scale, shift)
    part = (X - (0 if shift is None else shift)) / scale
    classes, columns = (part.ravel() for part in np.indices((K, 4)))
    design = SimpleNamespace(paired=paired, columns=columns, classes=classes)
    V, intercept = rng.standard_normal((4, K)), rng.standard_normal(K)
    given = V.T.reshape(-1, 1) if paired else V
    W, b = units.restored(given, intercept, design, np.float32)
    assert W.dtype == np.float32
    user = W.reshape(K, 4).T if paired else W
    assert_allclose(X @ user + b, part @ (user * scale[:, None]) + intercept, atol=1e-12)
    assert_allclose(X @ user + b, part @ V + intercept, atol=1e-5)
    there, again = units.reduced(W, b, design)
    assert_array_equal(there, W * units.scales(design))
    assert_allclose(there, given, rtol=1e-6)
    assert_allclose(again, intercept, atol=1e-12)


@pytest.mark.parametrize(
    "scale, shift, spread",
    [
        ([1.0, 1.0], None, 1.0),
        ([0.25, 0.25], None, 1.0),
        ([0.25, 8.0, 1.0], None, 32.0),
        ([4.0, 2.0], [0.0, -100.0], 50.0),
        ([4.0, 2.0], [12.0, 0.0], 3.0),
        ([4.0, 2.0], [1.0, 0.0], 2.0),
    ],
)
def test_spread_compares_columns_and_their_distance_from_0(scale, shift, spread):
    assert Units(np.array(scale), None if shift is None else np.array(shift)).spread == spread


def test_scales_whose_squares_are_numbers_of_single_precision():
    assert fits_single(None) and fits_single(2.0 ** np.array([50, -50, 0]))
    for exponent in (51, -51):
        assert not fits_single(2.0 ** np.array([0, exponent]))


# ---- scales


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("n", [3, 4001])
def test_scales_are_root_mean_squares_of_what_is_not_0(container, n):
    """Powers of two in some rows; in many rows a look at some of them is enough."""
    exponents = np.array([20, 21, -30, -31, 9, 1])
    X = np.zeros((n, 7))
    X[:, :6] = 2.0**exponents * np.where(np.arange(n) % 2, 1, -1)[:, None]
    if n == 3:
        X[:2, 1] = X[1:, 3] = 0  # of a single entry, the same
    else:
        X[0] = 0  # of all but the first row, too
    part, units = ordinary_units(CONTAINERS[container](X), fit_intercept=False)
    assert_array_equal(np.log2(units.scale), [*exponents, 0])
    assert units.shift is None
    assert_array_equal(dense(part) * units.scale, X)
    part, units = ordinary_units(CONTAINERS[container](X), False, smaller=False)
    assert_array_equal(np.log2(units.scale), [20, 21, 0, 0, 9, 1, 0])
    part, units = ordinary_units(CONTAINERS[container](X), False, uniform=True)
    assert_array_equal(np.log2(units.scale), 22)
    assert_array_equal(dense(part) * units.scale, X)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("exponent", [8, -8, 9, -9])
def test_ordinary_scales_are_left(exponent, container):
    X = CONTAINERS[container](np.array([[2.0**exponent, 0.0, 1.0]] * 2))
    part, units = ordinary_units(X, False)
    if abs(exponent) == 8:
        assert part is X and units is None
    else:
        assert_array_equal(units.scale, [2.0**exponent, 1, 1])
    if exponent < 0:
        part, units = ordinary_units(X, False, smaller=False)
        assert part is X and units is None
    assert ordinary_units(X[:, [1]], True)[1] is None  # nothing there


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("exponent", [495, 600, 1000, -495, -600, -1000])
def test_numbers_whose_squares_overflow(exponent, container):
    """They have the largest scale, or the smallest, and the other columns their own."""
    X = np.array([[1.0, 3.0, 2000.0], [-1.0, 3.0, 0.0]]) * [2.0**exponent, 1, 1]
    part, units = ordinary_units(CONTAINERS[container](X), False)
    assert_array_equal(np.log2(units.scale), [np.clip(exponent, -LIMIT, LIMIT), 2, 11])
    assert_array_equal(dense(part) * units.scale, X)
    part, units = ordinary_units(CONTAINERS[container](X), False, uniform=True)
    assert_array_equal(np.log2(units.scale), np.clip(max(exponent + 1, 11), -LIMIT, LIMIT))


# ---- shifts


def column(mean, spread, n):
    """n numbers of this mean and standard deviation."""
    signs = np.where(np.arange(n) % 4 < 2, 1.0, -1.0)
    return mean + spread * (signs - signs.mean()) / signs.std()


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("n", [40, 4000])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_columns_are_shifted_from_8_deviations_on(dtype, n, container):
    ratios = np.array([7.0, 9.0, 20.0, 0.0, -9.0, -7.0, 11.9])
    X = np.column_stack([column(ratio * 3, 3, n) for ratio in ratios]).astype(dtype)
    X[:, 3] = np.arange(n) % 3
    part, units = ordinary_units(CONTAINERS[container](X), True)
    far = np.abs(ratios) > 8
    assert_allclose(units.shift, np.where(far, 3 * ratios, 0), rtol=1e-6)
    assert_array_equal(units.scale, 1)
    assert_allclose(dense(part) + units.shift, X, rtol=1e-6)
    assert_allclose(dense(part)[:, far].mean(axis=0), 0, atol=1e-5)
    assert part.dtype == dtype or dtype == np.float32


@pytest.mark.parametrize("container", CONTAINERS)
def test_constant_columns_and_few_missing_entries(container):
    """In sparse data too, where a column of equal numbers is far with at most one in 65 of them missing."""
    X = np.random.default_rng(0).standard_normal((200, 3))
    X[:, 1] = 5.0
    X[:2, 1] = 0
    X[:, 2] = 0
    part, units = ordinary_units(CONTAINERS[container](X), True)
    assert_array_equal(units.shift != 0, [False, True, False])
    assert units.shift[1] == pytest.approx(4.95)
    assert_allclose(dense(part) + units.shift, X, rtol=1e-15)
    X[:6, 1] = 0  # six in 200 are too many
    assert ordinary_units(CONTAINERS[container](X), True)[1] is None
    one = CONTAINERS[container](X[-1:])  # a single row is constant everywhere
    assert_array_equal(ordinary_units(one, True)[1].shift, X[-1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("container", CONTAINERS)
def test_columns_whose_moments_overflow_are_not_shifted(container):
    X = np.array([[1e308, 1e200, 7.0], [-1e308, 3e200, 7.0], [1e308, 1e200, 7.0]])
    part, units = ordinary_units(CONTAINERS[container](X), True)
    assert_array_equal(units.shift, [0, 0, 7])
    assert_array_equal(dense(part) * units.scale + units.shift, X)


def test_sparse_columns_stay_sparse():
    """Those that cannot be far from 0 are not expanded: here that would take 320 MB."""
    n, d = 2000, 20_000
    rows = np.arange(d) % n
    X = sparse.csc_array((np.ones(d), (rows, np.arange(d))), shape=(n, d))
    tracemalloc.start()
    part, units = ordinary_units(X, True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert part is X and units is None
    assert peak < 20e6


def test_a_look_at_some_rows_finds_what_all_rows_say(monkeypatch):
    """What looks far in the sample alone is not shifted."""
    monkeypatch.setattr(units_module, "FEW", 10)
    X = np.column_stack([column(100, 1, 400), column(100, 1, 400)])
    X[1::2, 1] = -100.0
    assert_array_equal(ordinary_units(X, True)[1].shift != 0, [True, False])
    monkeypatch.undo()
    X = column(100, 1, 5000)[:, None]
    X[0] = 0  # one row among thousands, which the sample has too
    assert_allclose(ordinary_units(X, True)[1].shift, X.mean(), rtol=1e-14)
