"""Optima at infinity: data that the model can separate along weights without a penalty.

Along a direction of the free weights in which no row scores its label lower against any other class, and some
row scores it higher, the likelihood grows without end (Albert & Anderson 1984). With all rows apart the
separation is complete, otherwise quasi-complete: a column that only rows of one class have is enough. Near
the end of such a fit the Newton step is that direction, with moves of about one nat, because curvature and
gradient vanish alike; elsewhere Newton steps have become small. A step far beyond the end leaves no curvature
there, and no move: then a linear programme tells.
"""

import numpy as np
from scipy import optimize, sparse

from .free import free_weights
from .levels import levelled, row_differences

# Moves of a score, in nats, that count as one and as none.
MOVE, STILL = 0.3, 0.03
# Numbers in the linear programme up to which it confirms what the Newton step shows.
LP_NUMBERS = 2_000_000
# A column takes part in the direction if it moves scores by this share of the largest move.
PART = 0.02
# Times most rows', or a nat: the largest moves of a row that are looked at beside those of others.
GIANT = 10.0
# What the programme may lose in a row as rounding, and must exceed in some, beside its entries times the
# largest weight.
VIOLATION = 1e-12


class Separation:
    """Looks for separation, and remembers the columns that take part in it.

    Parameters
    ----------
    problem : Problem or GroupedProblem

    Attributes
    ----------
    columns : integer ndarray or None
        Columns of the solved problem along which the data are separated; None where they are not.
    """

    def __init__(self, problem):
        self._problem = problem
        self.columns = None
        self._moves = ()  # what the programme found, once it was asked

    def is_complete(self, point):
        """Whether every row scores its own class highest."""
        if not self._problem.separates(point.scores + point.intercept):
            return False
        self.columns = np.flatnonzero(np.any(point.coords != 0, axis=1))
        return True

    def recedes(self, objective, scores, coords):
        """Whether a Newton step with these scores (n, K), of these weights, shows an optimum at infinity."""
        if not self._loses_nothing(scores):
            return False
        design, direction = objective.space.design, self._direction(objective)
        if direction is None:
            # Nothing confirms it: what a row of very large numbers gains must not excuse what others lose.
            if not self._loses_nothing(_without_giants(self._problem, scores)):
                return False
            if not objective.space.preconditioned:  # coordinates of rows
                coords = objective.space.weights(coords)
            direction = np.abs(coords).max(axis=1, initial=0)
            if design.paired:
                moves, direction = direction, np.zeros(design.X.shape[1])
                np.maximum.at(direction, design.columns, moves)
        elif not direction.any():
            return False
        self.columns = np.flatnonzero(direction > PART * direction.max(initial=0))
        return True

    def _loses_nothing(self, scores):
        """Whether moves of the scores are a gain of some row, and no row loses more than a little of it."""
        low, high, tied = label_margins(self._problem, scores)
        return high >= MOVE and low >= -STILL * max(high, 1.0) and tied <= STILL * max(high, 1.0)

    def search(self, objective):
        """Whether a linear programme finds a direction, wherever the fit has come to."""
        direction = self._direction(objective)
        if direction is None or not direction.any():
            return False
        self.columns = np.flatnonzero(direction > PART * direction.max())
        return True

    def _direction(self, objective):
        """The answer of the programme, which is the same wherever the fit has come to."""
        if not self._moves:
            self._moves = (self._programme(objective),)
        return self._moves[0]

    def _programme(self, objective):
        """How far the best direction moves each column, 0 where there is none; None for large problems."""
        design, free, problem = objective.space.design, objective.free, self._problem
        X, K, grouped = design.X, problem.n_outputs, hasattr(problem, "starts")
        if free.shape[0] != design.shape[1] or objective.space.name != "weights":
            return None
        size = X.nnz if sparse.issparse(X) else X.size
        # Of a group, the difference of two rows for each candidate.
        if (2 * size if grouped else (size + X.shape[0]) * K * max(K - 1, 1)) > LP_NUMBERS:
            return None
        columns, place, classes = free_weights(design, free)
        if grouped:
            scale, margins, equal = _group_margins(problem, X[:, columns])
        else:
            A, scale = levelled(X[:, columns], objective.fit_intercept)
            margins, equal = _margin_rows(problem, A)
        movable = np.zeros((K, len(scale)), dtype=bool)
        movable[classes, place] = True
        movable[:, len(columns) :] = True  # the intercept
        direction = _least_direction(margins, equal, np.where(movable, np.inf, 0.0).ravel())
        parts = (np.abs(direction).reshape(K, -1) * scale)[:, : len(columns)].max(axis=0)
        moves = np.zeros(X.shape[1])
        # The intercept alone may be enough: then it is one of these all the same.
        moves[columns] = parts if parts.any() or not direction.any() else np.finfo(float).tiny
        return moves


def _without_giants(problem, scores):
    """Scores of which rows, or groups, that spread far more than most are shrunk to `GIANT` times that."""
    if hasattr(problem, "starts"):
        first, sizes = problem.starts[:-1], np.diff(problem.starts)
        spread = np.maximum.reduceat(scores, first) - np.minimum.reduceat(scores, first)
    else:
        sizes = 1
        spread = np.abs(scores) if problem.n_outputs == 1 else np.ptp(scores, axis=1, keepdims=True)
    most = GIANT * max(1.0, float(np.median(spread)))
    return scores * np.repeat(most / np.maximum(spread, most), sizes, axis=0)


def _least_direction(margins, equal, limits):
    """The least direction that gains something and loses nothing, of the columns that it needs; or 0.

    Parameters
    ----------
    margins, equal : CSR arrays of shape (m, q), (l, q)
        What must not be negative, and what must be 0.
    limits : ndarray of shape (q,)
        Largest moduli of a direction: 0 or infinity.
    """
    gain = np.asarray(margins.sum(axis=0)).ravel()
    size, none = np.abs(gain).max(initial=0), np.zeros(len(gain))
    if not size:
        return none
    both = [sparse.hstack([M, -M], format="csr") for M in (margins, equal)]
    result = optimize.linprog(
        np.ones(2 * len(gain)),
        A_ub=sparse.vstack([-both[0], -np.concatenate([gain, -gain])[None] / size], format="csr"),
        b_ub=np.append(np.zeros(both[0].shape[0]), -1.0),
        A_eq=both[1],
        b_eq=np.zeros(both[1].shape[0]),
        bounds=np.column_stack([np.zeros(2 * len(limits)), np.tile(limits, 2)]),
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if result.status != 0:
        return none
    direction = result.x[: len(gain)] - result.x[len(gain) :]
    gained, moved, rounding = margins @ direction, equal @ direction, VIOLATION * np.abs(direction).max()
    allowed = [rounding * abs(M).sum(axis=1) for M in (margins, equal)]
    proven = np.all(-gained <= allowed[0]) and np.all(np.abs(moved) <= allowed[1])
    return direction if proven and np.any(gained > allowed[0]) else none


def label_margins(problem, scores):
    """Least and greatest excess of a label's score over another class's; largest spread of labels' scores."""
    if hasattr(problem, "starts"):
        first, labelled, values = problem.starts[:-1], problem.masses > 0, scores[:, 0]

        def over(where, fill, function):
            return function.reduceat(np.where(where, values, fill), first)

    else:
        labelled = problem.label_masses() > 0
        values = np.column_stack([np.zeros(len(scores)), scores]) if problem.n_outputs == 1 else scores

        def over(where, fill, function):
            return function.reduce(np.where(where, values, fill), axis=1)

    low = over(labelled, np.inf, np.minimum)
    spread = over(labelled, -np.inf, np.maximum) - low
    with np.errstate(invalid="ignore"):
        least = low - over(~labelled, -np.inf, np.maximum)
        most = low - over(~labelled, np.inf, np.minimum)
    least, most = least[np.isfinite(least)], most[np.isfinite(most)]
    return least.min(initial=np.inf), most.max(initial=-np.inf), spread.max(initial=0)


def _margin_rows(problem, A):
    """Rows of the linear forms: excess of a label over another class, and of one label over another."""
    labelled = problem.label_masses() > 0
    K, n_outputs, side = labelled.shape[1], problem.n_outputs, A.shape[1]

    def form(rows, k):
        """Score of class k in the rows, as a function of the weights of all classes side by side."""
        if n_outputs == 1:
            return A[rows] if k == 1 else sparse.csr_array((len(rows), side))
        blocks = [A[rows] if j == k else sparse.csr_array((len(rows), side)) for j in range(K)]
        return sparse.hstack(blocks, format="csr")

    margins, equal = [], []
    label = labelled.argmax(axis=1)
    for k in range(K):
        for l in range(K):
            if k == l:
                continue
            rows = np.flatnonzero((label == k) & ~labelled[:, l])
            margins.append(form(rows, k) - form(rows, l))
            rows = np.flatnonzero((label == k) & labelled[:, l])
            equal.append(form(rows, k) - form(rows, l))
    return sparse.vstack(margins, format="csr"), sparse.vstack(equal, format="csr")


def _group_margins(problem, X):
    """The factors of the columns of levelled forms, and the forms of groups: see `_margin_rows`."""
    sizes = np.diff(problem.starts)
    labelled = problem.masses > 0
    rows = np.arange(len(labelled))
    # The first labelled row of each group, beside each other row of it.
    first = np.minimum.reduceat(np.where(labelled, rows, len(rows)), problem.starts[:-1])
    label = np.repeat(first, sizes)
    others = np.flatnonzero(rows != label)
    A, scale = levelled(row_differences(X, label[others], others), False)
    tied = labelled[others]
    return scale, A[~tied], A[tied]
