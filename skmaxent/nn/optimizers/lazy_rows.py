"""Exact lazy updates of the rows of a weight matrix: only what a batch touches is read and written."""

import numpy as np

from ..kernels import row_block


class LazyRows:
    """A weight matrix whose rows are brought up to date when they are read.

    A dense optimiser moves every weight at every step, those of absent columns through momentum and penalty
    alone. These moves have closed forms (`rest` of each rule in `optimizers`), so that a row may sleep
    until a batch holds its column again, and then catch up: the weights are those of the dense optimiser.

    Rows that nearly every batch holds, the first `n_head`, never sleep: they take part in every step in a
    place of their own, before that of the rows that a batch wakes, so that nothing of them is copied.

    Parameters
    ----------
    weights : C-ordered ndarray of shape (d, h)
        Changed in place; current as a whole only after `sync`.
    slots : list of C-ordered ndarrays of shape (d, h)
        State of the optimiser.
    rule : optimiser of `optimizers`
    run : BlockRunner
    n_head : int
    """

    def __init__(self, weights, slots, rule, run, n_head=0):
        self.weights, self.slots, self.rule, self.run = weights, slots, rule, run
        self.since = np.zeros(weights.shape[0], dtype=np.intp)
        self._block = row_block(weights.strides[0])
        # one opaque item a row: NumPy then moves a row by one memcpy
        item = np.dtype((np.void, weights.strides[0]))
        self._arrays = [weights, *slots]
        self._items = [a.view(item)[:, 0] for a in self._arrays]
        self.n_head = n_head
        self._places = [a[:n_head].copy() for a in self._arrays]
        rule.restart()

    def read(self, rows):
        """The current values of some rows.

        Parameters
        ----------
        rows : intp ndarray of shape (r,), without repeats
            The head first.

        Returns
        -------
        block : ndarray of shape (r, h)
            Valid until the next call.
        """
        self.rows, woken = rows, rows[self.n_head :]
        self._held = [self._place(i, rows.size) for i in range(len(self._arrays))]
        since = self.since[woken]

        def catch_up(start, stop):
            blocks = [held[self.n_head + start : self.n_head + stop] for held in self._held]
            for array, block in zip(self._arrays, blocks):
                np.take(array, woken[start:stop], axis=0, out=block, mode="clip")
            self.rule.rest(blocks[0], blocks[1:], since[start:stop], self.run.scratch)

        self.run(catch_up, woken.size, self._block)
        return self._held[0]

    def _place(self, i, n_rows):
        """The first rows of the place of an array: its head, then what was held last."""
        if self._places[i].shape[0] < n_rows:
            larger = np.empty((n_rows, self.weights.shape[1]), self.weights.dtype)
            larger[: self.n_head] = self._places[i][: self.n_head]
            self._places[i] = larger
        return self._places[i][:n_rows]

    def update(self, gradient_rows):
        """One step of the rule for the rows last read; the others rest.

        Parameters
        ----------
        gradient_rows : callable
            ``gradient_rows(start, stop, out)`` writes dL/dW of rows[start:stop].
        """
        h, dtype = self.weights.shape[1], self.weights.dtype
        item = self._items[0].dtype

        def move(start, stop):
            blocks = [held[start:stop] for held in self._held]
            gradient = gradient_rows(start, stop, self.run.scratch("gradient", stop - start, h, dtype))
            self.rule.step(blocks[0], blocks[1:], gradient, self.run.scratch("work", stop - start, h, dtype))
            first = max(start, self.n_head)  # what comes before is where it belongs
            if first < stop:
                for target, held in zip(self._items, self._held):
                    target[self.rows[first:stop]] = held[first:stop].view(item)[:, 0]

        self.run(move, self.rows.size, self._block)
        self.since[self.rows] = self.rule.now + 1

    def advance(self):
        """After a step: when the rule's tables are full, bring every row up to date and start them anew."""
        if self.rule.now == self.rule.window:
            self.sync()

    def sync(self):
        """Bring every row up to date."""
        if self.rule.now == 0:
            return
        np.minimum(self.since, self.rule.now, out=self.since)  # after an interrupt in the middle of a step
        self.since[: self.n_head] = self.rule.now
        for array, place in zip(self._arrays, self._places):
            array[: self.n_head] = place[: self.n_head]

        def catch_up(start, stop):
            blocks = [array[start:stop] for array in self._arrays]
            self.rule.rest(blocks[0], blocks[1:], self.since[start:stop], self.run.scratch)

        self.run(catch_up, self.weights.shape[0], self._block)
        self.since[:] = 0
        self.rule.restart()
