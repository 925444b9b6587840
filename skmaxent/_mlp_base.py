"""What BackpropMLPClassifier does between its parameters and its fitted attributes."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ._mlp_data import compact_indices, find_classes, make_dataset, split, target_kind
from ._sklearn import CallbackSupport, FitEvents, VersionedPickle
from .nn.graph import Parameters, layer_outputs
from .nn.loop import Progress
from .nn.row_keys import row_keys
from .nn.session import Session
from .nn.trainer import DivergenceError

_COLUMNS = ("n_features_in_", "feature_names_in_")


class BaseBackpropMLP(VersionedPickle, CallbackSupport, BaseEstimator):
    """Validation, training and the forward pass."""

    def _fit(self, X, y, sample_weight, X_val=None, y_val=None, classes=None, incremental=False):
        old = self if hasattr(self, "coefs_") and (incremental or self.warm_start) else None
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together.")
        known, dtype = self, old.coefs_[0].dtype if old is not None else (np.float64, np.float32)
        if old is None:  # what is learnt about the columns goes to a stand-in until the fit has succeeded
            known = object.__new__(type(self))
            vars(known).update(self.get_params(deep=False))
        X, y = self._validate(known, X, y, dtype, reset=old is None)
        kind, classes = self._find_classes(y, old, classes, incremental)
        data = make_dataset(X, y, kind, classes, sample_weight, self.class_weight)
        if len(data) == 0 and not incremental:
            raise ValueError("The sample weights are zero everywhere.")
        state = old._training_state if old is not None else None
        seed = state["seed"] if state else int(check_random_state(self.random_state).randint(2**31 - 1))
        validation = None
        if X_val is not None:
            X_val, y_val = self._validate(known, X_val, y_val, X.dtype, reset=False)
            validation = make_dataset(X_val, y_val, kind, classes, None, None)
        elif self.early_stopping and self.solver != "lbfgs":
            data, validation = split(data, seed, self.validation_fraction)
        if self.dropout and self.solver != "lbfgs":
            data.keys = row_keys(data.X, seed)

        n_outputs = 1 if kind == "classes" and classes.size == 2 else classes.size
        output = "logistic" if kind == "multilabel" or n_outputs == 1 else "softmax"
        parameters, progress = self._start((X.shape[1], *self._hidden_sizes(), n_outputs), X.dtype, old)
        session = Session(self, parameters, output, seed, old is not None, state)
        fixed = {
            "classes_": classes,
            "_target_kind": kind,
            "out_activation_": output,
            "n_outputs_": n_outputs,
            **{name: value for name, value in vars(known).items() if name in _COLUMNS},
        }
        events = FitEvents(self, 1 if incremental else self.max_iter, X, y, {"sample_weight": sample_weight})
        self._train(session, data, validation, progress, fixed, events, incremental)
        return self

    def _validate(self, known, X, y, dtype, reset):
        X, y = validate_data(
            known, X, y, accept_sparse="csr", multi_output=True, dtype=dtype, order="C", reset=reset
        )
        return compact_indices(X), y

    def _find_classes(self, y, old, classes, incremental):
        """What y means, and all its classes."""
        if old is not None and old._target_kind == "distribution" and np.ndim(y) == 2:
            kind = "distribution"  # whose rows may happen to be indicators
        else:
            kind = target_kind(y)
        if old is not None:
            if kind != old._target_kind:
                raise ValueError(
                    f"y must be of the kind of the earlier calls, {old._target_kind}; got {kind}."
                )
            if classes is not None and not np.array_equal(np.sort(classes), old.classes_):
                raise ValueError(
                    f"`classes={classes}` is not the same as on last call to partial_fit, was: {old.classes_}"
                )
            return kind, old.classes_
        if incremental and kind == "classes":
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            found = np.unique(classes)
        else:
            found = find_classes(y, kind)
        if kind == "classes" and found.size < 2:
            raise ValueError(
                f"y must have at least 2 classes; the data contains only one class: {found[0]!r}."
            )
        return kind, found

    def _hidden_sizes(self):
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=float))
        if np.any(sizes < 1) or np.any(sizes != np.floor(sizes)):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {self.hidden_layer_sizes}.")
        return sizes.astype(int).tolist()

    def _start(self, sizes, dtype, old):
        """Parameters and progress to start from: none, or copies of those of the last call."""
        parameters = Parameters(sizes, dtype)
        if old is None:
            return parameters, Progress()
        if [w.shape for w in old.coefs_] != [w.shape for w in parameters.coefs]:
            raise ValueError(
                "hidden_layer_sizes cannot change between the calls of a warm start or of partial_fit."
            )
        for new, held in zip(parameters.coefs + parameters.intercepts, old.coefs_ + old.intercepts_):
            new[:] = held
        return parameters, Progress(
            t=old.t_,
            loss_curve=[*old.loss_curve_],
            validation_scores=[*(old.validation_scores_ or ())],
            validation_losses=[*(old.validation_loss_curve_ or ())],
            best_loss=np.inf if old.best_loss_ is None else old.best_loss_,
            best_score=-np.inf if old.best_validation_score_ is None else old.best_validation_score_,
        )

    def _train(self, session, data, validation, progress, fixed, events, incremental):
        """Run the session, then set all fitted attributes at once."""
        start = len(progress.loss_curve)

        def attributes(sync):
            sync()
            parameters = Parameters(session.parameters.sizes, session.dtype, session.parameters.vector.copy())
            return self._attributes(parameters, progress, len(progress.loss_curve) - start, fixed, None)

        def report(sync):
            if self.verbose:
                line = f"Iteration {len(progress.loss_curve) - start}, loss = {progress.loss_curve[-1]:.8f}"
                if validation is not None and progress.validation_scores:
                    line += f", validation score = {progress.validation_scores[-1]:.6f}"
                print(line)
            return events.step("epoch", lambda: attributes(sync))

        reason, keep = "converged", incremental or self.warm_start
        try:
            if self.solver == "lbfgs":
                n_iter, reason = session.minimise(data, validation, progress, report)
            elif len(data):
                epochs = 1 if incremental else self.max_iter
                n_iter, reason = session.train(data, validation, epochs, progress, report, keep)
            else:
                n_iter = 0
        except DivergenceError as error:
            raise ValueError(
                f"The training loss is not finite in epoch {len(progress.loss_curve) - start + 1}: the steps "
                f"are too large. Lower learning_rate_init (now {self.learning_rate_init}), or scale the "
                "columns of X, whose values may be very large."
            ) from error
        self._warn(reason, n_iter, incremental)
        final = self._attributes(
            session.parameters, progress, n_iter, fixed, session.state() if keep else None
        )
        vars(self).pop("feature_names_in_", None)  # those of an old model
        for name, value in final.items():
            setattr(self, name, value)
        events.end(lambda: final)

    def _warn(self, reason, n_iter, incremental):
        if reason == "interrupted":
            warnings.warn(
                f"Training interrupted by user after {n_iter} epochs; the model keeps their weights.",
                stacklevel=6,
            )
        elif reason == "max_iter" and not incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                "hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=6,
            )
        elif reason not in ("converged", "max_iter", "callback"):
            warnings.warn(
                f"lbfgs failed to converge after {n_iter} iterations: {reason}",
                ConvergenceWarning,
                stacklevel=6,
            )

    def _attributes(self, parameters, progress, n_iter, fixed, state):
        early = self.early_stopping and bool(progress.validation_scores)
        return {
            **fixed,
            "coefs_": parameters.coefs,
            "intercepts_": parameters.intercepts,
            "n_layers_": len(parameters.sizes),
            "n_iter_": n_iter,
            "t_": progress.t,
            "loss_curve_": progress.loss_curve,
            "loss_": progress.loss_curve[-1] if progress.loss_curve else np.inf,
            "best_loss_": None if early else progress.best_loss,
            "best_validation_score_": progress.best_score if early else None,
            "validation_scores_": progress.validation_scores or None,
            "validation_loss_curve_": progress.validation_losses or None,
            "_training_state": state,
        }

    def _outputs(self, X):
        """Yields (start, [activations of the hidden layers, then scores]) for blocks of rows."""
        check_is_fitted(self)
        X = validate_data(
            self, X, accept_sparse="csr", dtype=(np.float64, np.float32), order="C", reset=False
        )
        parameters = Parameters.of(self.coefs_, self.intercepts_)
        return layer_outputs(parameters, self.activation, compact_indices(X))

    def _scores(self, X):
        return np.concatenate([outputs[-1].copy() for _, outputs in self._outputs(X)])
