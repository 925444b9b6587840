"""Dense data with fewer rows than columns: the same problem in as many columns as rows.

A Gaussian prior does not change under rotations of the weights. With X' = Q R, Q (d, n) of orthonormal
columns, the scores X W = R' (Q' W) depend on V = Q' W alone, and |W| is least where W = Q V: the problem in
V, with the (n, n) data R', has the same optimum. Q is never formed, which would take as long again as R: it
is kept as the reflections that it is made of (Golub & Van Loan, Matrix Computations, 5.1 and 5.2).
"""

import numpy as np
from scipy import linalg

from ...numerics.threads import even_cuts

# Columns for each row from which they are rotated in pieces, in threads, and the results once more
# (Demmel et al. 2012), and the number of pieces.
LONG, PIECES = 16, 4
# Columns of a right-hand side to which reflections are applied one by one.
FEW = 16


class Reflections:
    """Householder reflections that make the transpose of a matrix triangular: A' = Q R.

    Parameters
    ----------
    A : ndarray of shape (n, m), n <= m

    Attributes
    ----------
    R : ndarray of shape (n, n), float64
        Upper triangular.
    """

    def __init__(self, A):
        self._shape = A.shape
        transposed = np.array(A.T, dtype=float, order="F")
        (self._vectors, self._factors), self.R = linalg.qr(
            transposed, overwrite_a=True, mode="raw", check_finite=False
        )

    def expand(self, V):
        """Q V, (m, K), for V (n, K)."""
        n, m = self._shape
        padded = np.zeros((m, V.shape[1]), order="F")
        padded[:n] = V
        return self._times(padded, "N")

    def contract(self, W):
        """Q' W, (n, K), for W (m, K)."""
        return self._times(np.array(W, dtype=float, order="F"), "T")[: self._shape[0]]

    def _times(self, C, transposed):
        multiply = linalg.lapack.dormqr
        arguments = "L", transposed, self._vectors, self._factors, C
        # The least working memory has LAPACK apply one reflection after another: of few columns in a tenth of
        # the time that it takes to join some into blocks.
        few = C.shape[1] <= FEW
        lwork = C.shape[1] if few else int(multiply(*arguments, lwork=-1)[1][0])
        return multiply(*arguments, lwork=lwork, overwrite_c=1)[0]


class Rotation:
    """The rotation Q of some data, and the rotated data.

    Parameters
    ----------
    X : ndarray of shape (n, d), n < d
    workers : Workers

    Attributes
    ----------
    X : ndarray of shape (n, n), float64
    n_columns : int
        d.
    """

    def __init__(self, X, workers):
        n, d = X.shape
        self.n_columns = d
        self._cuts = even_cuts(d, PIECES if d >= LONG * n else 1)
        self._parts = workers.map(lambda cut: Reflections(X[:, cut]), self._cuts)
        self._whole = None
        if len(self._parts) > 1:
            self._whole = Reflections(np.hstack([part.R.T for part in self._parts]))
        self.X = np.ascontiguousarray((self._whole or self._parts[0]).R.T)

    def restored(self, V):
        """Weights (d, K) from those of the rotated columns (n, K)."""
        V = V if self._whole is None else self._whole.expand(V)
        pieces = np.split(V, len(self._parts))
        return np.concatenate([part.expand(piece) for part, piece in zip(self._parts, pieces)])

    def reduced(self, W):
        """The weights of the rotated columns that give the same scores."""
        V = np.concatenate([part.contract(W[cut]) for part, cut in zip(self._parts, self._cuts)])
        return V if self._whole is None else self._whole.contract(V)
