"""A cross-validated path of prior strengths: MaxEntClassifierCV against scikit-learn's two ways.

    python benchmarks/maxent_path.py                               docstrings, 30 values of C, 5 folds
    python benchmarks/maxent_path.py --problem unigrams --limit 900

L2, the same folds, the same values of C (1e-3 to 1e3) and accuracy as the score. LogisticRegressionCV and
GridSearchCV run LogisticRegression's default solver lbfgs with tol=1e-4 (its default) and max_iter=1000, on
as many processes as there are cores; MaxEntClassifierCV runs with tol=1e-4 and as many paths in threads.
--limit stops a competitor: it runs in a process of its own, and the time is then a lower bound.
"""

import argparse
import multiprocessing
import os
import signal
import time
import warnings
from pathlib import Path

import numpy as np
from _machine import describe_machine
from _text_data import PROBLEMS
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from skmaxent import MaxEntClassifierCV

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def ours(Cs, n_jobs):
    return MaxEntClassifierCV(Cs=Cs, cv=FOLDS, tol=1e-4, n_jobs=n_jobs, store_paths=False)


def cv(Cs, n_jobs):
    return LogisticRegressionCV(Cs=Cs, cv=FOLDS, max_iter=1000, n_jobs=n_jobs, scoring="accuracy")


def grid(Cs, n_jobs):
    return GridSearchCV(LogisticRegression(max_iter=1000), {"C": Cs}, cv=FOLDS, n_jobs=n_jobs)


COMPETITORS = {"MaxEntClassifierCV": ours, "LogisticRegressionCV": cv, "GridSearchCV": grid}


def run(name, problem, n_values, queue):
    """Fit one competitor; puts its seconds, best C and mean scores on the queue."""
    os.setsid()  # a group of its own, so that its workers can be stopped with it
    warnings.simplefilter("ignore")
    X, y = PROBLEMS[problem]()
    Cs = np.logspace(-3, 3, n_values)
    model = COMPETITORS[name](Cs.tolist(), os.cpu_count())
    start = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - start
    if name == "GridSearchCV":
        scores = model.cv_results_["mean_test_score"]
    else:
        scores = (
            model.scores_ if isinstance(model.scores_, np.ndarray) else next(iter(model.scores_.values()))
        )
        scores = scores.reshape(5, -1).mean(axis=0)
    queue.put((seconds, Cs[int(np.argmax(scores))], float(np.max(scores))))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problem", default="docstrings", choices=list(PROBLEMS))
    parser.add_argument("--values", type=int, default=30)
    parser.add_argument("--competitors", nargs="+", default=list(COMPETITORS), choices=list(COMPETITORS))
    parser.add_argument("--limit", type=float, default=1800, help="seconds for a competitor")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    lines = [f"# {describe_machine()}", "problem,values,folds,competitor,seconds,stopped,best_C,best_score"]
    print(lines[0])
    context = multiprocessing.get_context("spawn")
    for name in options.competitors:
        queue = context.Queue()
        process = context.Process(target=run, args=(name, options.problem, options.values, queue))
        process.start()
        process.join(options.limit)
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
            seconds, stopped, best, score = options.limit, True, np.nan, np.nan
        else:
            (seconds, best, score), stopped = queue.get(timeout=10), False
        lines.append(
            f"{options.problem},{options.values},5,{name},{seconds:.2f},{stopped},{best:.6g},{score:.4f}"
        )
        print(lines[-1], flush=True)
    if not options.dry:
        OUTPUT.mkdir(parents=True, exist_ok=True)
        (OUTPUT / f"maxent_path_{options.problem}.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
