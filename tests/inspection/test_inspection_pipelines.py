"""Names of features through pipelines, and the marks on the words of a text."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold, chi2
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from skmaxent import explain, top_features
from skmaxent.inspection.origins import input_columns, names_of, trace

TEXTS = [
    "the black cat sat on the mat",
    "a dog barks at the cat",
    "the stock market fell today",
    "stocks and bonds rose on Montréal's market",
    "Café owners in Montréal protest",
    "the dog sat on the stock",
] * 2
LABELS = ["pets", "pets", "money", "money", "news", "pets"] * 2
DICTS = [{"word": text.split()[0], "length": len(text), "last": text[-1]} for text in TEXTS]

TEXT_STEPS = {
    "tfidf": [TfidfVectorizer(ngram_range=(1, 2))],
    "counts, tfidf": [CountVectorizer(), TfidfTransformer(), MaxAbsScaler()],
    "selection": [TfidfVectorizer(), SelectKBest(chi2, k=9), VarianceThreshold()],
    "union": [FeatureUnion([("words", TfidfVectorizer()), ("chars", CountVectorizer(analyzer="char"))])],
    "union, then selection": [
        FeatureUnion(
            [
                ("drop me", "drop"),
                ("words", make_pipeline(CountVectorizer(), SelectKBest(chi2, k=5), TfidfTransformer())),
                ("more", make_pipeline(TfidfVectorizer(), FeatureUnion([("as is", "passthrough")]))),
            ]
        ),
        "passthrough",
        SelectKBest(chi2, k=9),
    ],
    "components": [TfidfVectorizer(), TruncatedSVD(3, random_state=0)],
    "polynomial": [
        CountVectorizer(max_features=4),
        PolynomialFeatures(2, include_bias=False),
        StandardScaler(with_mean=False),
    ],
}


@pytest.mark.parametrize("name", TEXT_STEPS)
def test_names_equal_get_feature_names_out(name):
    model = make_pipeline(*TEXT_STEPS[name], LogisticRegression()).fit(TEXTS, LABELS)
    expected = model[:-1].get_feature_names_out()
    steps = [step for _, step in model.steps[:-1]]
    columns = np.random.default_rng(0).permutation(expected.size)
    leaves = trace(steps, columns, expected.size, input_columns(None))
    assert names_of(leaves, columns.size) == expected[columns].tolist()


@pytest.mark.parametrize("name", TEXT_STEPS)
def test_text_pipelines_explain_a_raw_text(name):
    model = make_pipeline(*TEXT_STEPS[name], LogisticRegression()).fit(TEXTS, LABELS)
    for row in (TEXTS[3], [TEXTS[3]], np.array([TEXTS[3]])):
        explanation = explain(model, row, top=4)
        expected = model.decision_function([TEXTS[3]])[0]
        np.testing.assert_allclose(explanation.scores, expected, rtol=1e-12, atol=1e-12)
    values = dict(zip(model[:-1].get_feature_names_out(), np.ravel(_dense(model[:-1].transform([TEXTS[3]])))))
    for feature, value in zip(explanation.features, explanation.values):
        assert values[feature] == pytest.approx(value)


def _dense(X):
    return X.toarray() if hasattr(X, "toarray") else X


@pytest.mark.parametrize(
    "vectorizer, prefix", [(DictVectorizer(), "word=stocks"), (FeatureHasher(64), "word=stocks (column ")]
)
def test_dict_rows(vectorizer, prefix):
    model = make_pipeline(vectorizer, LogisticRegression(max_iter=1000)).fit(DICTS, LABELS)
    for row in (DICTS[3], [DICTS[3]]):
        explanation = explain(model, row)
        np.testing.assert_allclose(explanation.scores, model.decision_function([DICTS[3]])[0], rtol=1e-12)
    assert any(name.startswith(prefix) for name in explanation.features)


def test_hashed_columns_show_their_number():
    union = FeatureUnion(
        [
            ("lengths", FunctionTransformer(lambda texts: np.array([[len(text)] for text in texts]))),
            ("hashed", HashingVectorizer(n_features=32, norm=None)),
            ("words", CountVectorizer()),
        ]
    )
    model = make_pipeline(union, VarianceThreshold(), LogisticRegression(max_iter=5000)).fit(TEXTS, LABELS)
    explanation = explain(model, TEXTS[0], top=None)
    column = HashingVectorizer(n_features=32).transform(["mat"]).indices[0]
    assert f"hashed__mat (column {column})" in explanation.features
    assert f"hashed__column {column}" in [name for name, _ in top_features(model, n=99)[LABELS[0]]]
    assert {"lengths__column 0", "words__mat"} <= set(explanation.features)
    hidden = FeatureUnion([*union.transformer_list, ("again", union.transformer_list[0][1])])
    model = make_pipeline(hidden, LogisticRegression(max_iter=5000)).fit(TEXTS, LABELS)
    assert "column 0" in explain(model, TEXTS[0], top=None).features


# scikit-learn 1.6 announces that its own internal lists of columns will change.
@pytest.mark.filterwarnings(r"ignore:\s*The format of the columns:FutureWarning")
@pytest.mark.parametrize("verbose", [True, False, "{feature_name}@{transformer_name}"])
@pytest.mark.parametrize("by_name", [True, False])
def test_column_transformer(verbose, by_name):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "text": TEXTS,
            "length": [len(text) for text in TEXTS],
            "source": ["web", "paper"] * 6,
            "votes": range(len(TEXTS)),
            "unused": 1.0,
        }
    )
    spec = [("text", TfidfVectorizer(), "text"), ("kind", OneHotEncoder(), ["source"])]
    spec += [("scaled", StandardScaler(), ["votes"]), ("gone", "drop", ["unused"])]
    if not by_name:
        where = {column: i for i, column in enumerate(frame)}
        spec = [
            (name, step, where[column] if isinstance(column, str) else [where[column[0]]])
            for name, step, column in spec
        ]
    columns = ColumnTransformer(spec, remainder="passthrough", verbose_feature_names_out=verbose)
    model = make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(frame, LABELS)
    explanation = explain(model, frame.iloc[[1]], top=None)
    np.testing.assert_allclose(explanation.scores, model.decision_function(frame.iloc[[1]])[0], rtol=1e-12)
    row = _dense(columns.transform(frame.iloc[[1]]))[0]
    expected = dict(zip(columns.get_feature_names_out(), row))
    assert dict(zip(explanation.features, explanation.values)) == pytest.approx(
        {name: value for name, value in expected.items() if value}
    )
    np.testing.assert_allclose(explain(model, frame.iloc[1], top=None).votes, explanation.votes)
    if by_name:
        assert explanation.marked_texts[0][0] == TEXTS[1]


def test_feature_names_of_a_frame():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"tall": [1.0, 2, 3, 4], "wide": [4.0, 1, 5, 2]})
    for model in (LogisticRegression(), Pipeline([("one", LogisticRegression())])):
        model.fit(frame, [0, 1, 0, 1])
        assert set(explain(model, frame.iloc[[0]]).features) == {"tall", "wide"}
        assert top_features(model, n=1, class_=1).keys() == {1}
    model = make_pipeline(StandardScaler(), LogisticRegression()).set_output(transform="pandas")
    model.fit(frame, [0, 1, 0, 1])
    explanation = explain(model, frame.iloc[0])
    np.testing.assert_allclose(explanation.scores, model.decision_function(frame.iloc[[0]]), rtol=1e-12)
    assert set(explanation.features) == {"tall", "wide"}


def test_marks_cover_words_and_sum_to_the_votes():
    model = make_pipeline(CountVectorizer(ngram_range=(1, 2), strip_accents="unicode"), LogisticRegression())
    model.fit(TEXTS, LABELS)
    text = "İ say: the STOCK market of Montréal, the market!"
    explanation = explain(model, text, top=None)
    ((marked, spans),) = explanation.marked_texts
    assert marked == text
    words = [text[start:end] for start, end, _ in spans]
    assert words == ["the", "STOCK", "market", "Montréal", "the", "market"]
    assert sum(vote for *_, vote in spans) == pytest.approx(explanation.votes[:, explanation.focus].sum())
    # "market" counts twice: half of its vote each time, and half of its bigram where it has one
    votes = dict(zip(explanation.features, explanation.votes[:, explanation.focus]))
    assert spans[5][2] == pytest.approx(votes["market"] / 2)
    assert spans[2][2] == pytest.approx(votes["market"] / 2 + votes["stock market"] / 2)


@pytest.mark.parametrize(
    "vectorizer",
    [
        TfidfVectorizer(stop_words=["the", "on"], ngram_range=(1, 3)),
        TfidfVectorizer(token_pattern=r"\b(\w)\w+\b"),
        TfidfVectorizer(tokenizer=str.split, token_pattern=None),
        HashingVectorizer(n_features=1 << 12),
        HashingVectorizer(n_features=1 << 12, alternate_sign=False, ngram_range=(1, 2)),
        make_pipeline(FunctionTransformer(lambda texts: [text.upper() for text in texts]), CountVectorizer()),
    ],
)
def test_marks_of_every_tokenization(vectorizer):
    model = make_pipeline(vectorizer, LogisticRegression()).fit(TEXTS, LABELS)
    explanation = explain(model, TEXTS[0], top=None)
    ((text, spans),) = explanation.marked_texts
    assert text.lower() == TEXTS[0]
    assert sum(vote for *_, vote in spans) == pytest.approx(explanation.votes[:, explanation.focus].sum())
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize(
    "vectorizer",
    [CountVectorizer(analyzer=str.split), HashingVectorizer(n_features=64, analyzer=str.split)],
)
def test_no_marks_where_places_are_unknown(vectorizer):
    model = make_pipeline(vectorizer, LogisticRegression()).fit(TEXTS, LABELS)
    assert explain(model, TEXTS[0]).marked_texts == []


def test_own_preprocessor_that_changes_the_length_marks_nothing():
    model = make_pipeline(CountVectorizer(preprocessor=lambda text: text + " end"), LogisticRegression())
    explanation = explain(model.fit(TEXTS, LABELS), TEXTS[0])
    assert explanation.marked_texts == [(TEXTS[0], [])]
