"""Pictures of weights and votes: bars with the names of features."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..inspection import explain, final_estimator
from ..inspection.text import heading, probability_text
from ..inspection.top import top_of_classes
from .base import AGAINST, FOR, axes_grid, label, pyplot

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

    from ..inspection import Explanation
    from ..inspection.top import TopFeatures

_MOST_CLASSES = 12


class VotesDisplay:
    """The votes of one prediction as bars, the largest on top; they sum to the score.

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
        estimator, X_row, position, top, contrast
            As for `skmaxent.explain`.
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
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        explanation = self.explanation
        column = explanation.focus if self.class_ is None else explanation.classes.index(self.class_)
        rows = explanation.table_rows()
        figure, axes = axes_grid(plt, ax, 1, 1, (6.4, 1.2 + 0.28 * len(rows)))
        votes = np.array([row.votes[column] for row in rows])
        colours = [
            ("dimgray" if row.kind == "sum" else FOR if vote >= 0 else AGAINST)
            for row, vote in zip(rows, votes)
        ]
        self.ax_, self.figure_ = axes[0, 0], figure
        places = np.arange(len(rows))
        alphas = [1.0 if row.kind in ("feature", "sum") else 0.55 for row in rows]
        self.bars_ = self.ax_.barh(places, votes, **{"color": colours, **kwargs})
        for bar, alpha in zip(self.bars_, alphas):
            bar.set_alpha(alpha)
        valued = explanation.headings[0] == "value"  # else the weight stands where a value would
        names = [
            f"{label(row.name)} = {row.single:.3g}"
            if valued and row.kind == "feature"
            else label(row.name, 40)
            for row in rows
        ]
        self.ax_.set_yticks(places, names)
        self.ax_.invert_yaxis()
        self.ax_.axvline(0, color="gray", linewidth=0.8)
        title = label(explanation.column_name(column), 50)
        note = "gradient times input, a local approximation" if explanation.approximate else "vote"
        if explanation.probabilities is not None:
            class_ = explanation.classes[column]
            note += (
                f" (probability of {label(class_)}: {probability_text(explanation.probabilities[class_])})"
            )
        self.ax_.set(xlabel=note, title=f"{explanation.estimator_name}: {title}")
        return self


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
    """

    axes_: np.ndarray
    ax_: Any
    figure_: Any

    def __init__(self, top: TopFeatures, *, title: str | None = None):
        self.top = top
        self.title = title

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
        if classes is None and len(labels) > _MOST_CLASSES:
            title += f" of the first {_MOST_CLASSES} of {len(labels):,} classes"
            classes = np.asarray(labels).tolist()[:_MOST_CLASSES]
        top = top_of_classes(estimator, n, None if classes is None else list(classes))
        return cls(top, title=title).plot(ax=ax, **kwargs)

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
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        n_columns = min(len(self.top), 3 if len(self.top) > 4 else 2)
        n_rows = math.ceil(len(self.top) / n_columns)
        tallest = max(map(len, self.top.values()))
        figure, axes = axes_grid(plt, ax, n_rows, n_columns, (3.6, 0.8 + 0.22 * tallest))
        self.figure_ = figure
        self.axes_ = axes.ravel()[: len(self.top)]
        self.ax_ = self.axes_[0]
        widest = max((abs(weight) for pairs in self.top.values() for _, weight in pairs), default=1.0)
        for panel, (class_, pairs) in zip(self.axes_, self.top.items()):
            places = np.arange(len(pairs))
            weights = [weight for _, weight in pairs]
            colours = [FOR if weight > 0 else AGAINST for weight in weights]
            panel.barh(places, weights, **{"color": colours, **kwargs})
            panel.set_yticks(places, [label(name, 24) for name, _ in pairs], fontsize="small")
            panel.set_ylim(max(tallest, 1) - 0.4, -0.6)
            panel.set_xlim(-1.05 * widest if min(weights, default=0) < 0 else 0, 1.05 * widest)
            panel.set_title(label(heading(class_), 30), fontsize="medium")
        for panel in axes.ravel()[len(self.top) :]:
            panel.set_axis_off()
        self.axes_[-1].set_xlabel("weight")
        if self.title and ax is None:
            figure.suptitle(self.title)
        return self
