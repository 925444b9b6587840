"""Every benchmark of the project in turn, on one machine: hours.

    python benchmarks/all.py                     what is not done yet on this machine
    python benchmarks/all.py --list              what is done, and which peers are missing and why
    python benchmarks/all.py --only crf joint    some of them
    python benchmarks/all.py --again             a new round of all (or of --only)

Each benchmark is a process of its own, one at a time, and writes its files in docs/benchmarks. What is done
is kept in benchmarks/.all.json with the description of the machine, so that a round that was interrupted goes
on with the benchmark at which it stopped; one that fails is reported at the end and is not done. Peers that
cannot run here are named with the reason in docs/benchmarks/peers.csv; their rows are missing.
"""

import argparse
import csv
import json
import shlex
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import maxent_l1
import maxent_l2
from _machine import describe_machine

HERE = Path(__file__).resolve().parent
OUTPUT, STATE = HERE.parent / "docs" / "benchmarks", HERE / ".all.json"
# The quick ones first, so that an interruption costs least.
COMMANDS = {
    "one-row": "maxent_l2.py --one-row",
    "predict": "small.py --predict",
    "search": "small.py --search",
    "small": "small.py",
    "joint": "joint.py",
    "l1-inner-solvers": "l1_inner_solvers.py",
    "l2-memory": "maxent_l2.py --memory",
    "l1-memory": "maxent_l1.py --memory",
    "dropin": "dropin.py",
    "text-in": "text_in.py",
    "observed": "maxent_observed.py",
    "out-of-core-fits": "out_of_core.py --fits",
    "path": "maxent_path.py",
    "certificates": "certificates.py",
    "out-of-core": "out_of_core.py",
    "dask-cluster": "dask_cluster.py --kill",
    "mlp": "mlp.py",
    "recurrent": "recurrent.py",
    "nlp-tasks": "nlp_tasks.py --again",
    # A problem at a time, so that an interruption costs little here too.
    **{f"crf-{task}": f"crf.py --tasks {task}" for task in ("chunk", "upos", "ner")},
    **{f"l2-{problem}": f"maxent_l2.py --problems {problem}" for problem in maxent_l2.DEFAULT},
    "l2-parsing:0.3": "maxent_l2.py --problems parsing:0.3 --runs 1 --peers lbfgs newton-cg",
    **{f"l1-{problem}": f"maxent_l1.py --problems {problem}" for problem in maxent_l1.DEFAULT},
}
# Name -> (module, distribution, what it is compared in).
PEERS = {
    "scikit-learn": ("sklearn", "scikit-learn", "everything"),
    "Cyanure": ("cyanure", "cyanure", "maxent_l2, maxent_l1"),
    "celer": ("celer", "celer", "maxent_l1, two classes"),
    "skglm": ("skglm", "skglm", "maxent_l1, two classes"),
    "scikit-learn-intelex": ("sklearnex", "scikit-learn-intelex", "small"),
    "Snap ML": ("snapml", "snapml", "small"),
    "PyTorch": ("torch", "torch", "mlp, recurrent"),
    "NLTK": ("nltk", "nltk", "joint"),
    "CRFsuite": ("pycrfsuite", "python-crfsuite", "crf"),
    "Spark": ("pyspark", "pyspark", "dask_cluster, by --spark-python"),
}
# Programs that are no Python packages -> (command, why there is no comparison in the tables).
PROGRAMS = {
    "glmnet": ("Rscript", "an R package"),
    "MALLET": ("mallet", "a Java program"),
    "OpenNLP": ("opennlp", "a Java program"),
    "Vowpal Wabbit": ("vw", "online learning with hashed columns: no optimum to reach"),
}


def peers():
    """(name, version or "", why it cannot run here or "", where it is compared) of every peer."""
    for name, (module, distribution, where) in PEERS.items():
        try:
            found, reason = version(distribution), "" if find_spec(module) else f"no module {module}"
        except PackageNotFoundError:
            found, reason = "", f"not installed: pip install {distribution}"
        yield name, found, reason, where
    for name, (command, kind) in PROGRAMS.items():
        missing = "" if which(command) else f", and there is no {command} on this machine"
        yield name, "", f"{kind}{missing}; no script of ours runs it", "nothing"


def write_peers(path):
    """The table of peers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {describe_machine()}\n")
        csv.writer(file).writerows([("peer", "version", "cannot_run_because", "compared_in"), *peers()])


def done(state, name, machine):
    """Whether a benchmark is done on this machine, with these versions."""
    return state.get(name, {}).get("machine") == machine


def run(name, state, machine, path=STATE):
    """Run one benchmark; True when it went well, which the state then tells."""
    command = [sys.executable, *shlex.split(COMMANDS[name])]
    command[1] = str(HERE / command[1])
    print(f"=== {name}: {COMMANDS[name]}", flush=True)
    started = time.time()
    code = subprocess.run(command, cwd=HERE.parent).returncode
    if code:
        return False
    state[name] = {"machine": machine, "seconds": round(time.time() - started), "ended": time.ctime()}
    path.write_text(json.dumps(state, indent=1), encoding="utf-8")
    return True


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    parser.add_argument("--again", action="store_true", help="also what is done")
    parser.add_argument("--list", action="store_true", help="run nothing")
    options = parser.parse_args()
    machine = describe_machine()
    state = json.loads(STATE.read_text(encoding="utf-8")) if STATE.exists() else {}
    if options.again:
        # Forgotten at once, so that a new round that is interrupted goes on as one.
        state = {name: entry for name, entry in state.items() if name not in options.only}
        STATE.write_text(json.dumps(state, indent=1), encoding="utf-8")
    if options.list:
        for name in options.only:
            entry = state.get(name, {})
            said = (
                f"done in {entry['seconds']} s, {entry['ended']}" if done(state, name, machine) else "to do"
            )
            print(f"{name:18} {COMMANDS[name]:28} {said}")
        for name, found, reason, _ in peers():
            print(f"{name:22} {reason or found}")
        return 0
    write_peers(OUTPUT / "peers.csv")
    failed = [
        name for name in options.only if not done(state, name, machine) and not run(name, state, machine)
    ]
    if failed:
        print(f"Not done: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
