"""Exact changes of units before solving, undone afterwards: columns near 0 and of like scale.

With an intercept, x and x - a give the same models: w stays, and the intercept moves by a w. A column far
from 0 is therefore shifted by a number near its mean, which is exact where all its values are within a
factor 2 of that (Sterbenz 1974). Columns of unlike scale are divided by powers of two, which is exact too:
w is multiplied by it, and the penalty of the column divided by its square. Within a candidate set any number
may be taken from a column. Solvers and certificates then work on numbers of ordinary size, whatever the units
of the data.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ...numerics.sparse import CACHED_ENTRIES, column_counts, column_squares, peak
from ...numerics.threads import even_cuts

# Columns are shifted whose mean is more than so many standard deviations from 0.
FAR = 8.0
# ... which a sparse column can only be with at least this share of its entries stored.
FULL = 0.9
# Root mean squares of the entries that are not 0, as powers of two, that are left as they are.
ORDINARY = 8
# Powers of two beyond which the square of a scale would overflow.
LIMIT = 500
# ... and beyond which it would in single precision.
SINGLE_LIMIT = 50
# Rows of dense data, or groups, from which a look at every so many is enough to find the columns; and rows
# that show which columns may lie far from 0.
SAMPLE, FEW = 2_000, 100


@dataclass(frozen=True)
class Units:
    """The columns of the solved problem: (x - shift) / scale.

    Attributes
    ----------
    scale : ndarray of shape (d,)
        Powers of two.
    shift : ndarray of shape (d,) or None
    """

    scale: np.ndarray
    shift: np.ndarray | None

    @property
    def spread(self):
        """By how much the columns differ in scale or lie away from 0 beside their scale."""
        unlike = float(self.scale.max() / self.scale.min())
        return unlike if self.shift is None else max(unlike, float(np.max(np.abs(self.shift) / self.scale)))

    def scales(self, design):
        """The scale of each weight of a design, (d, 1), or (m, 1) for one of pairs."""
        return (self.scale[design.columns] if design.paired else self.scale)[:, None]

    def restored(self, weights, intercept, design, dtype):
        """Weights and intercept of the user's columns from those of the solved problem.

        The intercept is the one that goes with the weights as they are in the given precision.
        """
        weights = (weights / self.scales(design)).astype(dtype)
        if self.shift is None:
            return weights, intercept
        if design.paired:
            votes = self.shift[design.columns] * weights[:, 0]
            return weights, intercept - np.bincount(design.classes, votes, minlength=len(intercept))
        return weights, intercept - self.shift @ weights

    def reduced(self, weights, intercept, design):
        """Weights and intercept of the solved problem from those of the user's columns."""
        if self.shift is not None:
            if design.paired:
                votes = self.shift[design.columns] * weights[:, 0]
                intercept = intercept + np.bincount(design.classes, votes, minlength=len(intercept))
            else:
                intercept = intercept + self.shift @ weights
        return weights * self.scales(design), intercept


def require_squares(largest):
    """Refuse a largest modulus whose square overflows: nothing could be proven of such columns."""
    if not largest <= 2.0**LIMIT:
        raise ValueError(
            f"Input X contains a value too large to be trained on: {largest:.3g} in modulus, where"
            f" {2.0**LIMIT:.3g} is the most. Divide its column by a constant."
        )


def fits_single(scale):
    """Whether the squares of the scales of weights are numbers of single precision."""
    return scale is None or bool(np.all(np.abs(np.log2(scale)) <= SINGLE_LIMIT))


def ordinary_units(X, fit_intercept, uniform=False, smaller=True):
    """X in ordinary units, and the Units that undo it; X itself and None where nothing is to be done.

    Parameters
    ----------
    X : ndarray or canonical CSR/CSC array of shape (n, d)
        Left as it is.
    fit_intercept : bool
        Whether columns may be shifted.
    uniform : bool
        Whether all columns must have the same scale.
    smaller : bool
        Whether columns of small numbers are changed too: not where a prior that is then strong in these units
        would not be looked after by a preconditioner.
    """
    shift = _far_means(X) if fit_intercept else None
    if shift is not None:
        X = _shifted(X, shift)
    if uniform:  # log2 of the largest entry
        exponents = np.full(X.shape[1], int(np.frexp(peak(X.data if sparse.issparse(X) else X))[1]))
    else:
        exponents = _exponents(X)
    if not smaller:
        exponents = np.maximum(exponents, 0)
    if (np.abs(exponents) <= ORDINARY).all():
        return X, None if shift is None else Units(np.ones(X.shape[1]), shift.astype(float))
    exponents = np.clip(exponents, -LIMIT, LIMIT)
    return _divided(X, exponents), Units(2.0**exponents, None if shift is None else shift.astype(float))


def near_in_groups(problem):
    """Candidate sets whose columns lie near 0 within their groups; the problem itself where they do.

    What the candidates of a group share changes no choice: of each group and column the number nearest to 0
    is taken from all of its rows, where that is exact.
    """
    if not hasattr(problem, "starts"):
        return problem
    X, starts, less_shared = problem.X, problem.starts, _dense_less_shared
    if sparse.issparse(X):
        X, less_shared = sparse.csr_array(X), _sparse_less_shared
    sizes = np.diff(starts)
    if len(sizes) > SAMPLE:
        some = np.arange(len(sizes)) % (len(sizes) // SAMPLE) == 0
        rows, part = np.repeat(some, sizes), np.concatenate([[0], np.cumsum(sizes[some])])
        if _near(X[np.flatnonzero(rows)], part, less_shared, 0.5 * FAR) is None:
            return problem
    moved = _near(X, starts, less_shared, FAR)
    return problem if moved is None else replace(problem, X=moved)


def _near(X, starts, less_shared, factor):
    """X less what its groups share, where some column lies so many times its spread from 0; else None."""
    moved = less_shared(X, starts)
    if moved is None:
        return None
    with np.errstate(over="ignore"):
        far = column_squares(X) > factor**2 * column_squares(moved)
    return moved if far.any() else None


def _dense_less_shared(X, starts):
    """X less what its groups share; None for nothing."""
    least, most = (extreme.reduceat(X, starts[:-1], axis=0) for extreme in (np.minimum, np.maximum))
    shared = _shared(least, most)
    if not shared.any():
        return None
    moved = np.repeat(shared, np.diff(starts), axis=0)
    return np.subtract(X, moved, out=moved)


def _sparse_less_shared(X, starts):
    """The same of a canonical CSR array, in which only columns of all rows of a group are shared."""
    # The entries of each group by column: a CSR array of the groups that has each of them several times.
    order = sparse.csr_array(
        (np.arange(X.nnz), X.indices.copy(), X.indptr[starts]), shape=(len(starts) - 1, X.shape[1])
    )
    order.sort_indices()
    sizes, group = np.diff(starts), np.repeat(np.arange(len(starts) - 1), np.diff(order.indptr))
    new = (np.diff(order.indices, prepend=-1) != 0) | (np.diff(group, prepend=-1) != 0)
    first = np.flatnonzero(new)
    if not len(first):
        return None
    counts, values = np.diff(first, append=X.nnz), X.data[order.data]
    shared = _shared(np.minimum.reduceat(values, first), np.maximum.reduceat(values, first))
    shared[counts < sizes[group[first]]] = 0
    if not shared.any():
        return None
    moved = X.copy()
    moved.data[order.data] -= np.repeat(shared, counts)
    moved.eliminate_zeros()
    return moved


def _shared(least, most):
    """Of numbers between these, the one nearest to 0 where it is exact to take it from them all; else 0."""
    nearest = np.clip(least.dtype.type(0), least, most)
    furthest = np.where(nearest > 0, most, least)
    nearest[0.5 * np.abs(furthest) > np.abs(nearest)] = 0  # Sterbenz's condition
    return nearest


def _far_means(X):
    """Shifts (d,) in the precision of X, 0 for columns that are near 0 as they are; None for none."""
    n, d = X.shape
    if sparse.issparse(X):
        counts = column_counts(X)
        columns = np.flatnonzero(counts >= FULL * n)
        values = X[:, columns].toarray()
    else:
        columns = np.arange(d)
        if n > FEW:
            columns = columns[_is_far(*_moments(X[:: n // FEW]), 0.5 * FAR)]
            if not len(columns):
                return None
        values = X if len(columns) == d else X[:, columns]
    mean, spread = _moments(values)
    far = _is_far(mean, spread, FAR)
    if not far.any():
        return None
    shift = np.zeros(d, X.dtype)
    shift[columns[far]] = mean[far]
    return shift


def _moments(values):
    """Mean and standard deviation of each column, in float64 and about the first row."""
    if values.size > CACHED_ENTRIES:  # never a second array of that size
        cuts = even_cuts(values.shape[1], -(-values.size // CACHED_ENTRIES))
        if len(cuts) > 1:
            return tuple(np.concatenate(parts) for parts in zip(*(_moments(values[:, cut]) for cut in cuts)))
    first = values[:1].astype(float)
    with np.errstate(over="ignore", invalid="ignore"):
        centred = values - first
        mean = centred.mean(axis=0)
        centred -= mean
        return first[0] + mean, np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(values))


def _is_far(mean, spread, factor):
    return np.abs(mean) > factor * spread  # not where they overflow: the spread is infinite or nan then


def _shifted(X, shift):
    """X less the shift of each column; in float64 where float32 would round."""
    columns = np.flatnonzero(shift)
    part = X[:, columns].toarray() if sparse.issparse(X) else X[:, columns]
    moved = part - shift[columns]
    if X.dtype != np.float64 and not (moved + shift[columns] == part).all():
        X, moved = X.astype(float), part.astype(float) - shift[columns]
    if not sparse.issparse(X):
        X = X.copy()
        X[:, columns] = moved
        return X
    entries = X.tocoo()
    kept = shift[entries.col] == 0
    full = sparse.coo_array(moved)
    rows = np.concatenate([entries.row[kept], full.row])
    cols = np.concatenate([entries.col[kept], columns[full.col]])
    data = np.concatenate([entries.data[kept], full.data])
    shifted = sparse.coo_array((data, (rows, cols)), shape=X.shape).asformat(X.format)
    shifted.sort_indices()
    return shifted


def _exponents(X):
    """log2 of the root mean square of the entries of each column that are not 0, rounded; 0 for none."""
    if not sparse.issparse(X) and len(X) > SAMPLE:
        X = X[:: len(X) // SAMPLE]
    counts = column_counts(X)
    with np.errstate(over="ignore"):
        mean = column_squares(X) / np.maximum(counts, 1)
    # Squares overflow and underflow beyond `LIMIT` only.
    mean = np.clip(mean, np.finfo(float).tiny, np.finfo(float).max)
    return np.where(counts > 0, np.round(0.5 * np.log2(mean)), 0).astype(int)


def _divided(X, exponents):
    """X with each column divided by a power of two."""
    if not sparse.issparse(X):
        return np.ldexp(X, -exponents)
    columns = X.indices if X.format == "csr" else np.repeat(np.arange(X.shape[1]), np.diff(X.indptr))
    data = np.ldexp(X.data, -exponents[columns])
    return type(X)((data, X.indices, X.indptr), shape=X.shape, copy=False)
