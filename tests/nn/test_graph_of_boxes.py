"""A network is whatever boxes a builder puts in a row: nothing else knows which boxes there are."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmaxent.nn.builders import FeedForward
from skmaxent.nn.gradient_check import check_boxes
from skmaxent.nn.graph import FlowGraph
from skmaxent.nn.layers import Affine, Box
from skmaxent.nn.losses import LOSSES
from skmaxent.nn.parameters import Parameters
from skmaxent.nn.training.batches import Dataset
from skmaxent.nn.training.loop import Progress
from skmaxent.nn.training.options import TrainingOptions
from skmaxent.nn.training.session import Session


class Gated(Box):
    """y = (x U) * sigmoid(x V + b): two weight matrices, and no bias of the first."""

    own = ("content", "gate", "biases")
    ends_layer = True

    def fprop(self, x):
        self._x, self._content = x, x @ self.content
        self._open = 1 / (1 + np.exp(-(x @ self.gate + self.biases)))
        return self._content * self._open

    def bprop(self, dy):
        d_content, d_gate = dy * self._open, dy * self._content * self._open * (1 - self._open)
        np.matmul(self._x.T, d_content, out=self.d_content)
        np.matmul(self._x.T, d_gate, out=self.d_gate)
        d_gate.sum(axis=0, out=self.d_biases)
        return d_content @ self.content.T + d_gate @ self.gate.T


class GatedNetwork:
    """A builder: gated units, then scores."""

    def __init__(self, n_inputs, n_units, n_outputs):
        shape = (n_inputs, n_units)
        self._weights = {
            "gated.content": shape,
            "gated.gate": shape,
            "affine.weights": (n_units, n_outputs),
        }
        self._biases = {"gated.biases": (n_units,), "affine.biases": (n_outputs,)}

    def parameters(self, dtype):
        return Parameters(self._weights, self._biases, dtype)

    def graph(self, parameters, gradients, sparse=False, rng=None, run=None):
        return FlowGraph([Gated("gated"), Affine("affine")], parameters, gradients)


def rings(n=200):
    """Two classes that no straight line separates."""
    X = np.random.default_rng(0).normal(size=(n, 2))
    return np.column_stack([X, np.ones(n)]), (np.hypot(*X.T) > 1.1).astype(int)


@pytest.mark.parametrize("method, limit", [("complex-step", 1e-10), ("central", 1e-7)])
def test_the_gradient_check_walks_any_boxes(method, limit):
    network, rng = GatedNetwork(4, 3, 2), np.random.default_rng(0)
    parameters = network.parameters(float)
    parameters.vector[:] = rng.normal(size=parameters.vector.size)
    graph = network.graph(parameters, parameters.like())
    scores, errors = check_boxes(graph, rng.normal(size=(5, 4)), rng, method)
    assert scores.shape == (5, 2)
    assert set(errors) == {
        *(f"1 Gated {name}" for name in ("input", "content", "gate", "biases")),
        *(f"2 Affine {name}" for name in ("input", "weights", "biases")),
    }
    assert max(errors.values()) < limit


def train(options, epochs, seed=0, state=None, parameters=None):
    X, y = rings()
    network = GatedNetwork(3, 12, 2)
    trained = parameters is not None
    parameters = parameters if trained else network.parameters(float)
    session = Session(options, network, parameters, "softmax", seed, trained, state, n_threads=1)
    progress, data = Progress(), Dataset(X, y)
    if options.solver == "lbfgs":
        session.minimise(data, None, progress, lambda sync: False)
    else:
        session.train(data, None, epochs, progress, lambda sync: False, keep=True)
    return session, progress, session.evaluate(data)


@pytest.mark.parametrize("solver", ["sgd", "adam", "adagrad", "lbfgs"])
def test_every_optimiser_trains_them(solver):
    rate = {"sgd": 0.3, "adam": 0.03, "adagrad": 0.1, "lbfgs": 0.1}[solver]
    options = TrainingOptions(solver=solver, learning_rate_init=rate, batch_size=20, max_iter=300)
    session, progress, (accuracy, loss) = train(options, 60)
    assert accuracy > 0.95 and loss < 0.5 * progress.loss_curve[0]
    assert len(session.state()["slots"]) == {"sgd": 1, "adam": 2, "adagrad": 1, "lbfgs": 0}[solver]


def test_only_the_weights_are_penalised():
    """With a penalty that leaves no weight, the biases alone give the class shares."""
    options = TrainingOptions(solver="lbfgs", alpha=1e6, max_iter=500)
    session, _, (_, loss) = train(options, 1)
    weights, biases = session.parameters.weights, session.parameters.biases
    assert max(np.abs(w).max() for w in weights.values()) < 1e-3
    share = np.bincount(rings()[1]) / 200
    assert_allclose(loss, -(share @ np.log(share)), rtol=1e-5)
    assert_allclose(np.ptp(biases["affine.biases"]), abs(np.diff(np.log(share))[0]), rtol=1e-3)


def test_training_goes_on_where_it_stopped():
    options = TrainingOptions(batch_size=20, shuffle=True)
    whole, *_ = train(options, 4)
    first, *_ = train(options, 2)
    second, *_ = train(options, 2, state=first.state(), parameters=first.parameters)
    assert_array_equal(second.parameters.vector, whole.parameters.vector)


def test_parameters_are_one_vector_with_names():
    parameters = GatedNetwork(4, 3, 2).parameters(np.float32)
    assert parameters.n_weights == 4 * 3 * 2 + 3 * 2 and parameters.vector.size == parameters.n_weights + 5
    parameters.initialise(np.random.default_rng(0))
    for name, w in parameters.weights.items():
        assert np.shares_memory(w, parameters.vector) and parameters[name] is w
        assert 0.3 < np.abs(w).max() / np.sqrt(6 / sum(w.shape)) <= 1
    assert not any(b.any() for b in parameters.biases.values())
    copy = parameters.like(vector=parameters.vector.copy())
    assert_array_equal(copy["affine.weights"], parameters["affine.weights"])
    assert not np.shares_memory(copy.vector, parameters.vector)
    assert parameters.like(float, first=9).first.shape == (9, 3)


def test_options_are_those_of_the_estimator():
    """Every option has the name and the default of the estimator's parameter."""
    from skmaxent import BackpropMLPClassifier

    estimator = BackpropMLPClassifier()
    assert TrainingOptions.of(estimator) == TrainingOptions()
    changed = estimator.set_params(alpha=2.0, l1_ratio=0.25, batch_size=7)
    options = TrainingOptions.of(changed)
    assert (options.l1, options.l2) == (0.5, 1.5)
    assert options.rows_of_a_batch(5) == 5 and options.rows_of_a_batch(50) == 7
    assert replace(options, batch_size="auto").rows_of_a_batch(1000) == 200


def test_a_feed_forward_network_is_named_layer_by_layer():
    network = FeedForward((4, 3, 2), "tanh", dropout=0.5)
    parameters = network.parameters(float)
    assert [*parameters.weights] == ["affine 1.weights", "affine 2.weights"]
    graph = network.graph(parameters, parameters.like(), rng=np.random.default_rng(0))
    assert [type(box).__name__ for box in graph.boxes] == ["Affine", "Activation", "Dropout", "Affine"]
    predicting = network.graph(parameters, parameters, sparse=True)  # without a source of masks no dropout
    assert [type(box).__name__ for box in predicting.boxes] == ["SparseAffine", "Activation", "Affine"]
    assert not graph.is_sparse and predicting.is_sparse
    assert LOSSES.keys() == {"softmax", "logistic"}
