"""The contestants of the benchmark of networks.

Each yields an epoch at a time: seconds, training loss, test accuracy, model, peak memory.
"""

import resource
import time
from statistics import median

import numpy as np

HIDDEN, BATCH, RATE = 100, 200, 0.001


class Clock:
    """Callback of scikit-learn 1.9: the time at the start of fit and after each epoch."""

    def setup(self, estimator, context):
        self.times = [time.perf_counter()]

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do."""

    def on_fit_task_end(self, estimator, context):
        if context.parent is not None:
            self.times.append(time.perf_counter())

    def teardown(self, estimator, context):
        """Nothing to do."""


def run_skmaxent(X, y, X_test, y_test, epochs):
    from skmaxent import BackpropMLPClassifier

    options = {"max_iter": epochs, "random_state": 0, "tol": 0.0, "n_iter_no_change": epochs}
    clock = Clock()
    mlp = BackpropMLPClassifier((HIDDEN,), **options).set_callbacks(clock).fit(X, y)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = np.diff(clock.times).tolist()
    watched = BackpropMLPClassifier((HIDDEN,), **options).fit(X, y, X_val=X_test, y_val=y_test)
    for second, loss, score in zip(seconds, mlp.loss_curve_, watched.validation_scores_):
        yield second, loss, score, mlp, memory


def run_sklearn(X, y, X_test, y_test, epochs):
    from sklearn.neural_network import MLPClassifier

    mlp = MLPClassifier((HIDDEN,), random_state=0)
    for _ in range(epochs):
        start = time.perf_counter()
        mlp.partial_fit(X, y, classes=np.unique(y))
        seconds = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        yield seconds, mlp.loss_, mlp.score(X_test, y_test), mlp, memory


def run_sklearn_batches(X, y, X_test, y_test, epochs):
    """A few batches, scaled up to an epoch: a whole one would take minutes."""
    from sklearn.neural_network import MLPClassifier

    mlp = MLPClassifier((HIDDEN,), random_state=0)
    mlp.partial_fit(X[:BATCH], y[:BATCH], classes=np.unique(y))
    times = []
    for i in range(1, 5):
        rows = slice(i * BATCH, (i + 1) * BATCH)
        start = time.perf_counter()
        mlp.partial_fit(X[rows], y[rows])
        times.append(time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield median(times) * -(-X.shape[0] // BATCH), float("nan"), float("nan"), mlp, memory


def run_torch(X, y, X_test, y_test, epochs, is_sparse):
    import torch

    torch.manual_seed(0)
    d, n_classes = X.shape[1], int(y.max()) + 1
    bound = (6 / (d + HIDDEN)) ** 0.5
    first = torch.nn.EmbeddingBag(d, HIDDEN, mode="sum", sparse=is_sparse)
    torch.nn.init.uniform_(first.weight, -bound, bound)
    bias = torch.nn.Parameter(torch.zeros(HIDDEN))
    last = torch.nn.Linear(HIDDEN, n_classes)
    torch.nn.init.xavier_uniform_(last.weight)
    torch.nn.init.zeros_(last.bias)
    rest = [bias, *last.parameters()]
    if is_sparse:
        optimisers = [torch.optim.SparseAdam(first.parameters(), lr=RATE), torch.optim.Adam(rest, lr=RATE)]
    else:
        optimisers = [torch.optim.Adam([*first.parameters(), *rest], lr=RATE, fused=True)]

    def scores(Z):
        indices, offsets = (torch.from_numpy(a.astype(np.int64)) for a in (Z.indices, Z.indptr[:-1]))
        return last(torch.relu(first(indices, offsets, per_sample_weights=torch.from_numpy(Z.data)) + bias))

    # The first step of an optimiser imports much of PyTorch: not on the clock.
    idle = torch.nn.Parameter(torch.zeros(1))
    idle.grad = torch.zeros(1)
    torch.optim.Adam([idle], fused=not is_sparse).step()

    rng = np.random.default_rng(0)
    targets = torch.from_numpy(y.astype(np.int64))
    for _ in range(epochs):
        start, total, order = time.perf_counter(), 0.0, rng.permutation(X.shape[0])
        for i in range(0, order.size, BATCH):
            rows = order[i : i + BATCH]
            loss = torch.nn.functional.cross_entropy(scores(X[rows]), targets[rows])
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss.backward()
            for optimiser in optimisers:
                optimiser.step()
            total += loss.item() * rows.size
        seconds = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with torch.no_grad():
            parts = [scores(X_test[i : i + 1000]).argmax(1).numpy() for i in range(0, X_test.shape[0], 1000)]
            guess = np.concatenate(parts)
        model = {"first": first.state_dict(), "bias": bias, "last": last.state_dict()}
        yield seconds, total / X.shape[0], float(np.mean(guess == y_test)), model, memory


RUN = {
    "skmaxent": run_skmaxent,
    "sklearn": run_sklearn,
    "sklearn-batches": run_sklearn_batches,
    "torch-dense": lambda *a: run_torch(*a, is_sparse=False),
    "torch-sparse": lambda *a: run_torch(*a, is_sparse=True),
}
LIBRARY = {"skmaxent": "skmaxent.estimators.mlp", "sklearn": "sklearn.neural_network", "torch": "torch"}
