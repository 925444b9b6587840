"""Many predictions taken apart at once: which features decide over a whole set of rows."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

from ..compat import validate_params
from .forms import Columns, form_of, unwrap
from .html import summary_html
from .model import (
    centre,
    column_weights,
    decompose,
    intercepts,
    is_approximate,
    is_multilabel,
    mean_offset,
    transform,
)
from .text import number_format, printable, shorten, table

if TYPE_CHECKING:
    from typing import Any

_BLOCK = 1 << 22  # weights at a time


@dataclass(frozen=True, repr=False, eq=False)
class VoteSummary:
    """The votes of the features in many rows, as `explain_many` returns them.

    For every row ``votes.sum(axis=1) + remainder + offset + class_mean == scores``. ``print(summary)``
    shows a table, a notebook shows HTML.

    Attributes
    ----------
    estimator_name : str
        Class of the classifier whose scores are taken apart.
    title : str
        What the votes are for.
    targets : list of n class labels
        The class that the votes of each row speak for.
    features : list of str, of length m
        The features with the largest votes, by the mean of their sizes over the rows.
    values : ndarray of shape (n, m)
        Their values.
    votes : ndarray of shape (n, m)
        Their votes.
    remainder : ndarray of shape (n,)
        Votes of all other features together.
    n_remaining : int
        Number of other features that have a vote in some row.
    offset : ndarray of shape (n,)
        The centred intercept; for a network what the linear approximation at a row leaves over.
    class_mean : ndarray of shape (n,)
        Mean of the scores over the classes, which the centring took away.
    scores : ndarray of shape (n,)
        Scores of the targets: of `decision_function`, the outputs before softmax or logistic of a network.
    approximate : bool
        Whether the votes are gradient times input, a local approximation.

    See Also
    --------
    explain_many : Makes summaries.
    VoteSummaryDisplay : A point for each row and feature.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, explain_many
    >>> X, y = load_iris(return_X_y=True)
    >>> summary = explain_many(MaxEntClassifier().fit(X, y), X, top=2)
    >>> summary.votes.shape, summary.features
    ((150, 2), ['x2', 'x1'])
    """

    estimator_name: str
    title: str
    targets: list[Any]
    features: list[str]
    values: np.ndarray
    votes: np.ndarray
    remainder: np.ndarray
    n_remaining: int
    offset: np.ndarray
    class_mean: np.ndarray
    scores: np.ndarray
    approximate: bool

    @property
    def mean_votes(self) -> np.ndarray:
        """Mean vote of each feature over the rows, (m,)."""
        return self.votes.mean(axis=0)

    @property
    def mean_sizes(self) -> np.ndarray:
        """Mean size |vote| of each feature over the rows, (m,)."""
        return np.abs(self.votes).mean(axis=0)

    @property
    def shares(self) -> np.ndarray:
        """Share of the rows in which each feature is not 0, (m,)."""
        return (self.values != 0).mean(axis=0)

    def headline(self) -> str:
        """What is shown.

        Returns
        -------
        text : str
            One line.
        """
        kind = "gradient times input" if self.approximate else "votes"
        return f"{self.estimator_name}, {kind} in {len(self.scores):,} rows: {printable(self.title)}"

    def __str__(self):
        """The table: the features in the order of their mean sizes."""
        write = number_format([*self.mean_sizes, *self.mean_votes])
        cells = [["feature", "mean size", "mean vote", "share of rows"]]
        for name, size, mean, share in zip(self.features, self.mean_sizes, self.mean_votes, self.shares):
            cells.append([shorten(printable(name), 60), write(size).lstrip("+"), write(mean), f"{share:.3f}"])
        rest = f"and {self.n_remaining:,} other features"
        return "\n".join([self.headline(), *table(cells, {1}), *[rest][: self.n_remaining]])

    __repr__ = __str__

    def _repr_html_(self):
        return summary_html(self)

    def to_frame(self) -> Any:
        """The votes as a table, a row a row.

        Returns
        -------
        frame : pandas.DataFrame
            A column for each feature, and "remainder", "offset", "class mean" and "score", the sum of the
            others.

        Raises
        ------
        ImportError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("VoteSummary.to_frame requires pandas.") from error
        sums = np.column_stack([self.remainder, self.offset, self.class_mean, self.scores])
        heads = [*self.features, "remainder", "offset", "class mean", "score"]
        return pd.DataFrame(np.hstack([self.votes, sums]), columns=heads)


@validate_params(
    {"top": [Interval(Integral, 1, None, closed="left"), None]}, prefer_skip_nested_validation=True
)
def explain_many(estimator: Any, X: Any, *, top: int | None = 10, class_: Any = None) -> VoteSummary:
    """Take many predictions apart: the features whose votes are largest over a set of rows.

    The votes are those of `explain`, in every row for one class.

    Parameters
    ----------
    estimator : estimator
        Fitted linear classifier or multilayer perceptron, alone or at the end of a Pipeline or inside of
        what `explain` looks through.
    X : container of n samples
        As for the estimator's `predict`.
    top : int or None, default=10
        Number of features to show, those with the largest mean of \\|vote\\|. None shows all that have a
        vote.
    class_ : class label, optional
        The class that votes speak for. By default in each row the one with the highest score; of a
        binary model ``classes_[1]`` in all rows.

    Returns
    -------
    summary : VoteSummary
        The votes of the rows and their means; a table in print and in notebooks.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If there are no rows, if `class_` is not one of the classes, or if the estimator is not linear and no
        multilayer perceptron; explain joint features, candidates, taggers and recurrent networks one by one.

    See Also
    --------
    explain : One prediction.
    VoteSummaryDisplay : The votes as points.

    Notes
    -----
    Only non-zero features are read: time and memory follow the number of non-zeros of X, and for
    the shown features n x top.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, explain_many
    >>> X, y = load_iris(return_X_y=True)
    >>> summary = explain_many(MaxEntClassifier().fit(X, y), X, top=2, class_=0)
    >>> summary.features, summary.votes.shape
    (['x2', 'x1'], (150, 2))
    """
    peeled = unwrap(estimator)
    steps, model = peeled.steps, peeled.classifier
    form = form_of(model)
    if form is not Columns:
        raise ValueError(
            f"Expected 'estimator' to have columns with weights of their own. Explain the samples of a "
            f"{type(model).__name__} one by one, with explain."
        )
    labels = model.classes_.tolist()
    if class_ is not None and class_ not in labels:
        raise ValueError(f"class_={class_!r} is not a valid label. It should be one of {labels}.")
    rows = validate_data(model, transform(steps, X), reset=False, accept_sparse="csr")
    rows = sparse.csr_array(rows, dtype=np.float64, copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    take = _of_network if is_approximate(model) else _of_linear
    numbers, votes, parts = take(model, rows, None if class_ is None else labels.index(class_))
    n, d = rows.shape
    sizes = np.bincount(rows.indices, np.abs(votes), minlength=d)
    chosen = np.flatnonzero(sizes)
    chosen = chosen[np.argsort(-sizes[chosen], kind="stable")][:top]
    shown = np.zeros(d, dtype=bool)
    shown[chosen] = True
    others = ~shown[rows.indices]
    row_of = np.repeat(np.arange(n), np.diff(rows.indptr))
    votes_of_rows = sparse.csr_array((votes, rows.indices, rows.indptr), shape=rows.shape)
    single = len(labels) == 2 and not is_multilabel(model)
    if class_ is None and not single:
        title = "for the class with the highest score"
    else:
        target = labels[1] if class_ is None else class_
        title = f"for {target}" + (f" against {labels[labels.index(target) == 0]}" if single else "")
    return VoteSummary(
        estimator_name=type(model).__name__,
        title=title,
        targets=[labels[number] for number in numbers],
        features=form.names(steps, model, chosen, X),
        values=rows[:, chosen].toarray(),
        votes=votes_of_rows[:, chosen].toarray(),
        remainder=np.bincount(row_of[others], votes[others], minlength=n),
        n_remaining=int(np.count_nonzero(sizes)) - chosen.size,
        offset=parts[0],
        class_mean=parts[1],
        scores=parts[2],
        approximate=is_approximate(model),
    )


def _of_linear(model, rows, number):
    """Class numbers (n,), votes of the non-zeros of `rows` (nnz,), offset, class mean and scores (3, n)."""
    bias = intercepts(model)
    centred = bias.size > 1 and not is_multilabel(model)
    middle = mean_offset(model, bias) if centred else 0.0
    n = rows.shape[0]
    numbers, votes, parts = np.empty(n, dtype=np.intp), np.empty(rows.nnz), np.zeros((3, n))
    start = 0
    while start < n:
        first = rows.indptr[start]
        stop = max(start + 1, np.searchsorted(rows.indptr, first + _BLOCK // bias.size, side="right") - 1)
        entries = slice(first, rows.indptr[stop])
        columns, inverse = np.unique(rows.indices[entries], return_inverse=True)
        weights = column_weights(model, columns).astype(np.float64)
        indptr = rows.indptr[start : stop + 1] - first
        block = sparse.csr_array((rows.data[entries], inverse, indptr), shape=(stop - start, columns.size))
        scores = block @ weights.T + bias
        common = weights.mean(axis=0) if centred else np.zeros(columns.size)
        if bias.size == 1 and not is_multilabel(model):  # a column for the second class against the first
            picked = np.zeros(stop - start, dtype=np.intp)
            numbers[start:stop], sign = (1, 1) if number is None else (number, 2 * number - 1)
        else:
            picked = scores.argmax(axis=1) if number is None else np.full(stop - start, number)
            numbers[start:stop], sign = picked, 1
        of_entries = np.repeat(picked, np.diff(indptr))
        votes[entries] = sign * block.data * (weights[of_entries, inverse] - common[inverse])
        parts[0, start:stop] = sign * (bias[picked] - middle)
        parts[1, start:stop] = block @ common + middle
        parts[2, start:stop] = sign * scores[np.arange(stop - start), picked]
        start = stop
    return numbers, votes, parts


def _of_network(model, rows, number):
    """The same by gradient times input, one row after another."""
    labels = model.classes_.tolist()
    numbers, votes, parts = (
        np.empty(rows.shape[0], dtype=np.intp),
        np.empty(rows.nnz),
        np.zeros((3, rows.shape[0])),
    )
    for i in range(rows.shape[0]):
        found = decompose(model, rows[[i]])
        weights, offset, mean, _, against = centre(found, model, labels, None, True)
        scores = found.single @ weights + offset + mean
        column, sign = int(np.argmax(scores)) if number is None else number, 1
        numbers[i] = column
        if against is not None:
            numbers[i], sign = (1, 1) if number is None else (number, 2 * number - 1)
            column = 0
        votes[rows.indptr[i] : rows.indptr[i + 1]] = sign * found.single * weights[:, column]
        parts[:, i] = sign * offset[column], mean[column], sign * scores[column]
    return numbers, votes, parts
