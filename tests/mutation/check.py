"""Mutation check of the core: does some test notice each small fault?

    python tests/mutation/check.py                  every mutant; goes on where it was stopped
    python tests/mutation/check.py --sample 200     as many mutants, drawn with a fixed seed
    python tests/mutation/check.py --only penalty   of the files whose path has that word
    python tests/mutation/check.py --survivors      once more what survived, with more --budget or new tests
    python tests/mutation/check.py --only penalty --tests tests/convex/test_objective.py
                                                    whether these tests notice what survived
    python tests/mutation/check.py --again          forget what was found before

First the tests run once, and it is noted which of them run which lines, and how long each takes. Then each
mutant is put into a process of its own, and the tests that run its line go on, the quickest first, until one
fails, for at most --budget seconds of tests. Mutants come in random order, so that those of a run that was
stopped are a fair sample. What no test notices survives: it is listed, with the explanation
in survivors.toml where it is no fault (a bound that is only looser, a choice of speed alone). Results go to
docs/benchmarks/mutants.csv, one line a mutant.

What changes no number is left out: messages, types, counters, copies made or not; so are constants that tune
(tolerances, sizes, limits: all numbers but 0, 1, 2 and a half).
"""

import argparse
import csv
import os
import random
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUT = ROOT / "docs" / "benchmarks" / "mutants.csv"
#: the core
TARGETS = (
    "skmaxent/numerics/losses.py",
    "skmaxent/convex/likelihood.py",
    "skmaxent/convex/penalty.py",
    "skmaxent/convex/intercept.py",
    "skmaxent/convex/objective.py",
    "skmaxent/convex/proofs",
    "skmaxent/convex/reductions",
    "skmaxent/nn/optimizers",
)
TESTS = ("tests/convex", "tests/nn", "tests/estimators", "tests/contract/test_promises.py")
LEAVE_OUT = ("--ignore-glob=*check_estimator*", "--ignore-glob=*test_tools*")
FATES = ("noticed", "survived", "no test")
SURVIVED = FATES[1:]


def load_mutants():
    """All mutants of the targets."""
    from mutants import mutants_of

    found = []
    for target in TARGETS:
        path = ROOT / target
        for file in [path] if path.suffix else sorted(path.glob("*.py")):
            found += mutants_of(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    return found


class Results:
    """What was found, by the key of the mutant, kept in the CSV file.

    Parameters
    ----------
    known : set of str
        Keys of the mutants that there are now; others are forgotten.
    again : bool
        Whether to forget what was found before.
    """

    def __init__(self, known, again):
        self.rows = {}
        if OUT.is_file() and not again:
            with OUT.open(newline="", encoding="utf-8") as file:
                self.rows = {row["mutant"]: row for row in csv.DictReader(file) if row["mutant"] in known}

    def open(self, mutant, survivors):
        """Whether a mutant is to be judged: survivors of earlier runs, or what no run judged."""
        row = self.rows.get(mutant.key)
        return (row is not None and row["fate"] in SURVIVED) if survivors else row is None

    def add(self, mutant, fate, by):
        """Note and print the fate of a mutant."""
        self.rows[mutant.key] = {"mutant": mutant.key, "fate": fate, "by": by}
        print(f"{fate:9s} {mutant.path}:{mutant.line}  {mutant.what}  {by}", flush=True)
        if len(self.rows) % 20 == 0:
            self.write()

    def write(self):
        """One line a mutant, in order."""
        with OUT.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["mutant", "fate", "by"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows[key] for key in sorted(self.rows))

    def report(self, n_mutants):
        """Print the share that was noticed and the survivors without an explanation."""
        with (HERE / "survivors.toml").open("rb") as file:
            explained = {entry["mutant"] for entry in tomllib.load(file).get("survivor", [])}
        survivors = {key for key, row in self.rows.items() if row["fate"] in SURVIVED}
        faults = len(self.rows) - len(survivors & explained)
        print(
            f"{len(self.rows)} of {n_mutants} mutants judged,"
            f" {1 - len(survivors) / len(self.rows):.1%} noticed;"
            f" {len(survivors)} survived, of which {len(survivors & explained)} are explained:"
            f" {1 - len(survivors - explained) / faults:.1%} of the faults noticed"
        )
        for key in sorted(survivors - explained):
            print("  survived:", key)
        for key in sorted(explained - survivors):
            print("  explained, and not among the survivors:", key)


def run(tasks, results, workers, budget, tests):
    """Judge the mutants inside one session of pytest, whose tests are collected once."""
    import pytest
    from session import Judge

    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    # What survives some of the tests may be noticed by others.
    fates = FATES[:1] if tests else FATES
    judge = Judge(tasks, lambda *found: found[1] in fates and results.add(*found), workers, budget)
    options = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", *LEAVE_OUT]
    code = pytest.main([*options, *(tests or TESTS)], plugins=[judge])
    if code:
        sys.exit(f"pytest ended with {code!r}.")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sample", type=int, help="as many mutants")
    parser.add_argument("--only", default="", help="files whose path has this word")
    parser.add_argument("--again", action="store_true", help="forget earlier results")
    parser.add_argument("--survivors", action="store_true", help="judge once more what survived before")
    parser.add_argument("--budget", type=float, default=40, help="seconds of tests that a mutant is worth")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tests", nargs="+", help="files of tests, in place of all")
    args = parser.parse_args()
    mutants = load_mutants()
    results = Results({mutant.key for mutant in mutants}, args.again)
    tasks = [mutant for mutant in mutants if args.only in mutant.path]
    random.Random(0).shuffle(tasks)
    tasks = [mutant for mutant in tasks[: args.sample] if results.open(mutant, args.survivors or args.tests)]
    # One thread: a process that is forked must have no others.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    try:
        if tasks:
            run(tasks, results, args.workers, args.budget, args.tests)
    finally:
        if results.rows:
            results.write()
    results.report(len(mutants))


if __name__ == "__main__":
    main()
