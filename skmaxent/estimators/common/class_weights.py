"""Class weights, checked as sample weights are."""

import numpy as np


def check_class_factors(factors, class_weight):
    """Refuse factors on the classes that no weight can be.

    Parameters
    ----------
    factors : ndarray of shape (K,)
        One number a class.
    class_weight : dict or str
        The parameter that they come from, for the message.

    Returns
    -------
    factors : ndarray of shape (K,)

    Raises
    ------
    ValueError
        For a factor that is negative, infinite or NaN, and when all are 0.
    """
    if not np.isfinite(factors).all() or (factors < 0).any() or not factors.any():
        raise ValueError(
            f"class_weight must be finite, non-negative and not all zero. Got {class_weight!r} instead."
        )
    return factors
