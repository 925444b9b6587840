"""Time to a given accuracy under a Laplace prior or an elastic net: MaxEntClassifier and its peers.

    python benchmarks/maxent_l1.py                                  every problem
    python benchmarks/maxent_l1.py --problems unigrams:10:1 --peers saga --limit 100
    python benchmarks/maxent_l1.py --memory                         peak memory on the bigrams, a process each
    python benchmarks/maxent_l1.py --limit 600 --factor inf         peers get ten minutes a fit, hours in all

A problem is NAME:C:L1_RATIO. All minimise the same objective; on problems with two classes without an
intercept, because liblinear penalises it. Every fit's weights are put into one float64 evaluation of that
objective. The optimum is the least value that any of them reached; the certificate of a MaxEntClassifier with
tol=1e-6 is printed.

A peer's fits are cut at --limit seconds, or at --factor times what MaxEntClassifier took to 1e-4 (but not
under 20 s) if that is less: enough to show that ratio; ours are cut at the same limit. "inf" in the CSV is
"not in its longest fit", whose seconds are beside it.

MaxEntClassifier: "reached" is the moment in one fit at which the weights of an iterate are within the target
of the optimum (the iterates are copied out while the clock stands still); "certified" is a whole fit with
tol = the target. The peers reveal nothing on their way: they are run with 1, 2, 4, ... iterations until a
fit takes more than half of --limit seconds, and the time is interpolated log-linearly between the fits.
MaxEntClassifier uses threads, the peers one thread. Which peers solve which problem:
saga all; Cyanure all; liblinear, celer and skglm binary L1 (skglm's first fit, which compiles, is not
counted). --runs of each, alternating: medians, with the fastest and the slowest beside them.
"""

import argparse
import importlib.util
import logging
import time
import warnings
from pathlib import Path

import numpy as np
from _machine import describe_machine, memory_of_each, peak_memory, write_rows
from _text_data import PROBLEMS
from maxent_l2 import seconds_to
from summary import OURS as BLUE

from skmaxent import MaxEntClassifier
from skmaxent.estimators.common import convex_fit

DEFAULT = (
    "unigrams:10:1", "unigrams:100:1", "unigrams:10:0.5", "bigrams:10:1", "pos:1:1",
    "docstrings:10:1", "polarity:1:1", "polarity:10:1", "digits:1:1", "tall:1:1",
)  # fmt: skip
TARGETS = (1e-2, 1e-4, 1e-6)
OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
OURS, CERTIFIED = "MaxEntClassifier (reached)", "MaxEntClassifier (certified)"


def objective(coef, intercept, X, y, C, l1_ratio):
    """The common objective on the mean-loss scale, in float64."""
    scores = X @ coef.T.astype(float) + intercept
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    top = scores.max(axis=1)
    log_z = np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top
    penalty = l1_ratio * np.abs(coef).sum() + (1 - l1_ratio) / 2 * (coef**2).sum()
    return (log_z - scores[np.arange(len(y)), y]).mean() + penalty / (C * len(y))


def watched_fit(X, y, C, l1_ratio, intercept, limit, tol, keep=False):
    """Our model, stopped after `limit` seconds, and (seconds, objective) of its iterates if `keep`.

    The copying of the iterates is not counted.
    """
    path, lost = [], [0.0]
    solve = convex_fit.path

    def watched(problem, Cs, report=None, **settings):
        def record(line, model):
            start = time.perf_counter()
            if keep:
                weights, bias = model()
                path.append((line["seconds"] - lost[0], objective(weights.T, bias, X, y, C, l1_ratio)))
            lost[0] += time.perf_counter() - start
            return line["seconds"] - lost[0] > limit

        return solve(problem, Cs, report=record, **settings)

    convex_fit.path = watched
    try:
        model = MaxEntClassifier(C=C, l1_ratio=l1_ratio, fit_intercept=intercept, tol=tol).fit(X, y)
    finally:
        convex_fit.path = solve
    return model, path


def ours(X, y, C, l1_ratio, intercept, limit):
    """(seconds, objective) of the iterates of one fit."""
    return watched_fit(X, y, C, l1_ratio, intercept, limit, 1e-6, keep=True)[1]


def certified(X, y, C, l1_ratio, intercept, limit):
    """(seconds, objective) of whole fits, one for each target; infinite seconds where it was not reached."""
    path = []
    for target in TARGETS:
        start = time.perf_counter()
        model = watched_fit(X, y, C, l1_ratio, intercept, limit, target)[0]
        seconds = time.perf_counter() - start
        reached = model.convergence_["relative_gap"] <= target
        value = objective(model.coef_, model.intercept_, X, y, C, l1_ratio)
        path.append((seconds if reached else np.inf, value))
    return path


def doubling(build):
    """Runner of a peer that is fitted with 1, 2, 4, ... iterations."""

    def run(X, y, C, l1_ratio, intercept, limit):
        path, iterations = [], 1
        while True:
            model = build(C, l1_ratio, intercept, iterations, len(y))
            start = time.perf_counter()
            model.fit(X, y)
            seconds = time.perf_counter() - start
            coef = np.atleast_2d(np.asarray(model.coef_))
            coef = coef if coef.shape[1] == X.shape[1] else coef.T
            bias = np.ravel(model.intercept_) if intercept else 0.0
            path.append((seconds, objective(coef, bias, X, y, C, l1_ratio)))
            stuck = len(path) > 12 and path[-1][1] >= path[-4][1]
            if 2 * seconds > limit or stuck or iterations >= 2**20:
                return path
            iterations *= 2

    return run


def saga(C, l1_ratio, intercept, iterations, n):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=C, l1_ratio=l1_ratio, penalty="elasticnet", solver="saga", tol=0, max_iter=iterations,
        fit_intercept=intercept, random_state=0,
    )  # fmt: skip


def liblinear(C, l1_ratio, intercept, iterations, n):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=C, penalty="l1", solver="liblinear", tol=1e-12, max_iter=iterations, fit_intercept=False,
        random_state=0,
    )  # fmt: skip


def cyanure(C, l1_ratio, intercept, iterations, n):
    from cyanure.estimators import Classifier

    logging.disable(logging.WARNING)
    strength = 1 / (C * n)
    options = {"penalty": "l1", "lambda_1": strength}
    if l1_ratio < 1:
        options = {
            "penalty": "elasticnet",
            "lambda_1": l1_ratio * strength,
            "lambda_2": (1 - l1_ratio) / 2 * strength,  # of w^2, not w^2 / 2 as its documentation says
        }
    return Classifier(
        loss="logistic", fit_intercept=intercept, tol=1e-12, max_iter=iterations, verbose=False, **options
    )


def celer(C, l1_ratio, intercept, iterations, n):
    from celer import LogisticRegression

    return LogisticRegression(C=C, tol=1e-12, max_iter=iterations)


def skglm(C, l1_ratio, intercept, iterations, n):
    from skglm import SparseLogisticRegression

    return SparseLogisticRegression(
        alpha=1 / (C * n), tol=1e-12, max_iter=iterations, max_epochs=1000, fit_intercept=False
    )


PEERS = {f.__name__: doubling(f) for f in (saga, cyanure, liblinear, celer, skglm)}
BINARY_L1_ONLY = ("liblinear", "celer", "skglm")


def memory_row(solver):
    """Peak memory of one fit on the bigrams, L1, C=10, in this process; the peer runs two iterations."""
    X, y = PROBLEMS["bigrams"]()
    build = {
        "MaxEntClassifier": lambda *_: MaxEntClassifier(C=10, l1_ratio=1, tol=1e-4),
        "saga": saga,
        "cyanure": cyanure,
    }
    model = build[solver](10, 1, True, 2, len(y))
    grown = peak_memory(lambda: model.fit(X, y))
    of_X = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    print(f"{solver},{grown / 2**20:.0f},{of_X / 2**20:.0f},{np.asarray(model.coef_).nbytes / 2**20:.0f}")


def race(name, C, l1_ratio, limit, factor, runs, peers):
    """Rows of the CSV of one problem."""
    X, y = PROBLEMS[name]()
    binary = y.max() == 1
    best = watched_fit(X, y, C, l1_ratio, not binary, limit, 1e-6)[0]
    optimum = best.convergence_["objective"]
    runners = {OURS: ours, CERTIFIED: certified}
    runners |= {p: PEERS[p] for p in peers if p not in BINARY_L1_ONLY or (binary and l1_ratio == 1)}
    print(f"{name} C={C:g} l1_ratio={l1_ratio:g}: {X.shape[0]} x {X.shape[1]}, {y.max() + 1} classes, "
          f"{np.count_nonzero(best.coef_)} weights, C * objective {optimum * C * len(y):.8g}, certified to "
          f"{best.convergence_['relative_gap']:.1e}", flush=True)  # fmt: skip
    if "skglm" in runners:
        PEERS["skglm"](X[:100], y[:100], C, l1_ratio, False, 0)
    paths = {runner: [] for runner in runners}
    for turn in range(runs):
        for runner, run in runners.items():
            paths[runner].append(run(X, y, C, l1_ratio, not binary, limit))
            if runner == OURS and turn == 0:
                limit = min(limit, max(20.0, factor * seconds_to(paths[OURS][0], optimum, 1e-4, False)))
    optimum = min(optimum, *(value for found in paths.values() for path in found for _, value in path))
    times = {
        runner: {
            target: [
                path[place][0]
                if runner == CERTIFIED
                else seconds_to(path, optimum, target, interpolate=runner in PEERS)
                for path in found
            ]
            for place, target in enumerate(TARGETS)
        }
        for runner, found in paths.items()
    }
    # A fit of ours that reached no gap was stopped at the limit.
    longest = {
        runner: max(seconds if np.isfinite(seconds) else limit for path in found for seconds, _ in path)
        for runner, found in paths.items()
    }
    rows = []
    for runner in runners:
        for target in TARGETS:
            seconds = times[runner][target]
            median = float(np.median(seconds))
            rows.append({
                "problem": name, "C": C, "l1_ratio": l1_ratio, "solver": runner, "target": target,
                "seconds": round(median, 4),
                "fastest": round(min(seconds), 4), "slowest": round(max(seconds), 4),
                "times_ours": round(median / float(np.median(times[OURS][target])), 2),
                "runs": len(seconds), "longest": round(longest[runner], 1),
                "optimum": optimum, "weights": int(np.count_nonzero(best.coef_)),
            })  # fmt: skip
        line = "  ".join(f"{t:g}: {np.median(times[runner][t]):8.3f} s" for t in TARGETS)
        print(f"  {runner:30s} {line}   (longest {longest[runner]:.1f} s)", flush=True)
    return rows


def draw(rows, path):
    """Bars: seconds to 1e-4 for every problem and solver; grey where the limit came first."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter

    problems = list(dict.fromkeys((r["problem"], float(r["C"]), float(r["l1_ratio"])) for r in rows))
    columns = min(3, len(problems))
    lines = -(-len(problems) // columns)
    size = (4.8 * columns, 2.4 * lines)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(problems) :]:
        axis.set_visible(False)
    for axis, problem in zip(axes.flat, problems):
        chosen = [
            r for r in rows if (r["problem"], float(r["C"]), float(r["l1_ratio"])) == problem
            and float(r["target"]) == 1e-4
        ]  # fmt: skip
        for place, row in enumerate(reversed(chosen)):
            seconds, longest = float(row["seconds"]), float(row.get("longest") or "nan")
            reached = np.isfinite(seconds)
            mine = row["solver"] in (OURS, CERTIFIED)
            color = BLUE if mine else "tab:orange" if reached else "lightgray"
            text = f" {seconds:.3g} s" if reached else f" not in {longest:g} s"
            axis.barh(place, seconds if reached else longest, color=color)
            axis.text(seconds if reached else longest, place, text, va="center", fontsize=8)
        axis.set_yticks(range(len(chosen)), [row["solver"] for row in reversed(chosen)], fontsize=8)
        axis.set_xscale("log")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlim(right=axis.get_xlim()[1] * 8)
        axis.set_title(f"{problem[0]}, C={problem[1]:g}, l1_ratio={problem[2]:g}", fontsize=10)
    figure.supxlabel("seconds to a relative suboptimality of 1e-4 (log scale)", fontsize=10)
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", nargs="+", default=DEFAULT, metavar="NAME:C:L1_RATIO")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--limit", type=float, default=150, help="seconds for one fit of a peer")
    parser.add_argument("--factor", type=float, default=25, help="... in multiples of our time to 1e-4")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    if options.memory_of:
        return memory_row(options.memory_of)
    peers = [p for p in options.peers if p in ("saga", "liblinear") or importlib.util.find_spec(p)]
    if options.memory:
        solvers = ["MaxEntClassifier", *(peer for peer in peers if peer in ("saga", "cyanure"))]
        header = "solver,fit_grows_by_MiB,X_MiB,coef_MiB"
        return memory_of_each(__file__, solvers, header, OUTPUT / "maxent_l1_memory.csv")
    print(describe_machine())
    for problem in options.problems:
        name, C, l1_ratio = problem.split(":")
        rows = race(name, float(C), float(l1_ratio), options.limit, options.factor, options.runs, peers)
        if not options.dry:
            key = ("problem", "C", "l1_ratio", "solver", "target")
            rows = write_rows(OUTPUT / "maxent_l1.csv", rows, key)
            draw(rows, OUTPUT / "maxent_l1.png")


if __name__ == "__main__":
    main()
