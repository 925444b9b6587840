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

from ..preconditioners.class_blocks import ClassBlocks
from .quadratic_model import KrylovModel, curvatures

POWER = 0.5
# Rounds at most, and the share that one may leave of the violation before it.
ROUNDS, LEAVES = 8, 0.7
# Accuracy of a round; share of the allowed gap that what the last one leaves may cost, and factor on it where
# that was too much.
ACCURACY, SHARE, TIGHTER = 0.03, 0.7, 0.3
LONGEST = 256  # steps of conjugate gradients in a round
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
        if search is None or not search.widen(wanted):
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
        # What the KKT conditions ask for: the subgradient is what is beyond it.
        self._target = (gradient.loss - gradient.coords)[self._place]
        self._lasso = np.broadcast_to(self._part.penalty.lasso, self._target.shape)
        self._free = wanted[self._place]

    def widen(self, wanted):
        """Take more weights, after a first round; False where they are of other columns or pairs."""
        free = wanted[self._place]
        if np.count_nonzero(free) < np.count_nonzero(wanted):
            return False
        self._free = free
        self._model.widen(free, self._diagonal)
        return True

    def _missing(self, loss):
        return (self._target - loss[self._place])[self._free]

    def violation(self, loss):
        """What is missing, relative to the bounds."""
        return float(np.max(np.abs(self._missing(loss)) / self._lasso[self._free], initial=0))

    def improved(self, masses, loss, accuracy):
        """Masses at which no more is missing than `accuracy`, but for those that would be negative.

        Parameters
        ----------
        masses : ndarray of shape (n, K)
        loss : ndarray like all weights
            Gradient that they give.
        accuracy : float
            Relative to the bounds.
        """
        part, inner, likelihood = self._part, self._inner, self._part.likelihood
        metric = likelihood.tempered(np.where(masses > 0, self._start, 0), POWER)
        single = metric.astype(inner.dtype)
        missing = self._missing(loss)
        scale = float(np.linalg.norm(missing)) or 1.0
        r = (missing / scale).astype(inner.dtype)
        if self._model is None:
            self._diagonal = curvatures(inner, single, 0.0)
            self._model = KrylovModel(inner, single, self._free, 0.0, self._diagonal, LONGEST, True)
        else:
            self._model.move(single)
        v, limit = np.zeros_like(r), (accuracy * self._lasso[self._free] / scale).astype(inner.dtype)
        self._model.improve(v, r, np.zeros(r.shape, bool), limit)
        V = np.zeros(self._free.shape, part.dtype)
        V[self._free] = v * part.dtype.type(scale)
        scores = part.space.push(V)
        shift = part.intercept_elimination(metric)(scores)
        return likelihood.within(part.vectors.sum(masses, likelihood.curvature(metric, scores, shift)))
