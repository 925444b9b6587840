"""The elastic-net penalty: a Laplace and a Gaussian prior on each weight, each with its own strength.

    P(W) = sum_jk lasso_jk |w_jk| + ridge_jk / 2 * w_jk^2

Both strengths are numbers or arrays (d, 1) or (d, K). An infinite `lasso` excludes the weight; where
both are 0 the weight is free.
"""

import numpy as np

from ..numerics.sparse import peak


def support_of(W):
    """Rows and columns of the entries of W that are not 0; much faster than `np.nonzero`."""
    return np.divmod(np.flatnonzero(W.reshape(-1) != 0), W.shape[1])


class ElasticNet:
    """P on the scale of the total weight.

    Parameters
    ----------
    lasso, ridge : float or ndarray of shape (d, 1) or (d, K)
        Non-negative strengths; `ridge` is finite.
    """

    def __init__(self, lasso, ridge):
        self.lasso, self.ridge = lasso, ridge

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

    def at(self, place):
        """The penalty on the weights `W[place]`.

        Parameters
        ----------
        place : tuple of ndarray
            An index of rows, or of rows and classes, of weights (d, K).
        """

        def part(strength):
            if np.isscalar(strength) or len(place) == 1:
                return strength if np.isscalar(strength) else strength[place]
            return strength[place[0], place[1] if strength.shape[1] > 1 else 0]

        return ElasticNet(part(self.lasso), part(self.ridge))

    def times(self, factor):
        """The penalty times a number."""
        return ElasticNet(self.lasso * factor, self.ridge * factor)

    def astype(self, dtype):
        """The penalty in another precision."""
        return ElasticNet(
            *(part if np.isscalar(part) else part.astype(dtype) for part in (self.lasso, self.ridge))
        )

    @property
    def has_free(self):
        """Whether some weight has no penalty at all."""
        return bool(np.any((np.asarray(self.lasso) == 0) & (np.asarray(self.ridge) == 0)))

    def free(self, shape):
        """Mask of the weights that have no penalty at all."""
        return np.broadcast_to((np.asarray(self.lasso) == 0) & (np.asarray(self.ridge) == 0), shape)

    def scaled(self, scale):
        """The penalty of weights that are larger by factors (d, 1), as function of these."""
        return ElasticNet(self.lasso / scale, self.ridge / scale / scale)

    def value(self, W):
        """P(W), summed in float64."""
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
        bound = W.dtype.type(self.lasso) if np.isscalar(self.lasso) else self.lasso
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
        if np.isscalar(lasso) and not np.any(ridge):
            largest = share * peak(gradient)
            return 0.0 if not lasso or largest <= lasso else np.inf
        over = np.maximum(share * np.abs(gradient) - lasso, 0)
        if np.isscalar(ridge) and ridge:
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
        if np.isscalar(self.lasso) and np.isscalar(self.ridge):
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
