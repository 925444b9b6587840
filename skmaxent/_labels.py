"""Labels and weights as scikit-learn's users give them, turned into the masses of a Problem."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import count

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_array,
    check_consistent_length,
    column_or_1d,
)

from .objective.problem import Problem


@dataclass(frozen=True)
class Labels:
    """Labels of the rows that count.

    Attributes
    ----------
    classes : ndarray of shape (K,)
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


def encode_labels(y, X, sample_weight, class_weight):
    """Labels (n,) or label masses (n, K), with sample and class weights, as `Labels`.

    Rows of weight 0 are absent, also when it comes to which classes there are.
    """
    check_consistent_length(X, y)
    weights = np.ones(_num_samples(X))
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weights.any():
            raise ValueError("sample_weight must contain at least one non-zero number, got only zeros.")
    array = np.asarray(y) if not hasattr(y, "iloc") else y.to_numpy()
    if array.ndim == 2 and array.shape[1] > 1:
        return _encode_masses(y, weights, class_weight)
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":  # before the next line casts them to integers
        assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    kept = weights > 0
    rows = None if kept.all() else np.flatnonzero(kept)
    if rows is not None:
        y, weights = y[rows], weights[rows]
    classes, codes = _sorted_classes(y)
    if len(classes) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one "
            f"class: {classes[0]!r}"
        )
    factors = _class_factors(class_weight, classes, np.bincount(codes, weights=weights))
    if factors is not None:
        weights = weights * factors[codes]
    return Labels(classes, rows, weights, codes, None)


def _sorted_classes(y):
    """``np.unique(y, return_inverse=True)``; text is only sorted once it is distinct."""
    if y.dtype.kind not in "UO":
        return np.unique(y, return_inverse=True)
    number = defaultdict(count().__next__)
    codes = np.fromiter(map(number.__getitem__, y.tolist()), np.intp, len(y))
    first = np.empty(len(number), np.intp)
    first[codes[::-1]] = np.arange(len(y))[::-1]
    classes, place = np.unique(y[first], return_inverse=True)
    return classes, place[codes]


def _encode_masses(y, weights, class_weight):
    masses = check_array(y, dtype=np.float64, input_name="y", estimator="MaxEntClassifier")
    if (masses < 0).any():
        raise ValueError(
            "Negative values in data passed to MaxEntClassifier: label masses y must be non-negative."
        )
    masses = masses * weights[:, None]
    totals = masses.sum(axis=0)
    if np.count_nonzero(totals) < len(totals):
        raise ValueError(
            "Every column of the label masses y needs a positive total weight; the columns "
            f"{np.flatnonzero(totals == 0).tolist()} have none."
        )
    classes = np.arange(masses.shape[1])
    factors = _class_factors(class_weight, classes, totals)
    if factors is not None:
        masses *= factors
    weights = masses.sum(axis=1)
    rows = None if (weights > 0).all() else np.flatnonzero(weights)
    if rows is not None:
        masses, weights = masses[rows], weights[rows]
    return Labels(classes, rows, weights, None, masses)


def _class_factors(class_weight, classes, totals):
    """Factor on each class, or None; "balanced" makes the totals of the classes equal."""
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        return totals.sum() / (len(classes) * totals)
    factors = compute_class_weight(class_weight, classes=classes, y=classes)
    if (factors < 0).any() or not factors.any():
        raise ValueError(f"class_weight must be non-negative and not all zero. Got {class_weight!r} instead.")
    return factors


def make_problem(X, labels):
    """The training problem on the rows that count, in the precision of X."""
    rows = labels.rows
    kept = labels.weights > 0  # a class weight of 0 also removes rows
    if not kept.all():
        rows = np.flatnonzero(kept) if rows is None else rows[kept]
    if rows is not None:
        X = (X.tocsr() if hasattr(X, "tocsr") else X)[rows]
    return Problem(
        X,
        labels.weights[kept].astype(X.dtype),
        len(labels.classes),
        codes=None if labels.codes is None else labels.codes[kept],
        masses=None if labels.masses is None else labels.masses[kept].astype(X.dtype),
    )
