"""Picture of a tagger's transitions: the weights of each tag after each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inspection import final_estimator
from .base import axes_grid, label, pyplot

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

# Tags up to which the weights are written into their cells.
_WRITTEN = 12


class TransitionsDisplay:
    """The weight of each tag (columns) after each tag (rows), as coloured cells.

    It is recommended to use `from_estimator` to create a `TransitionsDisplay`.

    Parameters
    ----------
    transitions : array-like of shape (K, K)
        Weights, rows the tags before.
    tags : list of K tags
    title : str, optional

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    """

    ax_: Any
    figure_: Any
    image_: Any

    def __init__(self, transitions: ArrayLike, tags: Any, *, title: str | None = None):
        self.transitions, self.tags, self.title = np.asarray(transitions, float), list(tags), title
        if self.transitions.shape != (len(self.tags), len(self.tags)):
            raise ValueError(
                f"transitions must have shape ({len(self.tags)}, {len(self.tags)}), a row and a column for "
                f"each tag. Got {self.transitions.shape} instead."
            )

    @classmethod
    def from_estimator(cls, estimator: Any, *, tags: Any = None, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the transitions of a fitted tagger.

        Parameters
        ----------
        estimator : tagger
            With `transitions_`, alone, at the end of a Pipeline or in a search.
        tags : list of tags, optional
            Which, and in which order; by default all.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : TransitionsDisplay

        Raises
        ------
        ValueError
            If the estimator has no transitions, or not one of the tags.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        tagger = final_estimator(estimator)
        transitions = getattr(tagger, "transitions_", None)
        if transitions is None:
            raise ValueError(
                "Expected 'estimator' to be a tagger with transitions_: a MaxEntTagger has them with a "
                f"linear classifier and the history template 'tag[-1]'. Got {type(tagger).__name__} instead."
            )
        known = tagger.classes_.tolist()
        tags = known if tags is None else list(tags)
        unknown = [tag for tag in tags if tag not in known]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a valid tag. It should be one of {known}.")
        places = [known.index(tag) for tag in tags]
        display = cls(transitions[np.ix_(places, places)], tags, title=type(tagger).__name__)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the transitions: blue for, red against, 0 white.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : TransitionsDisplay
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        n = len(self.tags)
        figure, axes = axes_grid(plt, ax, 1, 1, (2.4 + 0.34 * n, 1.8 + 0.34 * n))
        self.ax_, self.figure_ = axes[0, 0], figure
        limit = np.abs(self.transitions).max(initial=0) or 1.0
        options = {"cmap": "RdBu", "vmin": -limit, "vmax": limit, **kwargs}
        self.image_ = self.ax_.imshow(self.transitions, **options)
        names = [label(tag, 16) for tag in self.tags]
        self.ax_.set_xticks(np.arange(n), names, rotation=90)
        self.ax_.set_yticks(np.arange(n), names)
        if n <= _WRITTEN:
            for (i, j), weight in np.ndenumerate(self.transitions):
                colour = "white" if abs(weight) > 0.6 * limit else "black"
                self.ax_.text(j, i, f"{weight:.1f}", ha="center", va="center", color=colour, fontsize=8)
        self.ax_.set(xlabel="tag", ylabel="tag before")
        if self.title:
            self.ax_.set_title(f"{self.title}: transitions")
        figure.colorbar(self.image_, ax=self.ax_, label="weight")
        return self
