"""Lazy rows: the weights of the dense optimiser, at the cost of the touched rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skmaxent.nn.optimizers import lazy_rows
from skmaxent.nn.optimizers.lazy_rows import LazyRows
from skmaxent.nn.optimizers.momentum import Momentum
from skmaxent.nn.optimizers.rules import SGD, AdaGrad, Adam
from skmaxent.numerics.threads import BlockRunner

RULES = {
    "sgd": SGD,
    "momentum": lambda l2, l1, **kw: Momentum(l2, l1, 0.9, False, **kw),
    "nesterov": lambda l2, l1, **kw: Momentum(l2, l1, 0.9, True, **kw),
    "adagrad": lambda l2, l1, **kw: AdaGrad(l2, l1, **kw),
    "adam": lambda l2, l1, **kw: Adam(l2, l1, **kw),
}
PENALTIES = {
    "none": (0, 0),
    "l2": (0.05, 0),
    "l1": (0, 0.02),
    "both": (0.05, 0.02),
    "strong l2": (2.0, 0),
    "weak l1": (0, 1e-4),
}
D, H = 12, 5


def touched_rows(rng, n_steps, longest_rest):
    """Rows to touch at each step, so that rests of every length from 1 to `longest_rest` are likely."""
    due = rng.integers(0, longest_rest, D)
    for t in range(n_steps):
        rows = np.flatnonzero(due <= t)
        due[rows] = t + 1 + np.floor(longest_rest ** rng.random(rows.size)).astype(int) - 1
        yield rows


def run_both(
    rule_name, penalty, n_steps, longest_rest, seed, lr=0.05, window=2048, dtype=np.float64, n_head=0, few=1.0
):
    """(dense weights and slots, lazy weights and slots) after the same steps, some of `few` examples."""
    tolerance = 1e-4 if dtype == np.float32 else 1e-6 if rule_name == "adam" else 1e-9
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(D, H)).astype(dtype)
    dense, lazy = (RULES[rule_name](*penalty, window=window) for _ in range(2))
    w = start.copy()
    slots = [np.zeros_like(w) for _ in range(dense.n_slots)]
    w_lazy = start.copy()
    slots_lazy = [np.zeros_like(w) for _ in range(dense.n_slots)]
    rows_lazy = LazyRows(w_lazy, slots_lazy, lazy, BlockRunner(1), n_head)
    for t, rows in enumerate(touched_rows(rng, n_steps, longest_rest)):
        rows = np.union1d(np.arange(n_head), rows)
        rate = lr * (0.5 + (t // 50 % 3))  # schedules change the rate
        examples = few if t % 7 == 6 else 1.0
        gradient = np.zeros_like(w)
        gradient[rows] = rng.normal(size=(rows.size, H))
        block = rows_lazy.read(rows)
        np.testing.assert_allclose(block, w[rows], rtol=tolerance, atol=tolerance)
        dense.begin(rate, examples)
        dense.step(w, slots, gradient.copy(), np.empty_like(w))
        lazy.begin(rate, examples)

        def gradient_rows(a, b, out, g=gradient[rows]):
            out[:] = g[a:b]
            return out

        rows_lazy.update(gradient_rows)
        lazy.advance()
        rows_lazy.advance()
    rows_lazy.sync()
    return [w, *slots], [w_lazy, *slots_lazy]


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("rule", [r for r in RULES if r != "adam"])
def test_lazy_is_dense(rule, penalty):
    """Rests of 1 to 1,000 steps, rates that change, tables that fill up and start anew."""
    for n_steps, longest, window in ((1300, 1000, 2048), (300, 200, 70)):
        dense, lazy = run_both(rule, PENALTIES[penalty], n_steps, longest, 0, window=window)
        for a, b in zip(dense, lazy):
            np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-10)
    if "l1" in penalty and "weak" not in penalty:
        assert (dense[0] == 0).any()
        np.testing.assert_array_equal(lazy[0] == 0, dense[0] == 0)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_lazy_adam_is_dense(penalty):
    """With an epsilon far below the gradients Adam's series is exact up to e / sqrt(v)."""
    for n_steps, longest, window in ((1300, 1000, 2048), (300, 200, 70)):
        dense, lazy = run_both("adam", PENALTIES[penalty], n_steps, longest, 0, lr=0.01, window=window)
        np.testing.assert_allclose(lazy[0], dense[0], rtol=0, atol=2e-7)
        for a, b in zip(dense[1:], lazy[1:]):
            np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("n_head", [0, 3])
@pytest.mark.parametrize("n_steps", [1, 2, 60])
@pytest.mark.parametrize("rule", RULES)
def test_rows_in_blocks(monkeypatch, rule, n_steps, n_head):
    """Blocks of two rows, a head that never sleeps, and the first steps after a start."""
    monkeypatch.setattr(lazy_rows, "row_block", lambda stride: 2)
    dense, lazy = run_both(rule, PENALTIES["both"], n_steps, 20, 1, lr=0.01, n_head=n_head)
    for a, b in zip(dense, lazy):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=2e-7 if rule == "adam" else 1e-12)


@pytest.mark.parametrize("few", [0.2, 5.0])
@pytest.mark.parametrize("rule", RULES)
def test_thresholds_that_rise_and_fall(rule, few):
    """A smaller batch at the end of an epoch raises the penalty of a step, a larger one lowers it."""
    for l2, l1 in ((0, 0.2), (0.05, 1.0)):
        dense, lazy = run_both(rule, (l2, l1), 200, 60, 4, lr=0.02, few=few)
        assert (dense[0] == 0).any() or l1 < 1
        np.testing.assert_allclose(lazy[0], dense[0], rtol=0, atol=5e-7 if rule == "adam" else 1e-10)


@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-8, 1e-6, 1e-3, 1.0])
def test_adam_bound(size):
    """The skipped moves err by at most the stated fraction of themselves, whatever the gradient's size."""
    dense, lazy = Adam(), Adam()
    w, m, v = (np.zeros((1, 1)) for _ in range(3))
    for rule in (dense, lazy):
        rule.begin(0.01)
    dense.step(w, [m, v], np.full((1, 1), size), np.empty((1, 1)))
    w_lazy, m_lazy, v_lazy = w.copy(), m.copy(), v.copy()
    before = w.item()
    for rule in (dense, lazy):
        rule.advance()
    for _ in range(500):
        dense.begin(0.01)
        dense.step(w, [m, v], np.zeros((1, 1)), np.empty((1, 1)))
        lazy.begin(0.01)
        lazy.advance()
    lazy.rest(w_lazy, [m_lazy, v_lazy], np.array([1]), BlockRunner(1).scratch)
    skipped = w.item() - before
    error = abs(w_lazy.item() - w.item()) / abs(skipped)
    bound = (1 - np.sqrt(0.999)) / (1 - 0.9)
    assert error <= bound * 1.01
    if size >= 1e-6:
        assert error <= 10 * dense.epsilon / np.sqrt(0.001) / size


@pytest.mark.parametrize("rule", RULES)
def test_float32_stays_float32(rule):
    dense, lazy = run_both(rule, (0.01, 0.001), 200, 50, 3, lr=0.01, dtype=np.float32)
    assert all(a.dtype == np.float32 for a in lazy)
    np.testing.assert_allclose(lazy[0], dense[0], atol=2e-5)


@settings(max_examples=25, deadline=None)
@given(
    rule=st.sampled_from([r for r in RULES if r != "adam"]),
    l2=st.sampled_from([0.0, 1e-3, 0.3]),
    l1=st.sampled_from([0.0, 1e-3, 0.3]),
    lr=st.sampled_from([1e-3, 0.1, 0.5]),
    longest=st.integers(1, 100),
    seed=st.integers(0, 1000),
)
def test_lazy_is_dense_property(rule, l2, l1, lr, longest, seed):
    dense, lazy = run_both(rule, (l2, l1), 150, longest, seed, lr=lr, window=64)
    np.testing.assert_allclose(lazy[0], dense[0], rtol=1e-9, atol=1e-10)


def test_untouched_rows_stay():
    """Without penalty, the rows no batch holds keep their bits."""
    rng = np.random.default_rng(0)
    w = rng.normal(size=(50, 3))
    start = w.copy()
    rule = Adam()
    rows_lazy = LazyRows(w, [np.zeros_like(w) for _ in range(2)], rule, BlockRunner(1))
    for _ in range(5):
        rows_lazy.read(np.arange(10))
        rule.begin(0.1)
        rows_lazy.update(lambda a, b, out: np.copyto(out, 1.0) or out)
        rule.advance()
        rows_lazy.advance()
    rows_lazy.sync()
    assert (w[:10] < start[:10]).all()
    np.testing.assert_array_equal(w[10:], start[10:])
