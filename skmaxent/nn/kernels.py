"""The sparse product that everything rests on, and loops over blocks of rows in threads."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count

import numpy as np
from scipy import sparse

from ..numerics.threads import Workers, thread_count

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


class Buffers:
    """Arrays that are allocated once, by name, and used for every batch."""

    def __init__(self):
        self._held = {}

    def __call__(self, name, n_rows, n_columns, dtype):
        """An uninitialised (n_rows, n_columns) array: the same memory at each call with that name."""
        held = self._held.get(name)
        if held is None or held.dtype != dtype or held.shape[0] < n_rows or held.shape[1] != n_columns:
            held = self._held[name] = np.empty((n_rows, n_columns), dtype=dtype)
        return held[:n_rows]


def run_at_once(work, n_rows, block):
    """What a `BlockRunner` does, in one piece."""
    work(0, n_rows)


class ThreadBuffers(threading.local, Buffers):
    """Buffers of which each thread has its own."""


class BlockRunner(Workers):
    """Runs ``work(start, stop)`` over blocks of rows, in threads; to be used as a context manager.

    The blocks depend on the number of rows only, and no two of them write the same memory, so the result
    has the same bits for any number of threads. NumPy and SciPy release the interpreter lock inside each
    operation.
    """

    def __init__(self, n_threads=None, limit_blas=False):
        if n_threads is None:
            n_threads = min(thread_count(None), 4)  # more would only wait for memory
        super().__init__()
        self.n_threads = n_threads
        self.limit_blas = limit_blas
        self._pool = ThreadPoolExecutor(n_threads - 1) if n_threads > 1 else None
        self.scratch = ThreadBuffers()

    def __call__(self, work, n_rows, block):
        n_blocks = -(-n_rows // block)
        ticket = count()

        def take_blocks():
            while (i := next(ticket)) < n_blocks:
                work(i * block, min(n_rows, (i + 1) * block))

        helpers = []
        if self._pool is not None and n_blocks > 1:
            helpers = [self._pool.submit(take_blocks) for _ in range(min(self.n_threads, n_blocks) - 1)]
        try:
            take_blocks()
        finally:  # also when interrupted: nobody may write to the weights afterwards
            wait(helpers)
        for helper in helpers:
            helper.result()

    def later(self, function, *args):
        """Start a call in the background; returns a function that waits for its result."""
        if self._pool is None:
            return lambda: function(*args)
        return self._pool.submit(function, *args).result

    def __enter__(self):
        return super().__enter__() if self.limit_blas else self

    def __exit__(self, *error):
        if self.limit_blas:
            super().__exit__(*error)
        elif self._pool is not None:
            self._pool.shutdown()


def row_block(row_bytes, target=1 << 20):
    """Number of rows of `row_bytes` each that fit the caches and outweigh the hand-over to a thread."""
    return int(np.clip(target // max(1, row_bytes), 16, 4096))
