"""Picture of what a recurrent network remembers: hidden states over a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inspection import final_estimator
from .base import Panels, colour_bar, label, pyplot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from numpy.typing import ArrayLike

_MOST_UNITS = 30
_MOST_TOKENS = 40  # that make a picture wider


class HiddenStatesDisplay:
    """Hidden states over a sequence: a row a unit, a column a token, blue above 0 and red below.

    It is recommended to use `from_estimator` to create a `HiddenStatesDisplay`.

    Parameters
    ----------
    states : ndarray of shape (T, H)
        States after each token.
    names : sequence of str, of length T
        The tokens.
    units : integer array-like, optional
        Numbers of the units to draw; by default the 30 that change most along the sequence, those first
        that are active first.
    n_forward : int, optional
        Number of units that read forward; those from there on read backward and are drawn in a panel of
        their own. By default all.
    title : str, optional
        Written above.

    Attributes
    ----------
    ax_ : matplotlib Axes, or ndarray of two Axes
    figure_ : matplotlib Figure
    images_ : list of matplotlib AxesImage
    units_ : list of integer ndarrays
        The units of each panel, from the top.

    Raises
    ------
    ValueError
        If `names` has not one name for each row of `states`, or there is none.
    IndexError
        If there is no such unit.

    See Also
    --------
    RecurrentClassifier : Its `hidden_states` are drawn.
    RecurrentTagger : So are those of this.

    Examples
    --------
    >>> import numpy as np
    >>> from skmaxent import HiddenStatesDisplay
    >>> states = np.tanh(np.arange(12.0).reshape(3, 4) - 6)
    >>> display = HiddenStatesDisplay(states, ["time", "flies", "away"]).plot()
    >>> display.images_[0].get_array().shape
    (4, 3)
    """

    ax_: Any
    figure_: Any
    images_: list[Any]
    units_: list[np.ndarray]

    def __init__(
        self,
        states: np.ndarray,
        names: Sequence[Any],
        *,
        units: ArrayLike | None = None,
        n_forward: int | None = None,
        title: str | None = None,
    ):
        if len(names) != len(states) or not len(names):
            raise ValueError(
                f"Expected a name for each token, and one at least: states of {len(states)} tokens, "
                f"{len(names)} names."
            )
        self.states, self.names, self.units = np.asarray(states), [*map(str, names)], units
        self.n_forward, self.title = n_forward, title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X_row: Any,
        *,
        layer: int = -1,
        units: ArrayLike | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Run a recurrent network over a sequence and draw the states of a layer.

        Parameters
        ----------
        estimator : RecurrentClassifier or RecurrentTagger
            Fitted, alone or inside of a search.
        X_row : sequence
            As an entry of X in `fit`: a list of tokens, or an array of shape (T, p).
        layer : int, default=-1
            Index among the layers.
        units : integer array-like, optional
            Numbers of the units to draw, see `HiddenStatesDisplay`.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : HiddenStatesDisplay
        """
        pyplot(f"{cls.__name__}.from_estimator")
        model = final_estimator(estimator)
        if not hasattr(model, "hidden_states"):
            raise ValueError(
                f"Expected 'estimator' to be a recurrent network. Got {type(model).__name__} instead."
            )
        (states,) = model.hidden_states([X_row], layer)
        names = X_row if model.vocabulary_ is not None else range(1, len(states) + 1)
        one_way = not model.get_params()["bidirectional"]
        n_forward = None if one_way else states.shape[1] // 2
        display = cls(states, [*names], units=units, n_forward=n_forward, title=type(model).__name__)
        return display.plot(ax=ax, **kwargs)

    def _panels(self):
        """(title, units) of each panel."""
        n_units = self.states.shape[1]
        middle = n_units if self.n_forward is None else self.n_forward
        parts = [("read forward", np.arange(middle)), ("read backward", np.arange(middle, n_units))]
        panels = []
        for title, candidates in parts if middle < n_units else [("", np.arange(n_units))]:
            if self.units is None:
                spread = self.states[:, candidates].std(axis=0)
                chosen = candidates[np.argsort(-spread, kind="stable")[:_MOST_UNITS]]
                first = np.abs(self.states[:, chosen]).argmax(axis=0)
                chosen = chosen[np.argsort(first, kind="stable")]
            else:
                given = np.arange(n_units)[np.asarray(self.units)]
                chosen = given[np.isin(given, candidates)]
            if chosen.size:
                panels.append((title, chosen))
        return panels

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the states.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `imshow`.

        Returns
        -------
        display : HiddenStatesDisplay
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        parts = self._panels()
        most = max(len(chosen) for _, chosen in parts)
        longest = max(len(label(name)) for name in self.names)
        width = max(4.0, 1.6 + 0.34 * min(len(self.names), _MOST_TOKENS))
        panels = Panels(plt, ax, len(parts), 1, (width, 1.4 + 0.14 * most + 0.06 * longest))
        self.figure_ = panels.figure
        self.images_, self.units_ = [], []
        for panel, (title, chosen) in zip(panels.axes[:, 0], parts):
            options = {"cmap": "RdBu", "vmin": -1, "vmax": 1, "aspect": "auto", **kwargs}
            self.images_.append(panel.imshow(self.states[:, chosen].T, **options))
            self.units_.append(chosen)
            panels.cells(panel, self.names, 28, across=60)
            panel.set_ylabel(f"units, {title}" if title else "units", fontsize="small")
            if len(chosen) <= _MOST_UNITS:
                letters, step = panels.letters(len(chosen), 7, share=0.6)
                panel.set_yticks(range(0, len(chosen), step), chosen[::step].tolist(), fontsize=letters)
            else:
                panel.set_yticks([])
        colour_bar(panels.axes[0, 0], self.images_[0], "state")
        panels.finish([(panels.axes[0, 0].title, self.title or "")])
        self.ax_ = panels.axes[0, 0] if len(parts) == 1 else panels.axes[:, 0]
        return self
