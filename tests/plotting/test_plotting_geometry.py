"""Every text of a picture is inside of it and over no other: many classes, long and right-to-left names."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmaxent import (
    CoefficientsDisplay,
    ConvergenceDisplay,
    HiddenStatesDisplay,
    LossCurveDisplay,
    PathDisplay,
    TransitionsDisplay,
    VotesDisplay,
    VoteSummaryDisplay,
    explain_many,
)
from skmaxent.plotting.base import AGAINST, COLOURS, FOR, line_style

D = 30
LONG = "the quite long name of a {} that somebody has chosen with care, number {} of $many$"
ARABIC = "الانتخابات البرلمانية في {} رقم {}"


def rng(seed=0):
    return np.random.default_rng(seed)


def names(kind, form, n):
    pattern = {"short": "{:.1}{}", "long": LONG, "arabic": ARABIC}[form]
    return [pattern.format(kind, i) for i in range(n)]


def fitted(n_classes, form, intercept=0.0):
    """A logistic regression of K classes, and a pipeline around it that knows the names of the columns."""
    scaler = StandardScaler(with_mean=False, with_std=False).fit(np.eye(D))
    scaler.feature_names_in_ = np.array(names("feature", form, D), dtype=object)
    model = LogisticRegression()
    rows = 1 if n_classes == 2 else n_classes
    model.coef_, model.intercept_ = rng().normal(size=(rows, D)), rng().normal(size=rows) + intercept
    model.classes_ = np.array(sorted(names("class", form, n_classes)), dtype=object)
    model.n_features_in_ = D
    return make_pipeline(scaler, model)


def row(form):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(rng().normal(size=(1, D)) * 50, columns=names("feature", form, D))


def path(form, n):
    Cs = np.logspace(-4, 4, 9)
    coefs = np.log1p(Cs)[:, None] ** 3 * rng().normal(size=D)
    title = f"Search: weights for {names('class', form, n)[-1]}"
    scores = rng().random((3, 9))
    return PathDisplay(Cs, coefs, names=names("feature", form, D), scores=scores, best_C=0.1, title=title)


def states(form, n):
    sequence = names("token", form, n)
    return HiddenStatesDisplay(np.tanh(rng().normal(size=(n, 12))), sequence, n_forward=6, title="Network")


def history():
    steps = np.arange(9)
    return {
        **dict.fromkeys(("iteration", "seconds"), steps),
        **dict.fromkeys(("objective", "gap", "kkt"), 0.1**steps),
    }


def curves(form):
    title = names("network", form, 3)[-1]
    return LossCurveDisplay(
        0.9 ** np.arange(30),
        validation_loss=0.95 ** np.arange(30),
        validation_score=np.arange(30) / 30,
        estimator_name=title,
    )


def summary(form, n):
    pd = pytest.importorskip("pandas")
    rows = pd.DataFrame(rng().normal(size=(50, D)), columns=names("feature", form, D))
    return explain_many(fitted(n, form), rows, class_=names("class", form, n)[-1])


DISPLAYS = {
    "summary": lambda n, form, ax: VoteSummaryDisplay(summary(form, n)).plot(ax),
    "votes": lambda n, form, ax: VotesDisplay.from_estimator(fitted(n, form), row(form), ax=ax),
    "coefficients": lambda n, form, ax: CoefficientsDisplay.from_estimator(fitted(n, form), n=6, ax=ax),
    "convergence": lambda n, form, ax: ConvergenceDisplay(history(), estimator_name=LONG).plot(ax),
    "loss": lambda n, form, ax: curves(form).plot(ax),
    "path": lambda n, form, ax: path(form, n).plot(ax),
    "states": lambda n, form, ax: states(form, min(n, 200)).plot(ax),
    "transitions": lambda n, form, ax: TransitionsDisplay(
        rng().normal(size=(n, n)), names("tag", form, n), title="Tagger"
    ).plot(ax),
}
CASES = [
    *(
        (name, n, "long")
        for name in ("votes", "summary", "coefficients", "path", "states", "transitions")
        for n in (2, 20)
    ),
    *((name, 20, "arabic") for name in ("votes", "summary", "path", "states", "transitions")),
    *((name, 1000, "long") for name in ("votes", "transitions", "states")),
    *((name, 2, "short") for name in DISPLAYS),
    ("loss", 2, "long"),
    ("coefficients", 2, "arabic"),
]


def texts_of(figure):
    """(text, its box) of all that is written in a figure."""
    figure.draw_without_rendering()
    matplotlib = pytest.importorskip("matplotlib")
    found = [
        text
        for text in figure.findobj(matplotlib.text.Text)
        if text.get_visible() and text.get_text().strip()
    ]
    hidden = {
        text
        for ax in figure.axes
        if not ax.axison
        for axis in (ax.xaxis, ax.yaxis)
        for text in axis.findobj(matplotlib.text.Text)
    }
    return [(text, text.get_window_extent()) for text in found if text not in hidden]


def ticks_of(ax):
    return [
        [tick for tick in labels if tick.get_text()]
        for labels in (ax.get_xticklabels(), ax.get_yticklabels())
    ]


def assert_inside(box, room, text):
    x0, y0, x1, y1 = np.array(box.extents) - room
    assert x0 >= -1 and y0 >= -1 and x1 <= 1 and y1 <= 1, (text, box, room)


def assert_no_tick_hides_another(figure):
    for ax in figure.axes:
        if ax.axison:
            for labels in ticks_of(ax):
                for one, other in pairwise(labels):
                    if one.get_rotation() in (0, 90):  # boxes of other angles are larger than their letters
                        first, second = one.get_window_extent(), other.get_window_extent()
                        assert not first.padded(-1).overlaps(second), (one, other)


def assert_no_text_is_over_a_colour_bar(figure):
    for ax in figure.axes:
        for bar in ax.child_axes:
            for text in ax.texts:
                assert not text.get_window_extent().overlaps(bar.get_window_extent()), text


def visible(figure):
    """Texts that are drawn: ticks beyond the limits of their axis are not."""
    low_high = {}
    for ax in figure.axes + [child for parent in figure.axes for child in parent.child_axes]:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                inside = low - 1e-9 * (high - low) <= tick.get_loc() <= high + 1e-9 * (high - low)
                low_high[tick.label1] = low_high[tick.label2] = inside
    return [(text, box) for text, box in texts_of(figure) if low_high.get(text, True)]


@pytest.mark.parametrize("name, n, form", CASES)
def test_all_is_inside_of_the_figure(plt, name, n, form):
    figure = DISPLAYS[name](n, form, None).figure_
    texts = visible(figure)
    assert len(texts) > 5
    for text, box in texts:
        assert_inside(box, np.array(figure.bbox.extents), text)
    assert_no_tick_hides_another(figure)
    assert_no_text_is_over_a_colour_bar(figure)
    assert max(figure.get_size_inches()) <= 60


@pytest.mark.parametrize(
    "name, form, place",
    [
        *((name, "long", place) for name in DISPLAYS for place in (0, 1)),
        *((name, "arabic", 1) for name in ("votes", "path", "states")),
    ],
)
def test_nothing_is_over_the_neighbour_of_a_given_axes(plt, name, form, place):
    figure, axes = plt.subplots(1, 2, figsize=(12, 5))
    neighbour = axes[1 - place]
    neighbour.set(ylabel="a neighbour", title="beside")
    others = {text for text, _ in texts_of(figure) if text.axes is neighbour or text is neighbour.yaxis.label}
    others |= {tick for labels in ticks_of(neighbour) for tick in labels}
    DISPLAYS[name](20, form, axes[place])
    taken = neighbour.get_tightbbox()
    for text, box in visible(figure):
        if text not in others:
            assert_inside(box, np.array(figure.bbox.extents), text)
            assert not box.overlaps(taken), text
    assert_no_tick_hides_another(figure)
    assert_no_text_is_over_a_colour_bar(figure)
    assert np.allclose(
        neighbour.get_position().extents, neighbour.get_subplotspec().get_position(figure).extents
    )


def test_classes_that_have_no_room_in_a_given_axes_are_counted(plt):
    _, axes = plt.subplots(1, 2, figsize=(9, 3))
    display = CoefficientsDisplay.from_estimator(fitted(8, "short"), n=6, ax=axes[0])
    assert len(display.axes_) < 8
    assert f"{len(display.axes_)} of 8 classes" in display.axes_[-1].get_xlabel().replace("\n", " ")
    for panel, (class_, pairs) in zip(display.axes_, display.top.items()):
        lengths = [bar.get_width() for bar in panel.patches]
        weakest = min(map(abs, lengths))
        assert lengths == [weight for _, weight in pairs if abs(weight) >= weakest]
        assert panel.get_title() == class_
    many = CoefficientsDisplay.from_estimator(fitted(20, "short"), n=6, ax=axes[1])
    assert f"{len(many.axes_)} of 20 classes" in many.axes_[-1].get_xlabel().replace("\n", " ")


@pytest.mark.parametrize("form", ["long", "arabic"])
@pytest.mark.parametrize("name", DISPLAYS)
def test_small_axes_above_a_neighbour_with_a_title(plt, name, form):
    figure, axes = plt.subplots(2, 2, figsize=(10, 7))
    axes[1, 0].set(title="a neighbour", ylabel="its values")
    axes[0, 1].set(ylabel="beside")
    DISPLAYS[name](20, form, axes[0, 0])
    texts = [(text, box) for text, box in visible(figure) if text.get_rotation() in (0, 90)]
    for text, box in texts:
        assert_inside(box, np.array(figure.bbox.extents), text)
    for (text, one), (other, box) in combinations(texts, 2):
        assert not one.padded(-1).overlaps(box), (text, other)
    for legend in filter(None, (ax.get_legend() for ax in figure.axes)):
        assert not legend.get_window_extent().overlaps(legend.axes.bbox.padded(-1))


def test_two_displays_one_above_the_other(plt):
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(7, 8))
    DISPLAYS["votes"](3, "long", upper)
    DISPLAYS["coefficients"](2, "long", lower)
    boxes = [box for _, box in visible(figure)]
    for one, other in combinations(boxes, 2):
        assert not one.padded(-1.5).overlaps(other), (one, other)


@pytest.mark.parametrize("name", DISPLAYS)
def test_axes_with_a_place_of_their_own_and_a_layout_of_the_figure(plt, name):
    free = plt.figure(figsize=(9, 7))
    DISPLAYS[name](3, "long", free.add_axes((0.4, 0.3, 0.5, 0.5)))
    for text, box in visible(free):
        assert_inside(box, np.array(free.bbox.extents), text)
    arranged, axes = plt.subplots(1, 2, figsize=(14, 6), layout="constrained")
    DISPLAYS[name](3, "long", axes[1])
    for text, box in visible(arranged):
        assert_inside(box, np.array(arranged.bbox.extents), text)


def test_votes_are_not_dwarfed_by_the_intercept_or_the_sum(plt):
    display = VotesDisplay.from_estimator(fitted(2, "short", intercept=1e5), row("short"))
    votes = display.explanation.votes[:, 0]
    low, high = display.ax_.get_xlim()
    assert high - low < 4 * np.abs(votes).max()
    marks = [text.get_position()[1] for text in display.ax_.texts if text.get_text() == "//"]
    lengths = np.array([bar.get_width() for bar in display.bars_])
    assert marks == np.flatnonzero((lengths > high) | (lengths < low)).tolist() and len(marks) >= 2
    numbers = [text.get_text() for text in display.ax_.texts if text.get_text() != "//"]
    decimal = 10.0 ** -max(len(number.partition(".")[2]) for number in numbers)
    assert np.allclose([*map(float, numbers)], lengths, rtol=0, atol=decimal)
    assert "//: longer than shown" in display.ax_.get_xlabel()


def test_a_path_is_read_at_the_chosen_C(plt):
    display = path("short", 2).plot(n=5)
    at = np.flatnonzero(np.isclose(display.Cs, 0.1))[0]
    largest = np.abs(display.coefs[at]).max()
    low, high = display.ax_.get_ylim()
    assert high - low <= 4.01 * largest < np.abs(display.coefs).max()
    entries = [text.get_text().split("  ") for text in display.ax_.get_legend().get_texts()]
    weights = [float(weight) for weight, _ in entries]
    assert weights == sorted(weights, reverse=True)
    named = dict(zip(names("feature", "short", D), display.coefs[at]))
    assert np.allclose(weights, [named[name] for _, name in entries], rtol=1e-2)
    assert display.ax_.get_legend().get_title().get_text() == "weights at C = 0.1"


@pytest.mark.parametrize("n_kept", [0, 3])
def test_a_path_names_no_weights_that_are_0_at_the_chosen_C(plt, n_kept):
    coefs = np.linspace(0, 1, 5)[:, None] * np.arange(1, 9)
    coefs[2, n_kept:] = 0
    display = PathDisplay(np.logspace(-2, 2, 5), coefs, best_C=1.0).plot()
    entries = [text.get_text().split("  ")[1] for text in display.ax_.get_legend().get_texts()]
    assert entries == [*map(str, range(n_kept))][::-1]
    assert len(display.ax_.lines) == 8 + n_kept + 1  # paths, points at C, the line at C


def luminance(colour):
    """Relative luminance of WCAG 2."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


# Machado, Oliveira, Fernandes (2009), severity 1, on linear RGB.
BLIND = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def test_colours_are_told_apart_on_any_page_by_anybody(plt):
    from matplotlib.colors import to_rgb

    for colour in {*COLOURS, FOR, AGAINST}:
        light = luminance(colour)
        assert 1.05 / (light + 0.05) >= 3 and (light + 0.05) / 0.05 >= 3, colour
    for matrix in BLIND.values():
        for one, other in [(FOR, AGAINST), *pairwise(COLOURS)]:
            linear = np.array([to_rgb(one), to_rgb(other)]) ** 2.2
            first, second = np.clip(linear @ np.transpose(matrix), 0, 1) ** (1 / 2.2)
            assert np.linalg.norm(first - second) > 0.4, (one, other)
    styles = [line_style(i) for i in range(12)]
    assert len({tuple(style.values()) for style in styles}) == 12
    assert all(one["linestyle"] != other["linestyle"] for one, other in pairwise(styles))


@pytest.mark.parametrize("name", DISPLAYS)
def test_dark_pages(plt, name):
    with plt.style.context("dark_background"):
        figure = DISPLAYS[name](3, "short", None).figure_
        for text, _ in visible(figure):
            on_image = text.axes is not None and text.axes.images and text in text.axes.texts
            if not on_image and text.get_text() != "//":
                assert luminance(text.get_color()) > 0.5, text
        for ax in figure.axes:
            for line in ax.lines:
                assert luminance(line.get_color()) >= 0.1
