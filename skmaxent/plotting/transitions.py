"""Picture of a tagger's transitions: the weights of each tag after each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inspection import final_estimator
from .base import Panels, colour_bar, label, pyplot

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

# Tags up to which the weights are written into their cells.
_WRITTEN = 12
_MOST_TAGS = 40  # that make a picture larger


class TransitionsDisplay:
    """The weight of each tag (columns) after each tag (rows), as coloured cells.

    It is recommended to use `from_estimator` to create a `TransitionsDisplay`.

    Parameters
    ----------
    transitions : array-like of shape (K, K)
        Weights, rows the tags before.
    tags : list of K tags
        In the order of rows and columns.
    title : str, optional
        Written above, followed by "transitions".

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage

    See Also
    --------
    CRFTagger : Has transitions.
    MaxEntTagger : Has some with the history template "tag[-1]".

    Examples
    --------
    >>> from skmaxent import TransitionsDisplay
    >>> display = TransitionsDisplay([[0.5, -1.0], [2.0, 0.1]], ["B", "I"]).plot()
    >>> [text.get_text() for text in display.ax_.texts]
    ['0.5', '-1.0', '2.0', '0.1']
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
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        n = len(self.tags)
        longest = max((len(label(tag, 16)) for tag in self.tags), default=0)
        side = max(0.34 * min(n, _MOST_TAGS), 2.4) + 0.085 * longest
        panels = Panels(plt, ax, 1, 1, (2.0 + side, 1.2 + side))
        self.ax_, self.figure_ = panels.axes[0, 0], panels.figure
        limit = np.abs(self.transitions).max(initial=0) or 1.0
        options = {"cmap": "RdBu", "vmin": -limit, "vmax": limit, **kwargs}
        self.image_ = self.ax_.imshow(self.transitions, **options)
        letters = panels.cells(self.ax_, self.tags, 16, across=90)
        panels.cells(self.ax_, self.tags, 16)
        if n <= _WRITTEN:
            for (i, j), weight in np.ndenumerate(self.transitions):
                red, green, blue, _ = self.image_.to_rgba(weight)
                light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
                self.ax_.text(
                    j,
                    i,
                    f"{weight:.1f}",
                    ha="center",
                    va="center",
                    color="black" if light else "white",
                    fontsize=0.8 * letters,
                )
        self.ax_.set_ylabel("tag before")
        colour_bar(self.ax_, self.image_, "weight")
        title = f"{self.title}: transitions" if self.title else ""
        panels.finish([(self.ax_.title, title), (self.ax_.xaxis.label, "tag")])
        return self
