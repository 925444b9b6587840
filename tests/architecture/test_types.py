"""Types of the public surface: what editors and checkers see is what there is."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import skmaxent

STUB = Path(skmaxent.__file__).with_suffix(".pyi")
SCRIPTS = Path(__file__).parent / "user_scripts"


def test_the_stub_has_the_public_names():
    names = {
        alias.asname
        for node in ast.parse(STUB.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names == set(skmaxent.__all__)
    assert (STUB.parent / "py.typed").exists()


@pytest.fixture(scope="module")
def faults():
    """Line numbers of the faults that the type checker finds in each script."""
    pytest.importorskip("basedpyright", reason="the type checker comes with the extra 'types'")
    options = ["--outputjson", "--level", "error", "--pythonpath", sys.executable]
    command = [sys.executable, "-m", "basedpyright", *options, str(SCRIPTS)]
    printed = subprocess.run(command, capture_output=True, text=True, cwd=STUB.parents[1]).stdout
    found = {name: set() for name in ("right.py", "wrong.py")}
    for fault in json.loads(printed)["generalDiagnostics"]:
        found[Path(fault["file"]).name].add(fault["range"]["start"]["line"] + 1)
    return found


def test_the_checker_finds_planted_faults_and_no_others(faults):
    lines = (SCRIPTS / "wrong.py").read_text(encoding="utf-8").splitlines()
    planted = {number for number, line in enumerate(lines, 1) if line.endswith("# fault")}
    assert len(planted) == 8 and faults["wrong.py"] == planted


def test_the_checker_finds_nothing_in_a_right_script(faults):
    assert faults["right.py"] == set()


def test_the_right_script_runs():
    subprocess.run(
        [sys.executable, str(SCRIPTS / "right.py")], check=True, capture_output=True, cwd=STUB.parents[1]
    )
