"""One fit of a certified optimum, from a training problem to the fitted attributes."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ...convex.fit import path
from ...convex.solvers import SOLVERS
from ...numerics.threads import Workers
from .advice import SolverOptions
from .penalty import check_penalty
from .reports import progress, warn_unless_converged

#: What an estimator must check before it solves anything: how, and under which prior.
SOLUTION = {
    "penalty_weights": ["array-like", None],
    "solver": [SolverOptions(["auto", *SOLVERS])],
    "tol": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": [None, Integral],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
PRIOR = {
    "C": [Interval(Real, 0, None, closed="right")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "warm_start": ["boolean"],
}
#: Attributes that some fits set and others do not.
SOMETIMES = {"feature_names_in_", "n_features_in_", "intercept_", "joint_table_"}


def solver_settings(estimator, problem, fit_intercept=False):
    """What `skmaxent.convex.fit` wants to know of an estimator, but for C, as keyword arguments."""
    random_state, features = estimator.random_state, getattr(estimator, "features", None)
    return {
        "l1_ratio": estimator.l1_ratio,
        "penalty_weights": check_penalty(estimator, problem),
        "min_count": estimator.min_count if isinstance(features, str) else 1,
        "observed": isinstance(features, str) and features == "observed",
        "fit_intercept": fit_intercept,
        "solver": estimator.solver,
        "tol": estimator.tol,
        "max_iter": estimator.max_iter,
        "seed": 0 if random_state is None else check_random_state(random_state).randint(2**31),
    }


class ConvexFit:
    """Mixin of an estimator with the parameters `PRIOR` and `SOLUTION`: the body of its `fit`."""

    def _fit_problem(self, handed, events, attributes, start=None, fit_intercept=False, names=None):
        """Solve a problem and take over the attributes, all at once at the end.

        A fit that fails or is interrupted before leaves the old model whole.

        Parameters
        ----------
        handed : list of one Problem or GroupedProblem
            Which is taken out, so that after presolve no X of its own is held beside what presolve made.
        events : FitEvents
        attributes : callable
            ``attributes(weights, intercept)`` gives the fitted attributes as a dict.
        start : tuple (weights, intercept), optional
            Warm start.
        fit_intercept : bool
        names : callable, optional
            Gives the names of the columns, or None, for messages.
        """
        settings = solver_settings(self, handed[0], fit_intercept)

        def solve(workers, report):
            optima = path(handed.pop(), [self.C], workers=workers, start=start, report=report, **settings)
            return next(optima)[1]

        return self._solved(solve, events, attributes, names)

    def _solved(self, solve, events, attributes, names=None):
        """`_fit_problem` by any means: ``solve(workers, report)`` gives the `Result`."""
        report = progress(self, events, attributes)
        with Workers(None, self.n_jobs) as workers:
            result = solve(workers, report)
        warn_unless_converged(self, result, names or (lambda: None))
        state = attributes(result.weights, result.intercept)
        state["convergence_"] = result.report
        state["n_iter_"] = np.array([max(result.report["n_iter"], 1)], dtype=np.int32)
        for name in SOMETIMES - state.keys():
            self.__dict__.pop(name, None)
        self.__dict__.update(state)
        events.end(lambda: state)
        return self
