"""One prediction of a linear classifier, or of a network nearby, taken apart into votes."""

import shutil
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from skmaxent.inspection._html import explanation_html
from skmaxent.inspection._joint import candidate_votes, form, joint_votes
from skmaxent.inspection._model import (
    as_rows,
    centre,
    decompose,
    is_approximate,
    n_features,
    prediction,
    transform,
    unwrap,
)
from skmaxent.inspection._origins import feature_leaves, names_of
from skmaxent.inspection._text import display_width, number_format, printable, shorten, table
from skmaxent.inspection._words import marked_texts
from skmaxent.maxent import MaxEntClassifier
from skmaxent.ranker import MaxEntRanker

_SHOWN_CLASSES = 4
_NAME_WIDTH = 36  # columns of a terminal


class Row(NamedTuple):
    """One line of an explanation: kind is "feature", "remainder", "offset", "class mean" or "sum"."""

    kind: str
    name: str
    value: float | None
    weights: np.ndarray | None
    votes: np.ndarray


@dataclass(frozen=True, repr=False, eq=False)
class Explanation:
    """One prediction taken apart into votes, as `explain` returns it.

    With C score columns (one for each class, in the order of ``classes_``; a single one for a binary
    model and for a contrast) and m shown features, for every column

        ``votes.sum(axis=0) + remainder + offset + class_mean == scores``.

    ``print(explanation)`` shows a table, a notebook shows HTML.

    A joint feature f(c, d) has one weight, and another value for each class; likewise the features
    of candidates. There `values` holds the weights and `weights` the values, and tables,
    `to_dict` and `to_frame` name them so.

    Attributes
    ----------
    estimator_name : str
        Class of the classifier.
    classes : list
        The classes of the columns: C classes, or the one that a single column speaks for.
    against : object
        The class that a single column speaks against; None when there are several columns.
    prediction : object
        The class with the highest score (multilabel: the list of labels with positive scores).
    features : list of str, of length m
        Names of the features with the largest votes, in size, for the column `focus`.
    values : ndarray of shape (m,)
        Their values in the row.
    weights : ndarray of shape (m, C)
        Their weights less the mean over the classes (or the difference of two classes): a vote for
        each unit of the value. For a network the gradient of the scores.
    votes : ndarray of shape (m, C)
        ``values[:, None] * weights``.
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
    form : {"columns", "joint", "candidates"}
        What the features belong to: columns of a matrix, pairs of a class and a datum (their votes
        are not centred), or the candidates of a group (the classes are their numbers).
    marked_texts : list of (str, list of (int, int, float))
        For text pipelines each text with its words' (start, end, vote) for the column `focus`.
    """

    estimator_name: str
    classes: list
    against: object
    prediction: object
    features: list
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
    marked_texts: list

    def column_name(self, column):
        """Heading of a score column."""
        if self.against is None:
            return (
                f"candidate {self.classes[column]}"
                if self.form == "candidates"
                else str(self.classes[column])
            )
        return f"{self.classes[0]} / {self.against}"

    @property
    def headings(self):
        """What `values` and `weights` are: ("value", "weight"), the other way round for joint features."""
        return ("value", "weight") if self.form == "columns" else ("weight", "value")

    def rows(self):
        """All lines of the table, a list of Row; the last is the sum of the others."""
        rows = [
            Row("feature", *parts)
            for parts in zip(self.features, self.values.tolist(), self.weights, self.votes)
        ]
        if self.n_remaining:
            name = f"{self.n_remaining:,} other feature{'s' * (self.n_remaining > 1)}"
            rows.append(Row("remainder", name, None, None, self.remainder))
        if self.form == "columns":
            rows.append(Row("offset", self._offset_name(), None, None, self.offset))
        if np.any(self.class_mean):
            name = "mean of the candidates" if self.form == "candidates" else "mean of the classes"
            rows.append(Row("class mean", name, None, None, self.class_mean))
        rows.append(Row("sum", self.score_name, None, None, self.scores))
        return rows

    def table_rows(self):
        """The same without the mean of the classes where it would be written as 0.

        The mean of a softmax fitted with a penalty is 0 up to rounding.
        """
        tiny = 5e-5 * np.abs(self.scores).max()
        return [row for row in self.rows() if row.kind != "class mean" or abs(row.votes[0]) > tiny]

    def _offset_name(self):
        return "remainder of the approximation" if self.approximate else "intercept"

    def _headline(self):
        if isinstance(self.prediction, list):
            return f"predicts {', '.join(map(printable, self.prediction)) or 'no label'}"
        if self.form == "candidates":
            return f"picks candidate {self.prediction}"
        return f"predicts {printable(self.prediction)}"

    def _notes(self, n_shown):
        notes = []
        if self.approximate:
            notes.append(
                "Votes are gradient times input: a local approximation of the network, not its exact parts."
            )
        if self.against is not None:
            pro, con = printable(self.classes[0]), printable(self.against)
            notes.append(f"Positive votes speak for {pro}, negative for {con}.")
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
        write_weight = number_format(self.weights[:, 0].tolist())
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
        value_name, weight_name = self.headings
        cells = [["feature", value_name, *[weight_name][:single], *heads]]
        for name, row in zip(names, rows):
            value = "" if row.value is None else f"{row.value:.4g}"
            weight = "" if row.weights is None else write_weight(row.weights[0])
            cells.append([name, value, *[weight][:single], *(write(row.votes[j]) for j in shown)])
        first_rest = 1 + len(self.features)
        lines = table(cells, rules={1, first_rest, len(cells) - 1})
        return "\n".join([f"{self.estimator_name} {self._headline()}", *lines, *self._notes(len(shown))])

    __repr__ = __str__

    def _repr_html_(self):
        return explanation_html(self, self._shown_columns(_SHOWN_CLASSES))

    def to_dict(self):
        """The explanation as plain Python data: dict, list, str and numbers.

        Returns
        -------
        data : dict
            The attributes of the same names; "features" is a list of dicts with "name", "value",
            "weights" and "votes", lists in the order of "classes"; for joint features and candidates
            "name", "weight", "values" and "votes".
        """
        one, many = self.headings
        features = [
            {"name": name, one: value, f"{many}s": weights, "votes": votes}
            for name, value, weights, votes in zip(
                self.features, self.values.tolist(), self.weights.tolist(), self.votes.tolist()
            )
        ]
        plain = (
            "estimator_name",
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
            "n_remaining": self.n_remaining,
            "features": features,
            **{key: getattr(self, key).tolist() for key in arrays},
        }

    def to_frame(self):
        """The explanation as a table: the sums of the vote columns are the scores.

        Returns
        -------
        frame : pandas.DataFrame
            Rows: the features, then the remainder, the offset and the mean of the classes. Columns:
            ("value", ""), ("weight", class) and ("vote", class); for joint features and candidates
            ("weight", ""), ("value", class) and ("vote", class).

        Raises
        ------
        ImportError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("Explanation.to_frame requires pandas.") from error
        rows = self.rows()[:-1]
        heads = [self.column_name(0)] if self.against is not None else self.classes
        empty = np.full(len(heads), np.nan)
        one, many = self.headings
        parts = {
            one: pd.DataFrame({"": [np.nan if row.value is None else row.value for row in rows]}),
            many: pd.DataFrame(
                [empty if row.weights is None else row.weights for row in rows], columns=heads
            ),
            "vote": pd.DataFrame([row.votes for row in rows], columns=heads),
        }
        return pd.concat(parts, axis=1).set_axis([row.name for row in rows], axis=0)


@validate_params(
    {"top": [Interval(Integral, 1, None, closed="left"), None], "contrast": [tuple, list, None]},
    prefer_skip_nested_validation=True,
)
def explain(estimator, X_row, *, top=10, contrast=None):
    """Take one prediction apart into the votes of its features.

    The vote of feature j for class c is its value times its weight, x_j W_cj, less the mean over the
    classes; the means of all features and intercepts make one row of their own. A binary model has
    one column: votes for ``classes_[1]`` against ``classes_[0]``. Networks with hidden layers get
    gradient times input [1]_, with the rest of the score in a row of its own.

    Parameters
    ----------
    estimator : estimator
        Fitted linear classifier (`coef_`, `intercept_`) or multilayer perceptron (`coefs_`,
        `intercepts_`), MaxEntClassifier with joint features, or MaxEntRanker, alone or at the end of
        a Pipeline; a fitted search uses its best estimator.
    X_row : sample
        One sample of what `estimator` was fitted on: a text, a dict, an array of shape (d,), or
        anything with one row; with joint features one datum of any kind; for a MaxEntRanker the
        candidates of one group, shape (C, d).
    top : int or None, default=10
        Number of features to show, those with the largest votes, in size, for the class with the
        highest score (with `contrast`: for the difference). None shows all that are not zero.
    contrast : pair of classes, optional
        ("A", "B") shows what separates A from B: differences of votes, positive for A.

    Returns
    -------
    explanation : Explanation

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator is neither linear nor a network, if X_row is not one row, or if `contrast`
        is not two classes of the estimator.

    Notes
    -----
    Only the non-zero features of the row are read and only the shown ones are named, so the cost
    does not grow with the number of columns, except for one pass over a vectorizer's vocabulary.

    References
    ----------
    .. [1] Shrikumar, Greenside, Kundaje (2017). Learning important features through propagating
       activation differences. ICML.
    """
    steps, classifier = unwrap(estimator, (MaxEntClassifier, MaxEntRanker))
    kind = form(classifier)
    if kind == "columns":
        rows = as_rows(X_row)
        parts = decompose(classifier, transform(steps, rows))
    elif kind == "joint":
        parts = joint_votes(classifier, transform(steps, [X_row]))
    else:
        parts = candidate_votes(classifier, transform(steps, X_row))
    labels = list(range(parts.offset.size)) if kind == "candidates" else classifier.classes_.tolist()
    weights, offset, mean, columns, against = centre(parts, classifier, labels, contrast, kind)
    votes = parts.values[:, None] * weights
    scores = votes.sum(axis=0) + offset + mean
    focus = int(np.argmax(scores))
    size = votes.shape[0] if top is None else min(top, votes.shape[0])
    ranks = -np.abs(votes[:, focus])
    chosen = (
        np.argpartition(ranks, size - 1)[:size] if 0 < size < votes.shape[0] else np.arange(votes.shape[0])
    )
    chosen = chosen[np.argsort(ranks[chosen], kind="stable")]
    rest = np.ones(votes.shape[0], dtype=bool)
    rest[chosen] = False
    if kind == "joint":
        names, texts = classifier.joint_feature_names_[parts.columns[chosen]].tolist(), []
    else:
        width = n_features(classifier)
        names = names_of(feature_leaves(steps, classifier, parts.columns[chosen], width), size)
        leaves = feature_leaves(steps, classifier, parts.columns, width)
        texts = marked_texts(steps, rows, leaves, votes[:, focus]) if kind == "columns" else []
    return Explanation(
        estimator_name=type(classifier).__name__,
        classes=columns,
        against=against,
        prediction=prediction(parts, classifier, labels),
        features=names,
        values=parts.values[chosen],
        weights=weights[chosen],
        votes=votes[chosen],
        remainder=votes[rest].sum(axis=0),
        n_remaining=int(rest.sum()),
        offset=offset,
        class_mean=mean,
        scores=scores,
        focus=focus,
        score_name=(
            "difference of scores"
            if contrast is not None
            else "score"
            if is_approximate(classifier)
            else "decision function"
        ),
        approximate=is_approximate(classifier),
        form=kind,
        marked_texts=texts,
    )
