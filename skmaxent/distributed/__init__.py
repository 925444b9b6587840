"""Rows in many places: in files that do not fit into memory, or on the workers of a dask cluster.

`MaxEntClassifier.fit` takes partitions in files in place of X; `DaskMaxEntClassifier`, which needs the extra
``skmaxent[dask]``, takes dask's collections.
"""

from importlib import import_module
from importlib.util import find_spec

from ..convex.machine.files import Partitions
from .partitions import open_partitions, write_partitions

_HOMES = {"DaskMaxEntClassifier": "dask_maxent", "FitLost": "recovery"}
__all__ = ["DaskMaxEntClassifier", "FitLost", "Partitions", "open_partitions", "write_partitions"]


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "DaskMaxEntClassifier" and not (find_spec("dask") and find_spec("distributed")):
        raise ImportError(f"{name} needs dask and distributed. Install them by: pip install 'skmaxent[dask]'")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return [*globals(), *__all__]
