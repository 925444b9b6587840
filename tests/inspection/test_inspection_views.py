"""Tables and HTML: aligned, escaped, readable with odd names and many classes."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmaxent import explain, top_features
from skmaxent.inspection.text import display_width, isolate, number_format, printable, shorten, table

VOID = {"br", "hr", "img", "input", "link", "meta"}
ODD = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "機械学習",
    "שלום",
    "مرحبا",
    "cafe\u0301",
]
ODD += ["tab\there\n", " the ", "long" * 80, "\u202egnp.exe", "&amp;", "x$y$"]


class Checker(HTMLParser):
    """Balanced tags, nothing that runs or loads, and nothing that only a mouse or an eye finds."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.seen, self.text = [], set(), []
        self.captions = self.tables = 0

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)
        attrs = dict(attrs)
        assert "title" not in attrs
        if tag == "th":
            assert attrs["scope"] == ("col" if "thead" in self.open else "row")
        if attrs.get("class") in ("skmaxent", "text"):  # they scroll
            assert attrs["tabindex"] == "0" and attrs["role"] == "region" and attrs["aria-label"]
        if "bar" in attrs.get("class", ""):
            assert attrs["aria-hidden"] == "true"
        self.captions += tag == "caption"
        self.tables += tag == "table"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def check(html):
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    tables = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert checker.seen <= tables | {"style", "div", "p", "span", "i", "bdi", "mark", "details", "summary"}
    assert checker.captions == checker.tables
    return checker


def odd_model(n_classes):
    labels = [f"{ODD[k % len(ODD)]} {k}" for k in range(n_classes)]
    vectorizer = CountVectorizer(vocabulary=ODD, analyzer=lambda names: names)
    rng = np.random.default_rng(0)
    rows = [list(rng.choice(ODD, 3)) for _ in range(2 * n_classes)]
    return make_pipeline(vectorizer, LogisticRegression()).fit(rows, labels * 2)


@pytest.mark.parametrize("n_classes", [2, 3, 30])
def test_html_is_balanced_and_inert(n_classes):
    model = odd_model(n_classes)
    for view in (explain(model, [ODD], top=20), top_features(model, n=20)):
        text = "".join(check(view._repr_html_()).text)
        assert "<script>alert(1)</script>" in text  # as text
        assert "\u202e" not in text


def test_html_marks_words_and_escapes_the_text():
    texts = ["<b>bold</b> & <script>x</script> words", "plain words here"] * 2
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, [0, 1, 0, 1])
    html = explain(model, texts[0])._repr_html_()
    assert texts[0] in "".join(check(html).text)
    assert html.count("<mark class=") > 3
    assert len(html) < 9_000
    long = explain(model, "bold " * 10_000)._repr_html_()
    assert "30,000 more characters" in "".join(check(long).text)


def test_the_votes_of_words_are_read_without_a_mouse():
    texts = ["good good bad", "bad bad nothing", "good"] * 2
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1] * 2)
    explanation = explain(model, texts[0])
    ((_, spans),) = explanation.marked_texts
    html = explanation._repr_html_()
    details = html[html.index("<details>") :]
    rows = re.findall("<bdi>(.*?)</bdi></th><td>(.*?)</td><td>.*?>(.*?)</span>", details)
    sums = {"good": (2, spans[0][2] + spans[1][2]), "bad": (1, spans[2][2])}
    assert [word for word, *_ in rows] == ["good", "bad"]
    for word, count, vote in rows:
        assert int(count) == sums[word][0]
        assert float(vote.replace("\u2212", "-")) == pytest.approx(sums[word][1], rel=1e-3)
    assert 'class="for"' in html and 'class="against"' in html  # not by colour only


def test_many_classes_show_the_best_few():
    n_classes = 1_000
    model = LogisticRegression()
    rng = np.random.default_rng(0)
    model.classes_ = np.array([f"class {k}" for k in range(n_classes)])
    model.coef_, model.intercept_ = rng.normal(size=(n_classes, 6)), rng.normal(size=n_classes)
    row = rng.normal(size=6)
    explanation = explain(model, row)
    best = model.classes_[np.argsort(-model.decision_function(row[None])[0])[:4]]
    head = str(explanation).splitlines()[1]
    assert [head.index(label) for label in best] == sorted(head.index(label) for label in best)
    assert "Shown are 4 of 1,000 classes" in str(explanation)
    assert max(map(len, str(explanation).splitlines())) <= 100
    check(explanation._repr_html_())


def test_table_lines_are_aligned():
    lines = str(explain(odd_model(3), [ODD], top=20)).splitlines()
    body = [line for line in lines[1:] if not line.startswith(("─", "Shown"))]
    widths = {display_width(line) for line in body[1:]}
    assert len(widths) == 1 and widths.pop() <= 110
    assert all(line.isprintable() or "\u2068" in line for line in lines)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60), st.integers(5, 30))
def test_any_name_fits(name, width):
    shown = shorten(printable(name), width)
    assert display_width(shown) <= width
    assert "\n" not in shown and shown
    first, second = table([[shown, "1"], ["x", "22"]])
    assert display_width(first) == display_width(second)


def test_widths_and_isolation():
    assert display_width("cafe\u0301") == 4
    assert display_width("機械") == 4
    assert isolate("שלום") == "\u2068שלום\u2069" and isolate("pax") == "pax"
    assert printable("\tx\n") == r"\tx\n" and printable(" the") == "' the'"
    assert shorten("abcdefghij", 7) == "abc…hij"


@pytest.mark.parametrize(
    "numbers, number, text",
    [
        ([12.3456, -1], 12.3456, "+12.35"),
        ([0.00123], -0.00000001, "+0.000000"),
        ([0.0], 0.0, "+0.000"),
        ([1e9], 1e9, "+1.000e+09"),
        ([123456.0, np.inf], -123456.4, "-123456"),
    ],
)
def test_number_format(numbers, number, text):
    assert number_format(numbers)(number) == text
