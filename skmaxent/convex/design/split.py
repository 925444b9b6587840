"""The design on observed pairs for speed: columns of many classes as a dense block, others entry by entry.

`shared_pairs` copies nothing for a pair and takes the classes one after another, which suits thousands of
classes. Here an entry of a rare column is stored once for each class of the column, in a matrix from the
pairs to the flat scores (n K,): twice as fast with few classes, such as tags. It takes little memory, since a
column with many entries has many classes and belongs to the block, and X itself is not kept.
"""

import numpy as np
from scipy import sparse

from ...numerics.sparse import assembled, column_counts, column_squares, flipped
from ...numerics.threads import even_cuts
from .base import MAX_LANES, Design, count_lanes
from .blocks import make_design

# Share of its classes from which a column belongs to the block.
SHARE = 0.25
# Stored entries below which a thread costs more than it gains.
LANE_ENTRIES = 100_000


class SplitDesign(Design):
    """The linear map from weights (m, 1) of pairs to scores (n, K), and its adjoint.

    Parameters
    ----------
    X : CSC array of shape (n, d)
    columns, classes : integer ndarray of shape (m,)
        The pairs, each once.
    n_outputs : int
        K.
    workers : Workers
    dtype : dtype
        Precision of the vectors.

    Attributes
    ----------
    order : integer ndarray of shape (m,)
        Which of the given pairs each weight belongs to.
    columns, classes : integer ndarray of shape (m,)
        The pair of each weight.
    """

    paired = True

    def __init__(self, X, columns, classes, n_outputs, workers, dtype):
        self.shape, self.dtype = (X.shape[0], len(columns)), np.dtype(dtype)
        self.n_outputs, self._workers, self.tally = n_outputs, workers, [0.0]
        in_block = np.bincount(columns, minlength=X.shape[1]) >= SHARE * n_outputs
        chosen = in_block[columns]
        self.order = np.concatenate([np.flatnonzero(chosen), np.flatnonzero(~chosen)])
        self.columns, self.classes = columns[self.order], classes[self.order]
        self._n_block = int(np.count_nonzero(chosen))
        self._block, self._flat, self._lanes = None, None, []
        if self._n_block:
            number = np.cumsum(in_block) - 1
            part = X[:, np.flatnonzero(in_block)].tocsr()
            self._block = make_design(part, n_outputs, workers, dtype)
            block = slice(0, self._n_block)
            self._flat = number[self.columns[block]] * n_outputs + self.classes[block]
        rare = slice(self._n_block, None)
        if self._n_block < len(columns):
            self._lanes = _lanes(X, self.columns[rare], self.classes[rare], n_outputs)
        n_terms = column_counts(X.T)
        ones = (X.data == 1).all()
        rows = n_terms if ones else column_squares(X.T)
        self._column_squares = column_counts(X).astype(float) if ones else column_squares(X)
        self._row_bounds = int(n_terms.max(initial=1)), float(np.sqrt(rows.max(initial=0)))

    def astype(self, dtype):
        """The same design in another precision, sharing everything."""
        twin = object.__new__(SplitDesign)
        twin.__dict__.update(self.__dict__)
        twin.dtype = np.dtype(dtype)
        twin._block = self._block and self._block.astype(dtype)
        return twin

    def row_bounds(self):
        """Largest number of entries in a row of X, and its largest Euclidean norm."""
        return self._row_bounds

    def forward(self, w, out=None):
        """Scores (n, K) of the weights (m, 1); in `out` where it is given."""
        self.tally[0] += 0.5
        if self._block is None:
            scores = np.empty((self.shape[0], self.n_outputs), self.dtype) if out is None else out
            scores[:] = 0
        else:
            W = np.zeros((self._block.shape[1], self.n_outputs), self.dtype)
            W.reshape(-1)[self._flat] = w[: self._n_block, 0]
            scores = self._block.forward(W, out)
        flat, rare = scores.reshape(-1), w[self._n_block :, 0]

        def add(lane):
            cut, pairs, B, _ = lane
            flat[cut] += B @ rare[pairs]

        self._workers.map(add, self._lanes)
        return scores

    def adjoint(self, R):
        """The adjoint, (m, 1), of (n, K) values."""
        self.tally[0] += 0.5
        result = np.zeros((self.shape[1], 1), self.dtype)
        if self._block is not None:
            np.take(
                self._block.adjoint(R).reshape(-1), self._flat, out=result[: self._n_block, 0], mode="clip"
            )
        flat, rare = R.reshape(-1), result[self._n_block :, 0]
        parts = self._workers.map(lambda lane: lane[3] @ flat[lane[0]], self._lanes)
        for (_, pairs, _, _), part in zip(self._lanes, parts):
            rare[pairs] += part
        return result


def _lanes(X, columns, classes, n_outputs):
    """Matrices from the pairs that occur in a part of the rows to the flat scores of these rows.

    Returns
    -------
    lanes : list of (slice of the flat scores, ndarray of pairs, CSC array, its transpose)
    """
    B = X[:, columns]
    rows, values = B.indices, B.data
    ones = (values == 1).all()
    n_lanes = count_lanes(len(rows) / LANE_ENTRIES, MAX_LANES)
    pairs = np.repeat(np.arange(len(columns), dtype=B.indptr.dtype), np.diff(B.indptr))
    lanes = []
    for cut in even_cuts(X.shape[0], n_lanes):
        inside = (rows >= cut.start) & (rows < cut.stop)
        own = pairs[inside]
        counts = np.bincount(own, minlength=len(columns))
        present = np.flatnonzero(counts)
        flat = slice(cut.start * n_outputs, cut.stop * n_outputs)
        short = np.int32 if max(flat.stop - flat.start, len(own)) < 2**31 else np.int64
        places = rows[inside].astype(short)
        places -= cut.start
        places *= n_outputs
        places += classes[own]
        data = values[: len(own)] if ones else values[inside]  # views of the same ones
        indptr = np.concatenate([[0], np.cumsum(counts[present])]).astype(short)
        shape = flat.stop - flat.start, len(present)
        lane = assembled(sparse.csc_array, data, places, indptr, shape)
        lanes.append((flat, present, lane, flipped(lane)))
    return lanes
