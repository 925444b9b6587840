"""What taggers share, free of any estimator: tags and spans, their scores, features of words in a window."""

from .metrics import (
    SpanReport,
    SpanScores,
    flat_accuracy_score,
    flat_f1_score,
    sequence_accuracy_score,
    span_f1_score,
    span_precision_score,
    span_recall_score,
    span_report,
)
from .tags import convert_tags, from_spans, is_legal, legal_transitions, spans
from .windows import affixes, window, word_features, word_shape

__all__ = [
    "SpanReport",
    "SpanScores",
    "affixes",
    "convert_tags",
    "flat_accuracy_score",
    "flat_f1_score",
    "from_spans",
    "is_legal",
    "legal_transitions",
    "sequence_accuracy_score",
    "span_f1_score",
    "span_precision_score",
    "span_recall_score",
    "span_report",
    "spans",
    "window",
    "word_features",
    "word_shape",
]
