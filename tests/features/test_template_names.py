"""Names of predicates follow from the data alone: sets, dicts of str, and any hash seed."""

import os
import pickle
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import skmaxent
from skmaxent import Joined, JointFeatures, MaxEntClassifier
from skmaxent.features.joint import column_names

DATA = [
    {"word": "bank", "topics": {"river", "money", "law"}, "parts": frozenset({"NN", "VB"}), "n": 3},
    {"word": "bank", "topics": {"money"}, "parts": ["NN", "NN"], "n": 2},
    {"word": "line", "topics": set(), "parts": ("JJ",), "n": 3},
    {"word": "line", "topics": {"law", "river"}, "parts": "NN"},
    {"word": "line", "topics": None, "parts": "VB", "n": 1.5},
]
LABELS = ["a", "b", "b", "a", "c"]
KEYS = ("word", "topics", "parts")


def names_and_design(data, templates, classes=("A", "B")):
    features = JointFeatures(templates)
    table, design = features.fit_design(data, list(classes), np.ones((len(data), len(classes))))
    return dict(zip(column_names(table, classes), design.toarray().T)), features, table


def as_list(value):
    return [] if value is None else [value] if isinstance(value, str) else sorted(set(value))


def test_a_conjunction_joins_each_element_of_a_set():
    columns, _, _ = names_and_design(DATA, [Joined(KEYS)])
    expected = {}
    for i, d in enumerate(DATA):
        for parts in product(*[as_list(d[key]) for key in KEYS]):
            expected.setdefault(" & ".join(f"{k}={v}" for k, v in zip(KEYS, parts)), set()).add(i)
    assert {name.rpartition(", c=")[0] for name in columns} == expected.keys()
    for name, rows in expected.items():
        assert set(np.flatnonzero(columns[f"{name}, c=A"])) == {2 * i for i in rows}
    assert set(np.concatenate([*columns.values()])) == {0, 1}


def test_numbers_and_missing_values_in_a_conjunction():
    columns, _, _ = names_and_design(DATA, [Joined(("word", "n"))])
    assert sorted(name for name in columns if name.endswith("A")) == [
        "word=bank & n=2, c=A",
        "word=bank & n=3, c=A",
        "word=line & n=1.5, c=A",
        "word=line & n=3, c=A",
    ]


def tokens(d):
    return {"w": d["word"], "t": d["topics"], "n": d.get("n"), "long": len(d["word"]) > 3}


def test_a_dict_may_hold_str_and_sets_beside_numbers():
    columns, _, _ = names_and_design(DATA, [Joined(tokens)])
    assert columns["tokens=w=bank, c=A"].tolist() == [1, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert columns["tokens=t=money, c=B"].tolist() == [0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    assert columns["tokens=n, c=A"].tolist() == [3, 0, 2, 0, 3, 0, 0, 0, 1.5, 0]
    assert columns["tokens=long, c=A"].tolist() == [1, 0] * 5


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(*[st.sets(st.sampled_from("uvw"), max_size=2)] * 2), min_size=1, max_size=6))
def test_sets_of_one_element_are_that_element(pairs):
    """Training and new data may come by different ways, sets here and str there."""
    data = [{"a": a, "b": b} for a, b in pairs]
    columns, features, table = names_and_design(data, [Joined(("a", "b"))])
    for a, b in product("uvw", "uvw"):
        as_text = features.design([{"a": a, "b": b}], ["A", "B"], table).toarray()
        as_sets = features.design([{"a": {a}, "b": frozenset(b)}], ["A", "B"], table).toarray()
        np.testing.assert_array_equal(as_text, as_sets)
        assert as_text.any() == (f"a={a} & b={b}, c=A" in columns)


class Bare:
    """Its text would be its address."""


@pytest.mark.parametrize("value", [{1, 2}, {"a": 1}, [("a",)], Bare()])
def test_values_without_a_text_of_their_own_are_refused(value):
    data = [{"a": "x", "b": "y"}, {"a": "x", "b": value}]
    message = "The feature 'a & b' raised TypeError .*neither a str, a number, a collection of str"
    with pytest.raises(ValueError, match=message):
        MaxEntClassifier(features=JointFeatures([Joined(("a", "b"))])).fit(data, [0, 1])


SCRIPT = """
import pickle, sys
model, data = pickle.load(open(sys.argv[1], "rb"))
print(list(data[0]["topics"]))
print(model.decision_function(data).tolist())
"""


def test_a_pickled_model_predicts_the_same_under_any_hash_seed(tmp_path):
    features = JointFeatures([Joined(("word", "topics")), Joined(("topics", "parts")), Joined("topics")])
    model = MaxEntClassifier(features=features, C=100).fit(DATA, LABELS)
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps((model, DATA)))
    expected = str(model.decision_function(DATA).tolist())
    root = str(Path(skmaxent.__file__).parents[1])
    orders = set()
    for seed in ("0", "1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": root}
        command = [sys.executable, "-c", SCRIPT, str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        order, scores = done.stdout.splitlines()
        assert scores == expected
        orders.add(order)
    assert len(orders) > 1  # what the text of the set would have been
