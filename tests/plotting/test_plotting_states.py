"""Pictures of recurrent networks: hidden states over a sequence, and displays for networks of any kind."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sequences import sentences
from sklearn.linear_model import LogisticRegression

from skmaxent import HiddenStatesDisplay, LossCurveDisplay, RecurrentClassifier, RecurrentTagger

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {"embedding_size": 4, "random_state": 0, "max_iter": 3}
X, LABELS, TAGS = sentences()


def test_the_states_of_both_directions_in_two_panels():
    tagger = RecurrentTagger((5, 3), **SMALL).fit(X, TAGS)
    sentence = ["the", "$dog", "barks"]
    display = HiddenStatesDisplay.from_estimator(tagger, sentence)
    (states,) = tagger.hidden_states([sentence])
    assert len(display.images_) == 2 == len(display.ax_)
    for image, units in zip(display.images_, display.units_):
        assert_array_equal(image.get_array(), states[:, units].T)
    assert sorted(np.concatenate(display.units_).tolist()) == [*range(6)]
    assert [tick.get_text() for tick in display.ax_[0].get_xticklabels()] == ["the", r"\$dog", "barks"]
    display.figure_.canvas.draw()
    first = HiddenStatesDisplay.from_estimator(tagger, sentence, layer=0, units=[7, 1, 2])
    assert [units.tolist() for units in first.units_] == [[1, 2], [7]]


def test_one_direction_and_vectors_in_the_axes_that_are_given(plt):
    series = [np.random.default_rng(i).normal(size=(4, 2)) for i in range(3)]
    model = RecurrentClassifier((40,), bidirectional=False, random_state=0, max_iter=2).fit(series, [0, 1, 0])
    _, ax = plt.subplots()
    display = HiddenStatesDisplay.from_estimator(model, series[0], ax=ax)
    assert display.ax_ is ax and display.units_[0].size == 30
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2", "3", "4"]


def test_what_has_no_states():
    with pytest.raises(ValueError, match="Expected 'estimator' to be a recurrent network"):
        HiddenStatesDisplay.from_estimator(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), [0.0])
    with pytest.raises(ValueError, match="Expected a name for each token"):
        HiddenStatesDisplay(np.zeros((2, 3)), ["a"])
    with pytest.raises(IndexError):
        HiddenStatesDisplay(np.zeros((1, 3)), ["a"], units=[3]).plot()


def test_loss_curves_of_recurrent_networks():
    model = RecurrentClassifier((4,), **SMALL).fit(X, LABELS, X_val=X, y_val=LABELS)
    display = LossCurveDisplay.from_estimator(model)
    drawn = [line.get_ydata().tolist() for line in display.ax_.lines]
    assert model.loss_curve_ in drawn
