"""Explanations of recurrent networks: votes of tokens are derivatives, and sum to the scores."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sequences import sentences
from sklearn.model_selection import GridSearchCV

from skmaxent import RecurrentClassifier, RecurrentTagger, VotesDisplay, explain, top_features

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {
    "embedding_size": 5,
    "random_state": 0,
    "max_iter": 5,
    "learning_rate_init": 0.02,
    "dtype": "float64",
}
X, LABELS, TAGS = sentences(30)


@pytest.fixture(scope="module")
def classifier():
    return RecurrentClassifier((4, 3), **SMALL).fit(X, LABELS)


@pytest.fixture(scope="module")
def tagger():
    return RecurrentTagger((4,), "gru", **SMALL).fit(X, TAGS)


def log_odds(log_proba):
    """Scores less their mean over the classes."""
    return log_proba - log_proba.mean(axis=-1, keepdims=True)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
@pytest.mark.parametrize("tags", [False, True])
def test_the_vote_of_a_vector_is_the_derivative_by_its_length(cell, tags):
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(n, 2)) for n in (4, 6, 3)]
    if tags:
        y = [rng.integers(0, 3, len(s)).tolist() for s in series]
        model = RecurrentTagger((5,), cell, random_state=0, max_iter=3).fit(series, y)
    else:
        model = RecurrentClassifier((5,), cell, random_state=0, max_iter=3).fit(series, [0, 1, 2])
    explanation = explain(model, series[1], 2 if tags else None, top=None)
    votes = dict(zip(explanation.features, explanation.votes))

    def scores(sequence):
        log_proba = model.predict_log_proba([sequence])[0]
        return log_odds(log_proba[2] if tags else log_proba)

    for t in range(6):
        longer, shorter = series[1].copy(), series[1].copy()
        longer[t] *= 1 + 1e-5
        shorter[t] *= 1 - 1e-5
        assert_allclose(votes[f"step {t}"], (scores(longer) - scores(shorter)) / 2e-5, atol=1e-9)
    assert_allclose(explanation.scores - explanation.class_mean, scores(series[1]), atol=1e-12)


def test_votes_of_words_sum_to_the_scores(classifier):
    explanation = explain(classifier, X[0], top=2)
    total = explanation.votes.sum(axis=0) + explanation.remainder + explanation.offset
    assert_allclose(total, log_odds(classifier.predict_log_proba(X[:1])[0]), atol=1e-12)
    assert explanation.prediction == classifier.predict(X[:1])[0]
    assert_allclose([*explanation.probabilities.values()], classifier.predict_proba(X[:1])[0])
    assert explanation.approximate and explanation.form == "tokens"
    ((text, spans),) = explanation.marked_texts
    assert [text[start:end] for start, end, _ in spans] == X[0]
    everything = explain(classifier, X[0], top=None)
    assert_allclose(sum(vote for *_, vote in spans), everything.votes[:, everything.focus].sum())
    assert "gradient times input" in str(explanation) and "<table" in explanation.to_html()
    assert explanation.to_frame().shape[0] == 6


def test_words_that_recur_have_their_places(classifier):
    explanation = explain(classifier, ["the", "dog", "the"], top=None)
    assert set(explanation.features) == {"the [0]", "dog", "the [2]"}


def test_a_contrast_and_an_empty_sequence(classifier):
    pro, con = (explain(classifier, X[0], contrast=pair) for pair in ((1, 0), (0, 1)))
    assert_allclose(pro.votes, -con.votes, atol=1e-14)
    empty = explain(classifier, [])
    assert empty.features == [] and empty.marked_texts == []
    shares = np.log(classifier.class_count_ / classifier.class_count_.sum())
    assert_allclose(empty.scores, shares)


def test_one_tag_of_a_sentence(tagger):
    for position in (0, len(X[0]) - 1, -1):
        explanation = explain(tagger, X[0], position, top=None)
        assert explanation.prediction == tagger.predict(X[:1])[0][position]
        proba = tagger.predict_proba(X[:1])[0][position]
        assert_allclose([*explanation.probabilities.values()], proba)
        assert_allclose(
            np.array([*explanation.probabilities]) == explanation.prediction, proba == proba.max()
        )


def test_what_cannot_be_explained(classifier, tagger):
    with pytest.raises(ValueError, match="explained token by token"):
        explain(tagger, X[0])
    with pytest.raises(ValueError, match=r"position=99 is not in the sentence, which has \d+ tokens"):
        explain(tagger, X[0], 99)
    with pytest.raises(ValueError, match="A position is for taggers"):
        explain(classifier, X[0], 0)
    with pytest.raises(ValueError, match=r"X\[0\] is a string where a sequence of tokens belongs"):
        explain(classifier, "the dog")
    with pytest.raises(ValueError, match="no weight of its own for each feature"):
        top_features(classifier)


def test_through_a_search_and_as_a_picture(classifier):
    search = GridSearchCV(RecurrentClassifier((3,), **SMALL), {"cell": ["gru"]}, cv=2).fit(X, LABELS)
    explanation = explain(search, X[0])
    assert_allclose([*explanation.probabilities.values()], search.predict_proba(X[:1])[0])
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    display = VotesDisplay.from_estimator(classifier, X[0])
    assert len(display.bars_) == len(explain(classifier, X[0]).table_rows())
    import matplotlib.pyplot as plt

    plt.close("all")
