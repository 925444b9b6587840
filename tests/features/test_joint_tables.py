"""Joint features of tables: frames and arrays are read by their columns."""

import numpy as np
import pytest
from joint_examples import dict_data

from skmaxent import Joined, JointFeatures, MaxEntClassifier, MaxEntClassifierCV
from skmaxent.features import joint
from skmaxent.features.records import ArrayRecords, Records


def table_of(kind, data):
    """Dicts of str with the keys a and b as a table, some b missing, and as a list of its rows."""
    data = [{"a": d["a"], "b": None if d["b"] == "v0" and kind != "str" else d["b"]} for d in data]
    if kind in ("object", "str"):
        rows = [[*d.values()] for d in data]
        array = np.array(rows, dtype=object if kind == "object" else str)
        return array, [*array]
    library = pytest.importorskip("pandas" if kind in ("string", "category") else kind)
    columns = {key: [d[key] for d in data] for key in ("a", "b")}
    if kind == "pyarrow":
        return library.table(columns), data
    frame = library.DataFrame(columns)
    if kind == "category":  # with some that do not occur, and in an order of their own
        values = library.CategoricalDtype(["unseen", *sorted({*columns["a"], *columns["b"]} - {None})[::-1]])
        return frame.astype(values), data
    return frame.astype(kind) if kind == "string" else frame, data


@pytest.mark.parametrize("kind", ["pandas", "string", "category", "polars", "pyarrow", "object", "str"])
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


def test_categories_that_are_no_text_are_read_as_their_values():
    """Numbers count with their values, as in a list of dicts."""
    pd = pytest.importorskip("pandas")
    data = [{"a": i % 3, "b": f"v{i % 2}"} for i in range(12)]
    y, features = ["x", "y", "x"] * 4, JointFeatures([Joined("a"), Joined("b")])
    frame = pd.DataFrame(data)
    frame["a"] = frame["a"].astype("category")
    models = [MaxEntClassifier(features=features).fit(X, y) for X in (data, frame)]
    assert models[0].joint_feature_names_.tolist() == models[1].joint_feature_names_.tolist()
    np.testing.assert_array_equal(models[0].coef_, models[1].coef_)


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


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("block", [1, 100, 10**6])
def test_the_design_is_what_the_table_says(n_classes, block, monkeypatch):
    """Row by row from the definition, whatever the size of the blocks in which it is made."""
    monkeypatch.setattr(joint, "BLOCK_PAIRS", block)
    data, _ = dict_data()
    data = [d if i % 5 else {"a": d["a"]} for i, d in enumerate(data)]  # some lack a key
    n = len(data)
    present = np.eye(n_classes)[np.arange(n) % n_classes]
    features = JointFeatures(
        [Joined("a"), Joined(("a", "b"), min_count=1), Joined("b", min_count=2)], bias=True
    )
    classes = [*range(n_classes)]
    differences = n_classes == 2
    table, design = features.fit_design(data, classes, present, differences)
    expected = np.zeros((n, n_classes, table["n_columns"]))
    for template, known in zip((("a",), ("a", "b"), ("b",)), table["templates"].values()):
        names = joint.atom_names([], known["words"], None) if known["codes"] is None else None
        for i, d in enumerate(data):
            if not all(key in d for key in template):
                continue
            if names is None:
                code = [words[d[key]] for key, words in zip(template, known["words"])]
                number = known["codes"].tolist().index(code)
            else:
                number = names.index(d[template[0]])
            for k in range(n_classes):
                if known["columns"][number, k] >= 0:
                    expected[i, k, known["columns"][number, k]] = 1
    expected[:, classes, table["n_columns"] - n_classes + np.arange(n_classes)] = 1
    if differences:
        np.testing.assert_array_equal(design.toarray(), expected[:, 1] - expected[:, 0])
    else:
        np.testing.assert_array_equal(design.toarray(), expected.reshape(n * n_classes, -1))
    assert design.has_canonical_format
