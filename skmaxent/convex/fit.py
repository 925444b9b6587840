"""From a problem to its optimum: presolve, solution, restoration, report."""

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ..numerics.sparse import peak
from .design.blocks import make_design
from .design.shared_pairs import ObservedDesign
from .objective import Objective
from .penalty import ElasticNet, Gaussian
from .prepare import in_row_space, prepare
from .proofs.rounding import EPS, LITTLE, lost_in_scores, rounding
from .proofs.separation import Separation
from .reductions.null_space import least_norm
from .reductions.present_classes import certain_report, reduced_start
from .reductions.units import require_squares
from .solvers import SOLVERS
from .solvers.control import Control
from .spaces import RowSpace, Vectors, WeightSpace
from .starts import cold_start, warm_start

# Strength of a prior under which conjugate gradients on dense data of few rows are not tried first.
WEAK = 1e-8


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
    separated : integer ndarray or None
        Columns along which the unpenalised optimum lies at infinity; None where it does not.
    spread : float
        By how much the scales of the columns differ.
    """

    weights: np.ndarray
    intercept: np.ndarray
    report: dict
    separated: np.ndarray | None
    spread: float = 1.0


def path(
    problem,
    Cs,
    *,
    l1_ratio=0.0,
    penalty_weights=None,
    min_count=1,
    observed=False,
    fit_intercept,
    solver,
    start=None,
    **settings,
):
    """Optima for all C from the smallest to the largest, each from the one before, after one presolve.

    Presolve is done when this returns, and the problem is not kept: where its X is a copy of the user's, the
    caller can let go of it before the first is asked for.

    Parameters
    ----------
    problem : Problem or GroupedProblem
    Cs : ndarray of shape (n_Cs,)
    l1_ratio, penalty_weights, min_count, observed, fit_intercept, solver
        See `prepare`.
    start : tuple, optional
        Where the first begins.
    **settings
        See `optimise`.

    Returns
    -------
    optima : iterator of (index : int, result : Result)
        The index is that of the C in `Cs`.
    """
    begun = time.perf_counter()
    require_squares(peak(problem.X.data if sparse.issparse(problem.X) else problem.X))
    l1_ratio = l1_ratio if np.isfinite(Cs).any() else 0.0
    prepared = prepare(problem, l1_ratio, penalty_weights, fit_intercept, solver, min_count, observed)
    # Sparse data gain nothing by it.
    prepared.keeps_design = len(Cs) > 1 and not sparse.issparse(prepared.problem.X)
    parameters = settings | {"l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    return _optima(prepared, Cs, start, begun, parameters)


def _optima(prepared, Cs, start, begun, parameters):
    """One optimum after another."""
    for index in np.argsort(Cs, kind="stable"):
        result = optimise(prepared, C=float(Cs[index]), start=start, begun=begun, **parameters)
        yield int(index), result
        start, begun = (result.weights, result.intercept), None


def train(problem, *, C, **settings):
    """The optimum for one C; see `path` for the parameters."""
    return next(path(problem, [C], **settings))[1]


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
    class_map = prepared.class_map
    if class_map is not None and class_map.certain:
        return _certain_result(prepared, begun)
    # The row weights of the problem are smaller than the user's by this factor, and so is the penalty.
    settings = C * prepared.weight_unit, l1_ratio, fit_intercept, workers
    if prepared.budget < np.inf and prepared.prior_strength(settings[0]) < WEAK:
        prepared.rotate(workers)
    objective = _objective(prepared, *settings)

    def restored(objective, point, weights, change):
        design = objective.space.design
        weights, intercept = prepared.restored(weights, point.intercept + change, design, workers)
        return (weights, intercept) if class_map is None else class_map.restore(weights, intercept)

    def reported(record, objective, point):
        def model():
            weights, intercept = restored(objective, point, *_chosen(objective, point, prepared))
            return weights.copy(), intercept  # a callback may keep them; the solver works in place

        return report is not None and report(record, model)

    total = float(prepared.problem.weights.sum(dtype=float))
    separation = Separation(prepared.problem) if objective.has_free else None
    extras = SOLVERS[prepared.solver].history
    control = Control(tol, max_iter, total, reported, begun, separation, extras, prepared.budget)
    start = reduced_start(start, class_map)
    objective, point, gradient, solver = _solve(prepared, objective, start, control, settings, seed)
    undecided = separation and separation.columns is None and control.reason != "converged"
    if undecided and objective.proof.exists and not separation.search(objective):
        step = objective.certify(point, gradient, np.inf)[1]
        if step is not None:
            separation.recedes(objective, step.scores + step.shift, step.coords)
    chosen, change = _chosen(objective, point, prepared)
    weights, intercept = restored(objective, point, chosen, change)
    little = LITTLE * max(gradient.gap, LITTLE * tol * objective.value(point))
    gradient.gap += _lost_in_choice(objective, point, chosen, change, little)
    reduced = (weights, intercept) if class_map is None else class_map.reduce(weights, intercept)
    gradient.gap += _lost_in_return(prepared, objective, point, *reduced, little)
    if control.reason == "converged" and control.accuracy(objective, point, gradient) > 1:
        control.reason = "precision"
    summary = summary_of(objective, point, gradient, control, solver) | {"presolve": prepared.removed}
    if prepared.pair_map is not None:
        summary["n_pairs"] = len(prepared.pair_map.pairs)
    columns = None
    if separation is not None and separation.columns is not None:
        columns = _users_columns(separation.columns, prepared, objective, workers)
    spread = 1.0 if prepared.units is None else prepared.units.spread
    return Result(weights, intercept, summary, columns, spread)


def _solve(prepared, objective, start, control, settings, seed):
    """The end of the prepared problem's solver, or of another one where that does not get on.

    Returns
    -------
    objective : Objective
        The given one, or that of the rotated problem.
    point : Point
    gradient : Gradient
    solver : str
    """
    fit_intercept, workers = settings[-2:]

    def begin():
        point = None if start is None else warm_start(objective, *start, prepared, fit_intercept)
        if point is None:
            return cold_start(objective, prepared.problem, prepared.solver, seed, workers)
        return point

    # Held by the solver alone: it lets go of it.
    point, gradient = SOLVERS[prepared.solver].solve(objective, begin(), control)
    control.finish(objective, point, gradient)
    if prepared.budget < np.inf and control.reason in ("budget", "precision"):
        design = objective.space.design
        weights = objective.space.weights(point.coords.astype(float))
        start = prepared.restored(weights, point.intercept, design, workers)
        prepared.rotate(workers)
        objective = _objective(prepared, *settings)
        objective.space.design.tally[0] += design.tally[0]
        control.go_on()
        point, gradient = SOLVERS[prepared.solver].solve(objective, begin(), control)
        control.finish(objective, point, gradient)
    solver = prepared.solver
    if prepared.automatic and solver == "newton-cholesky" and control.reason == "precision":
        solver = "newton-cg"  # which goes on where a factor has no digits left
        control.go_on()
        point, gradient = SOLVERS[solver].solve(objective, point, control)
        control.finish(objective, point, gradient)
    return objective, point, gradient, solver


def _certain_result(prepared, begun):
    """The result where one class has all the weight."""
    pair_map = prepared.pair_map
    d = prepared.problem.X.shape[1] if pair_map is None else pair_map.pairs.n_columns
    weights, intercept = prepared.class_map.certain_model(d, prepared.dtype, pair_map is not None)
    report = certain_report(0.0 if begun is None else time.perf_counter() - begun)
    if pair_map is not None:
        report["n_pairs"] = len(pair_map.pairs)
    return Result(weights, intercept, report, None)


def _users_columns(columns, prepared, objective, workers):
    """The user's columns that columns of the solved problem stand for."""
    design, K = objective.space.design, objective.likelihood.shape[1]
    marks = np.zeros(design.X.shape[1])
    marks[columns] = 1.0
    marks = marks[design.columns, None] if design.paired else np.repeat(marks[:, None], K, axis=1)
    weights = prepared.restored(marks, np.zeros(K), design, workers)[0]
    return np.flatnonzero(np.diff(weights.indptr) if sparse.issparse(weights) else weights.any(axis=1))


def _chosen(objective, point, prepared):
    """Weights in the solved problem's columns, where no prior chooses among equals those of least norm.

    Returns
    -------
    weights : ndarray like the weights of the design
    change : ndarray of shape (K,)
        Of the intercept.
    """
    space, change = objective.space, np.zeros(len(point.intercept))
    weights = space.weights(point.coords)
    if not objective.has_free:
        return weights, change
    K = objective.likelihood.shape[1]
    free = objective.free
    if space.design.paired:
        columns = space.design.columns
        totals = np.bincount(columns, free[:, 0] * weights[:, 0])
        whole = np.bincount(columns, free[:, 0]) == K
        if K > 1:
            weights = weights - np.where(whole, totals / K, 0.0)[columns, None]
        return weights, change
    free = np.ones(len(weights), bool) if free.shape != weights.shape else free.all(axis=1)
    scale = np.ones(len(weights)) if prepared.units is None else prepared.units.scale
    if space.preconditioned and prepared.rotation is None and free.any():
        weights = weights.copy()
        X = space.design.X[:, free]
        weights[free], change = least_norm(X, weights[free], scale[free], objective.fit_intercept)
    if K > 1:
        # Only differences between classes matter; a prior would centre the weights by itself.
        weights = np.where(free[:, None], weights - weights.mean(axis=1, keepdims=True), weights)
    return weights, change


def _lost_in_choice(objective, point, weights, change, enough):
    """By how much rounding of the scores, or of the choice among equal weights, can raise the objective.

    `enough`: a smaller bound is of no use.
    """
    if objective.has_free:
        scores = objective.space.design.forward(weights)
        return objective.raised(point, weights, scores, point.intercept + change, enough)[0]
    return lost_in_scores(objective, weights, objective.likelihood.residual(point.expected), enough)


def _lost_in_return(prepared, objective, point, weights, intercept, enough):
    """By how much rounding to the user's precision, a rotation or a shift can have raised the objective.

    `enough`: a smaller bound is of no use.
    """
    likelihood, units, lost = objective.likelihood, prepared.units, 0.0
    if prepared.rotation is not None:
        residual = np.abs(likelihood.residual(point.expected)).sum(axis=1)
        rows = np.sqrt(np.einsum("ij,ij->i", prepared.problem.X, prepared.problem.X))
        norm = np.linalg.norm(point.coords)
        lost = rounding(prepared.rotation.n_columns) * float(residual @ rows) * norm
    design = objective.space.design
    if prepared.dtype == np.float64 and (units is None or units.shift is None):
        return lost
    moved = _rounding_of_shift(prepared, objective, point)
    # A settled intercept: its error counts squared.
    lost += 0.5 * float(likelihood.weights.sum()) * moved**2
    if prepared.dtype == np.float64:
        return lost
    rounded, intercept = prepared.reduced(weights, intercept.astype(prepared.dtype).astype(float), design)
    raised, residual = objective.raised(point, rounded, design.forward(rounded), intercept, enough)
    return lost + moved * float(np.abs(residual).sum()) + raised


def _rounding_of_shift(prepared, objective, point):
    """Bound on the rounding of what shifted columns add to the intercept."""
    units, design = prepared.units, objective.space.design
    if units is None or units.shift is None:
        return 0.0
    weights = objective.space.weights(point.coords)
    if prepared.rotation is not None:
        weights = prepared.rotation.restored(weights)
    worst = replace(units, shift=-np.abs(units.shift))
    size = worst.restored(np.abs(weights), np.zeros(objective.likelihood.shape[1]), design, float)[1]
    return 4 * EPS * float(np.abs(size).max(initial=0))


def _objective(prepared, C, l1_ratio, fit_intercept, workers):
    """The objective of a reduced problem, in the space of coordinates that its shape asks for.

    Its vectors are in float64, also where X is in float32.
    """
    problem, pair_map, units = prepared.problem, prepared.pair_map, prepared.units
    vectors, design = Vectors(workers), _design(prepared, workers)
    likelihood = problem.likelihood(workers).astype(np.float64)
    if SOLVERS[prepared.solver].elastic_net:
        penalty, scale = _elastic_net(prepared, design, C, l1_ratio)
        return Objective(WeightSpace(design, vectors), likelihood, penalty, fit_intercept, vectors, scale)
    if in_row_space(problem, pair_map, prepared.solver):
        space, penalty = RowSpace(design, vectors), Gaussian(prepared.prior_strength(C))
        return Objective(space, likelihood, penalty, fit_intercept, vectors)
    scale = None
    if prepared.rotation is not None and units is not None:  # the same for all columns
        scale = np.full((design.shape[1], 1), units.scale[0])
    elif units is not None:
        scale = units.scales(design)
    return Objective(WeightSpace(design, vectors, scale), likelihood, Gaussian(1 / C), fit_intercept, vectors)


def _design(prepared, workers):
    """The design of a reduced problem: the one that the C before had, or a new one."""
    if prepared.design is not None:
        prepared.design.tally[0] = 0.0  # each fit counts its own
        return prepared.design
    X, pair_map, K = prepared.problem.X, prepared.pair_map, prepared.problem.n_outputs
    if pair_map is None or pair_map.reduced.full:
        design = make_design(X, K, workers, np.float64)
    else:
        pairs = pair_map.reduced
        X = X.tocsc() if sparse.issparse(X) else X
        design = ObservedDesign(X, pairs.columns, pairs.classes, K, workers).astype(np.float64)
    if prepared.keeps_design:
        prepared.design, design.twins = design, {}
    return design


def _elastic_net(prepared, design, C, l1_ratio):
    """The penalty on the weights of the design, and by how much they are larger than the user's."""
    multipliers = prepared.multipliers
    if prepared.pair_map is not None and multipliers is not None:
        multipliers = prepared.pair_map.multipliers(multipliers, design)
    penalty = ElasticNet.from_prior(C, l1_ratio, multipliers)
    if prepared.units is None or (prepared.units.scale == 1).all():
        return penalty, None
    scale = prepared.units.scales(design)
    return penalty.scaled(scale), scale


def summary_of(objective, point, gradient, control, solver):
    """What `convergence_` reports, on the scale of the mean loss."""
    total = control.total_weight
    value, gap, square = float(objective.value(point)), float(gradient.gap), objective.users_square(gradient)
    relative = gap / value if value > 0 else (np.inf if gap else 0.0)
    return {
        "objective": value / total,
        "duality_gap": gap / total,
        "relative_gap": relative,
        "gradient_norm": float(np.sqrt(square)) / total,
        "kkt_violation": float(gradient.peak) / total,
        "stop_reason": control.reason,
        "n_iter": control.n_iter,
        "n_products": objective.space.design.tally[0],
        "seconds": control.elapsed(),
        "solver": solver,
        "space": objective.space.name,
        "history": {name: np.array(values) for name, values in control.history.items()},
    }
