"""Pictures of what a model has learned and how, in scikit-learn's convention for displays."""

from skmaxent.plotting._curves import ConvergenceDisplay, LossCurveDisplay
from skmaxent.plotting._path import PathDisplay
from skmaxent.plotting._votes import CoefficientsDisplay, VotesDisplay

__all__ = ["CoefficientsDisplay", "ConvergenceDisplay", "LossCurveDisplay", "PathDisplay", "VotesDisplay"]
