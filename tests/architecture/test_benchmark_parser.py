"""The parser of the benchmarks: its trees, its oracle and its features, against enumeration."""

from pathlib import Path

import numpy as np
import pytest

import skmaxent

FOLDER = Path(skmaxent.__file__).parents[1] / "benchmarks"


@pytest.fixture
def system(monkeypatch):
    """The module of the transition system."""
    if not FOLDER.exists():
        pytest.skip("the tests run without a checkout")
    monkeypatch.syspath_prepend(str(FOLDER))
    from nlp import transitions

    return transitions


def sentences(system, lengths, heads=None):
    """`Sentences` without words."""
    lengths = np.array(lengths)
    shape = len(lengths), lengths.max() + 3
    return system.Sentences({"w": np.zeros(shape, int)}, lengths, heads, heads)


def at_random(parses, rng, steps=np.inf):
    """Carry out possible decisions."""
    while parses.live.any() and steps > 0:
        decision = rng.choice(np.flatnonzero(parses.allowed()[0]))
        step(parses, np.array([decision]))
        steps -= 1
    return parses


def step(parses, decisions):
    parses.follow(decisions, np.ones(len(parses.arcs(decisions)[0]), np.int16))


def true_heads(system, n, rng):
    """Heads of a random projective tree whose root has one child."""
    heads = at_random(system.Parses(sentences(system, [n]), np.zeros(1, int)), rng).head
    return np.where(heads < 0, 0, heads)


def most_right(parses, heads, n):
    """How many words can still get their true head, by trying everything."""
    if not parses.live[0]:
        return int(np.sum(parses.head[0, 1 : n + 1] == heads[0, 1 : n + 1]))
    found = []
    for decision in np.flatnonzero(parses.allowed()[0]):
        other = parses.take([0])
        step(other, np.array([decision]))
        found.append(most_right(other, heads, n))
    return max(found)


def test_the_oracle_leads_to_the_true_tree(system):
    rng = np.random.default_rng(0)
    for n in [1, 2, 3, 5, 8, 13] * 5:
        heads = true_heads(system, n, rng)
        parses = system.Parses(sentences(system, [n], heads), np.zeros(1, int))
        while parses.live.any():
            assert not parses.losses()[parses.best()].any()
            step(parses, parses.best().argmax(axis=1))
        np.testing.assert_array_equal(parses.head[0, 1 : n + 1], heads[0, 1 : n + 1])


def test_what_loses_nothing_leaves_the_best_tree_in_reach(system):
    """From any state, also from one that no true tree leads to (Goldberg & Nivre 2013)."""
    rng, n, lost = np.random.default_rng(1), 5, 0
    for _ in range(25):
        heads = true_heads(system, n, rng)
        parses = system.Parses(sentences(system, [n], heads), np.zeros(1, int))
        at_random(parses, rng, rng.integers(1, 7))
        best = most_right(parses, heads, n)
        lost += best < n
        losses = parses.losses()[0]
        for decision in np.flatnonzero(parses.allowed()[0]):
            other = parses.take([0])
            step(other, np.array([decision]))
            assert (most_right(other, heads, n) == best) == (losses[decision] == 0)
    assert lost > 5


def test_sentences_together_are_parsed_as_alone(system):
    """Places of children and their numbers do not depend on the row."""
    rng = np.random.default_rng(2)
    lengths = [3, 7, 5]
    given = sentences(system, lengths)
    parses = system.Parses(given, np.arange(3))
    decisions = []
    while parses.live.any():
        live = parses.live
        allowed = np.where(live[:, None], parses.allowed(), [True, False, False])
        if not live.all():
            parses, allowed = parses.take(live), allowed[live]
        chosen = (allowed * rng.random(allowed.shape)).argmax(axis=1)
        decisions.append(dict(zip(parses.sentence.tolist(), chosen.tolist())))
        step(parses, chosen)
    for i in range(3):
        alone = system.Parses(given, np.array([i]))
        for decision in decisions:
            if i in decision:
                step(alone, np.array([decision[i]]))
        heads = alone.head[0, 1 : lengths[i] + 1]
        assert not alone.live[0] and (heads == 0).sum() == 1
        for word in range(1, lengths[i] + 1):
            children = np.flatnonzero(heads == word) + 1
            left, right = children[children < word], children[children > word][::-1]
            counts = alone.children[0, 4:, word].tolist()
            assert counts == [len(left), len(right)]
            for side, own in ((0, left), (2, right)):
                assert alone.children[0, side : side + 2, word].tolist()[: len(own)] == own[:2].tolist()


def test_a_tree_read_backwards_twice_is_itself(system):
    from nlp.parsing import backwards

    tree = [2, 0, 2, 5, 3], list("abcde")
    assert backwards(tree) == ([3, 1, 4, 0, 4], list("edcba"))
    assert backwards(backwards(tree)) == tree
