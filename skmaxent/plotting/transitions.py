"""A picture of what a tagger has learned about a tag and the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inspection import final_estimator
from .base import AGAINST, FOR, axes_grid, label, pyplot

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

# Tags up to which the weights are written into their squares.
_WRITTEN = 12


class TransitionsDisplay:
    """The weights of all pairs of a tag and the next as squares of a table, blue for and orange against.

    It is recommended to use `from_estimator` to create a `TransitionsDisplay`.

    Parameters
    ----------
    transitions : ndarray of shape (K, K)
        Weights from a tag (row) to the next (column).
    tags : sequence of K labels
    title : str, optional

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    image_ : matplotlib AxesImage
    """

    def __init__(self, transitions, tags, *, title=None):
        self.transitions = transitions
        self.tags = tags
        self.title = title

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, tags: ArrayLike | None = None, ax: Any = None, **kwargs
    ) -> Self:
        """Draw the transitions of a tagger.

        Parameters
        ----------
        estimator : estimator
            Fitted CRFTagger, or MaxEntTagger with the history template "tag[-1]", alone or at the end of a
            Pipeline; of a fitted search the best estimator.
        tags : sequence of labels, optional
            The tags to draw, in this order; by default all.
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
            If the estimator has no transitions, or a tag is not one of its classes.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        tagger = final_estimator(estimator)
        name = type(tagger).__name__
        if not hasattr(tagger, "transitions_"):
            raise ValueError(
                f"Expected 'estimator' to be a tagger with transitions_, or a Pipeline that ends in one. "
                f"Got {name} instead."
            )
        labels = tagger.classes_.tolist()
        chosen = labels if tags is None else list(tags)
        for tag in chosen:
            if tag not in labels:
                raise ValueError(f"{tag!r} is not a valid label. It should be one of {labels}.")
        places = [labels.index(tag) for tag in chosen]
        weights = np.asarray(tagger.transitions_)[np.ix_(places, places)]
        return cls(weights, chosen, title=f"{name}: a tag and the next").plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs) -> Self:
        """Draw the table.

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
        from matplotlib.colors import LinearSegmentedColormap

        K = len(self.tags)
        side = 1.6 + 0.4 * min(K, 30)
        figure, axes = axes_grid(plt, ax, 1, 1, (side, side))
        self.ax_, self.figure_ = axes[0, 0], figure
        limit = float(np.abs(self.transitions).max(initial=0)) or 1.0
        colours = LinearSegmentedColormap.from_list("votes", [AGAINST, "white", FOR])
        options = {"cmap": colours, "vmin": -limit, "vmax": limit, **kwargs}
        self.image_ = self.ax_.imshow(self.transitions, **options)
        names = [label(tag, 16) for tag in self.tags]
        self.ax_.set_xticks(range(K), names, rotation=90)
        self.ax_.set_yticks(range(K), names)
        self.ax_.set(xlabel="the next tag", ylabel="a tag")
        if self.title:
            self.ax_.set_title(self.title)
        if K <= _WRITTEN:
            for i, j in np.ndindex(K, K):
                text = f"{self.transitions[i, j]:.1f}"
                self.ax_.text(j, i, text, ha="center", va="center", fontsize="x-small")
        return self
