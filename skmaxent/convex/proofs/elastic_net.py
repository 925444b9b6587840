"""The duality gap under an elastic net: the value less the best lower bound that the fit has met."""

from functools import cached_property

import numpy as np

from .certificate import dual_value
from .free import SIDE, FreeSystem, is_manageable, least_decrement
from .rounding import EPS, Rounding

# Times that weights may join the repair of a dual point.
REPAIRS = 5
# Largest shift of the intercept that settles the class totals of Newton's masses and keeps them positive.
SMALL_SHIFT = 0.1


class ElasticNetProof:
    """How far a point can be from the optimum of an Objective with an ElasticNet; see `certificate`."""

    def __init__(self, objective):
        self._objective = objective
        self._bound = -np.inf  # the largest dual value met: no objective is below it
        self._unsettled = 0.0  # what the last bound lost to class totals that do not agree

    @property
    def exists(self):
        """Whether there is a gap: not where too many weights have no penalty."""
        return self._is_manageable(self._objective.free)

    @property
    def repairable(self):
        """Whether there is a last resort: with few weights, some of which have no Gaussian part."""
        F = self._objective
        return np.prod(F.coords_shape) <= SIDE and not np.all(F.penalty.ridge)

    def _is_manageable(self, mask):
        F = self._objective
        return is_manageable(F.space.design, mask, F.likelihood.shape[1], F.fit_intercept)

    def gap(self, point, gradient, residual):
        """How far the point can be from the optimum by the best bound, and whether its intercept matters."""
        F = self._objective
        proves = point.settled and not F.penalty.has_free
        if F.dtype != np.float64:  # on the way only
            if proves:
                self._bound = max(
                    self._bound, dual_value(F.likelihood, F.penalty, point.expected, gradient.loss)
                )
            gap = max(F.value(point) - self._bound, 0.0)
        else:
            if proves:
                self._add_bound(point, point.expected, gradient.loss, residual, point.decrement)
            gap = self._above_bound(point, residual)
        return gap, self._unsettled > 0.1 * gap

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
        F = self._objective
        tilt, root = 0.0, np.sqrt(decrement)
        total, spare = F.likelihood.total_weight, 0.0
        if F.fit_intercept:
            tilt = F.excess(masses) @ point.intercept
            spare = 4 * EPS * total * float(np.ptp(np.append(point.intercept, 0.0)))
        error = self._rounding.of_gradient(residual, root * F.heaviest + F.likelihood.state_error)
        bound = np.abs(loss) + error
        if repair is not None:
            mask, target = repair
            bound = np.where(mask, np.abs(target), bound)
            tilt += float(np.sum((loss - target) * point.coords, where=mask))
            spare += float(np.sum(error * np.abs(point.coords), where=mask))
        dual = dual_value(F.likelihood, F.penalty, masses, bound, tilt)
        if not np.isfinite(dual):
            return
        value = F.value(point)
        self._unsettled = decrement + 2 * root * np.sqrt(max(value - dual, 0.0))
        self._unsettled += root * F.heaviest * F.norm * np.linalg.norm(point.coords)
        dual -= self._unsettled + spare + 2 * EPS * total + self._value_error(point, residual)
        self._bound = max(self._bound, dual)

    def add_masses(self, point, masses):
        """Take the bound that some masses give, near the expected ones or not.

        The class totals are settled first.

        Parameters
        ----------
        point : Point
        masses : ndarray of shape (n, K), float64
            Those of the rows sum to their weights.

        Returns
        -------
        masses : ndarray of shape (n, K)
            With their class totals settled.
        loss : ndarray like the weights, or None
            Gradient of the loss that these give; None where they prove nothing.
        gap : float
            Of the point, by the best bound; infinite where they prove nothing.
        """
        F = self._objective
        likelihood = F.likelihood
        size, decrement = F.norm_of(masses), 0.0
        if F.fit_intercept and np.isfinite(size):
            masses, decrement = self._settled(masses)
        if not np.isfinite(size + decrement):
            return masses, None, np.inf
        residual = likelihood.residual(masses)
        norm, root, total = F.norm_of(residual), np.sqrt(decrement), likelihood.total_weight
        loss = F.space.pull(residual)
        error = self._rounding.of_gradient(norm, root * F.heaviest + likelihood.state_error + 4 * EPS * size)
        dual = dual_value(likelihood, F.penalty, masses, np.abs(loss) + error)
        # The masses nearest to these that fulfil all conditions are m p (1 + e), sum m p e^2 <= decrement,
        # and sum m p log^2 p is at most total (1 + log K)^2.
        lost = decrement + 2 * root * np.sqrt(total) * (1 + np.log(max(likelihood.shape[1], 2)))
        dual -= lost + 4 * EPS * (abs(dual) + total) + self._value_error(point, norm)
        if dual > self._bound:  # not where it is nan
            self._bound = dual
        return masses, loss, self._above_bound(point, norm)

    def _settled(self, masses):
        """Masses moved to where the class totals agree, and the decrement left; infinite if they cannot.

        The move is linear in a shift of the intercept, so that one step is exact, and so small that all
        masses stay positive. Classes, or groups of them, that no uncertain row connects cannot be moved.
        """
        F = self._objective
        likelihood, vectors = F.likelihood, F.vectors
        H, inverse = likelihood.intercept_hessian(masses), F.inverse_intercept_hessian(masses)
        with np.errstate(over="ignore", invalid="ignore"):  # where all rows are certain
            step = -(inverse @ F.excess(masses))
            rank = float(np.sum(inverse * H))  # H is symmetric
        small = np.ptp(np.append(step, 0.0)) <= SMALL_SHIFT
        if not (small and abs(rank - max(len(H) - 1, 1)) < 0.01):
            return masses, np.inf
        masses = vectors.sum(masses, likelihood.curvature(masses, vectors.zeros_like(masses), step))
        excess = F.excess(masses)
        # No curvature has fallen by more than the square of 1 - SMALL_SHIFT.
        return masses, max(float(excess @ inverse @ excess), 0.0) / (1 - SMALL_SHIFT) ** 2

    def _value_error(self, point, residual):
        F = self._objective
        shape = F.likelihood.shape
        rounded = self._rounding.of_value(F.value(point), point.coords, residual, shape)
        return rounded + F.likelihood.value_error

    def _above_bound(self, point, residual):
        """Value of the point less the best bound; infinite where that is above it and proves nothing."""
        F = self._objective
        gap = F.value(point) + self._value_error(point, residual) - self._bound
        if gap < 0:
            self._bound, gap = -np.inf, np.inf
        return gap

    def certify(self, point, gradient, enough, last_resort):
        """See `Objective.certify`.

        The part of the gradient of free weights must be 0. Other weights without a Gaussian part must keep
        to their bound; where that is weak beside the rounding of the gradient, scaling the dual point for
        all of them costs too much, and as a last resort they are repaired too.
        """
        F = self._objective
        residual, step, mask = F.norm_of(F.likelihood.residual(point.expected)), None, F.free
        if last_resort:
            mask = mask | self._doubtful(point, gradient.loss, residual, point.decrement)
        for _ in range(REPAIRS):
            if not mask.any() or not self._is_manageable(mask):
                break
            if least_decrement(F, point, gradient.coords, mask) > enough:
                break
            step, target, loss, left = self._repaired(point, gradient.loss, mask)
            if step.masses is None:
                break
            residual = F.norm_of(F.likelihood.residual(step.masses))
            beyond = np.zeros_like(mask)
            if last_resort:
                beyond = self._doubtful(point, loss, residual, left) & ~mask
            if not beyond.any():
                self._add_bound(point, step.masses, loss, residual, left, (mask, target))
                break
            mask = mask | beyond
        return self._above_bound(point, residual), step

    def _doubtful(self, point, loss, residual, decrement):
        """Mask of the weights without a Gaussian part that are in use or may exceed their bound."""
        F = self._objective
        error = self._rounding.of_gradient(residual, np.sqrt(decrement) * F.heaviest)
        doubtful = (np.abs(loss) + error > F.penalty.lasso) | (point.coords != 0)
        return doubtful & (np.asarray(F.penalty.ridge) == 0)

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
        F = self._objective
        lasso = F.penalty.lasso
        edge = -np.copysign(lasso, point.coords)
        target = np.where(point.coords != 0, edge, np.clip(loss, -lasso, lasso)) * (1 - 4 * EPS)
        system = FreeSystem(F, point.expected, mask)
        step = system.step(loss - target, F.excess(point.expected), point.expected)
        if step.masses is None:
            return step, target, None, np.inf
        loss = F.space.pull(F.likelihood.residual(step.masses))
        again = system.step(loss - target, F.excess(step.masses), step.masses)
        return step, target, loss, again.decrement

    @cached_property
    def _rounding(self):
        """What rounding can do to values and gradients."""
        F = self._objective
        design = F.space.design
        return Rounding(*design.row_bounds(), np.sqrt(design.weight_squares()), design.shape[0])
