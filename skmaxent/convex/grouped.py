"""Candidate sets: a softmax within each group of rows, and the training problem that goes with it.

Rows are candidates, the rows of a group lie one after another, and group g has the rows
``starts[g]:starts[g + 1]``. There is one score column. A joint feature model is the case in which
every datum is a group with one row a class; McFadden's conditional logit is the general one.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from ..numerics.losses import grouped_softmax
from ..numerics.sparse import take_rows
from ..numerics.threads import balanced_cuts
from .likelihood import Likelihood, count_blocks


class Grouped(Likelihood):
    """Softmax likelihood within groups of rows; shape (M, 1).

    The state is E = m * p as in the other likelihoods, m the total mass of a row's group. A number
    added to all scores of a group changes nothing, so there is no intercept.

    Parameters
    ----------
    masses : ndarray of shape (M, 1)
        Label mass of each row.
    weights : ndarray of shape (G,)
        Total mass of each group, positive.
    starts : integer ndarray of shape (G + 1,)
        First row of each group, and M; increasing.
    workers : Workers
    """

    def __init__(self, masses, weights, starts, workers):
        self.masses, self.weights, self.starts = masses, weights, starts
        self.dtype, self.shape, self._workers = weights.dtype, masses.shape, workers
        groups = balanced_cuts(starts, count_blocks(self.shape[0]))
        self._cuts = [slice(int(starts[cut.start]), int(starts[cut.stop])) for cut in groups]

    def astype(self, dtype):
        """The same likelihood in another precision."""
        return Grouped(self.masses.astype(dtype), self.weights.astype(dtype), self.starts, self._workers)

    def sample(self, size):
        """The rows of groups drawn at random, about `size` in all, in order."""
        drawn = np.random.default_rng(0).permutation(len(self.weights))
        sizes = np.diff(self.starts)
        drawn = np.sort(drawn[: 1 + np.searchsorted(np.cumsum(sizes[drawn]), size)])
        ends = np.cumsum(sizes[drawn])
        return np.arange(ends[-1]) + np.repeat(self.starts[drawn] - (ends - sizes[drawn]), sizes[drawn])

    def pieces(self, rows, size):
        """The rows of whole groups, in order, or all, in pieces of about `size` that cut no group."""
        if rows is None:
            cuts = balanced_cuts(self.starts, max(1, -(-self.shape[0] // size)))
            return [slice(int(self.starts[cut.start]), int(self.starts[cut.stop])) for cut in cuts]
        first = np.flatnonzero(np.isin(rows, self.starts[:-1]))
        bounds = np.append(first, len(rows))
        cuts = balanced_cuts(bounds, max(1, -(-len(rows) // size)))
        return [rows[bounds[cut.start] : bounds[cut.stop]] for cut in cuts]

    def _groups(self, rows):
        """Weights of the groups of these rows, and their starts counted from the first row.

        Rows are a slice, or an array, of whole groups in order.
        """
        if isinstance(rows, slice):
            first, last = np.searchsorted(self.starts, (rows.start, rows.stop))
            return self.weights[first:last], self.starts[first : last + 1] - rows.start
        first = np.flatnonzero(np.isin(rows, self.starts[:-1]))
        groups = np.searchsorted(self.starts, rows[first])
        return self.weights[groups], np.append(first, len(rows))

    def _evaluate_rows(self, rows, z, out):
        weights, starts = self._groups(rows)
        # From the largest score of each group on: where that is the label's, nothing is lost by rounding.
        z = z - np.repeat(np.maximum.reduceat(z, starts[:-1]), np.diff(starts), axis=0)
        log_z, p = grouped_softmax(z[:, 0], starts, out=out[:, 0])
        p *= np.repeat(weights, np.diff(starts))
        return float(np.sum(weights * log_z - self._label_sums(rows, z), dtype=float))

    def _label_sums(self, rows, z):
        """Label masses times z, summed over each group."""
        return np.add.reduceat((self.masses[rows] * z)[:, 0], self._groups(rows)[1][:-1])

    def _subtract_labels(self, rows, result, share=1):
        result -= share * self.masses[rows]

    def _curvature_rows(self, rows, E, v, out):
        np.multiply(E, v, out=out)
        out -= E * self._spread_means(rows, out)

    def _spread_means(self, rows, values):
        """Sums of (rows, q) values over each group, divided by its mass, given back to its rows."""
        weights, starts = self._groups(rows)
        sums = np.add.reduceat(values, starts[:-1], axis=0)
        return np.repeat(sums / weights[:, None], np.diff(starts), axis=0)

    def _normalise(self, rows, masses):
        weights, starts = self._groups(rows)
        sums = np.add.reduceat(masses[:, 0], starts[:-1])
        masses *= np.repeat(weights / sums, np.diff(starts))[:, None]

    def mixed_entropy(self, expected, share):
        """Sum of m_g H(q_g), q_g = share * p_g + (1 - share) * label distribution g, in nats."""
        Q = share * expected.astype(float) + (1 - share) * self.masses
        weights = np.repeat(self.weights, np.diff(self.starts))[:, None]
        return -float(xlogy(Q, Q / weights).sum())

    def curvature_diagonal(self, expected):
        """The diagonal of the Hessian with respect to the scores, (M, 1)."""
        sizes = np.diff(self.starts)
        return expected * (1 - expected / np.repeat(self.weights, sizes)[:, None])

    def centred(self, rows, part, E):
        """Dense rows of X less the mean that the model expects in their group.

        With them the Hessian in the weights is ``sum_i E_i x_i x_i'``: a covariance.
        """
        return part - self._spread_means(rows, part * E)

    def curvature_root(self, rows, E):
        """Root (., 1) of the factor of each `centred` row in the Hessian of the weights."""
        return np.sqrt(E)


@dataclass(frozen=True)
class GroupedProblem:
    """G candidate sets with M candidates in all, d columns. Stands where `Problem` does.

    Attributes
    ----------
    X : ndarray or canonical CSR/CSC array of shape (M, d), float64 or float32
    weights : ndarray of shape (G,), dtype of X
        Total label mass of each group, positive.
    starts : integer ndarray of shape (G + 1,)
        First row of each group, and M.
    masses : ndarray of shape (M,), dtype of X
        Label mass of each row.
    """

    X: object
    weights: np.ndarray
    starts: np.ndarray
    masses: np.ndarray

    # One score column without intercept, as for a binary model.
    n_classes = 2
    n_outputs = 1

    def likelihood(self, workers):
        """The likelihood as a function of the scores."""
        return Grouped(self.masses[:, None], self.weights, self.starts, workers)

    def comparable(self):
        """An array with one row a group, the rows of two groups equal when the groups are."""
        sizes = np.diff(self.starts)
        G, d = len(sizes), self.X.shape[1]
        largest = int(sizes.max(initial=1))
        equal = largest == sizes.min(initial=largest)
        if equal and not sparse.issparse(self.X):
            return self.X.reshape(G, -1)
        X = sparse.csr_array(self.X)
        # Candidate q of a group gets the columns q d ... (q + 1) d - 1, and the size one of its own.
        position = np.arange(X.shape[0]) - np.repeat(self.starts[:-1], sizes)
        columns, width = X.indices + np.repeat(position * d, np.diff(X.indptr)), largest * d
        if width > max(X.nnz, 1):  # number only the columns in use
            used, columns = np.unique(columns, return_inverse=True)
            columns, width = columns.ravel(), max(len(used), 1)
        flat = sparse.csr_array((X.data, columns, X.indptr[self.starts]), shape=(G, width))
        if equal:
            return flat
        return sparse.hstack([flat, sparse.csr_array(sizes[:, None].astype(X.dtype))], format="csr")

    def with_rows(self, groups, merged):
        """The problem on some groups, the masses of all groups added up.

        Parameters
        ----------
        groups : integer ndarray of shape (H,)
            One representative of each set of equal groups, in the new order.
        merged : integer ndarray of shape (G,)
            New number of each old group.
        """
        sizes = np.diff(self.starts)[groups]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        rows = np.repeat(self.starts[groups] - starts[:-1], sizes) + np.arange(starts[-1])
        old_sizes = np.diff(self.starts)
        position = np.arange(len(self.masses)) - np.repeat(self.starts[:-1], old_sizes)
        target = np.repeat(starts[merged], old_sizes) + position
        masses = np.bincount(target, weights=self.masses, minlength=len(rows))
        weights = np.bincount(merged, weights=self.weights, minlength=len(groups))
        dtype = self.weights.dtype
        X = take_rows(self.X, rows)
        return replace(self, X=X, weights=weights.astype(dtype), starts=starts, masses=masses.astype(dtype))

    def separates(self, scores):
        """Whether one candidate has all the mass of its group and the highest score, everywhere."""
        sizes, first = np.diff(self.starts), self.starts[:-1]
        chosen = self.masses > 0
        if not (np.add.reduceat(chosen.astype(int), first) == 1).all():
            return False
        others = np.where(chosen, -np.inf, scores[:, 0])
        return bool((scores[chosen, 0] > np.maximum.reduceat(others, first)).all() and (sizes > 0).all())
