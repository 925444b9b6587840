"""Explanations in the forms of pandas and SHAP."""

import numpy as np


def to_frame(explanation):
    """What `Explanation.to_frame` returns."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("Explanation.to_frame requires pandas.") from error
    rows = explanation.rows()[:-1]
    heads = [explanation.column_name(0)] if explanation.against is not None else explanation.classes
    empty = np.full(len(heads), np.nan)
    one, many = explanation.headings
    parts = {
        one: pd.DataFrame({"": [np.nan if row.single is None else row.single for row in rows]}),
        many: pd.DataFrame([empty if row.several is None else row.several for row in rows], columns=heads),
        "vote": pd.DataFrame([row.votes for row in rows], columns=heads),
    }
    names = [row.name for row in rows]
    if explanation.probabilities is not None:
        labels = (
            explanation.classes
            if explanation.against is None
            else [*explanation.classes, explanation.against]
        )
        proba = [[explanation.probabilities[label] for label in labels]]
        parts["probability"] = pd.DataFrame(proba, columns=labels, index=[len(rows)])
        names.append("probability")
    return pd.concat(parts, axis=1).set_axis(names, axis=0)


def to_shap(explanation, class_=None):
    """What `Explanation.to_shap` returns."""
    if class_ is not None and class_ not in explanation.classes:
        raise ValueError(
            f"class_={class_!r} is not a valid label. It should be one of {explanation.classes}."
        )
    try:
        import shap
    except ImportError as error:
        raise ImportError(
            "Explanation.to_shap requires shap. You can install it with `pip install shap`, or with this "
            "package as `pip install skmaxent[shap]`."
        ) from error
    rows = [row for row in explanation.rows() if row.kind in ("feature", "remainder")]
    values = np.array([row.votes for row in rows]).reshape(len(rows), len(explanation.classes))
    base = explanation.offset + explanation.class_mean
    if class_ is not None:  # not by shap's slices, which mix up axes of one length
        number = explanation.classes.index(class_)
        values, base = values[:, [number]], base[[number]]
    single = values.shape[1] == 1
    data = [row.single if explanation.headings[0] == "value" else row.several for row in rows]
    if explanation.headings[0] != "value":  # joint features and candidates: the values of one column
        column = explanation.focus if class_ is None else number
        data = [None if several is None else several[column] for several in data]
    names = [explanation.column_name(j) for j in range(len(explanation.classes))]
    return shap.Explanation(
        values=values[:, 0] if single else values,
        base_values=float(base[0]) if single else base,
        data=np.array([np.nan if value is None else value for value in data]),
        feature_names=[row.name for row in rows],
        output_names=None if single else names,
    )
