"""A stand-in for rows on other machines: they lie in blocks that nobody can do arithmetic on."""

from itertools import pairwise

import numpy as np

from skmaxent.convex.design.base import Design
from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.likelihood import Binary, Multinomial
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers


class Rows:
    """An array of the rows, held in parts: it has a shape and a precision, and nothing else."""

    __array_ufunc__ = None  # NumPy's operators refuse it

    def __init__(self, parts):
        self.parts = parts
        self.shape = (sum(map(len, parts)), parts[0].shape[1])
        self.dtype = parts[0].dtype

    def __array__(self, *args, **kwargs):
        raise TypeError("the rows lie elsewhere")


def parts_of(arguments, i):
    """The arguments as block i sees them."""
    return [argument.parts[i] if isinstance(argument, Rows) else argument for argument in arguments]


class ApartVectors:
    """`Vectors` on arrays of the weights and on arrays of the rows."""

    buffers = None

    def __init__(self, workers):
        self.workers, self._here = workers, Vectors(workers)

    def __getattr__(self, name):
        method = getattr(self._here, name)

        def on_any(*arguments):
            first = arguments[1] if name == "combined" else arguments
            rows = next((argument for argument in first if isinstance(argument, Rows)), None)
            if rows is None:
                return method(*arguments)
            results = []
            for i in range(len(rows.parts)):
                mine = parts_of(arguments, i)
                if name == "combined":
                    mine = [arguments[0], parts_of(arguments[1], i)]
                results.append(method(*mine))
            if results[0] is None:
                return None
            if name == "is_zero":
                return all(results)
            return Rows(results) if isinstance(results[0], np.ndarray) else sum(results)

        return on_any


class ApartLikelihood:
    """A likelihood cut into likelihoods of some rows each."""

    state_error = value_error = 0.0

    def __init__(self, blocks):
        self._blocks, self.dtype = blocks, blocks[0].dtype
        self.shape = (sum(block.shape[0] for block in blocks), blocks[0].shape[1])
        self.total_weight = sum(block.total_weight for block in blocks)
        self.heaviest = max(block.heaviest for block in blocks)

    def astype(self, dtype):
        return ApartLikelihood([block.astype(dtype) for block in self._blocks])

    def _each(self, name, *arguments):
        calls = [getattr(block, name) for block in self._blocks]
        return [call(*parts_of(arguments, i)) for i, call in enumerate(calls)]

    def rows(self, name):
        return lambda *arguments: Rows(self._each(name, *arguments))

    def __getattr__(self, name):
        if name == "curvature":
            return lambda *arguments, out=None: Rows(self._each(name, *arguments))
        if name in ("zeros", "residual", "curvature_diagonal"):
            return self.rows(name)
        if name in ("evaluate", "totals", "intercept_hessian", "curvature_totals", "mixed_entropy"):
            return lambda *arguments: sum(self._each(name, *arguments))
        if name == "slopes":
            return lambda *arguments: tuple(map(sum, zip(*self._each(name, *arguments))))
        if name == "contains":
            return lambda *arguments: all(self._each(name, *arguments))
        if name == "label_totals":
            return sum(block.label_totals for block in self._blocks)
        raise AttributeError(name)


class ApartDesign(Design):
    """A design cut into designs of some rows each."""

    is_here = False

    def __init__(self, blocks, n_outputs):
        self._blocks, self._n_outputs = blocks, n_outputs
        self.dtype, self.tally = blocks[0].dtype, [0.0]
        self.shape = (sum(block.shape[0] for block in blocks), blocks[0].shape[1])
        self.n_entries = sum(block.n_entries for block in blocks)
        self.paired = blocks[0].paired
        if self.paired:
            self.columns, self.classes = blocks[0].columns, blocks[0].classes

    n_entries = 0

    def astype(self, dtype):
        return ApartDesign([block.astype(dtype) for block in self._blocks], self._n_outputs)

    def forward(self, W, out=None):
        self.tally[0] += 0.5
        return Rows([block.forward(W) for block in self._blocks])

    def adjoint(self, R):
        self.tally[0] += 0.5
        return sum(block.adjoint(part) for block, part in zip(self._blocks, R.parts))

    def gram(self, A):
        V = self.adjoint(A)
        return self.forward(V), float(np.abs(V).max())

    def squared_adjoint(self, R):
        return sum(block.squared_adjoint(part) for block, part in zip(self._blocks, R.parts))

    def column_squares(self):
        return sum(block.column_squares() for block in self._blocks)

    def row_bounds(self):
        return tuple(map(max, zip(*(block.row_bounds() for block in self._blocks))))

    def hessian(self, likelihood, expected, fit_intercept, columns=None, sample=None, dtype=None):
        parts = zip(self._blocks, likelihood._blocks, expected.parts)
        return sum(b.hessian(l, e, fit_intercept, columns, dtype=dtype) for b, l, e in parts)

    def restriction(self):
        return ApartRestriction(self)


class ApartRestriction:
    """Restricts each block to the same weights."""

    def __init__(self, design):
        self._design = design
        self._parts = [block.restriction() for block in design._blocks]

    def to(self, allowed, dtype, workers):
        found = [part.to(allowed, dtype, workers) for part in self._parts]
        design = ApartDesign([block for block, _ in found], allowed.shape[1])
        design.tally = self._design.tally
        return design, found[0][1]


def cut(values, edges):
    return None if values is None else [values[a:b] for a, b in pairwise(edges)]


def apart(X, weights, n_outputs, codes, masses, n_blocks=3):
    """Design, likelihood and vectors of a problem whose rows are cut into blocks held apart."""
    workers = Workers()
    n = X.shape[0]
    edges = [0, *sorted(np.random.default_rng(0).choice(np.arange(1, n), n_blocks - 1, replace=False)), n]
    kind = Binary if n_outputs == 1 else Multinomial
    pieces = zip(*(cut(part, edges) or [None] * n_blocks for part in (X, codes, masses, weights)))
    designs, likelihoods = [], []
    for x, c, t, m in pieces:
        designs.append(make_design(x, n_outputs, workers))
        likelihoods.append(kind(c, t, m, n_outputs, workers))
    return ApartDesign(designs, n_outputs), ApartLikelihood(likelihoods), ApartVectors(workers)
