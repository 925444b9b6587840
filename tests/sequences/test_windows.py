"""Features of words: shapes, affixes, windows."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from skmaxent.sequences import affixes, window, word_features, word_shape

words = st.lists(st.text("aB1-é", min_size=1, max_size=6), min_size=1, max_size=6)


@given(st.text(max_size=8))
def test_shapes(word):
    signs = word_shape(word, collapsed=False)
    assert len(signs) == len(word) and "".join(c for c, _ in groupby(signs)) == word_shape(word)
    assert all(a != b for a, b in zip(word_shape(word)[:-1], word_shape(word)[1:]))


@given(st.text(max_size=6), st.integers(0, 5))
def test_affixes(word, longest):
    found = affixes(word, longest)
    assert len(found) == 2 * min(longest, len(word))
    for name, part in found.items():
        n = int(name[-1])
        assert len(part) == n and (word.startswith(part) if "prefix" in name else word.endswith(part))


@given(words, st.data())
def test_windows(words, data):
    i = data.draw(st.integers(0, len(words) - 1))
    padded = ["<s>"] * 3 + words + ["</s>"] * 3
    expected = {f"w[{k}]": padded[i + 3 + k] for k in (-3, 0, 2)}
    expected["w[-1]|w[1]"] = f"{padded[i + 2]}|{padded[i + 4]}"
    assert window(words, i, [-3, 0, 2, (-1, 1)], "w") == expected


@given(words, st.data())
def test_word_features_are_those_of_the_window(words, data):
    i = data.draw(st.integers(0, len(words) - 1))
    features = word_features(words, i)
    lower = [word.lower() for word in words]
    expected = {"word": lower[i], "shape": word_shape(words[i]), **affixes(words[i], 4)}
    expected |= window(lower, i, (-2, -1, 1, 2, (-1, 0), (0, 1)))
    expected |= window([word_shape(word) for word in words], i, (-1, 1), "shape")
    assert features == expected
