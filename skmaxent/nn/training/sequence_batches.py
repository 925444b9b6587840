"""Mini-batches of sequences: packed, of similar lengths, with the features of their distinct tokens."""

from dataclasses import dataclass

import numpy as np

from ..steps import Steps
from .row_keys import mix, row_keys

#: Batches among which an epoch sorts sequences by length, so that those of a batch are similar.
POOL = 64
#: Tokens of a batch: where sequences are so long that there would be more, the batch has fewer sequences.
MOST_TOKENS = 1 << 14


class Sequences:
    """Sequences of tokens, one after another in flat arrays.

    Parameters
    ----------
    lengths : intp ndarray of shape (n,)
    tokens : intp ndarray of shape (N,) or ndarray of shape (N, p)
        Rows of `table`, or the numbers that each token is.
    table : CSR matrix of shape (D, V), optional
        Features of each distinct token; row 0 is the unknown token.
    """

    def __init__(self, lengths, tokens, table=None):
        self.lengths, self.tokens, self.table = lengths, tokens, table
        self.starts = np.cumsum(lengths) - lengths

    def __len__(self):
        return self.lengths.size

    def flat(self, order):
        """Numbers of the tokens of the sequences `order`, one sequence after another."""
        lengths = self.lengths[order]
        ends = np.cumsum(lengths)
        return np.arange(lengths.sum()) + np.repeat(self.starts[order] - (ends - lengths), lengths)

    def take(self, order):
        """The Sequences `order`, on the same table."""
        return Sequences(self.lengths[order], self.tokens[self.flat(order)], self.table)

    def keys(self, seed):
        """A 64-bit key for each sequence, equal for equal ones."""
        if self.table is None:
            keys = row_keys(self.tokens, seed)
        else:
            keys = mix(self.tokens.astype(np.uint64) + np.uint64(seed + 1))
        place = np.arange(self.tokens.shape[0]) - np.repeat(self.starts, self.lengths)
        keys = mix(keys ^ mix(place.astype(np.uint64) + np.uint64(1)))
        total = np.zeros(keys.size + 1, dtype=np.uint64)
        np.cumsum(keys, out=total[1:])  # sums wrap around, their differences are exact
        return mix(total[self.starts + self.lengths] - total[self.starts])


@dataclass(frozen=True)
class SequenceBatch:
    """What a `SequenceGraph` takes.

    Attributes
    ----------
    inputs : TableRows or ndarray of shape (N, p)
        Distinct tokens, the first one unknown, or the packed tokens.
    steps : Steps
    index : intp ndarray of shape (N,) or None
        Which of the distinct tokens each packed row is.
    """

    inputs: object
    steps: Steps
    index: np.ndarray | None

    @property
    def rows(self):
        """The rows of the embedding that occur; None when the inputs keep all columns."""
        return self.inputs.rows


class TableRows:
    """Some rows of a CSR matrix, ready for `SparseAffine`: what a `SparseBatch` is, made of plain arrays.

    SciPy would take longer for the few thousand non-zeros of a batch than the products with them.

    Parameters
    ----------
    table : CSR matrix
    numbers : intp ndarray of shape (n,)
        The rows.
    marks : bool ndarray, one a column, or None
        All False, and so again afterwards; with it columns are renumbered to those that occur.
    """

    def __init__(self, table, numbers, marks):
        self.n_rows, self.rows = numbers.size, None
        starts, lengths = table.indptr[numbers], np.diff(table.indptr)[numbers]
        indptr = np.zeros(numbers.size + 1, dtype=np.intp)
        np.cumsum(lengths, out=indptr[1:])
        entries = np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths)
        columns, data, n_columns = table.indices[entries].astype(np.intp), table.data[entries], table.shape[1]
        if marks is not None:
            marks[columns] = True
            self.rows = np.flatnonzero(marks)
            marks[self.rows] = False
            columns, n_columns = np.searchsorted(self.rows, columns), self.rows.size
        self.x = (indptr, columns, data)
        # 16 bits are sorted by radix
        order = np.argsort(columns.astype(np.uint16) if n_columns <= 1 << 16 else columns, kind="stable")
        ends = np.cumsum(np.bincount(columns, minlength=n_columns))
        places = np.repeat(np.arange(numbers.size), lengths)
        self.x_transposed = (np.append(0, ends), places[order], data[order])


class SequenceDataset:
    """Sequences with their targets and weights; what training takes in place of a `Dataset`.

    Parameters
    ----------
    sequences : Sequences
    targets : intp ndarray of shape (n,), or of shape (N,) with `per_token`
    weights : ndarray like targets, optional
    keys : uint64 ndarray of shape (n,), optional
        `Sequences.keys`, where there is dropout.
    per_token : bool
        Whether each token has a target, or each sequence.
    """

    may_share = False

    def __init__(self, sequences, targets, weights=None, keys=None, per_token=False):
        self.sequences, self.targets, self.weights, self.keys = sequences, targets, weights, keys
        self.per_token, self.sparse = per_token, sequences.table is not None
        self.renumber = False
        self._marks = None
        self.n_columns = (sequences.table if self.sparse else sequences.tokens).shape[1]

    def __len__(self):
        return len(self.sequences)

    def occurring_columns(self, order):
        """Number of distinct features in the sequences `order`."""
        tokens = self.sequences.tokens[self.sequences.flat(order)]
        return np.unique(self.sequences.table[np.unique(tokens)].indices).size

    def takes_time(self, n_rows):
        """Whether a batch takes longer to make than to ask another thread for: always."""
        return True

    def batches(self, order, batch_size):
        """The sequences of each batch of an epoch, similar in length, given an order.

        The order is cut into pools of `POOL` batches, each sorted by length and cut into batches of equal
        size; the batches follow each other in the order of their first members.
        """
        n, lengths = order.size, self.sequences.lengths[order]
        places = np.lexsort((np.arange(n), lengths, np.arange(n) // (POOL * batch_size)))
        cuts = [part for part in np.array_split(places, -(-n // batch_size)) if part.size]
        cuts.sort(key=min)
        return [batch for part in cuts for batch in self._affordable(order[part])]

    def _affordable(self, batch):
        """The batch, in parts of about `MOST_TOKENS` tokens or of one sequence."""
        totals = np.cumsum(self.sequences.lengths[batch])
        if not totals.size or totals[-1] <= MOST_TOKENS:
            return [batch]
        return np.split(batch, np.flatnonzero(np.diff(totals // MOST_TOKENS)) + 1)

    def batch(self, order):
        """(x, targets, weights, keys) of the sequences `order`, packed."""
        x, order, rows = self._packed(order)
        rows = rows if self.per_token else order
        weights = None if self.weights is None else self.weights[rows]
        return x, self.targets[rows], weights, None if self.keys is None else self.keys[order]

    def _packed(self, order):
        """The SequenceBatch, its sequences in their order, and its tokens in theirs."""
        sequences = self.sequences
        steps = Steps(sequences.lengths[order])
        rows = steps.rows_of(sequences.starts[order])
        tokens, order = sequences.tokens[rows], order[steps.order]
        if not self.sparse:
            return SequenceBatch(tokens, steps, None), order, rows
        distinct, index = np.unique(np.append(tokens, 0), return_inverse=True)
        if self.renumber and self._marks is None:
            self._marks = np.zeros(self.n_columns, dtype=bool)
        inputs = TableRows(sequences.table, distinct, self._marks if self.renumber else None)
        return SequenceBatch(inputs, steps, index[:-1]), order, rows

    def outputs(self, graph):
        """Yields (rows, scores) of all targets, in batches of similar length."""
        for batch in self.batches(np.arange(len(self)), 256):
            x, order, rows = self._packed(batch)
            yield rows if self.per_token else order, graph.fprop(x)
