"""MaxEntClassifier in one process, DaskMaxEntClassifier on two, Spark's LogisticRegression: the same optimum.

    python benchmarks/dask_cluster.py                       POS and 600,000 rows (12 minutes on two cores)
    python benchmarks/dask_cluster.py --problems pos        about 3 minutes
    python benchmarks/dask_cluster.py --problems made --rows 200000 --repeats 1      about 2 minutes
    python benchmarks/dask_cluster.py --kill                one worker is killed in mid-fit, on each problem
    python benchmarks/dask_cluster.py --problems pos --spark-python SPARK/bin/python   Spark: + 30 minutes

Problems: `pos`, the 12 window features of UD EWT's tokens, 17 classes; `made`, rows drawn from them with
labels drawn from a fitted model, so many that a pass takes long. Both with C = 1, to a duality gap of
--tol. One process has one thread, a LocalCluster two processes of one thread each. Its "ideal" time is its
CPU seconds spread over the two workers: those of the client, which the workers wait for, and half of
theirs. CPU seconds are user and system time from before `fit` to after it; cluster and data are up before.
"Row machine" is the solver over the same blocks in one process: what messages cost is the difference from
it. Runs alternate; medians over --repeats.

Spark (pyspark, local[2], standardization off, the same strength of the prior) runs in a Python of its own,
which reads the data from a file; its seconds are those of `fit` on cached rows, and of the objective that
it reaches the distance from the optimum is reported. It stops at the first of --spark-iterations that comes
within 1e-4.
"""

import argparse
import csv
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from _machine import describe_machine
from _text_data import pos
from scipy import sparse

from skmaxent import MaxEntClassifier
from skmaxent.numerics.losses import softmax

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "dask_cluster.csv"
SPARK = Path(__file__).resolve().parent / "_spark_logistic.py"
FIELDS = (
    "problem", "rows", "contestant", "seconds", "cpu_client", "cpu_workers", "relative_gap", "above_optimum",
    "passes", "round_trips", "megabytes", "n_recoveries", "note",
)  # fmt: skip


def made(n_rows, seed=0):
    """Rows drawn from the tokens of UD EWT, with labels drawn from a model of them."""
    X, y = pos()
    model = MaxEntClassifier(C=0.1, tol=1e-2).fit(X, y)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.integers(X.shape[0], size=n_rows))
    cumulative = model.predict_proba(X).cumsum(axis=1)[chosen]
    labels = (rng.uniform(size=(n_rows, 1)) > cumulative).sum(axis=1).clip(max=len(model.classes_) - 1)
    return X[chosen], labels


def objective(model, X, y, C):
    """Mean loss and penalty, in float64, block by block."""
    loss = 0.0
    for start in range(0, X.shape[0], 100_000):
        rows = slice(start, start + 100_000)
        scores = X[rows] @ model.coef_.T + model.intercept_
        nll, _ = softmax(scores.copy())[0], None
        loss += float((nll - scores[np.arange(len(scores)), y[rows]]).sum())
    return (loss + (model.coef_**2).sum() / (2 * C)) / X.shape[0]


def cpu():
    """CPU seconds of this process, its threads included."""
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def row_of(name, n, contestant, seconds, client, workers, report, note=""):
    sent = report.get("bytes_sent", 0) + report.get("bytes_received", 0)
    return {
        "problem": name, "rows": n, "contestant": contestant, "seconds": seconds, "cpu_client": client,
        "cpu_workers": workers, "relative_gap": report["relative_gap"], "above_optimum": None,
        "passes": report.get("passes", report["n_products"]), "round_trips": report.get("round_trips", 0),
        "megabytes": sent / 1e6, "n_recoveries": report.get("n_recoveries", 0), "note": note,
    }  # fmt: skip


def one_process(name, X, y, args):
    """MaxEntClassifier with one thread."""
    begun, used = time.perf_counter(), cpu()
    model = MaxEntClassifier(C=1.0, tol=args.tol, n_jobs=1, solver="newton-cg").fit(X, y)
    seconds, used = time.perf_counter() - begun, cpu() - used
    row = row_of(name, X.shape[0], "MaxEntClassifier, one process", seconds, used, 0.0, model.convergence_)
    return model, row


def row_blocks(name, X, y, args):
    """The same rows in blocks, in this process: what the row machine costs by itself."""
    from skmaxent.convex.machine.backends import BlockBackend
    from skmaxent.convex.machine.block import Block
    from skmaxent.convex.machine.parts import Labelling, Part, Survey
    from skmaxent.convex.machine.solve import train_rows
    from skmaxent.numerics.threads import Workers

    edges = np.linspace(0, X.shape[0], args.partitions + 1).astype(int)
    parts = []
    for start, stop in pairwise(edges):
        classes, codes = np.unique(y[start:stop], return_inverse=True)
        parts.append(Part.of(sparse.csr_array(X[start:stop]), codes.astype(np.int32), classes))
    survey = Survey.merged([Survey.of(part) for part in parts], ["partition"] * len(parts))
    labelling = Labelling.settled(survey, None, True)
    begun, used = time.perf_counter(), cpu()
    with Workers() as workers:
        blocks = [Block(part, labelling) for part in parts]
        backend = BlockBackend(blocks, survey.n_columns, labelling.n_outputs, workers)
        settings = {"C": 1.0, "l1_ratio": 0.0, "fit_intercept": True, "tol": args.tol, "max_iter": 1000}
        report = train_rows(backend, labelling, solver="newton-cg", **settings).report
    seconds, used = time.perf_counter() - begun, cpu() - used
    return row_of(name, X.shape[0], "row machine, one process", seconds, used, 0.0, report)


class Cluster:
    """Two processes that hold the rows, as dask holds them."""

    def __init__(self, X, y, n_partitions):
        from distributed import Client, LocalCluster

        self._cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0, silence_logs=50
        )
        self.client = Client(self._cluster)
        self._folder = tempfile.TemporaryDirectory()
        edges = np.linspace(0, X.shape[0], n_partitions + 1).astype(int)
        self.parts = []
        for number, (start, stop) in enumerate(pairwise(edges)):
            path = Path(self._folder.name) / f"{number}.npz"
            block = sparse.csr_matrix(X[start:stop])
            arrays = {"data": block.data, "indices": block.indices, "indptr": block.indptr}
            np.savez(path, y=y[start:stop], shape=block.shape, **arrays)
            self.parts.append(str(path))

    def collections(self):
        """Delayed rows and labels, read from files: lineage that a lost worker's partitions come from."""
        from dask import delayed

        pairs = [delayed(read_partition, nout=2)(path) for path in self.parts]
        return [X for X, _ in pairs], [y for _, y in pairs]

    def persisted(self):
        """The same in the workers' memory."""
        from distributed import wait

        X, y = self.collections()
        X, y = self.client.persist(X), self.client.persist(y)
        wait([self.client.futures_of(block) for block in X + y])
        return X, y

    def cpu(self):
        return sum(self.client.run(cpu).values())

    def close(self):
        self.client.close()
        self._cluster.close()
        self._folder.cleanup()


def read_partition(path):
    """Rows and labels of a file."""
    with np.load(path) as stored:
        parts = stored["data"], stored["indices"], stored["indptr"]
        return sparse.csr_matrix(parts, shape=stored["shape"]), stored["y"]


def two_processes(name, n, cluster, args):
    """DaskMaxEntClassifier on a cluster that is up."""
    from skmaxent.distributed import DaskMaxEntClassifier

    X, y = cluster.persisted()
    model = DaskMaxEntClassifier(C=1.0, tol=args.tol, n_jobs=1, solver="newton-cg")
    begun, used, theirs = time.perf_counter(), cpu(), cluster.cpu()
    model.fit(X, y)
    seconds, used, theirs = time.perf_counter() - begun, cpu() - used, cluster.cpu() - theirs
    return row_of(name, n, "DaskMaxEntClassifier, two processes", seconds, used, theirs, model.convergence_)


def killed(name, n, cluster, args, usual):
    """The same with one worker killed by a signal, at about half of the usual time."""
    from skmaxent.distributed import DaskMaxEntClassifier

    ids = cluster.client.run(os.getpid)
    victim = next(iter(ids.values()))
    timer = threading.Timer(0.5 * usual, os.kill, (victim, signal.SIGKILL))
    model = DaskMaxEntClassifier(C=1.0, tol=args.tol, n_jobs=1, solver="newton-cg")
    begun = time.perf_counter()
    timer.start()
    model.fit(*cluster.collections())
    seconds = time.perf_counter() - begun
    note = f"a worker killed after {0.5 * usual:.1f} s; {model.convergence_['n_moves']} moves to a new one"
    return row_of(
        name, n, "DaskMaxEntClassifier, a worker killed", seconds, None, None, model.convergence_, note
    )


def spark(name, X, y, args):
    """Spark's LogisticRegression in a Python of its own; a row for each number of iterations."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "data.npz")
        X = sparse.csr_matrix(X)
        arrays = {"data": X.data, "indices": X.indices, "indptr": X.indptr}
        np.savez(path, y=y, shape=X.shape, **arrays)
        for iterations in args.spark_iterations:
            weights = str(Path(folder) / "weights.npz")
            command = [args.spark_python, str(SPARK), path, weights, str(iterations)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            told = json.loads(printed.strip().splitlines()[-1])
            with np.load(weights) as found:
                model = argparse.Namespace(coef_=found["coef"], intercept_=found["intercept"])
            value = objective(model, X, y, 1.0)
            report = {"relative_gap": None, "n_products": told["iterations"]}
            contestant = f"Spark MLlib local[2], maxIter={iterations}"
            yield value, row_of(name, X.shape[0], contestant, told["seconds"], None, told["cpu"], report)


def median_row(rows):
    """The row of the median time, with the medians of the CPU seconds."""
    rows = sorted(rows, key=lambda row: row["seconds"])
    chosen = dict(rows[len(rows) // 2])
    for field in ("cpu_client", "cpu_workers"):
        chosen[field] = statistics.median(row[field] for row in rows)
    return chosen


def run(name, X, y, args):
    """All rows of the table for a problem."""
    found, cluster = {}, Cluster(X, y, args.partitions)
    try:
        for _ in range(args.repeats):
            model, row = one_process(name, X, y, args)
            found.setdefault("one", []).append(row)
            found.setdefault("blocks", []).append(row_blocks(name, X, y, args))
            found.setdefault("two", []).append(two_processes(name, X.shape[0], cluster, args))
        rows = [median_row(some) for some in found.values()]
        if args.kill:
            rows.append(killed(name, X.shape[0], cluster, args, rows[-1]["seconds"]))
    finally:
        cluster.close()
    optimum = objective(model, X, y, 1.0)
    if args.spark_python:
        for value, row in spark(name, X, y, args):
            row["above_optimum"] = value / optimum - 1
            rows.append(row)
            if row["above_optimum"] < 1e-4:
                break
    one, two = rows[0], rows[2]
    share = (two["cpu_client"] + two["cpu_workers"]) / one["cpu_client"]
    ideal = two["cpu_client"] + two["cpu_workers"] / 2
    print(f"{name}: CPU {share:.2f} x one process, wall {two['seconds'] / ideal:.2f} x ideal, "
          f"{1000 * two['seconds'] / two['passes']:.0f} ms a pass")  # fmt: skip
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--problems", nargs="+", choices=("pos", "made"), default=("pos", "made"))
    parser.add_argument("--rows", type=int, default=600_000, help="of the made problem")
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tol", type=float, default=1e-4)
    parser.add_argument("--kill", action="store_true", help="kill a worker in mid-fit as well")
    parser.add_argument("--spark-python", help="a Python that has pyspark and NumPy")
    parser.add_argument("--spark-iterations", type=int, nargs="+", default=(50, 100, 200, 400))
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    rows = []
    for name in args.problems:
        X, y = pos() if name == "pos" else made(args.rows)
        rows += run(name, X, y, args)
    with args.output.open("w", newline="") as file:
        file.write(f"# {describe_machine()}\n")
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for row in rows:
            shown = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
            writer.writerow(shown)
            print(*(f"{key}={value}" for key, value in shown.items() if value is not None))


if __name__ == "__main__":
    sys.exit(main())
