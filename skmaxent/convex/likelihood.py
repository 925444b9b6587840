"""The conditional likelihood of a maximum-entropy model as a function of its scores.

Conventions: n rows, K score columns (one when binary: the log-odds of the second class). Row i has
the label masses t_i and the total mass m_i = sum_k t_ik (its weight). A state of the scores is kept
as the *expected* masses E = m * p, p the model's probabilities, because everything needed follows:

    residual (gradient)   E - t
    curvature times V     E * V - E * (E . V) / m        (multinomial),  E (1 - E / m) V  (binary)

Everything runs over blocks of rows that stay in cache, several at a time in threads; sums over the
rows are accumulated in float64 block by block in a fixed order.
"""

from functools import cached_property

import numpy as np
from scipy.special import xlogy

from ..numerics.losses import softmax_above
from ..numerics.threads import even_cuts

# Entries of a block at the most, and from which there are two of them at least, for two threads.
BLOCK_ENTRIES, SHARED_ENTRIES = 131_072, 50_000
# Row length from which the sum over a row is fast by itself; below a matrix product is.
LONG_ROW = 8
# Matrices (K, K) that are added up at a time.
MAX_PARTS = 16
# Sums that are taken side by side over the rows of a block.
SHORT_SUMS = 64


def count_blocks(n_entries):
    """Blocks of rows for so many entries: an even number, so that no thread waits for the other's last."""
    if n_entries < SHARED_ENTRIES:
        return 1
    return 2 * -(-n_entries // (2 * BLOCK_ENTRIES))


class Likelihood:
    """Shared by the likelihoods: the walk over blocks of rows.

    Parameters
    ----------
    codes : integer ndarray of shape (n,) or None
        Class of each row, when every row has a single label.
    masses : ndarray of shape (n, K) or None
        Label masses otherwise.
    weights : ndarray of shape (n,)
        Total mass of each row, positive.
    n_outputs : int
        K.
    workers : Workers
    """

    # Bounds on the rounding in the state and in the loss that come from more than a sum over a row.
    state_error = value_error = 0.0
    # Whether only the differences of the scores of a row count, so that rows of the curvature sum to 0.
    is_relative = False

    def __init__(self, codes, masses, weights, n_outputs, workers):
        self.codes, self.masses, self.weights = codes, masses, weights
        self.dtype = weights.dtype
        self.shape = (len(weights), n_outputs)
        self._workers = workers
        self._cuts = even_cuts(len(weights), count_blocks(len(weights) * n_outputs))

    @cached_property
    def total_weight(self):
        """Sum of the masses."""
        return float(self.weights.sum(dtype=float))

    @cached_property
    def heaviest(self):
        """The largest mass of a row."""
        return float(self.weights.max(initial=0))

    def zeros(self):
        """Scores of 0."""
        return np.zeros(self.shape, self.dtype)

    def astype(self, dtype):
        """The same likelihood in another precision."""
        masses = None if self.masses is None else self.masses.astype(dtype)
        return type(self)(self.codes, masses, self.weights.astype(dtype), self.shape[1], self._workers)

    def _sum(self, function):
        """Sum of function(rows) over the blocks, float64, in their order."""
        return sum(self._workers.map(function, self._cuts))

    def evaluate(self, scores, out, direction=None, step=0.0):
        """Total loss at the scores (plus `step` times `direction`), in nats; fills `out` with E."""

        def block(rows):
            z = scores[rows] if direction is None else scores[rows] + self.dtype.type(step) * direction[rows]
            return self._evaluate_rows(rows, z, out[rows])

        return self._sum(block)

    def residual(self, expected):
        """The gradient of the loss with respect to the scores, E - t, as a new array."""
        result = np.empty_like(expected)

        def block(rows):
            np.copyto(result[rows], expected[rows])
            self._less_labels(rows, result[rows])

        self._workers.map(block, self._cuts)
        return result

    def _less_labels(self, rows, E):
        """E - t of some rows, in place."""
        self._subtract_labels(rows, E)

    def curvature(self, expected, V, shift=None, out=None):
        """The Hessian with respect to the scores, applied to V + shift (one a column); `out` may be V."""
        result = np.empty_like(V) if out is None else out

        def block(rows):
            v = V[rows] if shift is None else np.add(V[rows], shift.astype(V.dtype), out=result[rows])
            self._curvature_rows(rows, expected[rows], v, result[rows])

        self._workers.map(block, self._cuts)
        return result

    def curve(self, rows, expected, V, totals=None):
        """Apply the Hessian of some rows, a slice, to their scores V, in place, and add up its totals."""
        self._curvature_rows(rows, expected[rows], V, V)
        if totals is not None:
            totals += _column_sums(V)

    def curved_totals(self, rows, expected, V):
        """Class totals, (K,), of the Hessian of some rows, a slice, applied to their scores V."""
        return self._curvature_totals_rows(rows, expected[rows], V)

    def curvature_diagonal(self, expected):
        """The diagonal of the Hessian with respect to the scores, (n, K)."""
        return self._own_curvature(slice(None), expected)

    def _own_curvature(self, rows, E):
        """The same of some rows, a new array."""
        curvature = E / self.weights[rows, None]
        np.subtract(1, curvature, out=curvature)
        curvature *= E
        return curvature

    def curvature_totals(self, expected, V):
        """Sums over the rows of the Hessian applied to V, (K,), float64; the product is not stored."""

        return self._sum(lambda rows: self.curved_totals(rows, expected, V[rows]))

    def slopes(self, expected, direction):
        """First and second derivative of the loss along `direction`, at the state `expected`."""

        def block(rows):
            E, v = expected[rows], direction[rows]
            Hv = np.empty_like(v)
            self._curvature_rows(rows, E, v, Hv)
            first = np.vdot(E, v).astype(float) - float(np.sum(self._label_sums(rows, v), dtype=float))
            return np.array([first, np.vdot(v, Hv)], dtype=float)

        return self._sum(block)

    @cached_property
    def label_totals(self):
        """Observed label masses summed over the rows, (K,)."""

        def block(rows):
            masses = np.zeros((rows.stop - rows.start, self.shape[1]), self.dtype)
            self._subtract_labels(rows, masses, -1)
            return _column_sums(masses)

        return self._sum(block)

    def mixed_entropy(self, expected, share):
        """Sum of m_i H(q_i), q_i = share * p_i + (1 - share) * label distribution i, in nats."""

        def block(rows):
            Q = share * expected[rows].astype(float)
            if share < 1:
                self._subtract_labels(rows, Q, share - 1)
            weights = self.weights[rows, None]
            entropy = -xlogy(Q, Q / weights).sum()
            if Q.shape[1] == 1:
                Q = weights - Q
                entropy -= xlogy(Q, Q / weights).sum()
            return entropy

        return float(self._sum(block))

    def contains(self, masses):
        """Whether an (n, K) array of masses whose rows have the right sums has no negative one."""
        return bool(self._sum(lambda rows: self._count_outside(rows, masses[rows])) == 0)

    def _count_outside(self, rows, masses):
        return np.count_nonzero(~(masses >= 0))

    def within(self, masses):
        """Masses without the negative ones, each row scaled to its weight: a new array."""
        result = np.empty_like(masses)

        def block(rows):
            np.maximum(masses[rows], 0, out=result[rows])
            self._normalise(rows, result[rows])

        self._workers.map(block, self._cuts)
        return result

    def tempered(self, masses, power):
        """Masses in proportion to a power of the given ones, each row with its weight: a new array."""
        return self.within(masses**power)

    def _normalise(self, rows, masses):
        masses *= (self.weights[rows] / masses.sum(axis=1))[:, None]

    def totals(self, values):
        """Sums over the rows of an (n, K) array, (K,), float64."""
        return self._sum(lambda rows: _column_sums(values[rows]))

    def sample(self, size):
        """About `size` rows drawn at random, in order: the part of the Hessian that they make up."""
        return np.sort(np.random.default_rng(0).permutation(self.shape[0])[:size])

    def pieces(self, rows, size):
        """The given rows, or all, cut into pieces of about `size`, each with a Hessian of its own."""
        if rows is None:
            return even_cuts(self.shape[0], -(-self.shape[0] // size))
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def centred(self, rows, part, E):
        """Dense rows of X as `curvature_root` wants them: as they are."""
        return part


def _column_sums(block):
    """Sums over the rows of a block, float64; matrix products are much faster than `sum` on short rows.

    Many short sums and not one long one: of thousands of equal numbers in float32 that rounds the same way
    each time, by 1e-4 at last, and an intercept could not be settled by them.
    """
    n, K = block.shape
    if n <= 4 * SHORT_SUMS:
        return (np.ones(n, block.dtype) @ block).astype(float)
    block, length = np.ascontiguousarray(block), n // SHORT_SUMS
    whole = length * SHORT_SUMS
    rest = np.ones(n - whole, block.dtype) @ block[whole:]
    sums = np.ones(length, block.dtype) @ block[:whole].reshape(length, SHORT_SUMS * K)
    return sums.reshape(SHORT_SUMS, K).sum(axis=0, dtype=float) + rest


def _row_dots(u, v):
    """Sums of u * v over each row; without an array in between where rows are long enough."""
    if u.shape[1] >= LONG_ROW:
        return np.einsum("ij,ij->i", u, v)
    products = u * v
    with np.errstate(invalid="ignore"):  # of OpenBLAS, which has raised this flag over finite numbers
        return products @ np.ones(u.shape[1], u.dtype)


class Multinomial(Likelihood):
    """Softmax likelihood of K >= 2 classes, one score column each."""

    is_relative = True

    def _evaluate_rows(self, rows, z, out):
        weights = self.weights[rows]
        excess, top, _ = softmax_above(z, out=out, mass=weights)
        # Row by row and from the largest score on: the two sums over all rows, and the two terms of a
        # row that is all but certain, can be many times their difference.
        if self.codes is None:
            labels = np.einsum("ij,ij->i", self.masses[rows], z - top[:, None])
        else:
            labels = weights * (z[np.arange(len(z)), self.codes[rows]] - top)
        return float(np.sum(weights * excess - labels, dtype=float))

    def _label_sums(self, rows, z):
        """Label masses times z, summed over the classes of each row."""
        if self.codes is None:
            return np.einsum("ij,ij->i", self.masses[rows], z)
        return self.weights[rows] * z[np.arange(len(z)), self.codes[rows]]

    def _subtract_labels(self, rows, result, share=1):
        if self.codes is None:
            result -= share * self.masses[rows]
        else:
            result[np.arange(len(result)), self.codes[rows]] -= share * self.weights[rows]

    @cached_property
    def _main(self):
        """The class of each row's largest label."""
        return self.masses.argmax(axis=1) if self.codes is None else self.codes

    def _less_labels(self, rows, E):
        if self.codes is None:
            self._subtract_labels(rows, E)
        # A row sums to 0. Where its largest label is all but certain E - t would be rounding there, and so
        # would a sum over the rows, in which the optimum of the intercept is a difference of such numbers.
        n, K = E.shape
        flat, place = E.reshape(-1), np.arange(0, n * K, K) + self._main[rows]
        flat[place] = 0
        flat[place] = -(E @ np.ones(K, E.dtype))

    def _curvature_rows(self, rows, E, v, out):
        mean = _row_dots(E, v)
        mean /= self.weights[rows]
        np.subtract(v, mean[:, None], out=out)
        out *= E

    def _curvature_totals_rows(self, rows, E, v):
        product = E * v
        mean = product @ np.ones(E.shape[1], E.dtype)
        mean /= self.weights[rows]
        return _column_sums(product) - mean @ E

    def intercept_hessian(self, expected):
        """Hessian of the loss with respect to one shift a column, (K, K), float64.

        It is the Laplacian of a graph of the classes, the weights of its edges sum_i E_ik E_il / m_i:
        the diagonal is taken from them, because a difference would lose rare classes in float32.
        """

        def block(rows):
            E = expected[rows]
            return (E.T @ (E / self.weights[rows, None])).astype(float)

        n, K = self.shape
        # Blocks no smaller than the result, and few results at a time: with 1,000 classes one is 8 MB.
        cuts = even_cuts(n, -(-n * K // max(BLOCK_ENTRIES, K * K)))
        H = np.zeros((K, K))
        for start in range(0, len(cuts), MAX_PARTS):
            for part in self._workers.map(block, cuts[start : start + MAX_PARTS]):
                H -= part
        own = H.reshape(-1)[:: K + 1]
        own[:] = 0
        own[:] = -H.sum(axis=0)
        return H

    def curvature_root(self, rows, E):
        """R (., K) with the curvature -R_k R_l of two classes in each row; that of one is what these lack."""
        return E / np.sqrt(self.weights[rows, None])


class Binary(Likelihood):
    """Logistic likelihood of two classes: one score, the log-odds of the second."""

    def _evaluate_rows(self, rows, z, out):
        z, p, weights = z[:, 0], out[:, 0], self.weights[rows]
        # As numbers: a choice by a mask takes several times as long where it is as good as random.
        above = (z > 0).astype(z.dtype)
        tail = np.abs(z)
        np.exp(np.negative(tail, out=tail), out=tail)  # at most 1
        np.maximum(above, tail, out=p)
        p /= 1 + tail
        p *= weights
        # log(1 + exp(z)) less z times the mass of the second class, without cancellation for either sign.
        rest = np.multiply(above, weights, out=above)
        rest -= self._positive(rows)
        rest *= z
        rest += weights * np.log1p(tail, out=tail)
        return float(np.sum(rest, dtype=float))

    def _count_outside(self, rows, masses):
        return np.count_nonzero(~((masses >= 0) & (masses <= self.weights[rows, None])))

    def _normalise(self, rows, masses):
        np.minimum(masses, self.weights[rows, None], out=masses)

    def tempered(self, masses, power):
        """Masses of the second class whose odds are a power of the given ones: a new array."""
        weights = self.weights[:, None]
        second, first = masses**power, (weights - masses) ** power
        return weights * second / (first + second)

    def _positive(self, rows):
        """Mass of the second class in each row."""
        if self.codes is None:
            return self.masses[rows, 1]
        return self.weights[rows] * self.codes[rows].astype(self.dtype)

    def _label_sums(self, rows, z):
        return self._positive(rows) * z[:, 0]

    def _subtract_labels(self, rows, result, share=1):
        result[:, 0] -= share * self._positive(rows)

    def _curvature_rows(self, rows, E, v, out):
        np.multiply(self._own_curvature(rows, E), v, out=out)

    def _curvature_totals_rows(self, rows, E, v):
        curvature = self._own_curvature(rows, E)
        curvature *= v
        return _column_sums(curvature)

    def intercept_hessian(self, expected):
        """Hessian of the loss with respect to the intercept, (1, 1), float64."""
        return self.curvature_diagonal(expected).sum(axis=0, dtype=float, keepdims=True)

    def curvature_root(self, rows, E):
        """R (., 1) with the curvature R^2 in each row; there is one score."""
        return np.sqrt(self._own_curvature(rows, E))
