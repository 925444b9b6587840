"""The check of class weights that the estimators share."""

import numpy as np


def check_class_factors(factors, class_weight):
    """Raise ValueError unless the factors of the classes are numbers that can weigh rows.

    Parameters
    ----------
    factors : ndarray of shape (K,)
    class_weight : dict or "balanced"
        What the user gave, for the message.
    """
    if not np.isfinite(factors).all():
        raise ValueError(f"class_weight must be finite: it contains NaN or infinity. Got {class_weight!r}.")
    if (factors < 0).any() or not factors.any():
        raise ValueError(f"class_weight must be non-negative and not all zero. Got {class_weight!r} instead.")
