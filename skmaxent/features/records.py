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

        Text that misses, NaN or NA in pandas, is None.
        """
        if name not in self.names:
            return [None] * len(self)
        if name not in self._read:
            values = self._frame[name]
            read = next(
                getattr(values, f) for f in ("tolist", "to_list", "to_pylist") if hasattr(values, f)
            )()
            if getattr(getattr(values, "dtype", None), "name", None) in ("str", "string"):  # pandas' of text
                read = [value if isinstance(value, str) else None for value in read]
            self._read[name] = read
        return self._read[name]

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

    def column(self, name):
        return self._array[:, name].tolist() if name in self.names else [None] * len(self)

    def __getitem__(self, i):
        return self._array[i]


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
