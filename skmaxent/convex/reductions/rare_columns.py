"""Columns that too few rows have an entry in: left out of a problem before it is solved, weights 0 after."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class RareColumns:
    """Which columns of a problem are left.

    Attributes
    ----------
    kept : integer ndarray
        Increasing; may be empty.
    n_columns : int
        Of the user's problem.
    """

    kept: np.ndarray
    n_columns: int

    def restore(self, weights):
        """Weights (d, K) of all columns from those of the columns that are left."""
        W = np.zeros((self.n_columns, weights.shape[1]), weights.dtype)
        W[self.kept] = weights[: len(self.kept)]
        return W

    def reduce(self, weights):
        """Weights of the columns of the reduced problem."""
        return weights[self.kept] if len(self.kept) else weights[:1] * 0


def cut_columns(problem, multipliers, min_count):
    """The problem on the columns that at least `min_count` rows have an entry in.

    Parameters
    ----------
    problem : Problem
        Its rows all count as one, whatever they weigh.
    multipliers : ndarray of shape (d, 1) or (d, n_outputs) or None
        Penalty weights.
    min_count : int

    Returns
    -------
    problem : Problem
        With one empty column where none is left.
    multipliers : ndarray or None
    cut : RareColumns or None
        None where all columns stay.
    """
    X = problem.X
    if sparse.issparse(X):
        columns = X.indices if X.format == "csr" else np.repeat(np.arange(X.shape[1]), np.diff(X.indptr))
        counts = np.bincount(columns[X.data != 0], minlength=X.shape[1])
    else:
        counts = np.count_nonzero(X, axis=0)
    kept = np.flatnonzero(counts >= min_count)
    if len(kept) == X.shape[1]:
        return problem, multipliers, None
    cut = RareColumns(kept, X.shape[1])
    if not len(kept):
        kept = np.zeros(1, np.intp)
        X = X * 0
        if sparse.issparse(X):
            X.eliminate_zeros()
    if multipliers is not None:
        multipliers = multipliers[kept]
    return replace(problem, X=X[:, kept]), multipliers, cut
