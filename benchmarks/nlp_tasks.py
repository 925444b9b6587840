"""The classic tasks of maximum-entropy models in natural language, one table: docs/benchmarks/nlp_tasks.md.

    python benchmarks/nlp_tasks.py                            what the table lacks
    python benchmarks/nlp_tasks.py --again                    all of it anew; interrupted, it goes on
    python benchmarks/nlp_tasks.py --task pp --again          all models of one task, anew
    python benchmarks/nlp_tasks.py --task pp --model MaxEnt --sample 2000    a try, which is not written down

Each task is a short file in benchmarks/nlp: the features of a datum, where it comes from, and the models. All
choices were made on training or development data; how is said for each task. The test set is read when the
table is made. Seconds are those of `fit`, all folds together, on the machine named in the table; the features
of the training data, which all models of a task share, stand apart. Naive Bayes is the joint model with the
same features, the network BackpropMLPClassifier, the tagger of a sequence MaxEntTagger or CRFTagger. Results
are kept row by row: a run that was interrupted goes on where it was, with `--again` too.
"""

import argparse
import csv
import warnings
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from time import perf_counter

from _machine import describe_machine
from nlp.protocol import Data, evaluate
from sklearn.exceptions import ConvergenceWarning

OUTPUT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
MODULES = (
    "newsgroups",
    "senses",
    "polarity",
    "questions",
    "ppattach",
    "sentence_ends",
    "pos",
    "chunking",
    "entities",
    "parsing",
)
FIELDS = ("task", "model", "metric", "figure", "seconds", "machine", "date")
# The model of the lines that tell the seconds of the features.
FEATURES = "features"
COLUMNS = ("majority", "naive Bayes", "MaxEnt", "network", "MaxEntTagger", "CRFTagger")


def all_tasks():
    """The tasks by their names."""
    tasks = []
    for name in MODULES:
        module = import_module(f"nlp.{name}")
        tasks += getattr(module, "TASKS", None) or [module.TASK]
    return {task.name: task for task in tasks}


def read(path):
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def keep(rows, path):
    """Write the lines of a CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=FIELDS, restval="")
        writer.writeheader()
        writer.writerows(rows)


def write(rows, tasks, folder):
    """The CSV, in the order of the tasks and their models, and the Markdown."""
    order = [(task.name, model) for task in tasks.values() for model in (*task.names, FEATURES)]
    rows = sorted(
        (row for row in rows if (row["task"], row["model"]) in order),
        key=lambda row: order.index((row["task"], row["model"])),
    )
    keep(rows, folder / "nlp_tasks.csv")
    (folder / "nlp_tasks.md").write_text("\n".join(markdown(rows, tasks)) + "\n", encoding="utf-8")


def total(rows):
    """Seconds of the training of all models, features included."""
    return sum(float(row["seconds"]) for row in {(r["task"], r["model"]): r for r in rows}.values())


def markdown(rows, tasks):
    """Lines of the page: the table, other models, and how each figure came about."""
    lines = ["# The classic tasks", "", *__doc__.strip().split("\n\n")[2].split("\n"), ""]
    lines += [
        f"| task | metric | {' | '.join(COLUMNS)} | goal | published |",
        "|---|---|" + "---|" * (len(COLUMNS) + 2),
    ]
    found = {(row["task"], row["model"], row["metric"]): row for row in rows}
    for task in tasks.values():
        mine = [row for row in rows if row["task"] == task.name and row["model"] != FEATURES]
        for place, metric in enumerate(dict.fromkeys(row["metric"] for row in mine)):
            cells = [cell(found.get((task.name, model, metric))) for model in COLUMNS]
            first = place == 0
            goal, published = (f"{task.goal:g}", task.published) if first else ("", "")
            title = task.title if first else ""
            lines.append(f"| {title} | {metric} | {' | '.join(cells)} | {goal} | {published} |")
    lines += ["", "In brackets the seconds of training.", ""]
    for task in tasks.values():
        lines += [f"**{task.title}.** {task.protocol}. Choices: {task.choices}.", ""]
        lines += short_of(task, rows) + others_of(task, rows)
    machines = sorted({row["machine"] for row in rows})
    text = f"Training of all models, features included, took {total(rows):.0f} seconds."
    return [*lines, f"{text} Measured on: {'; '.join(machines)}."]


def others_of(task, rows):
    """Lines for the models that have no column, and for the features."""
    lines = []
    for model in (*task.names, FEATURES):
        mine = [row for row in rows if (row["task"], row["model"]) == (task.name, model)]
        if model in COLUMNS or not mine:
            continue
        seconds = f"{float(mine[0]['seconds']):.1f} s"
        figures = ", ".join(f"{row['metric']} {float(row['figure']):.2f}" for row in mine)
        lines.append(f"- Features: {seconds}" if model == FEATURES else f"- {model}: {figures} ({seconds})")
    return [*lines, ""] if lines else []


def short_of(task, rows):
    """A line that says so where no model reaches the goal, and what else was tried."""
    mine = [row for row in rows if row["task"] == task.name and row["model"] != FEATURES]
    first = [float(row["figure"]) for row in mine if row["metric"] == mine[0]["metric"]]
    tried = [f"Also tried: {task.tried}.", ""] if task.tried else []
    if first and max(first) < task.goal:
        return [f"The goal of {task.goal:g} is missed: {max(first):.2f} is the best figure.", "", *tried]
    return tried


def cell(row):
    return "" if row is None else f"{float(row['figure']):.2f} ({float(row['seconds']):.1f})"


def main():
    tasks = all_tasks()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--task", nargs="+", choices=tasks, default=list(tasks), metavar="TASK", help=", ".join(tasks)
    )
    parser.add_argument("--model", nargs="+", help="only these models")
    parser.add_argument("--again", action="store_true", help="also what the table has already")
    parser.add_argument("--sample", type=int, help="only so many rows of each part; nothing is written")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the table")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    old, anew = arguments.output / "nlp_tasks.csv", arguments.output / "nlp_tasks.again.csv"
    fresh = read(anew) if arguments.again else []
    rows = fresh if arguments.again else read(old)
    done = set() if arguments.sample else {(row["task"], row["model"]) for row in rows}
    wanted = {
        name: [m for m in tasks[name].names if (name, m) not in done and m in (arguments.model or [m])]
        for name in arguments.task
    }
    count, left, started = 0, sum(map(len, wanted.values())), perf_counter()
    for name, models in wanted.items():
        data = Data(tasks[name], arguments.sample) if models else None
        for model in models:
            figures, seconds = evaluate(data, model)
            count += 1
            shown = ", ".join(f"{metric} {figure:.2f}" for metric, figure in figures.items())
            place = f"{count}/{left}, {perf_counter() - started:.0f} s"
            print(f"[{place}] {name:17} {model:27} {shown}  ({seconds:.1f} s)", flush=True)
            if arguments.sample:
                continue
            rows += rows_of(name, model, figures, seconds)
            if data.seconds and (name, FEATURES) not in {(row["task"], row["model"]) for row in rows}:
                rows += rows_of(name, FEATURES, {"seconds": data.seconds}, data.seconds)
            keep(rows, anew if arguments.again else old)
    if not arguments.sample:
        known = {(row["task"], row["model"]) for row in rows}
        rows = [row for row in read(old) if (row["task"], row["model"]) not in known] + rows
        write(rows, tasks, arguments.output)
        anew.unlink(missing_ok=True)
        print(f"Training of all models of the table: {total(rows):.0f} s")


def rows_of(task, model, figures, seconds):
    """Lines of the CSV for a model."""
    values = describe_machine(), datetime.now(UTC).strftime("%Y-%m-%d")
    return [
        dict(zip(FIELDS, (task, model, metric, f"{figure:.4f}", f"{seconds:.2f}", *values)))
        for metric, figure in figures.items()
    ]


if __name__ == "__main__":
    main()
