"""scikit-learn's own classes, with this package's engines behind `fit`.

``from skmaxent.dropin import LogisticRegression, LogisticRegressionCV, MLPClassifier`` are subclasses of
scikit-learn's classes of the same names: signature, validation, messages, attributes, predictions and
pickles are those of the installed version. Only the computation inside `fit` is replaced, and only where
the result is the same; anything else runs scikit-learn's own code, and ``fit_engine_`` tells which ran.

``python -m skmaxent.dropin script.py`` runs an unchanged script with these in scikit-learn's place.
"""

from .installation import install, uninstall
from .logistic import LogisticRegression, LogisticRegressionCV
from .mlp import MLPClassifier
from .record import summary

__all__ = ["LogisticRegression", "LogisticRegressionCV", "MLPClassifier", "install", "summary", "uninstall"]
