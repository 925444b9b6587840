"""Threads: how many a fit may use, and running the same function over a few pieces of work.

SciPy's sparse kernels, NumPy's ufuncs and BLAS release the interpreter lock, so plain threads serve.
How the work is cut never depends on the number of threads: results are the same bits for any `n_jobs`.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from multiprocessing import parent_process

from joblib import cpu_count, effective_n_jobs
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController


def thread_count(n_jobs):
    """Number of threads for `n_jobs`, without oversubscribing cores that joblib already shares out.

    None means every core in a plain process, the worker's share inside a process that joblib
    started, and one thread inside a thread that joblib started.
    """
    if n_jobs is not None:
        return effective_n_jobs(n_jobs)
    backend, context_jobs = get_active_backend()
    if parent_process() is not None:
        return min(cpu_count(), int(os.environ.get("OMP_NUM_THREADS") or 1))
    if getattr(backend, "nesting_level", 0):
        return 1
    # parallel_config(n_jobs=...) around a fit bounds its threads.
    return context_jobs if context_jobs and context_jobs > 1 else cpu_count()


@cache
def _blas():
    """The BLAS libraries of the process; looking for them takes milliseconds, so once."""
    return ThreadpoolController().select(user_api="blas")


class Workers:
    """A pool of `n_threads` threads, to be used as a context manager.

    With one thread nothing is started, and `map` is a loop. Inside the context BLAS runs on one
    thread: the pieces are the parallelism, BLAS threads under them would fight for the cores, and
    a product would depend on their number.
    """

    def __init__(self, n_threads=1):
        self._pool = ThreadPoolExecutor(n_threads) if n_threads > 1 else None

    def __enter__(self):
        self._limits = _blas().limit(limits=1)
        self._limits.__enter__()
        return self

    def __exit__(self, *error):
        self._limits.__exit__(*error)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, function, pieces):
        """`[function(piece) for piece in pieces]`, in that order, perhaps at the same time."""
        if self._pool is None or len(pieces) == 1:
            return [function(piece) for piece in pieces]
        return list(self._pool.map(function, pieces))


def even_cuts(n_items, n_pieces):
    """Slices that cut `range(n_items)` into at most `n_pieces` of nearly equal length."""
    n_pieces = max(1, min(n_pieces, n_items))
    edges = [n_items * i // n_pieces for i in range(n_pieces + 1)]
    return [slice(a, b) for a, b in pairwise(edges)]


def balanced_cuts(indptr, n_pieces):
    """Slices of rows (columns) of a CSR (CSC) array with about the same number of non-zeros each."""
    n_items = len(indptr) - 1
    targets = [int(indptr[-1]) * i // n_pieces for i in range(1, n_pieces)]
    edges = sorted({0, *indptr.searchsorted(targets).tolist(), n_items})
    return [slice(a, b) for a, b in pairwise(edges)]
