"""The training objective under an elastic-net penalty, on all columns or on a working set of them.

F(W, b) = sum_i m_i * -log p(y_i | x_i)  +  sum_jk lasso_jk |w_jk| + ridge_jk / 2 * w_jk^2
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from ..numerics.sparse import column_counts, peak
from .design.blocks import make_design, row_squares, weight_squares
from .design.pairs import PairDesign
from .objective import Objective
from .penalty import support_of
from .proofs.certificate import dual_value
from .proofs.free import SIDE, FreeSystem, is_manageable, least_decrement
from .proofs.rounding import EPS, Rounding
from .spaces import WeightSpace

# Times that weights may join the repair of a dual point.
REPAIRS = 5
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
    scale : ndarray of shape (d, 1), or (m, 1) of pairs, optional
        By how much the weights are larger than the user's, for reports.
    """

    def __init__(self, likelihood_part, penalty, scale=None):
        self.smooth, self.penalty, self.scale = likelihood_part, penalty, scale
        self.likelihood, self.space = likelihood_part.likelihood, likelihood_part.space
        self.dtype, self.fit_intercept = likelihood_part.dtype, likelihood_part.fit_intercept
        self.coords_shape = likelihood_part.coords_shape
        self._csc = self._column_counts = None
        self._bound = -np.inf  # the largest dual value met: no objective is below it
        self._unsettled = 0.0  # what the last bound lost to class totals that do not agree

    @classmethod
    def build(cls, X, likelihood, penalty, fit_intercept, vectors):
        """The objective on the columns of X."""
        design = make_design(X, likelihood.shape[1], vectors.workers)
        return cls(Objective(WeightSpace(design, vectors), likelihood, 0.0, fit_intercept, vectors), penalty)

    @property
    def has_free(self):
        """Whether some weight has no penalty at all."""
        return self.penalty.has_free

    @property
    def unpenalised(self):
        """Whether no weight has a penalty."""
        return not (np.any(self.penalty.lasso) or np.any(self.penalty.ridge))

    @property
    def free(self):
        """Mask of the weights that have no penalty at all."""
        return self.penalty.free(self.coords_shape)

    @property
    def certifiable(self):
        """Whether there is a gap: not where too many weights have no penalty."""
        return is_manageable(self.space.design, self.free, self.likelihood.shape[1], self.fit_intercept)

    @property
    def repairable(self):
        """Whether `certify` is a last resort: with few weights, some of which have no Gaussian part."""
        return np.prod(self.coords_shape) <= SIDE and not np.all(self.penalty.ridge)

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
            design = PairDesign(
                self._csc, columns, classes, allowed.shape[1], workers, design.tally, self.dtype
            )
            place = (columns[:, None], classes[:, None])
        else:
            tally = design.tally
            design = make_design(X[:, columns], allowed.shape[1], workers, self.dtype)
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

    def penalty_value(self, weights):
        """The penalty of weights."""
        return self.penalty.value(weights)

    def subgradient(self, point, certify=True):
        """The `Subgradient` at a point; an infinite gap where nothing is proven.

        With free weights that takes more: see `certify`.
        """
        residual = self.likelihood.residual(point.expected)
        norm = np.sqrt(self.smooth.vectors.dot(residual, residual)) if certify else np.nan
        loss = self.space.pull(residual)
        coords = self.penalty.subgradient(point.coords, loss)
        square = self.smooth.vectors.dot(coords, coords)
        gap, support, largest = np.nan, 0, np.nan
        if certify:
            support = self._support(point.coords)
            shown = coords if self.scale is None else coords * self.scale
            largest = peak(shown)
            gap = self._gap(point, loss, norm)
            if self._unsettled > 0.1 * gap and not point.tight:
                self.smooth.settle_intercept(point, tightly=True)
                return self.subgradient(point)
        return Subgradient(coords, loss, square, largest, gap, support)

    def _gap(self, point, loss, residual):
        """How far the point can be from the optimum by the best bound so far."""
        if self.dtype != np.float64:  # on the way only
            if point.settled and not self.penalty.has_free:
                dual = dual_value(self.likelihood, self.penalty, point.expected, loss)
                self._bound = max(self._bound, dual)
            return max(self.value(point) - self._bound, 0.0)
        if point.settled and not self.penalty.has_free:
            self._add_bound(point, point.expected, loss, residual, point.decrement)
        return self._above_bound(point, residual)

    def _add_bound(self, point, masses, loss, residual, decrement, repair=None):
        """Take the bound that masses near the expected ones give, less all that is not exact in it.

        Parameters
        ----------
        point : Point
        masses : ndarray of shape (n, K)
        loss : ndarray like the weights
            Gradient of the loss that they give.
        residual : float
            Norm of masses less labels.
        decrement : float
            Bound on the relative entropy of the nearest masses that fulfil all conditions.
        repair : tuple of ndarray (mask, target), optional
            For the weights of the mask the condition is that the gradient is `target`.
        """
        tilt, root = 0.0, np.sqrt(decrement)
        heaviest = np.sqrt(float(self.likelihood.weights.max(initial=0)))
        total, spare = float(self.likelihood.weights.sum()), 0.0
        if self.fit_intercept:
            tilt = self.smooth.excess(masses) @ point.intercept
            spare = 4 * EPS * total * float(np.ptp(np.append(point.intercept, 0.0)))
        error = self.rounding.of_gradient(residual, root * heaviest)
        bound = np.abs(loss) + error
        if repair is not None:
            mask, target = repair
            bound = np.where(mask, np.abs(target), bound)
            tilt += float(np.sum((loss - target) * point.coords, where=mask))
            spare += float(np.sum(error * np.abs(point.coords), where=mask))
        dual = dual_value(self.likelihood, self.penalty, masses, bound, tilt)
        if not np.isfinite(dual):
            return
        value = self.value(point)
        self._unsettled = decrement + 2 * root * np.sqrt(max(value - dual, 0.0))
        self._unsettled += root * heaviest * self.smooth.norm * np.linalg.norm(point.coords)
        dual -= self._unsettled + spare + 2 * EPS * total + self._value_error(point, residual)
        self._bound = max(self._bound, dual)

    def _value_error(self, point, residual):
        shape = self.likelihood.shape
        return self.rounding.of_value(self.value(point), point.coords, residual, shape)

    def _above_bound(self, point, residual):
        """Value of the point less the best bound; infinite where that is above it and proves nothing."""
        gap = self.value(point) + self._value_error(point, residual) - self._bound
        if gap < 0:
            self._bound, gap = -np.inf, np.inf
        return gap

    def certify(self, point, subgradient, enough, last_resort=False):
        """The gap at the point by a dual point repaired by Newton's method, and its step.

        Free weights have no other: their part of the gradient must be 0. Other weights without a Gaussian
        part must keep to their bound; where that is weak beside the rounding of the gradient, scaling the
        dual point for all of them costs too much, and as a last resort they are repaired too.

        Parameters
        ----------
        point : Point
        subgradient : Subgradient
        enough : float
            A larger gap is of no use: where it is certain to be larger nothing is computed.
        last_resort : bool

        Returns
        -------
        gap : float
        step : FreeStep or None
            None where nothing was computed.
        """
        if not point.settled:
            return np.inf, None
        residual, step, mask = self._residual_norm(point.expected), None, self.free
        if last_resort:
            mask = mask | self._doubtful(point, subgradient.loss, residual, point.decrement)
        for _ in range(REPAIRS):
            manageable = is_manageable(self.space.design, mask, self.likelihood.shape[1], self.fit_intercept)
            if not mask.any() or not manageable:
                break
            if least_decrement(self.smooth, point, subgradient.coords, mask) > enough:
                break
            step, target, loss, left = self._repaired(point, subgradient.loss, mask)
            if step.masses is None:
                break
            residual = self._residual_norm(step.masses)
            beyond = np.zeros_like(mask)
            if last_resort:
                beyond = self._doubtful(point, loss, residual, left) & ~mask
            if not beyond.any():
                self._add_bound(point, step.masses, loss, residual, left, (mask, target))
                break
            mask = mask | beyond
        return self._above_bound(point, residual), step

    def _residual_norm(self, masses):
        residual = self.likelihood.residual(masses)
        return np.sqrt(self.smooth.vectors.dot(residual, residual))

    def _doubtful(self, point, loss, residual, decrement):
        """Mask of the weights without a Gaussian part that are in use or may exceed their bound."""
        heaviest = np.sqrt(float(self.likelihood.weights.max(initial=0)))
        error = self.rounding.of_gradient(residual, np.sqrt(decrement) * heaviest)
        doubtful = (np.abs(loss) + error > self.penalty.lasso) | (point.coords != 0)
        return doubtful & (np.asarray(self.penalty.ridge) == 0)

    def _repaired(self, point, loss, mask):
        """Newton's step that brings the gradient of the loss to its target on a mask of weights.

        Returns
        -------
        step : FreeStep
        target : ndarray like the weights
            What the KKT conditions ask for, so that weights and dual point are complementary.
        loss : ndarray like the weights
            Gradient of the loss at the new masses.
        left : float
            Bound on the relative entropy of the nearest masses that reach the target.
        """
        lasso = self.penalty.lasso
        edge = -np.copysign(lasso, point.coords)
        target = np.where(point.coords != 0, edge, np.clip(loss, -lasso, lasso)) * (1 - 4 * EPS)
        system = FreeSystem(self.smooth, point.expected, mask)
        step = system.step(
            np.where(mask, loss - target, 0), self.smooth.excess(point.expected), point.expected
        )
        if step.masses is None:
            return step, target, None, np.inf
        loss = self.space.pull(self.likelihood.residual(step.masses))
        again = system.step(np.where(mask, loss - target, 0), self.smooth.excess(step.masses), step.masses)
        return step, target, loss, again.decrement

    @cached_property
    def rounding(self):
        """What rounding can do to values and gradients."""
        X, design = self.space.design.X, self.space.design
        norms = np.sqrt(weight_squares(design))
        rows = np.sqrt(row_squares(X).max(initial=0))
        n_terms = X.shape[1]
        if sparse.issparse(X):
            n_terms = column_counts(X.T).max(initial=1)
        return Rounding(int(n_terms), float(rows), norms, X.shape[0])

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
