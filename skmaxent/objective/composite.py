"""The training objective under an elastic-net penalty, on all columns or on a working set of them.

F(W, b) = sum_i m_i * -log p(y_i | x_i)  +  sum_jk lasso_jk |w_jk| + ridge_jk / 2 * w_jk^2
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from .certificate import dual_value
from .design import make_design
from .objective import Objective
from .pairs import PairDesign
from .penalty import support_of
from .spaces import WeightSpace

# A product over pairs takes one at a time what a dense block takes by the vector: it pays where at
# most this share of the weights of the columns is wanted.
PAIR_SHARE = 0.4


@dataclass
class Subgradient:
    """How F changes around a point.

    Attributes
    ----------
    coords : ndarray of shape (d, K)
        The subgradient of smallest norm; 0 exactly where the KKT condition of a weight holds.
    loss : ndarray of shape (d, K)
        The gradient of the loss alone.
    square, peak : float
        Squared norm and largest modulus of `coords`; the peak is the KKT violation.
    gap : float
        Duality gap; nan where it was not asked for.
    support : int
        Number of columns with a weight other than 0; 0 where no gap was asked for.
    """

    coords: np.ndarray
    loss: np.ndarray
    square: float
    peak: float
    gap: float
    support: int


class CompositeObjective:
    """Likelihood plus elastic net.

    Parameters
    ----------
    likelihood_part : Objective
        In weight space, without penalty.
    penalty : ElasticNet
    """

    def __init__(self, likelihood_part, penalty):
        self.smooth, self.penalty = likelihood_part, penalty
        self.likelihood, self.space = likelihood_part.likelihood, likelihood_part.space
        self.dtype, self.fit_intercept = likelihood_part.dtype, likelihood_part.fit_intercept
        self.coords_shape = likelihood_part.coords_shape
        self._csc = self._column_counts = None
        self._bound = -np.inf  # the largest dual value met: no objective is below it

    @classmethod
    def build(cls, X, likelihood, penalty, fit_intercept, vectors):
        """The objective on the columns of X."""
        design = make_design(X, likelihood.shape[1], vectors.workers)
        return cls(Objective(WeightSpace(design, vectors), likelihood, 0.0, fit_intercept, vectors), penalty)

    def astype(self, dtype):
        """The same objective in another precision."""
        return CompositeObjective(self.smooth.astype(dtype), self.penalty.astype(dtype))

    def restrict(self, allowed):
        """The objective on some of the weights, the others being 0, and where these are.

        Parameters
        ----------
        allowed : boolean ndarray of shape (d, K)

        Returns
        -------
        part : CompositeObjective
        place : tuple of ndarray
            `W[place]` are the weights of `part`: of pairs, or of whole columns where a dense block is
            faster; `part` may then use more weights than are allowed.
        """
        smooth, design = self.smooth, self.space.design
        X, workers = design.X, smooth.vectors.workers
        columns = np.unique(support_of(allowed)[0])
        if design.paired:
            design, place = design.subset(allowed)
            place = (place,)
        elif self._pairs_pay(allowed, columns):
            columns, classes = support_of(allowed)
            order = np.argsort(classes, kind="stable")
            columns, classes = columns[order], classes[order]
            self._csc = X.tocsc() if self._csc is None else self._csc
            design = PairDesign(self._csc, columns, classes, allowed.shape[1], workers, design.tally)
            place = (columns[:, None], classes[:, None])
        else:
            tally = design.tally
            design = make_design(X[:, columns], allowed.shape[1], workers)
            design.tally = tally
            place = (columns,)
        space = WeightSpace(design, smooth.vectors)
        part = Objective(space, self.likelihood, 0.0, smooth.fit_intercept, smooth.vectors)
        return CompositeObjective(part, self.penalty.at(place)), place

    def _pairs_pay(self, allowed, columns):
        """Whether products over pairs are cheaper than over all classes of these columns."""
        X = self.space.design.X
        if not sparse.issparse(X):
            return False
        if self._column_counts is None:
            indices = X.indices if X.format == "csr" else None
            self._column_counts = (
                np.diff(X.indptr) if indices is None else np.bincount(indices, minlength=X.shape[1])
            )
        counts = self._column_counts[columns]
        pair_work = float(counts @ allowed[columns].sum(axis=1))
        return allowed.shape[1] == 1 or pair_work < PAIR_SHARE * float(counts.sum()) * allowed.shape[1]

    def point(self, coords, intercept, scores=None, settle=True):
        """The point with these weights, its intercept brought to its optimum unless told not to."""
        return self.smooth.point(coords, intercept, scores, settle)

    def value(self, point):
        return point.loss + self.penalty.value(point.coords)

    def subgradient(self, point, certify=True):
        """The `Subgradient` at a point; an infinite gap unless its intercept is settled."""
        loss = self.space.pull(self.likelihood.residual(point.expected))
        coords = self.penalty.subgradient(point.coords, loss)
        vectors = self.smooth.vectors
        peak = max(float(coords.max(initial=0)), -float(coords.min(initial=0)))
        gap, support = np.nan, 0
        if certify:
            support = self._support(point.coords)
            dual = -np.inf  # without a settled intercept the residual is no dual point
            if point.settled:
                dual = dual_value(self.likelihood, self.penalty, point.expected, loss)
            # Free weights and the intercept must be settled for a bound, here and where it is from.
            self._bound = dual if self.penalty.has_free else max(self._bound, dual)
            gap = max(self.value(point) - self._bound, 0.0)
        return Subgradient(coords, loss, vectors.dot(coords, coords), peak, gap, support)

    def _support(self, W):
        """Number of columns with a weight other than 0."""
        columns, design = support_of(W)[0], self.space.design
        return len(np.unique(design.columns[columns] if design.paired else columns))

    def strengthened(self, factor, point, subgradient):
        """The objective with its penalty times a factor, and its subgradient at the point."""
        stronger = CompositeObjective(self.smooth, self.penalty.times(factor))
        stronger._csc, stronger._column_counts = self._csc, self._column_counts
        coords = stronger.penalty.subgradient(point.coords, subgradient.loss)
        square = self.smooth.vectors.dot(coords, coords)
        return stronger, replace(subgradient, coords=coords, square=square)

    def gap(self, subgradient):
        """Duality gap at the point of the subgradient."""
        return subgradient.gap
