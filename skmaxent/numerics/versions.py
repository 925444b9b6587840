"""What a report of a fault should say about the machine."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import scipy.linalg  # noqa: F401  which brings a BLAS of its own along
from threadpoolctl import threadpool_info

from .. import __version__
from .threads import thread_count

PACKAGES = ["numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl", "pandas", "matplotlib", "pip"]


def _installed(package):
    """Version of an installed package, from its metadata; None where it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _table(title, rows):
    """Lines of names and values, right-aligned at the colon."""
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"{title}:", *(f"{name:>{width}}: {value}" for name, value in rows)])


def show_versions() -> None:
    """Print the versions of Python, of this package and of its dependencies, cores, threads and BLAS.

    To be copied into a report of a fault.

    See Also
    --------
    sklearn.show_versions : scikit-learn's own.

    Examples
    --------
    >>> from skmaxent import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    System:
         python: ...
    """
    system = [
        ("python", sys.version.replace("\n", " ")),
        ("executable", sys.executable),
        ("machine", platform.platform()),
        ("cores", os.cpu_count()),
        ("threads of a fit", thread_count(None)),
    ]
    packages = [("skmaxent", __version__), *((name, _installed(name)) for name in PACKAGES)]
    tables = [_table("System", system), _table("Python dependencies", packages)]
    for library in threadpool_info():
        tables.append(_table("Threads", list(library.items())))
    print("\n\n".join(tables))
