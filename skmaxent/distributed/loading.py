"""A partition as it comes, checked, as the machine wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ..compat import check_sample_weight
from ..convex.machine.parts import Part
from ..estimators.common.targets import label_masses
from ..numerics.missing import any_missing
from ..numerics.sparse import canonical

if TYPE_CHECKING:
    from typing import Any


def load(number: int, X: Any, y: Any, sample_weight: Any = None, *, target_type: str = "auto") -> Part:
    """The rows of a partition with their labels and weights.

    Parameters
    ----------
    number : int
        Of the partition, for messages.
    X : array-like or sparse array of shape (n, d)
        n may be 0.
    y : array-like of shape (n,) or (n, K)
    sample_weight : array-like of shape (n,), optional
    target_type : {"auto", "masses"}

    Raises
    ------
    ValueError, TypeError
        In scikit-learn's words, behind the name of the partition.
    """
    name = f"partition {number}"
    try:
        return _loaded(name, X, y, sample_weight, target_type)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{name}: {error}") from error


def _loaded(name, X, y, sample_weight, target_type):
    X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=0)
    check_consistent_length(X, y)
    if X.shape[0] == 0:
        return Part.of(X, np.zeros(0, np.int32), np.zeros(0), name=name)
    weights = None if sample_weight is None else check_sample_weight(sample_weight, X)
    X = canonical(X)
    masses = label_masses(y, target_type)
    if masses is not None:
        return Part.of(X, None, np.arange(masses.shape[1]), masses, weights, name)
    if any_missing(y):
        raise ValueError("Input y contains NaN.")
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    return Part.of(X, codes.astype(np.int32), classes, None, weights, name)
