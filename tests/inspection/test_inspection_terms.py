"""Character n-grams are marked where they are; hashed columns are named from the text; SHAP's form."""

import sys
from itertools import pairwise
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmaxent import JointFeatures, MaxEntClassifier, explain, top_features
from skmaxent.inspection.words import _GRAMS

TEXTS = ["The  cat sat\n\non a Mat", "stock markets fell", "a cat, a mat", "ÉLAN of the market"] * 2
LABELS = ["pet", "money", "pet", "money"] * 2


@settings(deadline=None, max_examples=150)
@given(
    st.text(alphabet="abéİßΣ \t\n\u00a0\u0301下", max_size=20),
    st.sampled_from(["char", "char_wb"]),
    st.tuples(st.integers(1, 3), st.integers(0, 3)),
    st.booleans(),
)
def test_characters_are_found_where_they_are(text, analyzer, sizes, lowercase):
    vectorizer = CountVectorizer(analyzer=analyzer, ngram_range=(sizes[0], sum(sizes)), lowercase=lowercase)
    grams = _GRAMS[analyzer](vectorizer, text)
    assert [term for term, _ in grams] == list(vectorizer.build_analyzer()(text))
    prepare = vectorizer.build_preprocessor()
    for term, spans in grams:
        written = [c for c in term if not c.isspace()]
        if written:
            assert all(0 <= start < end <= len(text) for start, end in spans)
            assert len(spans) == len(written)
            pieces = [prepare(text[start:end]).replace("ς", "σ") for start, end in spans]
            assert all(c.replace("ς", "σ") in piece for c, piece in zip(written, pieces))


@pytest.mark.parametrize("analyzer", ["char", "char_wb"])
@pytest.mark.parametrize("kind", [CountVectorizer, TfidfVectorizer, HashingVectorizer])
@pytest.mark.parametrize(
    "options", [{"ngram_range": (1, 3)}, {"ngram_range": (2, 4), "strip_accents": "unicode"}]
)
def test_marks_of_characters_sum_to_the_votes(analyzer, kind, options):
    size = {"n_features": 1 << 12} if kind is HashingVectorizer else {}
    model = make_pipeline(kind(analyzer=analyzer, **size, **options), LogisticRegression()).fit(TEXTS, LABELS)
    for text in TEXTS[:4]:
        explanation = explain(model, text, top=None)
        ((marked, spans),) = explanation.marked_texts
        assert marked == text and spans
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert sum(vote for *_, vote in spans) == pytest.approx(explanation.votes[:, explanation.focus].sum())


def test_the_vote_of_a_character_ngram_goes_to_its_letters():
    model = make_pipeline(CountVectorizer(analyzer="char_wb", ngram_range=(3, 3)), LogisticRegression())
    explanation = explain(model.fit(TEXTS, LABELS), "cat", top=None)
    votes = dict(zip(explanation.features, explanation.votes[:, 0]))
    assert set(votes) == {"' ca'", "cat", "'at '"} or set(votes) == {" ca", "cat", "at "}
    votes = {name.strip("'"): vote for name, vote in votes.items()}
    ((_, spans),) = explanation.marked_texts
    expected = {
        (0, 1): votes[" ca"] / 2 + votes["cat"] / 3,
        (1, 2): votes[" ca"] / 2 + votes["cat"] / 3 + votes["at "] / 2,
        (2, 3): votes["cat"] / 3 + votes["at "] / 2,
    }
    assert {(start, end): vote for start, end, vote in spans} == pytest.approx(expected)
    html = explanation._repr_html_()
    assert "<bdi>cat</bdi></th><td>1</td>" in html[html.index("<details>") :]  # one word, not three letters


def named(explanation, vectorizer, text):
    """The terms in the names of features, by column."""
    found = {}
    for name in explanation.features:
        terms, _, column = name.rpartition(" (column ")
        found[int(column.rstrip(")"))] = terms
    return found


def test_hashed_columns_are_named_from_the_text():
    hasher = HashingVectorizer(n_features=16, norm=None)
    model = make_pipeline(hasher, LogisticRegression()).fit(TEXTS, LABELS)
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "one"]
    explanation = explain(model, " ".join(words), top=None)
    by_column = {}
    for word in dict.fromkeys(words):
        by_column.setdefault(int(hasher.transform([word]).indices[0]), []).append(word)
    signs = hasher.transform([" ".join(words)]).toarray()[0]
    assert max(map(len, by_column.values())) >= 2  # words that collide
    expected = {
        column: ", ".join(found[:3]) + ", …" * (len(found) > 3)
        for column, found in by_column.items()
        if signs[column]
    }
    assert named(explanation, hasher, words) == expected


@pytest.mark.parametrize(
    "input_type, sample, terms",
    [
        ("dict", {"word": "cat", "size": 2.0}, {"word=cat", "size"}),
        ("pair", [("word", "cat"), ("size", 2.0)], {"word=cat", "size"}),
        ("string", ["cat", "size"], {"cat", "size"}),
    ],
)
def test_hashed_features_of_dicts_pairs_and_strings(input_type, sample, terms):
    other = {"dict": {"b": 1}, "pair": [("b", 1)], "string": ["b"]}[input_type]
    model = make_pipeline(FeatureHasher(1 << 16, input_type=input_type), LogisticRegression())
    explanation = explain(model.fit([sample, other], [0, 1]), [sample])
    assert set(named(explanation, None, None).values()) == terms
    assert all(name.startswith("column ") for name, _ in top_features(model)[0])


def test_hashed_columns_of_a_table():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"title": TEXTS, "body": TEXTS[::-1]})
    parts = [(name, HashingVectorizer(n_features=1 << 10), name) for name in frame]
    model = make_pipeline(ColumnTransformer(parts), LogisticRegression()).fit(frame, LABELS)
    features = explain(model, frame.iloc[[0]], top=None).features
    for name in frame:
        of_part = {f.split("__")[1].split(" (")[0] for f in features if f.startswith(f"{name}__")}
        assert of_part == set(CountVectorizer().build_analyzer()(frame[name][0]))


def shap_of(explanation, monkeypatch):
    """With the real package where it is installed, else what it was called with."""
    try:
        import shap  # noqa: F401
    except ImportError:
        stand_in = ModuleType("shap")
        stand_in.Explanation = SimpleNamespace
        monkeypatch.setitem(sys.modules, "shap", stand_in)
    return explanation.to_shap()


@pytest.mark.parametrize("n_classes, top", [(2, 3), (2, None), (4, 3)])
@pytest.mark.filterwarnings("ignore")  # what shap's import warns of
def test_shap_values_sum_to_the_scores(monkeypatch, n_classes, top):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 6)), np.arange(40) % n_classes
    explanation = explain(MaxEntClassifier().fit(X, y), X[0], top=top)
    found = shap_of(explanation, monkeypatch)
    single = n_classes == 2
    m = 6 if top is None else top + 1
    assert np.shape(found.values) == ((m,) if single else (m, n_classes))
    np.testing.assert_allclose(
        np.sum(found.values, axis=0) + found.base_values, np.squeeze(explanation.scores)
    )
    names = [*explanation.features, *["3 other features"] * (top == 3)]
    assert list(found.feature_names) == names
    np.testing.assert_array_equal(found.data[: len(explanation.values)], explanation.values)
    assert np.isnan(found.data[len(explanation.values) :]).all()


@pytest.mark.filterwarnings("ignore")
def test_shap_of_joint_features(monkeypatch):
    data = ["aa", "b", "aaa", "bb", "c"]
    features = JointFeatures([lambda c, d: len(d) * (c == "x"), lambda c, d: float(d[0] == c)])
    explanation = explain(MaxEntClassifier(features=features).fit(data, ["x", "y", "x", "y", "z"]), "aa")
    found = shap_of(explanation, monkeypatch)
    np.testing.assert_allclose(found.values.sum(axis=0) + found.base_values, explanation.scores)
    np.testing.assert_array_equal(found.data, explanation.values[:, explanation.focus])


def test_without_shap(monkeypatch):
    explanation = explain(MaxEntClassifier().fit([[0.0], [1.0]], [0, 1]), [1.0])
    monkeypatch.setitem(sys.modules, "shap", None)
    with pytest.raises(ImportError, match=r"requires shap.*skmaxent\[shap\]"):
        explanation.to_shap()
