"""Recurrent networks and sequences for tests."""

from types import SimpleNamespace

import numpy as np
from scipy import sparse

from skmaxent.nn.sequence_builder import Recurrent
from skmaxent.nn.steps import Steps
from skmaxent.nn.training.loop import Progress
from skmaxent.nn.training.options import TrainingOptions
from skmaxent.nn.training.sequence_batches import Sequences
from skmaxent.nn.training.session import Session


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


def random_sequences(n=60, n_types=30, longest=9, seed=0, dtype=np.float64):
    """Token sequences with a table of features, the tag of each token by its type and its neighbours.

    Returns
    -------
    sequences : Sequences
    tags, labels : integer ndarrays
        One a token; one a sequence.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest, n)
    tokens = rng.integers(1, n_types, lengths.sum())
    own = sparse.identity(n_types, format="csr", dtype=dtype)
    ending = sparse.csr_array(np.eye(5, dtype=dtype)[np.arange(n_types) % 5])
    table = sparse.csr_matrix(sparse.hstack([own, ending]))
    sequences = Sequences(lengths, tokens, table)
    before = np.append(0, tokens[:-1])
    before[sequences.starts] = 0
    tags = (tokens % 2) + 2 * (before > n_types // 2)
    labels = np.maximum.reduceat(tokens, sequences.starts) % 3
    return sequences, tags, labels


def train_network(data, cell="lstm", pooling=None, epochs=3, seed=0, n_threads=1, keep=False, state=None,
                  parameters=None, dtype=np.float64, dropout=0.3, **options):  # fmt: skip
    """Train a small network; the Session and the Progress."""
    n_inputs, embedded = data.n_columns, 6 if data.sparse else None
    n_outputs = int(data.targets.max()) + 1
    network = Recurrent(n_inputs, embedded, (5,), cell, True, pooling, n_outputs, dropout, dropout / 3)
    trained = parameters is not None
    parameters = parameters if trained else network.parameters(dtype)
    options = TrainingOptions(**{"batch_size": 8, "learning_rate_init": 0.02, "max_norm": 5.0, **options})
    session = Session(options, network, parameters, "softmax", seed, trained, state, n_threads)
    progress = Progress()
    session.train(data, None, epochs, progress, lambda sync: False, keep)
    return session, progress


def sentences(n=12, seed=0, longest=7):
    """Token lists, a label for each (0, 1 or 2), and lists of tags, which depend on the tokens.

    Returns
    -------
    X : list of list of str
    labels : integer ndarray of shape (n,)
    tags : object ndarray of shape (n,)
        Lists of str.
    """
    rng = np.random.default_rng(seed)
    words = np.array(["the", "The", "a", "dog", "dogs", "barks", "bark", "Barking", "12", "1990", ",", "."])
    kinds = np.array(
        ["DET", "DET", "DET", "NOUN", "NOUN", "VERB", "VERB", "VERB", "NUM", "NUM", "PUNCT", "PUNCT"]
    )
    numbers = [rng.integers(0, words.size, rng.integers(1, longest)) for _ in range(n)]
    tags = np.empty(n, dtype=object)
    for i, part in enumerate(numbers):
        tags[i] = kinds[part].tolist()
    labels = np.array([int((part >= 8).sum() > 1) + int((part < 3).any()) for part in numbers])
    labels[:3] = 0, 1, 2
    return [words[part].tolist() for part in numbers], labels, tags
