"""Rows that do not fit into memory: partitions in files, which `MaxEntClassifier.fit` takes in place of X."""

from ..convex.machine.files import Partitions
from .partitions import open_partitions, write_partitions

__all__ = ["Partitions", "open_partitions", "write_partitions"]
