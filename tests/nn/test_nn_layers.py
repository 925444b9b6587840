"""The boxes of the flow graph: gradients, adjoints, masks, dtypes."""

import numpy as np
import pytest
from scipy import sparse

from skmaxent import check_gradient
from skmaxent.nn.activations import ACTIVATIONS
from skmaxent.nn.builders import FeedForward
from skmaxent.nn.graph import FlowGraph
from skmaxent.nn.kernels import csr_arrays, csr_dot, csr_rows, csr_transposed
from skmaxent.nn.layers import Activation, Dropout, SparseAffine
from skmaxent.nn.losses import LOSSES
from skmaxent.nn.training.batches import Dataset, SparseBatch
from skmaxent.nn.training.row_keys import row_keys, stratified_split


def make_graph(sizes, activation="tanh", dtype=np.float64, seed=0, sparse_input=False, dropout=0.0):
    rng = np.random.default_rng(seed)
    network = FeedForward(sizes, activation, dropout)
    parameters, gradients = network.parameters(dtype), network.parameters(dtype)
    parameters.vector[:] = rng.normal(size=parameters.vector.size)
    return network.graph(parameters, gradients, sparse_input, rng)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "sizes, output", [((4, 3), "softmax"), ((4, 5, 3), "softmax"), ((3, 4, 5, 2), "logistic")]
)
def test_gradients_by_complex_step(activation, sizes, output):
    errors = check_gradient(sizes, activation, output=output)
    assert len(errors) == 3 * (len(sizes) - 1) + len(sizes) - 2 + 1
    assert max(errors.values()) < 1e-10


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_by_central_differences(activation):
    assert max(check_gradient((4, 5, 3), activation, method="central").values()) < 1e-7


def test_check_gradient_with_soft_labels_and_far_scores():
    X = np.random.default_rng(0).normal(size=(5, 4)) * 100
    targets = np.random.default_rng(1).random((5, 3)) * 2
    assert max(check_gradient((4, 3), X=X, targets=targets).values()) < 1e-10


def test_check_gradient_finds_a_wrong_formula(monkeypatch):
    forward, _ = ACTIVATIONS["tanh"]

    def wrong(z, y, dy):
        dy *= 1 - y

    monkeypatch.setitem(ACTIVATIONS, "tanh", (forward, wrong))
    errors = check_gradient((4, 5, 3), "tanh")
    assert errors["2 Activation input"] > 0.01
    assert max(error for name, error in errors.items() if "Activation" not in name) < 1e-10


def test_check_gradient_refuses_unknown_methods():
    with pytest.raises(ValueError, match="method must be"):
        check_gradient((2, 2), method="guess")


@pytest.mark.parametrize("renumber", [False, True])
def test_sparse_affine_equals_dense(renumber):
    rng = np.random.default_rng(0)
    X = sparse.random(9, 30, density=0.1, format="csr", random_state=0)
    W, b, dy = rng.normal(size=(30, 4)), rng.normal(size=4), rng.normal(size=(9, 4))
    data = Dataset(X, np.zeros(9, dtype=int))
    data.renumber = renumber
    batch, *_ = data.batch(np.arange(9))
    weights = W[batch.rows] if renumber else W
    box = SparseAffine("affine")
    box.weights, box.biases, box.d_biases = weights, b, np.empty(4)
    np.testing.assert_allclose(box.fprop(batch), X @ W + b, rtol=1e-12, atol=1e-12)
    assert box.bprop(dy) is None
    np.testing.assert_allclose(box.d_biases, dy.sum(axis=0))
    expected = X.T @ dy
    if renumber:
        assert np.all(np.diff(batch.rows) > 0)
        np.testing.assert_array_equal(batch.rows, np.unique(X.indices))
        assert np.all(np.delete(expected, batch.rows, axis=0) == 0)
        expected = expected[batch.rows]
    computed = np.vstack(
        [
            box.gradient_rows(i, min(i + 7, len(expected)), np.empty((min(i + 7, len(expected)) - i, 4)))
            for i in range(0, len(expected), 7)
        ]
    )
    np.testing.assert_allclose(computed, expected, rtol=1e-12, atol=1e-12)


def test_csr_dot_adds_a_range_of_rows():
    X = sparse.random(8, 5, density=0.5, format="csr", random_state=1, dtype=np.float32)
    B = np.random.default_rng(0).normal(size=(5, 3))
    out = np.ones((3, 3))
    csr_dot(X.indptr[2:6], X.indices, X.data, B, out)
    np.testing.assert_allclose(out, 1 + (X[2:5] @ B), rtol=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_upcast_and_no_new_memory(activation, dtype):
    graph = make_graph((6, 5, 4, 3), activation, dtype, dropout=0.3)
    X = np.random.default_rng(0).normal(size=(10, 6)).astype(dtype)
    keys = row_keys(X, 0)
    loss = LOSSES["softmax"]()
    seen = []
    for _ in range(2):
        scores = graph.fprop(X, keys)
        loss.fprop(scores, np.zeros(10, dtype=int))
        graph.bprop(loss.bprop(0.1))
        arrays = [scores, loss.bprop(), graph.gradients.vector]
        assert all(a.dtype == dtype for a in arrays)
        seen.append([a.ctypes.data for a in arrays])
    assert seen[0] == seen[1]


@pytest.mark.parametrize("scale", [1, 300])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_stay_finite(activation, scale):
    z = np.linspace(-scale, scale, 201, dtype=np.float32)[None]
    box = Activation(activation)
    with np.errstate(all="raise", under="ignore"):
        y = box.fprop(z)
        dy = box.bprop(np.ones_like(z))
    assert np.isfinite(y).all() and np.isfinite(dy).all()


def test_dropout():
    rng = np.random.default_rng(0)
    box = Dropout(0.3, 500, rng)
    graph = FlowGraph([box], *[FeedForward((2, 1), "relu").parameters(float)] * 2)
    x = rng.normal(size=(400, 500))
    assert graph.fprop(x) is x
    keys = row_keys(x, 7)
    y = graph.fprop(x, keys).copy()
    mask = y != 0
    np.testing.assert_allclose(y[mask], x[mask] / 0.7)
    assert abs(mask.mean() - 0.7) < 0.005  # 200,000 draws: standard error 0.001
    assert np.abs(mask.mean(axis=0) - 0.7).max() < 0.12
    assert np.abs(mask.mean(axis=1) - 0.7).max() < 0.12
    pairs = np.corrcoef(mask.T[:60])
    assert np.abs(pairs - np.eye(60)).max() < 0.3
    np.testing.assert_array_equal(box.bprop(np.ones_like(x)), mask / 0.7)
    order = rng.permutation(400)
    np.testing.assert_array_equal(graph.fprop(x[order], keys[order]), y[order])
    assert (graph.fprop(x, keys + np.uint64(1)) != 0).mean() != mask.mean()


def test_row_keys_follow_the_content():
    X = sparse.random(40, 20, density=0.2, format="csr", random_state=0)
    repeated = sparse.vstack([X, X[::-1]]).tocsr()
    keys = row_keys(repeated, 3)
    np.testing.assert_array_equal(keys, np.r_[keys[:40], keys[39::-1]])
    np.testing.assert_array_equal(keys, row_keys(repeated.toarray(), 3))
    distinct = np.unique(X.toarray(), axis=0).shape[0]
    assert np.unique(keys).size == distinct
    assert not np.array_equal(keys, row_keys(repeated, 4))


def test_stratified_split():
    rng = np.random.default_rng(0)
    strata = rng.choice(4, size=2000, p=[0.7, 0.2, 0.09, 0.01])
    keys = rng.integers(0, 2**60, 2000).astype(np.uint64)
    keys[1000:] = keys[:1000]  # each row twice
    strata[1000:] = strata[:1000]
    share = stratified_split(keys, strata, None, 0.1)
    assert set(share) == {0.0, 1.0}
    assert (share[:1000] + share[1000:] <= 1).all()  # one of two equal rows stays in training
    for k in range(4):
        assert abs(share[strata == k].sum() - 0.1 * (strata == k).sum()) <= 1
    assert abs(share.sum() - 200) <= 1
    # two equal rows count as one of weight 2, in any order
    order = rng.permutation(1000)
    halved = stratified_split(keys[order], strata[order], np.full(1000, 2.0), 0.1)
    np.testing.assert_array_equal(2 * halved, (share[:1000] + share[1000:])[order])
    # as long as some class has two different rows, somebody is chosen, and no class is chosen whole
    tiny = stratified_split(np.arange(5, dtype=np.uint64), np.array([0, 0, 1, 1, 2]), None, 0.1)
    assert tiny.sum() == 1 and not tiny[4]


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("rows", [[5, 0, 2, 5], [1], []])
def test_rows_and_transposes_are_those_of_scipy(index, rows):
    X = sparse.random(7, 9, density=0.4, format="csr", random_state=0, dtype=np.float32)
    X.data[3] = 0  # an explicit zero stays
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    x = csr_rows(X, np.array(rows, dtype=np.intp))
    for ours, scipys in zip(x, csr_arrays(X[rows])):
        np.testing.assert_array_equal(ours, scipys)
    for ours, scipys in zip(csr_transposed(*x, 9), csr_arrays(X[rows].tocsc())):
        np.testing.assert_array_equal(ours, scipys)
    assert {a.dtype for a in (*x[:2], *csr_transposed(*x, 9)[:2])} == {np.dtype(index)}
    assert x[2].dtype == np.float32


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu", "gelu", "silu"])
@pytest.mark.parametrize("sparse_input", [False, True])
def test_whole_network_against_pytorch(activation, sparse_input):
    torch = pytest.importorskip("torch")
    functions = {
        "identity": lambda z: z, "logistic": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
        "gelu": torch.nn.functional.gelu, "silu": torch.nn.functional.silu,
    }  # fmt: skip
    graph = make_graph((8, 6, 5, 4), activation, sparse_input=sparse_input)
    X = sparse.random(11, 8, density=0.4, format="csr", random_state=0)
    y = np.random.default_rng(0).integers(0, 4, 11)
    loss = LOSSES["softmax"]()
    value = loss.fprop(graph.fprop(SparseBatch(csr_arrays(X), 8) if sparse_input else X.toarray()), y)
    graph.bprop(loss.bprop())
    if sparse_input:
        graph.first.gradient_rows(0, 8, graph.gradients.first)
    ws = [torch.tensor(w, requires_grad=True) for w in graph.parameters.weights.values()]
    bs = [torch.tensor(b, requires_grad=True) for b in graph.parameters.biases.values()]
    h = torch.tensor(X.toarray())
    for k, (w, b) in enumerate(zip(ws, bs)):
        h = (functions[activation](h) if k else h) @ w + b
    expected = torch.nn.functional.cross_entropy(h, torch.tensor(y), reduction="sum")
    expected.backward()
    assert abs(value - expected.item()) < 1e-10
    for ours, theirs in zip([*graph.gradients.weights.values(), *graph.gradients.biases.values()], ws + bs):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-10, atol=1e-10)
