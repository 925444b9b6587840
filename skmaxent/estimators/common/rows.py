"""Rows to predict for, checked at no more cost than they are worth."""

from math import isfinite

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted, validate_data

from .advice import advice_on


def validate_rows(model, X, dtype, formats=("csr", "csc"), **options):
    """Rows to predict for, as `validate_data` gives them.

    One row is scored in less time than scikit-learn takes to validate it: arrays that are evidently sound,
    of the dtype of the weights, pass here.

    Parameters
    ----------
    model : estimator
        Fitted, with `n_features_in_`.
    X : array-like or sparse array of shape (n, d)
    dtype : dtype
        Of the weights.
    formats : tuple of str
        Of sparse arrays, "csr" the first.
    **options
        Of `validate_data`.
    """
    dense = type(X) is np.ndarray and X.ndim == 2 and (X.flags.c_contiguous or "order" not in options)
    if dense or (sparse.issparse(X) and X.format == "csr"):
        known = vars(model)
        fits = X.dtype == dtype and X.shape[0] and X.shape[1] == known.get("n_features_in_")
        if fits and "feature_names_in_" not in known:
            with np.errstate(over="ignore", invalid="ignore"):
                total = X.sum() if dense else X.data.sum()
            if isfinite(total):
                return X
    check_is_fitted(model)
    with advice_on(X, model):
        return validate_data(
            model, X, reset=False, accept_sparse=formats, dtype=[np.float64, np.float32], **options
        )
