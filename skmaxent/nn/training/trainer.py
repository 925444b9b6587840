"""Stochastic training: batches through the flow graph, gradients to the optimiser."""

from functools import partial
from math import inf, isfinite

import numpy as np

from ...numerics.threads import Buffers
from ..kernels import row_block
from ..optimizers.lazy_rows import LazyRows
from .row_keys import mix

#: where a batch touches a larger part of the rows than this, moving all of them in place is faster
DENSE_FRACTION = 0.3


class DivergenceError(ValueError):
    """The loss of a batch is not a finite number."""


class Trainer:
    """One network in training.

    Parameters
    ----------
    graph : FlowGraph
    loss : loss box
    rule : optimiser
    slots : list of ndarrays like ``graph.parameters.vector``
        State of the optimiser.
    run : BlockRunner
    lazy : bool
        Whether the rows of the first weight matrix are updated lazily.
    shared : SharedColumns, optional
        The network's own columns when `graph` works on groups of them.
    max_norm : float, optional
        Gradients of a larger Euclidean norm are scaled down to it, all together (Pascanu et al. 2013); the
        penalty is no part of them.
    """

    def __init__(self, graph, loss, rule, slots, run, lazy, shared=None, max_norm=None):
        self.graph, self.loss, self.rule, self.slots, self.run = graph, loss, rule, slots, run
        self.shared, self._decay, self.max_norm = shared, 1.0, max_norm
        self._buffer = Buffers()
        parameters = graph.parameters
        self.n_first = parameters.first.size
        self.rows = None
        if lazy:
            shape = parameters.first.shape
            first_slots = [s[: self.n_first].reshape(shape) for s in slots]
            self.rows = LazyRows(parameters.first, first_slots, rule, run, shared.n_head if shared else 0)

    def epoch(self, data, batches, lr):
        """One pass over the examples.

        Parameters
        ----------
        data : Dataset
        batches : list of intp ndarrays
            The examples of each batch, in the order of their use.
        lr : float
            Learning rate.

        Returns
        -------
        loss : float
            Weighted mean of the negative log-likelihood, each batch measured before its step.
        """
        data.renumber = self.rows is not None
        total = mass = 0.0
        later = self.run.later if data.takes_time(len(batches[0])) else partial
        waiting = later(data.batch, batches[0])
        for number in range(len(batches)):
            batch = waiting()
            if number + 1 < len(batches):
                waiting = later(data.batch, batches[number + 1])
            loss, weight = self.step(*batch, lr)
            total += loss
            mass += weight
        return total / mass if mass else 0.0

    def step(self, x, targets, weights, keys, lr):
        """One batch: fprop, bprop, update. Returns the sum of the losses and of the weights."""
        graph, rule, rows = self.graph, self.rule, self.rows
        if rows is not None:
            graph.first.weights = rows.read(x.rows)
        if keys is not None:
            keys = mix(keys + np.uint64(rule.t))
        loss = float(self.loss.fprop(graph.fprop(x, keys), targets, weights))
        if not isfinite(loss):
            raise DivergenceError
        mass = float(targets.shape[0] if weights is None else weights.sum())
        graph.bprop(self.loss.bprop(1 / mass if mass else 0.0))
        rule.begin(lr, mass or inf)
        self._decay *= rule.decay
        if rows is not None:
            rows.update(self._clipped_rows() if self.max_norm else graph.first.gradient_rows)
            self._move(self.n_first, graph.parameters.n_weights, True)
        else:
            if graph.is_sparse:
                graph.first_gradient()
            if self.max_norm:
                graph.gradients.vector *= self._clipping(0.0, graph.gradients.vector)
            self._move(0, graph.parameters.n_weights, True)
        self._move(graph.parameters.n_weights, graph.parameters.vector.size, False)
        if rows is not None:
            rule.advance()
            rows.advance()
        return loss, mass

    def _clipping(self, squares, gradient):
        """The factor that brings a gradient, and others with that sum of squares, to the largest norm."""
        norm = float(squares + gradient @ gradient) ** 0.5
        if not isfinite(norm):
            raise DivergenceError
        return gradient.dtype.type(min(1.0, self.max_norm / norm) if norm else 1.0)

    def _clipped_rows(self):
        """Clip all gradients; a function that writes those of the rows of the first weights."""
        graph, h = self.graph, self.graph.parameters.first.shape[1]
        n_rows, vector = self.rows.rows.size, graph.gradients.vector[self.n_first :]
        held, block = self._buffer("rows", n_rows, h, vector.dtype), row_block(h * vector.itemsize)
        squares = np.zeros(-(-n_rows // block))

        def write(start, stop):
            gradient = graph.first.gradient_rows(start, stop, held[start:stop]).reshape(-1)
            squares[start // block] = gradient @ gradient

        self.run(write, n_rows, block)
        factor = self._clipping(squares.sum(), vector)
        vector *= factor
        return lambda start, stop, out: np.multiply(held[start:stop], factor, out=out)

    def _move(self, first, last, penalised):
        """The optimiser's step for parameters first..last of the vector."""
        w, g = self.graph.parameters.vector[first:last], self.graph.gradients.vector[first:last]
        slots = [s[first:last] for s in self.slots]

        def move(start, stop):
            part = slice(start, stop)
            scratch = self.run.scratch("flat", 1, stop - start, w.dtype)[0]
            self.rule.step(w[part], [s[part] for s in slots], g[part], scratch, penalised)

        self.run(move, last - first, 1 << 16)

    def sync(self):
        """Make every weight current."""
        if self.rows is not None:
            self.rows.sync()
            self.graph.first.weights = self.graph.parameters.first
        if self.shared is not None:
            self.shared.restore(self._decay)
            self._decay = 1.0
