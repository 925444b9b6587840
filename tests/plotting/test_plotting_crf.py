"""The picture of a CRF's transitions shows its weights."""

import numpy as np
from sklearn.pipeline import make_pipeline
from tagged_sentences import sentences

from skmaxent import CRFTagger, TokenFeatures, TransitionsDisplay

X, Y = sentences(30)


def as_it_is(tokens, i):
    return tokens[i]


def test_squares_are_the_weights(plt):
    model = make_pipeline(TokenFeatures(as_it_is), CRFTagger()).fit(X, Y)
    display = TransitionsDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.image_.get_array(), model[-1].transitions_)
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == model[-1].classes_.tolist()
    low, high = display.image_.get_clim()
    assert low == -high and high >= np.abs(model[-1].transitions_).max()
    _, (left, right) = plt.subplots(1, 2)
    assert display.plot(ax=right).ax_ is right and not left.images
