"""What every design offers beside its products: norms, the Hessian, and itself on some of its weights."""

from functools import cached_property

import numpy as np
from scipy import sparse

from ...numerics.sparse import WIDENED_ENTRIES, column_counts, column_squares
from ...numerics.threads import even_cuts
from ..preconditioners.hessian import loss_hessian

# A lane is a chain of blocks with one accumulator. Four lanes feed four threads; more would
# spend more on adding the accumulators up than they gain.
MAX_LANES = 4


def count_lanes(share, most):
    """Lanes for so many times the work from which one pays: one, two or four.

    Never three, with which two threads take two rounds.
    """
    n_lanes = 1 if share < 2 else 2 if share < 5 else 4
    return min(n_lanes, most)


def narrowed(values, dtype, workers):
    """The values in the given precision, or as they are where theirs is lower."""
    if values.itemsize <= np.dtype(dtype).itemsize:
        return values
    result = np.empty_like(values, dtype)

    def block(cut):
        result[cut] = values[cut]

    workers.map(block, even_cuts(len(values), -(-values.size // WIDENED_ENTRIES)))
    return result


class Design:
    """The linear map of some data X from weights to scores.

    Solvers see no more of the data than this: rows may lie elsewhere, in designs of other classes.

    Attributes
    ----------
    shape : tuple
        Numbers of rows, and of columns or pairs.
    tally : list of one float
        Products so far; forward and adjoint are one half each.
    twins : dict or None
        The same design in other precisions, for the next fit on it; None: made anew each time.
    """

    twins = None
    paired = False  # weights are (d, K); a paired design has one for each of some pairs, (m, 1)
    is_here = True  # whether the rows are in this process, for what can do no other way

    def twin(self, dtype):
        """The same design in another precision: one that has been kept, or a new one."""
        known = {} if self.twins is None else self.twins
        if dtype not in known:
            known[dtype] = self.astype(dtype)
            known[dtype].twins = None  # a copy of this design's, which it would be in
        return known[dtype]

    @property
    def n_entries(self):
        """Number of the entries of X, or of those that are not 0."""
        return self.X.nnz if sparse.issparse(self.X) else self.X.size

    @cached_property
    def _column_squares(self):
        return column_squares(self.X)

    def column_squares(self):
        """Sum of the squares of each column of X, in float64."""
        return self._column_squares

    def weight_squares(self):
        """Sum of the squares of the column of each weight, (d, 1), or (m, 1) of pairs."""
        squares = self.column_squares()
        return (squares[self.columns] if self.paired else squares)[:, None]

    def row_bounds(self):
        """Largest number of entries in a row of X, and its largest Euclidean norm."""
        n_terms = column_counts(self.X.T).max(initial=1) if sparse.issparse(self.X) else self.X.shape[1]
        return int(n_terms), float(np.sqrt(column_squares(self.X.T).max(initial=0)))

    def kernel(self):
        """X X.T, (n, n), where it pays to have it; else None."""
        return None

    def curved(self, likelihood, expected, W, shift=None, buffers=None):
        """The Hessian of the loss times weights and an intercept.

        Parameters
        ----------
        likelihood : Likelihood
        expected : ndarray of shape (n, K)
            State of the likelihood.
        W : ndarray like the weights
        shift : ndarray of shape (K,) or Elimination, optional
            Of the intercept; or what gives it for the scores X W. A shift that is known before takes one pass
            over the data, even where they lie elsewhere.
        buffers : Buffers, optional
            Where the arrays of the rows lie, so that they are not made anew each time.

        Returns
        -------
        product : ndarray like the weights
            X' S (X W + shift), S the curvature of the likelihood.
        totals : ndarray of shape (K,), float64, or None
            Class totals of S (X W + shift), the part of the intercept; None where the shift follows.
        """
        out = None if buffers is None else buffers("scores", *likelihood.shape, self.dtype)
        scores, follows = self.forward(W, out), callable(shift)
        curved = likelihood.curvature(expected, scores, shift(scores) if follows else shift, out=scores)
        return self.adjoint(curved), None if follows else likelihood.totals(curved)

    def hessian(self, likelihood, expected, fit_intercept, columns=None, sample=None, dtype=None):
        """Hessian of the loss for all columns or some, from all rows or about so many; see `loss_hessian`."""
        X = self.X if columns is None else self.X[:, columns]
        rows = None if sample is None else likelihood.sample(sample)
        H = loss_hessian(likelihood, X, expected, fit_intercept, self._workers, rows, dtype)
        if rows is not None:
            H *= likelihood.shape[0] / len(rows)
        return H

    def moments(self, R):
        """X.T @ R and (X * X).T @ R; the same array for indicators."""
        return self.adjoint(R), self.squared_adjoint(R)

    def restriction(self):
        """Makes designs on some of the weights."""
        from .restricted import Restriction  # it makes designs of the classes that derive from this one

        return Restriction(self)
