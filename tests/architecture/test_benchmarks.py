"""Benchmarks do not flatter: ratios are of one run, on one machine."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

import skmaxent

FOLDER = Path(skmaxent.__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """A function that loads a benchmark by name."""
    if not FOLDER.exists():
        pytest.skip("the tests run without a checkout")
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def row(contestant, seconds, machine="here", run="today", data="digits"):
    return {
        "data": data,
        "contestant": contestant,
        "seconds_per_epoch": str(seconds),
        "machine": machine,
        "run": run,
    }


def ratios(rows):
    return {(row["data"], row["contestant"]): row["ratio"] for row in rows}


def test_no_ratio_of_rows_of_two_machines_or_runs(benchmark):
    merged = benchmark("mlp").merged
    both = merged([], [row("skmaxent", 2), row("sklearn", 6)])
    assert ratios(both) == {("digits", "skmaxent"): "1", ("digits", "sklearn"): "3"}
    for other in ({"machine": "there"}, {"run": "tomorrow"}):
        again = merged(both, [row("sklearn", 9, **other)])
        assert ratios(again) == {("digits", "skmaxent"): "1", ("digits", "sklearn"): ""}
        ours = merged(both, [row("skmaxent", 1, **other)])
        assert ratios(ours) == {("digits", "skmaxent"): "1", ("digits", "sklearn"): ""}
        whole = merged(again, [row("skmaxent", 3, **other), row("sklearn", 9, **other)])
        assert ratios(whole) == {("digits", "skmaxent"): "1", ("digits", "sklearn"): "3"}
    # Rows of other data stay, with their own base.
    more = merged(both, [row("skmaxent", 5, run="tomorrow", data="trec")])
    assert ratios(more) == ratios(both) | {("trec", "skmaxent"): "1"}


def test_figures_are_of_one_machine(benchmark):
    lines = [row("skmaxent", 2), row("sklearn", 6), row("torch", 1, machine="there")]
    found = benchmark("summary").against_ours(lines, lambda r: r["data"], "skmaxent")
    assert found == [(lines[0], lines[1])]


def test_rows_keep_the_machine_they_were_measured_on(benchmark, tmp_path):
    machine, path = benchmark("_machine"), tmp_path / "some.csv"
    # A file of an older format: one machine for all, in the first line.
    path.write_text("# there; 2 runs\ntask,contestant,seconds\na,ours,1\nb,ours,2\n", encoding="utf-8")
    fresh = [{"task": "b", "contestant": "ours", "seconds": 3, "runs": 5}]
    written = machine.write_rows(path, fresh, ("task", "contestant"))
    found = machine.rows(path)
    here = machine.describe_machine()
    assert [(r["task"], r["seconds"], r["runs"], r["machine"]) for r in found] == [
        ("a", "1", "", "there"), ("b", "3", "5", here),
    ]  # fmt: skip
    assert [r["machine"] for r in written] == ["there", here]
    machine.write_rows(path, [fresh[0] | {"seconds": 4}], ("task", "contestant"))
    assert [r["seconds"] for r in machine.rows(path)] == ["1", "4"]


def test_a_script_runs_both_ways(benchmark, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from sklearn.datasets import load_iris\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "print(LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True)).n_iter_.shape)\n"
    )
    found = benchmark("dropin").measure(script, 1)
    assert found["same"] and found["fits"] == "1 LogisticRegression skmaxent"
    assert found["ratio"] == pytest.approx(found["sklearn_s"] / found["dropin_s"])
    assert found["sklearn_cpu_s"] > 0 and found["dropin_cpu_s"] > 0
    script.write_text("raise FileNotFoundError\n")
    assert benchmark("dropin").measure(script, 1) is None
    script.write_text("raise KeyError\n")
    with pytest.raises(RuntimeError, match="KeyError"):
        benchmark("dropin").measure(script, 1)


def test_the_scripts_know_nothing_of_us(benchmark):
    scripts = sorted((FOLDER / "scripts").glob("*.py"))
    assert len(scripts) >= 5
    for script in scripts:
        assert "argv" not in script.read_text(encoding="utf-8"), "run as they are, without arguments"
        ours = [
            line
            for line in script.read_text(encoding="utf-8").splitlines()
            if "skmaxent" in line and not line.startswith("from skmaxent.datasets import ")
        ]
        assert not ours, script.name


def test_the_table_has_every_ratio_as_the_files_have_it(benchmark):
    """The files' own ratios, where they have one, are those of the table, slower rows too."""
    summary = benchmark("summary")
    found = summary.figures()
    assert len(found) > 100 and len({figure.group for figure in found}) >= 8
    lines = summary.rows(summary.OUTPUT / "small.csv")
    small = [line for line in lines if line["contestant"] != "MaxEntClassifier" and line["ratio"] != "nan"]
    ratios = [figure.ratio for figure in found if figure.group == "Small and ordinary data"]
    assert [ratio for ratio in ratios if ratio == ratio] == pytest.approx(
        [float(line["ratio"]) for line in small], rel=0.01
    )
    assert any(figure.ratio < 1 for figure in found)
    table = summary.table(found)
    assert table.count("slower") == sum(figure.ratio < 1 and not figure.at_least for figure in found)
    assert all(figure.machine in table for figure in found)


def test_a_peer_that_was_stopped_gives_a_bound(benchmark, tmp_path):
    (tmp_path / "maxent_l2.csv").write_text(
        "# here\nproblem,C,rows,columns,classes,solver,target,seconds,times_ours,runs,limit,optimum\n"
        "digits,1.0,1797,64,10,MaxEntClassifier,1e-06,0.5,1.0,5,20.0,0.2\n"
        "digits,1.0,1797,64,10,lbfgs,1e-06,inf,inf,5,20.0,0.2\n"
        "digits,1.0,1797,64,10,saga,1e-06,0.25,0.5,5,20.0,0.2\n"
    )
    stopped, faster = benchmark("summary").figures(tmp_path)
    assert (stopped.ratio, stopped.at_least, stopped.machine) == (40, True, "here")
    assert (faster.ratio, faster.at_least) == (0.5, False)
    table = benchmark("summary").table([stopped, faster])
    assert "| > 40 |" in table and "**0.5** slower" in table


def test_the_table_of_readme_is_that_of_the_files(benchmark):
    """After new figures: python benchmarks/summary.py."""
    summary = benchmark("summary")
    text = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    shown = text.partition(summary.MARKS[0])[2].partition(summary.MARKS[1])[0].strip()
    assert shown == summary.readme_table(summary.figures()).strip()
    assert "the peer wins" in shown and len(shown.splitlines()) > 12


def test_pictures_can_be_drawn(benchmark, tmp_path):
    pytest.importorskip("matplotlib")
    summary = benchmark("summary")
    machine, names = "here", ("lbfgs", "saga")
    found = [summary.Figure("Small", "a", "", name, 1.0, 2.0, "s", name == "saga", machine) for name in names]
    for path in (tmp_path / "one.svg", tmp_path / "two.svg"):
        summary.draw("Small", found, path, dark=True)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    summary.overview(found, tmp_path / "all.png", dark=False)
    assert (tmp_path / "all.png").stat().st_size > 1000


def test_all_goes_on_where_it_was_interrupted(benchmark, tmp_path, monkeypatch):
    every = benchmark("all")
    for command in every.COMMANDS.values():
        assert (FOLDER / command.split()[0]).exists()
    # Every script that measures is among them.
    scripts = {path.name for path in FOLDER.glob("[a-z]*.py")} - {"all.py", "summary.py"}
    known = {command.split()[0] for command in every.COMMANDS.values()}
    assert scripts <= known, f"not in benchmarks/all.py: {scripts - known}"

    (tmp_path / "fine.py").write_text("print('fine')")
    (tmp_path / "broken.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(every, "HERE", tmp_path)
    monkeypatch.setattr(every, "COMMANDS", {"fine": "fine.py", "broken": "broken.py"})
    state, path = {}, tmp_path / "state.json"
    assert every.run("fine", state, "here", path) and not every.run("broken", state, "here", path)
    assert every.done(state, "fine", "here") and not every.done(state, "broken", "here")
    assert not every.done(state, "fine", "there")
    assert path.read_text().count("here") == 1


def test_the_page_of_the_scripts_names_every_command_and_every_file(benchmark):
    text = (FOLDER.parent / "docs" / "benchmarks" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `python benchmarks/([^`]+)`", text, re.M)
    commands = benchmark("all").COMMANDS.values()
    names = {command.split()[0] for command in listed}
    assert names == {command.split()[0] for command in commands}
    parts = ("--problems", "--tasks", "--again")  # of what a script does by itself
    assert {command for command in commands if not any(part in command for part in parts)} <= set(listed)
    for name in names:
        assert (FOLDER / name).exists()
    for path in (FOLDER.parent / "docs" / "benchmarks").glob("*.csv"):
        assert f"`{path.name}`" in text, path.name


def test_tables_without_peers_have_every_line_of_their_files(benchmark, tmp_path):
    own = benchmark("_own_tables")
    folder = FOLDER.parent / "docs" / "benchmarks"
    for name, (_, _, columns) in own.OWN_TABLES.items():
        lines = own.rows(folder / f"{name}.csv")
        assert lines and columns.keys() <= lines[0].keys(), name
        shown = own.own_tables(folder)[name].splitlines()
        assert len(shown) == len(lines) + 4 and lines[0]["machine"] in shown[-1]
        assert {line.count("|") for line in shown[:-2]} == {len(columns) + 1}
    assert own.own_tables(tmp_path) == {}
    (tmp_path / "out_of_core.csv").write_text(
        "# here; a note\n# another\ncontestant,rows,wall_s\nmemory,2000000,43.2\n"
    )
    (table,) = own.own_tables(tmp_path).values()
    assert "| memory | 2,000,000 | 43.2 |" in table and table.endswith("On here.\n")
    assert "### Rows on disk" in own.sections({"out_of_core": table})


def test_counts_from_several_processes_are_those_of_one(benchmark):
    text_in = benchmark("text_in")
    texts = ["a good film", "a bad film", "good good acting", "", "nothing new", "new films are good"]
    vectorizer = CountVectorizer(dtype=np.float32)
    X, known = text_in.counted_in_parallel(vectorizer, texts, n_jobs=1, chunk=2)
    expected = CountVectorizer(dtype=np.float32)
    assert (expected.fit_transform(texts) != X).nnz == 0 and X.dtype == np.float32
    assert known.get_feature_names_out().tolist() == expected.get_feature_names_out().tolist()
    assert (known.transform(["good new film"]) != expected.transform(["good new film"])).nnz == 0
    hasher = HashingVectorizer(n_features=64)
    hashed = text_in.hashed_in_parallel(hasher, texts, n_jobs=1, chunk=4)
    assert (hashed != hasher.transform(texts)).nnz == 0


def test_every_missing_peer_has_a_reason(benchmark):
    for name, version, reason, where in benchmark("all").peers():
        assert bool(version) != bool(reason), name
        assert where
