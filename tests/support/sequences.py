"""Recurrent networks and sequences for tests."""

from types import SimpleNamespace

import numpy as np

from skmaxent.nn.sequence_builder import Recurrent
from skmaxent.nn.steps import Steps


def random_recurrent(n_inputs, sizes, cell, bidirectional, pooling, lengths, rng, dtype=np.float64):
    """A network on vectors whose first layer has an input gradient, and random packed inputs."""
    network = Recurrent(n_inputs, None, sizes, cell, bidirectional, pooling, 3)
    parameters = network.parameters(dtype)
    parameters.vector[:] = rng.normal(size=parameters.vector.size)
    graph = network.graph(parameters, parameters.like())
    for part in graph.first.parts:
        part.input_gradient = True
    graph.steps, graph.index = Steps(lengths), None
    return graph, rng.normal(size=(sum(lengths), n_inputs))


def packed(x, steps):
    """A batch as a graph takes it."""
    return SimpleNamespace(inputs=x, steps=steps, index=None)
