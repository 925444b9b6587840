"""Time to a given accuracy: MaxEntClassifier, scikit-learn's solvers and Cyanure under a Gaussian prior.

    python benchmarks/maxent_l2.py                          every problem (about an hour on two cores)
    python benchmarks/maxent_l2.py --problems unigrams:1 digits:1
    python benchmarks/maxent_l2.py --problems parsing:0.3 --limit 600    peers take many minutes
    python benchmarks/maxent_l2.py --memory                 peak memory on the bigrams, a process each
    python benchmarks/maxent_l2.py --one-row                latency of predict_proba on one sparse row

A problem is NAME:C. All minimise the same objective with an unpenalised intercept, on float64 data, on the
same machine with the same cores allowed. MaxEntClassifier uses threads; scikit-learn's solvers one thread,
and BLAS threads on dense data; Cyanure one thread for the stochastic solver. For MaxEntClassifier the time is
the whole fit with tol = the target, so that the accuracy is certified, not only reached. For lbfgs,
newton-cg and newton-cholesky it is the moment inside one fit when an objective value within the target of
the optimum is first computed. saga reveals nothing on its way: it is run with 1, 2, 4, ... epochs and the
accuracy is interpolated log-linearly between them. Cyanure reports its objective every few epochs. Peers stop
at --limit seconds, or at --factor times what ours took to 1e-6 (but not under 30 s) if that is less.
liblinear penalises the intercept, so that it solves another problem. Runs alternate between the competitors,
--runs of each and up to five of the quick ones: medians, with the fastest and the slowest beside them.
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
from summary import OURS as BLUE

from skmaxent import MaxEntClassifier

DEFAULT = (
    "unigrams:1", "unigrams:30", "bigrams:1", "bigrams:30", "pos:1",
    "polarity:1", "docstrings:1", "tall:1", "digits:1",
)  # fmt: skip
TARGETS = (1e-3, 1e-4, 1e-6, 1e-9)
OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
OURS = "MaxEntClassifier"


def objective(model, X, y, C):
    """The common objective on the mean-loss scale, evaluated in float64."""
    scores = X @ model.coef_.T + model.intercept_
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    top = scores.max(axis=1)
    log_z = np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top
    loss = (log_z - scores[np.arange(len(y)), y]).mean()
    return loss + (model.coef_**2).sum() / (2 * C * len(y))


def ours(X, y, C, limit):
    """(seconds, objective) of whole fits, one for each target."""
    path = []
    for target in TARGETS:
        start = time.perf_counter()
        model = MaxEntClassifier(C=C, tol=target, max_iter=10_000).fit(X, y)
        path.append((time.perf_counter() - start, objective(model, X, y, C)))
    return path


class _Limit(Exception):
    """The time limit of a peer is over."""


def sklearn_path(solver):
    """Runner that records every objective value that scikit-learn's solver computes."""

    def run(X, y, C, limit):
        from sklearn.linear_model import LogisticRegression
        from sklearn.linear_model._linear_loss import LinearModelLoss

        path, originals = [], {}
        start = time.perf_counter()

        def recorded(name):
            original = originals[name] = getattr(LinearModelLoss, name)

            def method(self, *args, **kwargs):
                result = original(self, *args, **kwargs)
                now = time.perf_counter() - start
                path.append((now, float(result[0] if isinstance(result, tuple) else result)))
                if now > limit:
                    raise _Limit
                return result

            setattr(LinearModelLoss, name, method)

        for name in ("loss", "loss_gradient"):
            recorded(name)
        try:
            LogisticRegression(C=C, solver=solver, tol=1e-12, max_iter=100_000).fit(X, y)
        except _Limit:
            path.append((limit, np.inf))
        finally:
            for name, original in originals.items():
                setattr(LinearModelLoss, name, original)
        return path

    return run


def saga_path(X, y, C, limit):
    """(seconds, objective) of fits with 1, 2, 4, ... epochs, refined between them by interpolation."""
    from sklearn.linear_model import LogisticRegression

    path, spent, epochs = [], 0.0, 1
    while spent < limit:
        start = time.perf_counter()
        model = LogisticRegression(C=C, solver="saga", tol=0, max_iter=epochs, random_state=0).fit(X, y)
        seconds = time.perf_counter() - start
        path.append((seconds, objective(model, X, y, C)))
        spent += seconds
        epochs *= 2
        if 2 * seconds > limit:
            break
    return path


def cyanure_path(X, y, C, limit):
    """(seconds, objective) that Cyanure reports every few epochs of one fit."""
    from cyanure.estimators import Classifier

    logging.disable(logging.INFO)

    def fit(epochs):
        start = time.perf_counter()
        model = Classifier(
            loss="logistic",
            penalty="l2",
            lambda_1=1 / (C * len(y)),
            tol=1e-11,
            max_iter=epochs,
            verbose=False,
        ).fit(X, y)
        _, primal, _, _, _, seconds = model.optimization_info_[0]
        # Its clock starts after the data were prepared: the rest of the wall time comes first.
        offset = time.perf_counter() - start - seconds.max()
        return [(s + offset, value) for s, value in zip(seconds, primal)]

    first = fit(5)
    epochs = int(5 * limit / max(first[-1][0], 1e-3))
    return first if epochs <= 5 else fit(min(epochs, 2000))


COMPETITORS = {
    OURS: ours,
    "lbfgs": sklearn_path("lbfgs"),
    "newton-cg": sklearn_path("newton-cg"),
    "newton-cholesky": sklearn_path("newton-cholesky"),
    "saga": saga_path,
    "cyanure": cyanure_path,
}
PEERS = [name for name in COMPETITORS if name != OURS]
CHOLESKY_SIDE = 5000  # scikit-learn falls back to lbfgs where the Hessian is larger than memory


def seconds_to(path, optimum, target, interpolate):
    """Seconds until the objective is within `target`, relative, of the optimum; inf if never."""
    gaps = [max(value / optimum - 1, 1e-16) for _, value in path]
    for i, gap in enumerate(gaps):
        if gap <= target:
            if not interpolate or i == 0:
                return path[i][0]
            (t0, _), (t1, _) = path[i - 1], path[i]
            share = np.log(gaps[i - 1] / target) / np.log(gaps[i - 1] / gap)
            return t0 + share * (t1 - t0)
    return np.inf


def race(name, C, limit, factor, runs, competitors):
    """Rows of the CSV of one problem."""
    X, y = PROBLEMS[name]()
    tight = MaxEntClassifier(C=C, tol=1e-12, max_iter=10_000).fit(X, y)
    optimum = tight.convergence_["objective"]
    side = X.shape[1] * (y.max() + 1 if y.max() > 1 else 1)
    racing = [c for c in competitors if c != "newton-cholesky" or side <= CHOLESKY_SIDE]
    print(f"{name} C={C:g}: {X.shape[0]} x {X.shape[1]}, optimum {optimum:.10g}, certified to "
          f"{tight.convergence_['relative_gap']:.1e}", flush=True)  # fmt: skip
    times = {c: {t: [] for t in TARGETS} for c in racing}
    spent = dict.fromkeys(racing, 0.0)
    for turn in range(max(runs, 5)):
        for competitor in racing:
            if turn >= runs and spent[competitor] > 20:
                continue
            start = time.perf_counter()
            path = COMPETITORS[competitor](X, y, C, limit)
            spent[competitor] += time.perf_counter() - start
            if competitor == OURS and turn == 0:
                limit = min(limit, max(30.0, round(factor * path[TARGETS.index(1e-6)][0])))
            for place, target in enumerate(TARGETS):
                if competitor == OURS:
                    seconds, value = path[place]
                    if value > optimum * (1 + target):
                        raise AssertionError(
                            f"{name}: certified {target:g}, reached {value / optimum - 1:.1e}"
                        )
                else:
                    seconds = seconds_to(path, optimum, target, interpolate=competitor == "saga")
                times[competitor][target].append(seconds)
    rows = []
    for competitor in racing:
        for target in TARGETS:
            seconds = times[competitor][target]
            median = float(np.median(seconds))
            ratio = median / float(np.median(times[OURS][target]))
            rows.append({
                "problem": name, "C": C, "rows": X.shape[0], "columns": X.shape[1],
                "classes": int(y.max()) + 1,
                "solver": competitor, "target": target, "seconds": round(median, 4),
                "fastest": round(min(seconds), 4), "slowest": round(max(seconds), 4),
                "times_ours": round(ratio, 2), "runs": len(seconds), "limit": limit, "optimum": optimum,
            })  # fmt: skip
        line = "  ".join(f"{t:g}: {np.median(times[competitor][t]):8.3f} s" for t in TARGETS)
        print(f"  {competitor:18s} {line}   ({len(times[competitor][TARGETS[0]])} runs)", flush=True)
    return rows


def draw(rows, path):
    """Bars: seconds to 1e-6 (of the limit where it was not reached) for every problem and solver."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import NullFormatter

    problems = list(dict.fromkeys((row["problem"], float(row["C"])) for row in rows))
    columns = min(3, len(problems))
    figure, axes = plt.subplots(
        -(-len(problems) // columns), columns, figsize=(4.2 * columns, 2.6 * -(-len(problems) // columns)),
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for axis in axes.flat[len(problems) :]:
        axis.set_visible(False)
    for axis, (name, C) in zip(axes.flat, problems):
        chosen = [
            r for r in rows if r["problem"] == name and float(r["C"]) == C and float(r["target"]) == 1e-6
        ]
        for place, row in enumerate(reversed(chosen)):
            seconds, limit = float(row["seconds"]), float(row["limit"])
            reached = np.isfinite(seconds)
            color = BLUE if row["solver"] == OURS else "tab:orange" if reached else "lightgray"
            axis.barh(place, seconds if reached else limit, color=color)
            label = f" {seconds:.3g} s" if reached else f" not in {limit:g} s"
            axis.text(seconds if reached else limit, place, label, va="center", fontsize=8)
        axis.set_yticks(range(len(chosen)), [row["solver"] for row in reversed(chosen)], fontsize=8)
        shown = [min(float(r["seconds"]), float(r["limit"])) for r in chosen]
        axis.set_xscale("log")
        axis.set_xlim(min(shown) / 4, max(shown) * 12)  # bars start at a quarter of the fastest
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_title(f"{name}, C={C:g}", fontsize=10)
    figure.supxlabel("seconds to a relative suboptimality of 1e-6 (log scale)", fontsize=10)
    figure.savefig(path, dpi=110)


def memory_row(solver):
    """Peak memory of one fit on the bigrams, C=1, in this process."""
    from sklearn.linear_model import LogisticRegression

    X, y = PROBLEMS["bigrams"]()
    model = MaxEntClassifier() if solver == OURS else LogisticRegression(solver=solver, max_iter=3, tol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grown = peak_memory(lambda: model.fit(X, y))
    of_X = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    ratio = (grown + of_X) / (of_X + model.coef_.nbytes)
    print(f"{solver},{grown / 2**20:.0f},{of_X / 2**20:.0f},{model.coef_.nbytes / 2**20:.0f},{ratio:.2f}")


def one_row():
    """Microseconds of predict_proba on one sparse row: 130,107 columns, 20 classes."""
    from sklearn.linear_model import LogisticRegression

    X, y = PROBLEMS["unigrams"]()
    models = {OURS: MaxEntClassifier(tol=1e-3).fit(X, y)}
    models["LogisticRegression"] = LogisticRegression(max_iter=1).fit(X, y)
    taken = {name: [] for name in models}
    for i in range(200):
        row = X[i]
        for name, model in models.items():
            start = time.perf_counter()
            model.predict_proba(row)
            taken[name].append(time.perf_counter() - start)
    lines = ["estimator,median_microseconds"] + [f"{n},{1e6 * np.median(t):.0f}" for n, t in taken.items()]
    text = f"# {describe_machine()}\n" + "\n".join(lines) + "\n"
    (OUTPUT / "maxent_l2_one_row.csv").write_text(text)
    print(text)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", nargs="+", default=DEFAULT, metavar="NAME:C")
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--limit", type=float, default=150, help="seconds for one fit of a peer")
    parser.add_argument("--factor", type=float, default=15, help="... in multiples of our time to 1e-6")
    parser.add_argument("--runs", type=int, default=3, help="at the least, of every competitor")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    parser.add_argument("--one-row", action="store_true")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    if options.memory_of:
        return memory_row(options.memory_of)
    if options.memory:
        header = "solver,fit_grows_by_MiB,X_MiB,coef_MiB,(X+growth)/(X+coef)"
        solvers = (OURS, "lbfgs", "newton-cg", "saga")
        return memory_of_each(__file__, solvers, header, OUTPUT / "maxent_l2_memory.csv")
    if options.one_row:
        return one_row()
    competitors = [OURS, *options.peers]
    if importlib.util.find_spec("cyanure") is None:
        competitors = [c for c in competitors if c != "cyanure"]
    print(describe_machine())
    for problem in options.problems:
        name, C = problem.split(":")
        rows = race(name, float(C), options.limit, options.factor, options.runs, competitors)
        if not options.dry:
            rows = write_rows(OUTPUT / "maxent_l2.csv", rows, ("problem", "C", "solver", "target"))
            draw(rows, OUTPUT / "maxent_l2.png")


if __name__ == "__main__":
    main()
