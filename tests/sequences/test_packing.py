"""Packed sentences: position by position, longest first, and back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skmaxent.sequences.packing import Packing, batches

lengths = st.lists(st.integers(0, 6), max_size=8)


@given(lengths)
def test_rows_by_position_and_sentence(lengths):
    packing = Packing(lengths)
    assert packing.order.tolist() == sorted(range(len(lengths)), key=lambda s: (-lengths[s], s))
    first = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    expected = [first[s] + t for t in range(max(lengths, default=0)) for s in packing.order if lengths[s] > t]
    assert packing.rows.tolist() == expected
    assert packing.alive.tolist() == [sum(n > t for n in lengths) for t in range(max(lengths, default=0))]
    assert [s.stop - s.start for s in packing.slices()] == packing.alive.tolist()
    natural = np.arange(sum(lengths)) * 10
    np.testing.assert_array_equal(packing.unpacked(natural[packing.rows]), natural)


@given(lengths, st.integers(1, 9))
def test_batches_hold_every_sentence_once(lengths, size):
    sentences, tokens = batches(np.array(lengths, int), size)
    assert [i for s in sentences for i in range(s.start, s.stop)] == list(range(len(lengths)))
    for s, t in zip(sentences, tokens):
        assert sum(lengths[: s.start]) == t.start and sum(lengths[s]) == t.stop - t.start
        assert s.stop - s.start == 1 or sum(lengths[s.start : s.stop - 1]) <= size + max(lengths)
