"""The conditional random field as a convex problem: from sentences to the optimum and its certificate.

The scores of a chain are linear in the weights: those of the tokens are X W, those of the transitions Z V, Z
with a row for each kind of transition (a column of ones, and the edge features). Both are one design

    [ X   0     ]  [ W ]
    [ 0  Z (x) I ]  [ V ]

with a column for each feature of the tokens and for each pair of an edge feature and a tag before. Penalties,
observed pairs, certificate and history are therefore those of the other models.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..convex.design.blocks import make_design
from ..convex.design.split import SplitDesign
from ..convex.fit import summary_of
from ..convex.objective import Objective
from ..convex.penalty import ElasticNet, Gaussian
from ..convex.reductions.observed import PairMap
from ..convex.reductions.units import ordinary_units
from ..convex.solvers import quasi_newton
from ..convex.solvers.control import Control
from ..convex.spaces import Vectors, WeightSpace
from ..numerics.sparse import peak
from .packed import Packed

# Entries up to which columns keep their units.
LARGE = 256
# What `quasi_newton` is under a Gaussian prior, and with a Laplace part.
SOLVERS = ("lbfgs", "orthant-lbfgs")


@dataclass
class ChainResult:
    """The optimum of a `ChainProblem`.

    Attributes
    ----------
    weights : CSR matrix or ndarray of shape (d, K)
    transitions : ndarray of shape (1 + e, K, K)
        From a tag to the next: first those that have no feature, then those of each edge feature.
    report : dict
        What `convergence_` shows.
    spread : float
        By how much the scales of the columns differ.
    """

    weights: object
    transitions: np.ndarray
    report: dict
    spread: float = 1.0

    separated = None  # as in the results of other models: all weights have a prior


def train(
    problem,
    *,
    C,
    l1_ratio=0.0,
    features="observed",
    transitions="all",
    min_count=1,
    solver="auto",
    tol=1e-2,
    max_iter=1000,
    workers,
    start=None,
    report=None,
):
    """The optimum of a chain.

    Parameters
    ----------
    problem : ChainProblem
    C : float
        Inverse strength of the prior, finite.
    l1_ratio : float
        Share of the Laplace prior.
    features, transitions : {"all", "observed"}
        Which weights exist.
    min_count : int
        Number of tokens that make a pair observed.
    solver : {"auto", "lbfgs", "orthant-lbfgs"}
    tol, max_iter : float, int
        Stopping rule, see `Control`.
    workers : Workers
    start : tuple of ndarray (weights (d, K), transitions (1 + e, K, K)), optional
        Warm start.
    report : callable, optional
        Called after each iteration as ``report(record, model)``; `model` returns weights and transitions
        as of now. A true answer stops the fit.

    Returns
    -------
    result : ChainResult
    """
    problem, unit = problem.of_weight().in_ordinary_weights()
    C = C * unit
    K, n_columns = problem.n_tags, problem.X.shape[1]
    if solver == "auto":
        solver = "orthant-lbfgs" if l1_ratio else "lbfgs"
    penalty = Gaussian(1 / C) if solver == "lbfgs" else ElasticNet.from_prior(C, l1_ratio)
    exists = features, transitions, min_count
    objective, pair_map, units = objective_of(Packed.of(problem), exists, penalty, workers)
    design = objective.space.design

    def restored(point):
        weights = point.coords.astype(float)
        if units is not None:
            weights = units.restored(weights, np.zeros(K), design, float)[0]
        weights = weights if pair_map is None else pair_map.restore(weights, design)
        below = weights[n_columns:]
        below = below.toarray() if sparse.issparse(below) else below.copy()
        return weights[:n_columns], below.reshape(-1, K, K)

    def reported(record, objective, point):
        return report is not None and report(record, lambda: restored(point))

    control = Control(tol, max_iter, float(problem.weights.sum()), reported)
    point = _start(objective, start, pair_map, units)
    point, gradient = quasi_newton.solve(objective, point, control)
    if control.reason == "precision" and control.accuracy(objective, point, gradient) <= 1:
        control.reason = "converged"
    summary = summary_of(objective, point, gradient, control, solver)
    summary["n_pairs"] = point.coords.size
    return ChainResult(*restored(point), summary, 1.0 if units is None else units.spread)


def objective_of(packed, exists, penalty, workers):
    """The objective in float64 on data in their own precision, the map of its pairs, units of its columns.

    Parameters
    ----------
    packed : Packed
    exists : tuple
        Parameters of `Packed.pairs`: which weights there are.
    penalty : Gaussian or ElasticNet
    workers : Workers
    """
    K, vectors = packed.n_tags, Vectors(workers)
    likelihood = packed.likelihood(workers, not penalty.smooth)
    pairs = packed.pairs(*exists) if "observed" in exists else None
    X = packed.design()
    del packed  # the largest array of it is in X too
    units = None
    if peak(X.data) > LARGE:  # a look at them takes a copy of the data
        X, units = ordinary_units(X, fit_intercept=False, smaller=False)
    if pairs is None or pairs.full:
        pair_map = None
        design = make_design(X, K, workers, np.float64)
    else:
        pair_map = PairMap(pairs, np.arange(pairs.n_columns), None)
        design = SplitDesign(X, pairs.columns, pairs.classes, K, workers, np.float64)
    scale = None if units is None else units.scales(design)
    if penalty.smooth:
        space = WeightSpace(design, vectors, scale)
        return Objective(space, likelihood, penalty, False, vectors), pair_map, units
    if scale is not None:
        penalty = penalty.scaled(scale)
    space = WeightSpace(design, vectors)
    return Objective(space, likelihood, penalty, False, vectors, scale), pair_map, units


def _start(objective, start, pair_map, units):
    """The point of a former model where it is better than zero weights, or these."""
    K = objective.likelihood.shape[1]
    zero = objective.point(np.zeros(objective.coords_shape), np.zeros(K))
    if start is None:
        return zero
    weights, below = start
    parts = [sparse.csr_matrix(part) for part in (weights, below.reshape(-1, K))]
    weights = sparse.vstack(parts, format="csr")
    coords = weights.toarray() if pair_map is None else pair_map.reduce(weights, objective.space.design)
    if units is not None:
        coords = units.reduced(coords, np.zeros(K), objective.space.design)[0]
    point = objective.point(coords, np.zeros(K))
    return point if objective.value(point) < objective.value(zero) else zero
