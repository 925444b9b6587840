"""What y means, for both engines: labels, label masses, or an indicator of labels; and scores on masses.

It follows from the type of y alone, never from its values, so that it is the same in every fold.
"""

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target

TARGET_TYPES = ("auto", "masses")


def label_masses(y, target_type="auto", name="MaxEntClassifier"):
    """y of shape (n, K) as label masses in float64; None where y holds one label a row.

    What y means follows from its type alone, never from its values, so that it is the same in every
    fold of a cross-validation: floats are masses; integers and booleans are an indicator of labels,
    whose rows must have one label each, unless ``target_type="masses"`` says that they are counts. `name`
    is the estimator's, for messages.

    Raises
    ------
    ValueError
        If y is no array of finite non-negative numbers, or an indicator whose rows do not sum to 1.
    """
    if target_type not in TARGET_TYPES:
        raise ValueError(f"target_type must be one of {TARGET_TYPES}. Got {target_type!r} instead.")
    if sparse.issparse(y):
        y = y.toarray()
    array = y.to_numpy() if hasattr(y, "iloc") else np.asarray(y)
    if array.ndim != 2 or array.shape[1] < 2:
        if target_type == "masses":
            raise ValueError(
                "target_type='masses' needs y of shape (n_samples, n_classes) with a column for each class. "
                f"Got an array of shape {array.shape} instead."
            )
        return None
    masses = check_array(y, dtype=np.float64, input_name="y", estimator=name)
    if (masses < 0).any():
        raise ValueError(f"Negative values in data passed to {name}: label masses y must be non-negative.")
    if target_type == "auto" and _is_whole(y, array):
        wrong = np.flatnonzero(masses.sum(axis=1) != 1)
        if len(wrong):
            raise ValueError(
                f"An array y of integers or booleans marks the labels of each row, and {name} has one label "
                f"a row: its rows must sum to 1, but row {wrong[0]} sums to {masses[wrong[0]].sum():g}. For "
                f"several labels a row use {_several(name)}. If "
                "y holds label masses, such as counts, say so by target_type='masses', or pass floats."
            )
    return masses


def _several(name):
    """Which estimators take several labels a row, for the same X."""
    if name == "MaxEntClassifier":
        return "sklearn.multioutput.MultiOutputClassifier(MaxEntClassifier()) or BackpropMLPClassifier"
    return f"a {name} for each label"


def _is_whole(y, array):
    """Whether all columns are of integers or booleans."""
    dtypes = [array.dtype] if array.dtype.kind != "O" else getattr(y, "dtypes", [array.dtype])
    return all(getattr(dtype, "kind", "O") in "biu" for dtype in dtypes)


def target_kind(y, target_type):
    """ "classes", "multilabel" (an indicator matrix) or "distribution" ((n, K) masses).

    A y of one dimension holds class labels. For two, `target_type` decides, or with "auto" the dtype:
    floats are masses, integers and booleans indicators. The values never do, which may look different in
    each fold.
    """
    n_columns = y.shape[1] if np.ndim(y) == 2 else 0
    if n_columns < {"auto": 2, "masses": 2, "multilabel": 1}[target_type]:
        if target_type != "auto":
            raise ValueError(
                f"target_type={target_type!r} needs a y of shape (n_samples, n_outputs). Got an array of "
                f"shape {y.shape} instead."
            )
        kind = type_of_target(y, input_name="y")
        if kind in ("binary", "multiclass"):
            return "classes"
        raise ValueError(
            f"Unknown label type: {kind}. y must hold class labels, a multilabel indicator matrix of "
            "integers, or an (n_samples, n_classes) array of label distributions or counts as floats."
        )
    if y.dtype.kind not in "fiub":
        raise ValueError(
            f"Unknown label type: a y of shape {y.shape} must hold numbers. Got dtype {y.dtype} instead."
        )
    if target_type == "masses" or (target_type == "auto" and y.dtype.kind == "f"):
        return "distribution"
    return "multilabel"


def masses_of_model(y, target_type, classes, name="MaxEntClassifier"):
    """`label_masses`, checked against the classes of a fitted model."""
    masses = label_masses(y, target_type, name)
    if masses is not None and masses.shape[1] != len(classes):
        raise ValueError(f"y has {masses.shape[1]} columns, but the model has {len(classes)} classes.")
    return masses


def expected_accuracy(masses, codes, weights):
    """Share of the mass, weighted by rows, that lies on the predicted classes; nan without any mass.

    Parameters
    ----------
    masses : ndarray of shape (n, K)
    codes : integer ndarray of shape (n,)
        Number of the predicted class of each row.
    weights : ndarray of shape (n,) or None
    """
    return _share(masses[np.arange(len(masses)), codes], masses, weights)


def mass_log_loss(masses, proba, weights):
    """Mean of -log p over the mass, in nats; on one label a row this is `sklearn.metrics.log_loss`.

    Parameters
    ----------
    masses, proba : ndarray of shape (n, K)
    weights : ndarray of shape (n,) or None
    """
    eps = np.finfo(proba.dtype).eps  # as scikit-learn bounds the probabilities
    losses = -(masses * np.log(np.clip(proba, eps, 1 - eps))).sum(axis=1)
    return _share(losses, masses, weights)


def _share(values, masses, weights):
    totals = masses.sum(axis=1)
    if weights is not None:
        values, totals = values * weights, totals * weights
    total = totals.sum()
    return float(values.sum() / total) if total > 0 else np.nan
