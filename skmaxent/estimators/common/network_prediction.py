"""What a trained network says about new rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from ...compat import check_sample_weight
from ...nn.builders import FeedForward
from ...nn.training.batches import layer_outputs
from ...numerics.losses import logistic, sigmoids, softmax
from ...numerics.sparse import compact
from .as_sklearn import AsMLPClassifier
from .network_data import encode
from .rows import validate_rows
from .targets import expected_accuracy

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


class NetworkPrediction(AsMLPClassifier):
    """Mixin of a network: scores, classes, probabilities, activations."""

    def _outputs(self, X):
        """Yields (start, [activations of the hidden layers, then scores]) for blocks of rows."""
        if "coefs_" not in vars(self):
            check_is_fitted(self)
        X = validate_rows(self, X, self.coefs_[0].dtype, ("csr",), order="C")
        network = FeedForward([*(w.shape[0] for w in self.coefs_), self.n_outputs_], self.activation)
        parameters, X = network.around(self.coefs_, self.intercepts_), compact(X)
        return layer_outputs(network.graph(parameters, parameters, not isinstance(X, np.ndarray)), X)

    def _scores(self, X):
        blocks = [outputs[-1].copy() for _, outputs in self._outputs(X)]
        return np.concatenate(blocks) if len(blocks) > 1 else blocks[0]

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of the output units, before softmax or logistic.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,), (n_samples, n_classes) or (n_samples, n_outputs)
            For two classes the log-odds of the second; for more, or for label distributions, unnormalised
            log-probabilities; for a multilabel model the log-odds of each label.
        """
        scores = self._scores(X)
        return scores[:, 0] if self._target_kind == "classes" and self.n_outputs_ == 1 else scores

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_outputs) for a multilabel model
            Of `classes_`; of a multilabel model 1 for each label that is more probable than not.
        """
        scores = self._scores(X)
        if self._target_kind == "multilabel":
            return (scores > 0).astype(int)
        if self.classes_.size == 1:
            return np.repeat(self.classes_, len(scores))
        codes = (scores[:, 0] > 0).astype(int) if self.n_outputs_ == 1 else scores.argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class; of a multilabel model the probability of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            A network that was trained on a single class has two columns, as `MLPClassifier`'s: that class,
            and what is left.
        """
        scores = self._scores(X)
        if self.out_activation_ == "softmax":
            return softmax(scores)[1]
        if self._target_kind != "multilabel":
            return sigmoids(scores)
        proba = logistic(scores)[1]
        return np.minimum(proba, 1 - np.finfo(proba.dtype).epsneg)  # below 1, as it is before rounding

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`, accurate near 1 too; -inf where a probability underflows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Natural logarithms, columns as in `predict_proba`.
        """
        scores = self._scores(X)
        if self.out_activation_ == "softmax":
            log_p = scores - softmax(scores)[0][:, None]
        else:
            log_z = logistic(scores)[0]
            log_p = scores - log_z
            if self._target_kind != "multilabel":
                log_p = np.hstack([-log_z, log_p])
        log_p[np.exp(log_p) == 0] = -np.inf
        return log_p

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy; for label masses the expected accuracy, of a label drawn from each row's masses.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            As for `fit`. Of a multilabel y all labels of a row must be right.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows; None: all 1.

        Returns
        -------
        score : float
            For masses m: ``sum_i w_i m_i,c(i) / sum_i w_i sum_k m_ik``, c(i) the predicted class; NaN
            without any mass.
        """
        check_is_fitted(self)
        if self._target_kind != "distribution" or np.ndim(y) < 2:
            return super().score(X, y, sample_weight)
        y = check_array(y, accept_sparse="csr", dtype=np.float64, input_name="y")
        check_consistent_length(X, y)
        targets, mass = encode(y, "distribution", self.classes_, np.float64)
        if sample_weight is not None:
            mass = mass * check_sample_weight(sample_weight, X)
        return expected_accuracy(targets, self._scores(X).argmax(axis=1), mass)

    def hidden_activations(self, X: Any, layer: int = -1) -> np.ndarray:
        """Outputs of a hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int, default=-1
            Index among the hidden layers.

        Returns
        -------
        activations : ndarray of shape (n_samples, H)
            A column for each of the H units of the layer.

        Raises
        ------
        IndexError
            When there is no such layer.
        """
        check_is_fitted(self)
        n_hidden = self.n_layers_ - 2
        if not -n_hidden <= layer < n_hidden:
            raise IndexError(f"layer={layer}: the network has {n_hidden} hidden layers.")
        return np.concatenate([outputs[:-1][layer].copy() for _, outputs in self._outputs(X)])
