"""What networks of any kind do in a fit: sessions, progress, validation scores, warnings, attributes."""

from numbers import Integral, Real
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ...compat import BaseEstimator, CallbackSupport, VersionedPickle, warn_user
from ...nn.training.loop import Progress
from ...nn.training.trainer import DivergenceError

COLUMNS = ("n_features_in_", "feature_names_in_")
#: What a network of any kind must check before it trains.
TRAINING = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "dropout": [Interval(Real, 0, 1, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="neither")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "class_weight": [dict, StrOptions({"balanced"}), None],
}


def hidden_sizes(given):
    """Sizes of the hidden layers as a list of int, from a number or several."""
    sizes = np.atleast_1d(np.asarray(given, dtype=float))
    if np.any(sizes < 1) or np.any(sizes != np.floor(sizes)):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {given}.")
    return sizes.astype(int).tolist()


class BaseNetwork(VersionedPickle, CallbackSupport, BaseEstimator):
    """Training, once data and network are there.

    A kind of network adds `_weight_attributes` (how parameters are kept) and `_against_divergence` (what to
    do when the loss is not finite), and may say how fast it goes (`_pace`).
    """

    def _stand_in(self):
        """An unfitted estimator of the same parameters."""
        stand_in = object.__new__(type(self))
        vars(stand_in).update(self.get_params(deep=False))
        return stand_in

    def _progress(self):
        """What happened in the calls of fit so far, copied."""
        return Progress(
            t=self.t_,
            loss_curve=[*self.loss_curve_],
            validation_scores=[*(self.validation_scores_ or ())],
            validation_losses=[*(self.validation_loss_curve_ or ())],
            best_loss=np.inf if self.best_loss_ is None else self.best_loss_,
            best_score=-np.inf if self.best_validation_score_ is None else self.best_validation_score_,
        )

    def _pace(self, data, seconds):
        return ""

    def _train(self, session, data, validation, progress, fixed, events, incremental, started, decoded):
        """Run the session, then set all fitted attributes at once.

        `decoded` is a function that gives (X, y, weights) of the validation set as scorers take them.
        """
        start, clock = len(progress.loss_curve), [perf_counter()]
        validate = self._validator(session, validation, progress, fixed, decoded)

        def attributes(sync):
            sync()
            parameters = session.parameters.like(vector=session.parameters.vector.copy())
            return self._attributes(parameters, progress, len(progress.loss_curve) - start, fixed, None)

        def report(sync):
            if self.verbose:
                line = f"Iteration {len(progress.loss_curve) - start}, loss = {progress.loss_curve[-1]:.8f}"
                if validate is not None:
                    line += f", validation score = {progress.validation_scores[-1]:.6f}"
                clock.append(perf_counter())
                line += self._pace(data, clock[-1] - clock[-2])
                print(f"{line}, {clock[-1] - started:.2f} s", flush=True)
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
            unit = "iteration" if self.solver == "lbfgs" else "epoch"
            raise ValueError(
                f"The training loss is not finite in {unit} {len(progress.loss_curve) - start + 1}. "
                + self._against_divergence()
            ) from error
        self._warn(reason, n_iter, incremental)
        final = self._attributes(
            session.parameters, progress, n_iter, fixed, session.state() if keep else None
        )
        for name in COLUMNS:  # those of an old model
            vars(self).pop(name, None)
        for name, value in final.items():
            setattr(self, name, value)
        events.end(lambda: final)

    def _validator(self, session, validation, progress, fixed, decoded):
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
        X, y, weights = decoded()
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
            **self._weight_attributes(parameters),
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
