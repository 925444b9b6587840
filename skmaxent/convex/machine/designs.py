"""Designs of a block: on all weights of its columns, on some columns, or on some pairs."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from ...numerics.sparse import assembled
from ..design.base import Design, narrowed
from ..design.blocks import RowBlocks
from ..design.dense import DenseDesign

#: Number of the design on all weights.
WHOLE = 0


class Some(NamedTuple):
    """The design on some of the weights.

    Attributes
    ----------
    columns : integer ndarray of shape (m,)
        Whole columns, increasing, or the column of each pair.
    classes : integer ndarray of shape (m,) or None
        The class of each pair.
    """

    columns: np.ndarray
    classes: np.ndarray | None


def part_design(part, definition, n_outputs, workers, dtype):
    """The design of a part on the weights that a definition names.

    Returns
    -------
    design : Design
        With `places`: which of the weights of the definition it has, None for all.
    """
    X = part.X
    if sparse.issparse(X):
        X = assembled(sparse.csr_array, narrowed(X.data, dtype, workers), X.indices, X.indptr, X.shape)
    else:
        X = narrowed(X, dtype, workers)
    if definition is None:
        return _rows(X, n_outputs, workers, dtype)
    found = np.searchsorted(part.columns, definition.columns)
    found = np.minimum(found, max(len(part.columns) - 1, 0))
    known = part.columns[found] == definition.columns if len(part.columns) else np.zeros(len(found), bool)
    places = np.flatnonzero(known)
    local = found[places]
    if definition.classes is None:
        design = _rows(X[:, local], n_outputs, workers, dtype)
        design.places = places
        return design
    whole = _rows(X, n_outputs, workers, dtype)
    return MaskedDesign(whole, local * n_outputs + definition.classes[places], n_outputs, places)


def _rows(X, n_outputs, workers, dtype):
    """The design on all columns of X; a block is the work of one thread."""
    if sparse.issparse(X):
        return RowBlocks(X, n_outputs, workers, dtype=dtype, max_lanes=1)
    return DenseDesign(X, workers, dtype=dtype)


class MaskedDesign(Design):
    """A design on some pairs (m, 1): the one on all weights, with those of the other pairs at 0.

    It takes no memory of its own and, with few classes, little longer than one that skips them.

    Parameters
    ----------
    whole : Design
    flat : integer ndarray of shape (m,)
        Where the pairs are in its weights.
    n_outputs : int
    places : integer ndarray of shape (m,)
        Which of the pairs asked for they are.
    """

    paired = True

    def __init__(self, whole, flat, n_outputs, places):
        self._whole, self._flat, self.places, self._n_outputs = whole, flat, places, n_outputs
        self.shape, self.dtype, self.tally = (whole.shape[0], len(flat)), whole.dtype, whole.tally

    def forward(self, w, out=None):
        """Scores (n, K) of the weights (m, 1)."""
        W = np.zeros((self._whole.shape[1], self._n_outputs), self.dtype)
        W.reshape(-1)[self._flat] = w[:, 0]
        return self._whole.forward(W, out)

    def adjoint(self, R):
        """The adjoint, (m, 1), of (n, K) values."""
        return np.ascontiguousarray(self._whole.adjoint(R)).reshape(-1)[self._flat][:, None]

    def squared_adjoint(self, R):
        """The adjoint of the design with its entries squared."""
        return np.ascontiguousarray(self._whole.squared_adjoint(R)).reshape(-1)[self._flat][:, None]
