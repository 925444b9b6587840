"""Training networks on sparse text: BackpropMLPClassifier against MLPClassifier and PyTorch.

    python benchmarks/mlp.py                        # everything; about an hour, most of it MLPClassifier
    python benchmarks/mlp.py --data newsgroups      # one part; the rows of the others are kept
    python benchmarks/mlp.py --contestants sklearn  # one contestant; without a ratio, which needs ours
    python benchmarks/mlp.py --plot                 # only the picture

Each run has its own process, so that its peak memory is its own; the runs of the contestants alternate, and
the medians of the repeats are written to docs/benchmarks/mlp.csv and drawn in docs/benchmarks/mlp.png. All
have one hidden layer of 100 units, batches of 200, Adam with a rate of 0.001 and float32. Seconds are those
of the epochs alone; what is done between the epochs to measure test accuracy is not counted. For
BackpropMLPClassifier the first epoch includes what fit does before it, and the median epoch is that of one
call of fit, timed by a callback (scikit-learn 1.9). Ratios are of rows of one run of this command: never of
rows of another machine, or of another day on this one. "sklearn-batches" is MLPClassifier measured on four
batches and scaled up.
"""

import argparse
import csv
import json
import os
import pickle
import resource
import shlex
import subprocess
import sys
import tempfile
import time
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
from _machine import describe_machine
from _network_data import digits, hashed, newsgroups, part_of_speech, short_text, synthetic
from scipy import sparse
from summary import OURS as BLUE

HERE = Path(__file__).resolve().parents[1]
OUT = HERE / "docs" / "benchmarks"
HIDDEN, BATCH, RATE = 100, 200, 0.001


#: name: (loader, epochs, contestants)
EVERYBODY = ("skmaxent", "sklearn", "torch-dense", "torch-sparse")
DATA = {
    "newsgroups": (newsgroups, 8, EVERYBODY),
    "newsgroups-bigrams": (lambda: newsgroups(2), 4, ("skmaxent", "sklearn-batches", "torch-sparse")),
    "polarity": (lambda: short_text("load_sentence_polarity"), 6, EVERYBODY),
    "trec": (lambda: short_text("load_trec_questions"), 12, EVERYBODY),
    "pos": (part_of_speech, 2, ("skmaxent", "sklearn-batches", "torch-sparse")),
    "digits": (digits, 30, ("skmaxent", "sklearn")),
    "synthetic": (synthetic, 3, ("skmaxent", "sklearn")),
    **{
        f"hashed-1e{e:g}": (lambda e=e: hashed(e), 5, ("skmaxent", "sklearn-batches"))
        for e in (4, 4.5, 5, 5.5, 6)
    },
}


# ---------------------------------------------------------------- contestants
# Each yields an epoch at a time: seconds, training loss, test accuracy, model, peak memory.


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


def work(path, name, epochs):
    """One run; prints its figures as JSON."""
    warnings.simplefilter("ignore")
    with open(path, "rb") as file:
        X, y, X_test, y_test = pickle.load(file)
    if not isinstance(y[0], str):
        y, y_test = np.asarray(y), np.asarray(y_test)
    import_module(LIBRARY[name.split("-")[0]])  # the library itself is not memory of the run
    # what is held now, not the peak so far, which reading the data has raised
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024
    done = [*RUN[name](X, y, X_test, y_test, epochs)]
    seconds, losses, scores, models, memories = (list(column) for column in zip(*done))
    below = next((i + 1 for i, loss in enumerate(losses) if loss < 0.1), None)
    best = int(np.nanargmax(scores)) if not np.isnan(scores).all() else None
    print(json.dumps({
        "seconds_per_epoch": median(seconds),
        "epochs_to_loss_0.1": below,
        "seconds_to_loss_0.1": sum(seconds[:below]) if below else None,
        "best_accuracy": scores[best] if best is not None else None,
        "seconds_to_best": sum(seconds[: best + 1]) if best is not None else None,
        "peak_MB": (memories[-1] - before) / 1024,
        "pickle_MB": len(pickle.dumps(models[-1])) / 2**20,
    }))  # fmt: skip


# ---------------------------------------------------------------- the whole


FIELDS = [
    "data", "rows", "columns", "nonzeros", "contestant", "seconds_per_epoch", "ratio", "epochs_to_loss_0.1",
    "seconds_to_loss_0.1", "best_accuracy", "seconds_to_best", "peak_MB", "pickle_MB", "repeats", "machine",
    "run",
]  # fmt: skip


#: Name of this run of the command: when it began.
RUN_NAME = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def merged(rows, measured):
    """The rows, those just measured in the place of older ones; ratios to ours of the same run."""
    replaced = {(row["data"], row["contestant"]) for row in measured}
    rows = [row for row in rows if (row["data"], row["contestant"]) not in replaced] + measured
    rows.sort(key=lambda row: ([*DATA].index(row["data"]), [*RUN].index(row["contestant"])))

    def together(row):
        return row["data"], row["machine"], row.get("run", "")

    ours = {together(row): float(row["seconds_per_epoch"]) for row in rows if row["contestant"] == "skmaxent"}
    for row in rows:
        base = ours.get(together(row))
        row["ratio"] = "" if base is None else f"{float(row['seconds_per_epoch']) / base:.3g}"
    return rows


def measure(name, repeats, contestants, prefix):
    """The rows of one data set."""
    load, epochs, everybody = DATA[name]
    everybody = [c for c in everybody if contestants is None or c in contestants]
    if find_spec("torch") is None:
        everybody = [c for c in everybody if not c.startswith("torch")]
    X, y, X_test, y_test = load()
    y_codes = np.unique(np.concatenate([y, y_test]), return_inverse=True)[1]
    y, y_test = y_codes[: len(y)], y_codes[len(y) :]
    runs = {contestant: [] for contestant in everybody}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.pickle"
        path.write_bytes(pickle.dumps((X, y, X_test, y_test)))
        for _ in range(repeats):
            for contestant in everybody:
                command = [*prefix, sys.executable, __file__, "--worker", str(path), contestant, str(epochs)]
                environment = {**os.environ, "PYTHONPATH": str(HERE)}
                done = subprocess.run(command, capture_output=True, text=True, env=environment)
                if done.returncode:
                    raise RuntimeError(done.stderr)
                runs[contestant].append(json.loads(done.stdout.splitlines()[-1]))
    rows = []
    for contestant, results in runs.items():
        row = {
            "data": name, "rows": X.shape[0], "columns": X.shape[1], "contestant": contestant,
            "nonzeros": int(X.nnz if sparse.issparse(X) else X.size), "repeats": repeats,
            "machine": describe_machine(), "run": RUN_NAME,
        }  # fmt: skip
        for field in FIELDS[5:13]:
            values = [r[field] for r in results if r.get(field) is not None]
            row[field] = f"{median(values):.4g}" if values else ""
        rows.append(row)
        print({k: v for k, v in row.items() if k != "machine"}, flush=True)
    return rows


STYLE = {
    "skmaxent": (BLUE, "BackpropMLPClassifier"),
    "sklearn": ("C1", "MLPClassifier"),
    "sklearn-batches": ("C1", "MLPClassifier (from a few batches)"),
    "torch-dense": ("C2", "PyTorch, fused Adam"),
    "torch-sparse": ("C3", "PyTorch, SparseAdam"),
}


def plot(rows):
    """Seconds an epoch on each data set; how they grow with the columns; memory."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, (left, middle, right) = plt.subplots(
        1, 3, figsize=(17, 5), width_ratios=[2.4, 1.2, 1.2], layout="constrained"
    )
    names = [name for name in DATA if not name.startswith("hashed") and any(r["data"] == name for r in rows)]
    ticks, seen = [], set()
    for i, name in enumerate(names):
        group = [r for r in rows if r["data"] == name]
        ticks.append(f"{name}\n{int(group[0]['columns']):,} columns")
        for k, row in enumerate(group):
            colour, label = STYLE[row["contestant"]]
            place, seconds = i + 0.2 * (k - len(group) / 2 + 0.5), float(row["seconds_per_epoch"])
            hatch = "//" if row["contestant"] == "sklearn-batches" else None
            shown = None if label in seen else label
            left.bar(place, seconds, 0.19, color=colour, hatch=hatch, edgecolor="white", label=shown)
            ratio = f"{float(row['ratio']):.2g}×" if row["ratio"] else ""
            left.text(place, seconds, ratio, ha="center", va="bottom", fontsize=8)
            seen.add(label)
    left.set(yscale="log", ylabel="seconds an epoch", title="An epoch, and its ratio to ours")
    left.set_xticks(range(len(names)), ticks, fontsize=8)
    left.legend(fontsize=8)
    for contestant in ("skmaxent", "sklearn-batches"):
        group = [r for r in rows if r["data"].startswith("hashed") and r["contestant"] == contestant]
        if not group:
            continue
        columns, seconds = ([float(r[field]) for r in group] for field in ("columns", "seconds_per_epoch"))
        middle.plot(columns, seconds, "o-", color=STYLE[contestant][0], label=STYLE[contestant][1])
    scale = "log" if middle.lines and len(middle.lines[0].get_xdata()) else "linear"
    middle.set(
        xscale=scale,
        yscale=scale,
        xlabel="columns",
        ylabel="seconds an epoch",
        ylim=(0.1, None if len(middle.lines) > 1 else 10),
    )
    middle.set_title("20 Newsgroups hashed,\nequal non-zeros")
    middle.legend(fontsize=8)
    group = [r for r in rows if r["data"] == "newsgroups" and r["peak_MB"]]
    for k, row in enumerate(group):
        right.bar(k, float(row["peak_MB"]), color=STYLE[row["contestant"]][0])
        right.text(
            k, float(row["peak_MB"]), f"{float(row['peak_MB']):,.0f}", ha="center", va="bottom", fontsize=8
        )
    right.set_xticks(
        range(len(group)),
        [STYLE[r["contestant"]][1].replace(", ", ",\n").replace("Classifier", "\nClassifier") for r in group],
        fontsize=7,
    )
    right.set(ylabel="MB", title="Peak memory of training,\n20 Newsgroups, 130,107 columns")
    machines = dict.fromkeys(row["machine"] for row in rows)
    fig.suptitle("\n".join(machines) + "; 100 hidden units, batches of 200, float32", fontsize=8)
    fig.savefig(OUT / "mlp.png", dpi=110)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", choices=DATA, default=[*DATA])
    parser.add_argument("--contestants", nargs="+", choices=RUN)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--prefix", default="", help="put before each run's command, such as 'taskset -c 0,1'"
    )
    parser.add_argument("--plot", action="store_true", help="draw the figures that are there")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(args.worker[0], args.worker[1], int(args.worker[2]))
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / "mlp.csv"
    rows = [*csv.DictReader(file.open())] if file.exists() else []
    for name in [] if args.plot else args.data:
        rows = merged(rows, measure(name, args.repeats, args.contestants, shlex.split(args.prefix)))
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, FIELDS)
            writer.writeheader()
            writer.writerows(rows)
    plot(rows)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
