"""Joint features f(c, d) of a class and a datum; the weighting of columns by log-count ratios."""

from .joint import Joined, JointFeatures
from .log_count_ratio import LogCountRatioScaler

__all__ = ["Joined", "JointFeatures", "LogCountRatioScaler"]
