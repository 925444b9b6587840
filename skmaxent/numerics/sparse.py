"""Helpers for CSR and CSC arrays, each said once; where it makes sense they take dense arrays too."""

import numpy as np
from scipy import sparse

from .threads import even_cuts

try:  # the kernels behind sparse @ dense: they add into memory of ours
    from scipy.sparse._sparsetools import csc_matvec, csc_matvecs, csr_matvec, csr_matvecs
except ImportError:  # pragma: no cover - a future SciPy
    csc_matvec = csr_matvec = csc_matvecs = csr_matvecs = None

# Rows of dense float32 data that are widened at a time, as entries.
WIDENED_ENTRIES = 2_000_000
# Entries that stay in cache from one operation to the next.
CACHED_ENTRIES = 131_072


def canonical(X, turn=False):
    """X as it is, or in sorted CSR/CSC form without duplicates; the input is never changed.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, d)
    turn : bool
        Whether an X that has to be copied comes in the format of the solvers: CSC where it has fewer rows
        than columns, else CSR. Then they make no copy of the copy.
    """
    if not sparse.issparse(X):
        return X
    if X.format not in ("csr", "csc"):
        X = X.tocsr()
    if X.has_canonical_format:
        return X
    X = short_indices(X)
    other = "csr" if X.format == "csc" else "csc"
    wanted = ("csc" if X.shape[0] < X.shape[1] else "csr") if turn else X.format
    if wanted == other:
        X = X.asformat(other)
    elif X.has_sorted_indices:
        X = X.copy()
    else:  # there and back is sorted, and takes half the time of sorting row by row
        X = X.asformat(other).asformat(wanted)
    X.sum_duplicates()
    return X


def short_indices(X):
    """The same CSR/CSC array with int32 indices where they suffice: half the index traffic."""
    limit = np.iinfo(np.int32).max
    if X.indices.dtype == np.int32 or max(X.nnz, *X.shape) > limit:
        return X
    indices, indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return type(X)((X.data, indices, indptr), shape=X.shape, copy=False)


def retyped(X, dtype):
    """X in another precision; a CSR/CSC array shares its indices, which `astype` would copy."""
    if X.dtype == dtype or not sparse.issparse(X):
        return X.astype(dtype, copy=False)
    return type(X)((X.data.astype(dtype), X.indices, X.indptr), shape=X.shape, copy=False)


def compact(X):
    """Sparse X in canonical form, with int32 indices where they suffice; a dense array as it is."""
    return short_indices(canonical(X)) if sparse.issparse(X) else X


def entries(indptr, majors, counts):
    """Positions of all entries of the given rows of a CSR (columns of a CSC) array, one after another.

    Parameters
    ----------
    indptr : integer ndarray
    majors : integer ndarray of shape (m,)
        Numbers of the rows (columns).
    counts : integer ndarray of shape (m,)
        Their numbers of entries.
    """
    ends = np.cumsum(counts)
    positions = np.arange(ends[-1] if len(ends) else 0)
    return positions + np.repeat(indptr[majors] - (ends - counts), counts)


def assembled(kind, data, indices, indptr, shape):
    """The CSR or CSC array of these parts; SciPy's constructor would copy short views of long arrays."""
    A = kind(shape, dtype=data.dtype)
    A.data, A.indices, A.indptr = data, indices, indptr
    return A


def flipped(A):
    """The transpose of a CSR or CSC array on the same parts."""
    kind = sparse.csc_array if A.format == "csr" else sparse.csr_array
    return assembled(kind, A.data, A.indices, A.indptr, A.shape[::-1])


def add_product(A, W, out):
    """``out += A @ W`` without an array in between.

    Column by column where both have contiguous columns: the kernel for many columns spends as much on its
    loop over one, two or three as on eight.

    Parameters
    ----------
    A : CSR or CSC array of shape (m, n)
    W : ndarray of shape (n, K)
    out : ndarray of shape (m, K)
    """
    if csr_matvec is None or W.dtype != out.dtype:
        out += A @ W
    elif W.strides[0] == W.itemsize and out.strides[0] == out.itemsize:
        kernel = csr_matvec if A.format == "csr" else csc_matvec
        data = A.data.astype(out.dtype, copy=False)
        for k in range(W.shape[1]):
            kernel(*A.shape, A.indptr, A.indices, data, W[:, k], out[:, k])
    elif W.flags.c_contiguous and out.flags.c_contiguous:
        kernel = csr_matvecs if A.format == "csr" else csc_matvecs
        data = A.data.astype(out.dtype, copy=False)
        kernel(*A.shape, W.shape[1], A.indptr, A.indices, data, W.reshape(-1), out.reshape(-1))
    else:
        out += A @ W


def take_rows(X, rows):
    """Rows of an array or a sparse array of any format, by number or by mask."""
    return (X.tocsr() if sparse.issparse(X) else X)[rows]


def column_counts(X):
    """Number of the entries of each column; of a dense array, of those that are not 0."""
    if not sparse.issparse(X):
        return np.count_nonzero(X, axis=0)
    return np.diff(X.indptr) if X.format == "csc" else np.bincount(X.indices, minlength=X.shape[1])


def peak(V):
    """Largest entry of an array in modulus, without a copy; 0 for an empty one, nan where one is nan."""
    if V.size > CACHED_ENTRIES and V.flags.forc:  # both extremes of what is in cache, part by part
        flat = V.reshape(-1, order="A")
        parts = [flat[start : start + CACHED_ENTRIES] for start in range(0, len(flat), CACHED_ENTRIES)]
        return float(np.max([peak(part) for part in parts]))
    return max(float(V.max(initial=0)), -float(V.min(initial=0)))


def support_of(W):
    """Rows and columns of the entries of a dense W that are not 0; much faster than `np.nonzero`."""
    return np.divmod(np.flatnonzero(W.reshape(-1) != 0), W.shape[1])


def column_squares(X):
    """Sum of the squares of each column, (d,), in float64."""
    if sparse.issparse(X):
        squares = np.square(X.data, dtype=float)
        if X.format == "csr":
            sums = np.bincount(X.indices, squares, minlength=X.shape[1])
            return sums.astype(float, copy=False)  # of no entries at all they are integers
        sums, filled = np.zeros(X.shape[1]), np.flatnonzero(np.diff(X.indptr))
        if len(filled):
            sums[filled] = np.add.reduceat(squares, X.indptr[filled])
        return sums
    chunks = even_cuts(X.shape[0], -(-X.size // WIDENED_ENTRIES))
    return sum(np.einsum("ij,ij->j", X[rows], X[rows], dtype=float) for rows in chunks)
