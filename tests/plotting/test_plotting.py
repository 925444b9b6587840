"""The displays draw what the model says, in scikit-learn's convention."""

import sys
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmaxent
from skmaxent import CoefficientsDisplay, ConvergenceDisplay, LossCurveDisplay, VotesDisplay

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 6))
Y = np.array(["ant", "bee", "$cow$"])[np.argmax(X[:, :3], axis=1)]


def linear():
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


def network(**parameters):
    return make_pipeline(StandardScaler(), MLPClassifier((4,), **{"max_iter": 60, "tol": 0, **parameters}))


def converged():
    model = LogisticRegression().fit(X, Y)
    steps = np.arange(6)
    gap = np.array([np.inf, 1e-1, 1e-2, np.nan, 1e-5, 0.0])
    history = {"iteration": steps, "seconds": steps / 10, "objective": 1 + 0.5**steps, "gap": gap, "kkt": gap}
    model.convergence_ = {"history": history}
    return model


@pytest.fixture
def displays(plt):
    model = network(early_stopping=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # whether it comes depends on the version
        model.fit(X, np.unique(Y, return_inverse=True)[1])  # numbers: old versions fail on text here
    return {
        "votes": lambda ax=None: VotesDisplay.from_estimator(linear(), X[0], top=3, ax=ax),
        "coefficients": lambda ax=None: CoefficientsDisplay.from_estimator(linear(), n=3, ax=ax),
        "convergence": lambda ax=None: ConvergenceDisplay.from_estimator(converged(), ax=ax),
        "loss": lambda ax=None: LossCurveDisplay.from_estimator(model, ax=ax),
    }


@pytest.mark.parametrize("name", ["votes", "coefficients", "convergence", "loss"])
def test_convention(displays, plt, name):
    display = displays[name]()
    assert display.ax_.figure is display.figure_
    assert display.plot() is display
    figure, (left, right) = plt.subplots(1, 2)
    inside = displays[name](ax=right)
    assert inside.figure_ is figure
    figure.canvas.draw()
    box = right.get_subplotspec().get_position(figure)
    for ax in figure.axes:
        if ax is not left:
            assert ax.get_position().x0 >= box.x0 - 0.01
            assert ax.get_position().x1 <= box.x1 + 0.01


def test_bars_are_the_votes(plt):
    display = VotesDisplay.from_estimator(linear(), X[0], top=3, color="black")
    widths = [bar.get_width() for bar in display.bars_]
    score = linear().decision_function(X[:1])[0].max()
    assert widths[-1] == pytest.approx(score)
    assert sum(widths[:-1]) == pytest.approx(score)
    assert display.ax_.get_yticklabels()[-1].get_text() == "decision function"
    assert display.bars_[0].get_facecolor()[:3] == (0, 0, 0)
    other = VotesDisplay(display.explanation, class_="$cow$").plot()
    assert other.bars_[-1].get_width() == pytest.approx(linear().decision_function(X[:1])[0, 0])
    assert other.ax_.get_title() == r"LogisticRegression: \$cow\$"
    with pytest.raises(ValueError, match="class_='owl' is not a valid label"):
        VotesDisplay(display.explanation, class_="owl")


def test_panels_are_the_classes(plt):
    display = CoefficientsDisplay.from_estimator(linear(), n=2)
    assert [panel.get_title() for panel in display.axes_] == [r"\$cow\$", "ant", "bee"]
    top = skmaxent.top_features(linear(), n=2)
    for panel, pairs in zip(display.axes_, top.values()):
        assert [bar.get_width() for bar in panel.patches] == pytest.approx([weight for _, weight in pairs])
        assert [tick.get_text() for tick in panel.get_yticklabels()] == [name for name, _ in pairs]
    chosen = CoefficientsDisplay.from_estimator(linear(), classes=["bee", "ant"])
    assert [panel.get_title() for panel in chosen.axes_] == ["bee", "ant"]
    many = LogisticRegression().fit(np.tile(np.eye(30), (3, 1)), np.tile(np.arange(30), 3))
    display = CoefficientsDisplay.from_estimator(many, n=2)
    assert len(display.axes_) == 12
    assert display.figure_._suptitle.get_text().endswith("strongest features of the first 12 of 30 classes")


def test_convergence_leaves_out_what_has_no_place(plt):
    display = ConvergenceDisplay.from_estimator(converged())
    assert display.axes_.shape == (2, 2)
    np.testing.assert_allclose(display.axes_[0, 1].lines[0].get_xdata(), np.arange(6) / 10)
    np.testing.assert_allclose(display.axes_[1, 0].lines[0].get_ydata(), [1e-1, 1e-2, 1e-5])
    labels = [text.get_text() for text in display.axes_[1, 0].get_legend().get_texts()]
    assert labels == ["duality gap", "KKT violation"]


def test_loss_curves(displays, plt):
    display = displays["loss"]()
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["training loss", "validation score"]
    assert len(display.ax_.lines[0].get_xdata()) == len(display.loss)
    plain = LossCurveDisplay([3.0, 2.0], validation_loss=[3.5, 3.0]).plot()
    assert len(plain.ax_.lines) == 2 and plain.score_ax_ is None


def test_errors(plt):
    with pytest.raises(ValueError, match=r"attribute convergence_ with a history\. Got LogisticRegression"):
        ConvergenceDisplay.from_estimator(linear())
    with pytest.raises(ValueError, match=r"attribute loss_curve_\. Got MLPClassifier instead"):
        LossCurveDisplay.from_estimator(network(solver="lbfgs", max_iter=1000, tol=1e-3).fit(X, Y))


@pytest.mark.parametrize("display", [VotesDisplay, CoefficientsDisplay, ConvergenceDisplay, LossCurveDisplay])
def test_without_matplotlib(monkeypatch, display):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    arguments = (linear(), X[0]) if display is VotesDisplay else (linear(),)
    with pytest.raises(ImportError, match=f"{display.__name__}.from_estimator requires matplotlib"):
        display.from_estimator(*arguments)
