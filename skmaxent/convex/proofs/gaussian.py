"""The duality gap under a Gaussian prior, without cancellation; with no prior Newton's decrement."""

import numpy as np

from .free import SIDE, FreeSystem, is_manageable, least_decrement
from .rounding import EPS, rounding

# Part of the gradient's norm that an unsettled intercept may add to it in the bound.
UNSETTLED = 0.1


class GaussianProof:
    """How far a point can be from the optimum of an Objective with a Gaussian penalty, or with none."""

    def __init__(self, objective):
        self._objective = objective
        self._ridge = 0.0 if objective.unpenalised else objective.penalty.ridge

    @property
    def exists(self):
        """Whether there is a gap: not where too many weights have no penalty."""
        if self._ridge:
            return True
        F = self._objective
        return F.space.preconditioned and is_manageable(
            F.space.design, F.free, F.likelihood.shape[1], F.fit_intercept
        )

    @property
    def repairable(self):
        """Whether there is a last resort: with few weights, whose own coordinates these are."""
        F = self._objective
        return F.space.preconditioned and self._ridge > 0 and np.prod(F.coords_shape) <= SIDE

    def gap(self, point, gradient, residual):
        """Duality gap F(W, b) - D(p), with the model's own probabilities as the dual point.

        D(mu) = sum_i m_i H(mu_i) - |X^T (m mu - t)|^2 / (2 ridge); at mu = p the difference is
        |gradient|^2 / (2 ridge), which can be computed without cancellation. Infinite unpenalised, and
        where the intercept is not settled, so that these probabilities are no dual point. Else the nearest
        dual point has a relative entropy of at most the decrement e' H^-1 e of the intercept, and moves the
        gradient by no more than its root times the norm of the weighted design. All of it, and the
        rounding of the gradient, is part of the bound.

        Returns
        -------
        gap : float
        is_drifting : bool
            Whether the intercept's part in it is large.
        """
        F, ridge = self._objective, self._ridge
        if not ridge or not point.settled:
            return np.inf, False
        if F.dtype != np.float64:  # on the way only
            return gradient.square / (2 * ridge), False
        root = np.sqrt(gradient.square)
        error = F.norm * (rounding(F.likelihood.shape[0]) * residual + F.likelihood.state_error)
        coupling = F.norm * np.sqrt(point.decrement) * F.heaviest
        return (root + error + coupling) ** 2 / (2 * ridge) + point.decrement, coupling > UNSETTLED * root

    def certify(self, point, gradient, enough, last_resort):
        """See `Objective.certify`."""
        F = self._objective
        if last_resort:
            return self._weak_gap(point, gradient, enough), None
        if least_decrement(F, point, gradient.coords, F.free) > enough:
            return np.inf, None
        system = FreeSystem(F, point.expected, F.free)
        step = system.step(gradient.coords, F.excess(point.expected), point.expected)
        return (np.inf if step.masses is None else step.decrement), step

    def _weak_gap(self, point, gradient, enough):
        """Duality gap under a Gaussian prior by a dual point repaired where the prior is weak.

        |g_j|^2 / (2 lambda_j) asks for a gradient g_j far below its rounding where lambda_j is small beside
        the curvature. There Newton's step brings the dual point's gradient to what the weight asks for,
        -lambda_j w_j, and what rounding leaves of it counts times |w_j|.
        """
        F = self._objective
        likelihood, design = F.likelihood, F.space.design
        ridge = np.broadcast_to(self._ridge * np.asarray(F.space.units), point.coords.shape)
        norms = np.sqrt(design.weight_squares())

        def error(masses, decrement):
            residual = float(F.norm_of(likelihood.residual(masses)))
            return (rounding(likelihood.shape[0]) * residual + np.sqrt(decrement) * F.heaviest) * norms

        share = (np.abs(gradient.coords) + error(point.expected, point.decrement)) ** 2 / (2 * ridge)
        weak = share > 1e-3 * enough / share.size
        fit_intercept = F.fit_intercept
        if not weak.any() or not is_manageable(design, weak, likelihood.shape[1], fit_intercept):
            return np.inf
        system = FreeSystem(F, point.expected, weak)
        step = system.step(gradient.coords, F.excess(point.expected), point.expected)
        if step.masses is None:
            return np.inf
        left = F.space.pull(likelihood.residual(step.masses)) + ridge * point.coords
        excess = F.excess(step.masses)
        again = system.step(left, excess, step.masses).decrement
        beyond = np.abs(left) + error(step.masses, again)
        gap = (np.sqrt(step.decrement) + np.sqrt(again)) ** 2
        gap += np.sum(beyond**2 / (2 * ridge), where=~weak)
        gap += np.sum(beyond * np.abs(point.coords), where=weak)
        if fit_intercept:
            spread = float(np.ptp(np.append(point.intercept, 0.0)))
            gap += (np.abs(excess).sum() + 4 * EPS * likelihood.total_weight) * spread
        return float(gap)
