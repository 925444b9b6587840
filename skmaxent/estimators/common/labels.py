"""Labels and weights as scikit-learn's users give them, turned into the masses of a Problem."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import count

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _num_samples, check_consistent_length, column_or_1d

from ...convex.problem import Problem
from ...numerics.missing import any_missing
from ...numerics.sparse import canonical, take_rows
from .targets import TARGET_TYPES, label_masses

#: What a classifier must check before it encodes labels.
LABELS = {
    "fit_intercept": ["boolean"],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "target_type": [StrOptions(set(TARGET_TYPES))],
}


@dataclass(frozen=True)
class Labels:
    """Labels of the rows that count.

    Attributes
    ----------
    classes : ndarray of shape (K,)
        Those of rows without weight among them.
    rows : integer ndarray of shape (m,) or None
        The rows with a positive weight; None for all.
    weights : ndarray of shape (m,), float64
    codes : integer ndarray of shape (m,) or None
    masses : ndarray of shape (m, K) or None
    """

    classes: np.ndarray
    rows: np.ndarray | None
    weights: np.ndarray
    codes: np.ndarray | None
    masses: np.ndarray | None


def encode_labels(y, X, sample_weight, class_weight, target_type="auto", classes=None):
    """Labels (n,) or label masses (n, K), with sample and class weights, as `Labels`.

    Rows of weight 0 are absent, but their labels are among the classes.

    Parameters
    ----------
    y, X, sample_weight, class_weight
        As the user gives them.
    target_type : {"auto", "masses"}
        What a y of two dimensions means, see `label_masses`.
    classes : ndarray of shape (K,), optional
        All labels, sorted, where `y` may lack some; by default those in `y`.
    """
    check_consistent_length(X, y)
    weights = np.ones(_num_samples(X))
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weights.any():
            raise ValueError("sample_weight must contain at least one non-zero number, got only zeros.")
    masses = label_masses(y, target_type)
    if masses is not None:
        return _encode_masses(masses, weights, class_weight)
    y = plain_labels(y)
    if classes is None:
        classes, codes = sorted_classes(y)
    else:
        codes = label_codes(y, classes)
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one "
            f"class: {classes[0]!r}"
        )
    totals = np.bincount(codes, weights=weights, minlength=len(classes))
    factors = class_factors(class_weight, classes, totals)
    if factors is not None:
        weights = weights * factors[codes]
    rows = _rows_that_count(weights)
    if rows is not None:
        codes, weights = codes[rows], weights[rows]
    return Labels(classes, rows, weights, codes, None)


def plain_labels(y):
    """Labels (n,) as an array, checked."""
    if any_missing(y):
        raise ValueError("Input y contains NaN.")
    if type(y) is not np.ndarray or y.ndim != 1:  # of others it takes scikit-learn its time to see that
        y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":  # before the next line casts them to integers
        assert_all_finite(y, input_name="y")
    if y.dtype.kind not in "biuUS":  # these are classes by their type
        check_classification_targets(y)
    return y


def sorted_classes(y):
    """``np.unique(y, return_inverse=True)``; text is only sorted once it is distinct."""
    if y.dtype.kind not in "UO":
        return np.unique(y, return_inverse=True)
    number = defaultdict(count().__next__)
    codes = np.fromiter(map(number.__getitem__, y.tolist()), np.intp, len(y))
    first = np.empty(len(number), np.intp)
    first[codes[::-1]] = np.arange(len(y))[::-1]
    classes, place = np.unique(y[first], return_inverse=True)
    return classes, place[codes]


def _encode_masses(masses, weights, class_weight):
    masses = masses * weights[:, None]
    totals = masses.sum(axis=0)
    if not totals.any():
        raise ValueError("No column of the label masses y has weight: one needs a positive total weight.")
    classes = np.arange(masses.shape[1])
    factors = class_factors(class_weight, classes, totals)
    if factors is not None:
        masses *= factors
    weights = masses.sum(axis=1)
    rows = _rows_that_count(weights)
    if rows is not None:
        masses, weights = masses[rows], weights[rows]
    return Labels(classes, rows, weights, None, masses)


def rows_of_weight(weights):
    """Numbers of the rows with a positive weight, the only ones that count; None for all."""
    return None if (weights > 0).all() else np.flatnonzero(weights > 0)


def _rows_that_count(weights):
    if not weights.any():
        raise ValueError("The data have no weight: class_weight is 0 for every class of positive weight.")
    return rows_of_weight(weights)


def label_codes(y, classes):
    """Numbers of the labels among the sorted classes.

    Raises
    ------
    ValueError
        For a label that is none of them.
    """
    codes = np.searchsorted(classes, y)
    codes[codes == classes.size] = 0
    unknown = classes[codes] != y
    if np.any(unknown):
        raise ValueError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {classes}. "
            f"'y' has {np.unique(np.asarray(y)[unknown])}."
        )
    return codes


def class_factors(class_weight, classes, totals):
    """Factor (K,) on the weight of each class that `class_weight` asks for, or None for none.

    "balanced" makes the totals of the classes that have one equal: sum / (K total).

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    classes : ndarray of shape (K,)
    totals : ndarray of shape (K,)
        Weights of the classes.

    Raises
    ------
    ValueError
        For a factor that is negative, infinite or NaN, and when all are 0.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        filled = totals > 0
        return totals.sum() / (np.count_nonzero(filled) * np.where(filled, totals, 1))
    factors = compute_class_weight(class_weight, classes=classes, y=classes)
    if not np.isfinite(factors).all() or (factors < 0).any() or not factors.any():
        raise ValueError(
            f"class_weight must be finite, non-negative and not all zero. Got {class_weight!r} instead."
        )
    return factors


def make_problem(X, labels):
    """The training problem on the rows of X that count; weights and masses stay in float64."""
    if labels.rows is not None:
        X = take_rows(X, labels.rows)
    return Problem(canonical(X, turn=True), labels.weights, len(labels.classes), labels.codes, labels.masses)
