"""Joint features: MaxEntClassifier against NLTK's MaxentClassifier (GIS and IIS), to the same likelihood.

    python benchmarks/joint.py                               both corpora, a few iterations (5 minutes)
    python benchmarks/joint.py --data ppattach --algorithms gis --iterations 5

Both learn one weight for every pair of a feature value and a label that occurs in the training data: NLTK
without a prior, MaxEntClassifier under a weak Gaussian prior (C=100), which can only lower its likelihood.
The data are dicts of str. Conjunctions of words are templates of MaxEntClassifier, built within its time;
NLTK has none and gets dicts that contain them already, the time to make those not counted. NLTK runs the
given numbers of iterations of iterative scaling; then MaxEntClassifier runs as many iterations as it needs
to reach the same conditional likelihood of the training labels, which is computed afterwards from the
probabilities of the finished models, with newton-cg or lbfgs, whichever turned out faster in a first run of
each. Times are whole: from the list of dicts to the fitted model, encoding included on both sides; "training
only" is without the encoding. The time of MaxEntClassifier is the median of its fits, that of NLTK one run.
"Frame" is the same fit from a DataFrame of pandas, a column of text for each predicate, which NLTK cannot
take; making the frame is not counted, as making the dicts is not.
"""

import argparse
import csv
import time
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from _machine import describe_machine
from sklearn.exceptions import ConvergenceWarning
from summary import OURS as BLUE

from skmaxent import Joined, JointFeatures, MaxEntClassifier
from skmaxent.datasets import load_conll2002_spanish, load_ppattach

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"


def ppattach():
    """Attachment to verb or noun: the four heads and all their combinations with the preposition."""
    corpus = load_ppattach("train")
    heads = ("verb", "noun1", "prep", "noun2")
    groups = [group for size in (2, 3, 4) for group in combinations(heads, size) if "prep" in group]
    data = [dict(zip(heads, row)) for row in corpus.data]
    joined = [d | {"+".join(group): " ".join([d[head] for head in group]) for group in groups} for d in data]
    labels = [corpus.target_names[k] for k in corpus.target]
    return data, [*heads, *groups], joined, labels


def spanish():
    """Type of a named entity (person, place, organisation, other), its extent given."""
    corpus = load_conll2002_spanish("train")
    data, labels = [], []
    for words, parts, tags in zip(corpus.data, corpus.pos, corpus.tags):
        bounds = ["<s>", *words, "</s>"]
        for start, tag in enumerate(tags):
            if not tag.startswith("B-"):
                continue
            end = start + 1
            while end < len(tags) and tags[end].startswith("I-"):
                end += 1
            name = words[start:end]
            data.append(
                {
                    "name": " ".join(name),
                    "first": name[0],
                    "last": name[-1],
                    "prefix3": name[0][:3],
                    "suffix3": name[-1][-3:],
                    "shape": " ".join("X" if w.isupper() else "Xx" if w[0].isupper() else "x" for w in name),
                    "length": str(len(name)),
                    "previous": bounds[start],
                    "next": bounds[end + 1],
                    "previous part": parts[start - 1] if start else "<s>",
                    "around": f"{bounds[start]} {bounds[end + 1]}",
                }
            )
            labels.append(tag[2:])
    return data, list(data[0]), data, labels


# Each gives the data, the predicates of their templates, the same as dicts for NLTK, and the labels.
DATA = {"ppattach": ppattach, "spanish": spanish}
SOLVERS = ("newton-cg", "lbfgs")


def mean_log_likelihood(log_proba, classes, labels):
    """Mean conditional log-likelihood of the labels, in nats."""
    column = {c: k for k, c in enumerate(classes)}
    return float(np.mean(log_proba[np.arange(len(labels)), [column[c] for c in labels]]))


def nltk_run(data, labels, algorithm, iterations):
    """Seconds in all, seconds of encoding, and the likelihood reached."""
    from nltk.classify.maxent import BinaryMaxentFeatureEncoding, GISEncoding, MaxentClassifier

    examples = list(zip(data, labels))
    start = time.perf_counter()
    encoding = {"gis": GISEncoding, "iis": BinaryMaxentFeatureEncoding}[algorithm].train(examples)
    encoded = time.perf_counter() - start
    # NLTK makes one update less than max_iter.
    model = MaxentClassifier.train(
        examples, algorithm=algorithm, trace=0, encoding=encoding, max_iter=iterations + 1
    )
    seconds = time.perf_counter() - start
    classes = encoding.labels()
    log_proba = np.log([[p.prob(c) for c in classes] for p in map(model.prob_classify, data)])
    return seconds, encoded, mean_log_likelihood(log_proba, classes, labels)


def our_model(predicates, solver, max_iter):
    features = JointFeatures([Joined(predicate, min_count=1) for predicate in predicates])
    return MaxEntClassifier(features=features, C=100, tol=1e-9, solver=solver, max_iter=max_iter)


def our_run(data, predicates, labels, solver, max_iter):
    """Seconds in all, seconds before training proper, and the likelihood reached."""
    start = time.perf_counter()
    model = our_model(predicates, solver, max_iter).fit(data, labels)
    seconds = time.perf_counter() - start
    before = seconds - model.convergence_["seconds"]
    return seconds, before, mean_log_likelihood(model.predict_log_proba(data), model.classes_, labels)


def iterations_to(likelihood, data, predicates, labels, solver):
    """The fewest iterations after which the model is as likely, None when 60 are not enough."""
    history = our_model(predicates, solver, 60).fit(data, labels).convergence_["history"]["objective"]
    if not (history <= -likelihood).any():  # the objective, prior included, bounds the loss from above
        return None
    needed = max(1, int(np.argmax(history <= -likelihood)))
    while needed > 1 and our_run(data, predicates, labels, solver, needed - 1)[2] >= likelihood:
        needed -= 1
    return needed


def compare(name, algorithm, iterations, repeats):
    """One line of the table."""
    data, predicates, joined, labels = DATA[name]()
    their_seconds, their_encoding, likelihood = nltk_run(joined, labels, algorithm, iterations)
    candidates = []
    for solver in SOLVERS:
        needed = iterations_to(likelihood, data, predicates, labels, solver)
        if needed is not None:
            first = min(our_run(data, predicates, labels, solver, needed)[0] for _ in range(2))
            candidates.append((first, solver, needed))
    if not candidates:
        raise RuntimeError(f"MaxEntClassifier did not reach the likelihood {likelihood:.6f} of {algorithm}.")
    _, solver, needed = min(candidates)
    frame, runs, frame_runs = pd.DataFrame(data), [], []
    for _ in range(repeats):
        runs.append(our_run(data, predicates, labels, solver, needed))
        frame_runs.append(our_run(frame, predicates, labels, solver, needed)[0])
    seconds, encoding, reached = np.median(runs, axis=0)
    return {
        "data": name,
        "algorithm": algorithm,
        "iterations": iterations,
        "log_likelihood": round(likelihood, 6),
        "nltk_seconds": round(their_seconds, 3),
        "nltk_encoding": round(their_encoding, 3),
        "our_solver": solver,
        "our_iterations": needed,
        "our_log_likelihood": round(float(reached), 6),
        "our_seconds": round(float(seconds), 4),
        "our_encoding": round(float(encoding), 4),
        "ratio": round(float(their_seconds / seconds), 1),
        "our_frame_seconds": round(float(np.median(frame_runs)), 4),
        "ratio_frame": round(float(their_seconds / np.median(frame_runs)), 1),
        "ratio_training_only": round(float((their_seconds - their_encoding) / (seconds - encoding)), 1),
    }


def draw(rows, machine, path):
    """Seconds of both against the iterations of NLTK, one panel a corpus."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(row["data"] for row in rows))
    figure, panels = plt.subplots(1, len(names), figsize=(5.2 * len(names), 4), squeeze=False, sharey=True)
    for ax, name in zip(panels[0], names):
        for algorithm, colour in (("gis", "tab:orange"), ("iis", "tab:red")):
            mine = [row for row in rows if row["data"] == name and row["algorithm"] == algorithm]
            steps = [row["iterations"] for row in mine]
            if not mine:
                continue
            ax.plot(
                steps,
                [r["nltk_seconds"] for r in mine],
                "o-",
                color=colour,
                label=f"NLTK, {algorithm.upper()}",
            )
            style = {"color": BLUE, "linestyle": {"gis": "-", "iis": ":"}[algorithm], "marker": "s"}
            ax.plot(
                steps,
                [r["our_seconds"] for r in mine],
                **style,
                label=f"skmaxent, as likely as {algorithm.upper()}",
            )
            for row in mine:
                place = (row["iterations"], row["our_seconds"])
                offset = (0, 7) if algorithm == "gis" else (0, -14)
                ax.annotate(
                    f"{row['ratio']:.0f}x", place, offset, textcoords="offset points", ha="center", fontsize=8
                )
        ax.set(yscale="log", title=name, xlabel="iterations of NLTK")
        ax.set_xticks(sorted({row["iterations"] for row in rows if row["data"] == name}))
        ax.margins(x=0.12)
    panels[0][0].set_ylabel("seconds to the same likelihood")
    panels[0][0].set_ylim(bottom=panels[0][0].get_ylim()[0] / 2)
    panels[0][-1].legend(fontsize=8, loc="center right")
    figure.text(0.01, 0.01, machine, fontsize=5, wrap=True)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.savefig(path, dpi=130)


def _parsed(key, value):
    """A cell of the table as it was before it was written."""
    if key in ("data", "algorithm", "our_solver", "machine"):
        return value
    return int(value) if key.endswith("iterations") else float(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--algorithms", nargs="+", choices=("gis", "iis"), default=["gis", "iis"])
    parser.add_argument("--iterations", nargs="+", type=int, default=[5, 20])
    parser.add_argument("--repeats", type=int, default=9, help="fits of MaxEntClassifier")
    parser.add_argument("--append", action="store_true", help="keep the other lines of the table")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    machine = describe_machine()
    print(machine)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    table = OUTPUT / "joint.csv"
    rows = []
    if arguments.append and table.exists():
        with table.open(encoding="utf-8") as file:
            rows = [{key: _parsed(key, value) for key, value in row.items()} for row in csv.DictReader(file)]
    for name in arguments.data:
        for algorithm in arguments.algorithms:
            for iterations in arguments.iterations:
                row = compare(name, algorithm, iterations, arguments.repeats)
                row["machine"] = machine
                print({key: value for key, value in row.items() if key != "machine"}, flush=True)
                key = (name, algorithm, iterations)
                rows = [r for r in rows if (r["data"], r["algorithm"], r["iterations"]) != key] + [row]
                rows.sort(key=lambda row: (row["data"], row["algorithm"], row["iterations"]))
                with table.open("w", newline="", encoding="utf-8") as file:
                    writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                    writer.writeheader()
                    writer.writerows(rows)
    draw(rows, machine, OUTPUT / "joint.png")


if __name__ == "__main__":
    main()
