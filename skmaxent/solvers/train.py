"""From a problem to its optimum: presolve, choice of space and solver, solution, restoration."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ..objective.design import make_design
from ..objective.likelihood import Binary, Multinomial
from ..objective.objective import Objective
from ..objective.presolve import merge_columns, merge_rows
from ..objective.problem import canonical, short_indices
from ..objective.spaces import RowSpace, Vectors, WeightSpace
from . import SOLVERS
from .control import Control
from .line_search import search
from .stochastic_start import stochastic_start

# Looking for proportional columns costs about as much as a few products: only where many follow.
THOROUGH_WORK = 5_000_000
# Side of the Hessian up to which its Cholesky factor beats conjugate gradients ...
CHOLESKY_SIDE = 150
# ... provided the weighted Gram matrices stay cheap: rows times the square of the side.
CHOLESKY_WORK = 2e9

# Rows from which a stochastic start saves more than it costs, and its length.
STOCHASTIC_ROWS = 20_000
EPOCHS = 2


@dataclass
class Result:
    """The optimum of a problem.

    Attributes
    ----------
    weights : ndarray of shape (d, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    report : dict
        What `convergence_` shows.
    separated : bool
        Whether the unpenalised optimum lies at infinity.
    """

    weights: np.ndarray
    intercept: np.ndarray
    report: dict
    separated: bool


def train(problem, *, C, fit_intercept, solver, tol, max_iter, workers, seed=0, start=None, report=None):
    """Fit the maximum-entropy model with a Gaussian prior.

    Parameters
    ----------
    problem : Problem
    C : float
        Inverse strength of the prior; infinite for none.
    fit_intercept : bool
    solver : str
        A key of `SOLVERS`, or "auto".
    tol, max_iter : float, int
        Stopping rule, see `Control`.
    workers : Workers
    seed : int
        Seed of the stochastic start, which large problems with many rows begin with.
    start : tuple (weights (d, n_outputs), intercept (n_outputs,)), optional
        Warm start.
    report : callable, optional
        Called after each iteration as ``report(record, model)``: the line of the history as a dict,
        and a function that returns weights and intercept as of now. A true answer stops the fit.
    """
    n_columns = problem.X.shape[1]

    def restored(objective, point):
        weights = objective.space.weights(point.coords)
        if column_map is not None:
            weights = column_map.restore(weights, workers)
        if problem.n_classes == 2:
            return weights, point.intercept
        # Only differences between classes matter; the prior centres the weights by itself.
        if not objective.penalty:
            weights = weights - weights.mean(axis=1, keepdims=True)
        return weights, point.intercept - point.intercept.mean()

    def reported(record, objective, point):
        def model():
            weights, intercept = restored(objective, point)
            return weights.copy(), intercept  # a callback may keep them; the solver works in place

        return report is not None and report(record, model)

    control = Control(tol, max_iter, float(problem.weights.sum(dtype=float)), reported)
    problem, rows_merged = merge_rows(problem)
    solver = _choose(problem, fit_intercept) if solver == "auto" else solver
    X, column_map = _reduce_columns(problem.X, problem.n_outputs, solver)
    problem = replace(problem, X=X)
    objective = _objective(problem, C, fit_intercept, solver, workers)
    if start is None:
        point = _cold_start(objective, problem, solver, seed, workers)
    else:
        point = _warm_start(objective, *start, column_map)
    point, gradient = SOLVERS[solver](objective, point, control)
    removed = {"rows_merged": rows_merged, "columns_merged": n_columns - X.shape[1]}
    summary = _summary(objective, point, gradient, control, solver) | {"presolve": removed}
    separated = not objective.penalty and problem.codes is not None and _separates(problem, point)
    return Result(*restored(objective, point), summary, separated)


def _choose(problem, fit_intercept):
    """The solver for "auto": by shape, from the measurements of benchmarks/maxent_l2.py."""
    n, d = problem.X.shape
    side = (d + fit_intercept) * problem.n_outputs
    if side <= CHOLESKY_SIDE and n * float(side) ** 2 <= CHOLESKY_WORK:
        return "newton-cholesky"
    return "newton-cg"


def _reduce_columns(X, n_outputs, solver):
    """X without the columns that presolve can merge, in the layout that its shape asks for."""
    if not sparse.issparse(X) or solver == "newton-cholesky":
        return X, None
    X = short_indices(X)
    n, d = X.shape
    if n >= d and X.nnz * n_outputs < THOROUGH_WORK:
        return X, None
    return merge_columns(canonical(X.tocsc()), thorough=n >= d)


def _objective(problem, C, fit_intercept, solver, workers):
    """The objective of a reduced problem, in the space of coordinates that its shape asks for."""
    vectors = Vectors(workers)
    n, d = problem.X.shape
    space = RowSpace if n < d and solver != "newton-cholesky" else WeightSpace
    likelihood = (Binary if problem.n_classes == 2 else Multinomial)(
        problem.codes, problem.masses, problem.weights, problem.n_outputs, workers
    )
    design = make_design(problem.X, problem.n_outputs, workers)
    return Objective(space(design, vectors), likelihood, 1 / C, fit_intercept, vectors)


def _zero(objective):
    """Zero weights and the intercept at its optimum, the log priors."""
    n, K = objective.likelihood.shape
    coords = np.zeros(objective.coords_shape, objective.dtype)
    return objective.point(coords, np.zeros(K), np.zeros((n, K), objective.dtype))


def _cold_start(objective, problem, solver, seed, workers):
    """Zero weights, or a stochastic start where it pays."""
    point = _zero(objective)
    n, d = problem.X.shape
    many_rows = sparse.issparse(problem.X) and n >= max(d, STOCHASTIC_ROWS) and problem.n_classes > 2
    if not many_rows or solver == "newton-cholesky":
        return point
    weights = stochastic_start(problem, objective.penalty, epochs=EPOCHS, seed=seed, workers=workers)
    begun = objective.point(weights, point.intercept)
    return begun if objective.value(begun) < objective.value(point) else point


def _warm_start(objective, weights, intercept, column_map):
    """The point with the given weights, or the nearest that the space can express."""
    if column_map is not None:
        # Orthogonal projection on the weights that the reduced problem can express.
        reduced = np.zeros((column_map.n_reduced, weights.shape[1]))
        np.add.at(reduced, column_map.group, weights * column_map.scale[:, None])
        weights = reduced
    weights = np.ascontiguousarray(weights, dtype=objective.dtype)
    if isinstance(objective.space, WeightSpace):
        return objective.point(weights, intercept)
    return _row_space_start(objective, _zero(objective), objective.space.design.forward(weights), intercept)


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


def _separates(problem, point):
    """Whether every row scores its own class strictly above all others."""
    scores = point.scores + point.intercept
    if problem.n_classes == 2:
        return bool(((2 * problem.codes - 1) * scores[:, 0] > 0).all())
    rows = np.arange(len(scores))
    own = scores[rows, problem.codes].copy()
    scores[rows, problem.codes] = -np.inf
    return bool((own > scores.max(axis=1)).all())


def _summary(objective, point, gradient, control, solver):
    """What `convergence_` reports, on the scale of the mean loss."""
    total = control.total_weight
    value = objective.value(point)
    gap = objective.gap(gradient)
    return {
        "objective": value / total,
        "duality_gap": gap / total,
        "relative_gap": gap / value if value > 0 else np.inf,
        "gradient_norm": float(np.sqrt(gradient.square)) / total,
        "kkt_violation": gradient.peak / total,
        "stop_reason": control.reason,
        "n_iter": control.n_iter,
        "n_products": objective.space.design.tally[0],
        "seconds": control.elapsed(),
        "solver": solver,
        "space": objective.space.name,
        "history": {name: np.array(values) for name, values in control.history.items()},
    }
