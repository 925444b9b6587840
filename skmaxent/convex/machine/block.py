"""A block: some rows, their arrays in registers, and the operations that programs ask of it.

It is a small problem of its own: the design, the likelihood and the vectors of one machine do the arithmetic.
"""

import numpy as np
from scipy import sparse

from ...numerics.sparse import column_counts, column_squares
from ...numerics.threads import ThreadBuffers, Workers
from ..design.blocks import make_design
from ..likelihood import Binary, Multinomial
from ..problem import Problem
from ..reductions.observed import count_pairs
from ..spaces import Vectors
from .designs import WHOLE, part_design
from .parts import rows_that_count
from .programs import RESULTS, Call, Pairs, Piece, Register, Weights


class Block:
    """Rows of a part that count.

    Parameters
    ----------
    part : Part
    labelling : Labelling
    scratch : Scratch, optional
        Gives memory to the registers; nothing else is then kept between two programs.
    buffers : ThreadBuffers, optional
        Working memory, shared by the blocks that one process has.
    """

    def __init__(self, part, labelling, scratch=None, buffers=None):
        counting = rows_that_count(part, labelling)
        self._part = counting if counting is part or scratch is None else scratch.kept(counting)
        self._labelling, self._scratch = labelling, scratch
        self._buffers = ThreadBuffers() if buffers is None else buffers
        self._workers = Workers()
        self._vectors = Vectors(self._workers)
        self.columns = None if len(part.columns) == part.n_columns else part.columns
        self.shape = (len(counting), labelling.n_outputs)
        self._registers, self._definitions = {}, {WHOLE: None}
        self._designs, self._likelihoods = {}, {}

    def run(self, program):
        """The results of those steps that have one; None where no row counts."""
        if not self.shape[0]:
            return None
        reply = []
        for op, target, args in program:
            result = getattr(self, "do_" + op)(target, *map(self._value, args))
            if op in RESULTS:
                reply.append(result)
        if self._scratch is not None:
            self._designs.clear()
            self._likelihoods.clear()
        return reply

    def learn(self, steps, rng, workers):
        """An epoch of `AdaGrad` over the rows."""
        if self.shape[0] and sparse.issparse(self._part.X):
            labels = self._labelling.labels(self._part)
            steps.epoch(self._part.X, *labels, rng, workers, self.columns)

    def do_learn(self, target, number, steps, epochs, seed, size):
        """Weights after epochs over these rows alone, times the occurrences of their columns, and these."""
        steps, rng = steps.fresh(), np.random.default_rng(seed)
        for _ in range(epochs):
            self.learn(steps, rng, self._workers)
        counts = column_counts(self._part.X)[:, None].astype(float)
        W = steps.W if self.columns is None else steps.W[self.columns]
        return Piece(counts * W, self.columns), Piece(counts, self.columns)

    def _value(self, arg):
        """What an argument stands for."""
        if isinstance(arg, Register):
            return self._registers[arg.number]
        if isinstance(arg, Call):
            return getattr(self, "call_" + arg.op)(*map(self._value, arg.args))
        if isinstance(arg, Weights):
            places = self._places(arg.design)
            return arg.values if places is None else arg.values[places]
        return arg

    def _places(self, number):
        """Which weights of a design the block has; None for all."""
        if self._definitions[number] is None:
            return self.columns
        return self._design(number, np.float64).places

    def _piece(self, number, values):
        return Piece(values, self._places(number))

    def _register(self, number, dtype):
        """The array of a register, made where there is none."""
        if number not in self._registers:
            make = np.empty if self._scratch is None else self._scratch.empty
            self._registers[number] = make(self.shape, dtype)
        return self._registers[number]

    def _likelihood(self, dtype):
        found = self._likelihoods.get(np.dtype(dtype))
        if found is None:
            codes, masses, weights = self._labelling.labels(self._part)
            K = self.shape[1]
            found = (Binary if K == 1 else Multinomial)(codes, masses, weights, K, self._workers)
            found = self._likelihoods[np.dtype(dtype)] = found.astype(dtype)
        return found

    def _design(self, number, dtype):
        found = self._designs.get((number, np.dtype(dtype)))
        if found is None:
            found = part_design(self._part, self._definitions[number], self.shape[1], self._workers, dtype)
            self._designs[number, np.dtype(dtype)] = found
        return found

    # What is known of the rows.

    def do_facts(self, target):
        """Rows, entries, whether these are indicators, total weight, largest weight, label totals."""
        likelihood, X = self._likelihood(np.float64), self._part.X
        values = X.data if sparse.issparse(X) else X
        indicators = bool(np.all((values == 0) | (values == 1)))
        weights = likelihood.total_weight, likelihood.heaviest, likelihood.label_totals
        return self.shape[0], values.size, indicators, *weights

    def do_column_squares(self, target, size):
        return (Piece(column_squares(self._part.X), self.columns),)

    def do_column_counts(self, target, size):
        X = self._part.X
        counts = column_counts(X)
        if sparse.issparse(X) and not X.data.all():
            counts = np.bincount(X.indices[X.data != 0], minlength=X.shape[1])
        return (Piece(counts.astype(np.int64), self.columns),)

    def do_row_bounds(self, target, squares):
        """Largest number of entries of a row, and largest sum of their squares times `squares` (c, 1)."""
        X = self._part.X
        if not sparse.issparse(X):
            return X.shape[1], float(np.max(np.square(X, dtype=float) @ squares, initial=0))
        entries = np.square(X.data, dtype=float) * squares[X.indices, 0]
        sums = np.bincount(np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), entries, minlength=1)
        return int(np.diff(X.indptr).max(initial=1)), float(sums.max(initial=0))

    def do_pairs(self, target, n_classes):
        """Pairs of a column and a class, and how many rows show each."""
        X = self._part.X
        if 0 in X.shape:
            return (Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64)),)
        if sparse.issparse(X):
            X = X.tocsc()  # a copy
            X.eliminate_zeros()
        codes, masses, weights = self._labelling.labels(self._part)
        problem = Problem(X, weights, self._labelling.n_classes, codes, masses, symmetric=True)
        pairs, counts = count_pairs(problem, 1, counted=True)
        columns = pairs.columns if self.columns is None else self.columns[pairs.columns]
        return (Pairs(columns.astype(np.int64) * n_classes + pairs.classes, counts.astype(np.int64)),)

    # Registers.

    def do_free(self, target, numbers):
        for number in numbers:
            array = self._registers.pop(number, None)
            if array is not None and self._scratch is not None:
                self._scratch.release(array)

    def do_design(self, target, number, definition):
        """Define a design on some of the weights, or forget it."""
        if definition is None:
            self._definitions.pop(number, None)
        else:
            self._definitions[number] = definition
        for key in [key for key in self._designs if key[0] == number]:
            del self._designs[key]

    def do_zeros(self, target, dtype):
        self._register(target, dtype)[:] = 0

    def do_copy(self, target, values, dtype):
        self._register(target, dtype)[:] = values

    def do_add(self, target, u, a, v):
        self._vectors.add(u, a, v)

    def do_scale_add(self, target, u, a, v):
        self._vectors.scale_add(u, a, v)

    def do_combined(self, target, dtype, factors, *arrays):
        out = self._register(target, dtype)
        out[:] = self._vectors.combined(factors, arrays)

    def do_dot(self, target, u, v):
        return (self._vectors.dot(u, v),)

    def do_is_zero(self, target, u):
        return (self._vectors.is_zero(u),)

    def call_shifted(self, u, shift):
        return self._vectors.shifted(u, shift)

    def call_scaled(self, u, a, dtype):
        return self._vectors.scaled(u, a, dtype)

    def call_sum(self, u, v):
        return u + v

    def call_difference(self, u, v):
        return u - v

    # The likelihood.

    def do_evaluate(self, target, dtype, scores, direction, step, slopes, hessian):
        """Loss; of the new state its totals and, if wanted, slopes along the direction, intercept Hessian."""
        likelihood, E = self._likelihood(dtype), self._register(target, dtype)
        loss = likelihood.evaluate(scores, E, direction, step)
        found = likelihood.slopes(E, direction) if slopes else 0.0
        return loss, likelihood.totals(E), found, likelihood.intercept_hessian(E) if hessian else 0.0

    def do_slopes(self, target, dtype, E, direction):
        return (self._likelihood(dtype).slopes(E, direction),)

    def do_totals(self, target, dtype, values):
        return (self._likelihood(dtype).totals(values),)

    def do_intercept_hessian(self, target, dtype, E):
        return (self._likelihood(dtype).intercept_hessian(E),)

    def do_curvature_totals(self, target, dtype, E, V):
        return (self._likelihood(dtype).curvature_totals(E, V),)

    def do_mixed_entropy(self, target, dtype, E, share):
        return (self._likelihood(dtype).mixed_entropy(E, share),)

    def do_contains(self, target, dtype, masses):
        return (self._likelihood(dtype).contains(masses),)

    def call_residual(self, E):
        return self._likelihood(E.dtype).residual(E)

    def call_curvature(self, E, V, shift):
        return self._likelihood(E.dtype).curvature(E, V, shift)

    def call_curvature_diagonal(self, E):
        return self._likelihood(E.dtype).curvature_diagonal(E)

    # The design.

    def do_forward(self, target, number, dtype, W):
        self._register(target, dtype)[:] = self._design(number, dtype).forward(W)

    def do_adjoint(self, target, number, R, size):
        """X' R, the class totals of R, and its square."""
        V = self._design(number, R.dtype).adjoint(R)
        return self._piece(number, V), self._likelihood(R.dtype).totals(R), self._vectors.dot(R, R)

    def do_product(self, target, number, E, W, shift, size):
        """X' S (X W + shift), S the curvature at the state E, and the class totals of S (X W + shift)."""
        design, likelihood = self._design(number, E.dtype), self._likelihood(E.dtype)
        V, totals = design.curved(likelihood, E, W, shift, self._buffers)
        return self._piece(number, V), totals

    def do_squared_adjoint(self, target, number, R, size):
        return (self._piece(number, self._design(number, R.dtype).squared_adjoint(R)),)

    def do_moments(self, target, number, R, size):
        """X' R, the same with the squares of X, and the class totals of R."""
        sums, squares = self._design(number, R.dtype).moments(R)
        totals = self._likelihood(R.dtype).totals(R)
        return self._piece(number, sums), self._piece(number, squares), totals

    def do_hessian(self, target, E, fit_intercept, columns, share, dtype):
        """Hessian of the loss for all columns or some, from all rows or a share of them."""
        X, likelihood = self._part.X, self._likelihood(E.dtype)
        d = self._part.n_columns if columns is None else len(columns)
        mine = self._part.columns
        if columns is not None:
            place = np.minimum(np.searchsorted(columns, mine), d - 1)
            kept = np.flatnonzero(columns[place] == mine)
            X, mine = X[:, kept], place[kept]
        side, K = d + fit_intercept, self.shape[1]
        H = np.zeros((K * side, K * side))
        rows = None if share is None else max(1, round(share * self.shape[0]))
        part = make_design(X, K, self._workers, E.dtype)
        found = part.hessian(likelihood, E, fit_intercept, None, rows, dtype)
        local = np.append(mine, d) if fit_intercept else mine
        places = (np.arange(K)[:, None] * side + local).ravel()
        H[np.ix_(places, places)] = found
        return (H,)
