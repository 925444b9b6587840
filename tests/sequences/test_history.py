"""Features of the tags before a token: names and numbers by their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skmaxent.sequences.history as history
from skmaxent.features.sentences import SentenceEncoder, learn_vocabulary
from skmaxent.sequences.history import (
    HistoryColumns,
    gold_states,
    history_design,
    order_of,
    parse_templates,
)

TAGS = ["A", "B", "C"]
TEMPLATES = ["tag[-1]", "tag[-2]", "tag[-2] & tag[-1]", "tag[-1] & w", "tag[-2] & tag[-1] & w & up"]


@st.composite
def tagged(draw):
    """Sentences with features w and up, and numbers of tags."""
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4).filter(any))
    words, tags = st.sampled_from(["x", "y=z", None]), st.integers(0, 2)
    X = [[{"w": draw(words), "up": draw(st.booleans()), "n": 1.0} for _ in range(n)] for n in lengths]
    X[int(np.argmax(lengths))][0] = {"w": "x", "up": True}
    return X, [[draw(tags) for _ in range(n)] for n in lengths]


def by_definition(template, token, tags, i):
    """Name of the feature of a template at a place; None for none."""
    parts = []
    for part in template.split(" & "):
        if part.startswith("tag"):
            place = i - int(part[5])
            parts.append(f"{part}={TAGS[tags[place]] if place >= 0 else '<s>'}")
        elif part == "up":
            parts.append("up" if token["up"] else None)
        else:
            parts.append(None if token[part] is None else f"{part}={token[part]}")
    return None if None in parts else " & ".join(parts)


@given(tagged(), tagged(), st.sampled_from(TEMPLATES), st.integers(0, 1), st.booleans())
def test_columns_by_their_definition(train, test, text, more, searched):
    (template,) = parse_templates([text])
    order = min(2, order_of([template]) + more)
    vocabulary, X = learn_vocabulary(train[0])
    names = list(vocabulary)
    before, history.TABLE_ENTRIES = history.TABLE_ENTRIES, 0 if searched else history.TABLE_ENTRIES
    try:
        states = [
            gold_states(np.array([k for tags in y for k in tags], int), np.array(list(map(len, y))), 3, order)
            for y in (train[1], test[1])
        ]
        if all(by_definition(text, token, [0] * 9, 5) is None for s in train[0] for token in s):
            with pytest.raises(ValueError, match="names a feature that no token has"):
                HistoryColumns.learn(template, 3, order, X, names, states[0])
            return
        found = HistoryColumns.learn(template, 3, order, X, names, states[0])
        listed = found.names(TAGS, names)
        for (sentences, y), state in zip((train, test), states):
            numbers = found.numbers(SentenceEncoder(vocabulary).transform(sentences), names)
            columns = found.columns(numbers, state)
            expected = [
                by_definition(text, token, tags, i)
                for tokens, tags in zip(sentences, y)
                for i, token in enumerate(tokens)
            ]
            assert [listed[c] if c < len(listed) else None for c in columns] == [
                name if name in listed else None for name in expected
            ]
            if y is train[1]:
                assert sorted(listed) == sorted({name for name in expected if name})
            design = history_design([columns, columns], [len(listed), len(listed)])
            assert design.shape == (len(expected), 2 * len(listed))
            assert design.sum() == 2 * sum(name in listed for name in expected)
    finally:
        history.TABLE_ENTRIES = before


def test_states_of_tagged_sentences():
    lengths = np.array([3, 0, 1])
    codes = np.array([0, 1, 2, 1])
    assert gold_states(codes, lengths, 3, 1).tolist() == [3, 0, 1, 3]
    assert gold_states(codes, lengths, 3, 2).tolist() == [15, 12, 1, 15]


@pytest.mark.parametrize("text", ["word", "tag[-3]", "tag[0]", "", "tag[-1] & ", "tag[-1] & tag[-3]", 3])
def test_what_is_no_template(text):
    with pytest.raises(ValueError, match="is no template of the history"):
        parse_templates([text])


def test_templates():
    (template,) = parse_templates(["w & tag[-1] &tag[-2]"])
    assert template.name == "tag[-2] & tag[-1] & w" and order_of([template]) == 2 and order_of([]) == 1
    with pytest.raises(ValueError, match="twice"):
        parse_templates(["tag[-1]", "tag[-1]"])
    with pytest.raises(ValueError, match="'history' parameter must be a list of templates"):
        parse_templates("tag[-1]")


def test_a_feature_with_several_values():
    _, X = learn_vocabulary([[{"w": ["a", "b"]}]])
    with pytest.raises(ValueError, match="names the feature 'w', of which a token has several values"):
        history.feature_columns(X, ["w=a", "w=b"], "w")
