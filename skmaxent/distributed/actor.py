"""What runs on the workers: a partition is read and checked, and an actor holds some for a whole fit."""

from __future__ import annotations

import sys
import threading
from typing import NamedTuple

import numpy as np

from ..convex.machine.block import Block
from ..convex.machine.parts import Survey
from ..convex.machine.programs import Weights
from ..estimators.common.parts import checked_part
from ..numerics.threads import ThreadBuffers, Workers, single_blas
from .memory import kept_memory
from .placement import whole_subtrees
from .sums import Tree, without_columns


def load(number, X, y, sample_weight=None, *, target_type="auto"):
    """A partition as it comes, checked, as the machine wants it: a `Part`."""
    given = (X, y) if sample_weight is None else (X, y, sample_weight)
    return checked_part(given, f"partition {number}", target_type)[0]


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
        kept_memory.__enter__()

    def __del__(self):
        kept_memory.__exit__()

    def surveys(self):
        """What a client must know of the labels: a `Survey` of each partition, by its number."""
        return {number: Survey.of(part) for number, part in self._parts.items()}

    def settle(self, labelling, n_partitions):
        """Take the partitions' rows as the fit needs them, from now on or anew.

        Returns
        -------
        columns : dict
            By subtree that we hold whole, the columns that its rows touch, increasing: whose weights they
            need to know. None for all, or most.
        """
        with self._lock:
            self._n_partitions, self._touched = n_partitions, None
            buffers = ThreadBuffers()
            self._blocks = {
                number: Block(part, labelling, buffers=buffers) for number, part in self._parts.items()
            }
            self._tree = Tree(
                next(iter(self._parts.values())).n_columns,
                {(number, number + 1): block.columns for number, block in self._blocks.items()},
            )
            self._subtrees = whole_subtrees(self._parts, n_partitions)
            for edges in self._subtrees:
                self._tree.find(*edges)
            return {edges: self._tree.columns[edges] for edges in self._subtrees}

    def drop(self, numbers):
        """Forget some partitions, which others hold now; before the next `settle`."""
        with self._lock:
            for number in numbers:
                del self._parts[number]

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
            replies = {
                (number, number + 1): without_columns(program, reply)
                for number, reply in zip(numbers, replies)
            }
            return {edges: self._tree.total(program, *edges, replies) for edges in self._subtrees}

    def _spread(self, arg):
        """Weights of the columns that are touched, as an array like all weights; others mean nothing."""
        if not isinstance(arg, Touched):
            return arg
        if self._touched is None:
            self._touched = touched(list(map(self._tree.columns.get, self._subtrees)))
        whole = np.empty((self._tree.n_columns, *arg.values.shape[1:]), arg.values.dtype)
        whole[self._touched] = arg.values
        return Weights(whole, arg.design)


class Touched(NamedTuple):
    """Weights of the columns alone that the rows of an actor touch."""

    values: np.ndarray
    design: int


def with_arguments(program, change):
    """The program with other arguments, where `change` gives another for one."""
    return [(op, target, tuple(map(change, args))) for op, target, args in program]


def touched(columns):
    """The columns of an actor, from those of its subtrees; None for all."""
    if any(part is None for part in columns):
        return None
    return np.unique(np.concatenate(columns))
