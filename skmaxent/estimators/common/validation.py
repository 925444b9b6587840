"""A validation set beside the training data: checked, and scored by the models of a path."""

from dataclasses import dataclass, field

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from ...compat import check_sample_weight
from ...features.joint import JointFeatures
from .joint import as_data
from .targets import label_masses, masses_of_model


@dataclass(frozen=True)
class Part:
    """Some data with their labels.

    Attributes
    ----------
    X : ndarray, CSR or CSC array of shape (n, d), or list of n data
    y : ndarray of shape (n,) or (n, K)
    options : dict
        Metadata, as a fit or a scorer takes them.
    """

    X: object
    y: object
    options: dict = field(default_factory=dict)

    def take(self, rows):
        """Some of the data, with what the options say of these."""
        options = {
            name: value if value is None or np.isscalar(value) else _safe_indexing(value, rows)
            for name, value in self.options.items()
        }
        return Part(_safe_indexing(self.X, rows), _safe_indexing(self.y, rows), options)


def given_validation(estimator, names, y, classes, X_val, y_val, sample_weight_val):
    """The validation set as a Part, or None without one.

    Parameters
    ----------
    estimator : estimator
        With the parameters `features` and `target_type`.
    names : dict
        What the training data told of the columns, see `compat.validate_training_data`.
    y, classes
        Training labels or label masses as the user gave them, and all classes.
    X_val, y_val, sample_weight_val
        As the user gives them.

    Raises
    ------
    ValueError
        If some are given without the others, or do not go with the training data.
    """
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together.")
    if X_val is None:
        if sample_weight_val is not None:
            raise ValueError("sample_weight_val needs X_val and y_val.")
        return None
    if isinstance(estimator.features, JointFeatures):
        X_val = as_data(X_val, type(estimator).__name__)
    else:
        known = object.__new__(type(estimator))
        known.__dict__.update(estimator.get_params(deep=False) | names)
        X_val = validate_data(
            known, X_val, reset=False, accept_sparse=("csr", "csc"), dtype=[np.float64, np.float32]
        )
    check_consistent_length(X_val, y_val)
    masses = label_masses(y, estimator.target_type) is not None
    if masses != (label_masses(y_val, estimator.target_type) is not None):
        kinds = ("labels", "label masses")
        raise ValueError(f"y_val must hold {kinds[masses]} like y. Got {kinds[not masses]} instead.")
    y_val = masses_of_model(y_val, estimator.target_type, classes) if masses else column_or_1d(y_val)
    options = {}
    if sample_weight_val is not None:
        options["sample_weight"] = check_sample_weight(sample_weight_val, X_val)
    return Part(X_val, y_val, options)


class KnownDesign:
    """The features of a model that scores the same data again and again: their design is made once.

    Parameters
    ----------
    features : JointFeatures
    data : list
    """

    def __init__(self, features, data):
        self._features, self._data, self._design = features, data, None

    def design(self, data, classes, table, differences=False):
        """As of JointFeatures, for one table."""
        same = len(data) == len(self._data) and all(a is b for a, b in zip(data, self._data))
        if not same:
            return self._features.design(data, classes, table, differences)
        if self._design is None:
            self._design = self._features.design(data, classes, table, differences)
        return self._design
