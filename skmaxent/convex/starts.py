"""Where a fit begins: at zero, after a cheaper method, or at the weights of the last fit."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from .objective import Objective
from .penalty import Gaussian
from .solvers import newton_cg
from .solvers.control import Control
from .solvers.line_search import search
from .stochastic_start import stochastic_start

# Number of weights up to which an elastic net on many rows begins with the optimum for a Gaussian prior, and
# its relative duality gap.
GAUSSIAN_SIDE, GAUSSIAN_TOL = 5_000, 1e-4

# Rows from which a stochastic start saves more than it costs, and its length.
STOCHASTIC_ROWS = 20_000
EPOCHS = 2
# Entries of the mean column from which vectors of the weights are cheap beside products with the data.
COLUMN_ENTRIES = 16


def zero_start(objective):
    """Zero weights and the intercept at its optimum, the log priors."""
    K = objective.likelihood.shape[1]
    coords = objective.space.zeros(objective.likelihood)
    intercept = np.zeros(K)
    if objective.fit_intercept:
        totals = objective.likelihood.label_totals
        rest = objective.likelihood.total_weight - totals if K == 1 else 1.0
        intercept = np.log(totals / rest)
        intercept -= intercept.mean() * (K > 1)
    return objective.point(coords, intercept, objective.likelihood.zeros())


def begins_stochastically(problem):
    """Whether the weights have a stochastic start under a Gaussian prior: many sparse rows.

    There may be more columns than rows, as in parsing, where each is still the column of many rows.
    """
    X, (n, d) = problem.X, problem.X.shape
    if not sparse.issparse(X) or problem.n_classes == 2 or n < STOCHASTIC_ROWS:
        return False
    return n >= d or X.nnz >= COLUMN_ENTRIES * d


def cold_start(objective, problem, solver, seed, workers):
    """Zero weights, or a better start where there are many rows."""
    point = zero_start(objective)
    space, (n, d) = objective.space, problem.X.shape
    if not space.preconditioned or solver == "newton-cholesky" or space.design.paired:
        return point
    if not objective.penalty.smooth:
        if n < max(d, STOCHASTIC_ROWS):
            return point
        if point.coords.size <= GAUSSIAN_SIDE:
            return _gaussian_start(objective, point)
    if not begins_stochastically(problem):
        return point
    prior, options = objective.penalty, {"epochs": EPOCHS, "seed": seed, "workers": workers}
    weights = stochastic_start(problem, prior.ridge, prior.lasso, **options)
    # Settled by the solver, in the precision that it starts with.
    begun = objective.point(weights, point.intercept, settle=False)
    return begun if objective.value(begun) < objective.value(point) else point


def _gaussian_start(objective, point):
    """The optimum, roughly, for a Gaussian prior of the same strength: many rows leave few weights at 0."""
    penalty = objective.penalty
    strength = float(np.min(penalty.lasso) + np.max(penalty.ridge))
    if not (np.isfinite(penalty.lasso).all() and strength > 0):
        return point
    control = Control(GAUSSIAN_TOL, 100, 1.0, lambda *line: False)
    parts = objective.space, objective.likelihood, Gaussian(strength), objective.fit_intercept
    begun = replace(point, coords=point.coords.copy())
    begun = newton_cg.solve(Objective(*parts, objective.vectors), begun, control)[0]
    begun = objective.point(begun.coords, begun.intercept)
    return begun if objective.value(begun) < objective.value(point) else point


def warm_start(objective, weights, intercept, prepared, fit_intercept):
    """The point of given weights as far as the settings allow them; None where zero is better.

    Weights that the settings exclude become 0, as does an intercept that is not to be fitted.
    """
    zero = zero_start(objective)
    weights, intercept = prepared.reduced(weights, intercept, objective.space.design)
    if not fit_intercept:
        intercept = np.zeros_like(intercept)
    if not (np.isfinite(weights).all() and np.isfinite(intercept).all()):
        return None
    if not objective.penalty.smooth:
        weights = np.where(np.isinf(objective.penalty.lasso), 0.0, weights)
    elif weights.shape[1] > 1:
        weights = weights - weights.mean(axis=1, keepdims=True)  # all that a Gaussian prior leaves
    if objective.space.preconditioned:
        point = objective.point(weights, intercept)
    else:
        scores = objective.space.design.forward(weights)
        point = _row_space_start(objective, zero_start(objective), scores, intercept)
    return point if objective.value(point) < objective.value(zero) else None


def _row_space_start(objective, zero, scores, intercept):
    """The best multiple of the residual that weights with these scores leave behind.

    At an optimum the coordinates are -residual * C, so that a fit that starts from the optimum for
    another C of the same data starts close to its own.
    """
    warm = objective.point(zero.coords, intercept, scores)
    direction = -objective.likelihood.residual(warm.expected)
    zero.intercept = warm.intercept.copy()
    objective.evaluate(zero)
    search(
        objective, zero, direction, objective.space.push(direction), np.zeros(len(intercept)), accuracy=0.01
    )
    return objective.settle_intercept(zero)
