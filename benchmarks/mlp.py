"""Training networks on sparse text: BackpropMLPClassifier against MLPClassifier and PyTorch.

    python benchmarks/mlp.py                        # everything; about a quarter of an hour on two cores
    python benchmarks/mlp.py --go-on                # what an interrupted run of the command has left over
    python benchmarks/mlp.py --data newsgroups      # one part; the rows of the others are kept
    python benchmarks/mlp.py --contestants sklearn  # one contestant; without a ratio, which needs ours
    python benchmarks/mlp.py --plot                 # only the picture

Each run has its own process, so that its peak memory is its own; the runs of the contestants alternate, on
the hashed tables by turns, whose seconds are one curve. The medians of the repeats, with the fastest and the
slowest, are written to docs/benchmarks/mlp.csv after each run and drawn in docs/benchmarks/mlp.png. A run of
a peer ends with the epoch in which it has taken --factor times as long as ours in all its epochs, but not
under 10 s; nobody is run again whose epochs took --budget seconds. All have one hidden layer of 100 units,
batches of 200, Adam with a rate of 0.001 and float32. Seconds are those of the epochs alone; what is done
between the epochs to measure test accuracy is not counted. For BackpropMLPClassifier the first epoch includes
what fit does before it, and the median epoch is that of one call of fit, timed by a callback (scikit-learn
1.9). Ratios are of rows of one run of this command: never of rows of another machine, or of another day on
this one. "sklearn-batches" is MLPClassifier measured on four batches and scaled up.
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
from _network_contestants import LIBRARY, RUN
from _network_data import digits, hashed, newsgroups, part_of_speech, short_text, synthetic
from scipy import sparse
from summary import OURS as BLUE

HERE = Path(__file__).resolve().parents[1]
OUT = HERE / "docs" / "benchmarks"

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


def until(runs, limit):
    """The epochs of a run up to the one in which its seconds reach the limit."""
    spent = 0.0
    for epoch in runs:
        yield epoch
        spent += epoch[0]
        if spent >= limit:
            return


def work(path, name, epochs, limit):
    """One run; prints its figures as JSON."""
    warnings.simplefilter("ignore")
    with open(path, "rb") as file:
        X, y, X_test, y_test = pickle.load(file)
    if not isinstance(y[0], str):
        y, y_test = np.asarray(y), np.asarray(y_test)
    import_module(LIBRARY[name.split("-")[0]])  # the library itself is not memory of the run
    # what is held now, not the peak so far, which reading the data has raised
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024
    done = [*until(RUN[name](X, y, X_test, y_test, epochs), limit)]
    seconds, losses, scores, models, memories = (list(column) for column in zip(*done))
    below = next((i + 1 for i, loss in enumerate(losses) if loss < 0.1), None)
    best = int(np.nanargmax(scores)) if not np.isnan(scores).all() else None
    print(json.dumps({
        "seconds_per_epoch": median(seconds),
        "epochs": len(seconds),
        "spent": sum(seconds),
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
    "run", "fastest", "slowest", "epochs", "spent",
]  # fmt: skip
#: of several runs the median
MEDIANS = [
    "seconds_per_epoch", "epochs_to_loss_0.1", "seconds_to_loss_0.1", "best_accuracy", "seconds_to_best",
    "peak_MB", "pickle_MB", "epochs",
]  # fmt: skip
#: seconds that every run of a peer may take
LEAST_LIMIT = 10.0


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


def row_of(data, contestant, results):
    """A row: the figures of one data set and contestant over its runs."""
    row = data | {"contestant": contestant, "repeats": len(results), "machine": describe_machine()}
    for field in MEDIANS:
        values = [r[field] for r in results if r.get(field) is not None]
        row[field] = f"{median(values):.4g}" if values else ""
    seconds = [r["seconds_per_epoch"] for r in results]
    row |= {"fastest": f"{min(seconds):.4g}", "slowest": f"{max(seconds):.4g}"}
    return row | {"spent": f"{sum(r['spent'] for r in results):.4g}"}


def run_once(path, contestant, epochs, limit, prefix):
    """The figures of one run in a process of its own."""
    command = [*prefix, sys.executable, __file__, "--worker", str(path), contestant, str(epochs), str(limit)]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def in_groups(names):
    """The data sets one after another, but those of one curve together, to be measured by turns."""
    hashed = [name for name in names if name.startswith("hashed")]
    return [[name] for name in names if name not in hashed] + ([hashed] if hashed else [])


def loaded(name, folder):
    """What a row says of a data set, and a file with its parts."""
    X, y, X_test, y_test = DATA[name][0]()
    y_codes = np.unique(np.concatenate([y, y_test]), return_inverse=True)[1]
    path = folder / f"{name}.pickle"
    path.write_bytes(pickle.dumps((X, y_codes[: len(y)], X_test, y_codes[len(y) :])))
    size = int(X.nnz if sparse.issparse(X) else X.size)
    return {"data": name, "rows": X.shape[0], "columns": X.shape[1], "nonzeros": size}, path


def measure(todo, options):
    """Yields the row of a contestant after each of its runs, which alternate, on some data sets by turns.

    Parameters
    ----------
    todo : dict
        For each data set, a key of `DATA`, the contestants, and the seconds of our run, where it is not among
        them; infinite when it is not known.
    options : argparse.Namespace
        The command's.
    """
    results = {name: {contestant: [] for contestant in everybody} for name, (everybody, _) in todo.items()}
    ours = {name: seconds for name, (_, seconds) in todo.items()}
    with tempfile.TemporaryDirectory() as folder:
        data = {name: loaded(name, Path(folder)) for name in todo}
        for _ in range(options.repeats):
            for name, contestant in [(name, c) for name, done in results.items() for c in done]:
                done, (row, path) = results[name][contestant], data[name]
                if sum(r["spent"] for r in done) >= options.budget:
                    continue
                is_ours = contestant == "skmaxent"
                limit = float("inf") if is_ours else max(LEAST_LIMIT, options.factor * ours[name])
                done.append(run_once(path, contestant, DATA[name][1], limit, shlex.split(options.prefix)))
                if is_ours:
                    ours[name] = done[0]["spent"]
                yield row_of(row, contestant, done)


def left_over(name, rows, run, options):
    """The contestants whose rows this run of the command lacks, and the seconds of our run, if known."""
    everybody = [c for c in DATA[name][2] if options.contestants is None or c in options.contestants]
    if find_spec("torch") is None:
        everybody = [c for c in everybody if not c.startswith("torch")]
    ours = float("inf")
    for row in rows:
        if row["data"] != name or not row.get("spent") or row["machine"] != describe_machine():
            continue
        spent, repeats = float(row["spent"]), int(row["repeats"])
        if row["contestant"] == "skmaxent":
            ours = spent / repeats
        if row["run"] == run and (repeats >= options.repeats or spent >= options.budget):
            everybody = [c for c in everybody if c != row["contestant"]]
    return everybody, ours


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


def write(file, rows):
    """The table, put in the place of the old one at once."""
    new = file.with_suffix(".new")
    with new.open("w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    new.replace(file)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="+", choices=DATA, default=[*DATA])
    parser.add_argument("--contestants", nargs="+", choices=RUN)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--factor", type=float, default=10.0, help="limit of a peer's run, in ours")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds after which nobody is run again")
    parser.add_argument("--go-on", action="store_true", help="finish the last run of the command")
    parser.add_argument(
        "--prefix", default="", help="put before each run's command, such as 'taskset -c 0,1'"
    )
    parser.add_argument("--plot", action="store_true", help="draw the figures that are there")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        path, name, epochs, limit = args.worker
        return work(path, name, int(epochs), float(limit))
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / "mlp.csv"
    rows = [*csv.DictReader(file.open())] if file.exists() else []
    run = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())  # its name: when it began
    if args.go_on:
        run = max((row.get("run") or "" for row in rows), default="") or run
    for group in in_groups([] if args.plot else args.data):
        todo = {name: left_over(name, rows, run, args) for name in group}
        for row in measure({name: (who, ours) for name, (who, ours) in todo.items() if who}, args):
            rows = merged(rows, [row | {"run": run}])
            write(file, rows)
            print({k: v for k, v in row.items() if k != "machine"}, flush=True)
    plot(rows)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
