"""Scores of tagged sentences: by hand, by seqeval and by scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from skmaxent.sequences import (
    flat_accuracy_score,
    flat_f1_score,
    sequence_accuracy_score,
    span_f1_score,
    span_precision_score,
    span_recall_score,
    span_report,
)

letters = st.sampled_from(["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in "XY")])


@st.composite
def tagged(draw):
    """True and predicted tags of some sentences, legal or not."""
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=4))
    return tuple([[draw(letters) for _ in range(n)] for n in lengths] for _ in range(2))


def test_by_hand():
    true = [["B-NP", "I-NP", "O", "B-VP"], [], ["B-NP"]]
    pred = [["B-NP", "I-NP", "B-VP", "I-VP"], [], ["I-NP"]]
    report = span_report(true, pred)
    assert report.by_type["NP"].f1 == 1 and report.by_type["VP"].f1 == 0
    assert (report.overall.n_true, report.overall.n_predicted, report.overall.n_correct) == (3, 3, 2)
    assert report.overall.f1 == span_f1_score(true, pred) == pytest.approx(2 / 3)
    assert report.accuracy == flat_accuracy_score(true, pred) == 2 / 5
    assert sequence_accuracy_score(true, pred) == 1 / 3
    assert str(report).splitlines()[-2:] == [
        "overall      66.67   66.67   66.67       3        2       3",
        "40.00 % of 5 tokens",
    ]


@given(tagged(), st.data())
def test_weights_are_copies_of_sentences(pair, data):
    true, pred = pair
    weights = [data.draw(st.integers(0, 2)) for _ in true]
    copies = [[tags for tags, w in zip(y, weights) for _ in range(w)] for y in pair]
    for score in (span_f1_score, span_precision_score, span_recall_score, flat_f1_score):
        assert score(true, pred, sample_weight=weights) == pytest.approx(score(*copies))
    for score in (flat_accuracy_score, sequence_accuracy_score):
        assert score(true, pred, sample_weight=weights) == pytest.approx(score(*copies), nan_ok=True)


@given(tagged())
def test_spans_as_seqeval_counts_them(pair):
    peer = pytest.importorskip("seqeval.metrics", reason="seqeval is not installed")
    true, pred = pair
    report = span_report(true, pred)
    assert report.overall.f1 == pytest.approx(peer.f1_score(true, pred, zero_division=0))
    assert report.overall.precision == pytest.approx(peer.precision_score(true, pred, zero_division=0))
    assert report.overall.recall == pytest.approx(peer.recall_score(true, pred, zero_division=0))
    if report.by_type:
        table = peer.classification_report(true, pred, output_dict=True, zero_division=0)
        for kind, scores in report.by_type.items():
            expected = [table[kind][name] for name in ("precision", "recall", "f1-score", "support")]
            assert [scores.precision, scores.recall, scores.f1, scores.n_true] == pytest.approx(expected)


@given(tagged(), st.sampled_from(["weighted", "macro", "micro"]), st.booleans())
def test_flat_f1_as_scikit_learns(pair, average, some):
    true, pred = pair
    flat = [[tag for tags in y for tag in tags] for y in pair]
    labels = ["B-X", "I-Y"] if some else None
    if not flat[0]:
        assert flat_f1_score(true, pred, average=average) == 0
        return
    expected = f1_score(*flat, average=average, labels=labels, zero_division=0)
    assert flat_f1_score(true, pred, average=average, labels=labels) == pytest.approx(expected)


def test_tags_need_not_be_str():
    assert flat_accuracy_score([[1, 2], [3]], [np.array([1, 1]), [3]]) == pytest.approx(2 / 3)
    assert flat_f1_score([[("a", 1)]], [[("a", 1)]], average="micro") == 1


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (r"y_true\[1\] has 2 tags, y_pred\[1\] has 1", ([["O"], ["O", "O"]], [["O"], ["O"]])),
        ("y_true has 1 sentences, y_pred has 2", ([["O"]], [["O"], ["O"]])),
        (r"y_true must be a list of lists.*y_true\[0\] is 'O'", (["O"], [["O"]])),
        ("y_pred must be a list of lists", ([["O"]], "O")),
        ("'NN' is not a tag of a span", ([["NN"]], [["NN"]])),
    ],
)
def test_errors(message, arguments):
    with pytest.raises(ValueError, match=message):
        span_f1_score(*arguments)


def test_errors_of_options():
    with pytest.raises(ValueError, match="sample_weight must hold 1 finite non-negative numbers"):
        span_f1_score([["O"]], [["O"]], sample_weight=[-1])
    with pytest.raises(ValueError, match="average must be one of"):
        flat_f1_score([["O"]], [["O"]], average="binary")
