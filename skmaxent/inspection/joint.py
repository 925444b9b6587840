"""Votes of joint features f(c, d), and of the features of candidates."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from ..estimators.ranker import MaxEntRanker
from .model import Votes


def form(estimator):
    """What a model scores: "columns" of a matrix, "joint" features, or "candidates"."""
    if isinstance(estimator, MaxEntRanker):
        return "candidates"
    return "joint" if hasattr(estimator, "joint_table_") else "columns"


def joint_votes(model, data):
    """Votes on one datum: the values are the weights of the features, the weights their answers.

    Parameters
    ----------
    model : MaxEntClassifier with joint features
    data : list with one datum

    Returns
    -------
    votes : Votes
        With two classes one column: the second class less the first.
    """
    design = model.features.design(data, model.classes_.tolist(), model.joint_table_)
    votes = _by_feature(design, model.coef_)
    if len(model.classes_) > 2:
        return votes
    return Votes(votes.columns, votes.values, votes.weights[:, 1:] - votes.weights[:, :1], votes.offset[1:])


def candidate_votes(model, rows):
    """Votes on the candidates of one group: the values are the weights, the weights the candidates' values.

    Parameters
    ----------
    model : MaxEntRanker
    rows : array-like or sparse array of shape (C, d)
    """
    return _by_feature(validate_data(model, rows, reset=False, accept_sparse="csr"), model.coef_)


def _by_feature(X, coef):
    columns = np.unique(X.indices) if sparse.issparse(X) else np.flatnonzero(np.any(X, axis=0))
    answers = X[:, columns]
    answers = answers.toarray() if sparse.issparse(answers) else answers
    return Votes(columns, coef[columns].astype(float), answers.T.astype(float), np.zeros(X.shape[0]))
