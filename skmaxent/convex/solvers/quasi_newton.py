"""Limited-memory quasi-Newton for many weights and costly likelihoods: first derivatives, one product a step.

L-BFGS (Liu & Nocedal 1989) where the penalty is smooth, orthant-wise (OWL-QN, Andrew & Gao 2007) where it has
a Laplace part. It differs from `lbfgs` and `orthant_lbfgs` in what it asks of a likelihood: no curvature, so
that the sums over all sequences of a chain are one evaluation of it, and no coordinates of rows. Steps and
changes of the gradient are kept in float32 in one array, whose products are matrix products; iterates are in
float32 too until they are as good as `tol` asks, or as float32 can make them, and the last word is float64's.
"""

import numpy as np

from ..reductions.units import fits_single
from .lbfgs import two_loops

# Pairs of steps and gradient changes.
MEMORY = 20
# Iterations in which the gradient must shrink where the objective no longer tells.
PATIENCE = 25
# Sufficient decrease, and the part of the slope that a step may leave (Wolfe's conditions).
DECREASE, FLATNESS = 1e-4, 0.9
MAX_TRIALS = 25
# Powers of ten of the strengths of a penalty up to which float32 serves.
DIGITS = 15
# How much better than `tol` a float32 iterate should look before float64 has a look.
MARGIN = 0.95


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.convex.solvers` for the contract."""
    memory = Memory(objective)
    control.new_stage()
    if _is_single(objective):
        low = objective.astype(np.float32)
        point = low.point(point.coords.astype(np.float32), point.intercept)
        over, point, _ = _descend(low, point, control, memory, final=False)
        point = objective.point(point.coords, point.intercept)
        control.new_stage()
        if over:
            return point, objective.gradient(point)
    _, point, gradient = _descend(objective, point, control, memory, final=True)
    return point, gradient


def _is_single(objective):
    """Whether scales and strengths of the penalty are numbers whose squares float32 can hold."""
    if not (fits_single(objective.scale) and fits_single(objective.space.scale)):
        return False
    strengths = (np.ravel(part) for part in (objective.penalty.ridge, objective.penalty.lasso))
    return all(((part == 0) | (np.abs(np.log10(part + (part == 0))) <= DIGITS)).all() for part in strengths)


def _descend(objective, point, control, memory, final):
    """Iterations in the precision of the objective.

    Returns
    -------
    over : bool
        Whether the control stopped the fit.
    point : Point
    gradient : Gradient
    """
    step = _smooth_step if objective.penalty.smooth else _orthant_step
    last = None
    while True:
        gradient = objective.gradient(point)
        if control.stop(objective, point, gradient, final=final):
            return True, point, gradient
        done = not final and control.accuracy(objective, point, gradient) <= MARGIN
        if done or control.stalled(objective, point, gradient, PATIENCE):
            break
        slope = _smooth_gradient(objective, point, gradient)
        if last is not None:
            memory.remember(point.coords - last[0], slope - last[1])
        last = point.coords.copy(), slope.copy()
        direction = memory.direction(gradient.coords).astype(objective.dtype, copy=False)
        moved = step(objective, point, gradient, direction, first=not memory)
        if moved is None:
            if not memory:
                break
            memory.clear()  # rounding spoilt it: start again along the gradient
            last = None
        else:
            point = moved
    control.reason = "precision" if final else None
    return False, point, gradient


def _smooth_gradient(objective, point, gradient):
    """The gradient of the smooth part of the objective."""
    if objective.penalty.smooth:
        return gradient.coords
    ridge = objective.penalty.ridge
    return gradient.loss + ridge * point.coords if np.any(ridge) else gradient.loss


def _smooth_step(objective, point, gradient, direction, first):
    """The point after a step that fulfils Wolfe's conditions, or None.

    Scores are affine in the step, so that a trial takes no product.
    """
    vectors, space, likelihood = objective.vectors, objective.space, objective.likelihood
    ridge = objective.penalty.ridge
    scores = space.push(direction)
    cross = space.square_of(point.coords, direction, scores)
    square = space.square_of(direction, direction, scores)
    slope0 = vectors.dot(gradient.coords, direction)
    if not slope0 < 0:
        return None
    value0 = objective.value(point)
    slack = 4 * np.finfo(objective.dtype).eps * abs(value0)
    step = min(1.0, 1.0 / np.sqrt(vectors.dot(direction, direction))) if first else 1.0
    low, high, slope_low, slope_high = 0.0, np.inf, slope0, np.nan
    state = vectors.empty_like(point.expected)
    for _ in range(MAX_TRIALS):
        loss = likelihood.evaluate(point.scores, state, scores, step)
        value = loss + 0.5 * ridge * (point.square + 2 * step * cross + step**2 * square)
        slope = vectors.dot(likelihood.residual(state), scores) + ridge * (cross + step * square)
        if not np.isfinite(value) or value > value0 + DECREASE * step * slope0 + slack or slope > 0:
            if abs(slope) <= -FLATNESS * slope0 and value <= value0 + DECREASE * step * slope0 + slack:
                break
            high, slope_high = step, slope
        elif slope >= FLATNESS * slope0:
            break
        else:
            low, slope_low = step, slope
        step = _next_step(low, high, slope_low, slope_high)
    else:
        return None
    vectors.add(point.coords, step, direction)
    vectors.add(point.scores, step, scores)
    point.expected, point.loss = state, loss
    point.square += 2 * step * cross + step**2 * square
    return point


def _next_step(low, high, slope_low, slope_high):
    """Where the slope would vanish if it were linear, within bounds."""
    if high == np.inf:
        return max(4 * low, 1e-10)
    if np.isfinite(slope_high) and slope_high > 0 > slope_low:
        step = low + (high - low) * slope_low / (slope_low - slope_high)
        margin = 0.1 * (high - low)
        return min(max(step, low + margin), high - margin)
    return 0.5 * (low + high)


def _orthant_step(objective, point, gradient, direction, first):
    """The point after a step within its orthant that decreases the objective enough, or None."""
    V, vectors = gradient.coords, objective.vectors
    direction[direction * V >= 0] = 0  # only what descends
    orthant = np.where(point.coords != 0, np.sign(point.coords), -np.sign(V))
    free = np.asarray(objective.penalty.lasso) == 0
    length = np.sqrt(vectors.dot(direction, direction))
    if not length > 0:
        return None
    value0, step = objective.value(point), min(1.0, 1.0 / length) if first else 1.0
    slack = 4 * np.finfo(objective.dtype).eps * abs(value0)
    for _ in range(MAX_TRIALS):
        coords = point.coords + objective.dtype.type(step) * direction
        coords[(np.sign(coords) != orthant) & ~free] = 0
        decrease = vectors.dot(V, coords - point.coords)
        trial = objective.point(coords, point.intercept)
        if objective.value(trial) <= value0 + DECREASE * decrease + slack and decrease < 0:
            return trial
        step *= 0.5
    return None


class Memory:
    """Steps s and changes y of the gradient, in float32, with all their inner products.

    Parameters
    ----------
    objective : Objective
    """

    BLOCK = 32_768

    def __init__(self, objective):
        self._size = int(np.prod(objective.coords_shape))
        self._shape, self._workers = objective.coords_shape, objective.vectors.workers
        self._rows = np.zeros((2 * MEMORY + 1, 0), np.float32)  # (s, y) by slot, and the gradient
        self._gram = np.zeros((2 * MEMORY + 1, 2 * MEMORY + 1))
        self._slots, self._fresh = [], []

    def __len__(self):
        return len(self._slots)

    def clear(self):
        """Forget all."""
        self._slots, self._fresh = [], []

    def remember(self, step, change):
        """Keep a pair; the oldest makes room for it."""
        if not self._rows.size:
            self._rows = np.zeros((len(self._rows), self._size), np.float32)
        free = set(range(MEMORY)) - set(self._slots)
        slot = min(free) if free else self._slots.pop(0)
        with np.errstate(over="ignore"):  # such a pair shows no curvature and is forgotten
            self._rows[2 * slot], self._rows[2 * slot + 1] = step.reshape(-1), change.reshape(-1)
        self._slots.append(slot)
        self._fresh = [2 * slot, 2 * slot + 1]

    def direction(self, gradient):
        """Minus the inverse of the approximate Hessian times the gradient, like the weights."""
        if not self._slots:
            return -gradient
        new = [*self._fresh, len(self._rows) - 1]
        with np.errstate(over="ignore", invalid="ignore"):
            self._rows[-1] = gradient.reshape(-1)
        products = sum(self._workers.map(lambda cut: self._products(cut, new), self._cuts()))
        self._gram[:, new] = products
        self._gram[new] = products.T
        newest = self._slots[-1]
        s, y = 2 * newest, 2 * newest + 1
        if self._fresh and not self._gram[s, y] > 1e-8 * self._gram[y, y]:
            self._slots.pop()  # no positive curvature
            return self.direction(gradient) if self._slots else -gradient
        self._fresh = []
        weights = self._two_loops().astype(np.float32)
        result = np.empty(self._size, np.float32)

        def combine(cut):
            np.matmul(weights, self._rows[:, cut], out=result[cut])

        self._workers.map(combine, self._cuts())
        return result.reshape(self._shape)

    def _cuts(self):
        return [slice(i, i + self.BLOCK) for i in range(0, self._size, self.BLOCK)]

    def _products(self, cut, new):
        block = self._rows[:, cut]
        with np.errstate(over="ignore", invalid="ignore"):
            return (block @ block[new].T).astype(float)

    def _two_loops(self):
        """Weights of the direction on the rows."""
        basis = np.array([row for slot in self._slots for row in (2 * slot, 2 * slot + 1)] + [-1])
        weights = np.zeros(len(self._rows))
        weights[basis] = two_loops(self._gram[basis[:, None], basis])
        return weights
