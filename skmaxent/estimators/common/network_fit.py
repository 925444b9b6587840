"""What BackpropMLPClassifier does between its parameters and its fitted attributes."""

from time import perf_counter

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from ...compat import FitEvents
from ...nn.builders import FeedForward
from ...nn.training.loop import Progress
from ...nn.training.options import TrainingOptions
from ...nn.training.row_keys import row_keys
from ...nn.training.session import Session
from ...numerics.sparse import compact
from .advice import advice_on
from .network_data import (
    class_factors,
    decode,
    find_classes,
    make_dataset,
    split,
    weigh_classes,
)
from .network_training import COLUMNS, BaseNetwork, hidden_sizes
from .targets import target_kind

_LARGE = "the columns of X, whose values may be very large."


class BaseBackpropMLP(BaseNetwork):
    """Validation and training."""

    def _fit(self, X, y, sample_weight, validation_data=(None, None, None), classes=None, incremental=False):
        old = self if hasattr(self, "coefs_") and (incremental or self.warm_start) else None
        started = perf_counter()
        known, dtype = self, old.coefs_[0].dtype if old is not None else (np.float64, np.float32)
        if old is None:  # what is learnt about the columns goes to a stand-in until the fit has succeeded
            known = self._stand_in()
        X, y = self._validate(known, X, y, dtype, reset=old is None)
        kind, classes = self._find_classes(y, old, classes, incremental)
        data = make_dataset(X, y, kind, classes, sample_weight)
        factors = class_factors(self.class_weight, kind, classes, data)
        state = old._training_state if old is not None else None
        seed = state["seed"] if state else int(check_random_state(self.random_state).randint(2**31 - 1))
        validation = self._given_validation(known, *validation_data, X.dtype, kind, classes)
        if validation is None and self.early_stopping and self.solver != "lbfgs" and len(data):
            n_samples = len(data)
            data, validation = split(data, kind, seed, self.validation_fraction)
            validation = weigh_classes(validation, factors)
            if len(validation) == 0:
                raise ValueError(
                    f"The validation set is too small, with n_samples={n_samples}. Increase "
                    "'validation_fraction' or the size of your dataset."
                )
        data = weigh_classes(data, factors)
        if len(data) == 0 and not incremental:
            raise ValueError("The sample weights are zero everywhere.")
        if self.dropout and self.solver != "lbfgs":
            data.keys = row_keys(data.X, seed)

        n_outputs = 1 if kind == "classes" and classes.size <= 2 else classes.size
        output = "logistic" if kind == "multilabel" or n_outputs == 1 else "softmax"
        sizes = (X.shape[1], *hidden_sizes(self.hidden_layer_sizes), n_outputs)
        network = FeedForward(sizes, self.activation, self.dropout)
        parameters, progress = self._start(network.parameters(X.dtype), old)
        options = TrainingOptions.of(self)
        session = Session(options, network, parameters, output, seed, old is not None, state)
        fixed = {
            "classes_": classes,
            "_target_kind": kind,
            "out_activation_": output,
            "n_outputs_": n_outputs,
            **{name: value for name, value in vars(known).items() if name in COLUMNS},
        }
        events = FitEvents(self, 1 if incremental else self.max_iter, X, y, {"sample_weight": sample_weight})
        self._train(
            session, data, validation, progress, fixed, events, incremental, started,
            lambda: decode(validation, kind, classes),
        )  # fmt: skip
        return self

    def _given_validation(self, known, X, y, sample_weight, dtype, kind, classes):
        """The Dataset of X_val, y_val and sample_weight_val; None without them."""
        if (X is None) != (y is None):
            raise ValueError("X_val and y_val must be given together.")
        if X is None:
            if sample_weight is not None:
                raise ValueError("sample_weight_val needs X_val and y_val.")
            return None
        X, y = self._validate(known, X, y, dtype, reset=False)
        validation = make_dataset(X, y, kind, classes, sample_weight)
        if len(validation) == 0:
            raise ValueError("The weights of the validation set are zero everywhere.")
        return validation

    def _validate(self, known, X, y, dtype, reset):
        with advice_on(X, self):
            X, y = validate_data(
                known, X, y, accept_sparse="csr", multi_output=True, dtype=dtype, order="C", reset=reset
            )
        return compact(X), y

    def _find_classes(self, y, old, classes, incremental):
        """What y means, and all its classes."""
        kind = target_kind(y, self.target_type)
        if old is not None:
            if kind != old._target_kind:
                raise ValueError(
                    f"y must be of the kind of the earlier calls, {old._target_kind}; got {kind}."
                )
            if classes is not None and not np.array_equal(np.unique(classes), old.classes_):
                raise ValueError(
                    f"`classes={classes}` is not the same as on last call to partial_fit, was: {old.classes_}"
                )
            return kind, old.classes_
        if incremental and kind == "classes":
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return kind, np.unique(classes)
        return kind, find_classes(y, kind)

    def _start(self, parameters, old):
        """Parameters and progress to start from: none, or copies of those of the last call."""
        if old is None:
            return parameters, Progress()
        if [w.shape for w in old.coefs_] != [w.shape for w in parameters.weights.values()]:
            raise ValueError(
                "hidden_layer_sizes cannot change between the calls of a warm start or of partial_fit."
            )
        arrays = *parameters.weights.values(), *parameters.biases.values()
        for new, held in zip(arrays, old.coefs_ + old.intercepts_):
            new[:] = held
        return parameters, old._progress()

    def _weight_attributes(self, parameters):
        return {
            "coefs_": [*parameters.weights.values()],
            "intercepts_": [*parameters.biases.values()],
            "n_layers_": len(parameters.weights) + 1,
        }

    def _against_divergence(self):
        if self.solver == "lbfgs":
            return f"Scale {_LARGE}"
        rate = self.learning_rate_init
        return f"The steps are too large: lower learning_rate_init (now {rate}), or scale {_LARGE}"
