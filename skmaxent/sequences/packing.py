"""Sentences side by side: all first tokens, then all second tokens, ..., so that a batch steps at once."""

from functools import cached_property
from itertools import pairwise

import numpy as np


class Packing:
    """The order in which tokens of many sentences are worked through, position by position.

    Sentences are sorted by decreasing length, rows by (position, sentence): position t is the slice
    ``starts[t]:starts[t + 1]``, and the sentences that go on at t + 1 are its first ``alive[t + 1]`` rows.

    Parameters
    ----------
    lengths : integer ndarray of shape (S,)
        Number of tokens of each sentence; 0 is legal.

    Attributes
    ----------
    order : intp ndarray of shape (S,)
        Numbers of the sentences by decreasing length; equally long ones in the order given.
    alive : intp ndarray of shape (T,)
        Number of the sentences that have a position t; T is the greatest length.
    starts : intp ndarray of shape (T + 1,)
        First packed row of each position.
    rows : intp ndarray of shape (n,)
        For each packed row its token in the order given: ``X[rows]`` packs, and ``out[rows] = packed``
        brings back.
    """

    def __init__(self, lengths):
        lengths = np.asarray(lengths, np.intp)
        self.lengths = lengths
        self.order = np.argsort(-lengths, kind="stable")
        longest = int(lengths.max(initial=0))
        at_least = np.bincount(lengths, minlength=longest + 1)[::-1].cumsum()[::-1]
        self.alive = at_least[1:].astype(np.intp)
        self.starts = np.concatenate([[0], np.cumsum(self.alive)]).astype(np.intp)

    @cached_property
    def rows(self):
        first = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])[self.order] if len(self.lengths) else []
        position = np.repeat(np.arange(len(self.alive)), self.alive)
        sentence = np.arange(len(position)) - self.starts[position]
        return np.asarray(first, np.intp)[sentence] + position

    def slices(self):
        """The slice of packed rows of each position, in order."""
        return [slice(a, b) for a, b in zip(self.starts[:-1].tolist(), self.starts[1:].tolist())]

    def unpacked(self, packed):
        """Values of packed rows in the order of the tokens as given."""
        out = np.empty_like(packed)
        out[self.rows] = packed
        return out


def batches(lengths, n_tokens):
    """Cut sentences into runs of about `n_tokens` tokens, and at least one sentence each.

    The cuts depend on the lengths only, so that threads may share out the runs.

    Returns
    -------
    sentences : list of slice
    tokens : list of slice
    """
    ends = np.concatenate([[0], np.cumsum(lengths)])
    targets = np.arange(n_tokens, ends[-1], n_tokens)
    cuts = [0, *np.searchsorted(ends, targets).tolist(), len(lengths)]
    pairs = list(pairwise(sorted(set(cuts))))
    return [slice(a, b) for a, b in pairs], [slice(int(ends[a]), int(ends[b])) for a, b in pairs]
