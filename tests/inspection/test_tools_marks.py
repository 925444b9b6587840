"""Marks on the words of a text: every token where it is, or no marks."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmaxent import (
    explain,
)

TEXTS = ["it is late because of rain", "to be or not to be", "the rain is late", "be on time"] * 3
LABELS = ["news", "poem", "news", "poem"] * 3


def lemmas(text):
    return [{"is": "be", "was": "be"}.get(word, word) for word in text.split()]


def content_lemmas(text):
    return [word for word in lemmas(text) if len(word) == 2]


def marked_words(tokenizer, text, **parameters):
    vectorizer = CountVectorizer(tokenizer=tokenizer, token_pattern=None, **parameters)
    model = make_pipeline(vectorizer, LogisticRegression()).fit([*TEXTS, text], [*LABELS, "news"])
    explanation = explain(model, text, top=None)
    ((marked, spans),) = explanation.marked_texts
    assert marked == text
    if spans:
        assert sum(vote for *_, vote in spans) == pytest.approx(explanation.votes[:, explanation.focus].sum())
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
    return [marked[start:end] for start, end, _ in spans]


@pytest.mark.parametrize(
    "tokenizer, text, words",
    [
        (lemmas, "it is late because of rain", []),  # "be" is not the first half of "because"
        (lemmas, "it is maybe", []),
        (lemmas, "to be or not to be", ["to", "be", "or", "not", "to", "be"]),
        (content_lemmas, "is maybe", []),  # the tokenizer drops "maybe": "be" is still not in it
        (content_lemmas, "maybe we can be", ["we", "be"]),
        (lambda text: text.split()[::-1], "to be or", []),  # not in order
        (lambda text: [word[:3] for word in text.split()], "running late", []),  # stems
        (lambda text: ["can", "not", "be"], "Cannot can be cannot be", ["Can", "not", "be"]),
        (lambda text: list(text.replace(" ", "")), "下雨 了", ["下", "雨", "了"]),
        (lambda text: ["do", "n't"], "I don't", ["do", "n't"]),
        (lambda text: [text[:0], *text.split()], "to be", []),
    ],
)
def test_marks_never_hit_another_word(tokenizer, text, words):
    assert marked_words(tokenizer, text) == words


def test_marks_of_a_tokenizer_that_ignores_the_case():
    tokenizer = lambda text: text.lower().split()  # noqa: E731
    assert marked_words(tokenizer, "To BE", lowercase=False) == ["To", "BE"]
    assert marked_words(tokenizer, "İs BE", lowercase=False) == []  # lower case of another length


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="abé e\u0301-_ İΣς下", max_size=25), st.data())
def test_pieces_of_words_are_found_where_they_are_or_not_at_all(text, data):
    from skmaxent.inspection.words import _find_in_order

    chosen = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    tokens = [c for c, kept in zip(text, chosen) if kept]
    spans = _find_in_order(tokens, text)
    if spans is not None:
        assert [text[a:b] for a, b in spans] == tokens or [text.lower()[a:b] for a, b in spans] == tokens
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
    words = text.split()
    assert _find_in_order(words, text) is not None


class Stemming(CountVectorizer):
    """A subclass with terms of its own, as scikit-learn's guide suggests for stemming."""

    def build_analyzer(self):
        analyse = super().build_analyzer()
        return lambda text: [term[:2] for term in analyse(text)]


class Halving(CountVectorizer):
    def build_tokenizer(self):
        return lambda text: [part for word in text.split() for part in (word[:2], word[2:]) if part]


def test_marks_follow_what_subclasses_do():
    text = TEXTS[0]
    model = make_pipeline(Stemming(), LogisticRegression()).fit(TEXTS, LABELS)
    unmarked = explain(model, text)
    assert unmarked.marked_texts == [(text, [])]
    assert text in unmarked._repr_html_() and "Words by their vote" not in unmarked._repr_html_()
    model = make_pipeline(Halving(), LogisticRegression()).fit(TEXTS, LABELS)
    explanation = explain(model, text, top=None)
    ((_, spans),) = explanation.marked_texts
    assert "Words by their vote" in explanation._repr_html_()
    assert "".join(text[a:b] for a, b, _ in spans) == text.replace(" ", "")
    assert sum(vote for *_, vote in spans) == pytest.approx(explanation.votes[:, explanation.focus].sum())


@pytest.mark.parametrize(
    "preprocessor, marks",
    [
        (lambda text: text[::-1], False),  # the same length, other places
        (lambda text: text.split(":", 1)[1], False),  # fails on a single character
        (lambda text: text.replace("1", "0").upper(), True),
        (lambda text: text.replace("a", "").replace("1", "one"), True),
    ],
)
def test_preprocessors_of_the_users_own(preprocessor, marks):
    texts = [f"head {i}: {text} 10" for i, text in enumerate(TEXTS)]
    model = make_pipeline(CountVectorizer(preprocessor=preprocessor), LogisticRegression()).fit(texts, LABELS)
    ((_, spans),) = explain(model, texts[0]).marked_texts
    assert bool(spans) == marks
    if marks:
        assert "because" in [texts[0][a:b] for a, b, _ in spans]


def test_greek_words_are_marked_though_their_last_letter_has_two_forms():
    texts = ["ΟΔΟΣ ΑΘΗΝΩΝ", "ΛΟΓΟΣ ΣΟΦΟΣ"] * 2
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [0, 1, 0, 1])
    ((text, spans),) = explain(model, texts[0]).marked_texts
    assert [text[a:b] for a, b, _ in spans] == ["ΟΔΟΣ", "ΑΘΗΝΩΝ"]
