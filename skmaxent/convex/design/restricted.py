"""A design on some of its weights: as pairs, or as whole columns where these are faster."""

import numpy as np
from scipy import sparse

from ...numerics.sparse import column_counts, support_of
from .blocks import make_design
from .pairs import PairDesign

# A product over pairs takes one at a time what a dense block takes by the vector: it pays where at
# most this share of the weights of the columns is wanted.
PAIR_SHARE = 0.4


class Restriction:
    """Makes designs on some of the weights of one design, and keeps what they have in common."""

    def __init__(self, design):
        self._design, self._csc, self._counts = design, None, None

    def to(self, allowed, dtype, workers):
        """The design on the allowed weights, and where these are; see `Objective.restrict`."""
        design, X = self._design, self._design.X
        columns, classes = support_of(allowed)
        if design.paired:
            part, place = design.subset(allowed)
            return part, (place,)
        used = np.unique(columns)
        if self._pairs_pay(allowed, used):
            order = np.argsort(classes, kind="stable")
            columns, classes = columns[order], classes[order]
            self._csc = X.tocsc() if self._csc is None else self._csc
            part = PairDesign(self._csc, columns, classes, allowed.shape[1], workers, design.tally, dtype)
            return part, (columns[:, None], classes[:, None])
        part = make_design(X[:, used], allowed.shape[1], workers, dtype)
        part.tally = design.tally
        return part, (used,)

    def _pairs_pay(self, allowed, columns):
        """Whether products over pairs are cheaper than over all classes of these columns."""
        X, K = self._design.X, allowed.shape[1]
        if not sparse.issparse(X):
            return False
        if self._counts is None:
            self._counts = column_counts(X)
        counts = self._counts[columns]
        pair_work = float(counts @ allowed[columns].sum(axis=1))
        return K == 1 or pair_work < PAIR_SHARE * float(counts.sum()) * K
