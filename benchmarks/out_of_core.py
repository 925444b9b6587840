"""Rows on disk: memory and CPU of MaxEntClassifier on partitions beside contestants that hold or stream rows.

    python benchmarks/out_of_core.py                  2,000,000 rows (about an hour on two cores)
    python benchmarks/out_of_core.py --rows 400000    a try (about 10 minutes)
    python benchmarks/out_of_core.py --only partitions product
    python benchmarks/out_of_core.py --fits           memory of fits in memory instead: POS tags and bigrams

The rows are made: tokens of UD EWT (12 window features each through DictVectorizer, 17 tags), drawn with
replacement, each of their features left out with probability 0.1 and each tag replaced by a random one with
probability 0.01, in partitions of 100,000 rows that are written one after another. Each contestant runs in a
process of its own, to the relative accuracy 1e-4 where it can:

    partitions     MaxEntClassifier on the partitions, tol=1e-4
    memory         MaxEntClassifier on the same rows in one CSR array, tol=1e-4
    lbfgs          scikit-learn's LogisticRegression on that array, its own tol=1e-4, at most 300 iterations
    sgd            SGDClassifier.partial_fit, log loss, five epochs over the partitions

and `product` times Hessian products on partitions and in memory, in single precision, in turn, in one
process: the ratio of their CPU seconds is the price of a pass over the files. Memory is what is anonymous
(RssAnon of /proc/self/status, sampled every 10 ms): pages of mapped files, which the system can drop at any
time, are not in it. The bound, 100 MB + 2 blocks + 40 d K bytes, is to be held against the growth during the
fit: imports alone take some 100 MB. Objectives are on the training rows, relative to the best contestant.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from _machine import describe_machine
from _text_data import PROBLEMS
from scipy import sparse

from skmaxent import MaxEntClassifier
from skmaxent.distributed import open_partitions, write_partitions

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
PART, DROPPED, FLIPPED = 100_000, 0.1, 0.01
TOL, EPOCHS = 1e-4, 5
HEADER = (
    "contestant,rows,anonymous_before_MB,anonymous_peak_MB,bound_MB,cpu_s,wall_s,passes,objective,above_best"
)


def made(n_rows, seed=0):
    """Partitions (X, y) of made rows, one after another."""
    X, y = PROBLEMS["pos"]()
    K, rng = int(y.max()) + 1, np.random.default_rng(seed)
    X = X.astype(np.float32)
    for start in range(0, n_rows, PART):
        rows = rng.integers(len(y), size=min(PART, n_rows - start))
        part, labels = X[rows], y[rows].copy()
        part.data[rng.uniform(size=part.nnz) < DROPPED] = 0
        part.eliminate_zeros()
        flipped = rng.uniform(size=len(labels)) < FLIPPED
        labels[flipped] = rng.integers(K, size=int(flipped.sum()))
        yield part.astype(float), labels


class Anonymous:
    """Anonymous memory of this process in bytes, and its peak while the context is open."""

    def __enter__(self):
        self.before = self.peak = self._now()
        self._open = True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._open = False
        self._thread.join()
        self.peak = max(self.peak, self._now())

    def _watch(self):
        while self._open:
            self.peak = max(self.peak, self._now())
            time.sleep(0.01)

    @staticmethod
    def _now():
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024


def collected(data):
    """All rows of partitions in memory."""
    blocks = list(data.blocks())
    return sparse.csr_matrix(sparse.vstack([X for X, *_ in blocks])), np.concatenate(
        [y for _, y, _ in blocks]
    )


def objective(data, coef, intercept):
    """Mean loss over the partitions plus the penalty with C=1."""
    total = 0.0
    for X, y, _ in data.blocks():
        scores = X @ coef.T + intercept
        scores -= scores.max(axis=1, keepdims=True)
        total += float((np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]).sum())
    return (total + 0.5 * float((coef**2).sum())) / data.shape[0]


def fitted_by_sgd(data):
    """One against the rest, by epochs of stochastic gradients."""
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", alpha=1 / data.shape[0], random_state=0)
    for _ in range(EPOCHS):
        for X, y, _ in data.blocks():
            model.partial_fit(X, y, classes=data.classes)
    return model, EPOCHS


def contestant(name, folder):
    """Fit, and print a line of the CSV."""
    from sklearn.linear_model import LogisticRegression

    data = open_partitions(folder, verify=False)
    held = collected(data) if name in ("memory", "lbfgs") else None
    with Anonymous() as memory:
        wall, cpu = time.perf_counter(), time.process_time()
        if name == "partitions":
            model = MaxEntClassifier(tol=TOL).fit(data)
            passes = model.convergence_["passes"]
        elif name == "memory":
            model = MaxEntClassifier(tol=TOL).fit(*held)
            passes = model.convergence_["n_products"]
        elif name == "lbfgs":
            model = LogisticRegression(C=1.0, tol=TOL, max_iter=300).fit(*held)
            passes = model.n_iter_[0]
        else:
            model, passes = fitted_by_sgd(data)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    n, d = data.shape
    block = data.nbytes / len(list(data.blocks())) + n / len(list(data.blocks())) * len(data.classes) * 8
    bound = 100e6 + 2 * block + 40 * d * len(data.classes)
    value = objective(data, model.coef_, model.intercept_)
    numbers = (memory.before / 1e6, memory.peak / 1e6, bound / 1e6, cpu, wall, passes)
    print(f"{name},{n},{','.join(f'{number:.1f}' for number in numbers)},{value:.8f}")


def products(folder, repeats=7):
    """Time Hessian products on partitions and in memory, in turn."""
    from skmaxent.convex.design.blocks import make_design
    from skmaxent.convex.likelihood import Multinomial
    from skmaxent.convex.machine.handles import Machine
    from skmaxent.convex.machine.parts import Labelling
    from skmaxent.convex.machine.proxies import MachineDesign, MachineLikelihood, MachineVectors
    from skmaxent.convex.spaces import Vectors
    from skmaxent.numerics.threads import Workers

    data = open_partitions(folder, verify=False)
    X, y = collected(data)
    K, single = len(data.classes), np.float32
    W = (0.1 * np.random.default_rng(0).normal(size=(data.shape[1], K))).astype(single)
    with Workers(1) as workers:
        here = make_design(sparse.csr_array(X), K, workers).astype(single)
        likelihood = Multinomial(y, None, np.ones(len(y), single), K, workers)
        vectors = Vectors(workers)
        expected = np.empty((len(y), K), single)
        likelihood.evaluate(here.forward(W), expected)
        machine = Machine(data.backend(Labelling.settled(data.survey, None, True), workers))
        there = MachineDesign(machine, data.shape[1], single)
        apart = MachineLikelihood(machine, single)
        scores = there.forward(W)
        state = MachineVectors(machine, workers).empty_like(scores)
        apart.evaluate(scores, state)
        runs = {
            "memory": lambda: here.curved(likelihood, expected, W, np.zeros(K), vectors.buffers),
            "partitions": lambda: there.curved(apart, state, W, np.zeros(K)),
        }
        seconds = {name: [] for name in runs}
        for _ in range(repeats):
            for name, run in runs.items():
                begun = time.process_time()
                run()
                seconds[name].append(time.process_time() - begun)
    for name, found in seconds.items():
        print(f"# product in {name}: {np.median(found):.3f} CPU s")
    print(f"# ratio {np.median(np.divide(seconds['partitions'], seconds['memory'])):.2f}")


def memory_of_fits():
    """How much a fit holds beyond X, for problems in memory."""
    lines = [f"# {describe_machine()}", "problem,X_MB,fit_adds_MB,coef_MB,held_after_fit_over_X"]
    for name in ("pos", "bigrams"):
        command = [sys.executable, __file__, "--fit-of", name]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        lines.append(printed.strip().splitlines()[-1])
        print(lines[-1], flush=True)
    (OUTPUT / "out_of_core_fits.csv").write_text("\n".join(lines) + "\n")


def fit_of(name):
    """The copies of X that the design of a fit holds, by their addresses; the peak of the fit."""
    from skmaxent.convex import fit

    X, y = PROBLEMS[name]()
    own = sum(part.nbytes for part in (X.data, X.indices, X.indptr))
    held = {}
    original = fit.make_design

    def recorded(*args, **kwargs):
        design = original(*args, **kwargs)
        twin = design.astype(np.float32)
        for one in (design, twin):
            for array in (one.X.data, one.X.indices, one.X.indptr):
                base = array
                while isinstance(base.base, np.ndarray):
                    base = base.base
                held[base.__array_interface__["data"][0]] = base.nbytes
        return design

    fit.make_design = recorded
    with Anonymous() as memory:
        model = MaxEntClassifier().fit(X, y)
    grown, coef = memory.peak - memory.before, model.coef_.nbytes
    for part in (X.data, X.indices, X.indptr):
        held[part.__array_interface__["data"][0]] = part.nbytes
    ratio = sum(held.values()) / own
    print(f"{name},{own / 1e6:.0f},{grown / 1e6:.0f},{coef / 1e6:.0f},{ratio:.2f}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--folder", help="where the rows are written; by default a temporary folder")
    parser.add_argument("--only", nargs="+", default=["partitions", "memory", "sgd", "lbfgs", "product"])
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    parser.add_argument("--fits", action="store_true")
    parser.add_argument("--fit-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit_of:
        return fit_of(options.fit_of)
    if options.fits:
        return memory_of_fits()
    if options.contestant == "product":
        return products(options.folder)
    if options.contestant:
        return contestant(options.contestant, options.folder)
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        begun = time.perf_counter()
        folder = write_partitions(Path(place) / "rows", made(options.rows))
        data = open_partitions(folder, verify=False)
        notes = [
            f"# {describe_machine()}",
            f"# {data!r}, {data.nbytes / 1e6:.0f} MB, written in {time.perf_counter() - begun:.0f} s",
        ]
        lines = []
        for name in options.only:
            command = [sys.executable, __file__, "--contestant", name, "--folder", str(folder)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            print(printed, flush=True)
            (notes if name == "product" else lines).extend(printed.splitlines())
    best = min(float(line.split(",")[-1]) for line in lines) if lines else np.nan
    lines = [f"{line},{float(line.split(',')[-1]) / best - 1:.1e}" for line in lines]
    (OUTPUT / "out_of_core.csv").write_text("\n".join([*notes, HEADER, *lines]) + "\n")


if __name__ == "__main__":
    main()
