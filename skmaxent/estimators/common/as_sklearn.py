"""Fitted models as scikit-learn's own: the same weights in a LogisticRegression or an MLPClassifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from ...compat import logistic_prior
from .network_training import COLUMNS
from .penalty import penalty_name

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

#: Attributes of a trained network that MLPClassifier has too, but for its weights.
TRAINED = (
    *("classes_", "n_layers_", "n_outputs_", "out_activation_", "n_iter_", "t_", "loss_", "best_loss_"),
    *("loss_curve_", "validation_scores_", "best_validation_score_"),
)
#: Activations of hidden units that MLPClassifier has too.
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")


class AsLogisticRegression:
    """Mixin of a maximum-entropy classifier: the fitted model as scikit-learn's LogisticRegression."""

    def to_sklearn(self) -> LogisticRegression:
        """The fitted model as a `LogisticRegression` of scikit-learn, which predicts the same.

        It works, and its pickles load, where this package is not installed; so does what takes
        scikit-learn's own classes alone. `skmaxent.export.to_sklearn` does the same inside of pipelines.

        Returns
        -------
        model : sklearn.linear_model.LogisticRegression
            Fitted, with a copy of the weights. Its parameters are those that both classes have, `C` among
            them: `fit` would train again, by scikit-learn's solver and without `penalty_weights`. A
            sparse `coef_` is one as after LogisticRegression's `sparsify`. In float64 decisions are the same
            to rounding; a model in float32 computes in float32, LogisticRegression in the precision of X.

        Raises
        ------
        ValueError
            If the model has joint features: LogisticRegression has a weight for each column and class.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skmaxent import MaxEntClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> MaxEntClassifier(C=10.0).fit(X, y).to_sklearn().C
        10.0
        """
        check_is_fitted(self)
        model = self._counterpart()
        state = {name: getattr(self, name) for name in COLUMNS if hasattr(self, name)}
        coef = self.coef_
        state["coef_"] = sparse.csr_matrix(coef) if sparse.issparse(coef) else coef.copy(order="K")
        state["intercept_"], state["classes_"] = self.intercept_.copy(), self.classes_.copy()
        n_iter = self.convergence_.get("n_iter", np.max(self.n_iter_))
        state["n_iter_"] = np.array([max(n_iter, 1)], dtype=np.int32)
        vars(model).update(state)
        return model

    def _counterpart(self):
        """A LogisticRegression of the same parameters, unfitted."""
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

        if not isinstance(self.features, str):
            raise ValueError(
                f"This {type(self).__name__} has joint features f(c, d), and LogisticRegression has a weight "
                "for each column of X and each class: the model cannot become one."
            )
        if not hasattr(self, "C"):  # a search, which has found one
            check_is_fitted(self)
        C, l1_ratio = (self.C, self.l1_ratio) if hasattr(self, "C") else (self.C_, self.l1_ratio_)
        return LogisticRegression(
            **logistic_prior(float(C), float(l1_ratio), penalty_name(C, l1_ratio)),
            fit_intercept=self.fit_intercept,
            class_weight=self.class_weight,
            max_iter=self.max_iter,
            random_state=self.random_state,
        )


class AsMLPClassifier:
    """Mixin of a network: the fitted model as scikit-learn's MLPClassifier."""

    def to_sklearn(self) -> MLPClassifier:
        """The fitted network as an `MLPClassifier` of scikit-learn, which predicts the same.

        It works, and its pickles load, where this package is not installed; so does what takes
        scikit-learn's own classes alone. `skmaxent.export.to_sklearn` does the same inside of pipelines.

        Returns
        -------
        model : sklearn.neural_network.MLPClassifier
            Fitted, with a copy of the weights and of what was recorded in training. Its parameters are those
            that both classes have, with ``solver="adam"`` in place of "adagrad": `fit` would train again and
            `partial_fit` go on, as MLPClassifier does. A network in float32 computes in float32,
            MLPClassifier in the precision of X.

        Raises
        ------
        ValueError
            For what MLPClassifier does not have: the activations "gelu" and "silu", a multilabel model of
            one label.

        Examples
        --------
        >>> from skmaxent import BackpropMLPClassifier
        >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
        >>> mlp = BackpropMLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
        >>> mlp.to_sklearn().predict(X).tolist()
        [0, 1, 1, 0]
        """
        check_is_fitted(self)
        if self._target_kind == "multilabel" and self.n_outputs_ == 1:
            raise ValueError(
                "MLPClassifier takes a y of one column for classes: a multilabel model of one label cannot "
                "become one."
            )
        model = self._counterpart()
        state = {name: getattr(self, name) for name in COLUMNS if hasattr(self, name)}
        for name in TRAINED:
            value = getattr(self, name)
            state[name] = value.copy() if hasattr(value, "copy") else value
        state["coefs_"] = [w.copy() for w in self.coefs_]
        state["intercepts_"] = [b.copy() for b in self.intercepts_]
        state["_label_binarizer"] = _binarizer(self._target_kind, self.classes_)
        state["_no_improvement_count"] = 0
        vars(model).update(state)
        return model

    def _counterpart(self):
        """An MLPClassifier of the same parameters, unfitted."""
        from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

        parameters = {name: getattr(self, name) for name in MLPClassifier().get_params()}
        if parameters["solver"] == "adagrad":
            parameters["solver"] = "adam"
        if parameters["activation"] not in ACTIVATIONS:
            if np.size(self.hidden_layer_sizes):
                raise ValueError(
                    f"MLPClassifier has no activation {self.activation!r}, only {', '.join(ACTIVATIONS)}: "
                    f"this {type(self).__name__} cannot become one. ONNX has it, see "
                    "skmaxent.export.register_onnx."
                )
            del parameters["activation"]  # without hidden units there is nothing to apply it to
        return MLPClassifier(**parameters)


def _binarizer(kind, classes):
    """What MLPClassifier turns outputs into labels with."""
    if kind == "multilabel":
        return LabelBinarizer().fit(np.arange(2)[:, None].repeat(len(classes), axis=1))
    binarizer = LabelBinarizer().fit(classes)
    if kind == "distribution" and len(classes) > 1:  # an output for each, even of two
        binarizer.y_type_ = "multiclass"
    return binarizer
