"""What a fitted classifier is made of: the steps before it, and its weights as votes."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils.validation import validate_data

from ..convex.reductions.present_classes import is_absent
from ..estimators.common.recurrent_prediction import RecurrentPrediction
from ..nn.activations import ACTIVATIONS
from .steps import peel


@dataclass(frozen=True)
class Votes:
    """The score of one row, taken apart. C columns: the classes, or one for a binary model.

    Attributes
    ----------
    columns : ndarray of shape (m,)
        Numbers of the non-zero features.
    single : ndarray of shape (m,)
        What all classes share: values of columns; weights of joint features and of candidates.
    several : ndarray of shape (m, C)
        What each class has of its own: the weights of the model, or the gradient of the scores of a
        network; the values of joint features and of candidates.
    offset : ndarray of shape (C,)
        The rest of the scores: ``single @ several + offset`` are the scores. The intercept of a
        linear model; what the linear approximation leaves over in a network.
    """

    columns: np.ndarray
    single: np.ndarray
    several: np.ndarray
    offset: np.ndarray

    @property
    def scores(self):
        """The scores (C,) of the row."""
        return self.single @ self.several + self.offset


def final_estimator(estimator):
    """The fitted estimator inside pipelines, searches and meta-estimators."""
    return peel(estimator).classifier


def is_linear(estimator):
    """Whether each column has a weight for each class; the weights of joint features are not such."""
    if isinstance(estimator, OneVsRestClassifier):
        return all(map(is_linear, estimator.estimators_))
    plain = isinstance(getattr(estimator, "features", "all"), str)
    return plain and hasattr(estimator, "coef_") and hasattr(estimator, "intercept_")


def is_network(estimator):
    return hasattr(estimator, "coefs_") and hasattr(estimator, "intercepts_")


def is_approximate(estimator):
    """Whether votes are only a local approximation: a network with hidden layers, or a recurrent one."""
    return isinstance(estimator, RecurrentPrediction) or (is_network(estimator) and len(estimator.coefs_) > 1)


def is_multilabel(estimator):
    """Whether the scores belong to labels that do not exclude each other."""
    if is_network(estimator):
        binary = estimator.intercepts_[-1].size == 1 and len(estimator.classes_) == 2
        return estimator.out_activation_ == "logistic" and not binary
    if isinstance(estimator, OneVsRestClassifier):
        return estimator.multilabel_
    binarizer = getattr(estimator, "_label_binarizer", None)  # of a RidgeClassifier
    return getattr(binarizer, "y_type_", "").startswith("multilabel")


def column_weights(estimator, columns):
    """Weights (C, m), dense, of the chosen columns (integer array or slice) of a linear model."""
    if isinstance(estimator, OneVsRestClassifier):
        return np.vstack([column_weights(part, columns) for part in estimator.estimators_])
    if is_network(estimator):
        return estimator.coefs_[0][columns].T
    coef = estimator.coef_
    weights = coef[:, columns] if coef.ndim == 2 else coef[None, columns]  # 1-D: a binary RidgeClassifier
    return weights.toarray() if sparse.issparse(weights) else weights


def intercepts(estimator):
    """Intercepts (C,) of a linear model, in float64."""
    if isinstance(estimator, OneVsRestClassifier):
        return np.concatenate([intercepts(part) for part in estimator.estimators_])
    if is_network(estimator):
        return estimator.intercepts_[0].astype(np.float64)
    n_scores = estimator.coef_.shape[0] if estimator.coef_.ndim == 2 else 1
    return np.full(n_scores, estimator.intercept_, dtype=np.float64)


def n_features(estimator):
    """Number of columns of the matrix that the classifier sees."""
    if isinstance(estimator, OneVsRestClassifier):
        return n_features(estimator.estimators_[0])
    return estimator.coefs_[0].shape[0] if is_network(estimator) else estimator.coef_.shape[-1]


def as_rows(X_row):
    """One sample as the container of samples, of length 1, that the first step expects."""
    if isinstance(X_row, str | bytes) or (hasattr(X_row, "keys") and not hasattr(X_row, "ndim")):
        return [X_row]
    if hasattr(X_row, "iloc") and X_row.ndim == 1 and len(X_row) != 1:  # a row of a DataFrame
        return X_row.to_frame().T.infer_objects()
    if getattr(X_row, "ndim", None) == 1 and X_row.dtype.kind in "biuf" and not hasattr(X_row, "iloc"):
        rows = X_row.reshape(1, -1)
    elif (
        isinstance(X_row, list | tuple) and X_row and np.isscalar(X_row[0]) and not isinstance(X_row[0], str)
    ):
        rows = np.asarray(X_row).reshape(1, -1)
    else:
        rows = X_row
    shape = getattr(rows, "shape", None) or (len(rows),)
    if shape[0] != 1:
        raise ValueError(
            f"Found array with {shape[0]} sample(s) (shape={tuple(shape)}) while exactly 1 is required "
            "by explain."
        )
    return rows


def transform(steps, rows):
    for step in steps:
        rows = step.transform(rows)
    return rows


def decompose(estimator, rows):
    """Votes of the non-zero features of a row, in float64.

    Parameters
    ----------
    estimator : fitted linear classifier or multilayer perceptron
    rows : array-like or sparse matrix of shape (1, d)

    Returns
    -------
    votes : Votes
    """
    rows = validate_data(estimator, rows, reset=False, accept_sparse="csr")
    if sparse.issparse(rows):
        rows = sparse.csr_matrix(rows, copy=True)
        rows.sum_duplicates()
        columns, values = rows.indices, rows.data
    else:
        columns, values = np.arange(rows.shape[1]), rows[0]
    kept = values != 0
    columns, values = columns[kept], values[kept].astype(np.float64)
    if is_approximate(estimator):
        return _network_votes(estimator, columns, values)
    weights = column_weights(estimator, columns).T.astype(np.float64)
    return Votes(columns, values, weights, intercepts(estimator))


def _network_votes(estimator, columns, values):
    """Gradient times input (Shrikumar et al. 2017, section 2): the tangent plane of the scores at the row.

    One forward and one backward pass; of the first layer only the rows of the non-zero features
    are read.
    """
    forward, backward = ACTIVATIONS[estimator.activation]
    first = estimator.coefs_[0][columns].astype(np.float64)
    z = values @ first + estimator.intercepts_[0]
    layers = []
    for coef, intercept in zip(estimator.coefs_[1:], estimator.intercepts_[1:]):
        hidden = np.empty_like(z)
        forward(z, hidden)
        layers.append((z, hidden))
        z = hidden @ coef + intercept
    jacobian = np.eye(z.size)  # of the scores with respect to the inputs of a layer
    for coef, (inputs, outputs) in zip(estimator.coefs_[:0:-1], layers[::-1]):
        jacobian = jacobian @ coef.T
        backward(inputs, outputs, jacobian)
    weights = first @ jacobian.T
    return Votes(columns, values, weights, z - values @ weights)


def prediction(peeled, rows, parts, labels):
    """The label with the highest score; for multilabel models those with positive scores.

    A meta-estimator decides in its own way.
    """
    if peeled.decider is not peeled.classifier:
        return peeled.decider.predict(rows).tolist()[0]
    scores = parts.scores
    if is_multilabel(peeled.classifier):
        return [label for label, score in zip(labels, scores) if score > 0]
    return labels[int(scores[0] > 0) if scores.size < len(labels) else int(np.argmax(scores))]


def probabilities(decider, rows, parts, labels):
    """The probability of each label, a dict; None where the estimator gives none.

    Parameters
    ----------
    decider : classifier or meta-estimator
    rows : array-like
        The sample as `decider` takes it.
    parts : Votes
        For a network, whose forward pass is done.
    labels : list
    """
    if is_network(decider):
        scores = parts.scores
        scores = np.array([-scores[0], scores[0]]) if scores.size < len(labels) else scores
        proba = (softmax if decider.out_activation_ == "softmax" else expit)(scores)
    elif hasattr(decider, "predict_proba"):
        proba = np.ravel(decider.predict_proba(rows))
    else:
        return None
    return dict(zip(labels, proba.tolist()))


def centre(parts, classifier, labels, contrast, is_centred):
    """Votes less their mean over the classes, where the form has them centred, or of a contrast.

    Returns weights (m, C), offset, class mean (C,), classes of the columns, and the class they are
    against.
    """
    single = parts.offset.size == 1 and len(labels) == 2
    weights, offset = parts.several, parts.offset
    if contrast is not None:
        if len(contrast) != 2 or contrast[0] == contrast[1] or is_multilabel(classifier):
            raise ValueError(f"contrast={contrast!r} is not valid. It should be two different classes.")
        for label in contrast:
            if label not in labels:
                raise ValueError(
                    f"contrast={contrast!r} is not valid: {label!r} is not a class of "
                    f"{type(classifier).__name__}. It should be one of {labels}."
                )
        first, second = (labels.index(label) for label in contrast)
        if single:
            weights, offset = weights * (first - second), offset * (first - second)
        else:
            weights = weights[:, [first]] - weights[:, [second]]
            offset = offset[[first]] - offset[[second]]
        return weights, offset, np.zeros(1), [labels[first]], labels[second]
    if single:
        return weights, offset, np.zeros(1), labels[1:], labels[0]
    if is_multilabel(classifier) or not is_centred:
        return weights, offset, np.zeros(len(labels)), labels, None
    common, middle = weights.mean(axis=1), mean_offset(classifier, offset)
    mean = parts.single @ common + middle
    return weights - common[:, None], offset - middle, np.full(len(labels), mean), labels, None


def mean_offset(classifier, offset):
    """The mean over the classes; one without weight, whose intercept stands for -infinity, has no part."""
    coef = getattr(classifier, "coef_", None)
    absent = np.zeros(len(offset), bool) if coef is None else is_absent(offset, coef.dtype)
    return offset[~absent].mean() if not absent.all() else offset.mean()
