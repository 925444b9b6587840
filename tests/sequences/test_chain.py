"""Forward-backward and Viterbi against enumeration, and where scores leave the range of their type."""

import numpy as np
import pytest
from chains import enumerate_chain
from hypothesis import given, settings
from hypothesis import strategies as st

from skmaxent.sequences import chain
from skmaxent.sequences.chain import Chains, Transitions, expectations, viterbi

LENGTHS = [3, 0, 1, 5, 2, 5, 0, 1]


def problem(lengths, K, D=1, scale=1.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    n = int(np.sum(lengths))
    S, T = scale * rng.normal(size=(n, K)), scale * rng.normal(size=(D, K, K))
    return S.astype(dtype), T.astype(dtype), rng.integers(D, size=n)


def sentences(lengths, S, kinds):
    ends = np.cumsum(lengths)
    return [(S[e - m : e], kinds[e - m : e]) for e, m in zip(ends.tolist(), lengths)]


def of_all(lengths, S, T, kinds, weights=None):
    """log Z by sentence, marginals in the order of the tokens, and pair sums, of packed batches."""
    chains = Chains(lengths, S.shape[1])
    transitions = Transitions(T, None if len(T) == 1 else kinds[chains.order])
    log_z, marginals, pairs = np.zeros(len(lengths)), np.empty_like(S), np.zeros(T.shape)
    for batch in chains.batches:
        rows = batch.rows
        own = None if weights is None else weights[chains.order][rows]
        e = expectations(batch, S[chains.order][rows], transitions, weights=own)
        n_before = np.bincount(batch.sentence_of_row) - 1
        sums = np.bincount(batch.sentence_of_row, e.excess + e.top) + n_before * transitions.top
        log_z[batch.sentences] = sums
        marginals[chains.order[rows]] = e.marginals
        for kind, part in e.pairs:
            pairs[kind] += part
    return log_z, marginals, pairs


def best_of_all(lengths, S, T, kinds):
    chains = Chains(lengths, S.shape[1])
    transitions = Transitions(T, None if len(T) == 1 else kinds[chains.order])
    tags = np.full(len(S), -1)
    for batch in chains.batches:
        tags[chains.order[batch.rows]] = viterbi(batch, S[chains.order][batch.rows], transitions)
    return tags


@pytest.fixture(params=[4, 10**6], ids=["small batches", "one batch"])
def batch_size(request, monkeypatch):
    monkeypatch.setattr(chain, "BATCH_ENTRIES", request.param)
    return request.param


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K, D, scale", [(1, 1, 1), (2, 1, 1), (3, 1, 5), (3, 2, 1), (4, 3, 5)])
def test_sums_over_all_sequences(batch_size, dtype, K, D, scale):
    S, T, kinds = problem(LENGTHS, K, D, scale, dtype=dtype)
    log_z, marginals, pairs = of_all(LENGTHS, S, T, kinds)
    tol = 1e-11 if dtype == np.float64 else 2e-5
    expected_pairs, at = np.zeros(T.shape), 0
    for i, (s, k) in enumerate(sentences(LENGTHS, S, kinds)):
        exact = enumerate_chain(s.astype(float), T.astype(float), k)
        assert log_z[i] == pytest.approx(exact["log_z"] if len(s) else 0, rel=tol, abs=tol)
        np.testing.assert_allclose(marginals[at : at + len(s)], exact["marginals"], atol=tol)
        expected_pairs += exact["pairs"]
        at += len(s)
    np.testing.assert_allclose(pairs, expected_pairs, atol=10 * tol)


@pytest.mark.parametrize("K, D", [(1, 1), (2, 1), (4, 1), (3, 2)])
def test_viterbi_finds_the_best_sequence(batch_size, K, D):
    for seed in range(5):
        S, T, kinds = problem(LENGTHS, K, D, seed=seed)
        tags, at = best_of_all(LENGTHS, S, T, kinds), 0
        for s, k in sentences(LENGTHS, S, kinds):
            assert tuple(tags[at : at + len(s)]) == enumerate_chain(s, T, k)["best"]
            at += len(s)


def test_viterbi_never_takes_what_is_forbidden():
    S, T, kinds = problem(LENGTHS, 3)
    T[0, 0, 1] = T[0, 2, 2] = -np.inf
    S[0, 1] = -np.inf
    tags, at = best_of_all(LENGTHS, S, T, kinds), 0
    for s, k in sentences(LENGTHS, S, kinds):
        with np.errstate(invalid="ignore"):
            assert tuple(tags[at : at + len(s)]) == enumerate_chain(s, T, k)["best"]
        at += len(s)


def test_weights_count_in_the_pairs():
    S, T, kinds = problem(LENGTHS, 3, 2)
    weights = np.repeat(np.arange(1.0, len(LENGTHS) + 1), LENGTHS)
    pairs = np.zeros(T.shape)
    for i, (s, k) in enumerate(sentences(LENGTHS, S, kinds)):
        pairs += (i + 1) * enumerate_chain(s, T, k)["pairs"]
    np.testing.assert_allclose(of_all(LENGTHS, S, T, kinds, weights)[2], pairs, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("D", [1, 2])
def test_scores_of_any_size(dtype, D):
    """Differences of 1e4, which no scaled number can hold, and a best path through improbable tags."""
    S, T, kinds = problem(LENGTHS, 3, D, scale=1e4, dtype=dtype)
    log_z, marginals, pairs = of_all(LENGTHS, S, T, kinds)
    at, sums = 0, np.zeros(T.shape)
    for i, (s, k) in enumerate(sentences(LENGTHS, S, kinds)):
        exact = enumerate_chain(s.astype(float), T.astype(float), k)
        assert log_z[i] == pytest.approx(exact["log_z"] if len(s) else 0, rel=1e-6, abs=1e-9)
        np.testing.assert_allclose(marginals[at : at + len(s)], exact["marginals"], atol=1e-6)
        sums += exact["pairs"]
        at += len(s)
    np.testing.assert_allclose(pairs, sums, atol=1e-5)


@pytest.mark.parametrize("dtype, step", [(np.float32, 30), (np.float32, 12), (np.float64, 250)])
def test_a_path_that_is_lost_slowly(dtype, step):
    """Tag 1 falls behind at every token for a while and wins at the end, by steps that are small each."""
    length = 16
    S, T = np.zeros((length, 2), dtype), np.zeros((1, 2, 2), dtype)
    T[0, 0, 1] = T[0, 1, 0] = -1e4  # nobody changes sides
    S[: length // 2, 1] = -step
    S[length // 2 :, 0] = -step
    S[-1, 0] -= 3
    log_z, marginals, _ = of_all([length], S, T, np.zeros(length, int))
    exact = enumerate_two_paths(S.astype(float))
    assert log_z[0] == pytest.approx(exact[0], rel=1e-6)
    np.testing.assert_allclose(marginals[:, 1], exact[1], atol=1e-6)


def enumerate_two_paths(S):
    totals = S.sum(axis=0)
    log_z = np.logaddexp(*totals)
    return log_z, np.exp(totals[1] - log_z)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sentence_of_1238_tokens(dtype):
    length, K = 1_238, 3
    S, T, kinds = problem([length, 2], K, dtype=dtype)
    log_z, marginals, pairs = of_all([length, 2], S, T, kinds)
    alpha = S[0].astype(float)
    for s in S[1:length].astype(float):
        alpha = s + np.logaddexp.reduce(alpha[:, None] + T[0], axis=0)
    tol = 1e-5 if dtype == np.float32 else 1e-12
    assert log_z[0] == pytest.approx(np.logaddexp.reduce(alpha), rel=tol)
    np.testing.assert_allclose(marginals.sum(axis=1), 1, atol=1e-5)
    assert pairs.sum() == pytest.approx(length, rel=1e-5)
    assert len(best_of_all([length, 2], S, T, kinds)) == length + 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 3), st.integers(1, 60))
def test_packing_is_a_permutation(lengths, K, size):
    before, chain.BATCH_ENTRIES = chain.BATCH_ENTRIES, size
    try:
        chains = Chains(lengths, K)
    finally:
        chain.BATCH_ENTRIES = before
    n = sum(lengths)
    assert sorted(chains.order.tolist()) == list(range(n))
    starts = set((np.cumsum(lengths) - lengths)[np.asarray(lengths, int) > 0].tolist()) if lengths else set()
    assert set(chains.order[chains.first].tolist()) == starts
    rest = np.flatnonzero(~chains.first)
    np.testing.assert_array_equal(chains.order[chains.previous[rest]] + 1, chains.order[rest])
    np.testing.assert_array_equal(chains.unpacked(chains.order), np.arange(n))
