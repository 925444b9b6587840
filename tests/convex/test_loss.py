"""The losses: gradients by the complex-step method, extreme scores, codes, masses and weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from oracle import complex_step
from scipy.special import expit, log_softmax, logsumexp
from scipy.special import softmax as scipy_softmax

from skmaxent.numerics import losses as losses_module
from skmaxent.numerics.losses import logistic, logistic_nll, softmax, softmax_above, softmax_nll


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("spread", [0.1, 3.0, 40.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["codes", "masses"])
def test_softmax_nll_gradient_is_exact(rng, kind, weighted, spread):
    scores = spread * rng.standard_normal((6, 4))
    targets = rng.integers(0, 4, 6) if kind == "codes" else rng.uniform(0, 2, (6, 4))
    weights = rng.uniform(0.1, 3, 6) if weighted else None
    _, gradient = softmax_nll(scores, targets, weights)
    numeric = complex_step(lambda s: softmax_nll(s, targets, weights)[0], scores)
    assert_allclose(gradient, numeric, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spread", [0.1, 3.0, 40.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(7,), (5, 3)])
def test_logistic_nll_gradient_is_exact(rng, shape, weighted, spread):
    scores = spread * rng.standard_normal(shape)
    targets = rng.uniform(size=shape)
    weights = rng.uniform(0.1, 3, shape) if weighted else None
    _, gradient = logistic_nll(scores, targets, weights)
    numeric = complex_step(lambda s: logistic_nll(s, targets, weights)[0], scores)
    assert_allclose(gradient, numeric, rtol=1e-12, atol=1e-12)


def test_softmax_nll_is_the_formula(rng):
    scores, masses, weights = rng.standard_normal((5, 3)), rng.uniform(size=(5, 3)), rng.uniform(size=5)
    losses, gradient = softmax_nll(scores, masses, weights)
    assert_allclose(losses, -weights * (masses * log_softmax(scores, axis=1)).sum(axis=1), rtol=1e-13)
    expected = masses.sum(axis=1, keepdims=True) * scipy_softmax(scores, axis=1)
    assert_allclose(gradient, weights[:, None] * (expected - masses), atol=1e-14)


def test_codes_are_one_hot_masses(rng):
    scores, codes, weights = rng.standard_normal((8, 5)), rng.integers(0, 5, 8), rng.uniform(size=8)
    for by_code, by_mass in zip(
        softmax_nll(scores, codes, weights), softmax_nll(scores, np.eye(5)[codes], weights)
    ):
        assert_allclose(by_code, by_mass, rtol=1e-14, atol=1e-15)


def test_weights_scale_the_masses(rng):
    scores, masses, weights = rng.standard_normal((8, 5)), rng.uniform(size=(8, 5)), rng.uniform(size=8)
    for weighted, scaled in zip(
        softmax_nll(scores, masses, weights), softmax_nll(scores, masses * weights[:, None])
    ):
        assert_allclose(weighted, scaled, rtol=1e-13, atol=1e-15)


def test_logistic_is_the_two_class_softmax(rng):
    s, t = rng.standard_normal(9), rng.uniform(size=9)
    losses, gradient = logistic_nll(s, t)
    pair_losses, pair_gradient = softmax_nll(np.column_stack([np.zeros(9), s]), np.column_stack([1 - t, t]))
    assert_allclose(losses, pair_losses, rtol=1e-13)
    assert_allclose(gradient, pair_gradient[:, 1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_softmax_with_extreme_scores(dtype):
    big = dtype(1e30)
    scores = np.array([[big, -big, 0], [-big, -big, -big], [big, big, -big]], dtype=dtype)
    losses, gradient = softmax_nll(scores, np.array([0, 1, 0]))
    assert losses.dtype == gradient.dtype == dtype
    assert_array_equal(losses, 0)  # what ties add is below the rounding of such scores
    assert_allclose(gradient, [[0, 0, 0], [1 / 3, -2 / 3, 1 / 3], [-0.5, 0.5, 0]], atol=1e-6)
    lost, _ = softmax_nll(scores[:1], np.array([1]))
    assert lost[0] == 2 * big  # the loss of a hopeless row is the difference of scores, not inf


@pytest.mark.parametrize("mass", [None, np.array([2.0, 0.5, 1.0, 3.0, 1.0])])
@pytest.mark.parametrize("out", ["new", "scores", "in columns"])
def test_short_rows_and_long_ones_have_the_same_softmax(out, mass, monkeypatch):
    """Also with ties, and where next to nothing is left beside the largest score."""
    scores = np.array([[1.0, 1, 1, 1], [2, 2, 1, -3], [800, 100, 790, 800], [0, -60, -70, -90], [3, 1, 2, 0]])
    found = []
    for longest in (0, 4):
        monkeypatch.setattr(losses_module, "SHORT_ROW", longest)
        given = scores.copy()
        given_out = {"new": None, "scores": given, "in columns": np.empty(scores.shape, order="F")}[out]
        found.append(softmax_above(given, out=given_out, mass=mass))
        assert out == "new" or found[-1][2] is given_out
    for long, short in zip(*found):
        assert_allclose(short, long, rtol=1e-15)
    excess, top, proba = found[1]
    assert_allclose(excess[3], np.exp(-60.0) + np.exp(-70.0) + np.exp(-90.0), rtol=1e-14)
    assert_array_equal(top, scores.max(axis=1))
    assert_allclose(proba, scipy_softmax(scores, axis=1) * (1 if mass is None else mass[:, None]), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logistic_with_extreme_scores(dtype):
    scores = np.array([-1e30, -800, -50, 0, 50, 800, 1e30], dtype=dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        log_z, proba = logistic(scores)
    assert log_z.dtype == proba.dtype == dtype
    assert_allclose(proba, expit(scores), rtol=1e-6)
    assert_allclose(log_z, np.logaddexp(0, scores), rtol=1e-6)
    assert log_z[2] > 0  # log1p keeps the small tail that log(1 + exp(s)) would lose


@settings(deadline=None, max_examples=50)
@given(
    arrays(float, st.tuples(st.integers(1, 6), st.integers(2, 5)), elements=st.floats(-300, 300)),
    st.floats(-1e3, 1e3),
)
def test_softmax_properties(scores, shift):
    log_z, proba = softmax(scores)
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-14)
    assert (proba >= 0).all()
    assert_allclose(log_z, logsumexp(scores, axis=1), rtol=1e-13, atol=1e-13)
    moved_log_z, moved_proba = softmax(scores + shift)
    assert_allclose(moved_proba, proba, atol=1e-11)
    assert_allclose(moved_log_z, log_z + shift, atol=1e-11)
    losses, gradient = softmax_nll(scores, np.zeros(len(scores), dtype=int))
    assert (losses >= 0).all()
    assert_allclose(gradient.sum(axis=1), 0, atol=1e-14)


@pytest.mark.parametrize("loss", [softmax_nll, logistic_nll])
def test_out_receives_the_gradient_and_may_be_the_scores(rng, loss):
    scores, targets = rng.standard_normal((5, 3)), rng.uniform(size=(5, 3))
    kept = scores.copy()
    losses, gradient = loss(scores, targets)
    assert_array_equal(scores, kept)
    buffer = np.empty_like(scores)
    assert loss(scores, targets, out=buffer)[1] is buffer
    assert_array_equal(buffer, gradient)
    in_place_losses, in_place = loss(scores, targets, out=scores)
    assert in_place is scores
    assert_array_equal(scores, gradient)
    assert_array_equal(in_place_losses, losses)
