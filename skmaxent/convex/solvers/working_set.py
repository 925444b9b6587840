"""Working sets: an elastic net solved on the columns that matter, until the KKT conditions hold on all.

Each round takes the gradient on all columns, keeps the columns with weights and adds the worst
violators of the KKT conditions, at most as many as there are columns with weights (or a least number),
and lets the inner solver bring the violation on these columns to a fifth. Rounds run in float32
first, and in float64 when the gap is small. Few weights are one set, and every round one Newton step.
"""

import numpy as np

from ..design.dense import DenseDesign
from ..reductions.units import fits_single
from . import feasible_masses, orthant_lbfgs, orthant_newton, proximal_newton

# Violators that a round may add at the least, and weights up to which all are in every round. Of dense data
# each takes its share of every product, and a round costs little more than the gradient on all; where half of
# the weights would be in a round all are.
MIN_NEW, MIN_NEW_DENSE, ALL_DENSE = 2_000, 100, 500
# Inner iterations of a round, and the factor on the subgradient norm that ends it before.
INNER_STEPS = 20
REDUCTION = 0.2
# ... and where all weights are in every round, which then only saves certificates.
WHOLE_REDUCTION = 0.01
# Relative duality gap at which float32 iterates hand over to float64.
SWITCH = 1e-4
# ... or relative decrease of the objective in a round: less would drown in rounding.
SLOW = 1e-4
# Units of the stopping rule from which the next Newton step may be the last, so that the intercept counts; it
# also does where the gap does not fall.
NEAR = 1e4
# Share of the allowed gap by which a step must gain less before a better dual point is looked for, and factor
# on it where that was too soon.
GAIN, LESS = 0.2, 0.1
# Scores and weights up to which single precision, or a better dual point, saves less than it costs.
SINGLE_ENTRIES = 50_000
# Far below the critical penalty probabilities saturate and Newton steps fail. A cold start begins with
# the penalty at this share of the critical one, weakens it by a factor as soon as a round gains less
# than `ENOUGH`, relative, and so stays close to the path of optima.
FIRST_SHARE, STRENGTH_FACTOR, ENOUGH = 0.01, 4.0, 0.1


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.convex.solvers` for the contract."""
    stages = [(objective, objective.dtype)]
    size = np.prod(objective.likelihood.shape) + np.prod(objective.coords_shape)
    large = size > SINGLE_ENTRIES
    if objective.dtype == np.float64 and large and fits_single(objective.scale):
        single = np.dtype(np.float32)
        stages = [(objective.astype(single), single), (objective, single), (objective, objective.dtype)]
    trust, strength = orthant_newton.Trust(), None
    # With many rows the evaluations of the loss, of which quasi-Newton steps need more, cost most.
    quasi = objective.likelihood.shape[0] < objective.coords_shape[0]
    for base, direction_dtype in stages:
        control.new_stage()
        trust.damping = 0.0
        if point.scores.dtype != base.dtype:
            point = base.point(point.coords, point.intercept)
        elif not point.settled:  # a stochastic start
            base.settle_intercept(point)
        final = base is objective
        improve = (orthant_lbfgs if quasi and not final else orthant_newton).improve
        factor = 1.0 if final else max(0.5, SWITCH / control.tol) if control.tol else np.inf
        last_value, last_gap, few, near = np.inf, np.inf, final and proximal_newton.fits(base), True
        while True:
            subgradient = base.gradient(point, tightly=near)
            if control.stop(base, point, subgradient, final=final):
                if not final:
                    point = objective.point(point.coords, point.intercept)
                    subgradient = objective.gradient(point)
                return point, subgradient
            if strength is None:
                strength = _first_strength(base, point, subgradient)
            if strength > 1:
                stronger, slope = base.strengthened(strength, point, subgradient)
                moved = _round(improve, stronger, direction_dtype, point, slope, trust)
                value = stronger.value(point)
                if not moved or value > (1 - ENOUGH) * last_value:
                    strength, value = strength / STRENGTH_FACTOR, np.inf
                last_value = value
                continue
            if not final and control.accuracy(base, point, subgradient) <= factor:
                break
            value = base.value(point)
            if not final and (trust.near or value > (1 - SLOW) * last_value):
                break
            last_value = value
            if control.stalled(base, point, subgradient):
                break
            if few and orthant_newton.proximal_step(base, base, point, subgradient, trust):
                orthant_newton.shift_columns(base, point)
                near = control.accuracy(base, point, subgradient) < NEAR or subgradient.gap > 0.25 * last_gap
                last_gap = subgradient.gap
                if near:
                    base.settle_intercept(point)
                continue
            if large and _proven(base, point, subgradient, control, trust, final):
                continue
            if not _round(improve, base, direction_dtype, point, subgradient, trust):
                break
    control.reason = "precision"
    return point, subgradient


def _first_strength(base, point, subgradient):
    """Factor on the penalty to begin with: a cold start far from the optimum goes there by stages."""
    share = min(base.penalty.shares(subgradient.loss))
    return 1.0 if point.coords.any() else FIRST_SHARE / share


def _proven(base, point, subgradient, control, trust, final):
    """Whether a better dual point proves what is asked for, looked for where the last steps gained little."""
    if not feasible_masses.serves(base) or proximal_newton.fits(base, hard=True):
        return False
    allowed = control.tol * base.value(point)
    if final and trust.near and base.dtype == np.float64:
        trust.blocks.forget()  # the search has its own
        if feasible_masses.improve_bound(base, point, subgradient, allowed):
            return True
        trust.patience *= LESS
    trust.enough = trust.patience * GAIN * allowed
    return False


def _round(improve, base, direction_dtype, point, subgradient, trust):
    """One working set, solved to a fraction of its violation; changes the point in place."""
    if isinstance(base.space.design, DenseDesign):
        allowed = working_pairs(point.coords, subgradient.coords, base.penalty, MIN_NEW_DENSE, ALL_DENSE)
        if 2 * np.count_nonzero(allowed) >= allowed.size:
            allowed[:] = True
    else:
        allowed = working_pairs(point.coords, subgradient.coords, base.penalty, MIN_NEW, MIN_NEW)
    part, place = base.restrict(allowed)
    inner = part if part.dtype == direction_dtype else part.astype(direction_dtype)
    # Scores that are only ever added to drift, in float32 soon by more than what is left to gain.
    partial = part.point(np.array(point.coords[place], order="C"), point.intercept, settle=False)
    part.follow_intercept(partial)
    trust.numbers = None if part is base else _numbers(place, point.coords.shape)
    reduction = WHOLE_REDUCTION if part is base else REDUCTION
    target = reduction**2 * subgradient.square
    moved = improve(part, inner, partial, trust, target=target, max_steps=INNER_STEPS)
    part.settle_intercept(partial)
    W = point.coords
    W[place] = partial.coords
    vars(point).update(vars(partial) | {"coords": W})
    return moved


def _numbers(place, shape):
    """The numbers of the weights ``W[place]`` among all, for a W of that shape; see `Objective.restrict`."""
    columns, classes = place if len(place) == 2 else (place[0][:, None], np.arange(shape[1]))
    return np.ravel_multi_index((columns, classes), shape)


def working_pairs(W, V, penalty, least, few):
    """Mask of the weights in use or without a Laplace prior, and of the worst violators, or of all.

    Parameters
    ----------
    W, V : ndarray of one shape
        Weights and subgradient.
    penalty : ElasticNet
    least : int
        Violators at the least.
    few : int
        Weights that are all taken.
    """
    if W.size <= few:
        return np.ones(W.shape, bool)
    allowed = W != 0
    allowed |= np.asarray(penalty.lasso) == 0
    violation = np.where(allowed, 0, np.abs(V)).ravel()
    room = max(least, int(np.count_nonzero(allowed)))
    candidates = np.flatnonzero(violation)
    if len(candidates) > room:
        candidates = candidates[np.argpartition(-violation[candidates], room - 1)[:room]]
    allowed.ravel()[candidates] = True
    return allowed
