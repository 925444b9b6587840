"""Predictions of collections: dask arrays that nobody has computed yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .collections import Source, row_blocks, take_apart
from .dask_cluster import client_of

if TYPE_CHECKING:
    from typing import Any

# Bytes of a model from which it is sent to the cluster once, beside the graph.
SMALL = 1 << 20


def predict_lazily(model: Any, method: str, X: Any, client: Any) -> Any:
    """What a method of a fitted model gives for each row, as a dask array in the partitions of X.

    The model travels once: it is in the cluster's memory when it is large, otherwise one task of the graph.

    Parameters
    ----------
    model : MaxEntClassifier
    method : str
    X : dask collection or list of partitions
    client : distributed.Client or None
    """
    import dask.array as da

    blocks = row_blocks(X)
    known = X.chunks[0] if hasattr(X, "chunks") else [np.nan] * len(blocks)
    sample = _nothing(model, method)
    held, task = _held(model, blocks, client), _task()
    arrays = [
        da.from_delayed(task(held, method, block), shape=(rows, *sample.shape[1:]), meta=sample)
        for block, rows in zip(blocks, known)
    ]
    return da.concatenate(arrays)


def score_lazily(model: Any, X: Any, y: Any, sample_weight: Any, client: Any) -> Any:
    """The accuracy of all partitions together, as a dask array without dimensions."""
    import dask.array as da
    from dask import delayed

    sources = take_apart(X, y, sample_weight)
    held = _held(model, [source.X for source in sources], client)
    right = delayed(_right, pure=False)
    parts = [right(held, *_fields(source)) for source in sources]
    return da.from_delayed(delayed(_share, pure=False)(parts), shape=(), dtype=float)


def _fields(source: Source):
    return source.X, source.y, source.sample_weight


def _task():
    from dask import delayed

    return delayed(_predicted, pure=False)


def _held(model, blocks, client):
    """The model as the tasks refer to it."""
    from dask import delayed

    if model.coef_.size * model.coef_.dtype.itemsize >= SMALL:
        try:
            client = client_of(client, blocks)
        except (ImportError, ValueError):  # without a cluster: threads of this process
            client = None
        if client is not None:
            return delayed(client.scatter(model, hash=False))
    return delayed(model, pure=False, traverse=False)


def _predicted(model, method, X):
    """The predictions of a block, which may have no rows."""
    return getattr(model, method)(X) if X.shape[0] else _nothing(model, method)


def _nothing(model, method):
    """The predictions of no rows."""
    if method == "predict":
        return model.classes_[:0]
    is_score = method == "decision_function" and len(model.classes_) == 2
    return np.zeros(0 if is_score else (0, len(model.classes_)), model.coef_.dtype)


def _right(model, X, y, sample_weight):
    """Weight of the rows of a block that are predicted well, and of all."""
    if not X.shape[0]:
        return 0.0, 0.0
    score = model.score(X, y, sample_weight)
    y = np.asarray(y)
    weights = np.ones(X.shape[0]) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    total = float((weights * y.sum(axis=1) if y.ndim == 2 and y.shape[1] > 1 else weights).sum())
    return (score * total if total > 0 else 0.0), total


def _share(parts):
    right, total = np.sum(parts, axis=0)
    return np.float64(right / total if total > 0 else np.nan)
