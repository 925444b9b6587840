"""A stochastic start for many sparse rows: epochs of AdaGrad on the weights that a batch touches.

Far from the optimum the many rows of a tagging problem say much the same, and a pass over them in
small batches gets further than several Newton steps (Duchi, Hazan & Singer 2011). The penalty of a
column is spread over its occurrences, so that only touched weights ever move. Its Laplace part is a
proximal step, which keeps weights at 0 (Duchi & Singer 2009).
"""

from copy import copy

import numpy as np
from scipy import sparse

from ..numerics.losses import softmax_nll
from ..numerics.threads import ThreadBuffers

BATCH = 512
# Size of the first steps of each weight; and the most that they may change a score of a row of mean sum: with
# 12 indicators a row steps of 0.3 left the fewest products to do, with 60 steps of 0.1.
STEP, MOVE = 0.3, 6.0


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
    rng = np.random.default_rng(seed)
    occurrences = np.bincount(X.indices, minlength=X.shape[1])
    row_sum = float(np.abs(X.data).sum(dtype=float)) / X.shape[0]
    steps = AdaGrad(problem.n_classes, occurrences, row_sum, float(problem.weights.mean()), ridge, lasso)
    for _ in range(epochs):
        steps.epoch(X, problem.codes, problem.masses, problem.weights, rng, workers)
    return steps.W


class AdaGrad:
    """The weights, and the sums of squared gradients that set their rates.

    Parameters
    ----------
    n_classes : int
    occurrences : ndarray of shape (d,)
        Numbers of the entries of the columns, over which their penalty is spread.
    row_sum : float
        Mean of the sums of the rows' moduli.
    mean_weight : float
        Mean mass of the rows.
    ridge, lasso
        See `stochastic_start`.

    Attributes
    ----------
    W : ndarray of shape (d, K), float32
    """

    def __init__(self, n_classes, occurrences, row_sum, mean_weight, ridge, lasso):
        shares = np.maximum(occurrences, 1)[:, None] * mean_weight
        self._shares = [(part / shares).astype(np.float32) for part in (ridge, lasso)]
        self._laplace, self._mean_weight = bool(np.any(lasso)), mean_weight
        self._step_size = np.float32(min(STEP, MOVE / row_sum) if row_sum else STEP)
        self.W = np.zeros((len(occurrences), n_classes), np.float32)
        self._squares = np.full_like(self.W, 1e-6)

    def fresh(self):
        """The same at zero."""
        other = copy(self)
        other.W, other._squares = np.zeros_like(self.W), np.full_like(self.W, 1e-6)
        return other

    def epoch(self, X, codes, masses, weights, rng, workers, names=None):
        """Once over some rows, in random order.

        Parameters
        ----------
        X : CSR array of shape (n, c)
        codes, masses, weights
            As of a Problem with these rows.
        rng : Generator
        workers : Workers
        names : integer ndarray of shape (c,), optional
            The columns that those of X are; by default all.
        """

        buffers = ThreadBuffers()

        def prepare(rows):
            """The batch on the columns that it touches, these columns, targets, weights."""
            B = X[rows]
            # A number for each column, the last to be written if there are several: much faster than sorting.
            number = buffers("number", X.shape[1], 1, np.int32)[:, 0]
            every = np.arange(len(B.indices), dtype=np.int32)
            number[B.indices] = every
            columns = B.indices[number[B.indices] == every]
            number[columns] = every[: len(columns)]
            inverse = number[B.indices]
            counts = np.bincount(inverse, minlength=len(columns)).astype(np.float32)[:, None]
            data = B.data.astype(np.float32, copy=False)
            B = sparse.csr_array((data, inverse, B.indptr), shape=(len(rows), len(columns)))
            columns = columns if names is None else names[columns]
            if codes is None:
                return B, columns, counts, (masses[rows] / self._mean_weight).astype(np.float32), None
            return B, columns, counts, codes[rows], (weights[rows] / self._mean_weight).astype(np.float32)

        order = rng.permutation(X.shape[0])
        batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        # Cutting and renumbering take as long as the arithmetic: some batches at a time, in threads.
        for first in range(0, len(batches), 8):
            for batch in workers.map(prepare, batches[first : first + 8]):
                self._step(*batch)

    def _step(self, B, columns, counts, targets, weights):
        w, h = (np.take(table, columns, axis=0, mode="clip") for table in (self.W, self._squares))
        g = B.T @ softmax_nll(B @ w, targets, weights)[1]
        decay, pull = (share[columns] * counts for share in self._shares)
        g += decay * w
        h += g * g
        self._squares[columns] = h
        np.sqrt(h, out=h)
        rate = np.divide(self._step_size, h, out=h)
        g *= rate
        w -= g
        if self._laplace:
            rate *= pull
            w -= np.clip(w, -rate, rate)
        self.W[columns] = w
