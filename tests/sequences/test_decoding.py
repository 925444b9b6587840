"""Decoders against the enumeration of all sequences, on models whose probabilities are tables."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skmaxent.sequences.decoding import DECODERS, along, beam, greedy, marginals, viterbi
from skmaxent.sequences.local import ILLEGAL, UNLISTED, LinearModel, LocalModel, Rules, log_softmax
from skmaxent.sequences.packing import Packing

LENGTHS = np.array([2, 0, 4, 1, 3, 3])


class Tables(LocalModel):
    """Any scores (n, number of states, K)."""

    def __init__(self, n_tags, order, table, rules=Rules()):  # noqa: B008
        super().__init__(n_tags, order, rules)
        self.table = table

    def _scores(self, rows, states):
        m = rows.stop - rows.start
        return self.table[rows][np.arange(m)[:, None], np.broadcast_to(states, (m, states.shape[1]))]


def problem(seed, n_tags, order, *, rules=False, lengths=LENGTHS):
    random = np.random.default_rng(seed)
    packing = Packing(lengths)
    shape = (packing.starts[-1], (n_tags + 1) ** order, n_tags)
    costs = Rules()
    if rules:
        transitions = ILLEGAL * (random.random(shape[1:]) < 0.3)
        costs = Rules(transitions, UNLISTED * (random.random((shape[0], n_tags)) < 0.2))
    return Tables(n_tags, order, 2 * random.standard_normal(shape), costs), packing


def rows_of_sentences(packing):
    """Packed rows of each sentence that is not empty."""
    where = np.empty_like(packing.rows)
    where[packing.rows] = np.arange(len(packing.rows))
    return [rows for rows in np.split(where, np.cumsum(packing.lengths)[:-1]) if len(rows)]


def log_probability(model, rows, tags):
    """Of one sequence, less its costs."""
    state, total = model.start, 0.0
    for row, tag in zip(rows, tags):
        found = model.log_proba(slice(row, row + 1), np.array([[state]]))
        total, state = total + found[0, 0, tag], model.after(state, tag)
    return total


def enumerated(model, rows):
    """All sequences of one sentence, and their log-probabilities."""
    sequences = list(product(range(model.n_tags), repeat=len(rows)))
    return np.array(sequences), np.array([log_probability(model, rows, tags) for tags in sequences])


cases = pytest.mark.parametrize(
    ("seed", "n_tags", "order", "rules"),
    [(s, K, o, r) for s, (K, o, r) in enumerate(product([1, 2, 3], [1, 2], [False, True]))],
)


@cases
def test_viterbi_finds_the_best_of_all_sequences(seed, n_tags, order, rules):
    model, packing = problem(seed, n_tags, order, rules=rules)
    tags = viterbi(model, packing)
    for rows in rows_of_sentences(packing):
        sequences, values = enumerated(model, rows)
        np.testing.assert_array_equal(tags[rows], sequences[values.argmax()])


@cases
def test_marginals_are_sums_over_all_sequences(seed, n_tags, order, rules):
    model, packing = problem(seed, n_tags, order, rules=rules)
    proba = marginals(model, packing)
    for rows in rows_of_sentences(packing):
        sequences, values = enumerated(model, rows)
        shares = np.exp(values - values.max())
        for t, row in enumerate(rows):
            expected = np.bincount(sequences[:, t], shares, n_tags) / shares.sum()
            np.testing.assert_allclose(proba[row], expected, atol=1e-3 if rules else 1e-12)


@cases
def test_a_beam_of_full_width_is_viterbis_search(seed, n_tags, order, rules):
    model, packing = problem(seed, n_tags, order, rules=rules)
    np.testing.assert_array_equal(beam(model, packing, (n_tags + 1) ** order), viterbi(model, packing))


@cases
def test_a_beam_of_one_is_greedy(seed, n_tags, order, rules):
    model, packing = problem(seed, n_tags, order, rules=rules)
    tags = greedy(model, packing)
    np.testing.assert_array_equal(beam(model, packing, 1), tags)
    for rows in rows_of_sentences(packing):
        state = model.start
        for row in rows:
            assert model.scores(slice(row, row + 1), np.array([[state]]))[0, 0].argmax() == tags[row]
            state = model.after(state, tags[row])


@cases
def test_wider_beams_find_no_worse_sequences_than_greedy_search_allows(seed, n_tags, order, rules):
    """A beam holds different states, and its answer has the probability that it says."""
    model, packing = problem(seed, n_tags, order, rules=rules)
    best = viterbi(model, packing)
    tags = beam(model, packing, 2)
    for rows in rows_of_sentences(packing):
        found, most = (log_probability(model, rows, part[rows]) for part in (tags, best))
        assert found <= most + 1e-9


@settings(max_examples=30)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.sampled_from([1, 2]), st.integers(0, 99))
def test_batches_are_one_by_one(lengths, order, seed):
    model, packing = problem(seed, 3, order, lengths=np.array(lengths))
    for search in (*(decoder.search for decoder in DECODERS.values()), lambda *args: marginals(*args[:2])):
        together = search(model, packing, 2)
        for rows in rows_of_sentences(packing):
            alone = Tables(3, order, model.table[rows])
            np.testing.assert_array_equal(search(alone, Packing([len(rows)]), 2), together[rows])


def test_probabilities_along_a_sequence():
    model, packing = problem(0, 3, 2)
    tags = viterbi(model, packing)
    proba = along(model, packing, tags)
    for rows in rows_of_sentences(packing):
        total = np.log(proba[rows, tags[rows]]).sum()
        assert total == pytest.approx(log_probability(model, rows, tags[rows]))
    ruled, packing = problem(1, 3, 1, rules=True)
    np.testing.assert_allclose(along(ruled, packing, greedy(ruled, packing)).sum(axis=1), 1)


def test_where_every_sequence_breaks_rules_the_fewest_are_broken():
    table = np.zeros((2, 3, 2))
    table[:, :, 1] = 5
    transitions = np.full((3, 2), ILLEGAL)
    transitions[1, 0] = 0  # only 1 -> 0 is legal
    model = Tables(2, 1, table, Rules(transitions, np.array([[0, UNLISTED], [0, 0]])))
    packing = Packing([2])
    assert viterbi(model, packing).tolist() == beam(model, packing, 2).tolist() == [1, 0]
    np.testing.assert_allclose(marginals(model, packing), [[0, 1], [1, 0]], atol=1e-9)
    assert greedy(model, packing).tolist() == [0, 1]  # it cannot know


@pytest.mark.parametrize("scale", [1, 300, 2000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_scores_are_normalised_for_any_size(scale, dtype):
    """Also where the product of exponentials would underflow."""
    random = np.random.default_rng(3)
    own, pure = (scale * random.standard_normal(shape) for shape in [(5, 4), (5, 4)])
    model = LinearModel(4, 1, Rules(), own.astype(dtype), pure.astype(dtype), [])
    states = np.arange(4)[None]
    expected = log_softmax(own[:, None] + pure[:4])
    found = model.log_proba(slice(0, 5), states)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=scale * 1e-6)
    for i in range(4):
        alone = model.log_proba(slice(0, 5), np.full((5, 1), i))
        np.testing.assert_allclose(found[:, i], alone[:, 0], rtol=1e-5, atol=scale * 1e-6)
