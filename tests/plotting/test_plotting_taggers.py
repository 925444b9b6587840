"""Pictures of taggers: transitions as cells, votes of a token."""

import numpy as np
import pytest
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from tagged_sentences import sentences

from skmaxent import MaxEntTagger, TokenFeatures, TransitionsDisplay, VotesDisplay, explain
from skmaxent.sequences import word_features

X, Y = sentences(30)


def test_transitions_are_the_cells(plt):
    words = [[token["word"] for token in sentence] for sentence in X]
    model = make_pipeline(TokenFeatures(word_features), MaxEntTagger()).fit(words, Y)
    display = TransitionsDisplay.from_estimator(model)
    np.testing.assert_allclose(display.image_.get_array(), model[-1].transitions_)
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["DET", "NOUN", "VERB"]
    assert len(display.ax_.texts) == 9 and display.ax_.get_title() == "MaxEntTagger: transitions"
    figure, ax = plt.subplots()
    some = TransitionsDisplay.from_estimator(model, tags=["VERB", "DET"], ax=ax, cmap="PuOr")
    assert some.ax_ is ax and some.figure_ is figure and some.image_.get_cmap().name == "PuOr"
    np.testing.assert_allclose(some.image_.get_array(), model[-1].transitions_[[2, 0]][:, [2, 0]])
    some.figure_.canvas.draw()


def test_many_tags_have_no_numbers(plt):
    display = TransitionsDisplay(np.zeros((20, 20)), range(20)).plot()
    assert not display.ax_.texts and display.ax_.get_title() == ""


def test_votes_of_a_token(plt):
    tagger = MaxEntTagger().fit(X, Y)
    sentence = [{"word": "the"}, {"word": "dog"}]
    display = VotesDisplay.from_estimator(tagger, sentence, 1, top=2)
    expected = [
        row.votes[display.explanation.focus] for row in explain(tagger, sentence, 1, top=2).table_rows()
    ]
    np.testing.assert_allclose([bar.get_width() for bar in display.bars_], expected)


def test_errors(plt):
    with pytest.raises(ValueError, match="a tagger with transitions_"):
        TransitionsDisplay.from_estimator(MaxEntTagger(MultinomialNB()).fit(X, Y))
    with pytest.raises(ValueError, match="'ADJ' is not a valid tag"):
        TransitionsDisplay.from_estimator(MaxEntTagger().fit(X, Y), tags=["ADJ"])
    with pytest.raises(ValueError, match=r"transitions must have shape \(3, 3\)"):
        TransitionsDisplay(np.zeros((2, 3)), "abc")
