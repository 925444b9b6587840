"""Prediction from fitted weights: scores, labels, probabilities, expected and observed features."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from ...compat import check_sample_weight
from ...convex.machine.files import Partitions
from ...numerics.losses import logistic, sigmoids, softmax
from ...numerics.sparse import retyped
from .as_sklearn import AsLogisticRegression
from .joint import JointForm
from .partitioned import by_blocks, refuse_beside, score_of_partitions
from .rows import validate_rows
from .targets import expected_accuracy, masses_of_model

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

# Entries of a block of scores of sparse weights, which is first a sparse array.
BLOCK_ENTRIES = 2_000_000
# Largest size of the array that sparse weights become after a fit.
DENSE_BYTES = 1 << 25


class ColumnForm:
    """What is particular about a fitted model with a weight for each column and class."""

    @staticmethod
    def scores(model, X):
        """Scores (n, K) or (n, 1) of validated or raw X."""
        X = given = validate_rows(model, X, model.coef_.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            X = retyped(X, model.coef_.dtype)  # casting the weights would copy far more
            scores = _product(X, model.coef_.T)
            scores += model.intercept_
            total = scores.sum()
        beyond = None if isfinite(total) else ~np.isfinite(scores).all(axis=1)
        if beyond is not None and beyond.any():
            scores = scores.astype(float)
            scores[beyond] = _bounded_scores(given[beyond], model.coef_.T, model.intercept_)
        return scores

    @staticmethod
    def counts(model, X, masses):
        """Values of all features (K, d) summed over the rows with label masses (n, K)."""
        X = validate_data(model, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32])
        return (X.T @ masses).T

    @staticmethod
    def sparse(coef):
        """The weights (K, d) as sparse ones."""
        return SparseWeights(coef)


class Prediction(AsLogisticRegression):
    """Mixin of a fitted maximum-entropy model: everything that follows from its weights."""

    @property
    def _form(self):
        """What is particular about the form of this fitted model."""
        return JointForm if hasattr(self, "joint_table_") else ColumnForm

    def _scores(self, X):
        """Scores (n, K) or (n, 1) of validated or raw X."""
        if "coef_" not in vars(self):
            check_is_fitted(self)
        return self._form.scores(self, X)

    @by_blocks
    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of the classes: the votes of the features, added up.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Rows with the columns of `fit`; with joint features a list of data.

        Returns
        -------
        scores : ndarray of shape (n, K), or (n,) when binary
            Unnormalised log-probabilities; when binary, the log-odds of the second class.
        """
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @by_blocks
    def predict(self, X: Any) -> np.ndarray:
        """Most probable label of each row.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Rows with the columns of `fit`; with joint features a list of data.

        Returns
        -------
        labels : ndarray of shape (n,)
            Of `classes_`.
        """
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)]

    @by_blocks
    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class in each row.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Rows with the columns of `fit`; with joint features a list of data.

        Returns
        -------
        proba : ndarray of shape (n, K)
            Columns in the order of `classes_`.
        """
        scores = self._scores(X)
        if scores.shape[1] > 1:
            return softmax(scores, out=scores)[1]
        return sigmoids(scores)

    @by_blocks
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithm of the probability of each class in each row, exact where it underflows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Rows with the columns of `fit`; with joint features a list of data.

        Returns
        -------
        log_proba : ndarray of shape (n, K)
            Natural logarithms, columns in the order of `classes_`.
        """
        scores = self._scores(X)
        if scores.shape[1] > 1:
            return scores - softmax(scores)[0][:, None]
        return -logistic(np.hstack([scores, -scores]))[0]

    def expected_counts(self, X: Any, sample_weight: ArrayLike | None = None) -> np.ndarray:
        """Expected value of every feature under the model: one side of the maximum-entropy constraint.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Rows with the columns of `fit`; with joint features a list of data.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows; None: all 1.

        Returns
        -------
        counts : ndarray of shape (K, d), or (p,) with joint features
            ``sum_i m_i p(k | x_i) x_ij``. At an optimum without prior they equal `observed_counts`
            on the training data; with it they differ by ``coef_ / C``.
        """
        return self._counts(X, self.predict_proba(X), sample_weight)

    def observed_counts(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> np.ndarray:
        """Observed value of every feature: the other side of the maximum-entropy constraint.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Rows with the columns of `fit`; with joint features a list of data.
        y : array-like of shape (n,) or (n, K)
            Labels among `classes_`, or label masses.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows; None: all 1.

        Returns
        -------
        counts : ndarray of shape (K, d), or (p,) with joint features
            ``sum_i m_i [y_i = k] x_ij``.
        """
        check_is_fitted(self)
        masses = masses_of_model(y, self.target_type, self.classes_)
        if masses is None:
            y = column_or_1d(y)
            unknown = np.setdiff1d(y, self.classes_)
            if len(unknown):
                raise ValueError(f"y contains previously unseen labels: {unknown.tolist()}")
            masses = self.classes_ == y[:, None]
        return self._counts(X, masses, sample_weight)

    def score(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy; on label masses the expected accuracy.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), or partitions
            Rows with the columns of `fit`; with joint features a list of data. With partitions their own
            labels and weights count, and the others are None.
        y : array-like of shape (n,) or (n, K)
            Labels, or label masses as in `fit`.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows; None: all 1.

        Returns
        -------
        score : float
            Share of the rows whose label is predicted; of label masses the share, summed over the
            rows, that lies on the predicted classes.
        """
        check_is_fitted(self)
        if isinstance(X, Partitions):
            refuse_beside("Partitions", y=y, sample_weight=sample_weight)
            return score_of_partitions(self, X)
        masses = masses_of_model(y, self.target_type, self.classes_)
        if masses is None:
            return super().score(X, y, sample_weight=sample_weight)
        predicted = np.searchsorted(self.classes_, self.predict(X))
        check_consistent_length(predicted, masses)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, predicted)
        return expected_accuracy(masses, predicted, sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        # Through the origin no weights can prefer one class everywhere, as scikit-learn's check of
        # class weights wants; LogisticRegression(fit_intercept=False) cannot either.
        tags.classifier_tags.poor_score = not self.fit_intercept
        return tags

    def _counts(self, X, masses, sample_weight):
        """Values of all features summed over the rows with label masses (n, K)."""
        masses = masses.astype(self.coef_.dtype)
        if sample_weight is not None:
            masses *= np.asarray(sample_weight, dtype=masses.dtype)[:, None]
        return self._form.counts(self, X, masses)

    def __setstate__(self, state):
        coef = state.get("coef_")
        if sparse.issparse(coef):  # skops makes a plain matrix of it
            state = {**state, "coef_": SparseWeights(coef)}
        super().__setstate__(state)

    def sparsify(self) -> Self:
        """Convert `coef_` to a sparse matrix, to save memory where most weights are 0.

        Its format is CSC, so that one row of X is scored without touching the weights of other columns.
        The vector of weights of a model with joint features stays as it is.

        Returns
        -------
        self : MaxEntClassifier
            The fitted estimator; it predicts as before.
        """
        check_is_fitted(self)
        self.coef_ = self._form.sparse(self.coef_)
        return self

    def densify(self) -> Self:
        """Convert `coef_` to a dense array.

        Returns
        -------
        self : MaxEntClassifier
            The fitted estimator.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.T.toarray(order="C").T
        return self


class SparseWeights(sparse.csc_matrix):
    """A CSC matrix that tells tools which need an array what to do.

    NumPy would make an object of the whole matrix, and tools would fail later in words of their own.
    """

    def _array_required(self):
        size = np.prod(self.shape, dtype=float) * self.dtype.itemsize
        raise TypeError(
            f"coef_ is a sparse matrix of shape {self.shape}, and an array is required. Call densify() on "
            f"the fitted model to make it one of {size / 1e6:,.1f} MB."
        )

    flatten = ravel = tolist = _array_required

    def __array__(self, dtype=None, copy=None):
        if (
            dtype is None or np.dtype(dtype).kind != "O"
        ):  # objects are asked for to arrange matrices (scipy.sparse.hstack)
            self._array_required()
        whole = np.empty((), dtype=object)
        whole[()] = self
        return whole


def stored_weights(weights):
    """`coef_` (K, d) of weights (d, K): a transposed view, for sparse products want rows of K weights.

    Sparse weights become an array when it takes at most `DENSE_BYTES`, because many tools need one.
    """
    if not sparse.issparse(weights):
        return weights.T
    if np.prod(weights.shape, dtype=float) * weights.dtype.itemsize <= DENSE_BYTES:
        return weights.toarray(order="C").T
    return SparseWeights(weights.T)


def _bounded_scores(X, W, intercept):
    """Scores of rows that overflow: in float64, and cut off at its largest number."""
    size = abs(X).max(axis=1)
    size = (size.toarray() if sparse.issparse(size) else np.asarray(size)).reshape(-1, 1).astype(float)
    unit = X.astype(float).multiply(1 / size).tocsr() if sparse.issparse(X) else X / size
    with np.errstate(over="ignore"):
        scores = _product(unit, W.astype(float)) * size + intercept
    # Half of the largest: differences of scores are finite too.
    return np.clip(scores, -0.5 * np.finfo(float).max, 0.5 * np.finfo(float).max)


def _product(X, W):
    """X @ W, dense, for X and W dense or sparse."""
    if not (sparse.issparse(X) and sparse.issparse(W)):
        return X @ W
    n, K = X.shape[0], W.shape[1]
    if n * K <= BLOCK_ENTRIES:
        return (X @ W).toarray()
    X, scores = X.tocsr(), np.empty((n, K), W.dtype)
    step = max(1, BLOCK_ENTRIES // K)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        scores[rows] = (X[rows] @ W).toarray()
    return scores
