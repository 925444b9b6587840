"""Models with joint features: from lists of Python data to grouped problems, scores and counts."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _num_samples

from .objective.grouped import GroupedProblem


def as_data(X, name):
    """The data as a list; the rows of a DataFrame as dicts.

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
    if hasattr(X, "iloc") and X.ndim == 2:
        return X.to_dict("records")
    n = _num_samples(X)
    if n == 0:
        raise ValueError(f"Found array with 0 sample(s) while a minimum of 1 is required by {name}.")
    return list(X)


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
    problem : GroupedProblem
        One group a datum, one row a class.
    """
    if labels.rows is not None:
        data = [data[i] for i in labels.rows]
    n, K = len(data), len(labels.classes)
    masses = labels.masses
    if masses is None:
        masses = np.zeros((n, K))
        masses[np.arange(n), labels.codes] = labels.weights
    kept = labels.weights > 0  # a class weight of 0 also removes data
    if not kept.all():
        data, masses = [data[i] for i in np.flatnonzero(kept)], masses[kept]
    table, design = features.fit_design(data, labels.classes.tolist(), (masses > 0).astype(float))
    starts = np.arange(len(data) + 1) * K
    return table, GroupedProblem(design, labels.weights[kept], starts, masses.ravel())


def joint_scores(model, X):
    """Scores (n, K) of the data, or (n, 1), the log-odds of the second of two classes."""
    data = as_data(X, type(model).__name__)
    design = model.features.design(data, model.classes_.tolist(), model.joint_table_)
    scores = (design @ model.coef_).reshape(len(data), -1)
    return scores[:, 1:] - scores[:, :1] if scores.shape[1] == 2 else scores


def joint_counts(model, X, masses):
    """Values of the features (p,) summed over data and classes, with label masses (n, K)."""
    data = as_data(X, type(model).__name__)
    design = model.features.design(data, model.classes_.tolist(), model.joint_table_)
    return design.T @ masses.ravel()
