"""What solvers hold in place of arrays of the rows, and the queue of what is still to be done to them."""

import weakref

import numpy as np

from .programs import RESULTS, Call, Register, reads_data, weights_bytes


class Rows:
    """An array (n, K) whose rows lie in the blocks: it has a shape and a precision, and no arithmetic.

    Parameters
    ----------
    machine : Machine
    dtype : dtype
    value : Register or Call
    sources : tuple of Rows
        Those that a call is computed from, kept alive by it.

    Attributes
    ----------
    known : dict
        What replies have told of it, such as its class totals.
    """

    __array_ufunc__ = None  # NumPy's operators refuse it

    def __init__(self, machine, dtype, value, sources=()):
        self.machine, self.dtype, self.value, self.sources = machine, np.dtype(dtype), value, sources
        self.shape = machine.shape
        self.known = {}
        self.dependents = weakref.WeakSet()
        for source in sources:
            source.note(self)

    def __array__(self, *args, **kwargs):
        raise TypeError("The rows lie elsewhere.")

    def note(self, other):
        """Another array is computed from this one."""
        self.dependents.add(other)
        for source in self.sources:
            source.note(other)

    def __del__(self):
        if isinstance(self.value, Register):
            self.machine.forget(self.value.number)


class Machine:
    """The queue of steps, and the registers in use.

    Parameters
    ----------
    backend : back end
        See `backends`.

    Attributes
    ----------
    shape : tuple of int
        Rows of all blocks, and score columns.
    passes, trips, bytes_down : int
        How often the blocks have read X and have been asked at all, and bytes of weights that went to them.
    """

    def __init__(self, backend):
        self._backend, self._queue, self._number = backend, [], 0
        self.passes = self.trips = self.bytes_down = 0
        self.shape = (0, backend.n_outputs)
        n_rows, self.n_entries, self.indicators, *weights = self.ask("facts")
        self.total_weight, self.heaviest, self.label_totals = weights
        self.shape = (int(n_rows), backend.n_outputs)

    def do(self, op, *args, target=None):
        """Queue a step without a result."""
        self._queue.append((op, target, args))

    def ask(self, op, *args, target=None):
        """The result of a step, after all that was queued before."""
        assert op in RESULTS
        self._queue.append((op, target, args))
        program, self._queue = self._queue, []
        self.trips += 1
        self.passes += reads_data(program)
        self.bytes_down += weights_bytes(program)
        return self._backend.run(program)[-1]

    def new(self, dtype):
        """Rows in a register that has no array yet."""
        self._number += 1
        return Rows(self, dtype, Register(self._number))

    def call(self, op, dtype, sources, *args):
        """Rows that are computed where they are used."""
        return Rows(self, dtype, Call(op, args), sources)

    def forget(self, number):
        """Nobody holds a register any more."""
        self._queue.append(("free", None, ((number,),)))

    def about_to_write(self, rows):
        """Rows that change in place: give them a register, and one to whatever is computed from them."""
        for other in list(rows.dependents):
            self.settle(other)
        self.settle(rows)
        rows.known.clear()

    def settle(self, rows):
        """Give rows a register of their own."""
        if isinstance(rows.value, Call):
            self._number += 1
            self.do("copy", rows.value, rows.dtype, target=self._number)
            rows.value, rows.sources = Register(self._number), ()

    def next_design(self):
        """A number for a design on some of the weights."""
        self._number += 1
        return self._number
