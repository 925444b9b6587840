"""Rows in many places: on the workers of a dask cluster.

`DaskMaxEntClassifier` needs the extra ``skmaxent[dask]``.
"""

from importlib import import_module
from importlib.util import find_spec

_HOMES = {"DaskMaxEntClassifier": "dask_maxent", "FitLost": "recovery"}
__all__ = [*_HOMES]


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
