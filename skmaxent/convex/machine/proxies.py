"""Design, likelihood and vectors as solvers know them, of rows that lie in blocks."""

import weakref
from functools import cached_property

import numpy as np

from ...numerics.sparse import support_of
from ..design.base import Design
from ..design.restricted import PAIR_SHARE
from ..spaces import Vectors
from .designs import WHOLE, Some
from .handles import Rows
from .programs import Size, Weights

# Score columns from which the intercept's Hessian is not sent along with every state.
MANY_CLASSES = 200


class MachineVectors:
    """`Vectors` on arrays of the weights, which are here, and on arrays of the rows, which are not.

    Parameters
    ----------
    machine : Machine
    workers : Workers
    """

    def __init__(self, machine, workers):
        self._machine, self._here, self.workers = machine, Vectors(workers), workers
        self.buffers = self._here.buffers

    def dot(self, u, v):
        if not isinstance(u, Rows):
            return self._here.dot(u, v)
        if u is v and "square" in u.known:
            return u.known["square"]
        return float(self._machine.ask("dot", u.value, v.value)[0])

    def add(self, u, a, v):
        if not isinstance(u, Rows):
            return self._here.add(u, a, v)
        self._machine.about_to_write(u)
        self._machine.do("add", u.value, float(a), v.value)

    def scale_add(self, u, a, v):
        if not isinstance(u, Rows):
            return self._here.scale_add(u, a, v)
        self._machine.about_to_write(u)
        self._machine.do("scale_add", u.value, float(a), v.value)

    def approach(self, u, share, v):
        self._here.approach(u, share, v)  # of weights alone

    def copy(self, u):
        return self._copied(u, u.dtype) if isinstance(u, Rows) else self._here.copy(u)

    def _copied(self, u, dtype):
        result = self._machine.new(dtype)
        self._machine.do("copy", u.value, result.dtype, target=result.value.number)
        return result

    def empty_like(self, u):
        return self._machine.new(u.dtype) if isinstance(u, Rows) else self._here.empty_like(u)

    def zeros_like(self, u):
        return zeros(self._machine, u.dtype) if isinstance(u, Rows) else self._here.zeros_like(u)

    def astype(self, u, dtype):
        if not isinstance(u, Rows):
            return self._here.astype(u, dtype)
        return u if u.dtype == dtype else self._copied(u, dtype)

    def is_zero(self, u):
        return (
            bool(self._machine.ask("is_zero", u.value)[0]) if isinstance(u, Rows) else self._here.is_zero(u)
        )

    def sum(self, u, v):
        if not isinstance(u, Rows):
            return self._here.sum(u, v)
        return self._machine.call("sum", np.result_type(u.dtype, v.dtype), (u, v), u.value, v.value)

    def difference(self, u, v):
        if not isinstance(u, Rows):
            return self._here.difference(u, v)
        return self._machine.call("difference", np.result_type(u.dtype, v.dtype), (u, v), u.value, v.value)

    def scaled(self, u, a, dtype=None):
        if not isinstance(u, Rows):
            return self._here.scaled(u, a, dtype)
        dtype = np.dtype(dtype or u.dtype)
        return self._machine.call("scaled", dtype, (u,), u.value, a, dtype)

    def shifted(self, u, shift):
        if not isinstance(u, Rows):
            return self._here.shifted(u, shift)
        return self._machine.call("shifted", u.dtype, (u,), u.value, np.array(shift))

    def combined(self, factors, arrays):
        if not isinstance(arrays[-1], Rows):
            return self._here.combined(factors, arrays)
        result = self._machine.new(arrays[-1].dtype)
        values = [array.value for array in arrays]
        self._machine.do("combined", result.dtype, np.array(factors), *values, target=result.value.number)
        return result


def zeros(machine, dtype):
    """Rows of zeros."""
    result = machine.new(dtype)
    machine.do("zeros", result.dtype, target=result.value.number)
    return result


class MachineLikelihood:
    """A likelihood whose rows lie in blocks.

    Parameters
    ----------
    machine : Machine
    dtype : dtype
    follows : bool
        Whether the intercept follows every state, so that its Hessian is wanted.
    """

    state_error = value_error = 0.0

    def __init__(self, machine, dtype=np.float64, follows=True):
        self._machine, self.dtype, self.shape = machine, np.dtype(dtype), machine.shape
        self._follows = follows
        self.total_weight, self.heaviest = float(machine.total_weight), float(machine.heaviest)
        self.label_totals = machine.label_totals

    def astype(self, dtype):
        """The same likelihood in another precision."""
        return MachineLikelihood(self._machine, dtype, self._follows)

    def zeros(self):
        """Scores of 0."""
        return zeros(self._machine, self.dtype)

    def evaluate(self, scores, out, direction=None, step=0.0):
        """Total loss at the scores (plus `step` times `direction`); fills `out` with the expected masses.

        What solvers ask of a state next comes with the loss.
        """
        machine = self._machine
        slopes = direction is not None and "searched" in direction.known
        hessian = self._follows and self.shape[1] < MANY_CLASSES
        machine.about_to_write(out)
        moved = None if direction is None else direction.value
        result = machine.ask(
            "evaluate", self.dtype, scores.value, moved, float(step), slopes, hessian,
            target=out.value.number,
        )  # fmt: skip
        out.known["totals"] = result[1]
        if slopes:
            out.known["slopes"] = weakref.ref(direction), result[2]
        if hessian:
            out.known["intercept_hessian"] = result[3]
        return float(result[0])

    def residual(self, expected):
        """The gradient of the loss with respect to the scores, E - t."""
        return self._machine.call("residual", expected.dtype, (expected,), expected.value)

    def curvature(self, expected, V, shift=None, out=None):
        """The Hessian with respect to the scores, applied to V + shift; computed where it is used."""
        shift = None if shift is None else np.array(shift)
        return self._machine.call("curvature", V.dtype, (expected, V), expected.value, V.value, shift)

    def curvature_diagonal(self, expected):
        """The diagonal of the Hessian with respect to the scores."""
        return self._machine.call("curvature_diagonal", expected.dtype, (expected,), expected.value)

    def curvature_totals(self, expected, V):
        """Sums over the rows of the Hessian applied to V, (K,)."""
        return self._machine.ask("curvature_totals", self.dtype, expected.value, V.value)[0]

    def slopes(self, expected, direction):
        """First and second derivative of the loss along `direction`, at the state `expected`."""
        direction.known["searched"] = True
        along, found = expected.known.get("slopes", (lambda: None, None))
        if along() is direction:
            return found
        return self._machine.ask("slopes", self.dtype, expected.value, direction.value)[0]

    def mixed_entropy(self, expected, share):
        """Sum of m_i H(q_i), q_i = share * p_i + (1 - share) * label distribution i, in nats."""
        return float(self._machine.ask("mixed_entropy", self.dtype, expected.value, float(share))[0])

    def contains(self, masses):
        """Whether masses whose rows have the right sums has no negative one."""
        return bool(self._machine.ask("contains", self.dtype, masses.value)[0])

    def totals(self, values):
        """Sums over the rows, (K,)."""
        if "totals" not in values.known:
            values.known["totals"] = self._machine.ask("totals", self.dtype, values.value)[0]
        return values.known["totals"]

    def intercept_hessian(self, expected):
        """Hessian of the loss with respect to one shift a column, (K, K)."""
        found = expected.known.get("intercept_hessian")
        if found is None:
            found = self._machine.ask("intercept_hessian", self.dtype, expected.value)[0]
        return found.copy()  # which its users overwrite


class MachineDesign(Design):
    """A design whose rows lie in blocks; weights are here.

    Parameters
    ----------
    machine : Machine
    n_columns : int
    dtype : dtype
    scale : ndarray of shape (d,), optional
        Powers of two that the columns are divided by.
    definition : Some, optional
        Of a design on some of the weights.
    tally : list of one float, optional
    """

    is_here = False

    def __init__(self, machine, n_columns, dtype, scale=None, definition=None, tally=None):
        self._machine, self.dtype, self.n_columns = machine, np.dtype(dtype), n_columns
        self._scale, self._definition, self.definition = scale, None, definition
        self.tally = [0.0] if tally is None else tally
        self.number, size = WHOLE, n_columns
        self.paired = definition is not None and definition.classes is not None
        if definition is not None:
            self.number, size = machine.next_design(), len(definition.columns)
            machine.do("design", self.number, definition)
            self._defined = _Defined(machine, self.number)
        if self.paired:
            self.columns, self.classes, self.order = *definition, np.arange(size)
        self.shape = (machine.shape[0], size)
        self._size = Size(size)

    def astype(self, dtype):
        """The same design in another precision."""
        twin = object.__new__(MachineDesign)
        twin.__dict__.update(self.__dict__)
        twin.dtype = np.dtype(dtype)
        return twin

    @property
    def n_entries(self):
        """Number of the entries of X."""
        return self._machine.n_entries

    @property
    def scale(self):
        """What the columns of the weights are divided by, (m, 1), or None."""
        if self._scale is None:
            return None
        own = self._scale if self.definition is None else self._scale[self.definition.columns]
        return own[:, None].astype(self.dtype)

    def _sent(self, W):
        W = W if self._scale is None else W / self.scale
        return Weights(W, self.number)

    def _received(self, V, power=1):
        return V if self._scale is None else V / self.scale**power

    def forward(self, W, out=None):
        """Scores X @ W, (n, K)."""
        self.tally[0] += 0.5
        result = self._machine.new(self.dtype)
        # The weights may change before the step is on its way.
        sent = self._sent(W if self._scale is not None else W.copy())
        self._machine.do("forward", self.number, self.dtype, sent, target=result.value.number)
        return result

    def adjoint(self, R):
        """X.T @ R, (d, K)."""
        self.tally[0] += 0.5
        V, totals, square = self._machine.ask("adjoint", self.number, R.value, self._size)
        R.known |= {"totals": totals, "square": float(square)}
        return self._received(V)

    def curved(self, likelihood, expected, W, shift=None, buffers=None):
        """X' S (X W + shift), in one pass where the shift is known, and the class totals of the curved."""
        if callable(shift):
            return super().curved(likelihood, expected, W, shift)
        self.tally[0] += 1
        sent, shift = self._sent(W), None if shift is None else np.array(shift)
        V, totals = self._machine.ask("product", self.number, expected.value, sent, shift, self._size)
        return self._received(V), totals

    def squared_adjoint(self, R):
        """(X * X).T @ R."""
        return self._received(self._machine.ask("squared_adjoint", self.number, R.value, self._size)[0], 2)

    def moments(self, R):
        """X.T @ R and (X * X).T @ R, in one pass."""
        if self._machine.indicators and self._scale is None:  # their own squares
            sums = self.adjoint(R)
            return sums, sums
        self.tally[0] += 0.5
        sums, squares, R.known["totals"] = self._machine.ask("moments", self.number, R.value, self._size)
        return self._received(sums), self._received(squares, 2)

    @cached_property
    def _column_squares(self):
        return self._machine.ask("column_squares", Size(self.n_columns))[0]

    def column_squares(self):
        """Sum of the squares of each column, in float64."""
        squares = self._column_squares
        return squares if self._scale is None else squares / self._scale**2

    def weight_squares(self):
        """Sum of the squares of the column of each weight, (m, 1)."""
        squares = self.column_squares()
        return (squares if self.definition is None else squares[self.definition.columns])[:, None]

    @cached_property
    def column_counts(self):
        """Number of the entries of each column that are not 0."""
        return self._machine.ask("column_counts", Size(self.n_columns))[0]

    def row_bounds(self):
        """Largest number of entries in a row of X, and its largest Euclidean norm."""
        squares = np.ones(self.n_columns) if self._scale is None else self._scale**-2.0
        n_terms, square = self._machine.ask("row_bounds", Weights(squares[:, None], WHOLE))
        return int(n_terms), float(np.sqrt(square))

    def hessian(self, likelihood, expected, fit_intercept, columns=None, sample=None, dtype=None):
        """Hessian of the loss for all columns or some, from all rows or about so many of each block."""
        share = None if sample is None or sample >= self.shape[0] else sample / self.shape[0]
        used = columns if self.definition is None else self.definition.columns
        H = self._machine.ask("hessian", expected.value, fit_intercept, used, share, dtype)[0]
        if self._scale is not None:
            scale = self._scale if used is None else self._scale[used]
            scale = np.tile(np.append(scale, np.ones(int(fit_intercept))), self._machine.shape[1])
            H /= scale[:, None] * scale
        return H

    def restriction(self):
        """Makes designs on some of the weights."""
        return MachineRestriction(self)


class _Defined:
    """As long as it lives, blocks know of a design."""

    def __init__(self, machine, number):
        self._machine, self._number = machine, number

    def __del__(self):
        self._machine.do("design", self._number, None)


class MachineRestriction:
    """Makes designs on some of the weights of one design, which the blocks make for themselves."""

    def __init__(self, design):
        self._design = design

    def to(self, allowed, dtype, workers):
        """The design on the allowed weights, and where these are; see `Objective.restrict`."""
        design, K = self._design, allowed.shape[1]
        if design.paired:
            chosen = np.flatnonzero(allowed)
            return self._made(design.columns[chosen], design.classes[chosen], dtype), (chosen,)
        columns, classes = support_of(allowed)
        used, sizes = np.unique(columns, return_counts=True)
        counts = design.column_counts[used]
        if K == 1 or float(counts @ sizes) < PAIR_SHARE * float(counts.sum()) * K:
            return self._made(columns, classes, dtype), (columns[:, None], classes[:, None])
        return self._made(used, None, dtype), (used,)

    def _made(self, columns, classes, dtype):
        design = self._design
        some = Some(columns, classes)
        parts = design._machine, design.n_columns, dtype, design._scale, some
        return MachineDesign(*parts, tally=design.tally)
