"""Replies of blocks added up along the tree of `placement`.

Most replies are arrays like the weights, of the columns that some rows touch. Which columns these are for a
subtree is found once a fit and known on both sides: no message repeats it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..convex.machine.designs import WHOLE
from ..convex.machine.programs import JOINED, RESULTS, Piece, Size
from .placement import add_up

# Share of the columns from which arrays of all are shorter to say and faster to add.
MOST = 0.9


class Union(NamedTuple):
    """The columns of two subtrees together: None for all, and where those of either are."""

    columns: np.ndarray | None
    left: np.ndarray | None
    right: np.ndarray | None


class Tree:
    """Adds replies, and remembers the columns of subtrees.

    Parameters
    ----------
    n_columns : int
    columns : dict
        By subtree (start, stop), the columns that its rows touch, increasing, or None for all. More are found
        when they are needed.
    """

    def __init__(self, n_columns, columns):
        self.n_columns, self._unions = n_columns, {}
        self.columns = dict(columns)

    def total(self, program, start, stop, replies):
        """The reply of a subtree, from those of subtrees of it.

        Parameters
        ----------
        program : list of steps
        replies : dict
            By subtree; may hold more than are needed. None where no row counts.
        """
        steps = [step for step in program if step[0] in RESULTS]

        def add(left, right):
            (one, mine), (other, others) = left, right
            edges = one[0], other[1]
            if mine is None and others is None:
                return edges, None
            nothing = [None] * len(steps)
            answers = zip(steps, mine or nothing, others or nothing)
            return edges, [self._added(step, one, other, *pair) for step, *pair in answers]

        def known(start, stop):
            return ((start, stop), replies[start, stop]) if (start, stop) in replies else None

        return add_up(start, stop, known, add)[1]

    def whole(self, program, edges, reply):
        """The results of a program: arrays like the weights are whole."""
        steps = [step for step in program if step[0] in RESULTS]
        return [
            tuple(self._spread(step, edges, value) if isinstance(value, Piece) else value for value in answer)
            for step, answer in zip(steps, reply)
        ]

    def find(self, start, stop):
        """The columns of a subtree, from those of its parts."""
        if (start, stop) not in self.columns:
            middle = (start + stop) // 2
            self.find(start, middle)
            self.find(middle, stop)
            self.union((start, middle), (middle, stop))
        return self.columns[start, stop]

    def union(self, left, right):
        """The columns of two neighbouring subtrees together."""
        edges = left[0], right[1]
        if edges not in self._unions:
            mine, others = self.columns[left], self.columns[right]
            found = _union(mine, others)
            if found.columns is not None and len(found.columns) >= MOST * self.n_columns:
                found = Union(None, mine, others)
            self._unions[edges], self.columns[edges] = found, found.columns
        return self._unions[edges]

    def _added(self, step, left, right, mine, others):
        """The answers of two subtrees to a step as one; None stands for that of no rows."""
        added = []
        for place, kind in enumerate(RESULTS[step[0]]):
            one, other = (None if answer is None else answer[place] for answer in (mine, others))
            if kind == "weights":
                added.append(self._sum_of_pieces(step, left, right, one, other))
            elif one is None or other is None:
                added.append(other if one is None else one)
            else:
                added.append(JOINED[kind](one, other))
        return tuple(added)

    def _sum_of_pieces(self, step, left, right, one, other):
        known = one or other
        if on_all_columns(step):
            union, size = self.union(left, right), self.n_columns
        elif one is None or other is None:
            return known
        else:
            union, size = _union(one.places, other.places), _size(step)
        size = size if union.columns is None else len(union.columns)
        total = np.zeros((size, *known.values.shape[1:]), np.result_type((other or one).values, known.values))
        for piece, places in ((one, union.left), (other, union.right)):
            if piece is None:
                continue
            if places is None:
                total += piece.values
            else:
                total[places] += piece.values
        return Piece(total, None if on_all_columns(step) else union.columns)

    def _spread(self, step, edges, piece):
        places = self.columns[edges] if on_all_columns(step) else piece.places
        if places is None:
            return piece.values
        whole = np.zeros((_size(step), *piece.values.shape[1:]), piece.values.dtype)
        whole[places] = piece.values
        return whole


def on_all_columns(step):
    """Whether the array of a result belongs to the design on all weights; others come and go in a fit."""
    op, _, args = step
    return op in ("column_squares", "column_counts") or args[0] == WHOLE


def without_columns(program, reply):
    """The reply of a block without the columns that both sides know."""
    if reply is None:
        return None
    steps = [step for step in program if step[0] in RESULTS]
    return [
        tuple(
            Piece(value.values, None) if isinstance(value, Piece) and on_all_columns(step) else value
            for value in answer
        )
        for step, answer in zip(steps, reply)
    ]


def _union(mine, others):
    if mine is None or others is None:
        return Union(None, mine, others)
    both = np.union1d(mine, others)
    return Union(both, np.searchsorted(both, mine), np.searchsorted(both, others))


def _size(step):
    """Length of the whole array of a result that is like the weights."""
    return next(arg.size for arg in step[2] if isinstance(arg, Size))
