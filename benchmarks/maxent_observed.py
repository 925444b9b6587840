"""Observed pairs against all pairs: seconds, memory and objective, and 1,000 classes in 8 GB.

    python benchmarks/maxent_observed.py                    everything (about 15 minutes on two cores)
    python benchmarks/maxent_observed.py --runs xpos:all    some of the runs, in place of their old rows

xpos: part-of-speech tags (XPOS, 49 classes) of UD EWT, the 12 window features of a word and 20
conjunctions of two of them, one-hot, float64; each of features="observed" and features="all" with the same C
and tol, alternating, REPEATS times. made: 1,000 classes, 1,000,000 columns, 20,000,000 non-zeros, 50,000
rows, made, float32; observed pairs only, since the (K, d) weights of all pairs would take 4 GB each in
float32. Every fit runs in a process of its own. `peak_GiB` is the largest resident set of that process,
with Python, the data and making them; `grows_by_GiB` what the fit adds to what is there before.
"""

import argparse
import resource
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from _machine import peak_memory, write_rows
from scipy import sparse

from skmaxent import MaxEntClassifier, datasets

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "maxent_observed.csv"
REPEATS = 3
RUNS = {
    "xpos:observed": {"features": "observed", "C": 0.1, "tol": 1e-3},
    "xpos:all": {"features": "all", "C": 0.1, "tol": 1e-3},
    "made:observed": {"features": "observed", "C": 0.01, "tol": 1e-2},
}
FIELDS = (
    "run", "rows", "columns", "classes", "nonzeros", "dtype", "C", "tol", "pairs", "seconds", "products",
    "relative_gap", "objective", "training_accuracy", "peak_GiB", "grows_by_GiB", "repeats",
)  # fmt: skip
CONJOINED = ("word", "previous", "next", "suffix3", "shape", "prefix3", "previous2_suffix2")


def xpos():
    """UD EWT: XPOS tags, window features of a word and conjunctions of two of them."""
    treebank = datasets.load_ud_ewt("train")
    places, pairs = {}, list(combinations(CONJOINED, 2))[:20]
    indices = []
    for words in treebank.data:
        for i in range(len(words)):
            features = datasets.pos_window_features(words, i)
            for name, value in features.items():
                indices.append(places.setdefault((name, value), len(places)))
            for a, b in pairs:
                indices.append(places.setdefault((a, b, features[a], features[b]), len(places)))
    y = np.unique([tag for tags in treebank.xpos for tag in tags], return_inverse=True)[1]
    width = len(indices) // len(y)
    indptr = np.arange(0, len(indices) + 1, width, dtype=np.int32)
    X = sparse.csr_array(
        (np.ones(len(indices)), np.array(indices, np.int32), indptr), shape=(len(y), len(places))
    )
    X.sort_indices()
    return X, y


def made(n=50_000, d=1_000_000, K=1000, nnz=20_000_000, seed=0):
    """Rows of Zipf-distributed columns, a third of them drawn from columns of the row's class."""
    rng = np.random.default_rng(seed)
    width = int(1.38 * nnz / n)  # many draws of a frequent column fall together
    y = rng.permutation(np.arange(n) % K)
    indices = np.empty((n, width), np.int32)
    own = width // 3
    for start in range(0, n, 5000):
        rows = slice(start, start + 5000)
        u = rng.uniform(size=(len(y[rows]), width))
        drawn = (d**u).astype(np.int64)  # density 1 / x on 1 ... d
        # Columns of a class: each K-th one, from the less frequent half of the logarithmic scale.
        drawn[:, :own] = (1000 * (d / 1000) ** u[:, :own]).astype(np.int64) // K * K + y[rows, None]
        indices[rows] = np.minimum(drawn, d - 1)
    X = sparse.csr_array(
        (
            np.ones(n * width, np.float32),
            indices.reshape(-1),
            np.arange(0, n * width + 1, width, dtype=np.int32),
        ),
        shape=(n, d),
    )
    X.sum_duplicates()
    return X, y


def measure(run):
    """One fit, in this process: prints its row."""
    name, options = run.split(":")[0], RUNS[run]
    X, y = {"xpos": xpos, "made": made}[name]()
    model, seconds = MaxEntClassifier(max_iter=10_000, **options), []

    def fit():
        start = time.perf_counter()
        model.fit(X, y)
        seconds.append(time.perf_counter() - start)

    grown = peak_memory(fit)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    report = model.convergence_
    pairs = report.get("n_pairs", model.coef_.shape[0] * model.coef_.shape[1])
    accuracy = (model.predict(X) == y).mean()
    row = (
        run, *X.shape, len(model.classes_), X.nnz, X.dtype, options["C"], options["tol"], pairs,
        f"{seconds[0]:.2f}", f"{report['n_products']:g}", f"{report['relative_gap']:.1e}",
        f"{report['objective']:.8g}", f"{accuracy:.4f}", f"{peak / 2**30:.2f}", f"{grown / 2**30:.2f}",
    )  # fmt: skip
    print(",".join(map(str, row)), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of xpos; the made problem runs once")
    parser.add_argument("--measure", choices=RUNS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return
    results = {run: [] for run in arguments.runs}
    for repeat in range(arguments.repeats):
        for run in arguments.runs:
            if repeat == 0 or not run.startswith("made"):
                command = [sys.executable, __file__, "--measure", run]
                printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                results[run].append(printed.strip().splitlines()[-1].split(","))
                print(printed.strip(), flush=True)
    seconds = FIELDS.index("seconds")
    # The run of median time stands for all.
    rows = [
        [*sorted(found, key=lambda row: float(row[seconds]))[len(found) // 2], len(found)]
        for found in results.values()
    ]
    write_rows(OUTPUT, [dict(zip(FIELDS, row)) for row in rows], ("run",))


if __name__ == "__main__":
    main()
