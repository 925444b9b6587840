"""Tables of the benchmarks in which ours are compared with ours, or which end at different accuracies.

They stand beside the ratios of `summary.py`, as the files have them.
"""

import csv
from itertools import takewhile

# File -> heading, what to know, and heading of each column that is shown.
OWN_TABLES = {
    "text_in": (
        "From raw texts to a model",
        "20 Newsgroups. The vectorizer is scikit-learn's in every row ([the ways](/guide/text.md)); `share` "
        "is its part of first call and fit.",
        {
            "way": "way",
            "model": "model",
            "columns": "columns",
            "vectorize_s": "first call, s",
            "again_s": "again, s",
            "fit_s": "fit, s",
            "share_of_vectorizer": "share",
            "accuracy": "accuracy",
            "workers_MB": "workers, MB",
            "fit_grows_MB": "fit adds, MB",
        },
    ),
    "out_of_core": (
        "Rows on disk",
        "`partitions` holds a block at a time; `memory` is the same model on all rows in memory; `lbfgs` and "
        "`sgd` are scikit-learn's, where they have run. Each ends at its own accuracy (last column).",
        {
            "contestant": "contestant",
            "rows": "rows",
            "wall_s": "s",
            "cpu_s": "CPU s",
            "anonymous_before_MB": "memory before, MB",
            "anonymous_peak_MB": "at its peak, MB",
            "passes": "passes",
            "above_best": "above the best objective",
        },
    ),
    "dask_cluster": (
        "Two processes",
        "All to the same duality gap, but for Spark, where it has run. What two processes take more than one "
        "is the price of messages: a cluster is for rows that one machine cannot hold.",
        {
            "problem": "problem",
            "rows": "rows",
            "contestant": "contestant",
            "seconds": "s",
            "cpu_client": "client's CPU s",
            "cpu_workers": "workers' CPU s",
            "passes": "passes",
            "round_trips": "round trips",
            "megabytes": "MB sent",
            "above_optimum": "above the optimum",
        },
    ),
    "maxent_observed": (
        "Observed pairs and all pairs",
        "Two models of ours, whose objectives are not comparable.",
        {
            "run": "run",
            "rows": "rows",
            "columns": "columns",
            "classes": "classes",
            "pairs": "weights",
            "seconds": "s",
            "relative_gap": "gap",
            "training_accuracy": "training accuracy",
            "grows_by_GiB": "fit adds, GiB",
        },
    ),
    "certificates": (
        "Is every claim true?",
        "Random problems, against minima proven in extended precision. A claim is a gap that a fit reports. "
        '"Missed" are fits by `solver="auto"` in float64 that miss 1e-6, in truth or by what they can prove, '
        "and say so: a case of ten has a row of numbers up to 1e16. "
        '"At infinity" are problems without a minimum. Rankers have the classes of a row as candidates.',
        {
            "model": "model",
            "solver": "solver",
            "prior": "prior",
            "cases": "cases",
            "claims": "claims",
            "false_claims": "false",
            "false_converged": "falsely converged",
            "not_converged": "not converged",
            "auto_missed": "missed",
            "separated": "at infinity",
            "false_separation": "falsely told so or not",
            "unproven": "without a proven minimum",
        },
    ),
}


def rows(path):
    """The lines of a CSV as dicts, each with its machine; none where the file is not there yet."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    notes = list(takewhile(lambda line: line.startswith("#"), lines))
    machine = notes[0].lstrip("# ").split(";")[0].strip() if notes else ""
    return [{"machine": machine, **line} for line in csv.DictReader(lines[len(notes) :])]


def own_tables(folder):
    """Name -> table as Markdown, for the files that there are in a folder."""
    found = {name: rows(folder / f"{name}.csv") for name in OWN_TABLES}
    return {name: _table(lines, OWN_TABLES[name][2]) for name, lines in found.items() if lines}


def sections(tables):
    """All tables under their headings, as Markdown."""
    return "\n".join(
        f"### {OWN_TABLES[name][0]}\n\n{OWN_TABLES[name][1]}\n\n{text}" for name, text in tables.items()
    )


def _table(lines, columns):
    aligned = ["--:" if _is_number(lines[0].get(name) or "") else "---" for name in columns]
    found = [f"| {' | '.join(columns.values())} |", f"|{'|'.join(aligned)}|"]
    for line in lines:
        cells = (_cell(line.get(name) or "") for name in columns)
        found.append(f"| {' | '.join(cells)} |")
    return "\n".join([*found, "", f"On {lines[0]['machine']}."]) + "\n"


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _cell(text):
    """Whole numbers with separators, all else as the file has it."""
    return f"{int(text):,}" if text.isdigit() else text
