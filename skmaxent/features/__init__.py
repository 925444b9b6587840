"""Joint features f(c, d) of a class and a datum."""

from .joint import Joined, JointFeatures

__all__ = ["Joined", "JointFeatures"]
