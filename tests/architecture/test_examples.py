"""What the documentation shows runs: doctests of the package, README's lines, the worked example."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skmaxent

ROOT = Path(skmaxent.__file__).parents[1]
MODULES = [module.name for module in pkgutil.walk_packages(skmaxent.__path__, "skmaxent.")]
FINDER = doctest.DocTestFinder(exclude_empty=True)
# As users' own scripts run: doctests know neither the random state nor the warnings of the suite.
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples_of(name):
    module = importlib.import_module(name)
    return [test for test in FINDER.find(module, name) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    if name.startswith("skmaxent.plotting"):
        pytest.importorskip("matplotlib").use("Agg")
    for test in examples_of(name):
        printed = []
        result = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=printed.append)
        assert result.failed == 0, "".join(printed)


def test_every_estimator_and_function_has_an_example():
    with_examples = {test.name.split(".")[-1] for name in MODULES for test in examples_of(name)}
    shown = {name for name in skmaxent.__all__ if not inspect.ismodule(getattr(skmaxent, name))}
    assert shown <= with_examples


def run(*command):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lines_of_the_readme():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("the tests run without a checkout")
    ((block, shown),) = re.findall(
        r"```python\n(.*?)```.*?```\n(.*?)```", readme.read_text(encoding="utf-8"), re.S
    )
    lines, shown = run(sys.executable, "-c", block).splitlines(), shown.splitlines()
    assert float(lines[0]) <= 1e-6 and float(shown[0]) <= 1e-6
    # Numbers, classes, widths and the order of rows vary with the installed versions, whose docstrings are
    # the corpus.
    lines, shown = (
        sorted(line.split(" ")[0] for line in some[1:] if set(line) != {"─"}) for some in (lines, shown)
    )
    assert lines == shown


def test_the_lines_of_the_guide_to_taggers():
    guide = ROOT / "docs" / "taggers.md"
    if not guide.exists():
        pytest.skip("the tests run without a checkout")
    blocks = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.S)
    printed = run(sys.executable, "-c", "".join(blocks))
    assert printed.startswith("[['B-PER', 'O', 'O', 'B-LOC']]")
    assert "MaxEntTagger predicts I-PER" in printed and "CRFTagger predicts I-PER" in printed


def test_the_worked_example_of_the_lecture():
    script = ROOT / "docs" / "examples" / "quebec.py"
    if not script.exists():
        pytest.skip("the tests run without a checkout")
    printed = run(sys.executable, str(script))
    assert all(number in printed for number in ("0.586", "0.238", "0.176"))
