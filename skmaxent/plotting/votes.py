"""Pictures of weights and votes: bars with the names of features."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from ..inspection import explain, final_estimator
from ..inspection.text import heading, number_format, probability_text
from ..inspection.top import top_of_classes
from .base import AGAINST, FOR, NEUTRAL, Panels, label, plain, pyplot, room_of, room_points

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

    from ..inspection import Explanation
    from ..inspection.top import TopFeatures

_MOST_CLASSES = 12
_LONGEST = 1.6  # times the largest vote of a feature: the length at which bars are cut
_CUT = "//"


class VotesDisplay:
    """The votes of one prediction as bars, the largest on top; they sum to the score.

    Numbers stand at the right. An intercept, remainder or sum that would dwarf the votes is cut, and marked.
    It is recommended to use `from_estimator` to create a `VotesDisplay`.

    Parameters
    ----------
    explanation : Explanation
        What `skmaxent.explain` returned.
    class_ : class label, optional
        The class whose votes are drawn; by default the one with the highest score. A binary model
        and a contrast have only one column of votes.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer

    Raises
    ------
    ValueError
        If the explanation has no votes for `class_`.

    See Also
    --------
    explain : The votes in a table.
    CoefficientsDisplay : The weights of a model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, VotesDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = VotesDisplay.from_estimator(MaxEntClassifier().fit(X, y), X[0], top=1)
    >>> [tick.get_text() for tick in display.ax_.get_yticklabels()]
    ['x2 = 1.4', '3 other features', 'intercept', 'decision function']
    """

    ax_: Any
    figure_: Any
    bars_: Any

    def __init__(self, explanation: Explanation, *, class_: Any = None):
        if class_ is not None and class_ not in explanation.classes:
            raise ValueError(
                f"class_={class_!r} is not a valid label. It should be one of {explanation.classes}."
            )
        self.explanation = explanation
        self.class_ = class_

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X_row: Any,
        position: int | None = None,
        *,
        top: int | None = 10,
        contrast: tuple[Any, Any] | list[Any] | None = None,
        class_: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Explain one sample and draw the votes.

        Parameters
        ----------
        estimator : estimator
            Fitted, as for `skmaxent.explain`.
        X_row : sample
            As for `skmaxent.explain`.
        position : int, optional
            Of the token, for a tagger.
        top : int or None, default=10
            Number of features to show.
        contrast : pair of classes, optional
            Two classes to compare.
        class_ : class label, optional
            The class whose votes are drawn, see `VotesDisplay`.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `barh`.

        Returns
        -------
        display : VotesDisplay
        """
        pyplot(f"{cls.__name__}.from_estimator")
        explanation = explain(estimator, X_row, position, top=top, contrast=contrast)
        return cls(explanation, class_=class_).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the votes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `barh`.

        Returns
        -------
        display : VotesDisplay
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        explanation = self.explanation
        column = explanation.focus if self.class_ is None else explanation.classes.index(self.class_)
        rows = explanation.table_rows()
        names = [self._row_name(row, 40) for row in rows]
        size = (4.6 + 0.085 * max(map(len, names)), 1.4 + 0.28 * len(rows))
        panels = Panels(plt, ax, 1, 1, size)
        self.ax_, self.figure_ = panels.axes[0, 0], panels.figure
        votes = np.array([row.votes[column] for row in rows])
        of_features = votes[[row.kind == "feature" for row in rows]]
        colours = [
            (NEUTRAL if row.kind == "sum" else FOR if vote >= 0 else AGAINST)
            for row, vote in zip(rows, votes)
        ]
        self.bars_ = self.ax_.barh(np.arange(len(rows)), votes, **{"color": colours, **kwargs})
        for bar, row in zip(self.bars_, rows):
            bar.set_alpha(1.0 if row.kind in ("feature", "sum") else 0.55)
        fixed = number_format((of_features if of_features.any() else votes).tolist(), 3)
        bound = 1e5 * np.abs(of_features).max(initial=0.0) or np.inf
        panels.rows(
            self.ax_,
            lambda i, width: self._row_name(rows[i], width),
            [fixed(vote) if abs(vote) < bound else f"{vote:+.2e}" for vote in votes],
            largest=plt.rcParams["font.size"],
            most=40,
            share=0.45,
        )
        cut = cut_long_bars(self.ax_, votes, of_features)
        self._finish(panels, column, cut)
        return self

    def _row_name(self, row, width):
        if row.kind != "feature":
            return label(row.name, max(width, 17))
        if self.explanation.headings[0] != "value":  # the weight stands where a value would
            return label(row.name, width)
        value = f" = {row.single:.3g}"
        return label(row.name, max(width - len(value), 6)) + value

    def _finish(self, panels, column, cut):
        """Title and what the bars are."""
        explanation = self.explanation
        note = "gradient times input, a local approximation" if explanation.approximate else "vote"
        if cut:
            note += f" ({_CUT}: longer than shown)"
        if explanation.probabilities is not None:
            class_ = explanation.classes[column]
            note += f"; probability of {plain(class_)}: "
            note += probability_text(explanation.probabilities[class_])
        names = [explanation.column_name(column)]
        if explanation.against is not None:
            names = [explanation.classes[0], explanation.against]
        title = f"{explanation.estimator_name}: {' / '.join(plain(name, 60) for name in names)}"
        panels.finish([(self.ax_.title, title), (self.ax_.xaxis.label, note)])


def cut_long_bars(panel, lengths, of_features):
    """Limits of the axis by the votes of features; marks on bars that are longer, True if there are any.

    An intercept, or the sum of everything, may be a hundred times the largest vote of a feature.
    """
    largest = np.abs(of_features).max(initial=0.0)
    limit = _LONGEST * largest
    if largest == 0 or np.abs(lengths).max() <= limit:
        return False
    low, high = lengths.min(), lengths.max()
    panel.set_xlim(max(1.05 * low, -limit) if low < 0 else 0, min(1.05 * high, limit) if high > 0 else 0)
    cut = np.flatnonzero(np.abs(lengths) > limit)
    for place in cut:
        at = 0.97 if lengths[place] > 0 else 0.03
        panel.text(
            at,
            place,
            _CUT,
            transform=panel.get_yaxis_transform(),
            ha="center",
            va="center",
            color=panel.get_facecolor(),
            weight="bold",
        )
    return True


class CoefficientsDisplay:
    """The strongest features for and against each class as bars, one panel a class.

    It is recommended to use `from_estimator` to create a `CoefficientsDisplay`.

    Parameters
    ----------
    top : TopFeatures
        What `skmaxent.top_features` returned.
    title : str, optional
        Written above the panels.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
        The panels, one a class.
    ax_ : matplotlib Axes
        The first panel.
    figure_ : matplotlib Figure

    See Also
    --------
    top_features : The features in a table.
    VotesDisplay : The votes of one prediction.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import CoefficientsDisplay, MaxEntClassifier
    >>> model = MaxEntClassifier().fit(*load_iris(return_X_y=True))
    >>> display = CoefficientsDisplay.from_estimator(model, n=2)
    >>> len(display.axes_)
    3
    """

    axes_: np.ndarray
    ax_: Any
    figure_: Any

    def __init__(self, top: TopFeatures, *, title: str | None = None):
        self.top = top
        self.title = title
        self._n_classes = len(top)  # of which these are some

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, n: int = 10, classes: ArrayLike | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Find and draw the strongest features.

        Parameters
        ----------
        estimator : estimator
            As for `skmaxent.top_features`.
        n : int, default=10
            Number of features of each sign for each class, see `skmaxent.top_features`.
        classes : list of class labels, optional
            The classes to draw; by default all, at most the first 12.
        ax : matplotlib Axes, optional
            Room for the panels; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `barh`.

        Returns
        -------
        display : CoefficientsDisplay
        """
        pyplot(f"{cls.__name__}.from_estimator")
        title = f"{type(final_estimator(estimator)).__name__}: strongest features"
        labels = getattr(final_estimator(estimator), "classes_", ())
        cut = classes is None and len(labels) > _MOST_CLASSES
        if cut:
            title += f" of the first {_MOST_CLASSES} of {len(labels):,} classes"
            classes = np.asarray(labels).tolist()[:_MOST_CLASSES]
        top = top_of_classes(estimator, n, None if classes is None else list(classes))
        display = cls(top, title=title)
        if cut:
            display._n_classes = len(labels)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Room for the panels; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `barh`.

        Returns
        -------
        display : CoefficientsDisplay
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        tables, n_columns = self._tables_for(plt, ax)
        tallest = max(map(len, tables.values()), default=1)
        longest = max((len(label(name, 24)) for pairs in tables.values() for name, _ in pairs), default=1)
        panels = Panels(
            plt,
            ax,
            math.ceil(len(tables) / n_columns),
            n_columns,
            (2.4 + 0.07 * longest, 0.9 + 0.22 * tallest),
        )
        self.figure_ = panels.figure
        self.axes_ = panels.axes.ravel()[: len(tables)]
        self.ax_ = self.axes_[0]
        letters, _ = panels.letters(tallest, 0.83 * plt.rcParams["font.size"], 0.5 if panels.given else 0.7)
        width = panels.columns(24, 0.45, letters)
        widest = max((abs(weight) for pairs in tables.values() for _, weight in pairs), default=1.0)
        for panel, pairs in zip(self.axes_, tables.values()):
            places = np.arange(len(pairs))
            weights = [weight for _, weight in pairs]
            colours = [FOR if weight > 0 else AGAINST for weight in weights]
            panel.barh(places, weights, **{"color": colours, **kwargs})
            panel.set_yticks(places, [label(name, width) for name, _ in pairs], fontsize=letters)
            panel.set_ylim(max(tallest, 1) - 0.4, -0.6)
            panel.set_xlim(-1.05 * widest if min(weights, default=0) < 0 else 0, 1.05 * widest)
            panel.tick_params(axis="x", labelsize=letters)
            panel.locator_params(axis="x", nbins=3 if panels.given else 5)
            panel.set_title(" ", fontsize=1.2 * letters)
        for panel in panels.axes.ravel()[len(tables) :]:
            panel.set_axis_off()
        texts = [(panel.title, plain(heading(class_), 60)) for panel, class_ in zip(self.axes_, tables)]
        self.axes_[-1].xaxis.label.set_size(1.2 * letters)
        missing = len(tables) < (len(self.top) if ax is None else self._n_classes)
        note = f"weight ({len(tables)} of {self._n_classes:,} classes)" if missing else "weight"
        texts.append((self.axes_[-1].xaxis.label, note))
        if self.title and ax is None:
            texts.append((self.figure_.suptitle(" "), self.title))
        panels.finish(texts)
        return self

    def _tables_for(self, plt, ax):
        """The classes and features that a given axes has room for, and the number of columns."""
        if ax is None:
            return self.top, min(len(self.top), 3 if len(self.top) > 4 else 2)
        width, height = room_points(ax.figure, room_of(ax)) / plt.rcParams["font.size"]
        across, down = max(1, min(3, int(width / 22))), max(1, int(height / 12))
        shown = dict(islice(self.top.items(), across * down))
        across = min(across, len(shown))
        most = max(2, int((height / math.ceil(len(shown) / across) - 6) / 0.8))
        return {class_: _strongest_of(pairs, most) for class_, pairs in shown.items()}, across


def _strongest_of(pairs, most):
    """The strongest of (name, weight), weights falling, in the same order."""
    strongest = sorted(range(len(pairs)), key=lambda i: -abs(pairs[i][1]))[:most]
    return [pairs[i] for i in sorted(strongest)]
