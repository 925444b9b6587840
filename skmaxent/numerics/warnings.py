"""Warnings that point at the user's own line, through whatever calls lie between."""

import sys
import warnings

#: packages whose lines are not the user's: this one, and those that call it for the user
_BETWEEN = {__name__.split(".")[0], "sklearn", "joblib"}


def warn_user(message, category=UserWarning):
    """Warn at the first line outside of this package and of scikit-learn.

    Decorators and meta-estimators put a number of frames between the two that differs by version, so that
    no fixed `stacklevel` is right.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
