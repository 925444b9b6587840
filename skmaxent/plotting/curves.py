"""Pictures of a fit: convergence of the optimum, loss curves of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inspection import final_estimator
from .base import COLOURS, STYLES, Panels, pyplot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from numpy.typing import ArrayLike


class ConvergenceDisplay:
    """Objective, duality gap and KKT violation of a fit against iterations and time.

    It is recommended to use `from_estimator` to create a `ConvergenceDisplay`.

    Parameters
    ----------
    history : dict of ndarray
        "iteration", "seconds", "objective", "gap" and "kkt", equally long; as in
        ``convergence_["history"]``. Values that are not finite are not drawn, nor are gaps and
        violations of 0, which a logarithmic scale has no place for.
    estimator_name : str, optional
        Written above the panels.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (2, 2)
        Rows: objective; gap and KKT violation. Columns: iterations; seconds.
    ax_ : matplotlib Axes
        The first panel.
    figure_ : matplotlib Figure

    See Also
    --------
    MaxEntClassifier : Keeps the history in `convergence_`.
    LossCurveDisplay : The same of networks.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import ConvergenceDisplay, MaxEntClassifier
    >>> model = MaxEntClassifier().fit(*load_iris(return_X_y=True))
    >>> display = ConvergenceDisplay.from_estimator(model)
    >>> display.axes_.shape
    (2, 2)
    """

    axes_: np.ndarray
    ax_: Any
    figure_: Any

    def __init__(self, history: Mapping[str, ArrayLike], *, estimator_name: str | None = None):
        self.history = history
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw how a fit converged.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator with the attribute `convergence_`, alone or at the end of a Pipeline.
        ax : matplotlib Axes, optional
            Room for the panels; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        display : ConvergenceDisplay

        Raises
        ------
        ValueError
            If the estimator keeps no such history.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        estimator = final_estimator(estimator)
        if "history" not in getattr(estimator, "convergence_", {}):
            raise ValueError(
                "Expected 'estimator' to have a fitted attribute convergence_ with a history. "
                f"Got {type(estimator).__name__} instead."
            )
        history = estimator.convergence_["history"]
        return cls(history, estimator_name=type(estimator).__name__).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the four panels.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Room for the panels; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        display : ConvergenceDisplay
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        panels = Panels(plt, ax, 2, 2, (4.0, 2.6))
        self.figure_, self.axes_ = panels.figure, panels.axes
        self.ax_ = self.axes_[0, 0]
        letters = panels.letters(7, plt.rcParams["font.size"], share=1)[0]
        for column, key in enumerate(("iteration", "seconds")):
            place = np.asarray(self.history[key], dtype=float)
            upper, lower = self.axes_[:, column]
            curves = [(upper, "objective", "objective"), (lower, "gap", "duality gap")]
            for number, (panel, curve, title) in enumerate([*curves, (lower, "kkt", "KKT violation")]):
                height = np.asarray(self.history[curve], dtype=float)
                shown = np.isfinite(height) & ((height > 0) | (panel is upper))
                style = {"marker": ".s"[number > 1], "markersize": 4 + 2 * (number < 2)}
                if shown.any():
                    arguments = {**style, "color": COLOURS[number // 2], "linestyle": STYLES[number // 2]}
                    panel.plot(place[shown], height[shown], label=title, **{**arguments, **kwargs})
            for panel in (upper, lower):
                panel.tick_params(labelsize=letters)
                panel.locator_params(axis="x", nbins=3 if panels.given else 6)
            lower.set(yscale="log")
            lower.set_xlabel("iteration" if key == "iteration" else "time (s)", fontsize=letters)
            if lower.lines:
                panels.legend_below(lower, lower.lines)
        for panel, text in ((self.axes_[0, 0], "objective"), (self.axes_[1, 0], "gap, violation")):
            panel.set_ylabel(text, fontsize=letters)
        texts = []
        if self.estimator_name and ax is None:
            texts.append((self.figure_.suptitle(" "), f"{self.estimator_name}: convergence"))
        panels.finish(texts)
        return self


class LossCurveDisplay:
    """Training loss of a network by epoch, with the validation loss and score where there are any.

    It is recommended to use `from_estimator` to create a `LossCurveDisplay`.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Training loss.
    validation_loss : array-like of shape (n_epochs,), optional
        Loss on the validation set.
    validation_score : array-like of shape (n_epochs,), optional
        Accuracy on the validation set, drawn against an axis of its own on the right.
    estimator_name : str, optional
        The title.

    Attributes
    ----------
    ax_ : matplotlib Axes
    score_ax_ : matplotlib Axes or None
        The axes of the validation score.
    figure_ : matplotlib Figure

    See Also
    --------
    BackpropMLPClassifier : Keeps the losses of its epochs.
    ConvergenceDisplay : The same of convex fits.

    Examples
    --------
    >>> from skmaxent import LossCurveDisplay
    >>> display = LossCurveDisplay([0.9, 0.5, 0.4], validation_loss=[1.0, 0.7, 0.6]).plot()
    >>> [line.get_label() for line in display.ax_.lines]
    ['training loss', 'validation loss']
    """

    ax_: Any
    score_ax_: Any
    figure_: Any

    def __init__(
        self,
        loss: ArrayLike,
        *,
        validation_loss: ArrayLike | None = None,
        validation_score: ArrayLike | None = None,
        estimator_name: str | None = None,
    ):
        self.loss = loss
        self.validation_loss = validation_loss
        self.validation_score = validation_score
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the loss curves of a fitted network.

        Parameters
        ----------
        estimator : estimator
            With the attribute `loss_curve_`, and perhaps `validation_loss_curve_` and
            `validation_scores_`; alone or at the end of a Pipeline.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        ValueError
            If the estimator keeps no loss curve (scikit-learn's networks keep none with
            ``solver="lbfgs"``).
        """
        pyplot(f"{cls.__name__}.from_estimator")
        estimator = final_estimator(estimator)
        if not hasattr(estimator, "loss_curve_"):
            raise ValueError(
                "Expected 'estimator' to have a fitted attribute loss_curve_. "
                f"Got {type(estimator).__name__} instead."
            )
        return cls(
            estimator.loss_curve_,
            validation_loss=getattr(estimator, "validation_loss_curve_", None),
            validation_score=getattr(estimator, "validation_scores_", None),
            estimator_name=type(estimator).__name__,
        ).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        display : LossCurveDisplay
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        panels = Panels(plt, ax, 1, 1, (6.4, 4.3))
        self.figure_, self.ax_, self.score_ax_ = panels.figure, panels.axes[0, 0], None
        curves = [(self.ax_, self.loss, "training loss"), (self.ax_, self.validation_loss, "validation loss")]
        if self.validation_score is not None and len(self.validation_score):
            self.score_ax_ = self.ax_.twinx()
            self.score_ax_.set_ylabel("validation score")
            curves.append((self.score_ax_, self.validation_score, "validation score"))
        lines = []
        for number, (panel, heights, title) in enumerate(curves):
            if heights is not None and len(heights):
                arguments = {"color": COLOURS[number], "linestyle": STYLES[number], "label": title, **kwargs}
                lines += panel.plot(np.arange(1, len(heights) + 1), heights, **arguments)
        self.ax_.set_ylabel("loss")
        self.ax_.xaxis.get_major_locator().set_params(integer=True)
        self.ax_.set_xlabel("epoch")
        panels.legend_below(self.ax_, lines)
        panels.finish([(self.ax_.title, self.estimator_name or "")])
        return self
