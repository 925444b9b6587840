"""From a problem to its optimum: presolve, choice of space and solver, solution, restoration."""

from dataclasses import dataclass

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

# Looking for proportional columns costs about as much as a few products: only where many follow.
THOROUGH_WORK = 5_000_000
# Side of the Hessian up to which its Cholesky factor beats conjugate gradients ...
CHOLESKY_SIDE = 700
# ... provided the weighted Gram matrices stay cheap: rows times the square of the side.
CHOLESKY_WORK = 2e9


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


def train(problem, *, C, fit_intercept, solver, tol, max_iter, workers, start=None, report=None):
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
    start : tuple (weights (d, n_outputs), intercept (n_outputs,)), optional
        Warm start.
    report : callable, optional
        See `Control`.
    """
    total_weight = float(problem.weights.sum(dtype=float))
    control = Control(tol, max_iter, total_weight, report)
    n_columns = problem.X.shape[1]
    problem, rows_merged = merge_rows(problem)
    solver = _choose(problem, fit_intercept) if solver == "auto" else solver
    X, column_map = _reduce_columns(problem.X, problem.n_outputs, solver)
    vectors = Vectors(workers)
    space = RowSpace if X.shape[0] < X.shape[1] and solver != "newton-cholesky" else WeightSpace
    design = make_design(X, problem.n_outputs, workers)
    likelihood = (Binary if problem.n_classes == 2 else Multinomial)(
        problem.codes, problem.masses, problem.weights, problem.n_outputs, workers
    )
    objective = Objective(space(design, vectors), likelihood, 1 / C, fit_intercept, vectors)
    point = _start(objective, start, column_map)
    point, gradient = SOLVERS[solver](objective, point, control)
    weights = objective.space.weights(point.coords)
    if column_map is not None:
        weights = column_map.restore(weights, workers)
    intercept = point.intercept - point.intercept.mean() if problem.n_classes > 2 else point.intercept
    removed = {"rows_merged": rows_merged, "columns_merged": n_columns - X.shape[1]}
    summary = _summary(objective, point, gradient, control, solver) | {"presolve": removed}
    separated = not objective.penalty and problem.codes is not None and _separates(problem, point)
    return Result(weights, intercept, summary, separated)


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


def _start(objective, start, column_map):
    """The starting point: zero weights and the log priors, or the nearest to a warm start."""
    K = objective.coords_shape[1]
    scores = np.zeros((objective.likelihood.shape[0], K), objective.dtype)
    point = objective.point(np.zeros(objective.coords_shape, objective.dtype), np.zeros(K), scores)
    if start is None:
        return point
    weights, intercept = start
    if column_map is not None:
        # Orthogonal projection on the weights that the reduced problem can express.
        reduced = np.zeros((column_map.n_reduced, K))
        np.add.at(reduced, column_map.group, weights * column_map.scale[:, None])
        weights = reduced
    weights = np.ascontiguousarray(weights, dtype=objective.dtype)
    if isinstance(objective.space, WeightSpace):
        return objective.point(weights, intercept)
    return _row_space_start(objective, point, objective.space.design.forward(weights), intercept)


def _row_space_start(objective, zero, scores, intercept):
    """The best multiple of the residual that weights with these scores leave behind.

    At an optimum the coordinates are -residual * C, so that a fit that starts from the optimum for
    another C of the same data starts close to its own.
    """
    from .line_search import search

    warm = objective.point(zero.coords, intercept, scores)
    direction = -objective.likelihood.residual(warm.expected)
    zero.intercept = warm.intercept.copy()
    objective.evaluate(zero)
    search(objective, zero, direction, objective.space.push(direction), np.zeros(len(intercept)), accuracy=0.01)
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
