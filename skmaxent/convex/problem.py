"""The training problem: a validated design with label masses and row weights, free of zero-weight rows."""

from dataclasses import dataclass, replace

import numpy as np

from ..numerics.sparse import take_rows
from .likelihood import Binary, Multinomial


@dataclass(frozen=True)
class Problem:
    """n rows, d columns, K classes.

    Attributes
    ----------
    X : ndarray or canonical CSR/CSC array of shape (n, d), float64 or float32
    weights : ndarray of shape (n,), dtype of X
        Total label mass of each row, positive.
    n_classes : int
        K >= 2.
    codes : integer ndarray of shape (n,) or None
        The class of each row, when no row has more than one.
    masses : ndarray of shape (n, K) or None
        The label masses otherwise; their row sums are `weights`.
    symmetric : bool
        Whether two classes have a score column each, as more classes have. The penalty on two columns
        is half of that on the one column of their difference.
    """

    X: object
    weights: np.ndarray
    n_classes: int
    codes: np.ndarray | None = None
    masses: np.ndarray | None = None
    symmetric: bool = False

    @property
    def n_outputs(self):
        """Number of score columns: one when binary."""
        return 1 if self.n_classes == 2 and not self.symmetric else self.n_classes

    def likelihood(self, workers):
        """The likelihood as a function of the scores."""
        kind = Binary if self.n_outputs == 1 else Multinomial
        return kind(self.codes, self.masses, self.weights, self.n_outputs, workers)

    def comparable(self):
        """An array with one row a datum, equal when the data are: the input of presolve."""
        return self.X

    def label_masses(self):
        """Label masses (n, K), also where every row has a single label."""
        if self.codes is None:
            return self.masses
        return self.weights[:, None] * (self.codes[:, None] == np.arange(self.n_classes))

    def separates(self, scores):
        """Whether every row scores its own class strictly above all others."""
        if self.codes is None:
            return False
        if self.n_outputs == 1:
            return bool(((2 * self.codes - 1) * scores[:, 0] > 0).all())
        rows, others = np.arange(len(scores)), scores.copy()
        others[rows, self.codes] = -np.inf
        return bool((scores[rows, self.codes] > others.max(axis=1)).all())

    def with_rows(self, rows, group):
        """The problem on the rows `rows`, the weights of all rows added up by `group`.

        Parameters
        ----------
        rows : integer ndarray of shape (m,)
            One representative of each group, in the new order.
        group : integer ndarray of shape (n,)
            New row of each old row.
        """
        X = take_rows(self.X, rows)
        m = len(rows)
        weights = np.bincount(group, weights=self.weights, minlength=m).astype(self.weights.dtype)
        if self.codes is not None:
            codes = self.codes[rows]
            if np.array_equal(self.codes, codes[group]):
                return replace(self, X=X, weights=weights, codes=codes)
        masses = np.zeros((m, self.n_classes), self.weights.dtype)
        if self.codes is None:
            np.add.at(masses, group, self.masses)
        else:
            np.add.at(masses, (group, self.codes), self.weights)
        return replace(self, X=X, weights=weights, codes=None, masses=masses)
