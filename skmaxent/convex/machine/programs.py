"""What the client asks of the blocks, and how their answers become one.

A program is a list of steps ``(op, target, args)``: `op` the name of an operation of `Block`, `target` the
number of the register that receives its (n, K) array or None, `args` registers, calls, weights and plain
values. Steps without a result wait and travel with the next one that has a result. All of it can be pickled.
"""

from typing import NamedTuple

import numpy as np


class Register(NamedTuple):
    """An array (n, K) that each block holds its rows of."""

    number: int


class Call(NamedTuple):
    """An array (n, K) that is nowhere stored: each block computes its rows where they are used."""

    op: str
    args: tuple


class Weights(NamedTuple):
    """An array like the weights of a design, of which each block takes its own places."""

    values: np.ndarray
    design: int


class Piece(NamedTuple):
    """The part of an array like the weights that some blocks know, the rest being 0.

    `places` are increasing; None for all.
    """

    values: np.ndarray
    places: np.ndarray | None


class Pairs(NamedTuple):
    """Observed pairs, each as column times classes plus class, increasing, and how many rows show it."""

    keys: np.ndarray
    counts: np.ndarray


#: How the results of each operation of all blocks become one; operations that are not here have none.
RESULTS = {
    "facts": ("sum", "sum", "all", "sum", "max", "sum"),
    "column_squares": ("weights",),
    "column_counts": ("weights",),
    "row_bounds": ("max", "max"),
    "pairs": ("pairs",),
    "dot": ("sum",),
    "is_zero": ("all",),
    "evaluate": ("sum", "sum", "sum", "sum"),
    "slopes": ("sum",),
    "totals": ("sum",),
    "intercept_hessian": ("sum",),
    "curvature_totals": ("sum",),
    "mixed_entropy": ("sum",),
    "contains": ("all",),
    "adjoint": ("weights", "sum", "sum"),
    "product": ("weights", "sum"),
    "squared_adjoint": ("weights",),
    "moments": ("weights", "weights", "sum"),
    "hessian": ("sum",),
    "learn": ("weights", "weights"),
}
#: Operations that read X.
READING = {"forward", "adjoint", "product", "squared_adjoint", "moments", "hessian", "column_squares"}
READING |= {"column_counts", "row_bounds", "pairs", "learn"}


def reads_data(program):
    """Whether the blocks read X: a pass over the data."""
    return any(op in READING for op, _, _ in program)


def weights_bytes(program):
    """Bytes of the arrays like the weights that a program carries."""
    return sum(arg.values.nbytes for _, _, args in program for arg in args if isinstance(arg, Weights))


class Size(NamedTuple):
    """The number of weights of a design: the length of a result that is like them."""

    size: int


class Merge:
    """The results of a program, put together from the replies of the blocks in their order.

    Parameters
    ----------
    program : list of steps
    """

    def __init__(self, program):
        asked = [step for step in program if step[0] in RESULTS]
        self._kinds = [RESULTS[op] for op, _, _ in asked]
        self._sizes = [next((a.size for a in args if isinstance(a, Size)), None) for _, _, args in asked]
        self._results, self._places = None, [[] for _ in asked]

    def add(self, reply):
        """Take in the reply of the next block, or the `partial` of some; None of those without rows."""
        if reply is None:
            return
        first = self._results is None
        if first:
            self._results = [[None] * len(kinds) for kinds in self._kinds]
        for number, (kinds, answer) in enumerate(zip(self._kinds, reply)):
            for place, (kind, value) in enumerate(zip(kinds, answer)):
                if kind == "weights":
                    self._add_weights(number, place, value)
                else:
                    old = self._results[number][place]
                    self._results[number][place] = value if first else JOINED[kind](old, value)

    def _add_weights(self, number, place, piece):
        total, places = self._results[number][place], self._places[number]
        where = slice(None) if piece.places is None else piece.places
        if total is None:
            shape = (self._sizes[number], *piece.values.shape[1:])
            total = self._results[number][place] = np.zeros(shape, piece.values.dtype)
        total[where] += piece.values
        places.append(piece.places)

    def result(self):
        """One tuple a step with a result; arrays like the weights are whole ndarrays."""
        return [tuple(results) for results in self._results or ()]

    def partial(self):
        """The results so far as a reply of the same form, with the places that any of the blocks knows."""
        if self._results is None:
            return None
        reply = []
        for kinds, results, places in zip(self._kinds, self._results, self._places):
            whole = any(part is None for part in places)
            union = None if whole or not places else np.unique(np.concatenate(places))
            reply.append(
                tuple(
                    Piece(value if union is None else value[union], union) if kind == "weights" else value
                    for kind, value in zip(kinds, results)
                )
            )
        return reply


def _joined_pairs(one, other):
    keys, place = np.unique(np.concatenate([one.keys, other.keys]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([one.counts, other.counts]), minlength=len(keys))
    return Pairs(keys, counts.astype(np.int64))


JOINED = {
    "sum": lambda one, other: one + other,
    "max": max,
    "all": lambda one, other: one and other,
    "pairs": _joined_pairs,
}
