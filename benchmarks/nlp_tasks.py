"""The classic tasks of maximum-entropy models in natural language, one table: docs/benchmarks/nlp_tasks.md.

    python benchmarks/nlp_tasks.py                            what the table lacks
    python benchmarks/nlp_tasks.py --task pp --again          all models of one task, anew
    python benchmarks/nlp_tasks.py --task pp --model MaxEnt --sample 2000    a try, which is not written down

Each task is a short file in benchmarks/nlp: the features of a datum, where it comes from, and the models. All
choices were made on training or development data; how is said for each task. The test set is read when the
table is made. Seconds are those of `fit` with the features, on the machine named in the table. Naive Bayes is
the joint model with the same features, the network BackpropMLPClassifier, the tagger of a sequence
MaxEntTagger or CRFTagger. Results are kept row by row, so that a run that was interrupted goes on.
"""

import argparse
import csv
import warnings
from importlib import import_module
from pathlib import Path

from _machine import describe_machine
from nlp.protocol import evaluate
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
FIELDS = ("task", "model", "metric", "figure", "seconds", "machine")
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


def write(rows, tasks, folder):
    """The CSV, in the order of the tasks and their models, and the Markdown."""
    order = [(task.name, model) for task in tasks.values() for model in task.models]
    rows = sorted(
        (row for row in rows if (row["task"], row["model"]) in order),
        key=lambda row: order.index((row["task"], row["model"])),
    )
    with (folder / "nlp_tasks.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    (folder / "nlp_tasks.md").write_text("\n".join(markdown(rows, tasks)) + "\n", encoding="utf-8")
    return rows


def markdown(rows, tasks):
    """Lines of the page: the table, other models, and how each figure came about."""
    lines = ["# The classic tasks", "", *__doc__.strip().split("\n\n")[2].split("\n"), ""]
    lines += [
        f"| task | metric | {' | '.join(COLUMNS)} | goal | published |",
        "|---|---|" + "---|" * (len(COLUMNS) + 2),
    ]
    found = {(row["task"], row["model"], row["metric"]): row for row in rows}
    for task in tasks.values():
        metrics = dict.fromkeys(row["metric"] for row in rows if row["task"] == task.name)
        for place, metric in enumerate(metrics):
            cells = [cell(found.get((task.name, model, metric))) for model in COLUMNS]
            first = place == 0
            goal, published = (f"{task.goal:g}", task.published) if first else ("", "")
            title = task.title if first else ""
            lines.append(f"| {title} | {metric} | {' | '.join(cells)} | {goal} | {published} |")
    lines += ["", "In brackets the seconds of training.", ""]
    for task in tasks.values():
        others = [model for model in task.models if model not in COLUMNS]
        lines += [f"**{task.title}.** {task.protocol}. Choices: {task.choices}.", ""]
        lines += short_of(task, rows)
        for model in others:
            mine = [row for row in rows if (row["task"], row["model"]) == (task.name, model)]
            if mine:
                figures = ", ".join(f"{row['metric']} {float(row['figure']):.2f}" for row in mine)
                lines.append(f"- {model}: {figures} ({float(mine[0]['seconds']):.1f} s)")
        lines += [""] * bool(others)
    total = sum(float(row["seconds"]) for row in {(r["task"], r["model"]): r for r in rows}.values())
    machines = sorted({row["machine"] for row in rows})
    return [*lines, f"Training of all models took {total:.0f} seconds. Measured on: {'; '.join(machines)}."]


def short_of(task, rows):
    """A line that says so where no model reaches the goal, and what else was tried."""
    mine = [row for row in rows if row["task"] == task.name]
    first = [float(row["figure"]) for row in mine if row["metric"] == mine[0]["metric"]]
    tried = [f"Also tried: {task.tried}.", ""] if task.tried else []
    if first and max(first) < task.goal:
        return [f"The goal of {task.goal:g} is missed: {max(first):.2f} is the best figure.", *tried]
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
    machine, rows = describe_machine(), read(arguments.output / "nlp_tasks.csv")
    for name in arguments.task:
        for model in tasks[name].models:
            known = [row for row in rows if (row["task"], row["model"]) == (name, model)]
            unwanted = arguments.model and model not in arguments.model
            if unwanted or (known and not (arguments.again or arguments.sample)):
                continue
            figures, seconds = evaluate(tasks[name], model, arguments.sample)
            shown = ", ".join(f"{metric} {figure:.2f}" for metric, figure in figures.items())
            print(f"{name:18} {model:28} {shown}  ({seconds:.1f} s)", flush=True)
            if arguments.sample is None:
                rows = [row for row in rows if row not in known] + [
                    dict(zip(FIELDS, (name, model, metric, f"{figure:.4f}", f"{seconds:.2f}", machine)))
                    for metric, figure in figures.items()
                ]
                rows = write(rows, tasks, arguments.output)


if __name__ == "__main__":
    main()
