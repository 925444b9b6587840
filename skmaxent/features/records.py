"""A frame or array as a sequence of data: columns are read whole, rows made only for who asks for one."""

from collections.abc import Sequence

import numpy as np


class Records(Sequence):
    """The rows of a DataFrame of pandas or polars, or of a pyarrow table, as dicts.

    Parameters
    ----------
    frame : DataFrame or Table
        With column names that differ; nobody changes it while this is in use.
    """

    def __init__(self, frame):
        self._frame, self._read = frame, {}
        self.names = list(getattr(frame, "column_names", frame.columns))
        self._rows = None

    def __len__(self):
        return len(self._frame)

    def column(self, name):
        """The values of a column, a list of Python objects; all None where there is no such column.

        Text that misses, NaN or NA in pandas, is None; so it is among categories that are text.
        """
        if name not in self.names:
            return [None] * len(self)
        if name not in self._read:
            values = self._frame[name]
            read = next(
                getattr(values, f) for f in ("tolist", "to_list", "to_pylist") if hasattr(values, f)
            )()
            if _is_text(values):
                read = [value if isinstance(value, str) else None for value in read]
            self._read[name] = read
        return self._read[name]

    def coded(self, name):
        """The distinct values of a column of text of pandas, and the number of each.

        Returns
        -------
        words : dict from str to int
            The values from 0 on, as they appear.
        codes : int32 ndarray of shape (n,)
            -1 where text misses.

        None for a column of anything else.
        """
        values = self._frame[name] if name in self.names else None
        if not _is_text(values):
            return None
        if values.dtype.name == "category":
            return _as_they_appear(values.dtype.categories.tolist(), values.cat.codes.to_numpy())
        codes, words = values.factorize()
        return {word: i for i, word in enumerate(words.tolist())}, codes.astype(np.int32)

    def __getitem__(self, i):
        if self._rows is None:
            columns = [self.column(name) for name in self.names]
            values = zip(*columns) if columns else [()] * len(self)
            self._rows = [dict(zip(self.names, row)) for row in values]
        return self._rows[i]


class ArrayRecords(Records):
    """The rows of an array of two dimensions as they are; the names of its columns are their numbers."""

    def __init__(self, array):
        self._array = array
        self.names = range(-array.shape[1], array.shape[1])

    def __len__(self):
        return len(self._array)

    def coded(self, name):
        return None

    def column(self, name):
        return self._array[:, name].tolist() if name in self.names else [None] * len(self)

    def __getitem__(self, i):
        return self._array[i]


def _is_text(values):
    """Whether a column is one of pandas' of text, or of categories that are all text."""
    dtype = getattr(values, "dtype", None)
    if getattr(dtype, "name", None) == "category" and hasattr(dtype, "categories"):
        return set(map(type, dtype.categories.tolist())) <= {str}
    return getattr(dtype, "name", None) in ("str", "string")


def _as_they_appear(words, codes):
    """Numbers in a list of words as numbers of those that occur, in the order of the data; -1 for none."""
    first = np.full(len(words) + 1, len(codes))  # the last is for the number -1
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of equal places the last one is kept
    used = np.argsort(first[:-1])[: np.count_nonzero(first[:-1] < len(codes))]
    numbers = np.full(len(words) + 1, -1, np.int32)
    numbers[used] = np.arange(len(used))
    return {words[place]: i for i, place in enumerate(used.tolist())}, numbers[codes]


def as_records(X):
    """X as `Records`, None where its columns cannot be read."""
    if isinstance(X, np.ndarray):
        return ArrayRecords(X) if X.ndim == 2 else None
    return Records(X) if _has_columns(X) else None


def _has_columns(X):
    if not hasattr(X, "columns") or len(getattr(X, "shape", ())) != 2:
        return False
    names = list(getattr(X, "column_names", X.columns))
    readable = hasattr(X, "iloc") or hasattr(X, "to_dicts") or hasattr(X, "to_pylist")
    return readable and len(set(names)) == len(names)
