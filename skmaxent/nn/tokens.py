"""Boxes between tokens and sequences: Lookup, dropout by the sequence, Pool.

They work on the packed batch that `graph.steps` describes; N rows (tokens), n sequences.
"""

import numpy as np

from .kernels import csr_dot
from .layers import Box, Dropout
from .training.row_keys import mix


class Lookup(Box):
    """y = x[index]: from the distinct tokens of a batch, rows of x, to its N tokens (`graph.index`).

    dx sums the rows of dy of each distinct token. While training, a token becomes the unknown one, row 0 of
    x, with probability `rate`; which do is a function of the sequence's key and the token's place.

    Parameters
    ----------
    rate : float
    """

    def __init__(self, rate=0.0):
        super().__init__()
        self.rate = rate

    def fprop(self, x):
        index, keys, steps = self.graph.index, self.graph.keys, self.graph.steps
        if keys is not None and self.rate:
            places = mix(np.arange(1, steps.sizes.size + 1, dtype=np.uint64))
            draws = mix(keys[steps.sequence] ^ places[steps.step])
            index = np.where(draws < np.uint64(self.rate * 2.0**64), 0, index)
        self._index, self._n_rows = index, x.shape[0]
        return np.take(x, index, axis=0, out=self.buffer("y", index.size, x.shape[1], x.dtype), mode="clip")

    def bprop(self, dy):
        dx = self.buffer("dx", self._n_rows, dy.shape[1], dy.dtype)
        dx[:] = 0
        order = np.argsort(self._index, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(self._index, minlength=self._n_rows))])
        csr_dot(indptr, order, np.ones(order.size, dtype=dy.dtype), dy, dx)
        return dx


class SequenceDropout(Dropout):
    """Dropout with one mask for all tokens of a sequence (Gal & Ghahramani 2016).

    A function of the sequences' keys: equal sequences have equal masks.
    """

    def _make_mask(self, keys, x):
        masks = super()._make_mask(keys, x)
        tokens = self.buffer("token mask", *x.shape, masks.dtype)
        return np.take(masks, self.graph.steps.sequence, axis=0, out=tokens, mode="clip")


class Pool(Box):
    """One row for each sequence, of the rows of its tokens: (N, H) to (n, H).

    "last": the state after the last token; of a recurrence in reverse, whose columns come second, the state
    after the first one. "mean": the mean. "max": the largest, column by column; dx goes to the first of
    equal ones. A sequence without tokens has the row 0.

    Parameters
    ----------
    kind : {"last", "mean", "max"}
    n_forward : int, optional
        Number of columns that go forward in time; all by default.
    """

    def __init__(self, kind, n_forward=None):
        super().__init__()
        self.kind, self.n_forward = kind, n_forward

    def fprop(self, x):
        steps = self.graph.steps
        self._shape, self._n_filled = x.shape, np.count_nonzero(steps.lengths)
        y = self.buffer("y", steps.lengths.size, x.shape[1], x.dtype)
        y[self._n_filled :] = 0
        getattr(self, f"_{self.kind}")(x, y[: self._n_filled])
        return y

    def _last(self, x, y):
        k = self._n_filled
        ends = self.graph.steps.offsets[self.graph.steps.lengths[:k] - 1] + np.arange(k)
        self._rows = np.repeat(ends[:, None], x.shape[1], axis=1)
        if self.n_forward is not None:
            self._rows[:, self.n_forward :] = np.arange(k)[:, None]
        y[:] = np.take_along_axis(x, self._rows, axis=0)

    def _mean(self, x, y):
        y[:] = 0
        for start, stop, *_ in self.graph.steps.walk():
            y[: stop - start] += x[start:stop]
        y /= self.graph.steps.lengths[: len(y), None].astype(x.real.dtype)

    def _max(self, x, y):
        self._rows = self.buffer("rows", *y.shape, np.intp)
        larger = self.buffer("larger", *y.shape, bool)
        number = np.arange(len(y))[:, None]
        for start, stop, *_ in self.graph.steps.walk():
            n = stop - start
            if start == 0:
                y[:], self._rows[:] = x[:n], number
                continue
            np.greater(x[start:stop], y[:n], out=larger[:n])
            np.copyto(y[:n], x[start:stop], where=larger[:n])
            np.copyto(self._rows[:n], start + number[:n], where=larger[:n])

    def bprop(self, dy):
        dx, dy = self.buffer("dx", *self._shape, dy.dtype), dy[: self._n_filled]
        if self.kind == "mean":
            dy /= self.graph.steps.lengths[: len(dy), None].astype(dy.dtype)
            return np.take(dy, self.graph.steps.sequence, axis=0, out=dx, mode="clip")
        dx[:] = 0
        dx[self._rows, np.arange(dy.shape[1])] = dy
        return dx
