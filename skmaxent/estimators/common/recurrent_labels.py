"""What a trained recurrent network says about sequences that have one label each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ...compat import ClassifierMixin, check_sample_weight
from .recurrent_prediction import RecurrentPrediction, log_softmax
from .targets import expected_accuracy, masses_of_model

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


class LabelPrediction(RecurrentPrediction, ClassifierMixin):
    """Mixin of a recurrent network that classifies sequences."""

    def _scores(self, X):
        """Scores (n, K): of an empty sequence the logarithms of the shares of the classes."""
        given = self._read(X)
        scores = np.empty((len(given), self.classes_.size), self.weights_["affine.weights"].dtype)
        with np.errstate(divide="ignore"):
            scores[:] = np.log(self.class_count_ / self.class_count_.sum())
        for rows, part in self._batches(given, False):
            scores[rows] = part
        return scores

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class of each sequence.

        Parameters
        ----------
        X : sequences
            As for `fit`.

        Returns
        -------
        y : ndarray of shape (n_sequences,)
            Of `classes_`.
        """
        codes = self._scores(X).argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : sequences
            As for `fit`.

        Returns
        -------
        proba : ndarray of shape (n_sequences, n_classes)
            Columns in the order of `classes_`.
        """
        return np.exp(log_softmax(self._scores(X)))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`; -inf where a probability underflows.

        Parameters
        ----------
        X : sequences
            As for `fit`.

        Returns
        -------
        log_proba : ndarray of shape (n_sequences, n_classes)
            Natural logarithms, columns in the order of `classes_`.
        """
        return log_softmax(self._scores(X))

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Share of the sequences with the right class; for label masses the expected share.

        Parameters
        ----------
        X : sequences
            As for `fit`.
        y : array-like of shape (n_sequences,) or (n_sequences, n_classes)
            Class labels or label masses, as for `fit`.
        sample_weight : array-like of shape (n_sequences,), optional
            Weight of each sequence.

        Returns
        -------
        score : float
            Of label masses the share, summed over the sequences, that lies on the predicted classes.
        """
        check_is_fitted(self)
        masses = masses_of_model(y, self.target_type, self.classes_, type(self).__name__)
        if masses is not None:
            codes = self._scores(X).argmax(axis=1)
            check_consistent_length(codes, masses)
            if sample_weight is not None:
                sample_weight = check_sample_weight(sample_weight, codes)
            return expected_accuracy(masses, codes, sample_weight)
        return super().score(X, y, sample_weight)
