"""The minimum of the quadratic model plus the elastic net, by an active set."""

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skmaxent import MaxEntClassifier
from skmaxent.convex.solvers import proximal_newton


def model_problem(seed, m, rank):
    """Hessian, slope, start and strengths: some weights free, one excluded, columns that are copies."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((rank, m))
    if m > 2:
        A[:, 1] = -A[:, 0] if seed % 3 == 0 else A[:, 1]
    H = A.T @ A
    lasso = rng.uniform(0.1, 2.0, m)
    start = rng.standard_normal(m) * (rng.random(m) < 0.5)
    if seed % 2 and rank >= m and seed % 3:
        lasso[0] = 0.0
    if m > 3:
        lasso[3], start[3] = np.inf, 0.0
    return H, 2 * A.T @ rng.standard_normal(rank), start, lasso


def value(H, slope, start, lasso, w):
    move = w - start
    strengths = np.where(w != 0, lasso, 0)
    return slope @ move + 0.5 * move @ H @ move + strengths @ np.abs(w)


def least_by_enumeration(H, slope, start, lasso):
    """The least value over all patterns of signs: each is a linear system."""
    best = np.inf
    for signs in product((-1, 0, 1), repeat=len(start)):
        signs = np.array(signs)
        if np.any((signs != 0) & np.isinf(lasso)):
            continue
        chosen = np.flatnonzero(signs)
        w = np.zeros(len(start))
        pull = np.where(signs != 0, lasso, 0)[chosen] * signs[chosen]
        right = H[chosen] @ start - slope[chosen] - pull
        w[chosen] = np.linalg.lstsq(H[np.ix_(chosen, chosen)], right, rcond=1e-10)[0]
        best = min(best, value(H, slope, start, lasso, w))
    return best


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 4), st.sampled_from([0, 8]))
@example(427, 2, 0, 8)  # copies, of which one leaves after a step of 1e8
def test_it_is_the_least_of_all_patterns_of_signs(seed, m, extra, in_bulk):
    H, slope, start, lasso = model_problem(seed, m, max(1, m - 1 + extra))
    before, proximal_newton.IN_BULK = proximal_newton.IN_BULK, in_bulk
    try:
        w = proximal_newton._minimum(H, slope, start, lasso)
    finally:
        proximal_newton.IN_BULK = before
    assert w is not None
    gradient = slope + H @ (w - start)
    scale = 1e-6 * (1 + np.abs(slope).max())
    at_zero = w == 0
    assert (np.abs(gradient[at_zero]) <= lasso[at_zero] + scale).all()
    assert_allclose(gradient[~at_zero], -lasso[~at_zero] * np.sign(w[~at_zero]), atol=scale)
    assert value(H, slope, start, lasso, w) <= least_by_enumeration(H, slope, start, lasso) + scale


@pytest.mark.parametrize("seed", range(3))
def test_many_weights_may_take_many_systems(seed, monkeypatch):
    """Hundreds of them, one weight at a time: the minimum is found all the same."""
    rng, m, systems = np.random.default_rng(seed), 150, []
    A = rng.standard_normal((2 * m, m)) @ (np.eye(m) + rng.standard_normal((m, m)) / np.sqrt(m))
    H, start = A.T @ A, rng.standard_normal(m)
    slope = H @ rng.standard_normal(m)
    lasso = np.full(m, 0.03 * np.abs(slope).max())
    factor = proximal_newton.Factor
    monkeypatch.setattr(proximal_newton, "IN_BULK", 0)
    monkeypatch.setattr(proximal_newton, "Factor", lambda *args: systems.append(1) or factor(*args))
    w = proximal_newton._minimum(H, slope, start, lasso)
    assert len(systems) > 60
    gradient, scale = slope + H @ (w - start), 1e-6 * np.abs(slope).max()
    assert 0 < np.count_nonzero(w) < m
    assert (np.abs(gradient[w == 0]) <= lasso[w == 0] + scale).all()
    assert_allclose(gradient[w != 0], -(lasso * np.sign(w))[w != 0], atol=scale)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_weights_change_their_signs_in_one_step(n_classes):
    """From the optimum of the mirrored labels the way leads through 0."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6))
    y = (X[:, :n_classes] + rng.gumbel(size=(300, n_classes))).argmax(axis=1)
    model = MaxEntClassifier(l1_ratio=1.0, C=0.3, tol=1e-10, warm_start=True).fit(X, y)
    cold = MaxEntClassifier(l1_ratio=1.0, C=0.3, tol=1e-10).fit(-X, y)
    model.fit(-X, y)
    assert model.convergence_["stop_reason"] == "converged"
    assert model.n_iter_[0] <= 12
    assert_allclose(model.coef_, cold.coef_, atol=1e-4)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("d", [1, 2])
def test_few_steps_for_one_column_or_two(d, n_classes, l1_ratio):
    """With one column the Hessian is a view of strides of its own."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((80, d))
    y = (X[:, :1] * [[1.0, 0.0, -1.0]] + rng.gumbel(size=(80, 3)))[:, :n_classes].argmax(axis=1)
    model = MaxEntClassifier(solver="working-set", l1_ratio=l1_ratio, tol=1e-10).fit(X, y)
    assert model.convergence_["stop_reason"] == "converged"
    assert model.n_iter_[0] <= 8
