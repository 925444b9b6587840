"""What BackpropMLPClassifier does between its parameters and its fitted attributes."""

from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from ...compat import BaseEstimator, CallbackSupport, FitEvents, VersionedPickle, warn_user
from ...nn.builders import FeedForward
from ...nn.training.loop import Progress
from ...nn.training.options import TrainingOptions
from ...nn.training.row_keys import row_keys
from ...nn.training.session import Session
from ...nn.training.trainer import DivergenceError
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
from .targets import target_kind

_COLUMNS = ("n_features_in_", "feature_names_in_")


class BaseBackpropMLP(VersionedPickle, CallbackSupport, BaseEstimator):
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
        sizes = (X.shape[1], *self._hidden_sizes(), n_outputs)
        network = FeedForward(sizes, self.activation, self.dropout)
        parameters, progress = self._start(network.parameters(X.dtype), old)
        options = TrainingOptions.of(self)
        session = Session(options, network, parameters, output, seed, old is not None, state)
        fixed = {
            "classes_": classes,
            "_target_kind": kind,
            "out_activation_": output,
            "n_outputs_": n_outputs,
            **{name: value for name, value in vars(known).items() if name in _COLUMNS},
        }
        events = FitEvents(self, 1 if incremental else self.max_iter, X, y, {"sample_weight": sample_weight})
        self._train(session, data, validation, progress, fixed, events, incremental, started)
        return self

    def _stand_in(self):
        """An unfitted estimator of the same parameters."""
        stand_in = object.__new__(type(self))
        vars(stand_in).update(self.get_params(deep=False))
        return stand_in

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

    def _hidden_sizes(self):
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=float))
        if np.any(sizes < 1) or np.any(sizes != np.floor(sizes)):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {self.hidden_layer_sizes}.")
        return sizes.astype(int).tolist()

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
        return parameters, Progress(
            t=old.t_,
            loss_curve=[*old.loss_curve_],
            validation_scores=[*(old.validation_scores_ or ())],
            validation_losses=[*(old.validation_loss_curve_ or ())],
            best_loss=np.inf if old.best_loss_ is None else old.best_loss_,
            best_score=-np.inf if old.best_validation_score_ is None else old.best_validation_score_,
        )

    def _train(self, session, data, validation, progress, fixed, events, incremental, started):
        """Run the session, then set all fitted attributes at once."""
        start = len(progress.loss_curve)
        validate = self._validator(session, validation, progress, fixed)

        def attributes(sync):
            sync()
            parameters = session.parameters.like(vector=session.parameters.vector.copy())
            return self._attributes(parameters, progress, len(progress.loss_curve) - start, fixed, None)

        def report(sync):
            if self.verbose:
                line = f"Iteration {len(progress.loss_curve) - start}, loss = {progress.loss_curve[-1]:.8f}"
                if validate is not None:
                    line += f", validation score = {progress.validation_scores[-1]:.6f}"
                print(f"{line}, {perf_counter() - started:.2f} s", flush=True)
            return events.step("epoch", lambda: attributes(sync))

        reason, n_iter, keep = "converged", 0, incremental or self.warm_start
        try:
            if self.solver == "lbfgs":
                n_iter, reason = session.minimise(data, validate, progress, report)
            elif len(data):
                epochs = 1 if incremental else self.max_iter
                if epochs > 1 and self.batch_size != "auto" and self.batch_size > len(data):
                    warn_user(
                        f"batch_size={self.batch_size} is larger than the number of training examples; "
                        f"it is clipped to {len(data)}."
                    )
                n_iter, reason = session.train(data, validate, epochs, progress, report, keep)
        except DivergenceError as error:
            unit, remedy = "iteration", "Scale"
            if self.solver != "lbfgs":
                unit = "epoch"
                rate = self.learning_rate_init
                remedy = f"The steps are too large: lower learning_rate_init (now {rate}), or scale"
            raise ValueError(
                f"The training loss is not finite in {unit} {len(progress.loss_curve) - start + 1}. {remedy} "
                "the columns of X, whose values may be very large."
            ) from error
        self._warn(reason, n_iter, incremental)
        final = self._attributes(
            session.parameters, progress, n_iter, fixed, session.state() if keep else None
        )
        vars(self).pop("feature_names_in_", None)  # those of an old model
        for name, value in final.items():
            setattr(self, name, value)
        events.end(lambda: final)

    def _validator(self, session, validation, progress, fixed):
        """A function that returns score and loss of the current weights on the validation set, or None."""
        if validation is None:
            return None
        if self.scoring is None and fixed["classes_"].size > 1:
            return lambda: session.evaluate(validation)

        def by_loss():
            loss = session.evaluate(validation)[1]
            return -loss, loss

        if self.scoring is None:  # a single class is always right
            return lambda: (1.0, by_loss()[1])
        if isinstance(self.scoring, str) and self.scoring == "loss":
            return by_loss
        model = self._stand_in()
        vars(model).update(self._attributes(session.parameters, progress, 0, fixed, None))
        vars(model).pop("feature_names_in_", None)  # the rows are validated, and have none any more
        X, y, weights = decode(validation, fixed["_target_kind"], fixed["classes_"])
        scorer = check_scoring(model, scoring=self.scoring)
        options = {} if weights is None else {"sample_weight": weights}
        return lambda: (float(scorer(model, X, y, **options)), session.evaluate(validation)[1])

    def _warn(self, reason, n_iter, incremental):
        if reason == "interrupted":
            warn_user(f"Training interrupted by user after {n_iter} epochs; the model keeps their weights.")
        elif reason == "max_iter" and not incremental:
            warn_user(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                "hasn't converged yet.",
                ConvergenceWarning,
            )
        elif reason not in ("converged", "max_iter", "callback"):
            warn_user(f"lbfgs failed to converge after {n_iter} iterations: {reason}", ConvergenceWarning)

    def _attributes(self, parameters, progress, n_iter, fixed, state):
        early = self.early_stopping and bool(progress.validation_scores)
        return {
            **fixed,
            "coefs_": [*parameters.weights.values()],
            "intercepts_": [*parameters.biases.values()],
            "n_layers_": len(parameters.weights) + 1,
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
