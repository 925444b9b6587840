"""CRFTagger beside CRFsuite: training to the same objective, tagging, memory.

    python benchmarks/crf.py               everything (about 40 minutes on two cores)
    python benchmarks/crf.py --quick       300 sentences of each corpus, printed and not written
    python benchmarks/crf.py --tasks ner   some of the tasks, in place of their old rows

Three corpora, each with the features below as lists of str, the same for both, an L2 prior of c2 = 1
(C = 0.5), and weights for pairs that occur in training alone: CoNLL-2000 chunking (CRFsuite's own example
features), universal parts of speech of UD EWT, names in CoNLL-2002 Spanish. Contestants: CRFTagger with two
threads and tol=1e-5; python-crfsuite's "lbfgs" and "l2sgd", of one thread, with own stopping rules. Each
runs in a process of its own, --runs of each by turns; of each contestant the run of median `to_lbfgs` is
shown, with the fastest and the slowest `to_lbfgs`.

Seconds count from the lists of features: reading them (`fit` here, `append` there) is part of it, and
`read` tells how much. `to_lbfgs` is the time to the objective at which CRFsuite's lbfgs stops, `to_1_percent`
that to 1.01 times the optimum; inf means that the contestant stopped before. The optimum is the lowest
objective that anyone reached. `tokens_per_second` is of tagging the test set from the lists of features.
`grows_by_MiB` is what training adds to the resident set, from the lists to the model.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

from _machine import peak_memory, write_rows
from summary import OURS as BLUE
from summary import PEER_COLOURS

from skmaxent import CRFTagger, datasets
from skmaxent.sequences import flat_accuracy_score, span_f1_score

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "crf.csv"
CURVES = OUTPUT.with_name("crf_curves.csv")
C2, TOL = 1.0, 1e-5
CONTESTANTS = ("CRFTagger", "lbfgs", "l2sgd")
FIELDS = (
    "task", "contestant", "tokens", "columns", "tags", "weights", "read", "seconds", "iterations",
    "objective", "to_lbfgs", "times_ours_lbfgs", "to_1_percent", "times_ours_1_percent", "tokens_per_second",
    "test", "grows_by_MiB", "runs", "fastest_to_lbfgs", "slowest_to_lbfgs",
)  # fmt: skip


def at(items, i):
    """An item of a sentence, or a mark for what lies outside."""
    return items[i] if 0 <= i < len(items) else "<s>"


def shape(word):
    """Capitals, small letters, digits and other characters, runs of them as one."""
    kinds = ("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word)
    return "".join(kind for kind, _ in groupby(kinds))


def grams(name, items, i, length, first, last):
    """Features of `length` items in a row that begin at some offsets."""
    return [
        f"{name}{length}[{o}]=" + "|".join(at(items, i + o + j) for j in range(length))
        for o in range(first, last + 1)
    ]


def chunk_features(words, pos, i):
    """The features of CRFsuite's example for chunking."""
    return [
        *grams("w", words, i, 1, -2, 2),
        *grams("w", words, i, 2, -1, 0),
        *grams("p", pos, i, 1, -2, 2),
        *grams("p", pos, i, 2, -2, 1),
        *grams("p", pos, i, 3, -2, 0),
    ]


def affixes(word, n_first, n_last):
    """First and last letters."""
    return [f"<{word[:n]}" for n in range(1, n_first + 1)] + [f"{word[-n:]}>" for n in range(1, n_last + 1)]


def upos_features(words, pos, i):
    """Words, affixes, shapes and pairs of words."""
    small = [word.lower() for word in words[max(i - 2, 0) : i + 3]]
    here = min(i, 2)
    shapes = [shape(word) for word in words[max(i - 1, 0) : i + 2]]
    return [
        "bias",
        f"word={words[i]}",
        *grams("w", small, here, 1, -2, 2),
        *grams("w", small, here, 2, -1, 0),
        f"around={at(small, here - 1)}|{at(small, here + 1)}",
        *affixes(small[here], 4, 5),
        f"before={at(small, here - 1)[-3:]}",
        f"after={at(small, here + 1)[-3:]}",
        *grams("s", shapes, min(i, 1), 1, -1, 1),
    ]


def ner_features(words, pos, i):
    """Words, parts of speech, shapes and affixes in a window."""
    first, here = max(i - 2, 0), min(i, 2)
    near = words[first : i + 3]
    shapes = [shape(word) for word in near]
    return [
        "bias",
        f"word={words[i]}",
        *grams("w", [word.lower() for word in near], here, 1, -2, 2),
        *grams("p", pos[first : i + 3], here, 1, -2, 2),
        *grams("s", shapes, here, 1, -2, 2),
        *grams("w", near, here, 2, -1, 0),
        *grams("s", shapes, here, 2, -1, 0),
        *grams("s", shapes, here, 3, -1, -1),
        *affixes(words[i], 4, 4),
    ]


TASKS = {
    "chunk": (datasets.load_conll2000, chunk_features, span_f1_score),
    "upos": (datasets.load_ud_ewt, upos_features, flat_accuracy_score),
    "ner": (datasets.load_conll2002_spanish, ner_features, span_f1_score),
}


def sentences(task, subset, limit):
    """Lists of features and lists of tags."""
    load, features, _ = TASKS[task]
    corpus = load(subset)
    pos, tags = (corpus.xpos, corpus.upos) if task == "upos" else (corpus.pos, corpus.tags)
    X = [[features(w, p, i) for i in range(len(w))] for w, p in zip(corpus.data[:limit], pos)]
    return X, tags[:limit]


def ours(X, y, result):
    """Train CRFTagger; returns the function that tags sentences."""
    tagger = CRFTagger(C=1 / (2 * C2), transitions="observed", tol=TOL, n_jobs=2)

    def fit():
        start = time.perf_counter()
        tagger.fit(X, y)
        result["seconds"] = time.perf_counter() - start

    result["grows"] = peak_memory(fit)
    report = tagger.convergence_
    history = report["history"]
    read = result["seconds"] - report["seconds"]
    curve = [(read + s, float(f) * len(X)) for s, f in zip(history["seconds"], history["objective"])]
    result |= {"read": read, "curve": curve, "weights": report["n_pairs"], "columns": len(tagger.vocabulary_)}
    return lambda X: list(tagger.predict(X))


def crfsuite(algorithm, X, y, result):
    """Train python-crfsuite; returns the function that tags sentences."""
    import pycrfsuite

    model = Path(tempfile.mkdtemp()) / "model"
    curve, start = [], 0.0

    class Trainer(pycrfsuite.Trainer):
        def message(self, text):
            for line in text.splitlines():
                if line.startswith("Loss: "):
                    curve.append((time.perf_counter() - start, float(line.split()[1])))
                elif line.startswith("Number of features: "):
                    result["weights"] = int(line.split()[-1])

    trainer = Trainer(algorithm=algorithm, verbose=True)
    trainer.set_params({"c2": C2})

    def fit():
        nonlocal start
        start = time.perf_counter()
        for sentence, tags in zip(X, y):
            trainer.append(sentence, tags)
        result["read"] = time.perf_counter() - start
        trainer.train(str(model))
        result["seconds"] = time.perf_counter() - start

    result["grows"] = peak_memory(fit)
    result |= {"curve": curve, "columns": len({f for sentence in X for token in sentence for f in token})}
    tagger = pycrfsuite.Tagger()
    tagger.open(str(model))
    return lambda X: [tagger.tag(sentence) for sentence in X]


def measure(task, contestant, limit):
    """One contestant on one task, in this process: prints what was found as JSON."""
    X, y = sentences(task, "train", limit)
    result = {"task": task, "contestant": contestant, "tokens": sum(map(len, X))}
    result["tags"] = len({tag for tags in y for tag in tags})
    tag = ours(X, y, result) if contestant == "CRFTagger" else crfsuite(contestant, X, y, result)
    X, y = sentences(task, "test", limit)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        predicted = tag(X)
        seconds.append(time.perf_counter() - start)
    result["tokens_per_second"] = sum(map(len, X)) / min(seconds)
    result["test"] = 100 * TASKS[task][2](y, predicted)
    print(json.dumps(result), flush=True)


def reached(curve, objective):
    """Seconds at which a curve first is at an objective or below; inf if never."""
    return next((seconds for seconds, value in curve if value <= objective), float("inf"))


def middle_runs(found):
    """Of each contestant's runs that of median time to lbfgs's objective, with the range of the times."""
    target = min(result["curve"][-1][1] for result in found["lbfgs"])
    chosen = {}
    for name, results in found.items():
        times = [reached(result["curve"], target) for result in results]
        order = sorted(range(len(results)), key=lambda i: (times[i], results[i]["seconds"]))
        extremes = (len(results), f"{min(times):.2f}", f"{max(times):.2f}")
        chosen[name] = {**results[order[len(order) // 2]], "range": extremes}
    return chosen


def rows_of(results):
    """The rows of the table for the results of one task, by contestant."""
    optimum = min(value for result in results.values() for _, value in result["curve"])
    target = results["lbfgs"]["curve"][-1][1]
    times = {
        name: (reached(result["curve"], target), reached(result["curve"], 1.01 * optimum))
        for name, result in results.items()
    }
    for name, result in results.items():
        (to_target, to_percent), (our_target, our_percent) = times[name], times["CRFTagger"]
        yield (
            result["task"], name, result["tokens"], result["columns"], result["tags"], result["weights"],
            f"{result['read']:.2f}", f"{result['seconds']:.1f}", len(result["curve"]),
            f"{result['curve'][-1][1]:.3f}", f"{to_target:.2f}", f"{to_target / our_target:.2f}",
            f"{to_percent:.2f}", f"{to_percent / our_percent:.2f}", f"{result['tokens_per_second']:.0f}",
            f"{result['test']:.2f}", f"{result['grows'] / 2**20:.0f}", *result["range"],
        )  # fmt: skip


def with_earlier(curves):
    """The curves of all tasks measured so far, new in place of old; written for the next time."""
    earlier = {}
    if CURVES.exists():
        with CURVES.open(newline="") as file:
            for task, name, seconds, value in list(csv.reader(file))[1:]:
                of_task = earlier.setdefault(task, {name: {"curve": []} for name in CONTESTANTS})
                of_task[name]["curve"].append((float(seconds), float(value)))
    curves = earlier | curves
    with CURVES.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("task", "contestant", "seconds", "objective"))
        for task, results in curves.items():
            for name, result in results.items():
                writer.writerows((task, name, f"{s:.3f}", f"{v:.4f}") for s, v in result["curve"])
    return {task: curves[task] for task in TASKS if task in curves}


def draw(curves, path):
    """Distance to the optimum over time, one panel a task."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(curves), figsize=(4 * len(curves), 3.5), squeeze=False)
    for ax, (task, results) in zip(axes[0], curves.items()):
        optimum = min(value for result in results.values() for _, value in result["curve"])
        others = iter(PEER_COLOURS)
        for name, result in results.items():
            points = [(s, v / optimum - 1) for s, v in result["curve"] if v > optimum]
            mine = name == "CRFTagger"
            colour = BLUE if mine else next(others)
            ax.loglog(*zip(*points), color=colour, label=name if mine else f"CRFsuite {name}")
        ax.set(title=task, xlabel="seconds", ylim=(1e-5, None))
    axes[0, 0].set_ylabel("objective above the lowest one, relative")
    axes[0, 0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--runs", type=int, default=3, help="of each contestant")
    parser.add_argument("--quick", action="store_true", help="300 sentences, nothing written")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    limit = 300 if arguments.quick else None
    if arguments.measure:
        measure(*arguments.measure, limit)
        return
    rows, curves = [], {}
    for task in arguments.tasks:
        found = {contestant: [] for contestant in CONTESTANTS}
        for _ in range(1 if arguments.quick else arguments.runs):
            for contestant, results in found.items():
                command = [sys.executable, __file__, "--measure", task, contestant]
                command += ["--quick"] if arguments.quick else []
                printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                results.append(json.loads(printed.strip().splitlines()[-1]))
        curves[task] = middle_runs(found)
        rows += rows_of(curves[task])
        for row in rows[-len(CONTESTANTS) :]:
            print(*(f"{name}={value}" for name, value in zip(FIELDS, row)), flush=True)
    if arguments.quick:
        return
    write_rows(OUTPUT, [dict(zip(FIELDS, row)) for row in rows], ("task", "contestant"))
    draw(with_earlier(curves), OUTPUT.with_suffix(".png"))


if __name__ == "__main__":
    main()
