"""Explanations: predictions taken apart into votes, and the strongest features of a class."""

from skmaxent.inspection._explain import explain
from skmaxent.inspection._model import final_estimator
from skmaxent.inspection._top import TopFeatures, top_features
from skmaxent.inspection.explanation import Explanation

__all__ = ["Explanation", "TopFeatures", "explain", "final_estimator", "top_features"]
