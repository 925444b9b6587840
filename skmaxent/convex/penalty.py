"""Penalties: what a prior adds to the loss, as a function of the weights.

    Gaussian      ridge / 2 |W|^2                                    on the user's weights
    ElasticNet    sum_jk lasso_jk |w_jk| + ridge_jk / 2 w_jk^2       on the solved weights

Both are on the scale of the total weight and offer the same. A Gaussian prior is measured by the space of
coordinates, so that it serves coordinates of rows as well; in an elastic net every weight can have its own
strengths. Where the strengths of a weight are 0 it is free; an infinite `lasso` excludes it.
"""

import numpy as np

from ..numerics.sparse import peak, support_of
from .objective import Gradient
from .proofs.elastic_net import ElasticNetProof
from .proofs.gaussian import GaussianProof

# Weights that are summed faster than those that are not 0 are found.
FEW = 4_000


class Gaussian:
    """The same Gaussian prior on all weights.

    Parameters
    ----------
    ridge : float
        1 / C; 0 for no prior.
    """

    smooth = True  # no Laplace part
    lasso = 0.0
    proof = GaussianProof

    def __init__(self, ridge):
        self.ridge = ridge

    def astype(self, dtype):
        """The penalty in another precision: the same."""
        return self

    @property
    def has_free(self):
        """Whether some weight has no penalty at all: here all or none."""
        return not self.ridge

    is_none = has_free

    def free(self, shape):
        """Mask of the weights that have no penalty at all."""
        return np.full(shape, not self.ridge)

    def at_point(self, point):
        """The penalty at a point."""
        return 0.5 * self.ridge * point.square

    def of(self, weights, space):
        """The penalty of weights of the design."""
        weights = weights if space.scale is None else weights / space.scale
        return 0.5 * self.ridge * float(np.sum(weights * weights, dtype=float))

    def gradient(self, objective, point, loss, report=True):
        """The `Gradient` at a point from the gradient of the loss, which is overwritten."""
        space = objective.space
        if self.ridge:
            space.penalise(loss, self.ridge, point.coords)
        square, largest, scores = space.dual_norm(loss)
        return Gradient(loss, scores, None, max(square, 0.0), largest)


class ElasticNet:
    """A Laplace and a Gaussian prior on each weight, each with its own strength.

    Parameters
    ----------
    lasso, ridge : float or ndarray of shape (d, 1) or (d, K)
        Non-negative strengths; `ridge` is finite.
    """

    smooth = False

    def __init__(self, lasso, ridge):
        self.lasso, self.ridge = (s if isinstance(s, np.ndarray) else float(s) for s in (lasso, ridge))

    @classmethod
    def from_prior(cls, C, l1_ratio, multipliers=None, dtype=np.float64):
        """The penalty of strength 1 / C.

        Parameters
        ----------
        C : float
        l1_ratio : float in [0, 1]
            Share of the Laplace prior.
        multipliers : ndarray of shape (d, 1) or (d, K), optional
            Factors on the strength: 0 for a free weight, inf to exclude it.
        dtype : dtype
            Of the arrays.
        """
        lasso, ridge = l1_ratio / C, (1 - l1_ratio) / C
        if multipliers is None:
            return cls(lasso, ridge)
        excluded = np.isinf(multipliers)
        finite = np.where(excluded, 0.0, multipliers)
        return cls(np.where(excluded, np.inf, lasso * finite).astype(dtype), (ridge * finite).astype(dtype))

    def proof(self, objective):
        """What proves how far a point is from the optimum; without any penalty nothing cancels."""
        return (GaussianProof if self.is_none else ElasticNetProof)(objective)

    def at(self, place):
        """The penalty on the weights `W[place]`.

        Parameters
        ----------
        place : tuple of ndarray
            An index of rows, or of rows and classes, of weights (d, K).
        """

        def part(strength):
            if isinstance(strength, float) or len(place) == 1:
                return strength if isinstance(strength, float) else strength[place]
            return strength[place[0], place[1] if strength.shape[1] > 1 else 0]

        return ElasticNet(part(self.lasso), part(self.ridge))

    def times(self, factor):
        """The penalty times a number."""
        return ElasticNet(self.lasso * factor, self.ridge * factor)

    def astype(self, dtype):
        """The penalty in another precision."""
        return ElasticNet(
            *(part if isinstance(part, float) else part.astype(dtype) for part in (self.lasso, self.ridge))
        )

    @property
    def has_free(self):
        """Whether some weight has no penalty at all."""
        return bool(np.any((np.asarray(self.lasso) == 0) & (np.asarray(self.ridge) == 0)))

    @property
    def is_none(self):
        """Whether no weight has a penalty."""
        return not (np.any(self.lasso) or np.any(self.ridge))

    def free(self, shape):
        """Mask of the weights that have no penalty at all."""
        return np.broadcast_to((np.asarray(self.lasso) == 0) & (np.asarray(self.ridge) == 0), shape)

    def scaled(self, scale):
        """The penalty of weights that are larger by factors (d, 1), as function of these."""
        return ElasticNet(self.lasso / scale, self.ridge / scale / scale)

    def at_point(self, point):
        """The penalty at a point."""
        return self.value(point.coords)

    def of(self, weights, space):
        """The penalty of weights of the design."""
        return self.value(weights)

    def gradient(self, objective, point, loss, report=True):
        """The `Gradient` at a point from that of the loss; its peak and the support only for a report."""
        coords = self.subgradient(point.coords, loss)
        gradient = Gradient(coords, None, loss, objective.vectors.dot(coords, coords))
        if report:
            columns, design, scale = support_of(point.coords)[0], objective.space.design, objective.scale
            gradient.support = len(np.unique(design.columns[columns] if design.paired else columns))
            gradient.peak = peak(coords if scale is None else coords * scale)
        return gradient

    def value(self, W):
        """P(W), summed in float64."""
        if isinstance(self.lasso, float) and isinstance(self.ridge, float) and W.size <= FEW:
            square = np.vdot(W, W) if self.ridge else 0.0
            return float(self.lasso * np.abs(W).sum(dtype=float) + 0.5 * self.ridge * square)
        support = support_of(W)
        at, weights = self.at(support), W[support].astype(float)
        return float(np.sum(at.lasso * np.abs(weights)) + 0.5 * np.sum(at.ridge * weights**2))

    def subgradient(self, W, gradient):
        """The subgradient of loss + P of smallest norm, from the gradient of the loss: 0 at an optimum.

        Parameters
        ----------
        W, gradient : ndarray of shape (d, K)

        Returns
        -------
        V : ndarray of shape (d, K)
        """
        support = support_of(W)
        weights = W[support]
        # At 0 the subdifferential of |w| is an interval: G moves towards 0 by up to its length.
        bound = W.dtype.type(self.lasso) if isinstance(self.lasso, float) else self.lasso
        V = np.clip(gradient, -bound, bound)
        np.subtract(gradient, V, out=V)
        at = self.at(support)
        V[support] = gradient[support] + (at.ridge * weights + at.lasso * np.sign(weights)).astype(W.dtype)
        return V

    def conjugate(self, gradient, share=1.0):
        """P*(-share * G), G the gradient of the loss; inf where no dual point exists.

        Free weights are left out: their part of G is 0 at a minimum over them.
        """
        lasso, ridge = self.lasso, self.ridge
        if isinstance(lasso, float) and not np.any(ridge):
            largest = share * peak(gradient)
            return 0.0 if not lasso or largest <= lasso else np.inf
        over = np.maximum(share * np.abs(gradient) - lasso, 0)
        if isinstance(ridge, float) and ridge:
            return 0.5 / ridge * float(np.sum(over * over, dtype=float))
        lasso, ridge = (np.broadcast_to(part, gradient.shape) for part in (lasso, ridge))
        smooth = ridge > 0
        if np.any(over[~smooth] > 0, where=lasso[~smooth] > 0):
            return np.inf
        return 0.5 * float(np.sum(over[smooth] ** 2 / ridge[smooth], dtype=float))

    def shares(self, gradient):
        """Shares t <= 1 for which P*(-t G) is finite: the largest one, and that at which it is 0.

        They differ where some weights have a ridge; free weights are left out, as in `conjugate`. They are
        rounded down: s |G| does not exceed the bound by rounding.
        """
        down = 1 - 4 * np.finfo(gradient.dtype).eps
        if isinstance(self.lasso, float) and isinstance(self.ridge, float):
            largest = peak(gradient)
            share = min(1.0, down * self.lasso / largest) if self.lasso and largest else 1.0
            return {1.0 if self.ridge else share, share}
        lasso, ridge = (np.broadcast_to(part, gradient.shape) for part in (self.lasso, self.ridge))
        penalised = lasso > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.abs(gradient) / lasso
        return {
            min(1.0, down / max(down, float(np.max(excess, initial=0.0, where=chosen))))
            for chosen in (penalised & (ridge == 0), penalised)
        }
