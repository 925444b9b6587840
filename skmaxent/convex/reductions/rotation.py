"""Dense data with fewer rows than columns: the same problem in as many columns as rows.

A Gaussian prior does not change under rotations of the weights. With X' = Q R, Q (d, n) of orthonormal
columns, the scores X W = R' (Q' W) depend on V = Q' W alone, and |W| is least where W = Q V: the problem in
V, with the (n, n) data R', has the same optimum.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg


@dataclass(frozen=True)
class Rotation:
    """Q, and the rotated data.

    Attributes
    ----------
    Q : ndarray of shape (d, n)
    X : ndarray of shape (n, n), float64
    """

    Q: np.ndarray
    X: np.ndarray

    @classmethod
    def of(cls, X):
        """For dense X (n, d), n < d."""
        Q, R = linalg.qr(X.T.astype(float), mode="economic", overwrite_a=True, check_finite=False)
        return cls(Q, np.ascontiguousarray(R.T))

    def restored(self, V):
        """Weights (d, K) from those of the rotated columns (n, K)."""
        return self.Q @ V

    def reduced(self, W):
        """The weights of the rotated columns that give the same scores."""
        return self.Q.T @ W
