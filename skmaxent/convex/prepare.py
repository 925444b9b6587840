"""From a problem to one that can be solved for any strength of the prior, and back: presolve."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ..numerics.sparse import canonical, short_indices
from .memory import require_weights
from .reductions.observed import PairMap, observe
from .reductions.present_classes import drop_absent_classes
from .reductions.presolve import drop_dominated, merge_columns, merge_rows
from .reductions.rare_columns import RareColumns, cut_columns
from .reductions.rotation import Rotation
from .reductions.units import Units, near_in_groups, ordinary_units
from .solvers import SOLVERS
from .starts import begins_stochastically

# Looking for proportional columns costs about as much as a few products: only where many follow.
THOROUGH_WORK = 5_000_000
# Side of the Hessian up to which its Cholesky factor beats conjugate gradients ...
CHOLESKY_SIDE = 150
# ... provided the weighted Gram matrices stay cheap: rows times the square of the side.
CHOLESKY_WORK = 2e9
# The same where dense data have fewer rows than columns and are rotated first ...
ROTATED_WORK = 4e9
# ... once conjugate gradients have taken as many products as that costs: the steps of Newton's method then,
# and how many times as fast LAPACK multiplies as products do.
ROTATED_STEPS, FACTOR_SPEED = 7, 4.0
# Mean row weights, as powers of two, that are left as they are.
ORDINARY_WEIGHT = 10


@dataclass
class Prepared:
    """A problem after presolve, to be solved for one strength of the prior after another.

    Attributes
    ----------
    problem : Problem
        The reduced problem.
    solver : str
    multipliers : ndarray of shape (d, 1) or (d, n_outputs) or None
        Penalty weights of the columns that are left.
    removed : dict
        What presolve took out.
    automatic : bool
        Whether the solver was ours to choose, and may be changed where it stalls.
    dtype : dtype
        Of the weights to return.
    weight_unit : float
        The row weights of the problem are the user's divided by this.
    column_map : ColumnMap or None
    pair_map : PairMap or None
        With observed pairs, the way back to the user's columns, through `column_map` and beyond;
        `multipliers` are then those of the user's columns.
    units : Units or None
    rotation : Rotation or None
        What was done after the columns had been merged, in this order.
    class_map : ClassMap or None
        Which classes of the user's problem have weight, where not all have.
    cut : RareColumns or None
        The columns left out before all else; `multipliers` lack them.
    budget : float
        Products after which to `rotate`; infinite where that has been done, or would not pay.
    keeps_design : bool
        Whether the next C shall have the same design, with all that it holds beside X.
    design : Design or None
        Kept so.
    """

    problem: object
    solver: str
    multipliers: np.ndarray | None
    removed: dict
    automatic: bool
    dtype: np.dtype
    weight_unit: float
    column_map: object = None
    pair_map: PairMap | None = None
    units: Units | None = None
    rotation: Rotation | None = None
    class_map: object = None
    cut: RareColumns | None = None
    budget: float = np.inf
    keeps_design: bool = False
    design: object = None

    def rotate(self, workers):
        """Go on, for good, with data of as many columns as rows, in which Newton's equation is factored."""
        self.rotation = Rotation(self.problem.X, workers)
        self.problem = replace(self.problem, X=self.rotation.X)
        self.solver, self.budget, self.design = "newton-cholesky", np.inf, None

    def prior_strength(self, C):
        """Strength of a Gaussian prior on the solved weights, whose columns all have one scale."""
        unit = 1.0 if self.units is None else float(self.units.scale[0])
        return 1 / C / unit / unit

    def restored(self, weights, intercept, design, workers):
        """Weights and intercept of the user's columns, in the user's precision."""
        if self.rotation is not None:
            weights = self.rotation.restored(weights)
        if self.units is not None:
            weights, intercept = self.units.restored(weights, intercept, design, self.dtype)
        if self.pair_map is not None:
            weights = self.pair_map.restore(weights, design)
        elif self.column_map is not None:
            weights = self.column_map.restore(weights, workers)
        if self.cut is not None:
            weights = self.cut.restore(weights)
        if self.problem.n_outputs > 1:
            intercept = intercept - intercept.mean()
        return weights.astype(self.dtype, copy=False), intercept

    def reduced(self, weights, intercept, design):
        """The weights of the solved problem that give the same scores, and the intercept."""
        if self.cut is not None:
            weights = self.cut.reduce(weights)
        if self.pair_map is not None:
            weights = self.pair_map.reduce(weights, design)
        elif self.column_map is not None:
            # Orthogonal projection on the weights that the reduced problem can express.
            entries = (self.column_map.scale, (self.column_map.group, np.arange(len(weights))))
            weights = sparse.csr_array(entries, shape=(self.column_map.n_reduced, len(weights))) @ weights
        weights = np.asarray(weights, dtype=float)
        if self.units is not None:
            weights, intercept = self.units.reduced(weights, intercept, design)
        if self.rotation is not None:
            weights = self.rotation.reduced(weights)
        return np.ascontiguousarray(weights), intercept


def prepare(problem, l1_ratio, penalty_weights, fit_intercept, solver, min_count=1, observed=False):
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
        A key of `SOLVERS`, or "auto".
    min_count : int
        Number of rows that a column must have an entry in to have weights; or a pair, where `observed`.
    observed : bool
        Whether only the pairs of a column and a class that `min_count` rows show have a weight.
    """
    n_columns, dtype = problem.X.shape[1], problem.X.dtype
    problem, penalty_weights, class_map = drop_absent_classes(problem, penalty_weights, fit_intercept)
    pairs = kept = cut = None
    if observed:  # counted before equal rows become one
        problem, pairs, kept = observe(problem, min_count)
    else:
        require_weights(n_columns, problem.n_outputs, dtype)
    if class_map is not None and class_map.certain:
        pair_map = PairMap(pairs, kept, None) if observed else None
        return Prepared(problem, solver, None, {}, False, dtype, 1.0, pair_map=pair_map, class_map=class_map)
    if not observed and min_count > 1:
        problem, penalty_weights, cut = cut_columns(problem, penalty_weights, min_count)
    n_frequent = problem.X.shape[1] if cut else n_columns
    problem, rows_merged = merge_rows(near_in_groups(problem))
    problem, weight_unit = _ordinary_weights(problem)
    automatic = solver == "auto"
    if automatic:
        gaussian = l1_ratio == 0 and penalty_weights is None
        solver = _choose(problem, fit_intercept) if gaussian else "working-set"
        if not (SOLVERS[solver].on_pairs or pairs is None or pairs.of_columns(kept).full):
            solver = "newton-cg"
    ability = SOLVERS[solver]
    X, column_map = problem.X, None
    if ability.merges:
        X, column_map = _reduce_columns(X, problem.n_outputs)
    elif ability.elastic_net and sparse.issparse(X):
        X = short_indices(X)
        if l1_ratio == 1 and penalty_weights is None:
            X, column_map = _by_columns(drop_dominated, X)
    if not observed and sparse.issparse(X) and X.shape[0] >= X.shape[1]:
        X = X.tocsr()  # as the design wants it, which would else make a copy of this copy
    removed = {"rows_merged": rows_merged, "columns_merged": n_frequent - X.shape[1]}
    if cut is not None:
        removed["columns_cut"] = n_columns - len(cut.kept)
    pair_map = PairMap(pairs, kept, column_map) if observed else None
    problem = replace(problem, X=X)
    budget = np.inf
    if automatic and pair_map is None and not ability.elastic_net:
        budget = _products_of_rotation(problem)
        solver = "newton-cg" if np.isfinite(budget) else solver
    X, units = ordinary_units(X, fit_intercept, in_row_space(problem, pair_map, solver))
    problem = replace(problem, X=X)
    return Prepared(
        problem,
        solver,
        penalty_weights,
        removed,
        automatic,
        dtype,
        weight_unit,
        column_map=column_map,
        pair_map=pair_map,
        units=units,
        class_map=class_map,
        cut=cut,
        budget=budget,
    )


def _ordinary_weights(problem):
    """The problem with row weights of ordinary size, and by which power of two they were divided."""
    exponent = int(np.frexp(float(problem.weights.mean(dtype=float)))[1])
    if abs(exponent) <= ORDINARY_WEIGHT:
        return problem, 1.0
    parts = {"weights": np.ldexp(problem.weights, -exponent)}
    if problem.masses is not None:
        parts["masses"] = np.ldexp(problem.masses, -exponent)
    return replace(problem, **parts), 2.0**exponent


def _products_of_rotation(problem):
    """In products, what it costs to solve dense data rotated; infinite where that is not to be done."""
    (n, d), K = problem.X.shape, problem.n_outputs
    side = float(n + 1) * K
    newton = n * side**2 + side**3 / 3
    if sparse.issparse(problem.X) or n >= d or newton > ROTATED_WORK:
        return np.inf
    return (2.0 * d * n**2 + ROTATED_STEPS * newton) / (4.0 * n * d * K) / FACTOR_SPEED


def in_row_space(problem, pair_map, solver):
    """Whether the coordinates are those of the rows: where they are fewer numbers than the weights.

    Not where the weights have a better start, and Newton's method a preconditioner for them: on parsing
    decisions it then takes a quarter of the products.
    """
    (n, d), K = problem.X.shape, problem.n_outputs
    if solver == "newton-cg" and pair_map is None and begins_stochastically(problem):
        return False
    n_weights = d * K if pair_map is None else len(pair_map.reduced)
    return n * K < n_weights and SOLVERS[solver].in_rows


def _choose(problem, fit_intercept):
    """The solver for "auto": by shape, from the measurements of benchmarks/maxent_l2.py."""
    n, d = problem.X.shape
    side = (d + fit_intercept) * problem.n_outputs
    if side <= CHOLESKY_SIDE and n * float(side) ** 2 <= CHOLESKY_WORK:
        return "newton-cholesky"
    return "newton-cg"


def _reduce_columns(X, n_outputs):
    """X without the columns that presolve can merge, in the layout that its shape asks for."""
    if not sparse.issparse(X):
        return X, None
    X = short_indices(X)
    n, d = X.shape
    if n >= d and X.nnz * n_outputs < THOROUGH_WORK:
        return X, None
    return _by_columns(merge_columns, X)


def _by_columns(reduce, X):
    """What `merge_columns` or `drop_dominated` makes of X; a tall X itself where they change nothing."""
    tall = X.shape[0] >= X.shape[1]
    reduced, column_map = reduce(canonical(X.tocsc()), thorough=tall)
    return (X if column_map is None and tall else reduced), column_map
