"""Models with joint features: from lists of Python data to grouped problems, scores and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples, check_is_fitted

from ...convex.grouped import GroupedProblem
from ...convex.problem import Problem
from ...features.joint import JointFeatures, column_names
from ...features.records import Records, as_records

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import ArrayLike


class JointNames:
    """Mixin of a classifier with a parameter `features`: names of joint features."""

    @property
    def joint_feature_names_(self) -> np.ndarray:
        """Names of the joint features, an array of str of shape (p,), in the order of `coef_`."""
        check_is_fitted(self)
        if self._form is not JointForm:
            raise AttributeError("Only a model with features=JointFeatures(...) has joint_feature_names_.")
        return column_names(self.joint_table_, self.classes_)


class JointModel(JointNames):
    """Mixin of such a classifier that can have joint features whose weights are given."""

    @classmethod
    def from_weights(cls, *, features: str | JointFeatures, classes: ArrayLike, coef: ArrayLike) -> Self:
        """A fitted model with joint features whose weights are given, not learned.

        Parameters
        ----------
        features : JointFeatures
            Its templates must name their pairs, since there are no training data to take them from.
        classes : sequence of K different class labels
            The columns of `predict_proba`, in this order.
        coef : array-like of shape (p,)
            One weight for each feature; for those of a template and of ``bias=True`` see
            `joint_feature_names_`.

        Returns
        -------
        model : MaxEntClassifier
            Without `convergence_` and `n_iter_`.

        Raises
        ------
        ValueError
            If the numbers of weights and features differ, or there are fewer than two classes.
        """
        if not isinstance(features, JointFeatures):
            raise ValueError(
                "The 'features' parameter of from_weights must be an instance of 'JointFeatures'. "
                f"Got {features!r} instead."
            )
        classes = np.asarray(classes)
        if classes.ndim != 1 or len(np.unique(classes)) < max(len(classes), 2):
            raise ValueError(
                "The 'classes' parameter of from_weights must be a list of at least 2 different labels. "
                f"Got {classes.tolist()!r} instead."
            )
        table = features.table(classes.tolist())
        coef = check_array(coef, ensure_2d=False, dtype=np.float64, input_name="coef", copy=True)
        if coef.shape != (table["n_columns"],):
            raise ValueError(f"coef has shape {coef.shape}, but there are {table['n_columns']} features.")
        model = cls(features=features)
        model.__dict__.update(classes_=classes, coef_=coef, joint_table_=table)
        return model


def as_data(X, name):
    """The data as a list; a DataFrame, of pandas or polars, a pyarrow table and a 2-D array as `Records`.

    Parameters
    ----------
    X : list or any other sequence of Python objects
    name : str
        Class of the estimator, for messages.
    """
    if isinstance(X, str | bytes | dict) or sparse.issparse(X):
        raise ValueError(
            f"Expected a list of data, one Python object each, because {name} has joint features. "
            f"Got {type(X).__name__} instead."
        )
    records = X if isinstance(X, Records) else as_records(X)
    if records is not None:
        X = records
    elif hasattr(X, "iloc") and X.ndim == 2:
        X = X.to_dict("records")
    elif hasattr(X, "columns"):  # iterating over them would give their columns
        rows = getattr(X, "to_dicts", None) or getattr(X, "to_pylist", None)
        X = rows() if rows else X
    n = _num_samples(X)
    if n == 0:
        raise ValueError(f"Found array with 0 sample(s) while a minimum of 1 is required by {name}.")
    return list(X) if records is None else X


def joint_problem(features, data, labels):
    """The table of the features on the data that count, and the training problem.

    Parameters
    ----------
    features : JointFeatures
    data : list of n data
    labels : Labels

    Returns
    -------
    table : dict
        See `JointFeatures.fit_design`.
    problem : GroupedProblem or Problem
        One group a datum, one row a class; with two classes one row a datum.
    """
    if labels.rows is not None:
        data = [data[i] for i in labels.rows]
    n, K = len(data), len(labels.classes)
    masses = labels.masses
    if masses is None:
        masses = np.zeros((n, K))
        masses[np.arange(n), labels.codes] = labels.weights
    weights, classes = labels.weights, labels.classes.tolist()
    table, design = features.fit_design(data, classes, masses > 0, differences=K == 2)
    if K == 2:  # a choice of two is a logistic model of the differences of their features
        return table, Problem(design, weights, 2, labels.codes, labels.masses)
    return table, GroupedProblem(design, weights, np.arange(len(data) + 1) * K, masses.ravel())


class JointForm:
    """What is particular about a fitted model with joint features; see `ColumnForm` for the others."""

    @staticmethod
    def scores(model, X):
        """Scores (n, K) of the data, or (n, 1), the log-odds of the second of two classes."""
        data = as_data(X, type(model).__name__)
        classes = model.classes_.tolist()
        design = model.features.design(data, classes, model.joint_table_, differences=len(classes) == 2)
        return (design @ model.coef_).reshape(len(data), -1)

    @staticmethod
    def counts(model, X, masses):
        """Values of the features (p,) summed over data and classes, with label masses (n, K)."""
        data = as_data(X, type(model).__name__)
        design = model.features.design(data, model.classes_.tolist(), model.joint_table_)
        return design.T @ masses.ravel()

    @staticmethod
    def sparse(coef):
        """The weights as sparse ones: a vector stays as it is."""
        return coef
