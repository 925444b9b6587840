"""Rows with their labels and weights as users give them, checked and turned into a Part."""

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from ...compat import check_sample_weight
from ...convex.machine.parts import Part
from ...numerics.sparse import canonical
from .labels import plain_labels, sorted_classes
from .targets import label_masses


def checked_part(element, name, target_type="auto"):
    """A Part, and the dtype of its X.

    Parameters
    ----------
    element : tuple (X, y) or (X, y, sample_weight)
    name : str
        For messages, such as "partition 3".
    target_type : {"auto", "masses"}

    Raises
    ------
    ValueError, TypeError
        Where it is malformed, naming it.
    """
    try:
        if not isinstance(element, tuple | list) or len(element) not in (2, 3):
            raise TypeError(f"expected a tuple (X, y) or (X, y, sample_weight). Got {type(element).__name__}")
        X, y, *given = element
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=0)
        X = canonical(sparse.csr_array(X)) if sparse.issparse(X) else np.ascontiguousarray(X)
        weights = given[0] if given else None
        if weights is not None:
            weights = check_sample_weight(weights, X) if X.shape[0] else np.zeros(0)
            if (weights < 0).any():
                raise ValueError("Negative values in data passed to `sample_weight`.")
        codes, classes, masses = _labels(y, X.shape[0], target_type)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{name}: {error}") from error
    return Part.of(X, codes, classes, masses, weights, name), X.dtype


def _labels(y, n_rows, target_type):
    """Codes, classes and masses of a partition; one of the first and the last is None."""
    masses = label_masses(y, target_type) if n_rows else None
    found = len(masses) if masses is not None else len(y)
    if found != n_rows:
        raise ValueError(f"X has {n_rows} rows and y has {found}")
    if masses is not None:
        return None, np.arange(masses.shape[1]), masses
    if not n_rows:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), None
    y = plain_labels(y)
    if y.dtype.kind == "O":
        if not all(isinstance(label, str) for label in y):
            raise TypeError("labels must be numbers, or all of them strings")
        y = y.astype(str)
    classes, codes = sorted_classes(y)
    return codes, classes, None
