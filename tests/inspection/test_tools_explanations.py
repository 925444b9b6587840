"""Both signs in every list of features, probabilities in every view, and pages of HTML."""

import json

import numpy as np
import pytest
from problems import random_sparse
from scipy import sparse
from scipy.special import expit
from sklearn.datasets import make_multilabel_classification
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from tools_examples import LABELS, ROW, TEXTS, TWO, X, Y, scaled

from skmaxent import (
    BackpropMLPClassifier,
    CoefficientsDisplay,
    MaxEntClassifier,
    MaxEntRanker,
    explain,
    top_features,
)
from skmaxent.inspection import top as top_module

# ---- both signs


def test_iris_setosa_shows_its_petals():
    model = MaxEntClassifier().fit(X, Y)
    top = top_features(model)
    weight = model.coef_[0, 2] - model.coef_[:, 2].mean()
    assert top["setosa"][-1] == ("x2", pytest.approx(weight)) and weight < -2
    assert {name for name, _ in top["setosa"]} == {"x0", "x1", "x2", "x3"}
    assert "x2 " in str(top).split("versicolor")[0] and f"{weight:+.3f}" in str(top)


@pytest.mark.parametrize("n", [1, 3, 50])
@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("block", [7, 1 << 22])
def test_every_class_shows_the_strongest_weights_of_both_signs(n, multilabel, block, monkeypatch):
    monkeypatch.setattr(top_module, "_BLOCK", block)
    data, y = make_multilabel_classification(60, 40, n_classes=4, random_state=0)
    model = LogisticRegression(max_iter=1000)
    model = OneVsRestClassifier(model) if multilabel else model
    model.fit(data, y if multilabel else y @ [1, 2, 4, 8] % 4)
    coef = np.vstack([e.coef_ for e in model.estimators_]) if multilabel else model.coef_
    coef = coef if multilabel else coef - coef.mean(axis=0)
    for own, pairs in zip(coef, top_features(model, n=n).values()):
        positive, negative = np.sort(own[own > 0])[::-1][:n], np.sort(own[own < 0])[:n][::-1]
        np.testing.assert_allclose([w for _, w in pairs], [*positive, *negative])
        np.testing.assert_allclose([own[int(name[1:])] for name, _ in pairs], [w for _, w in pairs])


def test_classes_with_weights_of_one_sign():
    for sign, block in ((1, 1 << 22), (-1, 1 << 22), (1, 8), (-1, 8)):
        model = LogisticRegression().fit(X[TWO], Y[TWO])
        model.coef_ = sign * np.abs(np.random.default_rng(0).normal(size=(1, 4)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(top_module, "_BLOCK", block)
            top = top_features(model, n=2)
        order = np.argsort(np.abs(model.coef_[0]))[::-1][:2]
        for class_, direction in (("versicolor", -sign), ("virginica", sign)):
            expected = sorted((direction * abs(model.coef_[0, j]) for j in order), reverse=True)
            assert [w for _, w in top[class_]] == expected


def test_the_display_has_room_for_both_signs():
    pytest.importorskip("matplotlib").use("Agg")
    display = CoefficientsDisplay.from_estimator(MaxEntClassifier().fit(X, Y), n=4)
    for panel in display.axes_:
        left, right = panel.get_xlim()
        widths = [bar.get_width() for bar in panel.patches]
        assert left < min(widths) < 0 < max(widths) < right


# ---- probabilities


def views(explanation):
    pytest.importorskip("pandas")
    frame = explanation.to_frame()
    return {
        "text": str(explanation),
        "html": explanation._repr_html_(),
        "dict": json.loads(json.dumps(explanation.to_dict()))["probabilities"],
        "frame": frame.loc["probability", "probability"].to_dict() if "probability" in frame else None,
    }


def test_probabilities_of_several_classes_are_in_every_view():
    model = scaled().fit(X, Y)
    explanation = explain(model, ROW)
    proba = dict(zip(model.classes_, model.predict_proba([ROW])[0]))
    assert explanation.probabilities == pytest.approx(proba, rel=1e-12)
    seen = views(explanation)
    order = sorted(proba, key=lambda label: -proba[label])
    shown = [f"{proba[label]:.4f}" if proba[label] > 5e-5 else f"{proba[label]:.1e}" for label in order]
    assert seen["text"].splitlines()[-1].split() == ["probability", *shown]
    assert "".join(f"<td>{p}</td>" for p in shown) in seen["html"]
    assert {entry["class"]: entry["probability"] for entry in seen["dict"]} == pytest.approx(proba)
    assert seen["frame"] == pytest.approx(proba)
    frame = explanation.to_frame()
    np.testing.assert_allclose(frame["vote"].sum(), explanation.scores, rtol=1e-12)
    assert frame["probability"].notna().sum().sum() == 3


@pytest.mark.parametrize("contrast", [None, ("setosa", "virginica")])
def test_probabilities_of_one_column_tell_whose_they_are(contrast):
    chosen = slice(None) if contrast else TWO
    model = scaled().fit(X[chosen], Y[chosen])
    proba = dict(zip(model.classes_, model.predict_proba([ROW])[0]))
    explanation = explain(model, ROW, contrast=contrast)
    assert explanation.probabilities == pytest.approx(proba, rel=1e-12)
    seen = views(explanation)
    pair = contrast or ("virginica", "versicolor")
    one, other = (f"{proba[label]:.4f}" if proba[label] > 5e-5 else f"{proba[label]:.1e}" for label in pair)
    note = f"Probability of {pair[0]}: {one}, of {pair[1]}: {other}."
    assert note in seen["text"] and note in seen["html"]
    assert seen["frame"] == pytest.approx({label: proba[label] for label in pair})
    assert len(seen["dict"]) == len(proba)


def test_models_without_probabilities_show_none():
    seen = views(explain(LinearSVC().fit(X, Y), ROW))
    assert seen["dict"] is seen["frame"] is None
    assert "robabilit" not in seen["text"] and "robabilit" not in seen["html"]


@pytest.mark.parametrize("layers", [(), (5,)])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_probabilities_of_networks(layers, kind):
    data, y = (X[TWO], Y[TWO]) if kind == "binary" else (X, Y)
    if kind == "multilabel":
        data, y = make_multilabel_classification(60, 8, n_classes=3, random_state=0)
    model = BackpropMLPClassifier(layers, solver="lbfgs", alpha=0.1, max_iter=2000, random_state=0).fit(
        data, y
    )
    explanation = explain(model, data[7])
    np.testing.assert_allclose(
        list(explanation.probabilities.values()), model.predict_proba(data[[7]])[0], rtol=1e-9
    )
    if kind == "multilabel":
        np.testing.assert_allclose(list(explanation.probabilities.values()), expit(explanation.scores))
    assert "robability" in str(explanation)


def test_probabilities_of_candidates_and_of_sparse_rows():
    ranker = MaxEntRanker().fit([[1.0, 0], [0, 1], [1, 1], [0, 2]], [1, 0, 1, 0], [0, 0, 1, 1])
    group = np.array([[1.0, 0], [0, 1], [2, 2]])
    explanation = explain(ranker, group)
    np.testing.assert_allclose(list(explanation.probabilities.values()), ranker.predict_proba(group))
    assert list(explanation.probabilities) == [0, 1, 2] and "probability" in str(explanation)
    rows = random_sparse(40, 30, 0.2)
    model = MaxEntClassifier(features="observed").fit(rows, np.arange(40) % 3)
    for row in (rows[[1]], sparse.csc_matrix(rows[[1]]), rows[[1]].toarray()):
        np.testing.assert_allclose(
            list(explain(model, row).probabilities.values()), model.predict_proba(row)[0], rtol=1e-12
        )


# ---- pages


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_page_is_written(kind, tmp_path):
    text = "Café \ud83d <b>rain</b> & 雨"
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit([*TEXTS, text], [*LABELS, "a & b"])
    explanation = explain(model, text)
    path = tmp_path / "page.html"
    page = explanation.to_html(kind(path))
    assert page == explanation.to_html()
    written = path.read_text(encoding="utf-8")
    assert written == page.replace("\ud83d", "&#55357;")
    assert page.startswith("<!DOCTYPE html>") and explanation._repr_html_() in page
    assert '<meta charset="utf-8">' in page and "<title>LogisticRegression predicts a &amp; b</title>" in page
    assert "<script" not in page
    with pytest.raises(FileNotFoundError):
        explanation.to_html(tmp_path / "no" / "page.html")


def test_values_times_weights_are_the_votes_of_every_form():
    rng = np.random.default_rng(0)
    group = rng.normal(size=(3, 4))
    ranker = MaxEntRanker().fit(np.vstack([group, -group]), [1, 0, 0, 0, 1, 0], [0, 0, 0, 1, 1, 1])
    explanation = explain(ranker, group, top=None)
    assert explanation.values.shape == (4, 3) and explanation.weights.shape == (4,)
    np.testing.assert_allclose(explanation.values * explanation.weights[:, None], explanation.votes)
    network = BackpropMLPClassifier((5,), solver="lbfgs", alpha=1.0, max_iter=2000, random_state=0).fit(X, Y)
    for model in (network, LogisticRegression(max_iter=1000).fit(X, Y)):
        explanation = explain(model, X[3], top=None)
        assert explanation.values.shape == (4,) and explanation.weights.shape == (4, 3)
        np.testing.assert_allclose(explanation.values[:, None] * explanation.weights, explanation.votes)
