"""Training of recurrent networks: batches, clipping, lazy rows, masks by the sequence, threads, restarts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sequences import random_sequences, train_network

from skmaxent.nn.losses import LOSSES
from skmaxent.nn.optimizers.momentum import Momentum
from skmaxent.nn.optimizers.rules import Adam
from skmaxent.nn.recurrent import CELLS
from skmaxent.nn.sequence_builder import Recurrent
from skmaxent.nn.training import sequence_batches
from skmaxent.nn.training.sequence_batches import SequenceDataset, Sequences
from skmaxent.nn.training.trainer import DivergenceError, Trainer
from skmaxent.numerics.threads import BlockRunner


def tagging(seed=0, **kwargs):
    sequences, tags, _ = random_sequences(seed=seed, **kwargs)
    return SequenceDataset(sequences, tags, keys=sequences.keys(1), per_token=True)


def classifying(seed=0, **kwargs):
    sequences, _, labels = random_sequences(seed=seed, **kwargs)
    return SequenceDataset(sequences, labels, keys=sequences.keys(1))


# ---- batches


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80), st.integers(1, 9), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_batches_take_every_sequence_once_and_are_similar_in_length(lengths, size, seed):
    lengths = np.array(lengths)
    data = SequenceDataset(Sequences(lengths, np.zeros((lengths.sum(), 1))), np.zeros(lengths.size, int))
    order = np.random.default_rng(seed).permutation(lengths.size)
    batches = data.batches(order, size)
    assert sorted(np.concatenate(batches).tolist()) == [*range(lengths.size)]
    assert max(len(batch) for batch in batches) <= size
    assert len(batches) == -(-lengths.size // size)
    spans = sorted((lengths[batch].min(), lengths[batch].max()) for batch in batches)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))  # one pool: all sorted


def test_a_batch_of_long_sequences_is_cut_by_tokens(monkeypatch):
    monkeypatch.setattr(sequence_batches, "MOST_TOKENS", 100)
    lengths = np.full(20, 30)
    data = SequenceDataset(Sequences(lengths, np.zeros((600, 1))), np.zeros(20, int))
    batches = data.batches(np.arange(20), 10)
    assert sorted(np.concatenate(batches).tolist()) == [*range(20)]
    assert max(lengths[batch].sum() for batch in batches) <= 130


@pytest.mark.parametrize("renumber", [True, False])
def test_a_batch_has_the_features_targets_and_weights_of_its_tokens(renumber):
    sequences, tags, _ = random_sequences()
    weights = np.random.default_rng(0).random(tags.size)
    data = SequenceDataset(sequences, tags, weights, sequences.keys(0), per_token=True)
    data.renumber = renumber
    order = np.array([5, 3, 17, 40])
    x, targets, mass, keys = data.batch(order)
    dense = sequences.table.toarray()
    rows = x.rows if renumber else np.arange(dense.shape[1])
    indptr, columns, values = x.inputs.x
    inputs = np.zeros((x.inputs.n_rows, dense.shape[1]))
    for i in range(x.inputs.n_rows):
        part = slice(indptr[i], indptr[i + 1])
        inputs[i, rows[columns[part]]] = values[part]
    assert_array_equal(inputs[0], dense[0])  # the unknown token
    for place in range(4):
        number = order[x.steps.order[place]]
        part = slice(sequences.starts[number], sequences.starts[number] + sequences.lengths[number])
        mine = x.steps.sequence == place
        assert_array_equal(inputs[x.index[mine]], dense[sequences.tokens[part]])
        assert_array_equal(targets[mine], tags[part])
        assert_array_equal(mass[mine], weights[part])
        assert keys[place] == data.keys[number]


def test_keys_are_equal_for_equal_sequences_alone():
    lengths = np.array([2, 3, 2, 3, 2, 1])
    tokens = np.array([1, 2, 1, 2, 3, 1, 2, 3, 2, 1, 2, 1, 1])
    keys = Sequences(lengths, tokens, np.zeros((4, 1))).keys(3)
    assert keys[0] == keys[2] and np.unique(keys).size == 5
    values = np.array([0.0, 1.0, -0.0, 1.0, 2.0])[:, None]
    keys = Sequences(np.array([2, 2, 1]), values).keys(3)
    assert keys[0] == keys[1] != keys[2]


def test_taking_some_sequences():
    sequences, *_ = random_sequences()
    some = sequences.take(np.array([7, 2]))
    wanted = [
        sequences.tokens[s : s + n] for s, n in zip(sequences.starts[[7, 2]], sequences.lengths[[7, 2]])
    ]
    assert_array_equal(some.tokens, np.concatenate(wanted))
    assert_array_equal(some.keys(0), sequences.keys(0)[[7, 2]])


# ---- clipping and lazy rows


@pytest.mark.parametrize("pooling", [None, "max"])
@pytest.mark.parametrize("max_norm", [None, 0.05])
def test_lazy_rows_with_clipping_are_the_dense_optimiser(pooling, max_norm):
    """25 steps; but for epsilon, which the closed form of Adam's rest does not know and is 1e-300 here."""
    data = tagging(n_types=60) if pooling is None else classifying(n_types=60)
    network = Recurrent(data.n_columns, 6, (5,), "lstm", True, pooling, 4, 0.3, 0.1)
    vectors = []
    for lazy in (False, True):
        parameters = network.parameters(np.float64)
        parameters.initialise(np.random.default_rng(0))
        graph = network.graph(parameters, parameters.like(), True, np.random.default_rng(1))
        rule = Adam(l2=0.01, epsilon=1e-300)
        slots = [np.zeros_like(parameters.vector) for _ in range(2)]
        trainer = Trainer(graph, LOSSES["softmax"](), rule, slots, BlockRunner(1), lazy, max_norm=max_norm)
        data.renumber = lazy
        rng = np.random.default_rng(2)
        for _ in range(25):
            trainer.step(*data.batch(rng.permutation(len(data))[:4]), 0.01)
        trainer.sync()
        vectors.append(parameters.vector)
    assert_allclose(vectors[1], vectors[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", [None, "mean"])
@pytest.mark.parametrize("epsilon, precision", [(1e-300, 1e-10), (1e-8, 1e-3)])
def test_the_losses_of_epochs_are_those_of_dense_adam(pooling, epsilon, precision):
    """Epochs in length buckets, with dropout and clipping, the features far apart in a wide table."""
    losses = []
    for lazy in (False, True):
        data = tagging(n_types=60) if pooling is None else classifying(n_types=60)
        network = Recurrent(data.n_columns, 6, (5,), "gru", True, pooling, 4, 0.2, 0.1)
        parameters = network.parameters(np.float64)
        parameters.initialise(np.random.default_rng(0))
        graph = network.graph(parameters, parameters.like(), True, np.random.default_rng(1))
        slots = [np.zeros_like(parameters.vector) for _ in range(2)]
        rule = Adam(l2=0.01, epsilon=epsilon)
        trainer = Trainer(graph, LOSSES["softmax"](), rule, slots, BlockRunner(1), lazy, max_norm=0.5)
        rng = np.random.default_rng(2)
        epochs = [data.batches(rng.permutation(len(data)), 3) for _ in range(6)]
        losses.append([trainer.epoch(data, batches, 0.02) for batches in epochs])
    assert losses[0][-1] < 0.7 * losses[0][0]
    assert_allclose(losses[1], losses[0], rtol=precision)


def gradient_after(max_norm, lazy):
    """The step that plain gradient descent of rate 1 takes, which is the clipped gradient."""
    data = tagging()
    network = Recurrent(data.n_columns, 6, (5,), "gru", True, None, 4)
    parameters = network.parameters(np.float64)
    parameters.initialise(np.random.default_rng(0))
    start = parameters.vector.copy()
    graph = network.graph(parameters, parameters.like(), True)
    rule = Momentum(0.0, 0.0, 0.0, False)
    slots = [np.zeros_like(start)]
    trainer = Trainer(graph, LOSSES["softmax"](), rule, slots, BlockRunner(1), lazy, max_norm=max_norm)
    data.renumber = lazy
    x, targets, weights, _ = data.batch(np.arange(10))
    trainer.step(x, targets, weights, None, 1.0)
    trainer.sync()
    return start - parameters.vector


@pytest.mark.parametrize("lazy", [False, True])
def test_a_longer_gradient_is_scaled_to_the_largest_norm_and_a_shorter_one_is_left(lazy):
    free = gradient_after(None, lazy)
    norm = np.linalg.norm(free)
    assert_allclose(gradient_after(norm / 3, lazy), free / 3, rtol=0, atol=1e-14)
    assert_allclose(gradient_after(norm * 1.01, lazy), free, rtol=0, atol=1e-15)


def test_a_gradient_that_is_not_finite_is_divergence():
    trainer = Trainer.__new__(Trainer)
    trainer.max_norm = 5.0
    for bad in (np.inf, np.nan, 1e200):
        with pytest.raises(DivergenceError), np.errstate(over="ignore"):
            trainer._clipping(0.0, np.array([1.0, bad]))
    assert trainer._clipping(0.0, np.zeros(3)) == 1.0


# ---- whole trainings


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_learns_what_the_neighbour_decides(cell):
    data = tagging()
    session, progress = train_network(data, cell, epochs=60, dropout=0.0)
    accuracy, loss = session.evaluate(data)
    assert accuracy > 0.97 and loss < 0.1 * progress.loss_curve[0]


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
def test_every_pooling_learns(pooling):
    data = classifying()
    session, _ = train_network(data, "gru", pooling, epochs=80, dropout=0.0)
    assert session.evaluate(data)[0] > 0.97


@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad"])
@pytest.mark.parametrize("pooling", [None, "max"])
def test_the_bits_do_not_depend_on_the_threads(solver, pooling, monkeypatch):
    monkeypatch.setattr("skmaxent.nn.recurrent.THREAD_WORK", 1)
    data = tagging() if pooling is None else classifying()
    vectors = [
        train_network(data, "lstm", pooling, n_threads=n, solver=solver)[0].parameters.vector for n in (1, 2)
    ]
    assert_array_equal(*vectors)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad"])
def test_training_of_sequences_goes_on_where_it_stopped(solver):
    data = tagging(n_types=60)
    whole, _ = train_network(data, epochs=4, keep=True, solver=solver)
    first, _ = train_network(data, epochs=2, keep=True, solver=solver)
    kept = {"state": first.state(), "parameters": first.parameters}
    second, _ = train_network(data, epochs=2, keep=True, solver=solver, **kept)
    assert_array_equal(second.parameters.vector, whole.parameters.vector)


def test_a_sequence_of_weight_two_is_two_equal_ones():
    """Also under dropout: equal sequences have equal masks."""
    sequences, tags, _ = random_sequences(n=12)
    twice = np.repeat(np.arange(12), 2)
    doubled = sequences.take(twice)
    whole = SequenceDataset(doubled, tags[sequences.flat(twice)], keys=doubled.keys(1), per_token=True)
    weighted = SequenceDataset(sequences, tags, np.full(tags.size, 2.0), sequences.keys(1), per_token=True)
    models = [train_network(data, epochs=4, batch_size=24)[0] for data in (whole, weighted)]
    assert_allclose(models[0].parameters.vector, models[1].parameters.vector, rtol=0, atol=1e-12)


def test_an_order_of_the_data_changes_no_score():
    data = tagging()
    session, _ = train_network(data)
    graph = session.network.graph(session.parameters, session.parameters)
    scores = np.empty((data.targets.size, 4))
    for rows, part in data.outputs(graph):
        scores[rows] = part
    for number in (3, 30):  # alone, without neighbours
        alone = SequenceDataset(data.sequences.take(np.array([number])), None, per_token=True)
        ((rows, part),) = alone.outputs(graph)
        wanted = scores[data.sequences.flat(np.array([number]))]
        assert_allclose(part[np.argsort(rows)], wanted, rtol=0, atol=1e-12)
