"""Joint features of tables: frames and arrays are read by their columns."""

import numpy as np
import pytest
from joint_examples import dict_data

from skmaxent import Joined, JointFeatures, MaxEntClassifier, MaxEntClassifierCV
from skmaxent.features.records import ArrayRecords, Records


def table_of(kind, data):
    """Dicts of str with the keys a and b as a table, some b missing, and as a list of its rows."""
    data = [{"a": d["a"], "b": None if d["b"] == "v0" and kind != "str" else d["b"]} for d in data]
    if kind in ("object", "str"):
        rows = [[*d.values()] for d in data]
        array = np.array(rows, dtype=object if kind == "object" else str)
        return array, [*array]
    library = pytest.importorskip(kind)
    columns = {key: [d[key] for d in data] for key in ("a", "b")}
    if kind == "pyarrow":
        return library.table(columns), data
    return library.DataFrame(columns), data


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "object", "str"])
def test_tables_are_read_by_columns(kind, monkeypatch):
    """The same model as of their rows, of which none is made."""
    data, y = dict_data()
    table, rows = table_of(kind, data)
    a, b = ("a", "b") if isinstance(rows[0], dict) else (0, 1)
    features = JointFeatures([Joined(a), Joined((a, b), min_count=1), Joined(b, min_count=2)], bias=True)
    by_rows = MaxEntClassifier(features=features).fit(rows, y)
    expected = by_rows.predict_proba(rows)
    with monkeypatch.context() as patch:
        for records in (Records, ArrayRecords):
            patch.setattr(records, "__getitem__", lambda *_: pytest.fail("A row was made."))
        by_columns = MaxEntClassifier(features=features).fit(table, y)
        np.testing.assert_array_equal(by_columns.predict_proba(table), expected)
    assert by_columns.joint_feature_names_.tolist() == by_rows.joint_feature_names_.tolist()
    np.testing.assert_array_equal(by_columns.coef_, by_rows.coef_)
    # functions, weights of 0 and validation sets need rows
    both = JointFeatures([*features.functions, first_of])
    weights = np.arange(len(y)) % 4
    pair = [
        MaxEntClassifierCV(features=both, Cs=[0.1, 1.0]).fit(X, y, weights, X_val=X, y_val=y)
        for X in (table, rows)
    ]
    np.testing.assert_array_equal(pair[0].coef_, pair[1].coef_)
    np.testing.assert_array_equal(pair[0].scores_, pair[1].scores_)


def first_of(c, d):
    return c == "bee" and d[0 if isinstance(d, np.ndarray) else "a"] == "v1"


def test_columns_that_a_table_lacks_are_missing_everywhere():
    pd = pytest.importorskip("pandas")
    data, y = dict_data()
    for X, key in (
        (pd.DataFrame(data), 7),
        (np.array([["x", "y"]] * len(y)), "a"),
        (pd.DataFrame(data), "z"),
    ):
        features = JointFeatures([Joined(key)], bias=True)
        assert MaxEntClassifier(features=features).fit(X, y).joint_feature_names_.tolist() == [
            "c=ant",
            "c=bee",
            "c=cat",
        ]
