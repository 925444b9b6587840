"""Memory for arrays of the rows that is backed by a file without a name: it is gone when nobody uses it."""

import mmap
import os
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import sparse

from ...numerics.sparse import assembled

FIRST_CHUNK = 1 << 24
ALIGNMENT = 4096


class Scratch:
    """Hands out arrays, in files of growing size beside a folder, or where temporary files are.

    Parameters
    ----------
    folder : path
    """

    def __init__(self, folder):
        self._folder = Path(folder)
        self._free = {}  # arrays of bytes by their size
        self._chunk, self._used, self._size = None, 0, FIRST_CHUNK
        self._lock = threading.Lock()

    def empty(self, shape, dtype):
        """An uninitialised array."""
        dtype = np.dtype(dtype)
        n_bytes = int(np.prod(shape)) * dtype.itemsize
        if not n_bytes:
            return np.empty(shape, dtype)
        with self._lock:
            held = self._free.get(n_bytes)
            raw = held.pop() if held else self._cut(n_bytes)
        return raw.view(dtype).reshape(shape)

    def _cut(self, n_bytes):
        room = -(-n_bytes // ALIGNMENT) * ALIGNMENT
        if self._chunk is None or self._used + room > len(self._chunk):
            self._size = max(2 * self._size, room)
            self._chunk, self._used = self._new_chunk(self._size), 0
        raw = self._chunk[self._used : self._used + n_bytes]
        self._used += room
        return raw

    def _new_chunk(self, size):
        where = self._folder if os.access(self._folder, os.W_OK) else None
        with tempfile.TemporaryFile(dir=where) as file:
            file.truncate(size)
            return np.frombuffer(mmap.mmap(file.fileno(), size), np.uint8)

    def release(self, array):
        """Take an array back."""
        if array.nbytes:
            with self._lock:
                raw = array.reshape(-1).view(np.uint8)
                self._free.setdefault(array.nbytes, []).append(raw)

    def copied(self, array):
        """The array in this memory."""
        if array is None or array.dtype.kind == "O":
            return array
        result = self.empty(array.shape, array.dtype)
        result[...] = array
        return result

    def kept(self, part):
        """A part with its arrays of the rows in this memory."""
        X = part.X
        if sparse.issparse(X):
            parts = (self.copied(array) for array in (X.data, X.indices, X.indptr))
            X = assembled(sparse.csr_array, *parts, X.shape)
        else:
            X = self.copied(X)
        rows = {name: self.copied(getattr(part, name)) for name in ("codes", "masses", "sample_weight")}
        return replace(part, X=X, **rows)
