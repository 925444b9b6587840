"""Rules of optimisers: one step as the books write it, and many steps at rest, one weight at a time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmaxent.nn.optimizers.momentum import Momentum
from skmaxent.nn.optimizers.rules import SGD, AdaGrad, Adam
from skmaxent.numerics.threads import BlockRunner

L2, L1, LR, EXAMPLES = 0.3, 0.2, 0.1, 4.0


def soft(x, threshold):
    return np.sign(x) * max(abs(x) - threshold, 0.0)


def by_the_book(name, gradients, w, l2, l1):
    """The weight after steps of scikit-learn's formulas, with decoupled penalties where rules adapt steps."""
    v = m = 0.0
    for t, g in enumerate(gradients, 1):
        if name in ("momentum", "nesterov"):
            g = g + l2 * w
            v = 0.9 * v - LR * g
            w = soft(w + (0.9 * v - LR * g if name == "nesterov" else v), LR * l1)
            continue
        if name == "sgd":
            move = LR * g
        elif name == "adagrad":
            v += g * g
            move = LR * g / (np.sqrt(v) + 0.1)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
            move = LR * np.sqrt(1 - 0.99**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 0.1)
        w = soft((1 - LR * l2) * w - move, LR * l1)
    return w


RULES = {
    "sgd": SGD,
    "momentum": lambda l2, l1: Momentum(l2, l1, 0.9, False),
    "nesterov": lambda l2, l1: Momentum(l2, l1, 0.9, True),
    "adagrad": lambda l2, l1: AdaGrad(l2, l1, epsilon=0.1),
    "adam": lambda l2, l1: Adam(l2, l1, beta_2=0.99, epsilon=0.1),
}


@pytest.mark.parametrize("penalised", [True, False])
@pytest.mark.parametrize("l2, l1", [(L2, L1), (L2, 0), (0, L1), (0, 0)])
@pytest.mark.parametrize("name", RULES)
def test_steps_are_those_of_the_books(name, l2, l1, penalised):
    rule = RULES[name](l2, l1)
    gradients, starts = [0.5, -1.5, 0.0, 2.0], np.array([[1.0, -0.7, 0.0, 0.003]])
    w, slots = starts.copy(), [np.zeros((1, 4)) for _ in range(rule.n_slots)]
    for g in gradients:
        rule.begin(LR, EXAMPLES)
        rule.step(w, slots, np.full((1, 4), g), np.empty((1, 4)), penalised)
    strengths = (l2 / EXAMPLES, l1 / EXAMPLES) if penalised else (0.0, 0.0)
    assert_allclose(
        w[0], [by_the_book(name, gradients, start, *strengths) for start in starts[0]], rtol=1e-12
    )


@pytest.mark.parametrize("l2, l1", [(L2, L1), (0, 1.0), (2.0, 0.01)])
@pytest.mark.parametrize("name", RULES)
def test_rest_is_steps_without_gradient(name, l2, l1):
    """Weights and states of 0 and 1 and of either sign, resting for 0, 1 and 40 steps."""
    values = np.array([0.0, 1.0, -1.0, 0.25])
    w = np.repeat(values, 4)[:, None]
    n_slots = RULES[name](l2, l1).n_slots
    slots = [np.tile(values, 4)[:, None], np.full((16, 1), 2.0)][:n_slots] if name != "adagrad" else [w * w]
    for since in (40, 39, 0):
        dense, lazy = (RULES[name](l2, l1) for _ in range(2))
        if name == "adam":
            dense.epsilon = lazy.epsilon = 1e-12  # which does not decay: `Adam` says what that costs
        slow, fast = ([w.copy(), *(slot.copy() for slot in slots)] for _ in range(2))
        for step in range(40):
            for rule in (dense, lazy):
                rule.begin(LR, EXAMPLES if step % 5 else 1.0)
            if step >= since:
                dense.step(slow[0], slow[1:], np.zeros_like(w), np.empty_like(w))
            lazy.advance()
        lazy.rest(fast[0], fast[1:], np.full(16, since), BlockRunner(1).scratch)
        for a, b in zip(fast, slow):
            assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("betas, can_rest", [((0.9, 0.999), True), ((0.5, 0.25), False), ((0.9, 0.7), False)])
def test_adam_rests_where_its_moves_shrink(betas, can_rest):
    """By the ratio beta_1 / sqrt(beta_2) a step."""
    assert Adam(beta_1=betas[0], beta_2=betas[1]).can_rest == can_rest
