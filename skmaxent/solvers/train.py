"""From a problem to its optimum: presolve, choice of space and solver, solution, restoration."""

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ..objective.composite import CompositeObjective
from ..objective.design import make_design
from ..objective.objective import Objective
from ..objective.observed import PairMap, observe
from ..objective.observed_design import ObservedDesign
from ..objective.penalty import ElasticNet
from ..objective.present_classes import certain_report, drop_absent_classes, reduced_start
from ..objective.presolve import drop_dominated, merge_columns, merge_rows
from ..objective.problem import canonical, short_indices
from ..objective.spaces import RowSpace, Vectors, WeightSpace
from . import COMPOSITE_SOLVERS, SOLVERS, newton_cg
from .control import Control, GapControl
from .line_search import search
from .stochastic_start import stochastic_start

# Looking for proportional columns costs about as much as a few products: only where many follow.
THOROUGH_WORK = 5_000_000
# Side of the Hessian up to which its Cholesky factor beats conjugate gradients ...
CHOLESKY_SIDE = 150
# ... provided the weighted Gram matrices stay cheap: rows times the square of the side.
CHOLESKY_WORK = 2e9

# Number of weights up to which an elastic net on many rows begins with the optimum for a Gaussian prior, and
# its relative duality gap.
GAUSSIAN_SIDE, GAUSSIAN_TOL = 5_000, 1e-4

# Rows from which a stochastic start saves more than it costs, and its length.
STOCHASTIC_ROWS = 20_000
EPOCHS = 2


@dataclass
class Result:
    """The optimum of a problem.

    Attributes
    ----------
    weights : ndarray of shape (d, n_outputs)
        With observed pairs a CSR matrix.
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


@dataclass
class Prepared:
    """A problem after presolve, to be solved for one strength of the prior after another.

    Attributes
    ----------
    problem : Problem
        The reduced problem.
    column_map : ColumnMap or None
    solver : str
    multipliers : ndarray of shape (d, 1) or (d, n_outputs) or None
        Penalty weights of the columns that are left.
    removed : dict
        What presolve took out.
    pair_map : PairMap or None
        With observed pairs, the way back to the user's columns, through `column_map` and beyond;
        `multipliers` are then those of the user's columns.
    class_map : ClassMap or None
        Which classes of the user's problem have weight, where not all have.
    """

    problem: object
    column_map: object
    solver: str
    multipliers: np.ndarray | None
    removed: dict
    pair_map: PairMap | None = None
    class_map: object = None


def train(
    problem, *, C, l1_ratio=0.0, penalty_weights=None, min_count=None, fit_intercept, solver, **settings
):
    """Fit the maximum-entropy model: `prepare`, then `optimise`; see there for the parameters."""
    begun = time.perf_counter()
    l1_ratio = l1_ratio if np.isfinite(C) else 0.0
    prepared = prepare(problem, l1_ratio, penalty_weights, fit_intercept, solver, min_count)
    return optimise(prepared, C=C, l1_ratio=l1_ratio, fit_intercept=fit_intercept, begun=begun, **settings)


def prepare(problem, l1_ratio, penalty_weights, fit_intercept, solver, min_count=None):
    """Presolve, and the choice of the solver.

    Parameters
    ----------
    problem : Problem
    l1_ratio : float
        Share of the Laplace prior.
    penalty_weights : ndarray of shape (d, 1) or (d, n_outputs) or None
        Factors on the penalty of each weight.
    fit_intercept : bool
    solver : str
        A key of `SOLVERS` or `COMPOSITE_SOLVERS`, or "auto".
    min_count : int, optional
        Only the pairs of a column and a class that so many rows show have a weight; by default all.
    """
    n_columns = problem.X.shape[1]
    problem, penalty_weights, class_map = drop_absent_classes(problem, penalty_weights, fit_intercept)
    if min_count is not None:  # counted before equal rows become one
        problem, pairs, kept = observe(problem, min_count)
    if class_map is not None and class_map.certain:
        pair_map = None if min_count is None else PairMap(pairs, kept, None)
        return Prepared(problem, None, solver, None, {}, pair_map, class_map)
    problem, rows_merged = merge_rows(problem)
    if solver == "auto":
        gaussian = l1_ratio == 0 and penalty_weights is None
        solver = _choose(problem, fit_intercept) if gaussian else "working-set"
        if solver == "newton-cholesky" and min_count is not None and not pairs.of_columns(kept).full:
            solver = "newton-cg"
    X, column_map = problem.X, None
    if solver in SOLVERS:
        X, column_map = _reduce_columns(X, problem.n_outputs, solver)
    elif sparse.issparse(X):
        X = short_indices(X)
        if l1_ratio == 1 and penalty_weights is None:
            X, column_map = drop_dominated(canonical(X.tocsc()), thorough=X.shape[0] >= X.shape[1])
    removed = {"rows_merged": rows_merged, "columns_merged": n_columns - X.shape[1]}
    pair_map = None if min_count is None else PairMap(pairs, kept, column_map)
    problem = replace(problem, X=X)
    return Prepared(problem, column_map, solver, penalty_weights, removed, pair_map, class_map)


def optimise(
    prepared,
    *,
    C,
    l1_ratio,
    fit_intercept,
    tol,
    max_iter,
    workers,
    seed=0,
    start=None,
    report=None,
    begun=None,
):
    """Solve a prepared problem.

    Parameters
    ----------
    prepared : Prepared
    C : float
        Inverse strength of the prior; infinite for none.
    l1_ratio : float
        Share of the Laplace prior, as when the problem was prepared.
    fit_intercept : bool
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
    begun : float, optional
        Time (`time.perf_counter`) from which to count the seconds.

    Returns
    -------
    result : Result
    """
    problem, column_map, solver = prepared.problem, prepared.column_map, prepared.solver
    pair_map, class_map = prepared.pair_map, prepared.class_map
    if class_map is not None and class_map.certain:
        return _certain_result(prepared, begun)

    def restored(objective, point):
        weights = objective.space.weights(point.coords)
        # Only differences between classes matter; the prior centres the weights by itself.
        centred = problem.n_outputs > 1 and not objective.penalty
        if pair_map is not None:
            weights = pair_map.restore(weights, objective.space.design, centred)
        else:
            if column_map is not None:
                weights = column_map.restore(weights, workers)
            if centred:
                weights = weights - weights.mean(axis=1, keepdims=True)
        intercept = point.intercept - (point.intercept.mean() if problem.n_outputs > 1 else 0.0)
        return (weights, intercept) if class_map is None else class_map.restore(weights, intercept)

    def reported(record, objective, point):
        def model():
            weights, intercept = restored(objective, point)
            return weights.copy(), intercept  # a callback may keep them; the solver works in place

        return report is not None and report(record, model)

    total = float(problem.weights.sum(dtype=float))
    composite = solver in COMPOSITE_SOLVERS
    control = (GapControl if composite else Control)(tol, max_iter, total, reported, begun)
    objective = _objective(prepared, 0.0 if composite else 1 / C, fit_intercept, workers)
    if composite:
        multipliers = prepared.multipliers
        if pair_map is not None and multipliers is not None:
            multipliers = pair_map.multipliers(multipliers, objective.space.design)
        penalty = ElasticNet.from_prior(C, l1_ratio, multipliers, objective.dtype)
        objective = CompositeObjective(objective, penalty)
    start = reduced_start(start, class_map)
    if start is not None:
        point = _warm_start(objective, *start, prepared)
    else:
        point = _cold_start(objective, problem, solver, seed, workers)
    solve = COMPOSITE_SOLVERS[solver] if composite else SOLVERS[solver]
    point, gradient = solve(objective, point, control)
    summary = _summary(objective, point, gradient, control, solver) | {"presolve": prepared.removed}
    if pair_map is not None:
        summary["n_pairs"] = len(pair_map.pairs)
    separated = not objective.penalty and problem.separates(point.scores + point.intercept)
    return Result(*restored(objective, point), summary, separated)


def _certain_result(prepared, begun):
    """The result where one class has all the weight."""
    pair_map, X = prepared.pair_map, prepared.problem.X
    d = X.shape[1] if pair_map is None else pair_map.pairs.n_columns
    weights, intercept = prepared.class_map.certain_model(d, X.dtype, pair_map is not None)
    report = certain_report(0.0 if begun is None else time.perf_counter() - begun)
    if pair_map is not None:
        report["n_pairs"] = len(pair_map.pairs)
    return Result(weights, intercept, report, False)


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


def _objective(prepared, penalty, fit_intercept, workers):
    """The objective of a reduced problem, in the space of coordinates that its shape asks for."""
    problem, pair_map, vectors = prepared.problem, prepared.pair_map, Vectors(workers)
    (n, d), K = problem.X.shape, problem.n_outputs
    n_weights = d * K
    if pair_map is None or pair_map.reduced.full:
        design = make_design(problem.X, K, workers)
    else:
        pairs = pair_map.reduced
        n_weights = len(pairs)
        X = problem.X.tocsc() if sparse.issparse(problem.X) else problem.X
        design = ObservedDesign(X, pairs.columns, pairs.classes, K, workers)
    space = RowSpace if n * K < n_weights and prepared.solver in ("newton-cg", "lbfgs") else WeightSpace
    likelihood = problem.likelihood(workers)
    return Objective(space(design, vectors), likelihood, penalty, fit_intercept, vectors)


def _zero(objective):
    """Zero weights and the intercept at its optimum, the log priors."""
    n, K = objective.likelihood.shape
    coords = np.zeros(objective.coords_shape, objective.dtype)
    intercept = np.zeros(K)
    if objective.fit_intercept:
        totals = objective.likelihood.label_totals
        rest = float(objective.likelihood.weights.sum(dtype=float)) - totals if K == 1 else 1.0
        intercept = np.log(totals / rest)
        intercept -= intercept.mean() * (K > 1)
    return objective.point(coords, intercept, np.zeros((n, K), objective.dtype))


def _cold_start(objective, problem, solver, seed, workers):
    """Zero weights, or a better start where there are many rows."""
    point = _zero(objective)
    n, d = problem.X.shape
    if n < max(d, STOCHASTIC_ROWS) or solver == "newton-cholesky" or objective.space.design.paired:
        return point
    if isinstance(objective, CompositeObjective) and point.coords.size <= GAUSSIAN_SIDE:
        return _gaussian_start(objective, point)
    if not sparse.issparse(problem.X) or problem.n_outputs == 1:
        return point
    prior, options = objective.penalty, {"epochs": EPOCHS, "seed": seed, "workers": workers}
    parts = (prior.ridge, prior.lasso) if isinstance(prior, ElasticNet) else (prior,)
    weights = stochastic_start(problem, *parts, **options)
    # Settled by the solver, in the precision that it starts with.
    begun = objective.point(weights, point.intercept, settle=False)
    return begun if objective.value(begun) < objective.value(point) else point


def _gaussian_start(objective, point):
    """The optimum, roughly, for a Gaussian prior of the same strength: many rows leave few weights at 0."""
    penalty, smooth = objective.penalty, objective.smooth
    strength = float(np.min(penalty.lasso) + np.max(penalty.ridge))
    if not (np.isfinite(penalty.lasso).all() and strength > 0):
        return point
    parts = (smooth.space, smooth.likelihood, strength, smooth.fit_intercept, smooth.vectors)
    control = Control(GAUSSIAN_TOL, 100, 1.0, lambda *line: False)
    begun = newton_cg.solve(Objective(*parts), replace(point, coords=point.coords.copy()), control)[0]
    begun = objective.point(begun.coords, begun.intercept)
    return begun if objective.value(begun) < objective.value(point) else point


def _warm_start(objective, weights, intercept, prepared):
    """The point with the given weights, or the nearest that the space can express."""
    column_map = prepared.column_map
    if prepared.pair_map is not None:
        weights = prepared.pair_map.reduce(weights, objective.space.design)
    elif column_map is not None:
        # Orthogonal projection on the weights that the reduced problem can express.
        entries = (column_map.scale, (column_map.group, np.arange(len(weights))))
        weights = sparse.csr_array(entries, shape=(column_map.n_reduced, len(weights))) @ weights
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
