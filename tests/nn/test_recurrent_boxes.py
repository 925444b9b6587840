"""Recurrent boxes: gradients by complex step, naive loops written from the formulas, PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sequences import packed, random_recurrent

from skmaxent import check_gradient
from skmaxent.nn.gradient_check import check_boxes
from skmaxent.nn.graph import SequenceGraph
from skmaxent.nn.layers import Affine
from skmaxent.nn.parameters import Parameters
from skmaxent.nn.recurrent import CELLS
from skmaxent.nn.steps import Steps
from skmaxent.nn.tokens import Lookup, Pool, SequenceDropout

LENGTHS = [[1], [1, 1, 1], [4], [3, 1, 4, 2, 4]]


@given(st.lists(st.integers(0, 6), max_size=7))
@settings(max_examples=60, deadline=None)
def test_steps_are_the_sequences_step_by_step(lengths):
    steps = Steps(lengths)
    assert sorted(steps.order.tolist()) == [*range(len(lengths))]
    assert_array_equal(steps.lengths, sorted(lengths, reverse=True))
    wanted = [(i, t) for t in range(max(lengths, default=0)) for i, n in enumerate(steps.lengths) if n > t]
    assert [*zip(steps.sequence.tolist(), steps.step.tolist())] == wanted
    starts = np.cumsum(lengths) - lengths
    rows = steps.rows_of(np.asarray(starts, dtype=np.intp))
    assert sorted(rows.tolist()) == [*range(sum(lengths))]
    for reverse in (False, True):
        before = dict.fromkeys(range(len(wanted)))
        for start, _, first, running in steps.walk(reverse):
            for k in range(running):
                before[start + k] = first + k
        shift = 1 if reverse else -1
        for row, (i, t) in enumerate(wanted):
            neighbour = (i, t + shift)
            expected = wanted.index(neighbour) if neighbour in wanted else None
            assert before[row] == expected
            assert steps.before(reverse)[row] == (len(wanted) if expected is None else expected)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_every_gradient_by_complex_step(cell, bidirectional, lengths):
    rng = np.random.default_rng(0)
    graph, x = random_recurrent(3, (3, 2), cell, bidirectional, None, lengths, rng)
    _, errors = check_boxes(graph, x, rng, "complex-step")
    assert len(errors) == (4 + bidirectional * 3 + (cell == "gru") * (1 + bidirectional)) * 2 + 3
    assert max(errors.values()) < 1e-12


@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("lengths", [[1], [3, 0, 1, 4, 2, 4, 0]])
def test_pools_by_complex_step_and_by_definition(pooling, bidirectional, lengths):
    rng = np.random.default_rng(0)
    graph, x = random_recurrent(2, (3,), "elman", bidirectional, pooling, lengths, rng)
    _, errors = check_boxes(graph, x, rng, "complex-step")
    assert max(errors.values()) < 1e-12
    pool, steps = next(box for box in graph.boxes if isinstance(box, Pool)), graph.steps
    h = rng.normal(size=(x.shape[0], 6 if bidirectional else 3))
    pooled = pool.fprop(h)
    for place, length in enumerate(steps.lengths):
        states = h[steps.sequence == place]
        if not length:
            wanted = np.zeros(h.shape[1])
        elif pooling == "last":
            wanted = np.concatenate([states[-1, :3], states[0, 3:]])
        else:
            wanted = getattr(states, pooling)(axis=0)
        assert_allclose(pooled[place], wanted, rtol=0, atol=1e-15)


def test_the_gradient_of_a_maximum_goes_to_one_of_equal_ones():
    pool = Pool("max")
    pool.bind(SequenceGraph([], {}, {}))
    pool.graph.steps = Steps([3])
    pool.fprop(np.array([[1.0, 2.0], [1.0, 0.0], [0.0, 2.0]]))
    assert_array_equal(pool.bprop(np.array([[5.0, 7.0]])), [[5, 7], [0, 0], [0, 0]])


def test_check_gradient_walks_recurrent_networks():
    for cell in CELLS:
        errors = check_gradient((3, 2, 4), cell=cell)
        assert "1 Parallel 2 recurrent" in errors and "3 SoftmaxLoss input" in errors
        assert max(errors.values()) < 1e-12
    X = [np.ones((2, 3)), np.zeros((1, 3))]
    assert max(check_gradient((3, 2, 4), cell="gru", X=X, method="central").values()) < 1e-7


# ---- naive loops, one sequence after another, from the formulas


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def naive_elman(x, p):
    h, states = np.zeros(p["recurrent"].shape[0]), []
    for x_t in x:
        h = np.tanh(x_t @ p["weights"] + h @ p["recurrent"] + p["biases"])
        states.append(h)
    return states


def naive_lstm(x, p):
    h, states = np.zeros(p["recurrent"].shape[0]), []
    c = h
    for x_t in x:
        o, i, f, g = np.split(x_t @ p["weights"] + h @ p["recurrent"] + p["biases"], 4)
        c = sigmoid(i) * np.tanh(g) + sigmoid(f) * c
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return states


def naive_gru(x, p):
    h, states = np.zeros(p["recurrent"].shape[0]), []
    for x_t in x:
        r, z, n = np.split(x_t @ p["weights"] + p["biases"], 3)
        of_h = np.split(h @ p["recurrent"], 3)
        r, z = sigmoid(r + of_h[0]), sigmoid(z + of_h[1])
        n = np.tanh(n + r * (of_h[2] + p["recurrent_biases"]))
        h = (1 - z) * n + z * h
        states.append(h)
    return states


NAIVE = {"elman": naive_elman, "lstm": naive_lstm, "gru": naive_gru}


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_states_are_those_of_a_naive_loop_over_each_sequence(cell, reverse):
    rng = np.random.default_rng(1)
    lengths = [5, 1, 12, 0, 12, 3]
    graph, x = random_recurrent(4, (6,), cell, True, None, lengths, rng)
    parallel = graph.first
    part, steps = parallel.parts[reverse], graph.steps
    h = part.fprop(x)
    p = {own: getattr(part, own) for own in part.own}
    assert p["biases"].any()
    for place in range(len(lengths)):
        rows = steps.sequence == place
        sequence = x[rows][::-1] if reverse else x[rows]
        states = NAIVE[cell](sequence, p)
        states = states[::-1] if reverse else states
        assert_allclose(h[rows], np.reshape(states, (-1, 6)), rtol=1e-12, atol=1e-12)
    columns = slice(6, 12) if reverse else slice(0, 6)
    assert_array_equal(parallel.fprop(x)[:, columns], h)


@pytest.mark.parametrize("cell", CELLS)
def test_results_do_not_depend_on_what_the_buffers_held(cell):
    rng = np.random.default_rng(2)
    graph, x = random_recurrent(3, (4,), cell, True, None, [4, 2], rng)
    expected = graph.fprop(packed(x, graph.steps)).copy()
    dy = rng.normal(size=expected.shape)
    graph.bprop(dy.copy())
    gradients = graph.gradients.vector.copy()
    other = Steps([7, 7, 7, 1])
    graph.bprop(graph.fprop(packed(rng.normal(size=(22, 3)), other)).copy())
    assert_array_equal(graph.fprop(packed(x, Steps([4, 2]))), expected)
    graph.bprop(dy.copy())
    assert_array_equal(graph.gradients.vector, gradients)


@pytest.mark.parametrize("cell", CELLS)
def test_single_precision_stays_single_and_is_near(cell):
    rng = np.random.default_rng(3)
    graph, x = random_recurrent(3, (4,), cell, True, "max", [4, 2, 9], rng)
    expected = graph.fprop(packed(x, graph.steps))
    single = random_recurrent(3, (4,), cell, True, "max", [4, 2, 9], np.random.default_rng(3), np.float32)[0]
    scores = single.fprop(packed(x.astype(np.float32), graph.steps))
    assert scores.dtype == np.float32
    assert_allclose(scores, expected, atol=2e-5)
    single.bprop(np.ones_like(scores))
    graph.bprop(np.ones_like(expected))
    assert_allclose(single.gradients.vector, graph.gradients.vector, rtol=2e-4, atol=2e-4)


# ---- PyTorch

#: PyTorch's gates in the order in which ours stand side by side
ORDER = {"elman": [0], "lstm": [3, 0, 1, 2], "gru": [0, 1, 2]}


def to_torch(module, cell, parameters, n_layers):
    """Write our parameters into a module of PyTorch's, two layers, both directions."""
    import torch

    for layer in range(n_layers):
        for direction, suffix in (("forward", ""), ("backward", "_reverse")):
            name = f"{cell} {layer + 1} {direction}"
            order = np.argsort(ORDER[cell])
            inverse = [ORDER[cell].index(k) for k in range(len(order))]

            def turned(w, inverse=inverse):
                gates = np.split(w, len(inverse), axis=-1)
                return torch.from_numpy(np.concatenate([gates[k] for k in inverse], axis=-1).T.copy())

            extra = np.zeros_like(parameters[f"{name}.biases"])
            if cell == "gru":
                extra[-parameters[f"{name}.recurrent_biases"].size :] = parameters[f"{name}.recurrent_biases"]
            with torch.no_grad():
                for theirs, ours in (
                    ("weight_ih", parameters[f"{name}.weights"]),
                    ("weight_hh", parameters[f"{name}.recurrent"]),
                    ("bias_ih", parameters[f"{name}.biases"]),
                    ("bias_hh", extra),
                ):
                    getattr(module, f"{theirs}_l{layer}{suffix}").copy_(turned(ours))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.filterwarnings("ignore")
def test_pytorch_computes_the_same(cell):
    """Two layers, both directions, packed, float64: states and all gradients, that of the input included."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from torch.nn.utils.rnn import pack_sequence, unpack_sequence

    rng = np.random.default_rng(4)
    lengths = [7, 1, 12, 3, 12]
    graph, x = random_recurrent(5, (6, 6), cell, True, None, lengths, rng)
    steps, parts = graph.steps, graph.boxes[:2]
    for part in graph.first.parts:
        part.input_gradient = True
    h = parts[1].fprop(parts[0].fprop(x))
    dh = rng.normal(size=h.shape)
    dx = parts[0].bprop(parts[1].bprop(dh.copy()))

    kind = {"elman": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    module = kind(5, 6, num_layers=2, bidirectional=True, dtype=torch.float64)
    to_torch(module, cell, graph.parameters, 2)
    inputs = [torch.tensor(x[steps.sequence == i], requires_grad=True) for i in range(len(lengths))]
    outputs = unpack_sequence(module(pack_sequence(inputs))[0])
    loss = sum((out * torch.from_numpy(dh[steps.sequence == i])).sum() for i, out in enumerate(outputs))
    loss.backward()
    for i, (out, given_x) in enumerate(zip(outputs, inputs)):
        rows = steps.sequence == i
        assert_allclose(h[rows], out.detach().numpy(), rtol=1e-10, atol=1e-10)
        assert_allclose(dx[rows], given_x.grad.numpy(), rtol=1e-10, atol=1e-10)
    ours = kind(5, 6, num_layers=2, bidirectional=True, dtype=torch.float64)
    to_torch(ours, cell, graph.gradients, 2)
    theirs = dict(module.named_parameters())
    for name, gradient in ours.named_parameters():
        if "bias_hh" in name and cell != "gru":
            continue  # PyTorch has a second bias that adds to the first
        wanted = theirs[name].grad
        if "bias_hh" in name:  # of ours only that of the candidate is there
            gradient, wanted = gradient[-6:], wanted[-6:]
        assert_allclose(gradient.detach().numpy(), wanted.numpy(), rtol=1e-10, atol=1e-10)


# ---- lookup and dropout


def token_graph(boxes, lengths, index=None):
    graph = SequenceGraph(boxes, {}, {})
    graph.steps, graph.index = Steps(lengths), index
    return graph


def test_lookup_repeats_rows_and_its_gradient_sums_them():
    index = np.array([2, 0, 2, 1, 2])
    lookup = Lookup()
    token_graph([lookup], [3, 2], index)
    x, dy = np.random.default_rng(0).normal(size=(2, 5, 2))[:, :4], np.arange(10.0).reshape(5, 2)
    assert_array_equal(lookup.fprop(x[0]), x[0][index])
    wanted = np.zeros((4, 2))
    np.add.at(wanted, index, dy)
    assert_array_equal(lookup.bprop(dy), wanted)


def test_word_dropout_depends_on_the_sequence_and_the_place_alone():
    lengths = np.array([400, 400, 300])
    lookup = Lookup(0.25)
    graph = token_graph([lookup], lengths, np.arange(1, 1101))
    x = np.arange(1101.0)[:, None]
    keys = np.array([7, 7, 9], dtype=np.uint64)
    graph.keys = keys
    dropped = lookup.fprop(x)[:, 0] == 0
    rows = [graph.steps.sequence == i for i in range(3)]
    assert_array_equal(dropped[rows[0]], dropped[rows[1]])
    assert 0.15 < dropped[rows[2]].mean() < 0.35
    assert (dropped[rows[0]][:300] != dropped[rows[2]]).any()
    gradient = lookup.bprop(np.ones((1100, 1)))
    assert gradient[0, 0] == dropped.sum()
    graph.keys = None
    assert_array_equal(lookup.fprop(x)[:, 0], np.arange(1, 1101))


def test_a_sequence_has_one_mask_and_equal_sequences_have_equal_ones():
    rng = np.random.default_rng(0)
    dropout = SequenceDropout(0.4, 50, rng)
    graph = token_graph([dropout], [3, 3, 2])
    graph.keys = np.array([5, 6, 5], dtype=np.uint64)
    y = dropout.fprop(np.ones((8, 50)))
    for i in range(3):
        masks = y[graph.steps.sequence == i]
        assert (masks == masks[0]).all() and set(np.unique(masks)) == {0, 1 / 0.6}
    assert_array_equal(y[graph.steps.sequence == 0][0], y[graph.steps.sequence == 2][0])
    assert (y[graph.steps.sequence == 0][0] != y[graph.steps.sequence == 1][0]).any()
    assert_array_equal(dropout.bprop(np.full((8, 50), 2.0)), 2 * y)
    graph.keys = None
    assert_array_equal(dropout.fprop(np.ones((8, 50))), np.ones((8, 50)))


# ---- the builder


def test_the_boxes_and_parameters_of_a_network():
    from skmaxent.nn.sequence_builder import Recurrent

    network = Recurrent(30, 5, (4, 3), "lstm", True, "max", 2, 0.5, 0.1)
    parameters = network.parameters(np.float64)
    assert [*parameters.weights][:3] == [
        "embedding.weights",
        "lstm 1 forward.weights",
        "lstm 1 forward.recurrent",
    ]
    assert parameters["lstm 2 backward.weights"].shape == (8, 12)
    parameters.initialise(np.random.default_rng(0))
    assert_array_equal(parameters["lstm 1 forward.biases"], np.repeat([0.0, 0, 1, 0], 4))
    for gate in np.split(parameters["lstm 2 forward.recurrent"], 4, axis=1):
        assert_allclose(gate @ gate.T, np.eye(3), atol=1e-12)
    bound = np.sqrt(6 / (5 + 4))
    assert 0.9 * bound < np.abs(parameters["lstm 1 forward.weights"]).max() <= bound
    training = network.graph(parameters, parameters.like(), rng=np.random.default_rng(0))
    names = ["SparseAffine", "Lookup", "SequenceDropout", "Parallel", "SequenceDropout", "Parallel", "Pool"]
    assert [type(box).__name__ for box in training.boxes] == [*names, "Dropout", "Affine"]
    predicting = network.graph(parameters, parameters)
    assert [type(box).__name__ for box in predicting.boxes] == [
        "SparseAffine", "Lookup", "Parallel", "Parallel", "Pool", "Affine",
    ]  # fmt: skip
    assert isinstance(Parameters.of({}, {}).starts, dict) and isinstance(predicting.boxes[-1], Affine)
