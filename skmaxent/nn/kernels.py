"""The sparse product that everything rests on, and how many rows to hand out at a time."""

import numpy as np
from scipy import sparse

try:  # the kernel behind csr @ dense: adds into our own memory and takes a range of rows without a copy
    from scipy.sparse._sparsetools import csr_matvecs
except ImportError:  # pragma: no cover - a future SciPy

    def csr_matvecs(n_rows, n_columns, n_vectors, indptr, indices, data, other, out):
        first, last = indptr[0], indptr[-1]
        x = sparse.csr_matrix(
            (data[first:last], indices[first:last], indptr - first), shape=(n_rows, n_columns)
        )
        out += (x @ other.reshape(n_columns, n_vectors)).ravel()


def csr_dot(indptr, indices, data, other, out):
    """out += x @ other, x the CSR rows that `indptr` delimits (its first entry need not be 0).

    Parameters
    ----------
    indptr, indices, data : ndarrays
        Compressed rows; `data` of the dtype of `other`.
    other : C-ordered ndarray of shape (n_columns, h)
    out : C-ordered ndarray of shape (len(indptr) - 1, h)
    """
    if data.dtype != other.dtype:
        data = data.astype(other.dtype)
    csr_matvecs(
        out.shape[0], other.shape[0], other.shape[1], indptr, indices, data,
        other.reshape(-1), out.reshape(-1),
    )  # fmt: skip


def row_block(row_bytes, target=1 << 20):
    """Number of rows of `row_bytes` each that fit the caches and outweigh the hand-over to a thread."""
    return int(np.clip(target // max(1, row_bytes), 16, 4096))
