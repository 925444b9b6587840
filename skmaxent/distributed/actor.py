"""What runs on the workers: a partition is read and checked, and an actor holds some for a whole fit."""

from __future__ import annotations

import sys
import threading
from typing import NamedTuple

import numpy as np

from ..convex.machine.block import Block
from ..convex.machine.parts import Survey
from ..convex.machine.programs import Merge, Weights
from ..numerics.threads import ThreadBuffers, Workers, single_blas
from .placement import add_up, whole_subtrees

# Share of the columns from which it is not worth saying which.
MOST = 0.9


def own_threads():
    """Threads of the worker that this code runs on; one where it runs on none."""
    distributed = sys.modules.get("distributed")
    try:
        return distributed.get_worker().state.nthreads
    except (AttributeError, ValueError):
        return 1


class PartitionActor:
    """Some partitions, on a worker, for as long as a fit takes.

    Parameters
    ----------
    numbers : list of int
        Of the partitions, increasing.
    *parts : Part
    """

    def __init__(self, numbers, *parts):
        self._parts = dict(zip(numbers, parts))
        self._blocks, self._workers = {}, Workers(own_threads())
        self._lock = threading.Lock()

    def surveys(self):
        """What a client must know of the labels: a `Survey` of each partition, by its number."""
        return {number: Survey.of(part) for number, part in self._parts.items()}

    def settle(self, labelling, n_partitions):
        """Take the partitions' rows as the fit needs them, from now on or anew.

        Returns
        -------
        columns : integer ndarray or None
            Those that the rows touch, increasing: whose weights they need to know. None for all, or most.
        """
        with self._lock:
            self._n_partitions = n_partitions
            buffers = ThreadBuffers()
            self._blocks = {
                number: Block(part, labelling, buffers=buffers) for number, part in self._parts.items()
            }
            self._subtrees = whole_subtrees(self._parts, n_partitions)
            touched = [block.columns for block in self._blocks.values()]
            if any(columns is None for columns in touched):
                return None
            columns = np.unique(np.concatenate(touched))
            d = next(iter(self._parts.values())).n_columns
            self._columns, self._n_columns = columns, d
            return columns if len(columns) < MOST * d else None

    def drop(self, numbers):
        """Forget some partitions, which others hold now."""
        with self._lock:
            for number in numbers:
                del self._parts[number]
                self._blocks.pop(number, None)
            self._subtrees = whole_subtrees(self._parts, self._n_partitions)

    def run(self, program):
        """The replies of the blocks, added up as far as their subtrees go.

        Returns
        -------
        sums : dict
            By subtree (start, stop).
        """
        with self._lock, single_blas:
            program = with_arguments(program, self._spread)
            numbers = list(self._blocks)
            replies = self._workers.map(lambda number: self._blocks[number].run(program), numbers)
            replies = dict(zip(numbers, replies))

            def known(start, stop):
                return replies.pop(start) if stop - start == 1 else None

            return {
                (start, stop): add_up(start, stop, known, lambda *pair: added(program, *pair))
                for start, stop in self._subtrees
            }

    def _spread(self, arg):
        """Weights of the columns that are touched, as an array like all weights; others mean nothing."""
        if not isinstance(arg, Touched):
            return arg
        whole = np.empty((self._n_columns, *arg.values.shape[1:]), arg.values.dtype)
        whole[self._columns] = arg.values
        return Weights(whole, arg.design)


class Touched(NamedTuple):
    """Weights of the columns alone that the rows of an actor touch."""

    values: np.ndarray
    design: int


def with_arguments(program, change):
    """The program with other arguments, where `change` gives another for one."""
    return [(op, target, tuple(map(change, args))) for op, target, args in program]


def added(program, one, other):
    """Two replies as one."""
    merge = Merge(program)
    merge.add(one)
    merge.add(other)
    return merge.partial()
