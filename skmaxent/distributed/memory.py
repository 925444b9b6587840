"""Memory that is freed stays with the process for as long as an actor computes.

dask starts workers with MALLOC_TRIM_THRESHOLD_=65536, so that memory goes back to the system at once. With
that set, glibc also maps every array of 128 KiB and more anew, and the system zeroes its pages one by one:
it took more than half of a worker's CPU seconds. For a fit, which asks for the same sizes again and again,
the thresholds are raised.
"""

import ctypes
import os
import threading

# Parameters of mallopt, and glibc's own value of the second.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, MMAP_DEFAULT = -1, -3, 128 * 1024
# The largest that glibc accepts, and what may stay at the end of the heap.
MMAP_LARGEST, TRIM_LARGE = 32 << 20, 1 << 30
VARIABLE = "MALLOC_TRIM_THRESHOLD_"


class KeptMemory:
    """Raises the thresholds while anybody holds it; a context manager for any number of threads."""

    def __init__(self):
        self._lock, self._holders = threading.Lock(), 0

    def __enter__(self):
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                _set(TRIM_LARGE, MMAP_LARGEST)
        return self

    def __exit__(self, *error):
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                _set(int(os.environ.get(VARIABLE) or 0), MMAP_DEFAULT, trim=True)


def _set(trim_threshold, mmap_threshold, trim=False):
    """Set both thresholds, where somebody has lowered them and the library is glibc."""
    if not (os.environ.get(VARIABLE) or "").isdigit():
        return  # glibc adapts them by itself
    library = glibc()
    if library is None:
        return
    library.mallopt(M_TRIM_THRESHOLD, trim_threshold)
    library.mallopt(M_MMAP_THRESHOLD, mmap_threshold)
    if trim:
        library.malloc_trim(0)


def glibc():
    """The C library, where it has mallopt; otherwise None."""
    try:
        library = ctypes.CDLL(None)
        return library if library.mallopt and library.malloc_trim else None
    except (AttributeError, OSError, TypeError):
        return None


kept_memory = KeptMemory()
