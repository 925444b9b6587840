"""Masses near the expected ones that keep to the bounds of a Laplace prior: the dual point of an iterate.

Near the optimum the gradient of the loss exceeds its bounds a little, on common and collinear columns above
all, and scaling the dual point by the largest excess costs that share of the whole penalty. Here masses are
moved until every weight in use has the gradient that the KKT conditions ask for and no other exceeds its
bound: E + S X v with X' S X v = r, r what is missing. With S the curvature at E that is Newton's own dual
point, and hardly any row curves in the directions of collinear columns. But any S with row sums of 0 will
do. At masses in proportion to the roots of E, rows that are nearly certain give way more easily: on
part-of-speech tags less than half of the products. Masses that would be negative are set to 0, and the next
round makes up for it.
"""

import numpy as np

from ..preconditioners.class_blocks import LARGE_SIDE, ClassBlocks
from .quadratic_model import KrylovModel, curvatures

POWER = 0.5
# Rounds at most, and the share that one may leave of the violation before it.
ROUNDS, LEAVES = 8, 0.7
# Accuracy of a round; share of the allowed gap that what the last one leaves may cost, and factor on it where
# that was too much.
ACCURACY, SHARE, TIGHTER = 0.1, 0.7, 0.3
LONGEST, CYCLES = 256, 4  # steps of conjugate gradients at a time, and times in a round
# Growth of what is missing in a run by which some gradients cannot be had together: it is run again without
# the weights that it took farthest past 0.
FAR = 1e4
# How near to its bound, relative to it, a weight is that may have to join.
ROOM = 0.05


def serves(objective):
    """Whether all weights have a Laplace prior alone, and the rows are here."""
    penalty = objective.penalty
    return not (penalty.has_free or np.any(penalty.ridge)) and ClassBlocks.serves(objective, 1)


def improve_bound(objective, point, gradient, enough):
    """Give the proof of the objective better dual points, until they prove a gap; whether they do.

    Parameters
    ----------
    objective : Objective
        In float64, of all weights.
    point : Point
    gradient : Gradient
        At the point.
    enough : float
        The gap to prove, in nats.
    """
    penalty, masses, loss = objective.penalty, point.expected, gradient.loss
    cost = max(penalty.value(point.coords), enough)  # of an excess over the bounds as large as these
    share = SHARE * enough / cost
    wanted = (point.coords != 0) | (gradient.coords != 0)
    search, before = None, np.inf
    for _ in range(ROUNDS):
        if search is None or not search.widen(wanted, loss):
            if not ClassBlocks.serves(objective, np.count_nonzero(wanted)):
                break
            search = _Search(objective, point, gradient, wanted)
        violation = search.violation(loss)
        if not violation <= LEAVES * before:
            break
        masses = search.improved(masses, loss, max(share, ACCURACY * violation))
        masses, loss, gap = objective.proof.add_masses(point, masses)
        if gap <= enough:
            return True
        if loss is None:
            break
        wanted = search.wanted()
        beyond = (np.abs(loss) > penalty.lasso * (1 + share)) & ~wanted
        left, before = search.violation(loss), violation
        if beyond.any():
            wanted, before = wanted | beyond, np.inf
        elif left <= share:
            if gap - left * cost > enough:  # something else is wrong
                break
            share, before = TIGHTER * share, np.inf
    return False


class _Search:
    """Brings the gradient of some weights to what it should be.

    Parameters
    ----------
    objective : Objective
    point : Point
    gradient : Gradient
        At the point.
    wanted : boolean ndarray like the weights
    """

    def __init__(self, objective, point, gradient, wanted):
        self._start, self._model = point.expected, None
        near = np.abs(gradient.loss) > (1 - ROOM) * objective.penalty.lasso
        self._part, self._place = objective.restrict(wanted | near)
        self._inner = self._part.astype(np.dtype(np.float32))
        self._shape = wanted.shape
        # What the KKT conditions ask for: the subgradient is what is beyond it.
        self._target = (gradient.loss - gradient.coords)[self._place]
        self._lasso = np.broadcast_to(self._part.penalty.lasso, self._target.shape)
        self._weights = point.coords[self._place]
        self._orthant = _orthant(self._weights, gradient.loss[self._place])
        self._known = self._free = wanted[self._place]
        self._back = np.zeros(self._free.shape, bool)  # weights that were let go, and had to come back

    def widen(self, wanted, loss):
        """Take more weights, after a first round; False where they are of other columns or pairs."""
        free = wanted[self._place]
        if np.count_nonzero(free) < np.count_nonzero(wanted):
            return False
        new = free & ~self._free
        self._orthant[new] = _orthant(self._weights, loss[self._place])[new]
        self._back |= new & self._known
        self._free = free
        if np.any(new & ~self._known):
            self._known = self._known | new
            self._model.widen(self._known, self._diagonal)
        return True

    def wanted(self):
        """The weights whose gradient is still sought, a mask of all."""
        wanted = np.zeros(self._shape, bool)
        wanted[self._place] = self._free
        return wanted

    def violation(self, loss):
        """What is missing, relative to the bounds."""
        missing = self._target - loss[self._place]
        return float(np.max(np.abs(missing) / self._lasso, where=self._free, initial=0))

    def improved(self, masses, loss, accuracy):
        """Masses at which no more is missing than `accuracy`, but for those that would be negative.

        A weight that they take past 0 need not have that gradient: it is at most its bound, which is all
        that is asked for, and no longer sought. With columns that are all but the same the gradients of both
        can often not be had.

        Parameters
        ----------
        masses : ndarray of shape (n, K)
        loss : ndarray like all weights
            Gradient that they give.
        accuracy : float
            Relative to the bounds.
        """
        part, inner, known = self._part, self._inner, self._known
        metric = part.likelihood.tempered(np.where(masses > 0, self._start, 0), POWER)
        single = metric.astype(inner.dtype)
        missing = np.where(self._free, self._target - loss[self._place], 0)[known]
        scale = float(np.linalg.norm(missing)) or 1.0
        r = (missing / scale).astype(inner.dtype)
        if self._model is None:
            self._diagonal = curvatures(inner, single, 0.0)
            blocks = ClassBlocks.build(
                inner, single, np.flatnonzero(known), self._diagonal[known], LARGE_SIDE
            )
            self._model = KrylovModel(inner, single, known, 0.0, self._diagonal, LONGEST, *blocks)
        else:
            self._model.move(single)
        limit = (accuracy * self._lasso[known] / scale).astype(inner.dtype)
        V = np.zeros(known.shape, part.dtype)
        V[known] = scale * self._step(r, limit, (self._weights[known] / scale).astype(inner.dtype))
        self._weights = np.where(self._free, self._weights + V, 0)
        scores = part.space.push(V)
        shift = part.intercept_elimination(metric)(scores)
        return part.likelihood.within(
            part.vectors.sum(masses, part.likelihood.curvature(metric, scores, shift))
        )

    def _step(self, r, limit, weights):
        """The step of the known weights; those that it takes past 0 stop there, and are free no longer."""
        v, held, orthant = np.zeros_like(r), ~self._free[self._known], self._orthant[self._known]
        stays = self._back[self._known]

        def past(v):
            return ((weights + v) * orthant < 0) & ~(held | stays)

        for _ in range(CYCLES):
            before = v.copy(), r.copy()
            self._model.improve(v, r, held, limit, past)
            cut = past(v)
            if not cut.any():
                break
            if not np.abs(r).max() <= FAR * np.abs(before[1]).max():
                cut &= np.abs(v) >= 0.1 * np.abs(v).max(where=cut, initial=0)
                v, r = before
            change = np.where(cut, -(weights + v), 0)
            v += change
            r -= self._model.times(change)
            held |= cut
        self._free = self._free.copy()
        self._free[self._known] = ~held
        return v.astype(self._part.dtype)


def _orthant(weights, loss):
    """Signs that the weights have, or get where their gradient exceeds its bound."""
    return np.where(weights != 0, np.sign(weights), -np.sign(loss)).astype(np.float32)
