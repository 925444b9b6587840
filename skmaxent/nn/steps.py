"""Sequences of different lengths as one packed batch: step after step, without padding."""

import numpy as np


class Steps:
    """How sequences lie in a packed batch.

    The sequences are sorted by descending length; the rows are those of step 0, then of step 1, and so on.
    The sequences that are still running at a step are the first ones, so that its rows, and the rows from
    which they continue, are two contiguous blocks.

    Parameters
    ----------
    lengths : integer ndarray of shape (n,)
        In any order; 0 is a length.

    Attributes
    ----------
    order : intp ndarray of shape (n,)
        Which of the given sequences is the longest, the next, ...; equal ones in the order given.
    lengths : intp ndarray of shape (n,)
        Descending.
    sizes : intp ndarray of shape (T,)
        Number of sequences that run at each step.
    offsets : intp ndarray of shape (T + 1,)
        First row of each step, and the number of rows N.
    sequence, step : intp ndarrays of shape (N,)
        Place of each row's sequence in the packed order, and its step.
    """

    def __init__(self, lengths):
        lengths = np.asarray(lengths, dtype=np.intp)
        self.order = np.argsort(-lengths, kind="stable")
        self.lengths = lengths[self.order]
        longest = int(self.lengths[0]) if lengths.size else 0
        self.sizes = np.searchsorted(-self.lengths, -np.arange(longest), side="left")
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        self.step = np.repeat(np.arange(longest), self.sizes)
        self.sequence = np.arange(self.offsets[-1]) - self.offsets[self.step]
        self._walks, self._befores = {}, {}

    def rows_of(self, starts):
        """For each packed row the row of the unpacked data, where sequence i begins at starts[i]."""
        return starts[self.order][self.sequence] + self.step

    def walk(self, reverse=False):
        """The steps in the order in which a recurrence takes them.

        Parameters
        ----------
        reverse : bool
            From the last step to the first: sequences join in as they end.

        Returns
        -------
        walk : list of tuples (start, stop, before, running)
            Rows start..stop are those of the step. Its first `running` rows continue rows before, before +
            1, ...; the others begin from the state 0.
        """
        if reverse in self._walks:
            return self._walks[reverse]
        sizes, offsets = self.sizes.tolist(), self.offsets.tolist()
        walk, before, running = [], 0, 0
        for t in range(len(sizes) - 1, -1, -1) if reverse else range(len(sizes)):
            walk.append((offsets[t], offsets[t + 1], before, min(running, sizes[t])))
            before, running = offsets[t], sizes[t]
        self._walks[reverse] = walk
        return walk

    def before(self, reverse=False):
        """For each row the row that it continues; N where there is none."""
        if reverse in self._befores:
            return self._befores[reverse]
        neighbour = self.step + (1 if reverse else -1)
        alive = (neighbour >= 0) & (neighbour < self.lengths[self.sequence])
        rows = self.offsets[np.where(alive, neighbour, 0)] + self.sequence
        rows[~alive] = self.step.size
        self._befores[reverse] = rows
        return rows
