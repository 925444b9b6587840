"""Picture of a regularisation path: weights and score against the strength of the prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..inspection import final_estimator
from ..inspection.text import number_format
from .base import COLOURS, Panels, label, line_style, plain, pyplot

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

_TALLEST = 2.0  # times the largest weight at the chosen C: the height at which paths are cut


class PathDisplay:
    """Weights of one class and, when there is one, the cross-validated score against C.

    Weights are named in the order in which they stand at the best C, where they can be read; those far
    above them at larger C leave the picture. It is recommended to use `from_estimator` to create a
    `PathDisplay`.

    Parameters
    ----------
    Cs : array-like of shape (n_Cs,)
        Inverse strengths of the prior, in any order.
    coefs : array-like of shape (n_Cs, d)
        Weights of one class.
    names : array-like of shape (d,), optional
        Names of the columns; by default their numbers.
    scores : array-like of shape (n_folds, n_Cs), optional
        Of the folds; in grey, their mean in colour.
    best_C : float, optional
        Marked by a line.
    score_name : str, default="score"
        What the scores are.
    title : str, optional
        Written above.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_panels, 1)
        Weights, and below them the score.
    ax_ : matplotlib Axes
        The panel of the weights.
    figure_ : matplotlib Figure

    See Also
    --------
    MaxEntClassifierCV : Fits the paths.
    maxent_path : A path without cross-validation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import PathDisplay, maxent_path
    >>> path = maxent_path(*load_iris(return_X_y=True), Cs=[0.01, 1, 100])
    >>> display = PathDisplay(path.Cs, path.coefs[:, 0], names=["a", "b", "c", "d"], best_C=1.0).plot(n=2)
    >>> len(display.ax_.get_legend().get_texts())
    2
    """

    axes_: np.ndarray
    ax_: Any
    figure_: Any

    def __init__(
        self,
        Cs: ArrayLike,
        coefs: ArrayLike,
        *,
        names: ArrayLike | None = None,
        scores: ArrayLike | None = None,
        best_C: float | None = None,
        score_name: str = "score",
        title: str | None = None,
    ):
        self.Cs, self.coefs, self.names = Cs, coefs, names
        self.scores, self.best_C, self.score_name, self.title = scores, best_C, score_name, title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        class_: Any = None,
        l1_ratio: float | None = None,
        feature_names: ArrayLike | None = None,
        n: int = 10,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the path of a fitted MaxEntClassifierCV, the weights being the means over the folds.

        Parameters
        ----------
        estimator : MaxEntClassifierCV
            Fitted with ``store_paths=True``, alone or at the end of a Pipeline.
        class_ : label, optional
            Whose weights to draw; by default the last class. A binary model has weights for that only.
        l1_ratio : float, optional
            One of `l1_ratios_`; by default the best.
        feature_names : array-like of shape (d,), optional
            By default `feature_names_in_`, or numbers.
        n : int, default=10
            Number of weights to name: those largest at the best C, and not 0 there.
        ax : matplotlib Axes, optional
            Room for the panels; by default a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot` for the weights.

        Returns
        -------
        display : PathDisplay

        Raises
        ------
        ValueError
            If the estimator has no paths, or the class or the share is not among its own.
        """
        pyplot(f"{cls.__name__}.from_estimator")
        estimator = final_estimator(estimator)
        check_is_fitted(estimator)
        if not hasattr(estimator, "coefs_paths_"):
            raise ValueError(
                "Expected 'estimator' to have a fitted attribute coefs_paths_: a MaxEntClassifierCV with "
                f"store_paths=True. Got {type(estimator).__name__} instead."
            )
        classes, ratios = estimator.classes_.tolist(), estimator.l1_ratios_.tolist()
        class_ = classes[-1] if class_ is None else class_
        l1_ratio = estimator.l1_ratio_ if l1_ratio is None else l1_ratio
        if class_ not in classes:
            raise ValueError(f"class_ must be one of {classes}. Got {class_!r} instead.")
        if l1_ratio not in ratios:
            raise ValueError(f"l1_ratio must be one of {ratios}. Got {l1_ratio!r} instead.")
        if hasattr(estimator, "joint_table_"):
            raise ValueError("The folds of a model with joint features have no columns in common to draw.")
        paths = estimator.coefs_paths_[:, ratios.index(l1_ratio)].mean(axis=0)
        d, row = estimator.n_features_in_, 0 if len(classes) == 2 else classes.index(class_)
        if paths.dtype == object:  # of sparse matrices
            coefs = np.array([weights.tocsr()[row, :d].toarray()[0] for weights in paths])
        else:
            coefs = paths[:, row, :d]
        if len(classes) == 2 and class_ == classes[0]:
            coefs = -coefs  # log-odds of the first class
        if feature_names is None:
            feature_names = getattr(estimator, "feature_names_in_", None)
        who = f"{type(estimator).__name__}: weights for {plain(class_, 60)}"
        return cls(
            estimator.Cs_,
            coefs,
            names=feature_names,
            scores=estimator.scores_[:, ratios.index(l1_ratio)],
            best_C=estimator.C_,
            score_name="score" if callable(estimator.scoring) else estimator.scoring or "accuracy",
            title=f"{who}, l1_ratio={l1_ratio:g}",
        ).plot(ax=ax, n=n, **kwargs)

    def plot(self, ax: Any = None, *, n: int = 10, **kwargs: Any) -> Self:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Room for the panels; by default a new figure.
        n : int, default=10
            Number of weights to name, fewer where they are 0 at the best C or there is no room; the
            others are grey, at most 200 of them.
        **kwargs : dict
            Passed to matplotlib's `plot` for the weights.

        Returns
        -------
        display : PathDisplay
            The display itself.
        """
        plt = pyplot(f"{type(self).__name__}.plot")
        order = np.argsort(self.Cs)
        Cs, coefs = np.asarray(self.Cs, dtype=float)[order], np.asarray(self.coefs)[order]
        panels = Panels(plt, ax, 1 if self.scores is None else 2, 1, (7.6, 3.2))
        self.figure_, self.axes_ = panels.figure, panels.axes
        self.ax_ = self.axes_[0, 0]
        at = len(Cs) - 1 if self.best_C is None else int(np.abs(np.log(Cs / self.best_C)).argmin())
        self._draw_weights(panels, Cs, coefs, at, n, kwargs)
        if self.scores is not None:
            scores = np.asarray(self.scores)[:, order]
            panel = self.axes_[1, 0]
            panel.plot(Cs, scores.T, color="0.5", alpha=0.5, linewidth=0.8)
            panel.plot(Cs, scores.mean(axis=0), color=COLOURS[0], marker=".")
            panel.set(xscale="log", ylabel=self.score_name)
        note = "C"
        if self.best_C is not None:
            note = f"C (dashed: the chosen {self.best_C:.3g})"
            for panel in self.axes_[:, 0]:
                panel.axvline(self.best_C, color="0.5", linewidth=1.2, linestyle="--", zorder=1)
        panels.finish([(self.ax_.title, self.title or ""), (self.axes_[-1, 0].xaxis.label, note)])
        return self

    def _draw_weights(self, panels, Cs, coefs, at, n, options):
        """The paths of the weights, the n largest at ``Cs[at]`` named in their order there."""
        letters, step = panels.letters(n + 2, 9.0, share=0.5 if panels.given else 0.9)
        n = math.ceil(n / step)  # the list stands beside the panel and is no longer than that
        largest = np.argsort(-np.abs(coefs[at]), kind="stable")
        write_number = number_format(coefs[at, largest[:n]].tolist(), 3)
        n = sum(float(write_number(weight)) != 0 for weight in coefs[at, largest[:n]])
        others, named = largest[n : n + 200], largest[:n]
        named = named[np.argsort(-coefs[at, named], kind="stable")]
        names = np.arange(coefs.shape[1]) if self.names is None else np.asarray(self.names)
        if len(others):
            self.ax_.plot(Cs, coefs[:, others], color="0.5", alpha=0.4, linewidth=0.6, zorder=1)
        width = panels.columns(28, 0.3, 1.4 * letters)  # beside a line and a number
        lines, entries = [], []
        for number, column in enumerate(named):
            arguments = {**line_style(number), "label": label(str(names[column])), "zorder": 2, **options}
            lines += self.ax_.plot(Cs, coefs[:, column], **arguments)
            self.ax_.plot(Cs[at], coefs[at, column], "o", markersize=4, color=lines[-1].get_color(), zorder=3)
            entries.append(f"{write_number(coefs[at, column])}  {label(str(names[column]), width)}")
        self.ax_.legend(
            lines,
            entries,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            fontsize=letters,
            title=f"weights at C = {Cs[at]:.3g}",
            title_fontsize=letters,
            labelspacing=0.3,
            handlelength=2.4,
        )
        self.ax_.set(xscale="log", ylabel="weight")
        # Weights without a prior may be a hundred times those of the chosen C: they leave the picture.
        limit = _TALLEST * np.abs(coefs[at]).max(initial=0.0)
        if 0 < limit < np.abs(coefs).max():
            low, high = coefs.min(), coefs.max()
            self.ax_.set_ylim(max(1.05 * low, -limit), min(1.05 * high, limit))
