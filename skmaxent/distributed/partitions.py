"""Partitions in a folder: written from any iterable, opened for a fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..convex.machine.files import Partitions, Writer
from ..estimators.common.parts import checked_part

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Any


def write_partitions(folder: str | PathLike[str], parts: Iterable[Any], *, target_type: str = "auto") -> Path:
    """Write the rows of an iterable into a new folder, one partition an element.

    Only one element is in memory at a time, so that a generator that reads and hashes text, for instance,
    never holds the corpus. The folder appears when all is written: if the iterable raises, or the process is
    killed, there is none. (A killed process leaves a hidden one beside it, which can be removed.)

    Parameters
    ----------
    folder : path
        A new folder, or an empty one.
    parts : iterable of tuple (X, y) or (X, y, sample_weight)
        X is an array-like or sparse array of shape (n, d), with the same d columns in all; float32 stays
        float32, other types become float64. y holds n labels, or label masses of shape (n, K); the labels of
        a partition need not be all that there are. Weights are non-negative, None for ones. n may be 0.
        A sparse X should have some 10,000 rows at least: each partition is one or more pieces of work.
    target_type : {"auto", "masses"}, default="auto"
        What a y of two dimensions means, see `MaxEntClassifier`.

    Returns
    -------
    folder : Path

    Raises
    ------
    ValueError
        Where a partition is malformed or does not go with the others, naming it; where there is none.
    FileExistsError
        Where the folder is not empty.

    Notes
    -----
    On disk a partition has the columns that its rows touch, renumbered in 32 bits, values in float32 where
    that is exact and none at all where all are 1: little more than 4 bytes an entry for indicators.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier
    >>> from skmaxent.distributed import open_partitions, write_partitions
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     parts = ((X[i::3], y[i::3]) for i in range(3))
    ...     data = open_partitions(write_partitions(place + "/iris", parts))
    ...     model = MaxEntClassifier().fit(data)
    >>> float(round(model.score(X, y), 2))
    0.97
    """
    with Writer(folder) as writer:
        first = None
        for number, element in enumerate(parts):
            name = f"partition {number}"
            part, dtype = checked_part(element, name, target_type)
            if first is None:
                first = part
            _check_alike(part, first)
            writer.add(part, dtype)
        if first is None:
            raise ValueError("There are no partitions: `parts` is empty.")
    return Path(folder)


def open_partitions(folder: str | PathLike[str], *, verify: bool = True) -> Partitions:
    """Open a folder that `write_partitions` has written; nothing of it is copied into memory.

    Parameters
    ----------
    folder : path
    verify : bool, default=True
        Whether to hold all arrays against their checksums, which reads them once. Sizes are compared always.

    Returns
    -------
    partitions : Partitions
        To be given to `MaxEntClassifier.fit`, `predict`, `predict_proba`, `decision_function` and `score`.
        Its attributes are ``shape``, ``dtype``, ``classes``, ``n_partitions``, ``nbytes`` and ``folder``.

    Raises
    ------
    FileNotFoundError
        Where there is no such folder.
    ValueError
        Where it holds no partitions, is truncated, damaged or of another version; where its partitions have
        no rows, or one class in all.
    """
    return Partitions(folder, verify)


def _check_alike(part, first):
    if part.n_columns != first.n_columns:
        raise ValueError(
            f"{part.name} has {part.n_columns} columns, but {first.name} has {first.n_columns}: all "
            "partitions need the same columns."
        )
