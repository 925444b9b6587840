"""An explanation: one prediction taken apart into votes, as text, HTML, plain data or a table."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .conversions import to_frame, to_shap
from .forms import FORMS
from .html import explanation_html, page
from .text import (
    display_width,
    number_format,
    printable,
    probability_text,
    shorten,
    table,
)

if TYPE_CHECKING:
    from os import PathLike
    from typing import Any

_SHOWN_CLASSES = 4
_NAME_WIDTH = 36  # columns of a terminal


class Row(NamedTuple):
    """One line of an explanation: kind is "feature", "remainder", "offset", "class mean" or "sum".

    A feature has one number that all score columns share, its value or its weight, and one for each.
    """

    kind: str
    name: str
    single: float | None
    several: np.ndarray | None
    votes: np.ndarray


@dataclass(frozen=True, repr=False, eq=False)
class Explanation:
    """One prediction taken apart into votes, as `explain` returns it.

    With C score columns (one for each class, in the order of ``classes_``; a single one for a binary
    model and for a contrast) and m shown features, for every column

        ``votes.sum(axis=0) + remainder + offset + class_mean == scores``.

    ``print(explanation)`` shows a table, a notebook shows HTML.

    A column of a matrix has one value and a weight for each class. A joint feature f(c, d) has one
    weight and a value for each class; likewise the features of candidates.

    Attributes
    ----------
    estimator_name : str
        Class of the classifier whose scores are taken apart.
    decider_name : str
        Class of the estimator that gives prediction and probabilities: the same, or a meta-estimator
        around the classifier that calibrates or has a threshold of its own.
    classes : list
        The classes of the columns: C classes, or the one that a single column speaks for.
    against : object
        The class that a single column speaks against; None when there are several columns.
    prediction : object
        The class with the highest score (multilabel: the list of labels with positive scores); of a
        meta-estimator what it predicts.
    probabilities : dict or None
        The probability of each class, also of those without a column; None where the estimator gives
        none.
    features : list of str, of length m
        Names of the features with the largest votes, in size, for the column `focus`.
    values : ndarray of shape (m,), or (m, C) for joint features and candidates
        Their values in the row; for each class, or each candidate, less the mean over the candidates.
    weights : ndarray of shape (m, C), or (m,) for joint features and candidates
        Their weights: a vote for each unit of the value. Those of columns less the mean over the classes
        (or the difference of two classes); for a network the gradient of the scores.
    votes : ndarray of shape (m, C)
        Values times weights: ``values[:, None] * weights``, or ``values * weights[:, None]``.
    remainder : ndarray of shape (C,)
        Votes of all other features together.
    n_remaining : int
        Number of other features that are not zero.
    offset : ndarray of shape (C,)
        The intercepts, centred; for a network with hidden layers what the linear approximation at
        this row leaves over, the intercepts included.
    class_mean : ndarray of shape (C,)
        Mean of the scores over the classes, the same in all columns: what the centring took away.
        It does not change a softmax. 0 for a single column and for multilabel scores.
    scores : ndarray of shape (C,)
        The sum of everything: ``decision_function`` (networks: the outputs before softmax or logistic).
    score_name : str
        What the scores are: "decision function", "difference of scores" for a contrast, "score" for
        a network with hidden layers.
    focus : int
        The column that features are chosen and words are marked for: the highest score.
    approximate : bool
        Whether the votes are gradient times input, a local approximation.
    form : {"columns", "joint", "candidates", "token", "tokens"}
        What the features belong to: columns of a matrix, pairs of a class and a datum (their votes
        are not centred), the candidates of a group (the classes are their numbers), a token of a
        sentence (the classes are its tags), or the tokens of a sequence that a recurrent network reads.
    marked_texts : list of (str, list of (int, int, float))
        For text pipelines, and for sequences of words, each text with its words' (start, end, vote) for
        the column `focus`; none where the tokenizer is the user's own and its tokens are not in the text,
        in order.

    See Also
    --------
    explain : Makes explanations.
    VotesDisplay : The votes as a picture.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, explain
    >>> X, y = load_iris(return_X_y=True)
    >>> explanation = explain(MaxEntClassifier().fit(X, y), X[0], top=2)
    >>> explanation.votes.shape, explanation.n_remaining
    ((2, 3), 2)
    >>> total = explanation.votes.sum(axis=0) + explanation.remainder
    >>> bool(abs(total + explanation.offset + explanation.class_mean - explanation.scores).max() < 1e-12)
    True
    """

    estimator_name: str
    decider_name: str
    classes: list[Any]
    against: object
    prediction: object
    probabilities: dict[Any, float] | None
    features: list[str]
    values: np.ndarray
    weights: np.ndarray
    votes: np.ndarray
    remainder: np.ndarray
    n_remaining: int
    offset: np.ndarray
    class_mean: np.ndarray
    scores: np.ndarray
    score_name: str
    focus: int
    approximate: bool
    form: str
    marked_texts: list[tuple[str, list[tuple[int, int, float]]]]

    def column_name(self, column: int) -> str:
        """Heading of a score column.

        Parameters
        ----------
        column : int
            Its number.

        Returns
        -------
        name : str
            The class, or "A / B" of a column of one against another.
        """
        if self.against is None:
            return FORMS[self.form].column_name(self.classes[column])
        return f"{self.classes[0]} / {self.against}"

    @property
    def headings(self) -> tuple[str, str]:
        """Names of the number that the classes share and of those that they do not: "value" and "weight"."""
        return FORMS[self.form].headings

    @property
    def _numbers(self):
        """The numbers (m,) that the classes share, and those (m, C) that they do not."""
        pair = {"value": self.values, "weight": self.weights}
        return tuple(pair[heading] for heading in self.headings)

    def rows(self) -> list[Row]:
        """All lines of the table.

        Returns
        -------
        rows : list of Row
            Features first; the last is the sum of the others.
        """
        form, (single, several) = FORMS[self.form], self._numbers
        rows = [Row("feature", *parts) for parts in zip(self.features, single.tolist(), several, self.votes)]
        if self.n_remaining:
            name = f"{self.n_remaining:,} other feature{'s' * (self.n_remaining > 1)}"
            rows.append(Row("remainder", name, None, None, self.remainder))
        if form.has_offset:
            rows.append(Row("offset", self._offset_name(), None, None, self.offset))
        if np.any(self.class_mean):
            rows.append(Row("class mean", form.mean_name, None, None, self.class_mean))
        rows.append(Row("sum", self.score_name, None, None, self.scores))
        return rows

    def table_rows(self) -> list[Row]:
        """The same without the mean of the classes where it would be written as 0.

        The mean of a softmax fitted with a penalty is 0 up to rounding.

        Returns
        -------
        rows : list of Row
            As of `rows`.
        """
        tiny = 5e-5 * np.abs(self.scores).max()
        return [row for row in self.rows() if row.kind != "class mean" or abs(row.votes[0]) > tiny]

    def _offset_name(self):
        return "remainder of the approximation" if self.approximate else "intercept"

    def shown_probabilities(self, shown: list[int]) -> list[str]:
        """The line of probabilities below some columns.

        Parameters
        ----------
        shown : list of int
            Numbers of the columns.

        Returns
        -------
        texts : list of str
            Empty without probabilities, and for a column of one class against another, whose
            probabilities are in the notes.
        """
        if self.probabilities is None or self.against is not None:
            return []
        return [probability_text(self.probabilities[self.classes[j]]) for j in shown]

    def _headline(self):
        """Who predicts, and what."""
        who = self.decider_name
        if who != self.estimator_name:
            who += f" of {self.estimator_name}"
        if isinstance(self.prediction, list):
            return who, f"predicts {', '.join(map(printable, self.prediction)) or 'no label'}"
        return who, f"{FORMS[self.form].verb} {printable(self.prediction)}"

    def _notes(self, n_shown):
        notes = []
        if self.approximate:
            notes.append(
                "Votes are gradient times input: a local approximation of the network, not its exact parts."
            )
        if self.against is not None:
            pro, con = printable(self.classes[0]), printable(self.against)
            notes.append(f"Positive votes speak for {pro}, negative for {con}.")
            if self.probabilities is not None:
                one, other = (
                    probability_text(self.probabilities[c]) for c in (self.classes[0], self.against)
                )
                notes.append(f"Probability of {pro}: {one}, of {con}: {other}.")
        if self.decider_name != self.estimator_name:
            other = "prediction" if self.probabilities is None else "prediction and probabilities"
            notes.append(f"Votes are those of {self.estimator_name}, {other} those of {self.decider_name}.")
        if n_shown < len(self.classes):
            notes.append(
                f"Shown are {n_shown} of {len(self.classes):,} classes, those with the highest scores."
            )
        return notes

    def _shown_columns(self, most):
        most = min(most, len(self.classes))
        shown = np.argpartition(-self.scores, most - 1)[:most]
        return shown[np.argsort(-self.scores[shown], kind="stable")].tolist()

    def __str__(self):
        """The table: features in the order of their votes, the classes with the highest scores."""
        shown = self._shown_columns(_SHOWN_CLASSES)
        rows = self.table_rows()
        write = number_format([row.votes[j] for row in rows for j in shown])
        write_several = number_format(self._numbers[1][:, 0].tolist())
        names = [
            shorten(printable(row.name), _NAME_WIDTH) if row.kind == "feature" else row.name for row in rows
        ]
        single = len(self.classes) == 1
        heads = [printable(self.column_name(j)) for j in shown]
        room = shutil.get_terminal_size((100, 24)).columns - 9 - max(map(display_width, names))
        for left, width in zip(range(len(heads), 0, -1), sorted(map(display_width, heads))):
            share = max(10, room // left - 2)  # what short headings leave over goes to the long ones
            room -= min(width, share) + 2
        heads = [shorten(head, share) for head in heads]
        one, each = self.headings
        cells = [["feature", one, *[each][:single], *heads]]
        for name, row in zip(names, rows):
            shared = "" if row.single is None else f"{row.single:.4g}"
            own = "" if row.several is None else write_several(row.several[0])
            cells.append([name, shared, *[own][:single], *(write(row.votes[j]) for j in shown)])
        rules = {1, 1 + len(self.features), len(cells) - 1}
        if proba := self.shown_probabilities(shown):
            cells.append(["probability", "", *[""][:single], *proba])
        return "\n".join([" ".join(self._headline()), *table(cells, rules), *self._notes(len(shown))])

    __repr__ = __str__

    def _repr_html_(self):
        return explanation_html(self, self._shown_columns(_SHOWN_CLASSES))

    def to_html(self, path: str | PathLike[str] | None = None) -> str:
        """The explanation as a page of HTML: self-contained, no script, readable on light and dark screens.

        Parameters
        ----------
        path : str or os.PathLike, optional
            File to write, in UTF-8.

        Returns
        -------
        html : str
            The whole page. Notebooks show its table by themselves.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        html = page(" ".join(self._headline()), self._repr_html_())
        if path is not None:
            # A text may have halves of surrogate pairs, which UTF-8 has no bytes for.
            Path(path).write_bytes(html.encode("utf-8", "xmlcharrefreplace"))
        return html

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain Python data: dict, list, str and numbers.

        Returns
        -------
        data : dict
            The attributes of the same names; "features" is a list of dicts with "name", "value",
            "weights" and "votes", lists in the order of "classes"; for joint features and candidates
            "name", "weight", "values" and "votes". "probabilities" is None or a list of dicts with
            "class" and "probability".
        """
        one, many = self.headings
        numbers = (part.tolist() for part in (*self._numbers, self.votes))
        features = [
            {"name": name, one: single, f"{many}s": several, "votes": votes}
            for name, single, several, votes in zip(self.features, *numbers)
        ]
        proba = self.probabilities
        if proba is not None:
            proba = [{"class": label, "probability": p} for label, p in proba.items()]
        plain = (
            "estimator_name",
            "decider_name",
            "score_name",
            "classes",
            "against",
            "prediction",
            "approximate",
            "n_remaining",
            "form",
        )
        arrays = ("remainder", "offset", "class_mean", "scores")
        return {
            **{key: getattr(self, key) for key in plain},
            "probabilities": proba,
            "features": features,
            **{key: getattr(self, key).tolist() for key in arrays},
        }

    def to_frame(self) -> Any:
        """The explanation as a table: the sums of the vote columns are the scores.

        Returns
        -------
        frame : pandas.DataFrame
            Rows: the features, then the remainder, the offset, the mean of the classes and, where there
            are some, the probabilities. Columns: ("value", ""), ("weight", class), ("vote", class) and
            ("probability", class); for joint features and candidates ("weight", ""), ("value", class),
            ("vote", class) and ("probability", class). The row "probability" has only the last, and
            they have only that row.

        Raises
        ------
        ImportError
            Without pandas.
        """
        return to_frame(self)

    def to_shap(self, class_: Any = None) -> Any:
        """The explanation as SHAP's plots take it: ``shap.plots.waterfall(explanation.to_shap())``.

        The votes of other features are one more feature, so that base values and values sum to the scores.
        Votes are measured from a row without features (the base value is the intercept, of a network
        what the linear approximation leaves over), SHAP's own values from the mean of a background data set.

        Parameters
        ----------
        class_ : class label, optional
            The class whose score is taken apart, for plots that draw one score, such as the waterfall. By
            default all columns.

        Returns
        -------
        explanation : shap.Explanation
            With `values` (m,) or, for several score columns, (m, C), `base_values`, `data` and
            `feature_names`, the features in the order of their votes.

        Raises
        ------
        ValueError
            If there is no score of `class_`.
        ImportError
            Without shap.

        References
        ----------
        Lundberg, Lee (2017). A unified approach to interpreting model predictions. NeurIPS.
        """
        return to_shap(self, class_)
