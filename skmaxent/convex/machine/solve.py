"""The optimum over rows in blocks: the same objective, solvers and certificate, on what a back end offers.

Of presolve only what one pass tells is done: columns in ordinary units, rare columns, observed pairs, classes
without weight. Coordinates are those of the weights: the metric of coordinates of rows couples all rows.
"""

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..fit import Result, summary_of
from ..objective import Objective
from ..penalty import ElasticNet, Gaussian
from ..prepare import CHOLESKY_SIDE, CHOLESKY_WORK
from ..proofs.rounding import LITTLE, lost_in_scores
from ..reductions.observed import PairMap
from ..reductions.observed import Pairs as ObservedPairs
from ..reductions.present_classes import certain_report, reduced_start
from ..reductions.units import LIMIT, ORDINARY, require_squares
from ..solvers import SOLVERS
from ..solvers.control import Control
from ..spaces import WeightSpace
from ..starts import EPOCHS, STOCHASTIC_ROWS, zero_start
from ..stochastic_start import AdaGrad
from .designs import Some
from .handles import Machine
from .proxies import MachineDesign, MachineLikelihood, MachineVectors


def train_rows(
    backend,
    labelling,
    *,
    C,
    l1_ratio,
    penalty_weights=None,
    min_count=1,
    observed=False,
    fit_intercept,
    solver,
    tol,
    max_iter,
    dtype=np.float64,
    seed=0,
    start=None,
    report=None,
    begun=None,
):
    """The optimum for one C.

    Parameters
    ----------
    backend : back end
        Of blocks with this labelling; see `backends`.
    labelling : Labelling
    C, l1_ratio, fit_intercept, tol, max_iter, seed, start, report, begun
        As of `skmaxent.convex.fit.optimise`; C finite.
    penalty_weights, min_count, observed, solver
        As of `skmaxent.convex.prepare.prepare`; no penalty weight 0.
    dtype : dtype
        Of the weights to return.

    Returns
    -------
    result : Result
    """
    begun = time.perf_counter() if begun is None else begun
    class_map = labelling.class_map
    if class_map is not None and class_map.certain:
        weights, intercept = class_map.certain_model(backend.n_columns, dtype, observed)
        report = certain_report(time.perf_counter() - begun)
        return Result(weights, intercept, report | {"n_pairs": 0} * observed, None)
    machine = Machine(backend)
    frame = Frame.of(machine, backend, labelling, penalty_weights, min_count, observed, dtype)
    gaussian = l1_ratio == 0 and penalty_weights is None
    automatic = solver == "auto"
    if automatic:
        solver = _choose(frame, machine.shape, fit_intercept) if gaussian else "working-set"
    objective = _objective(frame, machine, backend, solver, C * labelling.unit, l1_ratio, fit_intercept)

    def reported(record, objective, point):
        return report is not None and report(record, lambda: frame.restored(point.coords, point.intercept))

    control = Control(tol, max_iter, machine.total_weight, reported, begun, None, SOLVERS[solver].history)
    start = reduced_start(start, class_map)
    learner = backend if hasattr(backend, "learn") and solver != "newton-cholesky" else None
    # Held by the solver alone: it lets go of it.
    point, gradient = SOLVERS[solver].solve(
        objective, _begin(objective, frame, start, learner, seed), control
    )
    control.finish(objective, point, gradient)
    if automatic and solver == "newton-cholesky" and control.reason == "precision":
        solver, control.reason = "newton-cg", None  # which goes on where a factor has no digits left
        point, gradient = SOLVERS[solver].solve(objective, point, control)
        control.finish(objective, point, gradient)
    weights, intercept = frame.restored(point.coords, point.intercept)
    residual = objective.likelihood.residual(point.expected)
    little = LITTLE * gradient.gap
    gradient.gap += lost_in_scores(objective, point.coords, residual, little)
    if dtype != np.float64:
        gradient.gap += _lost_in_rounding(objective, frame, point, weights, intercept, little)
    if control.reason == "converged" and control.accuracy(objective, point, gradient) > 1:
        control.reason = "precision"
    removed = {"rows_merged": 0, "columns_merged": 0}
    if frame.kept is not None and not observed:
        removed["columns_cut"] = backend.n_columns - len(frame.kept)
    summary = summary_of(objective, point, gradient, control, solver) | {"presolve": removed}
    if observed:
        summary["n_pairs"] = len(frame.pair_map.pairs)
    summary |= {"passes": machine.passes, "round_trips": machine.trips, "bytes_sent": machine.bytes_down}
    return Result(weights, intercept, summary, None, frame.spread)


@dataclass
class Frame:
    """Between the user's weights and those that a solver moves.

    Attributes
    ----------
    design : MachineDesign
    scale : ndarray of shape (m, 1) or None
        By how much the weights of the design are larger than the user's.
    multipliers : ndarray like the weights, or (m, 1), or None
        Penalty weights.
    kept : integer ndarray or None
        The columns that have weights, where not all do.
    pair_map : PairMap or None
        With observed pairs.
    spread : float
        By how much the scales of the columns differ.
    """

    design: MachineDesign
    scale: np.ndarray | None
    multipliers: np.ndarray | None
    kept: np.ndarray | None
    pair_map: PairMap | None
    spread: float
    labelling: object
    dtype: np.dtype

    @classmethod
    def of(cls, machine, backend, labelling, multipliers, min_count, observed, dtype):
        """For the data of a machine."""
        d, present = backend.n_columns, labelling.present
        whole = MachineDesign(machine, d, np.float64)
        scale = _units(whole)
        kept, pair_map, definition = None, None, None
        if multipliers is not None and multipliers.shape[1] > 1 and labelling.class_map is not None:
            multipliers = np.ascontiguousarray(multipliers[:, present])
        if observed:
            pairs = _observed(machine, d, labelling, min_count)
            kept = np.flatnonzero(np.diff(pairs.indptr))
            kept = kept if len(kept) else np.zeros(1, np.intp)
            pair_map = PairMap(pairs, kept, None)
            definition = Some(kept, None)
            if not pair_map.reduced.full:
                definition = Some(kept[pair_map.reduced.columns], pair_map.reduced.classes.astype(np.intp))
        elif min_count > 1:
            kept = np.flatnonzero(whole.column_counts >= min_count)
            definition = Some(kept, None)
        design = MachineDesign(machine, d, np.float64, scale, definition) if definition else whole
        if definition is None and scale is not None:
            design = MachineDesign(machine, d, np.float64, scale)
        if multipliers is not None:
            if pair_map is not None:
                multipliers = pair_map.multipliers(multipliers, design)
            elif kept is not None:
                multipliers = multipliers[kept]
        spread = 1.0 if scale is None else float(scale.max() / scale.min())
        return cls(design, design.scale, multipliers, kept, pair_map, spread, labelling, np.dtype(dtype))

    def restored(self, coords, intercept):
        """The user's weights (d, K) and intercept from those of the design."""
        labelling, design = self.labelling, self.design
        weights = (coords if self.scale is None else coords / self.scale).astype(self.dtype)
        if self.pair_map is not None:
            weights = self.pair_map.restore(weights, design)
        elif self.kept is not None:
            whole = np.zeros((design.n_columns, weights.shape[1]), weights.dtype)
            whole[self.kept] = weights
            weights = whole
        if weights is coords:
            weights = weights.copy()
        intercept = intercept - intercept.mean() * (labelling.n_outputs > 1)
        class_map = labelling.class_map
        return (weights, intercept) if class_map is None else class_map.restore(weights, intercept)

    def reduced(self, weights):
        """The weights of the design from the user's, (d, k) on the classes of the solved problem."""
        if self.pair_map is not None:
            weights = self.pair_map.reduce(weights, self.design)
        elif self.kept is not None:
            weights = weights[self.kept]
        weights = np.asarray(weights.toarray() if sparse.issparse(weights) else weights, dtype=float)
        return np.ascontiguousarray(weights if self.scale is None else weights * self.scale)


def _units(design):
    """Powers of two (d,) that bring columns of unlike scale to ordinary units; None where all are."""
    squares, counts = design.column_squares(), design.column_counts
    mean = np.maximum(squares / np.maximum(counts, 1), np.finfo(float).tiny)
    require_squares(np.sqrt(mean.max(initial=0)))
    exponents = np.where(counts > 0, np.round(0.5 * np.log2(mean)), 0).astype(int)
    if np.abs(exponents).max(initial=0) <= ORDINARY:
        return None
    return 2.0 ** np.clip(exponents, -LIMIT, LIMIT)


def _observed(machine, n_columns, labelling, min_count):
    """The pairs that at least `min_count` rows show."""
    K = labelling.n_classes
    found = machine.ask("pairs", K)[0]
    columns, classes = np.divmod(found.keys[found.counts >= min_count], K)
    if labelling.n_outputs == 1:
        columns = np.unique(columns)
        classes = np.zeros(len(columns), classes.dtype)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=n_columns))])
    kind = np.int32 if len(columns) < 2**31 else np.int64
    return ObservedPairs(indptr.astype(kind), classes.astype(np.int32), labelling.n_outputs)


def _choose(frame, shape, fit_intercept):
    """The solver for "auto" under a Gaussian prior alone."""
    side = (frame.design.shape[1] + fit_intercept) * shape[1]
    few = side <= CHOLESKY_SIDE and shape[0] * float(side) ** 2 <= CHOLESKY_WORK
    return "newton-cholesky" if few and not frame.design.paired else "newton-cg"


def _objective(frame, machine, backend, solver, C, l1_ratio, fit_intercept):
    vectors = MachineVectors(machine, backend.workers)
    likelihood = MachineLikelihood(machine, follows=fit_intercept)
    if not SOLVERS[solver].elastic_net:
        space = WeightSpace(frame.design, vectors, frame.scale)
        return Objective(space, likelihood, Gaussian(1 / C), fit_intercept, vectors)
    penalty = ElasticNet.from_prior(C, l1_ratio, frame.multipliers)
    if frame.scale is not None:
        penalty = penalty.scaled(frame.scale)
    space = WeightSpace(frame.design, vectors)
    return Objective(space, likelihood, penalty, fit_intercept, vectors, frame.scale)


def _begin(objective, frame, start, learner, seed):
    """The point of given weights as far as the settings allow them, or a stochastic start; zero if better."""
    zero = zero_start(objective)
    if start is None:
        begun = None if learner is None else _stochastic(objective, frame, zero, learner, seed)
        return zero if begun is None or objective.value(begun) >= objective.value(zero) else begun
    weights, intercept = frame.reduced(start[0]), start[1]
    intercept = intercept if objective.fit_intercept else np.zeros_like(intercept)
    if not (np.isfinite(weights).all() and np.isfinite(intercept).all()):
        return zero
    if not objective.penalty.smooth:
        weights = np.where(np.isinf(objective.penalty.lasso), 0.0, weights)
    elif weights.shape[1] > 1:
        weights = weights - weights.mean(axis=1, keepdims=True)  # all that a Gaussian prior leaves
    point = objective.point(weights, intercept)
    return point if objective.value(point) < objective.value(zero) else zero


def _stochastic(objective, frame, zero, learner, seed):
    """The point after some epochs over the rows, where there are many; None elsewhere."""
    (n, K), design, prior = objective.likelihood.shape, objective.space.design, objective.penalty
    many = n >= max(design.n_columns, STOCHASTIC_ROWS) and K > 2
    if not many or design.definition is not None or frame.scale is not None:
        return None
    # Of values of one modulus in each column; otherwise a bound.
    row_sum = float(np.sqrt(design.column_counts * design.column_squares()).sum()) / n
    weight = objective.likelihood.total_weight / n
    steps = AdaGrad(K, design.column_counts, row_sum, weight, prior.ridge, prior.lasso)
    learner.learn(steps, EPOCHS, seed)
    return objective.point(steps.W, zero.intercept, settle=False)


def _lost_in_rounding(objective, frame, point, weights, intercept, enough):
    """By how much rounding to the user's precision can have raised the objective; see `Objective.raised`."""
    class_map = frame.labelling.class_map
    if class_map is not None:
        weights, intercept = class_map.reduce(weights, intercept)
    rounded = frame.reduced(weights)
    shift = intercept.astype(frame.dtype).astype(float)
    return objective.raised(point, rounded, objective.space.push(rounded), shift, enough)[0]
