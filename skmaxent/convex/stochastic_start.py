"""A stochastic start for many sparse rows: epochs of AdaGrad on the weights that a batch touches.

Far from the optimum the many rows of a tagging problem say much the same, and a pass over them in
small batches gets further than several Newton steps (Duchi, Hazan & Singer 2011). The penalty of a
column is spread over its occurrences, so that only touched weights ever move. Its Laplace part is a
proximal step, which keeps weights at 0 (Duchi & Singer 2009).
"""

import numpy as np
from scipy import sparse

from ..numerics.losses import softmax_nll

BATCH = 512
STEP = 0.3


def stochastic_start(problem, ridge, lasso=0.0, *, epochs, seed, workers):
    """Weights (d, K) in float32 after some epochs from zero.

    Parameters
    ----------
    problem : Problem
        With a sparse X and K > 2 classes.
    ridge, lasso : float or ndarray of shape (d, 1) or (d, K)
        Strengths of the Gaussian and of the Laplace prior.
    epochs : int
    seed : int
    workers : Workers
    """
    X = problem.X.tocsr()
    n, d = X.shape
    rng = np.random.default_rng(seed)
    mean_weight = float(problem.weights.mean())
    # One share of the penalty for each occurrence of a column.
    occurrences = np.maximum(np.bincount(X.indices, minlength=d), 1)[:, None] * mean_weight
    shares = [(part / occurrences).astype(np.float32) for part in (ridge, lasso)]
    laplace = bool(np.any(lasso))
    W = np.zeros((d, problem.n_classes), np.float32)
    squares = np.full_like(W, 1e-6)

    def prepare(rows):
        """The batch on the columns that it touches: small CSR array, columns, penalties, targets, weights."""
        B = X[rows]
        columns, inverse, counts = np.unique(B.indices, return_inverse=True, return_counts=True)
        data = B.data.astype(np.float32, copy=False)
        B = sparse.csr_array(
            (data, inverse.ravel().astype(np.int32), B.indptr), shape=(len(rows), len(columns))
        )
        counts = counts.astype(np.float32)[:, None]
        penalty = [share[columns] * counts for share in shares]
        if problem.codes is None:
            return B, columns, penalty, (problem.masses[rows] / mean_weight).astype(np.float32), None
        return (
            B,
            columns,
            penalty,
            problem.codes[rows],
            (problem.weights[rows] / mean_weight).astype(np.float32),
        )

    for _ in range(epochs):
        order = rng.permutation(n)
        batches = [order[start : start + BATCH] for start in range(0, n, BATCH)]
        # Cutting and renumbering take as long as the arithmetic: some batches at a time, in threads.
        for first in range(0, len(batches), 8):
            for B, columns, (decay, pull), targets, weights in workers.map(
                prepare, batches[first : first + 8]
            ):
                w = W[columns]
                g = B.T @ softmax_nll(B @ w, targets, weights)[1]
                g += decay * w
                squares[columns] = h = squares[columns] + g * g
                rate = np.float32(STEP) / np.sqrt(h)
                w = w - rate * g
                if laplace:
                    rate *= pull
                    w -= np.clip(w, -rate, rate)
                W[columns] = w
    return W
