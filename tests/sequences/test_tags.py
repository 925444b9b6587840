"""Schemes of span tags: a sequence is legal when it is what its own spans are written as."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skmaxent.sequences import convert_tags, from_spans, is_legal, legal_transitions, spans
from skmaxent.sequences.tags import SCHEMES, split_tag

schemes = pytest.mark.parametrize("scheme", SCHEMES)


@st.composite
def sentences(draw):
    """Spans that do not overlap, and the number of tokens."""
    end, found = 0, []
    for _ in range(draw(st.integers(0, 4))):
        start = end + draw(st.integers(0, 2))
        end = start + draw(st.integers(1, 3))
        found.append((draw(st.sampled_from(["X", "Y", "", "a-b"])), start, end))
    return found, end + draw(st.integers(0, 2))


@given(sentences(), st.sampled_from(list(SCHEMES)), st.sampled_from(list(SCHEMES)))
def test_spans_and_back(sentence, scheme, other):
    found, length = sentence
    tags = from_spans(found, length, scheme)
    assert len(tags) == length and spans(tags) == found and is_legal(tags, scheme)
    assert convert_tags(tags, other) == from_spans(found[::-1], length, other)


@schemes
@pytest.mark.parametrize("length", [1, 2, 3])
def test_legal_is_what_spans_are_written_as(scheme, length):
    tags = ["O", *(f"{letter}-{kind}" for letter in SCHEMES[scheme] for kind in "XY")]
    follows, starts, ends = legal_transitions(tags, scheme)
    for sequence in product(range(len(tags)), repeat=length):
        words = [tags[k] for k in sequence]
        legal = convert_tags(words, scheme) == words
        assert is_legal(words, scheme) == legal
        steps = all(follows[a, b] for a, b in pairwise(sequence))
        assert (steps and starts[sequence[0]] and ends[sequence[-1]]) == legal


def test_letters_without_types_and_illegal_sequences():
    assert spans(["B", "I", "O", "I"]) == [("", 0, 2), ("", 3, 4)]
    assert spans(["O", "I-X", "I-Y", "E-Y", "E-Y"]) == [("X", 1, 2), ("Y", 2, 4), ("Y", 4, 5)]
    assert spans([]) == [] and is_legal([], "BIOES") and from_spans([], 2) == ["O", "O"]
    assert split_tag("U-a-b") == ("S", "a-b")
    follows, starts, ends = legal_transitions(np.array(["B", "O"]), "BIOES")
    assert follows.tolist() == [[False, False], [True, True]]
    assert starts.tolist() == [True, True] and ends.tolist() == [False, True]
    assert legal_transitions([], "IOB2")[0].shape == (0, 0)


def test_errors():
    with pytest.raises(ValueError, match="'NOUN' is not a tag of a span"):
        spans(["NOUN"])
    with pytest.raises(ValueError, match="3 is not a tag of a span"):
        spans([3])
    with pytest.raises(ValueError, match="'E-X' is not a tag of the scheme IOB2, whose letters are BIO"):
        legal_transitions(["E-X"], "IOB2")
    with pytest.raises(ValueError, match=r"The scheme must be one of IOB1, IOB2, BIOES, BILOU\. Got 'IOB'"):
        legal_transitions(["O"], "IOB")
    for bad in ([("X", 0, 0)], [("X", 0, 2), ("Y", 1, 3)], [("X", 2, 4)], [("X", -1, 1)]):
        with pytest.raises(ValueError, match="is empty, overlaps another or leaves the 3 tokens"):
            from_spans(bad, 3)
