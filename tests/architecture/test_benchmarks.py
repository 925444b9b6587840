"""Benchmarks do not flatter: ratios are of one run, on one machine."""

import importlib.util
from pathlib import Path

import pytest

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
        ours = [
            line
            for line in script.read_text(encoding="utf-8").splitlines()
            if "skmaxent" in line and not line.startswith("from skmaxent.datasets import ")
        ]
        assert not ours, script.name
