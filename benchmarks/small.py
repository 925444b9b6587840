"""Whole fits on small and ordinary data: MaxEntClassifier beside the peers that a user would take instead.

    python benchmarks/small.py                            every data set (twenty minutes on two cores)
    python benchmarks/small.py --data iris polarity-l1    some of them
    python benchmarks/small.py --predict                  predict and predict_proba of 1, 10 and 1,000 rows
    python benchmarks/small.py --search                   whole processes: GridSearchCV over C, both ways;
                                                          texts in a pipeline and in two processes

A contestant is timed as a user meets it: ``Estimator(...).fit(X, y)`` with all checks, float64 data, both
cores allowed. Equal accuracy: of each solver of a peer the loosest of the tolerances 1e-1 ... 1e-12 whose
objective is within 1e-6, relative, of the optimum (evaluated here, in float64); ours has tol=1e-6, which is
certified. liblinear and Snap ML penalise the intercept: they are held against the optimum of that
neighbouring problem, marked so. Runs alternate between the contestants, each time in another order; medians;
all rows come from one machine, named on the first line of the CSV. Peers that are not installed are left out:
pip install scikit-learn-intelex snapml.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
import warnings
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
from _machine import describe_machine
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from summary import OURS as BLUE
from summary import PEER_COLOURS

from skmaxent import BackpropMLPClassifier, MaxEntClassifier

TARGET = 1e-6
TOLERANCES = 10.0 ** -np.arange(1, 13)
OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
OURS = "MaxEntClassifier"
# They penalise the intercept, and so solve another problem.
OTHER_PROBLEM = ("LogisticRegression liblinear", "Snap ML")
COLUMNS = (
    "data", "n", "d", "classes", "penalty", "C", "contestant", "tol", "suboptimality", "ms",
    "fastest", "slowest", "ratio",
)  # fmt: skip


def toy(load):
    """One of scikit-learn's tables, scaled."""
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def drawn(n, d, n_classes, informative=1.0):
    """Gaussian columns, labels drawn from a model of them."""
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(n, d)), rng.normal(size=(d, n_classes)) * (rng.random((d, 1)) < informative)
    return X, (2 * X @ W / np.sqrt(d) + rng.gumbel(size=(n, n_classes))).argmax(axis=1)


def polarity():
    """Sentence polarity, tf-idf of words: 10,662 sentences."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from skmaxent.datasets import load_sentence_polarity

    corpus = load_sentence_polarity()
    return TfidfVectorizer(sublinear_tf=True).fit_transform(corpus.data), np.asarray(corpus.target)


DATA = {
    "iris": (partial(toy, load_iris), ("l2", "l1")),
    "wine": (partial(toy, load_wine), ("l2", "l1")),
    "cancer": (partial(toy, load_breast_cancer), ("l2", "l1")),
    "digits": (partial(toy, load_digits), ("l2",)),
    "100x20": (partial(drawn, 100, 20, 2), ("l2", "l1")),
    "1000x50": (partial(drawn, 1000, 50, 2), ("l2", "l1")),
    "10000x100": (partial(drawn, 10_000, 100, 2), ("l2", "l1")),
    "2000x20x5": (partial(drawn, 2000, 20, 5), ("l2",)),
    "100000x50": (partial(drawn, 100_000, 50, 2), ("l2",)),
    "200000x100x5": (partial(drawn, 200_000, 100, 5), ("l2",)),
    "20000x500": (partial(drawn, 20_000, 500, 2), ("l2",)),
    "2000x500x3": (partial(drawn, 2000, 500, 3), ("l2",)),
    "500x2000": (partial(drawn, 500, 2000, 2), ("l2", "l1")),
    "200x10000": (partial(drawn, 200, 10_000, 2), ("l2",)),
    "300x768x5": (partial(drawn, 300, 768, 5), ("l2",)),
    "72x7000": (partial(drawn, 72, 7000, 2, 0.005), ("l2", "l1")),
    "1000x5000": (partial(drawn, 1000, 5000, 2, 0.02), ("l2", "l1")),
    "polarity": (polarity, ("l2", "l1")),
}
PENALTIES = {"l2": 1.0, "l1": 0.1}  # and their C


def prior(penalty):
    """The parameters of LogisticRegression for a penalty, in the words of the installed version."""
    ratio = float(penalty == "l1")
    return {"l1_ratio": ratio} if _new_words() else {"penalty": penalty}


def _new_words():
    """Whether LogisticRegression takes `l1_ratio` without `penalty` (since 1.8)."""
    return LogisticRegression().get_params().get("penalty") not in ("l2",)


def contestants(penalty, C, X, n_classes):
    """Name -> function of a tolerance that gives an estimator."""
    found = {}

    def add(name, make, **parameters):
        found[name] = lambda tol: make(C=C, tol=tol, **parameters)

    solvers = {"l2": ("lbfgs", "newton-cg", "newton-cholesky"), "l1": ("saga",)}[penalty]
    if X.shape[1] * n_classes > 3000:  # a matrix of its square is out of the question
        solvers = tuple(solver for solver in solvers if solver != "newton-cholesky")
    for solver in (*solvers, *(("liblinear",) if n_classes == 2 else ())):
        extra = {"random_state": 0} if solver in ("saga", "liblinear") else {}
        add(
            f"LogisticRegression {solver}",
            LogisticRegression,
            solver=solver,
            max_iter=5000,
            **extra,
            **prior(penalty),
        )
    if penalty == "l2" and not sparse.issparse(X):
        try:
            from sklearnex.linear_model import LogisticRegression as Intel

            add("scikit-learn-intelex", Intel, max_iter=5000)
        except ImportError:
            pass
    if n_classes == 2:
        try:
            from snapml import LogisticRegression as Snap

            def snap(C, tol):
                dual = penalty == "l2"
                rules = {"fit_intercept": True, "max_iter": 5000, "n_jobs": 2, "normalize": False}
                return Snap(regularizer=1 / C, tol=tol, penalty=penalty, dual=dual, random_state=0, **rules)

            add("Snap ML", snap)
        except ImportError:
            pass
    return found


def objective(model, X, y, C, penalty, intercept_too):
    """The objective on the scale of the mean loss, in float64; liblinear's has the intercept in the prior."""
    coef, intercept = np.atleast_2d(model.coef_).astype(float), np.ravel(model.intercept_).astype(float)
    scores = X @ coef.T + intercept
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    top = scores.max(axis=1)
    loss = (np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top - scores[np.arange(len(y)), y]).mean()
    size = np.abs(coef).sum() if penalty == "l1" else 0.5 * np.sum(coef**2)
    if intercept_too:
        size += np.abs(intercept).sum() if penalty == "l1" else 0.5 * np.sum(intercept**2)
    return loss + size / (C * len(y))


def quiet(model, X, y):
    """The fitted model, without a word about iterations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def loosest(make, X, y, C, penalty, best, intercept_too, limit):
    """The loosest tolerance that reaches the target, and what it reaches; None where none does in time."""
    for tol in TOLERANCES:
        start = time.perf_counter()
        reached = objective(quiet(make(tol), X, y), X, y, C, penalty, intercept_too) / best - 1
        if reached <= TARGET:
            return tol, reached
        if time.perf_counter() - start > limit:
            return None
    return None


def measure(name, penalty, repeats, limit):
    """Rows of the table for one data set and penalty."""
    X, y = DATA[name][0]()
    y = np.unique(y, return_inverse=True)[1]
    C, K = PENALTIES[penalty], int(y.max()) + 1
    ratio = float(penalty == "l1")
    best = objective(quiet(MaxEntClassifier(C=C, l1_ratio=ratio, tol=1e-11), X, y), X, y, C, penalty, False)
    runs = {OURS: (partial(MaxEntClassifier, C=C, l1_ratio=ratio, tol=TARGET), TARGET, None)}
    other = None
    for peer, make in contestants(penalty, C, X, K).items():
        own = peer in OTHER_PROBLEM
        if own and other is None:
            liblinear = LogisticRegression(
                C=C, solver="liblinear", tol=1e-11, max_iter=20_000, random_state=0, **prior(penalty)
            )
            other = objective(quiet(liblinear, X, y), X, y, C, penalty, True)
        optimum = other if own else best
        found = loosest(make, X, y, C, penalty, optimum, own, limit)
        label = f"{peer} (intercept penalised)" if own else peer
        runs[label] = (partial(make, found[0]), *found) if found else (None, None, None)
    mine = quiet(runs[OURS][0](), X, y)
    runs[OURS] = (runs[OURS][0], TARGET, objective(mine, X, y, C, penalty, False) / best - 1)
    seconds = {label: [] for label, run in runs.items() if run[0]}
    rng = np.random.default_rng(0)
    for _ in range(repeats):
        for label in rng.permutation(list(seconds)):  # threads of one may still spin when the next begins
            if sum(seconds[label]) > limit:  # slow ones fewer times
                continue
            start = time.perf_counter()
            quiet(runs[label][0](), X, y)
            seconds[label].append(time.perf_counter() - start)
    ours = float(np.median(seconds[OURS]))
    for label, (_, tol, reached) in runs.items():
        taken = 1e3 * np.quantile(seconds[label], (0.5, 0, 1)) if label in seconds else np.full(3, np.nan)
        ms = (float(value) for value in taken)
        ratio = float(taken[0] / 1e3 / ours)
        yield dict(zip(COLUMNS, (name, *X.shape, K, penalty, C, label, tol, reached, *ms, ratio)))


def picture(rows, path):
    """Ratios of the peers' times to ours, a line a data set; left of 1 we are slower."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(f"{row['data']} {row['penalty']}" for row in rows))
    labels = [label for label in dict.fromkeys(row["contestant"] for row in rows) if label != OURS]
    figure, ax = plt.subplots(figsize=(8, 0.36 * len(names) + 1.6), layout="constrained")
    for label, marker, colour in zip(labels, "osD^vPX*<>", cycle(PEER_COLOURS)):
        points = [
            (r["ratio"], names.index(f"{r['data']} {r['penalty']}")) for r in rows if r["contestant"] == label
        ]
        ax.plot(*zip(*points), marker, ms=6, alpha=0.8, color=colour, label=label)
    ax.axvline(1, color=BLUE, lw=2, label=OURS)
    ax.set_xscale("log")
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel("time of the peer / time of MaxEntClassifier, both within 1e-6 of the optimum")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    figure.savefig(path, dpi=130)


def deciles(name, quantiles):
    """The first and the last decile under names of their own."""
    return {f"{name}_tenth": float(quantiles[1]), f"{name}_nine_tenths": float(quantiles[2])}


def predictions(repeats):
    """Rows of a table of predictions: our models and scikit-learn's, parts of 1, 10 and 1,000 rows."""
    for name in ("iris", "cancer", "digits"):
        X, y = DATA[name][0]()
        pairs = (
            (MaxEntClassifier(), LogisticRegression(max_iter=1000)),
            (BackpropMLPClassifier(max_iter=20, random_state=0), MLPClassifier(max_iter=20, random_state=0)),
        )
        for pair in pairs:
            models = [quiet(model, X, y) for model in pair]
            for method in ("predict", "predict_proba"):
                for part in (X[:1], X[:10], X[:1000]):
                    seconds = [[], []]
                    for _ in range(20 * repeats):
                        for times, model in zip(seconds, models):
                            start = time.perf_counter()
                            getattr(model, method)(part)
                            times.append(time.perf_counter() - start)
                    # The first and last deciles: of hundreds of calls the slowest one says nothing.
                    ours, theirs = (1e3 * np.quantile(times, (0.5, 0.1, 0.9)) for times in seconds)
                    yield {
                        "data": name, "model": type(models[0]).__name__, "peer": type(models[1]).__name__,
                        "method": method, "rows": len(part), "ms": float(ours[0]),
                        "peer_ms": float(theirs[0]), "ratio": float(theirs[0] / ours[0]),
                        **deciles("ms", ours), **deciles("peer_ms", theirs),
                    }  # fmt: skip


SEARCH = """
import sys, warnings; warnings.simplefilter("ignore")
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
sys.path.insert(0, {folder!r})
name, ours = sys.argv[1:]
if ours == "ours":
    from skmaxent import MaxEntClassifier as Model
    model = Model()
else:
    from sklearn.linear_model import LogisticRegression as Model
    model = Model(max_iter=1000)
if name in ("iris", "cancer"):
    from small import DATA
    X, y = DATA[name][0]()
    search = GridSearchCV(model, {{"C": np.logspace(-3, 3, 20)}}, cv=5)
else:
    from skmaxent import datasets
    from sklearn.feature_extraction.text import TfidfVectorizer
    corpus = getattr(datasets, "load_" + name)()
    X, y = corpus.data, corpus.target
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), model)
    search = GridSearchCV(model, {{type(model[-1]).__name__.lower() + "__C": [1, 10]}}, cv=3, n_jobs=2)
print(f"{{search.fit(X, y).best_score_:.4f}}")
"""
SEARCHED = {"iris": 100, "cancer": 100, "docstrings": 6, "newsgroups": 6}  # and the fits of a search


def searches(repeats, names=None):
    """Rows of a table of whole processes that search C, one way and the other by turns."""
    source = SEARCH.format(folder=str(Path(__file__).parent))
    for name, fits in SEARCHED.items():
        if names and name not in names:
            continue
        seconds, scores = {"ours": [], "theirs": []}, {}
        try:
            for _ in range(max(1, repeats // 3)):
                for who in seconds:
                    start = time.perf_counter()
                    command = [sys.executable, "-c", source, name, who]
                    done = subprocess.run(command, check=True, capture_output=True, text=True)
                    seconds[who].append(time.perf_counter() - start)
                    scores[who] = done.stdout.strip()
        except subprocess.CalledProcessError as error:
            if "FileNotFoundError" not in error.stderr:
                raise RuntimeError(error.stderr) from error
            print(f"{name} is left out: its corpus is not there", flush=True)
            continue
        ours, theirs = (float(np.median(seconds[who])) for who in seconds)
        ranges = {f"{end.__name__}_{who}": end(times) for who, times in seconds.items() for end in (min, max)}
        yield {
            "data": name, "fits": fits, "s": ours, "peer_s": theirs, "ratio": theirs / ours, **ranges,
            "score": scores["ours"], "peer_score": scores["theirs"],
        }  # fmt: skip


def write(rows, columns, path):
    """The CSV, under the line that names the machine."""
    with path.open("w", newline="") as file:
        file.write(f"# {describe_machine()}\n")
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        for row in rows:
            shown = {key: f"{value:.3g}" if isinstance(value, float) else value for key, value in row.items()}
            table.writerow(shown)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", nargs="+", help="names such as iris or polarity-l1; default all")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds after which a peer is given up")
    parser.add_argument("--predict", action="store_true")
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--output", type=Path, default=OUTPUT / "small.csv")
    options = parser.parse_args()
    print(describe_machine(), flush=True)
    if options.predict or options.search:
        found = predictions(options.repeats) if options.predict else searches(options.repeats, options.data)
        rows = []
        for row in found:
            rows.append(row)
            print(json.dumps(row), flush=True)
        kind = "predict" if options.predict else "search"
        write(rows, [*rows[0]], options.output.with_stem(f"{options.output.stem}_{kind}"))
        return
    rows = []
    for name, (_, penalties) in DATA.items():
        for penalty in penalties:
            if options.data and not {name, f"{name}-{penalty}"} & set(options.data):
                continue
            for row in measure(name, penalty, options.repeats, options.limit):
                rows.append(row)
                print(json.dumps(row, default=float), flush=True)
    write(rows, COLUMNS, options.output)
    picture([row for row in rows if row["ratio"] == row["ratio"]], options.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
