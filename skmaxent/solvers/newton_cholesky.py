"""Newton with a Cholesky factor of the whole Hessian: for few columns, dense or sparse.

The Hessian of K score columns and d features (and the intercept as one more feature) is a
(K (d + 1), K (d + 1)) matrix of blocks X' diag(S_kl) X, S the curvature of the likelihood in the
scores; forming it takes K (K + 1) / 2 weighted Gram matrices.
"""

import numpy as np
from scipy import linalg, sparse

from .line_search import search

CHUNK_ENTRIES = 2_000_000


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.solvers` for the contract."""
    control.new_stage()
    while True:
        gradient = objective.gradient(point)
        if control.stop(objective, point, gradient):
            return point, gradient
        if control.stalled(objective, point, gradient):
            break
        coords, shift = _direction(objective, point, gradient)
        if not search(objective, point, coords, objective.space.push(coords), shift):
            break
        objective.settle_intercept(point)
    control.reason = "precision"
    return point, gradient


def _direction(objective, point, gradient):
    """The Newton direction: weights (d, K) and intercept shift (K,)."""
    likelihood, penalty = objective.likelihood, objective.penalty
    d, K = gradient.coords.shape
    H = _hessian(objective, point.expected)
    side = H.shape[0] // K  # d, and 1 for the intercept
    right = np.zeros((K, side))
    right[:, :d] = -gradient.coords.T  # the gradient of the settled intercept is zero
    blocks = H.reshape(K, side, K, side)
    for k in range(K):
        blocks[k, np.arange(d), k, np.arange(d)] += penalty
    if K > 1:
        # Adding the same number to all classes changes nothing: fill that null direction, to which
        # the right-hand side is orthogonal, wherever no penalty does.
        free = np.arange(d if penalty else 0, side)
        blocks[:, free, :, free] += np.trace(H) / (H.shape[0] * K)
    # Unpenalised collinear columns leave H singular: a relative ridge keeps the step a descent.
    H.flat[:: H.shape[0] + 1] += 1e-14 * np.trace(H) / H.shape[0]
    try:
        step = linalg.solve(H, right.ravel(), assume_a="pos", overwrite_a=True, check_finite=False)
    except linalg.LinAlgError:
        step = linalg.lstsq(_hessian(objective, point.expected), right.ravel(), check_finite=False)[0]
    step = step.reshape(K, side)
    shift = step[:, d] if objective.fit_intercept else np.zeros(K)
    return np.ascontiguousarray(step[:, :d].T, dtype=objective.dtype), shift


def _hessian(objective, expected):
    """Hessian of the loss, (K side, K side) in float64, rows and columns ordered class by class."""
    likelihood, X = objective.likelihood, objective.space.design.X
    n, K = expected.shape
    side = X.shape[1] + objective.fit_intercept
    H = np.zeros((K, side, K, side))
    chunk = max(1, CHUNK_ENTRIES // side)
    for start in range(0, n, chunk):
        rows = slice(start, min(n, start + chunk))
        part = X[rows].toarray() if sparse.issparse(X) else X[rows]
        if objective.fit_intercept:
            part = np.column_stack([part, np.ones(len(part), part.dtype)])
        curvature = likelihood.curvature_matrix(rows, expected[rows])

        def add_row(k, part=part, curvature=curvature):
            for l in range(k + 1):
                H[k, :, l] += part.T @ (part * curvature(k, l)[:, None])

        objective.vectors.workers.map(add_row, range(K))
    for k in range(K):
        for l in range(k):
            H[l, :, k] = H[k, :, l].T
    return H.reshape(K * side, K * side)
