"""Sentences to matrices: names as documented, the same for any hash seed, errors that say where."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction import DictVectorizer

import skmaxent
from skmaxent import TokenFeatures
from skmaxent.features.sentences import SentenceEncoder, check_sentences, learn_vocabulary

names = st.text("ab:= ", max_size=3)
numbers = st.one_of(st.booleans(), st.integers(-2, 2), st.floats(-2, 2, width=32))
plain = st.one_of(names, numbers, st.lists(names, max_size=3), st.sets(names, max_size=3), st.none())
tokens = st.dictionaries(names, st.one_of(plain, st.dictionaries(names, plain, max_size=2)), max_size=4)
sentences = st.lists(st.lists(tokens, max_size=4), max_size=4)


def by_definition(token, prefix=""):
    """Features of a dict, name to value."""
    found = {}
    for key, value in token.items():
        key = prefix + key
        if isinstance(value, dict):
            parts = by_definition(value, f"{key}:").items()
        elif isinstance(value, str):
            parts = [(f"{key}={value}", 1.0)]
        elif isinstance(value, list | set | tuple):
            parts = [(f"{key}={item}", 1.0) for item in value]
        else:
            parts = [(key, float(value or 0))]
        for name, number in parts:
            found[name] = found.get(name, 0) + number
    return found


def table(vocabulary, X):
    """Rows of a matrix as dicts of what is not 0."""
    names = list(vocabulary)
    return [
        {names[j]: v for j, v in zip(X.indices[a:b].tolist(), X.data[a:b].tolist()) if v}
        for a, b in zip(X.indptr[:-1], X.indptr[1:])
    ]


@given(sentences, sentences)
def test_names_and_values_are_those_of_the_definition(train, test):
    vocabulary, X = learn_vocabulary(train, dtype=np.float64)
    rows = [by_definition(token) for sentence in train for token in sentence]
    assert table(vocabulary, X) == [{k: v for k, v in row.items() if v} for row in rows]
    assert list(vocabulary) == sorted(vocabulary) and list(vocabulary.values()) == list(range(X.shape[1]))
    encoder = SentenceEncoder(vocabulary, np.float64)
    for _ in range(2):  # what was met before is read from memory
        rows = [by_definition(token) for sentence in test for token in sentence]
        expected = [{k: v for k, v in row.items() if v and k in vocabulary} for row in rows]
        assert table(vocabulary, encoder.transform(test)) == expected
        assert not (encoder.transform(train) != X).nnz


def test_as_dict_vectorizer():
    data = [{"w": "a", "n": 2.5, "up": True, "s": ["x", "y"]}, {"w": "b", "up": False, "t": "w=a"}]
    peer = DictVectorizer(dtype=np.float32)
    expected = peer.fit_transform(data)
    vocabulary, X = learn_vocabulary([data])
    assert list(vocabulary) == sorted(peer.get_feature_names_out())
    np.testing.assert_array_equal(X.toarray(), expected.toarray())
    assert X.indices.dtype == X.indptr.dtype == np.int32 and X.dtype == np.float32 and X.has_canonical_format


def test_collections_of_str():
    kinds = [["a", "b", "a"], ("b",), {"a"}, frozenset("c"), []]
    vocabulary, X = learn_vocabulary([kinds[:2], [], kinds[2:]])
    assert list(vocabulary) == ["a", "b", "c"]
    np.testing.assert_array_equal(X.toarray(), [[2, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
    mixed, Y = learn_vocabulary([[["a", "w=x"], {"w": "x", "t": ("p", "q")}]])
    assert list(mixed) == ["a", "t=p", "t=q", "w=x"]
    np.testing.assert_array_equal(Y.toarray(), [[1, 0, 0, 1], [0, 1, 1, 1]])
    arrays = SentenceEncoder(vocabulary).transform([np.array([{"a", "z"}, ["b"]], object), [["c"]]])
    np.testing.assert_array_equal(arrays.toarray(), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_rare_features_have_no_column():
    X = [[{"w": "a", "n": 0.0}, {"w": "a", "n": 3.0}, {"w": "b"}]]
    vocabulary, matrix = learn_vocabulary(X, min_count=2)
    assert vocabulary == {"w=a": 0}
    np.testing.assert_array_equal(matrix.toarray(), [[1], [1], [0]])


def test_an_encoder_remembers_no_more_than_its_vocabulary():
    vocabulary, _ = learn_vocabulary([[{"w": "a", "up": True, "n": 0.5}]])
    encoder = SentenceEncoder(vocabulary)
    for i in range(50):
        encoder.transform([[{"w": f"{i}", "up": i % 2 == 0, "n": i + 0.25, f"k{i}": False}]])
    tables = encoder._tables
    assert sum(map(len, [tables.names, tables.pairs, *tables.values.values()])) <= 5


@pytest.mark.parametrize("alike", [False, True])
def test_many_tokens_are_read_key_by_key(alike):
    """Blocks of tokens with the same keys go another way than single ones."""
    random = np.random.default_rng(0)
    words = [f"w{i}" for i in range(50)]
    data = []
    for i in range(20_000):
        token = {"w": words[random.integers(50)], "n": float(random.integers(4)), "up": i % 3 == 0, "x": None}
        if i % 7 == 0:
            token["BOS"] = True
        if not alike:
            token[f"key{i}"] = "rare"
        data.append(token)
    train = [data[i : i + 10] for i in range(0, 20_000, 10)]
    vocabulary, X = learn_vocabulary(train, min_count=2)
    expected = [{k: v for k, v in by_definition(token).items() if v and k in vocabulary} for token in data]
    assert table(vocabulary, X) == expected and len(vocabulary) == 53
    assert not (SentenceEncoder(vocabulary).transform(train) != X).nnz


BAD_TOKENS = {
    r"X\[1\]\[0\] is a str \('The'\): give .* TokenFeatures\(function\)": "The",
    r"X\[1\]\[0\] is an int \(3\)": 3,
    r"X\[1\]\[0\] is a NoneType": None,
    r"X\[1\]\[0\] has the feature 'n' = nan; .* None stands for no feature": {"n": np.nan},
    r"X\[1\]\[0\] has the feature 'n' = inf": {"n": np.inf},
    r"X\[1\]\[0\] has the feature 'b' that is a bytes": {"b": b"x"},
    r"X\[1\]\[0\] has the feature 's', a collection with an int \(1\)": {"s": [1]},
    r"X\[1\]\[0\] has a feature whose name is an int \(1\)": {1: "x"},
    r"X\[1\]\[0\] is a collection with a tuple": [("a", "b")],
    r"X\[1\]\[0\] has the feature 'd:n' = nan": {"d": {"n": float("nan")}},
}


@pytest.mark.parametrize("message", BAD_TOKENS)
def test_errors_say_where(message):
    good = {"w": "x", "a": "b"}
    with pytest.raises(ValueError, match=message):
        learn_vocabulary([[good], [BAD_TOKENS[message]]])
    for first in ({"w": "x"}, ["a"]):
        with pytest.raises(ValueError, match=message):
            SentenceEncoder({"w=x": 0, "a=b": 1}).transform([[first], [BAD_TOKENS[message]]])


def test_a_number_too_large_for_the_matrix():
    with pytest.raises(ValueError, match="too large for dtype\\('float32'\\)"):
        learn_vocabulary([[{"n": 1e300}]])
    assert learn_vocabulary([[{"n": 1e300}]], dtype=np.float64)[1][0, 0] == 1e300


@pytest.mark.parametrize("X", ["a text", {"a": 1}, pd.DataFrame({"a": [1]}), {1, 2}])
def test_what_is_no_list_of_sentences(X):
    with pytest.raises(ValueError, match="X must be a list of sentences"):
        check_sentences(X)


@pytest.mark.parametrize("sentence", ["a text", {"w": "x"}, {"a"}, 3, None, np.zeros((2, 2))])
def test_what_is_no_sentence(sentence):
    with pytest.raises(ValueError, match=r"(?s)X\[1\] is .*; a sentence must be a list of tokens"):
        check_sentences([[], sentence])


def test_containers_of_sentences():
    plain = [[{"w": "a"}], [{"w": "b"}, {"w": "c"}]]
    array = np.empty(2, object)
    array[:] = plain
    for X in (tuple(plain), array, pd.Series(plain, index=[7, 3]), [pd.Series(s) for s in plain]):
        assert check_sentences(X) == plain
    assert check_sentences(np.array([["a", "b"], ["c", "d"]])) == [["a", "b"], ["c", "d"]]
    with pytest.raises(TypeError, match="Expected sequence or array-like"):
        check_sentences(iter(plain))


def test_columns_and_sums_do_not_depend_on_the_hash_seed():
    source = (
        "from skmaxent.features.sentences import *\n"
        "words = [f'{i}' for i in range(40)]\n"
        "v, X = learn_vocabulary([[set(words), frozenset(words[:9])], [{'s': set(words), 'k': 'v'}]])\n"
        "print(list(v), X.indices.tolist(), SentenceEncoder(v).transform([[set(words)]]).indices.tolist())"
    )
    root = str(Path(skmaxent.__file__).parents[1])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", source], env={"PYTHONHASHSEED": seed, "PYTHONPATH": root},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(outputs) == 1


def first_and_word(sentence, i):
    return {"word": sentence[i], "first": i == 0}


def test_token_features():
    step = clone(TokenFeatures(first_and_word)).fit([["a", "b"], []])
    assert step.transform([["a", "b"], []]) == [
        [{"word": "a", "first": True}, {"word": "b", "first": False}],
        [],
    ]
    with pytest.raises(ValueError, match=r"X\[0\] is a str \('a b'\); a sentence must be a list of tokens"):
        step.transform(["a b"])
    with pytest.raises(ValueError, match="The 'function' parameter of TokenFeatures must be a callable"):
        TokenFeatures("word").fit([["a"]])
