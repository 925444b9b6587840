"""Explanations: predictions taken apart into votes, and the strongest features of a class."""

from .explainers import explain
from .explanation import Explanation
from .many import VoteSummary, explain_many
from .model import final_estimator
from .top import TopFeatures, top_features

__all__ = [
    "Explanation",
    "TopFeatures",
    "VoteSummary",
    "explain",
    "explain_many",
    "final_estimator",
    "top_features",
]
