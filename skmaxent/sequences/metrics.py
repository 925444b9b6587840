"""Scores of tagged sentences: spans as conlleval counts them, tokens, whole sentences.

All take lists of lists of tags, as a tagger predicts them, so that `sklearn.metrics.make_scorer` makes
scorers of them for cross_val_score and GridSearchCV.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .tags import check_tags, spans

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class SpanScores:
    """Precision, recall and F of spans, of one type or of all.

    Attributes
    ----------
    n_true, n_predicted, n_correct : int or float
        Spans; those of sentences count by their weights.

    See Also
    --------
    span_report : Makes them.

    Examples
    --------
    >>> from skmaxent.sequences import SpanScores
    >>> scores = SpanScores(n_true=4, n_predicted=2, n_correct=1)
    >>> scores.precision, scores.recall
    (0.5, 0.25)
    """

    n_true: float
    n_predicted: float
    n_correct: float

    @property
    def precision(self) -> float:
        """Share of the predicted spans that are right; 0 without any."""
        return self.n_correct / self.n_predicted if self.n_predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the true spans that are found; 0 without any."""
        return self.n_correct / self.n_true if self.n_true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 2 n_correct / (n_true + n_predicted); 0 without any."""
        total = self.n_true + self.n_predicted
        return 2 * self.n_correct / total if total else 0.0


@dataclass(frozen=True, repr=False)
class SpanReport:
    """Scores of spans for each type and overall; printed as a table.

    Attributes
    ----------
    overall : SpanScores
    by_type : dict of str to SpanScores
        Sorted by type.
    accuracy : float
        Share of the tokens with the right tag.
    n_tokens : int or float

    See Also
    --------
    span_report : Makes it.

    Examples
    --------
    >>> from skmaxent.sequences import span_report
    >>> report = span_report([["B-NP", "O"]], [["B-NP", "B-VP"]])
    >>> report.overall.n_predicted, sorted(report.by_type), report.accuracy
    (2, ['NP', 'VP'], 0.5)
    """

    overall: SpanScores
    by_type: dict[str, SpanScores]
    accuracy: float
    n_tokens: float

    def __str__(self):
        width = max([7, *map(len, self.by_type)])
        lines = [f"{'':{width}}  precision  recall      F1   found  correct    true"]
        for name, scores in [*self.by_type.items(), ("overall", self.overall)]:
            lines.append(
                f"{name:{width}}  {100 * scores.precision:9.2f}  {100 * scores.recall:6.2f}  "
                f"{100 * scores.f1:6.2f}  {scores.n_predicted:6g}  {scores.n_correct:7g}  {scores.n_true:6g}"
            )
        return "\n".join([*lines, f"{100 * self.accuracy:.2f} % of {self.n_tokens:g} tokens"])

    __repr__ = __str__


def span_report(y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None) -> SpanReport:
    """Precision, recall and F of spans for each type and overall: the figures of the script conlleval.

    A span is right where its type and both of its ends are. Tags are read as `spans` reads them, in any of
    the schemes.

    Parameters
    ----------
    y_true, y_pred : list of list of str
        Tags of each sentence.
    sample_weight : array-like of shape (S,), default=None
        Weights of the sentences.

    Returns
    -------
    report : SpanReport
        Scores by type and overall; printed as a table.

    Raises
    ------
    ValueError
        If the tags do not match in number, or are none of spans.

    See Also
    --------
    span_f1_score : F of all spans, for scorers.
    spans : How tags are read.

    References
    ----------
    E. Tjong Kim Sang, S. Buchholz (2000), Introduction to the CoNLL-2000 shared task: chunking, CoNLL.

    Examples
    --------
    >>> from skmaxent.sequences import span_report
    >>> true = [["B-NP", "I-NP", "O", "B-VP"]]
    >>> report = span_report(true, [["B-NP", "I-NP", "B-VP", "I-VP"]])
    >>> report.overall.f1, report.by_type["NP"].f1
    (0.5, 1.0)
    """
    true, pred, weights = _pairs(y_true, y_pred, sample_weight)
    counts = {name: Counter() for name in ("true", "predicted", "correct")}
    right = total = 0
    for a, b, weight in zip(true, pred, weights):
        ours, theirs = spans(a), spans(b)
        both = set(ours) & set(theirs)
        for name, found in (("true", ours), ("predicted", theirs), ("correct", both)):
            for kind, _, _ in found:
                counts[name][kind] += weight
        right += weight * sum(map(_equal, a, b))
        total += weight * len(a)
    kinds = sorted({*counts["true"], *counts["predicted"]})
    by_type = {kind: SpanScores(*(counts[name][kind] for name in counts)) for kind in kinds}
    overall = SpanScores(*(sum(counts[name].values()) for name in counts))
    return SpanReport(overall, by_type, right / total if total else float("nan"), total)


def span_f1_score(y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None) -> float:
    """F of all spans, from 0 to 1; see `span_report`.

    Parameters
    ----------
    y_true, y_pred : list of list of str
        Tags of each sentence.
    sample_weight : array-like of shape (S,), default=None
        Weights of the sentences; None: all 1.

    Returns
    -------
    f1 : float
        From 0 to 1; 0 without any spans.

    See Also
    --------
    span_report : Scores of each type.

    Examples
    --------
    >>> from sklearn.metrics import make_scorer
    >>> from skmaxent.sequences import span_f1_score
    >>> scoring = make_scorer(span_f1_score)  # for cross_val_score and GridSearchCV
    >>> span_f1_score([["B-NP", "O"]], [["B-NP", "B-NP"]])
    0.6666666666666666
    """
    return span_report(y_true, y_pred, sample_weight=sample_weight).overall.f1


def span_precision_score(y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of the predicted spans that are right; see `span_report`.

    Parameters
    ----------
    y_true, y_pred : list of list of str
        Tags of each sentence.
    sample_weight : array-like of shape (S,), default=None
        Weights of the sentences; None: all 1.

    Returns
    -------
    precision : float
        From 0 to 1; 0 without any predicted span.

    See Also
    --------
    span_report : Scores of each type.

    Examples
    --------
    >>> from skmaxent.sequences import span_precision_score
    >>> round(span_precision_score([["B-NP", "O"]], [["B-NP", "B-NP"]]), 3)
    0.5
    """
    return span_report(y_true, y_pred, sample_weight=sample_weight).overall.precision


def span_recall_score(y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of the true spans that are found; see `span_report`.

    Parameters
    ----------
    y_true, y_pred : list of list of str
        Tags of each sentence.
    sample_weight : array-like of shape (S,), default=None
        Weights of the sentences; None: all 1.

    Returns
    -------
    recall : float
        From 0 to 1; 0 without any true span.

    See Also
    --------
    span_report : Scores of each type.

    Examples
    --------
    >>> from skmaxent.sequences import span_recall_score
    >>> round(span_recall_score([["B-NP", "O"]], [["B-NP", "B-NP"]]), 3)
    1.0
    """
    return span_report(y_true, y_pred, sample_weight=sample_weight).overall.recall


def flat_accuracy_score(y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of the tokens whose tag is right.

    Parameters
    ----------
    y_true, y_pred : list of list of tags
        Tags of each sentence.
    sample_weight : array-like of shape (S,), default=None
        Weights of the sentences.

    Returns
    -------
    accuracy : float
        nan without any token.

    See Also
    --------
    sequence_accuracy_score : Share of whole sentences.

    Examples
    --------
    >>> from skmaxent.sequences import flat_accuracy_score
    >>> round(flat_accuracy_score([["A", "B"], ["C"]], [["A", "A"], ["C"]]), 3)
    0.667
    """
    true, pred, weights = _pairs(y_true, y_pred, sample_weight)
    right = sum(weight * sum(map(_equal, a, b)) for a, b, weight in zip(true, pred, weights))
    total = sum(weight * len(tags) for tags, weight in zip(true, weights))
    return float(right / total) if total else float("nan")


def sequence_accuracy_score(y_true: Any, y_pred: Any, *, sample_weight: ArrayLike | None = None) -> float:
    """Share of the sentences all of whose tags are right.

    Parameters
    ----------
    y_true, y_pred : list of list of tags
        Tags of each sentence.
    sample_weight : array-like of shape (S,), default=None
        Weights of the sentences.

    Returns
    -------
    accuracy : float
        nan without any sentence.

    See Also
    --------
    flat_accuracy_score : Share of tokens.

    Examples
    --------
    >>> from skmaxent.sequences import sequence_accuracy_score
    >>> round(sequence_accuracy_score([["A", "B"], ["C"]], [["A", "A"], ["C"]]), 3)
    0.5
    """
    true, pred, weights = _pairs(y_true, y_pred, sample_weight)
    total = sum(weights)
    return float(sum(w * (a == b) for a, b, w in zip(true, pred, weights)) / total) if total else float("nan")


def flat_f1_score(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    average: str = "weighted",
    sample_weight: ArrayLike | None = None,
) -> float:
    """F of the tags of single tokens, averaged over tags: `sklearn.metrics.f1_score` of all tokens.

    Parameters
    ----------
    y_true, y_pred : list of list of tags
        Tags of each sentence.
    labels : list of tags, default=None
        The tags to average over, for instance all but "O". None for all that occur.
    average : {"weighted", "macro", "micro"}, default="weighted"
        By the number of tokens of a tag; every tag the same; F of all counts together.
    sample_weight : array-like of shape (S,), default=None
        Weights of the sentences.

    Returns
    -------
    f1 : float
        A tag that neither occurs nor is predicted counts 0.

    See Also
    --------
    span_f1_score : F of spans, not of tokens.

    Examples
    --------
    >>> from skmaxent.sequences import flat_f1_score
    >>> round(flat_f1_score([["A", "O"], ["A"]], [["A", "A"], ["A"]], labels=["A"]), 3)
    0.8
    """
    if average not in ("weighted", "macro", "micro"):
        raise ValueError(f"average must be one of 'weighted', 'macro', 'micro'. Got {average!r} instead.")
    true, pred, weights = _pairs(y_true, y_pred, sample_weight)
    n_true, n_pred, n_right = Counter(), Counter(), Counter()
    for a, b, weight in zip(true, pred, weights):
        for tag, other in zip(a, b):
            n_true[tag] += weight
            n_pred[other] += weight
            n_right[tag] += weight * (tag == other)
    labels = list({**n_true, **n_pred} if labels is None else dict.fromkeys(labels))
    scores = [SpanScores(n_true[tag], n_pred[tag], n_right[tag]) for tag in labels]
    if average == "micro":
        totals = [sum(counts[tag] for tag in labels) for counts in (n_true, n_pred, n_right)]
        return SpanScores(*totals).f1
    shares = [score.n_true if average == "weighted" else 1 for score in scores]
    return float(np.dot(shares, [score.f1 for score in scores]) / sum(shares)) if sum(shares) else 0.0


def _equal(a, b):
    return bool(a == b)


def _pairs(y_true, y_pred, sample_weight):
    """Both lists of lists of tags, of the same lengths, and weights."""
    true, pred = check_tags(y_true, "y_true"), check_tags(y_pred, "y_pred")
    if len(true) != len(pred):
        raise ValueError(f"y_true has {len(true)} sentences, y_pred has {len(pred)}.")
    for i, (a, b) in enumerate(zip(true, pred)):
        if len(a) != len(b):
            raise ValueError(f"y_true[{i}] has {len(a)} tags, y_pred[{i}] has {len(b)}.")
    if sample_weight is None:
        return true, pred, [1] * len(true)
    weights = np.asarray(sample_weight, float)
    if weights.shape != (len(true),) or not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(
            f"sample_weight must hold {len(true)} finite non-negative numbers, one for each sentence."
        )
    return true, pred, weights.tolist()
