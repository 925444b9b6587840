"""The design on a set of (column, class) pairs: one weight each, all others being 0.

An optimum under a Laplace prior has weights on few pairs: of 20 classes, 1.3 a column on 20
Newsgroups. The products then take one multiplication for each entry of the column of each pair,
instead of K for each entry of each column.
"""

import numpy as np
from scipy import sparse

from ...numerics.sparse import add_product, assembled, flipped
from ...numerics.threads import balanced_cuts, even_cuts
from .base import MAX_LANES, Design, count_lanes
from .blocks import LANE_WORK


def pair_index(design, places, n_outputs):
    """The data of a design and, of some of its weights, their columns in these data and their classes.

    Parameters
    ----------
    design : PairDesign, ObservedDesign or one of (d, K) weights
    places : integer ndarray of shape (m,)
        Of the weights, flat.
    n_outputs : int
    """
    if design.paired:
        return design.X, design.columns[places], design.classes[places]
    return design.X, *np.divmod(places, n_outputs)


class PairDesign(Design):
    """The linear map from weights (m, 1) of pairs to scores (n, K), and its adjoint.

    Parameters
    ----------
    X : CSC array of shape (n, d)
    columns, classes : integer ndarray of shape (m,)
        The pairs, ordered by class.
    n_outputs : int
        K.
    workers : Workers
    tally : list of one float
        Counts the products, as in the other designs.
    dtype : dtype, optional
        Precision of the products; by default that of X.
    """

    paired = True

    def __init__(self, X, columns, classes, n_outputs, workers, tally, dtype=None):
        self.X, self.columns, self.classes = X, columns, classes
        n = X.shape[0]
        copies = X[:, columns]
        rows, starts, counts = copies.indices, copies.indptr, np.diff(copies.indptr)
        data = copies.data.astype(dtype or X.dtype, copy=False)
        n_lanes = count_lanes(4 * len(rows) / LANE_WORK, MAX_LANES)
        if n_outputs == 1:  # the scores of all lanes are then added up
            cuts = [(slice(0, 1), pairs) for pairs in balanced_cuts(starts, n_lanes)]
        else:
            cuts = even_cuts(n_outputs, n_lanes)
            cuts = [(cut, slice(*np.searchsorted(classes, [cut.start, cut.stop]).tolist())) for cut in cuts]
        self._lanes = []
        for cut, pairs in cuts:
            part = slice(int(starts[pairs.start]), int(starts[pairs.stop]))
            shape = ((cut.stop - cut.start) * n, pairs.stop - pairs.start)
            index = rows.dtype if shape[0] < 2**31 else np.int64
            shift = np.repeat((classes[pairs] - cut.start) * n, counts[pairs]).astype(index)
            indptr = (starts[pairs.start : pairs.stop + 1] - part.start).astype(index)
            B = assembled(sparse.csc_array, data[part], rows[part] + shift, indptr, shape)
            self._lanes.append((cut, pairs, B, flipped(B)))
        self._settle(n, len(columns), n_outputs, workers, tally)

    def _settle(self, n, n_pairs, n_outputs, workers, tally):
        self.shape, self._n_outputs, self._workers, self.tally = (n, n_pairs), n_outputs, workers, tally
        self.dtype = self._lanes[0][2].dtype

    def _mapped(self, function):
        """The same design with other values, sharing the indices."""
        twin = object.__new__(PairDesign)
        twin.X, twin.columns, twin.classes, twin._lanes = self.X, self.columns, self.classes, []
        for cut, pairs, B, _ in self._lanes:
            B = assembled(sparse.csc_array, function(B.data), B.indices, B.indptr, B.shape)
            twin._lanes.append((cut, pairs, B, flipped(B)))
        twin._settle(*self.shape, self._n_outputs, self._workers, self.tally)
        return twin

    def astype(self, dtype):
        """The same design in another precision."""
        return self._mapped(lambda values: values.astype(dtype))

    def forward(self, w, out=None):
        """Scores (n, K) of the weights (m, 1); in `out` where it is given."""
        self.tally[0] += 0.5
        n, K = self.shape[0], self._n_outputs
        scores = np.empty((n, K), self.dtype) if out is None else out

        def lane(piece):
            cut, pairs, B, _ = piece
            part = np.zeros((B.shape[0], 1), self.dtype)
            add_product(B, w[pairs], part)
            if K > 1:
                scores[:, cut] = part.reshape(-1, n).T
            return part

        parts = self._workers.map(lane, self._lanes)
        if K == 1:
            scores[:] = sum(parts[1:], start=parts[0])
        return scores

    def adjoint(self, R):
        """The adjoint, (m, 1), of (n, K) values."""
        self.tally[0] += 0.5
        result = np.zeros((self.shape[1], 1), self.dtype)

        def lane(piece):
            cut, pairs, _, B_T = piece
            add_product(B_T, np.ascontiguousarray(R[:, cut].T).reshape(-1, 1), result[pairs])

        self._workers.map(lane, self._lanes)
        return result

    def squared_adjoint(self, R):
        """The adjoint of the design with its entries squared: the diagonal of a weighted Gram matrix."""
        return self._mapped(np.square).adjoint(R)
