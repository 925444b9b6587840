"""What proofs are made of: margins of labels against enumeration, bounds on rounding against exact sums."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmaxent.convex.proofs.rounding import EPS, Rounding, rounding
from skmaxent.convex.proofs.separation import label_margins


def enumerated(scores, labelled):
    """The margins of lists of scores and of labels, group by group."""
    pairs = [
        (a - b, in_b)
        for row, marks in zip(scores, labelled)
        for a, in_a in zip(row, marks)
        for b, in_b in zip(row, marks)
        if in_a
    ]
    apart = [difference for difference, in_b in pairs if not in_b]
    lows = [
        (min(s for s, m in zip(row, marks) if m), [s for s, m in zip(row, marks) if not m])
        for row, marks in zip(scores, labelled)
    ]
    most = max((low - min(rest) for low, rest in lows if rest), default=-np.inf)
    return min(apart, default=np.inf), most, max(difference for difference, in_b in pairs if in_b)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["binary", "classes", "groups"])
def test_margins_are_those_of_all_pairs(kind, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, 4) if kind == "groups" else np.full(4, 2 if kind == "binary" else 4)
    groups = [rng.standard_normal(size) for size in sizes]
    labelled = [rng.uniform(size=size) < 0.4 for size in sizes]
    for marks in labelled:
        marks[rng.integers(len(marks))] = True
    if kind == "groups":
        masses, starts = np.concatenate(labelled).astype(float), np.append(0, np.cumsum(sizes))
        problem, scores = SimpleNamespace(starts=starts, masses=masses), np.concatenate(groups)[:, None]
    else:
        table = np.array(groups)
        scores = table if kind == "classes" else table[:, 1:] - table[:, :1]
        problem = SimpleNamespace(
            n_outputs=scores.shape[1], label_masses=lambda: np.array(labelled, dtype=float)
        )
    assert_allclose(label_margins(problem, scores), enumerated(groups, labelled), rtol=1e-12)


def test_margins_where_every_class_is_a_label():
    problem = SimpleNamespace(n_outputs=3, label_masses=lambda: np.ones((2, 3)))
    scores = np.array([[0.0, 1.0, 5.0], [2.0, 2.0, 2.0]])
    assert label_margins(problem, scores) == (np.inf, -np.inf, 5.0)


@pytest.mark.parametrize("length", [1, 30, 1_000, 30_000])
def test_sums_of_products_round_to_within_the_bound(length):
    rng = np.random.default_rng(length)
    u, v = rng.standard_normal((2, length))
    exact = sum(Fraction(a) * Fraction(b) for a, b in zip(u.tolist(), v.tolist()))
    error = abs(Fraction(float(np.cumsum(u * v)[-1])) - exact)  # term by term: the least exact of all orders
    assert error <= rounding(length) * np.linalg.norm(u) * np.linalg.norm(v)


def test_the_bound_grows_as_the_root_of_the_length():
    assert rounding(1) == rounding(16) == 4 * EPS
    assert rounding(10_000) == 100 * EPS


def test_the_bound_of_a_value_is_set_by_the_longest_weights_and_the_size():
    bound = Rounding(n_terms=9, row=2.0, columns=np.ones((3, 1)), n_rows=100)
    W = np.array([[3.0, 0.1], [0.0, 0.2], [4.0, 0.0]])
    one = bound.of_value(0.0, W, 0.7, (100, 2))
    # 4 ulps in each score, of rows of norm 2 and weights of norm 5, against residuals of norm 0.7
    assert_allclose(one, 4 * EPS * 2 * 5 * 0.7 * np.sqrt(200), rtol=1e-12)
    assert_allclose(bound.of_value(0.0, W[:, :1], 0.7, (400, 2)), 2 * one, rtol=1e-12)
    assert_allclose(bound.of_value(-1e3, W, 0.7, (100, 2)) - one, 4e3 * EPS, rtol=1e-9)
    assert bound.of_value(0.0, np.zeros((3, 2)), 0.7, (100, 2)) == 0
