"""Limited-memory BFGS in the coordinates of the space (Liu & Nocedal 1989).

The two loops are run on the matrix of inner products between the stored steps and gradient changes
(as in Chen, Wang & Zhou 2014), so that they cost the same in either space; in row space the scores
of the direction are the same combination of the stored scores, and an iteration takes one product.
"""

import numpy as np

from .line_search import search

MEMORY = 10


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.solvers` for the contract."""
    space, pairs, last = objective.space, [], None
    control.new_stage()
    objective.settle_intercept(point)
    while True:
        gradient = objective.gradient(point)
        if control.stop(objective, point, gradient):
            return point, gradient
        if control.stalled(objective, point, gradient):
            break
        if last is not None:
            _remember(objective, pairs, point, gradient, last)
        weights = _direction(space, pairs, gradient)
        coords = _combine(weights, [g for g, _ in _basis(pairs, gradient)])
        if space.preconditioned:
            scores = space.push(coords)
        else:
            scores = _combine(weights, [s for _, s in _basis(pairs, gradient)])
        last = (point.coords.copy(), point.scores.copy(), gradient)
        shift = objective.intercept_elimination(point.expected)(scores)
        first_step = 1.0 if pairs else objective.likelihood.shape[0] ** 0.5 / np.sqrt(gradient.square)
        if not search(objective, point, coords, scores, shift, step=first_step):
            if not pairs:
                break
            pairs.clear()  # rounding spoilt the curvature: start again along the gradient
            last = None
            continue
        objective.settle_intercept(point)
    control.reason = "precision"
    return point, gradient


def _basis(pairs, gradient):
    """Coordinates and scores of everything a direction is made of."""
    vectors = [(v, v_scores) for pair in pairs for v, v_scores in pair]
    return [*vectors, (gradient.coords, gradient.scores)]


def _combine(weights, vectors):
    total = weights[-1] * vectors[-1]
    for weight, vector in zip(weights[:-1], vectors[:-1]):
        total += weight * vector
    return total.astype(vectors[-1].dtype, copy=False)


def _remember(objective, pairs, point, gradient, last):
    """Keep the last step and change of gradient, when they show positive curvature."""
    coords, scores, old = last
    step = (point.coords - coords, point.scores - scores)
    change_scores = None if old.scores is None else gradient.scores - old.scores
    change = (gradient.coords - old.coords, change_scores)
    if objective.space.inner(change[0], *step) > 0:
        pairs.append((step, change))
        del pairs[:-MEMORY]


def _direction(space, pairs, gradient):
    """Weights of the L-BFGS direction on the basis (s_1, y_1, ..., s_m, y_m, gradient)."""
    basis = _basis(pairs, gradient)
    inner = np.array([[space.inner(u, v, v_scores) for v, v_scores in basis] for u, _ in basis])
    weights = np.zeros(len(basis))
    weights[-1] = -1.0
    alphas = []
    for i in reversed(range(len(pairs))):
        s, y = 2 * i, 2 * i + 1
        alpha = inner[s] @ weights / inner[s, y]
        weights[y] -= alpha
        alphas.append(alpha)
    if pairs:
        s, y = 2 * len(pairs) - 2, 2 * len(pairs) - 1
        weights *= inner[s, y] / inner[y, y]
    for i in range(len(pairs)):
        s, y = 2 * i, 2 * i + 1
        beta = inner[y] @ weights / inner[s, y]
        weights[s] += alphas.pop() - beta
    return weights
