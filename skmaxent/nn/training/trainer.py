"""Stochastic training: batches through the flow graph, gradients to the optimiser."""

from functools import partial
from math import inf, isfinite

import numpy as np

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
    """

    def __init__(self, graph, loss, rule, slots, run, lazy, shared=None):
        self.graph, self.loss, self.rule, self.slots, self.run = graph, loss, rule, slots, run
        self.shared, self._decay = shared, 1.0
        parameters = graph.parameters
        self.n_first = parameters.first.size
        self.rows = None
        if lazy:
            shape = parameters.first.shape
            first_slots = [s[: self.n_first].reshape(shape) for s in slots]
            self.rows = LazyRows(parameters.first, first_slots, rule, run)

    def epoch(self, data, order, batch_size, lr):
        """One pass over the examples.

        Parameters
        ----------
        data : Dataset
        order : intp ndarray
            The examples, in the order of their use.
        batch_size : int
        lr : float
            Learning rate.

        Returns
        -------
        loss : float
            Weighted mean of the negative log-likelihood, each batch measured before its step.
        """
        data.renumber = self.rows is not None
        total = mass = 0.0
        later = self.run.later if data.takes_time(batch_size) else partial
        waiting = later(data.batch, order[:batch_size])
        for start in range(0, order.size, batch_size):
            batch = waiting()
            following = order[start + batch_size : start + 2 * batch_size]
            if following.size:
                waiting = later(data.batch, following)
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
            rows.update(graph.first.gradient_rows)
            self._move(self.n_first, graph.parameters.n_weights, True)
        else:
            if graph.is_sparse:
                graph.first_gradient()
            self._move(0, graph.parameters.n_weights, True)
        self._move(graph.parameters.n_weights, graph.parameters.vector.size, False)
        if rows is not None:
            rule.advance()
            rows.advance()
        return loss, mass

    def _move(self, first, last, penalised):
        """The optimiser's step for parameters first..last of the vector."""
        w, g = self.graph.parameters.vector[first:last], self.graph.gradients.vector[first:last]
        slots = [s[first:last] for s in self.slots]

        def move(start, stop):
            part = slice(start, stop)
            scratch = self.run.scratch("flat", 1, stop - start, w.dtype)[0]
            self.rule.step(w[part], [s[part] for s in slots], g[part], scratch, penalised)

        self.run(move, last - first, 1 << 18)

    def sync(self):
        """Make every weight current."""
        if self.rows is not None:
            self.rows.sync()
            self.graph.first.weights = self.graph.parameters.first
        if self.shared is not None:
            self.shared.restore(self._decay)
            self._decay = 1.0
