"""From checked X, y and weights to the examples a network trains on, and back."""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import column_or_1d

from ...compat import check_sample_weight
from ...nn.training.batches import Dataset
from ...nn.training.row_keys import row_keys, stratified_split
from . import labels


def find_classes(y, kind):
    """The classes in y: sorted labels, or column numbers."""
    return unique_labels(y) if kind == "classes" else np.arange(y.shape[1])


def encode(y, kind, classes, dtype):
    """The targets of the loss, and the mass of each row.

    Returns
    -------
    targets : ndarray
        Codes (n,) for three classes or more, probabilities (n, 1) of the second of two, (n, K) for
        distributions (each row sums to 1) and multilabel indicators.
    mass : float64 ndarray of shape (n,) or None
        What each row of label masses sums to.
    """
    if kind == "classes":
        y = column_or_1d(y, warn=True)
        codes = labels.label_codes(y, classes)
        targets = codes.astype(dtype)[:, None] if classes.size <= 2 else codes
        return targets, None
    if np.ndim(y) != 2 or y.shape[1] != classes.size:
        raise ValueError(f"y has shape {np.shape(y)}, but the model has {classes.size} classes.")
    y = y.toarray() if sparse.issparse(y) else np.asarray(y)
    if kind == "multilabel":
        if not ((y == 0) | (y == 1)).all():
            raise ValueError(
                "A multilabel indicator matrix y must hold 0 and 1 only. Label counts or distributions are "
                "given as floats, or with target_type='masses'."
            )
        return y.astype(dtype), None
    if (y < 0).any():
        raise ValueError("Negative values in y: label distributions must be non-negative.")
    mass = y.sum(axis=1, dtype=float)
    targets = y / np.where(mass > 0, mass, 1)[:, None]
    return targets.astype(dtype), mass


def decode(data, kind, classes):
    """(X, y, weights) of a Dataset as a scorer takes them.

    Of label masses each class of a row is a row of its own, weighted by its mass.
    """
    targets, weights = data.targets, data.weights
    if kind == "multilabel":
        return data.X, targets.astype(int), weights
    if kind == "classes":
        return data.X, classes[_codes(targets)], weights
    rows, codes = np.nonzero(targets)
    masses = targets[rows, codes]
    return data.X[rows], classes[codes], masses if weights is None else masses * weights[rows]


def _codes(targets):
    """Class codes (n,) of the targets of class labels."""
    return targets if targets.ndim == 1 else targets[:, 0].astype(np.intp)


def class_factors(class_weight, kind, classes, data):
    """Factor (K,) on the weights of each class that `class_weight` asks for; None for none."""
    if class_weight is None:
        return None
    if kind != "classes":
        raise ValueError("class_weight is supported for y of class labels only.")
    totals = np.bincount(_codes(data.targets), weights=data.weights, minlength=classes.size)
    return labels.class_factors(class_weight, classes, totals)


def weigh_classes(data, factors):
    """The Dataset with the weights of each class multiplied by its factor."""
    if factors is None:
        return data
    weights = factors[_codes(data.targets)]
    return _weighted(data.X, data.targets, weights if data.weights is None else data.weights * weights)


def _weighted(X, targets, weights):
    """The Dataset of the rows with a positive weight; its weights are None when all are 1."""
    rows = None if weights is None else labels.rows_of_weight(weights)
    if rows is not None:
        X, targets, weights = X[rows], targets[rows], weights[rows]
    if weights is not None:
        weights = None if (weights == 1).all() else weights.astype(X.dtype)
    return Dataset(X, targets, weights)


def make_dataset(X, y, kind, classes, sample_weight):
    """The Dataset of the examples with a positive weight, class weights aside."""
    targets, weights = encode(y, kind, classes, X.dtype)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
        weights = sample_weight if weights is None else weights * sample_weight
    return _weighted(X, targets, weights)


def split(data, kind, seed, fraction):
    """(training, validation) Datasets, stratified by class; see `stratified_split`.

    Class weights come later: a row of a class that weighs more has not occurred more often.
    """
    targets, keys = data.targets, row_keys(data.X, seed)
    if kind == "classes":
        strata = _codes(targets)
    else:  # distributions by their most probable class; label sets, which may all differ, as one stratum
        keys += row_keys(targets, seed)
        multilabel = kind == "multilabel"
        strata = np.zeros(len(data), dtype=np.intp) if multilabel else targets.argmax(axis=1)
    share = stratified_split(keys, strata, data.weights, fraction)
    weights = 1.0 if data.weights is None else data.weights
    return _weighted(data.X, targets, weights * (1 - share)), _weighted(data.X, targets, weights * share)
