"""Limited-memory BFGS in the coordinates of the space (Liu & Nocedal 1989).

The two loops are run on the matrix of inner products between the stored steps and gradient changes
(as in Chen, Wang & Zhou 2014), so that they cost the same in either space; in row space the scores
of the direction are the same combination of the stored scores, and an iteration takes one product.
"""

from dataclasses import replace

import numpy as np

from .line_search import search

MEMORY = 10
# Iterations in which the gradient must shrink where the objective no longer tells: it converges linearly.
PATIENCE = 25


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.convex.solvers` for the contract."""
    space, vectors, pairs, last = objective.space, objective.vectors, [], None
    inner = InnerProducts(space)
    control.new_stage()
    objective.settle_intercept(point)
    root = _root_of_curvature(objective, point)
    while True:
        gradient = objective.gradient(point)
        if control.stop(objective, point, gradient):
            return point, gradient
        if control.stalled(objective, point, gradient, PATIENCE):
            break
        scaled = gradient if root is None else replace(gradient, coords=gradient.coords / root)
        if last is not None:
            _remember(objective, pairs, point, scaled, last, root)
        basis = _basis(pairs, scaled)
        weights = two_loops(inner.of(basis))
        coords = vectors.combined(weights, [g for g, _ in basis])
        if root is not None:
            coords /= root
        in_rows = not space.preconditioned
        scores = vectors.combined(weights, [s for _, s in basis]) if in_rows else space.push(coords)
        last = (vectors.copy(point.coords), vectors.copy(point.scores) if in_rows else None, scaled)
        shift = objective.intercept_elimination(point.expected, point.inverse)(scores)
        # Without memory the direction has the scale of the gradient, which may be any.
        if not search(objective, point, coords, scores, shift, step=1.0 if pairs else None):
            if not pairs:
                break
            pairs.clear()  # rounding spoilt the curvature: start again along the gradient
            last = None
            continue
        objective.settle_intercept(point)
    control.reason = "precision"
    return point, gradient


def _root_of_curvature(objective, point):
    """Root of the diagonal of the Hessian at the start: the iterates are those of weights times this.

    Coordinates of rows are taken in a metric that does not depend on the columns, and have no use for it.
    """
    space = objective.space
    if not space.preconditioned:
        return None
    H = space.design.squared_adjoint(objective.likelihood.curvature_diagonal(point.expected))
    H += objective.penalty.ridge * space.units
    return np.sqrt(np.maximum(H, 1e-6 * float(H.max(initial=0)) or 1.0))


def _basis(pairs, gradient):
    """Coordinates and scores of everything a direction is made of."""
    vectors = [(v, v_scores) for pair in pairs for v, v_scores in pair]
    return [*vectors, (gradient.coords, gradient.scores)]


def _remember(objective, pairs, point, gradient, last, root):
    """Keep the last step and change of gradient, when they show positive curvature."""
    coords, scores, old = last
    difference = objective.vectors.difference
    moved = difference(point.coords, coords)
    moved_scores = None if scores is None else difference(point.scores, scores)
    step = (moved if root is None else moved * root, moved_scores)
    change_scores = None if old.scores is None else difference(gradient.scores, old.scores)
    change = (difference(gradient.coords, old.coords), change_scores)
    if objective.space.inner(change[0], *step) > 0:
        pairs.append((step, change))
        del pairs[:-MEMORY]


class InnerProducts:
    """The matrix of inner products between the vectors of a basis; most of them are those of the last one."""

    def __init__(self, space):
        self._space, self._vectors, self._matrix = space, [], np.zeros((0, 0))

    def of(self, basis):
        """Symmetric matrix for a list of (coordinates, scores)."""
        known = {id(vector): place for place, vector in enumerate(self._vectors)}
        vectors = [v for v, _ in basis]
        old = [known.get(id(vector), -1) for vector in vectors]
        matrix = np.empty((len(basis), len(basis)))
        for i, (v, scores) in enumerate(basis):
            for j in range(i + 1):
                if old[i] >= 0 and old[j] >= 0:
                    matrix[i, j] = self._matrix[old[i], old[j]]
                else:
                    matrix[i, j] = self._space.inner(vectors[j], v, scores)
                matrix[j, i] = matrix[i, j]
        self._vectors, self._matrix = vectors, matrix  # kept alive, so that no other gets their identity
        return matrix


def two_loops(inner):
    """Weights of the L-BFGS direction on the basis (s_1, y_1, ..., s_m, y_m, gradient).

    Parameters
    ----------
    inner : ndarray of shape (2 m + 1, 2 m + 1)
        Inner products of the basis.
    """
    n_pairs = len(inner) // 2
    weights = np.zeros(len(inner))
    weights[-1] = -1.0
    alphas = []
    for i in reversed(range(n_pairs)):
        s, y = 2 * i, 2 * i + 1
        alpha = inner[s] @ weights / inner[s, y]
        weights[y] -= alpha
        alphas.append(alpha)
    if n_pairs:
        s, y = 2 * n_pairs - 2, 2 * n_pairs - 1
        weights *= inner[s, y] / inner[y, y]
    for i in range(n_pairs):
        s, y = 2 * i, 2 * i + 1
        beta = inner[y] @ weights / inner[s, y]
        weights[s] += alphas.pop() - beta
    return weights
