"""The last iterate of a fit in a file, for the next attempt when the client itself is lost."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from typing import Any

FORMAT = "skmaxent checkpoint 1"


class Checkpoint:
    """A file with weights and intercept; whole at any time, because it is replaced at once.

    Parameters
    ----------
    path : str or path-like
    classes : ndarray of shape (K,)
    n_columns : int
        Of the data: what belongs to others is refused.
    """

    def __init__(self, path: str | os.PathLike[str], classes: np.ndarray, n_columns: int):
        self._path = Path(path)
        self._about = {
            "format": np.array(FORMAT),
            "classes": np.array([repr(label) for label in classes.tolist()]),
            "n_columns": np.array(n_columns),
        }

    def load(self) -> tuple[Any, np.ndarray] | None:
        """Weights and intercept; None where there is no file yet.

        Raises
        ------
        ValueError
            If the file is none of ours, damaged, or of other classes or columns.
        """
        if not self._path.exists():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                found = dict(stored)
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"{self._path} is no checkpoint of skmaxent, or damaged: {error}") from error
        for name, wanted in self._about.items():
            if name not in found or not np.array_equal(found[name], wanted):
                raise ValueError(
                    f"{self._path} is no checkpoint of this fit: its {name} is {found.get(name)}, and not "
                    f"{wanted}. Delete it to start afresh."
                )
        weights = found["weights"]
        if "indices" in found:
            parts = weights, found["indices"], found["indptr"]
            weights = sparse.csr_array(parts, shape=(int(found["n_columns"]), len(found["intercept"])))
        return weights, found["intercept"]

    def save(self, weights: Any, intercept: np.ndarray) -> None:
        """Replace the file."""
        arrays = self._about | {"intercept": intercept, "weights": weights}
        if sparse.issparse(weights):
            weights = weights.tocsr()
            arrays |= {"weights": weights.data, "indices": weights.indices, "indptr": weights.indptr}
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def remove(self) -> None:
        """The fit is over: the model is the estimator's."""
        self._path.unlink(missing_ok=True)
