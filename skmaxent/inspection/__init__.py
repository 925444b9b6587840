"""Explanations: predictions taken apart into votes, and the strongest features of a class."""

from .explainers import explain
from .explanation import Explanation
from .model import final_estimator
from .top import TopFeatures, top_features

__all__ = ["Explanation", "TopFeatures", "explain", "final_estimator", "top_features"]
