"""All speed figures as one table and dot plots: what the CSV files in docs/benchmarks say, and nothing else.

    python benchmarks/summary.py

writes docs/benchmarks/generated, as a build of the site does, and README's table and picture
(docs/benchmarks/overview.png): run it after new figures.

A ratio is a peer's figure over ours, from the same run on the same machine, so that above 1 ours is faster
(or smaller). Where a peer did not arrive before it was stopped, the ratio is a lower bound, marked ">".
Rows in which a peer is faster are there like all others.
"""

import math
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from _own_tables import own_tables, rows, sections

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
MARKS = ("<!-- figures: benchmarks/summary.py -->", "<!-- end of figures -->")
# The one colour of ours, in every picture of benchmarks.
OURS = "#2684ff"
# Peers in the colours of Okabe & Ito (2008) without their blues, and in shapes, for eyes of all kinds.
PEER_COLOURS = ("#e69f00", "#009e73", "#d55e00", "#cc79a7", "#999999", "#b8a800")
PEER_SHAPES = "osD^vPX*"
IN_README = [
    ("Gaussian prior", "20 Newsgroups, words, C=1", "LogisticRegression lbfgs"),
    ("Gaussian prior", "20 Newsgroups, words, C=1", "LogisticRegression newton-cg"),
    ("Gaussian prior", "20 Newsgroups, words, C=1", "Cyanure"),
    ("Gaussian prior", "parsing decisions, C=0.3", "LogisticRegression newton-cg"),
    ("Laplace prior", "20 Newsgroups, words, C=10", "LogisticRegression saga"),
    ("Laplace prior", "sentence polarity, C=1", "LogisticRegression liblinear"),
    ("Laplace prior", "sentence polarity, C=1", "skglm"),
    ("Small and ordinary data", "iris, Gaussian", "LogisticRegression newton-cholesky"),
    ("Small and ordinary data", "iris, Laplace", "LogisticRegression saga"),
    ("Small and ordinary data", "10000x100, Gaussian", "scikit-learn-intelex"),
    ("Small and ordinary data", "10000x100, Gaussian", "LogisticRegression lbfgs"),
    ("Searches and scripts", "GridSearchCV on iris", "LogisticRegression"),
    ("Searches and scripts", "GridSearchCV on newsgroups", "LogisticRegression"),
    ("Searches and scripts", "20 Newsgroups, from raw texts (tfidf64)", "LogisticRegression"),
    ("Networks", "an epoch on newsgroups", "MLPClassifier"),
    ("Networks", "an epoch on newsgroups", "PyTorch, sparse"),
    ("Taggers", "conditional random field, chunk", "CRFsuite lbfgs"),
    ("Joint features", "ppattach, 20 iterations", "NLTK GIS"),
    ("Memory", "20 Newsgroups, words and pairs, Gaussian prior", "LogisticRegression lbfgs"),
    ("Memory", "20 Newsgroups, words and pairs, Laplace prior", "LogisticRegression saga"),
]
PROBLEMS = {
    "unigrams": ("20 Newsgroups, words", "11,314 x 130,107, 20 classes"),
    "bigrams": ("20 Newsgroups, words and pairs", "11,314 x 1,181,803, 20 classes"),
    "docstrings": ("docstrings", "5,213 x 20,818, 37 classes"),
    "polarity": ("sentence polarity", "10,662 x 18,330, 2 classes"),
    "pos": ("parts of speech", "204,577 x 71,882, 17 classes"),
    "parsing": ("parsing decisions", "409,154 x 664,301, 3 classes"),
    "digits": ("digits", "1,797 x 64, 10 classes"),
    "tall": ("made, tall", "200,000 x 100, 5 classes"),
}


class Figure(NamedTuple):
    """One comparison: times (or sizes) of ours and a peer's, in `unit`."""

    group: str
    task: str
    size: str
    peer: str
    ours: float
    theirs: float
    unit: str
    at_least: bool  # whether `theirs` is where the peer was stopped
    machine: str

    @property
    def ratio(self):
        return self.theirs / self.ours


SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga", "liblinear")
NAMES = {
    "sklearn": "MLPClassifier",
    "sklearn-batches": "MLPClassifier (scaled up from 4 batches)",
    "torch-dense": "PyTorch, dense",
    "torch-sparse": "PyTorch, sparse",
    "cyanure": "Cyanure",
}


def peer_name(contestant):
    """How readers know a contestant."""
    return f"LogisticRegression {contestant}" if contestant in SOLVERS else NAMES.get(contestant, contestant)


def count(number, noun):
    """ "1 row", "1,000 rows"."""
    return f"{int(number):,} {noun}{'' if int(number) == 1 else 's'}"


def number(text):
    """A float; NaN where there is none."""
    return float(text) if text else math.nan


def against_ours(lines, key, mine, contestant="contestant"):
    """Pairs (line of ours, line of a peer) of the same key, which names a comparison, on the same machine."""
    found = {(key(line), line["machine"]): line for line in lines if line[contestant] == mine}
    pairs = ((found.get((key(line), line["machine"])), line) for line in lines if line[contestant] != mine)
    return [(own, peer) for own, peer in pairs if own is not None]


def accurate(path, mine, limit):
    """maxent_l2.csv and maxent_l1.csv: seconds to within 1e-6 of the optimum."""
    lines = [line for line in rows(path) if float(line["target"]) == 1e-6]
    lines = [line for line in lines if "certified" not in line["solver"]]
    for own, peer in against_ours(lines, lambda r: (r["problem"], r["C"], r.get("l1_ratio")), mine, "solver"):
        name, size = PROBLEMS.get(own["problem"], (own["problem"], ""))
        share = float(own.get("l1_ratio", 0))
        prior = "Gaussian" if share == 0 else "Laplace" if share == 1 else f"elastic net {share:g}"
        stopped = not math.isfinite(float(peer["seconds"]))
        theirs = number(peer[limit]) if stopped else float(peer["seconds"])
        task = f"{name}, C={float(own['C']):g}"
        yield Figure(
            f"{prior} prior" if share in (0, 1) else "Laplace prior",
            task if share in (0, 1) else f"{task}, {prior}",
            size, peer_name(peer["solver"]), float(own["seconds"]), theirs, "s", stopped, own["machine"],
        )  # fmt: skip


def small(path):
    """small.csv: whole fits to 1e-6, in milliseconds."""
    for own, peer in against_ours(
        rows(path), lambda r: (r["data"], r["penalty"], r["C"]), "MaxEntClassifier"
    ):
        prior = {"l2": "Gaussian", "l1": "Laplace"}[own["penalty"]]
        yield Figure(
            "Small and ordinary data", f"{own['data']}, {prior}", size_of(own, "n", "d"),
            peer["contestant"], float(own["ms"]), number(peer["ms"]), "ms", False, own["machine"],
        )  # fmt: skip


def size_of(line, n_rows, n_columns):
    classes = f", {int(line['classes'])} classes" if line.get("classes") else ""
    return f"{int(line[n_rows]):,} x {int(line[n_columns]):,}{classes}"


def predictions(path):
    """small_predict.csv: latency."""
    for line in rows(path):
        yield Figure(
            "Predictions", f"{line['data']}, {line['model']}.{line['method']}", count(line["rows"], "row"),
            line["peer"], float(line["ms"]), float(line["peer_ms"]), "ms", False, line["machine"],
        )  # fmt: skip


def one_row(path):
    """maxent_l2_one_row.csv: predict_proba of one sparse row."""
    lines = [{"k": "", **line} for line in rows(path)]
    for own, peer in against_ours(lines, lambda r: r["k"], "MaxEntClassifier", "estimator"):
        yield Figure(
            "Predictions", "20 Newsgroups, MaxEntClassifier.predict_proba", "1 row", peer["estimator"],
            float(own["median_microseconds"]) / 1e3, float(peer["median_microseconds"]) / 1e3, "ms", False,
            own["machine"],
        )  # fmt: skip


def searches(path):
    """small_search.csv: whole processes of GridSearchCV."""
    for line in rows(path):
        yield Figure(
            "Searches and scripts", f"GridSearchCV on {line['data']}", f"{int(line['fits']):,} fits",
            "LogisticRegression", float(line["s"]), float(line["peer_s"]), "s", False, line["machine"],
        )  # fmt: skip


def scripts(path):
    """dropin.csv: unchanged scripts, whole processes."""
    for line in rows(path):
        yield Figure(
            "Searches and scripts", f"{line['script']}, unchanged", line["fits"], "scikit-learn",
            float(line["dropin_s"]), float(line["sklearn_s"]), "s", False, line["machine"],
        )  # fmt: skip


def texts(path):
    """text_in.csv: from raw texts to a fitted model, by the same vectorizer."""
    for own, peer in against_ours(rows(path), lambda r: r["way"], "MaxEntClassifier", "model"):
        yield Figure(
            "Searches and scripts", f"20 Newsgroups, from raw texts ({own['way']})",
            count(own["rows"], "text"), peer["model"], float(own["total_s"]), float(peer["total_s"]), "s",
            False, own["machine"],
        )  # fmt: skip


def path_of_priors(path):
    """maxent_path_*.csv: a cross-validated path."""
    lines = rows(path)
    for own, peer in against_ours(lines, lambda r: r["problem"], "MaxEntClassifierCV", "competitor"):
        yield Figure(
            "Searches and scripts", f"path of priors on {own['problem']}",
            f"{own['values']} values of C, {own['folds']} folds", peer["competitor"], float(own["seconds"]),
            float(peer["seconds"]), "s", peer["stopped"] == "True", own["machine"],
        )  # fmt: skip


def networks(path):
    """mlp.csv: seconds an epoch, where both rows are of one run."""
    for own, peer in against_ours(rows(path), lambda r: r["data"], "skmaxent"):
        if peer["ratio"]:
            yield Figure(
                "Networks", f"an epoch on {own['data']}", size_of(own, "rows", "columns"),
                peer_name(peer["contestant"]), float(own["seconds_per_epoch"]),
                float(peer["seconds_per_epoch"]), "s", False, own["machine"],
            )  # fmt: skip


def recurrent(path):
    """recurrent.csv: seconds an epoch with as many threads."""
    for own, peer in against_ours(rows(path), lambda r: (r["row"], r["threads"]), "ours"):
        yield Figure(
            "Networks", f"an epoch of {own['row']}, {own['threads']} threads",
            f"{int(own['sequences']):,} sequences", f"PyTorch {peer['contestant']}", float(own["seconds"]),
            float(peer["seconds"]), "s", False, own["machine"],
        )  # fmt: skip


def fields(path):
    """crf.csv: seconds to the objective at which CRFsuite's lbfgs stops."""
    for own, peer in against_ours(rows(path), lambda r: r["task"], "CRFTagger"):
        theirs = float(peer["to_lbfgs"])
        stopped = not math.isfinite(theirs)
        yield Figure(
            "Taggers", f"conditional random field, {own['task']}", f"{int(own['tokens']):,} tokens",
            f"CRFsuite {peer['contestant']}", float(own["to_lbfgs"]),
            float(peer["seconds"]) if stopped else theirs, "s", stopped, own["machine"],
        )  # fmt: skip


def joint(path):
    """joint.csv: from the list of dicts to the model of equal likelihood."""
    for line in rows(path):
        yield Figure(
            "Joint features", f"{line['data']}, {line['iterations']} iterations", "",
            f"NLTK {line['algorithm'].upper()}", float(line["our_seconds"]), float(line["nltk_seconds"]),
            "s", False, line["machine"],
        )  # fmt: skip


def memory(path, prior):
    """What a fit adds to the memory of the process."""
    lines = [{"k": "", **line} for line in rows(path)]
    for own, peer in against_ours(lines, lambda r: r["k"], "MaxEntClassifier", "solver"):
        yield Figure(
            "Memory", f"20 Newsgroups, words and pairs, {prior}", PROBLEMS["bigrams"][1],
            peer_name(peer["solver"]), float(own["fit_grows_by_MiB"]), float(peer["fit_grows_by_MiB"]),
            "MiB", False, own["machine"],
        )  # fmt: skip


def figures(folder=OUTPUT):
    """All comparisons that the CSV files of a folder hold."""
    return [
        *accurate(folder / "maxent_l2.csv", "MaxEntClassifier", "limit"),
        *accurate(folder / "maxent_l1.csv", "MaxEntClassifier (reached)", "longest"),
        *small(folder / "small.csv"),
        *searches(folder / "small_search.csv"),
        *scripts(folder / "dropin.csv"),
        *texts(folder / "text_in.csv"),
        *(figure for path in sorted(folder.glob("maxent_path_*.csv")) for figure in path_of_priors(path)),
        *networks(folder / "mlp.csv"),
        *recurrent(folder / "recurrent.csv"),
        *fields(folder / "crf.csv"),
        *joint(folder / "joint.csv"),
        *predictions(folder / "small_predict.csv"),
        *one_row(folder / "maxent_l2_one_row.csv"),
        *memory(folder / "maxent_l2_memory.csv", "Gaussian prior"),
        *memory(folder / "maxent_l1_memory.csv", "Laplace prior"),
    ]


def by_group(found):
    groups = defaultdict(list)
    for figure in found:
        groups[figure.group].append(figure)
    return groups


def rounded(value):
    """Three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 1e-4 else f"{value:.1g}"


def cells(figure):
    """What the tables say of a figure: ours, the peer's, and their ratio."""
    if not math.isfinite(figure.theirs):
        return f"{rounded(figure.ours)} {figure.unit}", "", "not to this accuracy"
    more = "> " if figure.at_least else ""
    ours, theirs = (f"{rounded(value)} {figure.unit}" for value in (figure.ours, figure.theirs))
    return ours, more + theirs, more + rounded(figure.ratio)


def table(found):
    """The table of all figures, and the machines that its letters stand for, as Markdown."""
    machines = {}
    lines = ["| task | size | peer | ours | peer's | ratio | machine |", "|---|---|---|--:|--:|--:|---|"]
    for group, members in by_group(found).items():
        lines.append(f"| **{group}** | | | | | | |")
        last = None
        for figure in members:
            letter = machines.setdefault(figure.machine, chr(ord("A") + len(machines)))
            ours, theirs, ratio = cells(figure)
            if figure.ratio < 1 and not figure.at_least:
                ratio = f"**{ratio}** slower"
            # What rows have in common stands in the first of them.
            common = (figure.task, figure.size, ours)
            task, size, ours = ("", "", "") if common == last else common
            last = common
            lines.append(f"| {task} | {size} | {figure.peer} | {ours} | {theirs} | {ratio} | {letter} |")
    lines += ["", "Machines:", "", *(f"- {letter}: {name}" for name, letter in machines.items())]
    return "\n".join(lines) + "\n"


def peers_table(lines):
    """The table of peers, from peers.csv, as Markdown."""
    found = ["| peer | version | compared in | why not |", "|---|---|---|---|"]
    for line in lines:
        cells = (line["peer"], line["version"], line["compared_in"], line["cannot_run_because"])
        found.append(f"| {' | '.join(cells)} |")
    where = f"On {lines[0]['machine']}:" if lines else "`python benchmarks/all.py` has not looked yet."
    return "\n".join([where, "", *(found if lines else [])]) + "\n"


def readme_table(found):
    """The table of README: a choice of figures that has the peers' best cases too."""
    by_name = {(figure.group, figure.task, figure.peer): figure for figure in found}
    lines = ["| task | size | peer | peer's / ours |", "|---|---|---|--:|"]
    for key in IN_README:
        if key in by_name:
            figure = by_name[key]
            task = f"{figure.task}, {key[0]}" if key[0].endswith("prior") else figure.task
            task = f"memory of a fit on {task}" if key[0] == "Memory" else task
            ratio = cells(figure)[-1]
            if figure.ratio < 1 and not figure.at_least:
                ratio = f"**{ratio}** (the peer wins)"
            lines.append(f"| {task} | {figure.size} | {figure.peer} | {ratio} |")
    return "\n".join(lines) + "\n"


def inks(dark):
    """Colour of lines and text, and of the ground on which a peer is faster."""
    return ("#e6e6e6", "#ffffff18") if dark else ("#1a1a1a", "#00000010")


def drawing(dark):
    """A context for pictures with a transparent ground, the same bytes for the same figures."""
    import matplotlib

    ink = inks(dark)[0]
    names = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor")
    return matplotlib.rc_context(
        {**dict.fromkeys(names, ink), "font.size": 9, "svg.hashsalt": "skmaxent", "backend": "agg"}
    )


def ratio_axis(ax, ratios, labels, dark):
    """The axis of ratios on which ours is the line at 1, and one row for each label."""
    ink, ground = inks(dark)
    low = min(1, *ratios) / 1.5
    ax.axvspan(low, 1, color=ground, linewidth=0)
    ax.axvline(1, color=OURS, linewidth=3, label="skmaxent", zorder=1)
    ax.set(xscale="log", xlim=(low, max(ratios) * 1.5), ylim=(len(labels) - 0.5, -0.5))
    ax.set_yticks(range(len(labels)), labels)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.grid(axis="x", color=ink, alpha=0.15)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)


def draw(group, members, path, dark):
    """Dot plot of the ratios of one group: ours is the line at 1, to its left a peer is faster."""
    import matplotlib.pyplot as plt

    edge = {"markeredgecolor": inks(dark)[0], "markeredgewidth": 0.4, "linestyle": "none"}
    members = [figure for figure in members if math.isfinite(figure.theirs)]
    tasks = list(dict.fromkeys((figure.task, figure.size) for figure in members))
    peers = list(dict.fromkeys(figure.peer for figure in members))
    styles = {
        peer: {
            "marker": PEER_SHAPES[k % len(PEER_SHAPES)],
            "color": PEER_COLOURS[k % len(PEER_COLOURS)],
            **edge,
        }
        for k, peer in enumerate(peers)
    }
    with drawing(dark):
        drawn, ax = plt.subplots(figsize=(9, 1.7 + 0.27 * len(tasks)), layout="constrained")
        labels = [f"{task}  ({size})" if size else task for task, size in tasks]
        ratio_axis(ax, [figure.ratio for figure in members], labels, dark)
        for figure in members:
            style = styles[figure.peer] | ({"marker": ">"} if figure.at_least else {})
            ax.plot(figure.ratio, tasks.index((figure.task, figure.size)), markersize=6, zorder=2, **style)
        for peer, style in styles.items():
            ax.plot([], [], label=peer, **style)
        if any(figure.at_least for figure in members):
            ax.plot([], [], label="at least (stopped)", **edge | {"marker": ">", "color": "none"})
        what = "memory" if group == "Memory" else "time"
        drawn.supxlabel(f"{what}, peer / skmaxent: left of the line the peer needs less", fontsize=9)
        drawn.legend(frameon=False, loc="outside upper left", ncols=3, fontsize=8)
        drawn.savefig(path, transparent=True, metadata={"Date": None})
        plt.close(drawn)


def overview(found, path, dark):
    """All ratios, a row for each group."""
    import matplotlib.pyplot as plt

    groups = by_group(figure for figure in found if math.isfinite(figure.theirs))
    ink = inks(dark)[0]
    with drawing(dark):
        drawn, ax = plt.subplots(figsize=(7.5, 0.7 + 0.3 * len(groups)), layout="constrained")
        ratio_axis(ax, [figure.ratio for group in groups.values() for figure in group], [*groups], dark)
        for row, members in enumerate(groups.values()):
            for at_least, marker in ((False, "o"), (True, ">")):
                ratios = [figure.ratio for figure in members if figure.at_least is at_least]
                # One above the other where they would hide each other.
                places = [row + 0.22 * ((k % 3) - 1) for k in range(len(ratios))]
                ax.plot(ratios, places, marker, color=ink, alpha=0.55, markersize=4, markeredgewidth=0)
        ax.set_xlabel("a peer's time (memory) / ours; each dot is one comparison, > a peer that was stopped")
        for place, text in ((0.93, "the peer is faster  "), (1.07, "  skmaxent is faster")):
            ax.text(place, -0.75, text, ha="right" if place < 1 else "left", color=ink)
        if path.suffix == ".svg":
            drawn.savefig(path, transparent=True, metadata={"Date": None})
        else:
            drawn.savefig(path, dpi=110)
        plt.close(drawn)


def write(source=OUTPUT, target=OUTPUT / "generated"):
    """Write the tables, pictures.md and the pictures into a folder; for builds of the site."""
    target.mkdir(parents=True, exist_ok=True)
    found, pictures = figures(source), []
    (target / "ratios.md").write_text(table(found), encoding="utf-8")
    peers = peers_table(rows(source / "peers.csv"))
    (target / "peers.md").write_text(peers, encoding="utf-8")
    tables = own_tables(source)
    for name, text in tables.items():
        (target / f"table_{name}.md").write_text(text, encoding="utf-8")
    (target / "tables.md").write_text(sections(tables), encoding="utf-8")
    for mode in ("light", "dark"):
        overview(found, target / f"overview_{mode}.svg", mode == "dark")
    for group, members in by_group(found).items():
        name = group.lower().replace(" ", "_")
        pictures.append(f"## {group}\n")
        for mode in ("light", "dark"):
            draw(group, members, target / f"{name}_{mode}.svg", mode == "dark")
            pictures.append(
                f"::::{{div}} wide-picture\n```{{image}} /benchmarks/generated/{name}_{mode}.svg\n"
                f":alt: Ratios, {group}; the table below has the numbers\n:class: only-{mode}\n```\n::::\n"
            )
    (target / "pictures.md").write_text("\n".join(pictures), encoding="utf-8")


def write_readme(path=OUTPUT.parents[1] / "README.md"):
    """Put the table between its marks in README, and the picture beside the figures."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    found = figures()
    path.write_text(f"{before}{begin}\n{readme_table(found)}{MARKS[1]}{after}", encoding="utf-8")
    overview(found, OUTPUT / "overview.png", dark=False)


if __name__ == "__main__":
    write()
    write_readme()
