"""Collections of dask's, taken apart into partitions: the rows, labels and weights of each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

#: What an estimator over a cluster is given, in the words of its messages.
WANTED = (
    "a dask array or DataFrame, or a list of partitions (delayed objects, futures, sparse matrices or arrays)"
)


@dataclass(frozen=True)
class Source:
    """Where a partition comes from: delayed objects, futures, or data at the client.

    Attributes
    ----------
    X : object
        Rows (n_b, d).
    y : object
        Labels (n_b,) or label masses (n_b, K).
    sample_weight : object or None
        Weights (n_b,).
    """

    X: Any
    y: Any
    sample_weight: Any = None


def is_collection(X: Any) -> bool:
    """Whether X lies in partitions, so that predictions of it are lazy."""
    return _in_chunks(X) or (isinstance(X, list | tuple) and any(map(_is_rows, X)))


def take_apart(X: Any, y: Any, sample_weight: Any = None) -> list[Source]:
    """The partitions of a training set.

    Parameters
    ----------
    X : dask array, dask DataFrame, or list of partitions
        In one chunk of columns; row chunks may be unknown.
    y : dask array or Series, list of partitions, or array-like where the row chunks of X are known
    sample_weight : like y, optional

    Raises
    ------
    TypeError
        For data that are in no partitions.
    ValueError
        For several chunks of columns, columns that are no numbers, and labels or weights that are cut
        otherwise.
    """
    blocks = row_blocks(X)
    if y is None:
        raise ValueError("DaskMaxEntClassifier requires y to be passed, but the target y is None.")
    lengths = _row_counts(X)
    parts = [blocks, _cut_like(y, len(blocks), lengths, "y")]
    if sample_weight is not None:
        parts.append(_cut_like(sample_weight, len(blocks), lengths, "sample_weight"))
    return [Source(*part) for part in zip(*parts)]


def row_blocks(X: Any) -> list[Any]:
    """The blocks of rows of a collection, each a delayed object, a future or data at the client."""
    if _in_chunks(X):
        return _blocks_of_frame(X) if hasattr(X, "columns") else _blocks_of_array(X)
    if not isinstance(X, list | tuple) or not X:
        raise TypeError(
            f"DaskMaxEntClassifier takes {WANTED}. Got {type(X).__name__} instead; for data in the memory of "
            "one machine use MaxEntClassifier."
        )
    for number, block in enumerate(X):
        if not _is_rows(block):
            raise TypeError(
                f"DaskMaxEntClassifier takes {WANTED}. Got a list whose item {number} is of type "
                f"{type(block).__name__}."
            )
    return list(X)


def column_names(X: Any) -> np.ndarray | None:
    """The names of the columns of a DataFrame, when they are all strings."""
    columns = list(getattr(X, "columns", ()))
    named = columns and all(isinstance(name, str) for name in columns)
    return np.array(columns, dtype=object) if named else None


def is_future(value: Any) -> bool:
    """Whether a value is a future of dask; nothing is imported for it."""
    return _is_of(value, "distributed", "Future")


def is_promise(value: Any) -> bool:
    """Whether a value is a delayed object, whose every attribute exists, or a future of dask."""
    return _is_of(value, "dask.delayed", "Delayed") or is_future(value)


def _is_of(value, module, name):
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


def _in_chunks(value):
    """Whether a value is a dask array, DataFrame or Series."""
    return callable(getattr(value, "__dask_graph__", None)) and not is_promise(value)


def _blocks_of_array(X):
    if X.ndim != 2:
        raise ValueError(f"Expected a dask array of 2 dimensions, got one of {X.ndim}.")
    if X.numblocks[1] != 1:
        edges = list(accumulate(X.chunks[1]))
        raise ValueError(
            f"X has {X.numblocks[1]} chunks of columns (partition 0 has {X.chunks[1][0]} of {edges[-1]} "
            "columns), and a partition must hold whole rows. Use X.rechunk({1: -1})."
        )
    return X.to_delayed().ravel().tolist()


def _blocks_of_frame(X):
    wrong = [name for name, dtype in X.dtypes.items() if getattr(dtype, "kind", "O") not in "biuf"]
    if wrong:
        raise ValueError(
            f"All columns must be numbers: column {wrong[0]!r} has dtype {X.dtypes[wrong[0]]}. Encode it "
            "first, for instance by X.map_partitions."
        )
    return X.to_delayed()


def _row_counts(X):
    """Rows of each partition, or None where they are not known yet."""
    if hasattr(X, "chunks"):
        counts = X.chunks[0]
        return None if np.isnan(counts).any() else counts
    if isinstance(X, list | tuple) and not any(map(is_promise, X)):
        return tuple(block.shape[0] for block in X)
    return None


def _cut_like(values, n_blocks, lengths, name):
    """Labels or weights in the partitions of X."""
    if _in_chunks(values):
        return _cut_collection(values, n_blocks, lengths, name)
    if isinstance(values, list | tuple) and len(values) == n_blocks and all(map(_is_block, values)):
        return list(values)
    if lengths is None or is_promise(values) or any(map(is_promise, _items(values))):
        raise ValueError(
            f"{name} must be a dask array or a list with the same {n_blocks} partitions as X, whose row "
            f"chunks are not known here. Got {_described(values)} instead."
        )
    array = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if array.ndim == 0 or len(array) != sum(lengths):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {[sum(lengths), np.size(array)]}"
        )
    edges = [0, *accumulate(lengths)]
    return [array[start:stop] for start, stop in pairwise(edges)]


def _cut_collection(values, n_blocks, lengths, name):
    counts = _row_counts(values)
    if lengths is not None and counts is not None and tuple(counts) != tuple(lengths):
        if sum(counts) != sum(lengths):
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: {[sum(lengths), sum(counts)]}"
            )
        values = values.rechunk({0: tuple(lengths)})
    if getattr(values, "ndim", 1) == 2 and hasattr(values, "rechunk"):
        values = values.rechunk({1: -1})
    blocks = np.ravel(np.array(values.to_delayed(), dtype=object)).tolist()
    if len(blocks) != n_blocks:
        raise ValueError(
            f"{name} has {len(blocks)} partitions, and X has {n_blocks}: where row chunks are not known they "
            "must be as many."
        )
    return blocks


def _is_rows(value):
    """Whether an element of a list is a partition."""
    return is_promise(value) or len(getattr(value, "shape", ())) == 2


def _is_block(value):
    return is_promise(value) or np.ndim(value) > 0


def _items(values):
    return values if isinstance(values, list | tuple) else ()


def _described(values):
    if isinstance(values, list | tuple):
        return f"a list of {len(values)}"
    return f"{type(values).__name__} of shape {getattr(values, 'shape', ())}"
