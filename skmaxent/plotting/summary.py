"""Picture of many predictions: a point for the vote of each feature in each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inspection.many import explain_many
from ..inspection.text import number_format
from .base import COLOURS, Panels, colour_bar, label, plain, pyplot

if TYPE_CHECKING:
    from typing import Any, Self

    from ..inspection.many import VoteSummary

_BINS = 80  # of votes, in which points stand one above the other
_HALF_HEIGHT = 0.4  # of a swarm, in rows


class VoteSummaryDisplay:
    """The votes of features in many rows as points, coloured by the values of the features.

    Features stand in the order of the mean size of their votes, which is written at the right. Rows in which
    a feature is 0 have no point. It is recommended to use `from_estimator` to create a `VoteSummaryDisplay`.

    Parameters
    ----------
    summary : VoteSummary
        What `skmaxent.explain_many` returned.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : matplotlib PathCollection

    See Also
    --------
    explain_many : The means in a table.
    VotesDisplay : The votes of one prediction.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, VoteSummaryDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = VoteSummaryDisplay.from_estimator(MaxEntClassifier().fit(X, y), X, class_=2)
    >>> len(display.points_.get_offsets())
    600
    """

    ax_: Any
    figure_: Any
    points_: Any

    def __init__(self, summary: VoteSummary):
        self.summary = summary

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        top: int | None = 10,
        class_: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Explain samples and draw the votes.

        Parameters
        ----------
        estimator : estimator
            Fitted, as for `skmaxent.explain_many`.
        X : container of n samples
            As for the estimator's `predict`.
        top : int or None, default=10
            Number of features to show.
        class_ : class label, optional
            The class that votes speak for, see `skmaxent.explain_many`.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `scatter`.

        Returns
        -------
        display : VoteSummaryDisplay
            The display, drawn.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        return cls(explain_many(estimator, X, top=top, class_=class_)).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the votes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `scatter`.

        Returns
        -------
        display : VoteSummaryDisplay
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        summary, m = self.summary, len(self.summary.features)
        names = [label(name) for name in summary.features]
        size = (5.4 + 0.085 * max(map(len, names), default=0), 1.6 + 0.36 * max(m, 2))
        panels = Panels(plt, ax, 1, 1, size)
        self.ax_, self.figure_ = panels.axes[0, 0], panels.figure
        votes, heights, colours = self._points()
        arguments = {"c": colours, "cmap": _colours(), "vmin": 0, "vmax": 1, "s": 9, "linewidths": 0}
        self.points_ = self.ax_.scatter(votes, heights, **{**arguments, **kwargs})
        write_number = number_format(summary.mean_sizes.tolist(), 3)
        beyond = panels.rows(
            self.ax_,
            lambda j, width: label(summary.features[j], width),
            [write_number(size).lstrip("+") for size in summary.mean_sizes],
            largest=plt.rcParams["font.size"],
            most=28,
            share=0.35,
        )
        bar = colour_bar(self.ax_, self.points_, "value", beyond)
        bar.set_ticks([0, 1], labels=["low", "high"])
        what = "gradient times input" if summary.approximate else "vote"
        note = f"{what} {plain(summary.title, 60)}; at the right the mean size"
        title = f"{summary.estimator_name}: votes in {len(summary.scores):,} rows"
        panels.finish([(self.ax_.title, title), (self.ax_.xaxis.label, note)])
        return self

    def _points(self):
        """Votes, heights and colours of all points: swarms about the numbers of the features."""
        summary = self.summary
        edges = np.linspace(summary.votes.min(initial=0), summary.votes.max(initial=0), _BINS + 1)[1:-1]
        parts = [np.empty((3, 0))]
        for j in range(len(summary.features)):
            rows = np.flatnonzero(summary.values[:, j])
            votes, values = summary.votes[rows, j], summary.values[rows, j]
            bins = np.searchsorted(edges, votes)
            counts = np.bincount(bins, minlength=_BINS)
            order = np.argsort(bins, kind="stable")
            place = np.empty(rows.size)  # 0, 1, 2, ... in each bin
            place[order] = np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts)
            spread = place - (counts[bins] - 1) / 2
            spread *= 2 * _HALF_HEIGHT / max(counts.max(initial=1), 12)
            low, high = (values.min(), values.max()) if rows.size else (0.0, 0.0)
            colours = (values - low) / (high - low) if high > low else np.ones(rows.size)
            parts.append(np.array([votes, j + spread, colours]))
        return np.hstack(parts)


def _colours():
    """From low to high by way of grey, seen on light and dark pages and with any kind of colour vision."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low_high", [COLOURS[0], "0.55", COLOURS[1]])
