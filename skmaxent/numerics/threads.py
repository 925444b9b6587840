"""Threads: how many a fit may use, and running the same function over a few pieces of work.

SciPy's sparse kernels, NumPy's ufuncs and BLAS release the interpreter lock, so plain threads serve.
How the work is cut never depends on the number of threads: results are the same bits for any `n_jobs`.
"""

import os
import sys
import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import parent_process

import numpy as np
from joblib import cpu_count, effective_n_jobs
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController


def thread_count(n_jobs):
    """Number of threads for `n_jobs`, without oversubscribing cores that joblib already shares out.

    None means every core in a plain process, the worker's share inside a process that joblib
    started, and one thread inside a thread that joblib or dask started.
    """
    if n_jobs is not None:
        return effective_n_jobs(n_jobs)
    backend, context_jobs = get_active_backend()
    if parent_process() is not None:
        return min(cpu_count(), int(os.environ.get("OMP_NUM_THREADS") or 1))
    if getattr(backend, "nesting_level", 0) or _in_dask_task():
        return 1
    # parallel_config(n_jobs=...) around a fit bounds its threads.
    return context_jobs if context_jobs and context_jobs > 1 else cpu_count()


def _in_dask_task():
    """Whether this thread works for dask, which has given its cores to such threads already."""
    # Other modules may be called `distributed` too: a user's own, a folder that the path leads to.
    get_worker = getattr(sys.modules.get("distributed"), "get_worker", None)
    try:
        return get_worker is not None and get_worker() is not None
    except ValueError:  # no worker here
        return False


@dataclass(eq=False)
class Former:
    """A library, the number of threads that it had, and whether that number is the process's."""

    library: object
    number: int
    per_process: bool

    def restore(self):
        """Give the library its number back, unless somebody else has set another one since."""
        if self.library.num_threads == 1:
            _set_threads(self.library, self.number)


class SingleBlas:
    """BLAS on one thread for as long as anybody is inside; a context manager for any number of threads.

    The number of threads of most BLAS libraries belongs to the process: whoever comes first sets it to 1,
    and whoever leaves last gives back what it was, so that fits may overlap in any order. With MKL, and on
    top of OpenMP, it belongs to the thread that asks: there each sets and gives back its own.
    """

    def __init__(self):
        self._lock = threading.RLock()
        self._inside = Counter()  # how often each thread is, by its identifier
        self._former = []  # of the libraries whose number is the process's
        self._own = threading.local()
        self._libraries, self._n_modules = [], -1
        self._per_process = {}  # by the path of the library
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._forked
            )

    def __enter__(self):
        with self._lock:
            mine = []
            for library in self._find():
                number = library.num_threads
                if number is not None and number != 1:
                    mine.append(Former(library, number, self._limit(library, number)))
            self._former += [former for former in mine if former.per_process]
            self._own.__dict__.setdefault("former", []).append(mine)
            self._inside[threading.get_ident()] += 1
        return self

    def __exit__(self, *error):
        with self._lock:
            for former in self._own.former.pop():
                if not former.per_process:
                    former.restore()
                # Somebody lifted the limit in between: what the one found who is inside longer counts.
                elif sum(other.library.filepath == former.library.filepath for other in self._former) > 1:
                    self._former.remove(former)
            self._inside -= Counter({threading.get_ident(): 1})  # drops those who are out
            self._leave()

    def join(self):
        """For the threads of a pool, which never leave: what belongs to this thread alone is set to 1."""
        for library in self._libraries:
            if not self._per_process.get(library.filepath, True):
                _set_threads(library, 1)

    def _leave(self):
        """Give the numbers back if nobody is inside."""
        if not self._inside:
            for former in self._former:
                former.restore()
            self._former = []

    def _find(self):
        """The BLAS libraries of the process; looking for them takes milliseconds, so only after imports."""
        if len(sys.modules) != self._n_modules:
            self._n_modules = len(sys.modules)
            self._libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return self._libraries

    def _limit(self, library, number):
        """Set a library that has `number` threads to 1; whether the number is the process's."""
        known = self._per_process.get(library.filepath)
        before = _seen_elsewhere(library) if known is None else None
        _set_threads(library, 1)
        if known is None:
            known = before == number and _seen_elsewhere(library) == 1
            self._per_process[library.filepath] = known
        return known

    def _forked(self):
        """In a child process only the thread that forked lives on."""
        here = threading.get_ident()
        self._inside = Counter({here: self._inside[here]} if here in self._inside else {})
        self._leave()
        self._lock.release()


def _set_threads(library, number):
    # Since threadpoolctl 3.8 the first thread that sets OpenBLAS's number is the only one that can.
    release = getattr(library, "clear_controlling_thread", lambda force: None)
    release(force=True)
    library.set_num_threads(number)
    release(force=True)


def _seen_elsewhere(library):
    """The number of threads of a library that another thread sees."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(library.num_threads))
    thread.start()
    thread.join()
    return seen[0]


single_blas = SingleBlas()


class Workers:
    """A pool of `n_threads` threads, or of `thread_count(n_jobs)`, to be used as a context manager.

    It starts with the first work of several pieces. With one thread nothing is started, and `map` is a
    loop. Inside the context BLAS runs on one thread: the pieces are the parallelism, BLAS threads under
    them would fight for the cores, and a product would depend on their number.
    """

    limit_blas = True

    def __init__(self, n_threads=1, n_jobs=1):
        self._pool, self._n_threads, self._n_jobs = None, n_threads, n_jobs

    def __enter__(self):
        single_blas.__enter__()
        return self

    def __exit__(self, *error):
        try:
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)
        finally:
            single_blas.__exit__(*error)

    def count_threads(self):
        """How many threads there are; asking scikit-learn's joblib for the number of cores takes its time."""
        if self._n_threads is None:
            self._n_threads = thread_count(self._n_jobs)
        return max(self._n_threads, 1)

    def map(self, function, pieces):
        """`[function(piece) for piece in pieces]`, in that order, perhaps at the same time."""
        if len(pieces) <= 1 or not self._started():
            return [function(piece) for piece in pieces]
        results, todo = [None] * len(pieces), iter(range(len(pieces)))

        # This thread and those of the pool take them in turn: handing one over takes longer than many a one.
        def take():
            try:
                for i in todo:
                    results[i] = function(pieces[i])
            except BaseException:
                deque(todo, maxlen=0)  # nobody begins another piece
                raise

        helpers = [self._pool.submit(take) for _ in range(min(self._n_threads, len(pieces)) - 1)]
        try:
            take()
        finally:  # also when interrupted: nobody may write to the results afterwards
            begun = [helper for helper in helpers if not helper.cancel()]
            wait(begun)
        for helper in begun:
            helper.result()
        return results

    def _started(self):
        """Whether there is a pool."""
        if self._pool is None and self.count_threads() > 1:
            initializer = single_blas.join if self.limit_blas else None
            self._pool = ThreadPoolExecutor(self._n_threads - 1, initializer=initializer)
        return self._pool is not None


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
        super().__init__(n_threads or min(thread_count(None), 4))  # more would only wait for memory
        self.limit_blas = limit_blas
        self.scratch = ThreadBuffers()

    def __call__(self, work, n_rows, block):
        self.map(lambda start: work(start, min(n_rows, start + block)), range(0, n_rows, block))

    def later(self, function, *args):
        """Start a call in the background; returns a function that waits for its result."""
        if not self._started():
            return lambda: function(*args)
        return self._pool.submit(function, *args).result

    def __enter__(self):
        return super().__enter__() if self.limit_blas else self

    def __exit__(self, *error):
        if self.limit_blas:
            super().__exit__(*error)
        elif self._pool is not None:
            self._pool.shutdown()
        self._pool, self._n_threads = None, 1  # what is asked for afterwards runs at once


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
    return [slice(a, b) for a, b in pairwise(edges)] or [slice(0, 0)]
