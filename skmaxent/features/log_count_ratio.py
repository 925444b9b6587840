"""LogCountRatioScaler: columns weighted by how unevenly the classes have them."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    check_non_negative,
    column_or_1d,
    validate_data,
)

from ..compat import (
    BaseEstimator,
    OneToOneFeatureMixin,
    TransformerMixin,
    VersionedPickle,
    check_sample_weight,
    fit_context,
    validate_training_data,
)
from ..numerics.missing import any_missing

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike


class LogCountRatioScaler(VersionedPickle, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Multiply each column by the logarithm of the ratio of its shares in two classes.

    The log-count ratio is the weight of a column in a multinomial naive-Bayes model; a linear model on
    columns that are scaled by it (NBSVM when the model is a support vector machine) begins, as it were,
    from naive Bayes, and its prior allows more weight to the columns that tell classes apart::

        r_kj = log p_kj / (sum_j p_kj) - log q_kj / (sum_j q_kj)
        p_kj = alpha + sum_{i: y_i = k} m_i x_ij,    q_kj = alpha + sum_{i: y_i != k} m_i x_ij

    with m the row weights.

    Parameters
    ----------
    alpha : float, default=1.0
        Count that each column has beforehand in each class, positive.

    Attributes
    ----------
    scale_ : ndarray of shape (d,)
        What the columns are multiplied by. With two classes the ratio of the second to the first. With
        more the ratio of one class against all others that is largest in modulus, as a modulus: a
        column keeps one scale, which every class shares. For the scale of each class in its own model
        use ``OneVsRestClassifier(make_pipeline(LogCountRatioScaler(), MaxEntClassifier()))``.
    log_ratios_ : ndarray of shape (K, d), or (1, d) when binary
        The ratios, of natural logarithms, each class against all others; when binary of the second.
    classes_ : ndarray of shape (K,)
        The labels.
    n_features_in_ : int
        Number of columns d.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, when X had names that are all strings.

    See Also
    --------
    MaxEntClassifier : A classifier of the scaled counts.

    Notes
    -----
    Wang & Manning count the documents that have a word, not how often they have it: give indicators, for
    instance of ``CountVectorizer(binary=True)``. The labels make the scale, so that in cross-validation
    this step belongs into the pipeline, before the classifier.

    References
    ----------
    S. Wang and C. D. Manning, Baselines and bigrams: simple, good sentiment and topic classification,
    ACL 2012.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import CountVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmaxent import LogCountRatioScaler, MaxEntClassifier
    >>> texts = ["a fine film", "fine acting", "a dull film", "dull plot"]
    >>> model = make_pipeline(CountVectorizer(binary=True), LogCountRatioScaler(), MaxEntClassifier())
    >>> model = model.fit(texts, ["pos", "pos", "neg", "neg"])
    >>> dict(zip(model[0].get_feature_names_out().tolist(), model[1].scale_.round(2).tolist()))
    {'acting': 0.69, 'dull': -1.1, 'film': 0.0, 'fine': 1.1, 'plot': -0.69}
    """

    scale_: np.ndarray
    log_ratios_: np.ndarray
    classes_: np.ndarray
    n_features_in_: int
    feature_names_in_: np.ndarray

    _parameter_constraints: dict[str, Any] = {"alpha": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, *, alpha: float = 1.0):
        self.alpha = alpha

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Count the columns in each class.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Counts or indicators, non-negative.
        y : array-like of shape (n,)
            Labels of any sortable kind.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights.

        Returns
        -------
        self : LogCountRatioScaler
            The fitted transformer.

        Raises
        ------
        ValueError
            If X has negative entries, or y fewer than two classes.
        """
        X, names = validate_training_data(self, X, y)
        check_consistent_length(X, y)
        check_non_negative(X, "LogCountRatioScaler (input X)")
        if any_missing(y):
            raise ValueError("Input y contains NaN.")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        binarizer = LabelBinarizer().fit(y)
        if len(binarizer.classes_) < 2:
            raise ValueError(
                "LogCountRatioScaler needs samples of at least 2 classes in the data, but the data contains "
                f"only one class: {binarizer.classes_[0]!r}"
            )
        weights = np.ones(len(y)) if sample_weight is None else check_sample_weight(sample_weight, X)
        if not weights.any():
            raise ValueError("sample_weight must contain at least one non-zero number, got only zeros.")
        marks = binarizer.transform(y) * weights[:, None]
        counts = np.asarray((X.T @ marks).T, dtype=np.float64)
        totals = np.asarray(X.T @ weights, dtype=np.float64)
        ratios = _log_shares(counts + self.alpha) - _log_shares(np.maximum(totals - counts, 0) + self.alpha)
        ratios = ratios.astype(X.dtype)
        scale = ratios[0] if len(ratios) == 1 else np.abs(ratios).max(axis=0)
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(names, classes_=binarizer.classes_, log_ratios_=ratios, scale_=scale)
        return self

    def transform(self, X: Any) -> Any:
        """Multiply the columns by `scale_`.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Counts, with the columns of `fit`.

        Returns
        -------
        scaled : ndarray or CSR or CSC array of shape (n, d)
            In the precision of X.
        """
        check_is_fitted(self)
        X = validate_data(
            self, X, reset=False, accept_sparse=("csr", "csc"), dtype=[np.float64, np.float32], copy=True
        )
        scale = self.scale_.astype(X.dtype)
        if not sparse.issparse(X):
            return np.multiply(X, scale, out=X)
        X.data *= scale[X.indices] if X.format == "csr" else np.repeat(scale, np.diff(X.indptr))
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _log_shares(counts):
    """Logarithm of each count's share in its row."""
    return np.log(counts) - np.log(counts.sum(axis=1, keepdims=True))
