"""Pictures of what a model has learned and how, in scikit-learn's convention for displays."""

from .curves import ConvergenceDisplay, LossCurveDisplay
from .path import PathDisplay
from .states import HiddenStatesDisplay
from .summary import VoteSummaryDisplay
from .transitions import TransitionsDisplay
from .votes import CoefficientsDisplay, VotesDisplay

__all__ = [
    "CoefficientsDisplay",
    "ConvergenceDisplay",
    "HiddenStatesDisplay",
    "LossCurveDisplay",
    "PathDisplay",
    "TransitionsDisplay",
    "VoteSummaryDisplay",
    "VotesDisplay",
]
