"""Mutation check of the core: does some test notice each small fault?

    python tests/mutation/check.py                  # every mutant: hours; goes on where it was stopped
    python tests/mutation/check.py --sample 200     # as many mutants, drawn with a fixed seed
    python tests/mutation/check.py --only penalty   # of the files whose path has that word
    python tests/mutation/check.py --again          # forget what was found before

Each mutant is written into a copy of the project and the tests of its part run there until one fails: first
the tests nearest to the file, then the suite of the core. What no test notices survives: it is listed, with
the explanation in survivors.toml where it is no fault (a bound that is only looser, a choice of speed alone).
Results go to docs/benchmarks/mutants.csv, one line a mutant.

What changes no number is left out: messages, types, constants of a module that tune speed, counters.
"""

import argparse
import csv
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "docs" / "benchmarks" / "mutants.csv"
# The copy of the project that belongs to a thread.
HELD = threading.local()
# Seconds after which a mutant has made a test run forever: it is noticed.
PATIENCE = 240

CORE = ["tests/convex", "tests/nn", "tests/contract/test_promises.py", "tests/estimators"]
LEAVE_OUT = ["--ignore-glob=*check_estimator*", "--ignore-glob=*test_tools*", "--ignore-glob=*recurrent*"]
#: files of the core, and the tests nearest to each
TARGETS = {
    "skmaxent/numerics/losses.py": ["tests/convex/test_loss.py", "tests/nn/test_nn_layers.py"],
    "skmaxent/convex/likelihood.py": ["tests/convex/test_objective.py", "tests/convex/test_loss.py"],
    "skmaxent/convex/penalty.py": ["tests/convex/test_objective.py", "tests/convex/test_l1.py"],
    "skmaxent/convex/intercept.py": ["tests/convex/test_objective.py", "tests/convex/test_certificates.py"],
    "skmaxent/convex/objective.py": ["tests/convex/test_objective.py", "tests/convex/test_l1.py"],
    "skmaxent/convex/proofs": [
        "tests/convex/test_certificates.py",
        "tests/convex/test_l1_certificate.py",
        "tests/convex/test_separation.py",
    ],
    "skmaxent/convex/reductions": [
        "tests/convex/test_presolve.py",
        "tests/convex/test_units.py",
        "tests/convex/test_rare_columns.py",
        "tests/convex/test_observed.py",
    ],
    "skmaxent/nn/optimizers": ["tests/nn/test_nn_lazy_rows.py", "tests/nn/test_nn_shared_columns.py"],
}


def load_mutants():
    """All mutants of the targets, with the tests nearest to each."""
    from mutants import mutants_of

    found = []
    for target, tests in TARGETS.items():
        path = ROOT / target
        for file in [path] if path.suffix else sorted(path.glob("*.py")):
            relative = file.relative_to(ROOT).as_posix()
            found += [(mutant, tests) for mutant in mutants_of(relative, file.read_text(encoding="utf-8"))]
    return found


def copy_project():
    """The files of the project in a new temporary folder."""
    root = Path(tempfile.mkdtemp(prefix="mutants-"))
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    return root


def warm_up():
    """Imports that the children of a fork then share."""
    for name in (
        *("hypothesis", "pandas", "pytest", "scipy.optimize", "scipy.sparse.linalg", "sklearn.ensemble"),
        *("sklearn.linear_model", "sklearn.model_selection", "sklearn.neural_network", "sklearn.pipeline"),
    ):
        importlib.import_module(name)


def run_tests(root, tests):
    """Whether the tests pass in the copy: in a forked child, killed when it takes too long."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            os.setsid()
            log = os.open(root / "pytest.log", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            for stream in (1, 2):
                os.dup2(log, stream)
            os.chdir(root)
            sys.path.insert(0, str(root))
            sys.dont_write_bytecode = True
            import pytest

            options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *LEAVE_OUT]
            options += [
                "-W",
                "ignore::pytest.PytestAssertRewriteWarning",
            ]  # of what was imported before the fork
            code = int(pytest.main([*options, *tests]))
        finally:
            os._exit(code)
    end = time.monotonic() + PATIENCE * len(tests)
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def judge(task):
    """One mutant: "nearest", "core" (where it was noticed) or "survived"."""
    mutant, tests = task
    root = HELD.root
    file = root / mutant.path
    original = file.read_text(encoding="utf-8")
    begun = time.monotonic()
    try:
        file.write_text(mutant.source(original), encoding="utf-8")
        fate = "survived"
        if not run_tests(root, tests):
            fate = "nearest"
        elif not run_tests(root, CORE):
            fate = "core"
    finally:
        file.write_text(original, encoding="utf-8")
    return mutant, fate, time.monotonic() - begun


def prepare_worker():
    """A copy of the project for each thread."""
    HELD.root = copy_project()


def fails_without_faults(tests):
    """What the tests say, in a worker as for the mutants, if they fail where nothing was changed; else ""."""
    if run_tests(HELD.root, tests):
        return ""
    log = (HELD.root / "pytest.log").read_text(encoding="utf-8")
    return f"Without any fault these tests fail: {' '.join(tests)}\n{log[-3000:]}"


def read_results():
    """What was found before, by the key of the mutant."""
    if not OUT.is_file():
        return {}
    with OUT.open(newline="", encoding="utf-8") as file:
        return {row["mutant"]: row for row in csv.DictReader(file)}


def write_results(results):
    """One line a mutant, in order."""
    with OUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["mutant", "fate", "seconds"])
        writer.writeheader()
        writer.writerows(results[key] for key in sorted(results))


def report(results):
    """Prints the share that was noticed and the survivors without an explanation."""
    with (HERE / "survivors.toml").open("rb") as file:
        explained = {entry["mutant"]: entry["why"] for entry in tomllib.load(file).get("survivor", [])}
    survivors = [key for key, row in results.items() if row["fate"] == "survived"]
    open_ones = [key for key in survivors if key not in explained]
    share = 1 - len(survivors) / max(len(results), 1)
    print(
        f"{len(results)} mutants, {share:.1%} noticed;",
        f"{len(survivors)} survived, {len(open_ones)} unexplained",
    )
    for key in sorted(open_ones):
        print("  survived:", key)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, help="as many mutants")
    parser.add_argument("--only", default="", help="files whose path has this word")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    results = {} if args.again else read_results()
    tasks = [task for task in load_mutants() if args.only in task[0].path]
    if args.sample:
        tasks = random.Random(0).sample(tasks, min(args.sample, len(tasks)))
    current = {mutant.key for mutant, _ in load_mutants()}
    results = {key: row for key, row in results.items() if key in current}
    left = [task for task in tasks if task[0].key not in results]
    settings = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.environ.update(settings, HYPOTHESIS_STORAGE_DIRECTORY=tempfile.mkdtemp())
    warm_up()
    # Threads, each of which waits for a forked child: in processes of `multiprocessing` joblib and our own
    # count of threads behave in another way.
    with ThreadPoolExecutor(args.workers, initializer=prepare_worker) as pool:
        for failure in pool.map(fails_without_faults, [*TARGETS.values(), CORE]):
            if failure:
                sys.exit(failure)
        for future in as_completed([pool.submit(judge, task) for task in left]):
            mutant, fate, seconds = future.result()
            results[mutant.key] = {"mutant": mutant.key, "fate": fate, "seconds": f"{seconds:.1f}"}
            print(f"{fate:9s} {seconds:6.1f} s  {mutant.path}:{mutant.line}  {mutant.what}", flush=True)
            write_results(results)
    report(results)


if __name__ == "__main__":
    main()
