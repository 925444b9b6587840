"""Unchanged scikit-learn scripts with and without `python -m skmaxent.dropin`: whole processes.

    python benchmarks/dropin.py                                 all scripts (some minutes on two cores)
    python benchmarks/dropin.py --scripts digits_mlp            some of them
    python benchmarks/dropin.py --scripts my_own_script.py      or yours

The scripts in benchmarks/scripts import no estimator of ours; those on text take the corpus from
`skmaxent.datasets` both ways. A run is a process from start to end, imports and data included, as a user
waits for it; runs alternate, medians count, and of processor time too, which other work on the machine
changes less. Ratios above 1: the drop-in is faster. "same" tells whether both printed the same; "fits" how
many fits which engine ran, as the drop-in says (fits in worker processes are not counted). Corpora are looked
for as `skmaxent.datasets` says; without one its scripts are left out.
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from _machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "benchmarks" / "scripts"
OUTPUT = ROOT / "docs" / "benchmarks" / "dropin.csv"
COLUMNS = (
    "script", "sklearn_s", "dropin_s", "ratio", "sklearn_cpu_s", "dropin_cpu_s", "cpu_ratio", "same", "fits",
    "repeats",
)  # fmt: skip
WAYS = {"sklearn": (), "dropin": ("-m", "skmaxent.dropin")}
FIT_LINE = re.compile(r"^  (\w+) +([\w-]+) +(\d+) fits", re.M)


def run(way, script):
    """One process: seconds, seconds of processors, what it printed, what the drop-in said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *WAYS[way], str(script)], capture_output=True, text=True, env=environment
    )
    seconds, after = time.perf_counter() - start, os.times()
    if done.returncode:
        if "FileNotFoundError" in done.stderr:
            return None
        raise RuntimeError(done.stderr)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    fits = " + ".join(f"{number} {name} {engine}" for name, engine, number in FIT_LINE.findall(done.stderr))
    return seconds, used, done.stdout, fits


def measure(script, repeats):
    """The row of one script; None where its corpus is missing."""
    runs = {way: [] for way in WAYS}
    for _ in range(repeats):
        for way, done in runs.items():
            done.append(run(way, script))
            if done[-1] is None:
                return None
    row = {"script": script.stem, "repeats": repeats}
    for unit, place in (("s", 0), ("cpu_s", 1)):
        for way, done in runs.items():
            row[f"{way}_{unit}"] = median(one[place] for one in done)
    row["ratio"] = row["sklearn_s"] / row["dropin_s"]
    row["cpu_ratio"] = row["sklearn_cpu_s"] / row["dropin_cpu_s"]
    row["same"] = len({one[2] for done in runs.values() for one in done}) == 1
    row["fits"] = runs["dropin"][0][3]
    return row


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scripts", nargs="+", help="names in benchmarks/scripts, or paths")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    chosen = sorted(SCRIPTS.glob("*.py"))
    if options.scripts:
        named = {path.stem: path for path in chosen}
        chosen = [named.get(name, Path(name)) for name in options.scripts]
    machine = describe_machine()
    print(machine, flush=True)
    rows = []
    for script in chosen:
        row = measure(script, options.repeats)
        if row is None:
            print(f"{script.stem}: left out, its corpus is not there", flush=True)
            continue
        rows.append({key: f"{row[key]:.3g}" if isinstance(row[key], float) else row[key] for key in COLUMNS})
        print(rows[-1], flush=True)
        with options.output.open("w", newline="") as file:  # what is measured is not lost with what is not
            file.write(f"# {machine}\n")
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    slower = [row["script"] for row in rows if float(row["ratio"]) < 1]
    print(f"slower with the drop-in: {', '.join(slower) or 'none'}")


if __name__ == "__main__":
    main()
