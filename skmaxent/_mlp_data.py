"""From checked X, y and weights to the examples a network trains on."""

import numpy as np
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d

from ._sklearn import check_sample_weight
from .nn.batches import Dataset
from .nn.row_keys import row_keys, stratified_split


def target_kind(y):
    """ "classes", "multilabel" (an indicator matrix) or "distribution" ((n, K) masses)."""
    kind = type_of_target(y, input_name="y")
    if kind in ("binary", "multiclass"):
        return "classes"
    if kind == "multilabel-indicator":
        return "multilabel"
    if kind in ("continuous-multioutput", "multiclass-multioutput"):
        masses = np.asarray(y)
        if np.issubdtype(masses.dtype, np.number) and np.isfinite(masses).all():
            if (masses < 0).any():
                raise ValueError("Label distributions in y must be non-negative.")
            return "distribution"
    raise ValueError(
        f"Unknown label type: {kind}. y must hold class labels, a multilabel indicator matrix, or an "
        "(n_samples, n_classes) array of label distributions or counts."
    )


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
    codes : intp ndarray of shape (n,) or None
        The (most probable) class of each row; None for multilabel y.
    """
    if kind == "classes":
        y = column_or_1d(y, warn=True)
        codes = np.searchsorted(classes, y)
        codes[codes == classes.size] = 0
        unknown = classes[codes] != y
        if np.any(unknown):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {classes}. "
                f"'y' has {np.unique(np.asarray(y)[unknown])}."
            )
        targets = codes.astype(dtype)[:, None] if classes.size <= 2 else codes
        return targets, None, codes
    y = y.toarray() if sparse.issparse(y) else np.asarray(y)
    if y.shape[1] != classes.size:
        raise ValueError(f"y has {y.shape[1]} columns, but the model has {classes.size} classes.")
    if kind == "multilabel":
        return y.astype(dtype), None, None
    mass = y.sum(axis=1, dtype=float)
    targets = y / np.where(mass > 0, mass, 1)[:, None]
    return targets.astype(dtype), mass, targets.argmax(axis=1)


def class_weights(class_weight, kind, classes, targets, codes, weights):
    """The factor on each row's weight that `class_weight` asks for; None for none.

    "balanced": n / (K n_k), all n weighted, so that each class weighs the same.
    """
    if class_weight is None:
        return None
    if kind != "classes":
        raise ValueError("class_weight is supported for y of class labels only.")
    if isinstance(class_weight, str):
        counts = np.bincount(codes, weights=weights, minlength=classes.size)
        factors = counts.sum() / ((counts > 0).sum() * np.where(counts > 0, counts, 1))
    else:
        factors = compute_class_weight(class_weight, classes=classes, y=classes[codes])
    return factors[codes]


def compact_indices(X):
    """CSR with 32-bit indices where they suffice and without repeated entries; X itself is left alone."""
    if not sparse.issparse(X):
        return X
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    if X.indices.dtype != np.int32 and max(X.nnz, *X.shape) < np.iinfo(np.int32).max:
        parts = (X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32))
        X = type(X)(parts, shape=X.shape, copy=False)
    return X


def make_dataset(X, y, kind, classes, sample_weight, class_weight):
    """The Dataset of examples with a positive weight; its weights are None when all are 1."""
    targets, mass, codes = encode(y, kind, classes, X.dtype)
    weights = None
    if sample_weight is not None:
        weights = check_sample_weight(sample_weight, X)
    for factor in (mass, class_weights(class_weight, kind, classes, targets, codes, weights)):
        if factor is not None:
            weights = factor if weights is None else weights * factor
    if weights is not None:
        kept = weights > 0
        if not kept.all():
            X, targets, weights = X[kept], targets[kept], weights[kept]
        weights = None if (weights == 1).all() else weights.astype(X.dtype)
    return Dataset(X, targets, weights)


def split(data, seed, fraction):
    """(training, validation) Datasets, stratified by class; see `stratified_split`."""
    targets = data.targets
    if targets.ndim == 1:
        strata = targets
    elif targets.shape[1] == 1:
        strata = targets[:, 0].astype(np.intp)
    else:  # distributions by their most probable class; label sets, which may all differ, as one stratum
        strata = (
            np.zeros(len(data), dtype=np.intp)
            if ((targets == 0) | (targets == 1)).all()
            else targets.argmax(axis=1)
        )
    chosen = stratified_split(row_keys(data.X, seed), strata, data.weights, fraction)
    if not chosen.any():
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )

    def part(rows):
        weights = None if data.weights is None else data.weights[rows]
        return Dataset(data.X[rows], data.targets[rows], weights)

    return part(~chosen), part(chosen)
