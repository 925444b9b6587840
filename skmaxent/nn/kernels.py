"""The sparse product that everything rests on, rows and transposes of a batch, and how many rows to hand out.

SciPy's classes ask a batch of a few ten thousand non-zeros for longer than their kernels work on it.
"""

import numpy as np
from scipy import sparse

try:
    # The kernels behind csr @ dense, which adds into our own memory and takes a range of rows without a copy,
    # X[rows] and X.tocsc().
    from scipy.sparse._sparsetools import csr_matvecs, csr_row_index, csr_tocsc
except ImportError:  # pragma: no cover - a future SciPy

    def csr_matvecs(n_rows, n_columns, n_vectors, indptr, indices, data, other, out):
        first, last = indptr[0], indptr[-1]
        x = sparse.csr_matrix(
            (data[first:last], indices[first:last], indptr - first), shape=(n_rows, n_columns)
        )
        out += (x @ other.reshape(n_columns, n_vectors)).ravel()

    def csr_row_index(n_rows, rows, indptr, indices, data, indices_out, data_out):
        entries = np.concatenate([rows[:0], *(np.arange(indptr[i], indptr[i + 1]) for i in rows)])
        indices_out[:], data_out[:] = indices[entries], data[entries]

    def csr_tocsc(n_rows, n_columns, indptr, indices, data, indptr_out, rows_out, data_out):
        x = sparse.csr_matrix((data, indices, indptr), shape=(n_rows, n_columns)).tocsc()
        indptr_out[:], rows_out[:], data_out[:] = x.indptr, x.indices, x.data


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


def csr_arrays(X):
    """The arrays indptr, indices, data of a CSR matrix."""
    return X.indptr, X.indices, X.data


def csr_rows(X, rows):
    """Some rows of a CSR matrix as arrays.

    Parameters
    ----------
    X : CSR matrix
    rows : integer ndarray

    Returns
    -------
    indptr, indices, data : ndarrays
    """
    rows = rows.astype(X.indices.dtype)
    indptr = np.zeros(rows.size + 1, dtype=rows.dtype)
    np.cumsum(X.indptr[rows + 1] - X.indptr[rows], out=indptr[1:])
    indices, data = np.empty(indptr[-1], dtype=rows.dtype), np.empty(indptr[-1], dtype=X.dtype)
    csr_row_index(rows.size, rows, X.indptr, X.indices, X.data, indices, data)
    return indptr, indices, data


def csr_transposed(indptr, indices, data, n_columns):
    """Compressed rows of the transpose of compressed rows.

    Returns
    -------
    indptr, indices, data : ndarrays
        The entries of each row in the order of their columns.
    """
    out = np.empty(n_columns + 1, dtype=indptr.dtype), np.empty_like(indices), np.empty_like(data)
    csr_tocsc(indptr.size - 1, n_columns, indptr, indices, data, *out)
    return out


def row_block(row_bytes, target=1 << 20):
    """Number of rows of `row_bytes` each that fit the caches and outweigh the hand-over to a thread."""
    return int(np.clip(target // max(1, row_bytes), 16, 4096))
