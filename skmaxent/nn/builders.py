"""Builders: what boxes a network has, and the names and shapes of its parameters.

A builder offers `parameters(dtype)`, new ones, zero, and `graph(parameters, gradients, sparse, rng, run)`,
boxes bound to them. Whoever trains or predicts knows nothing else of a network.
"""

from ..numerics.threads import run_at_once
from .graph import FlowGraph
from .layers import Activation, Affine, Dropout, SparseAffine
from .parameters import Parameters


class FeedForward:
    """Affine, activation, dropout, affine, ... up to the scores.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units of each hidden layer, of outputs.
    activation : str
    dropout : float
        Rate for each hidden layer.
    """

    def __init__(self, sizes, activation, dropout=0.0):
        self.sizes, self.activation, self.dropout = tuple(sizes), activation, dropout
        pairs = [*zip(self.sizes[:-1], self.sizes[1:])]
        self._weights = {f"affine {k}.weights": pair for k, pair in enumerate(pairs, 1)}
        self._biases = {f"affine {k}.biases": (h,) for k, (_, h) in enumerate(pairs, 1)}

    def parameters(self, dtype):
        """New parameters, zero."""
        return Parameters(self._weights, self._biases, dtype)

    def around(self, coefs, intercepts):
        """Parameters around arrays, lists with one for each layer, without a copy."""
        return Parameters.of(dict(zip(self._weights, coefs)), dict(zip(self._biases, intercepts)))

    def graph(self, parameters, gradients, sparse=False, rng=None, run=run_at_once):
        """The boxes, bound.

        Parameters
        ----------
        parameters, gradients : Parameters
        sparse : bool
            Whether the inputs are `SparseBatch`es.
        rng : numpy.random.Generator
            Seeds the dropout masks; without it the network is for prediction and has none.
        run : BlockRunner
            Threads for the sparse products.
        """
        boxes = []
        for k, n_units in enumerate(self.sizes[:-1], 1):
            name = f"affine {k}"
            if k == 1:
                boxes.append(SparseAffine(name, run) if sparse else Affine(name, input_gradient=False))
                continue
            boxes.append(Activation(self.activation))
            if self.dropout and rng is not None:
                boxes.append(Dropout(self.dropout, n_units, rng))
            boxes.append(Affine(name))
        return FlowGraph(boxes, parameters, gradients)
