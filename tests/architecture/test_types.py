"""Types of the public surface: what editors and checkers see is what there is."""

import ast
import inspect
import json
import os
import runpy
import subprocess
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

import skmaxent
from skmaxent import datasets

PACKAGE = Path(skmaxent.__file__).parent
STUB = PACKAGE / "__init__.pyi"
SCRIPTS = Path(__file__).parent / "user_scripts"
RIGHT = ("right.py", "pictures.py", "scikit.py")
EXTRA = "comes with the extra 'types'"


def body(stub):
    return ast.parse((PACKAGE / stub).read_text(encoding="utf-8")).body


def declared(stub):
    """Names of the functions and classes that a stub declares."""
    return {node.name for node in body(stub) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_the_stub_has_the_public_names():
    names = {alias.asname for node in body(STUB) if isinstance(node, ast.ImportFrom) for alias in node.names}
    names |= declared(STUB)
    assert names == set(skmaxent.__all__)
    assert (PACKAGE / "py.typed").exists()


def test_the_other_stubs_declare_what_there_is():
    compat = import_module("skmaxent.compat")
    assert {name for name in declared("compat.pyi") if not hasattr(compat, name)} == set()
    names = {name for name in vars(compat) if name[0] != "_"}
    own = {name for name in names if getattr(getattr(compat, name), "__module__", "") == compat.__name__}
    assert own <= declared("compat.pyi")
    for node in body("compat.pyi"):
        if isinstance(node, ast.FunctionDef) and node.name in own:
            parameters = inspect.signature(getattr(compat, node.name)).parameters
            assert [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)] == list(parameters)
    dropin = import_module("skmaxent.dropin")
    assert declared("dropin/__init__.pyi") == {*dropin.__all__, "Installed"}
    functions = {name for name in declared("datasets/__init__.pyi") if name[0].islower()}
    assert functions == set(datasets.__all__)


def test_the_stub_of_the_loaders_has_their_parameters():
    for node in body("datasets/__init__.pyi"):
        if isinstance(node, ast.FunctionDef):
            there = inspect.signature(getattr(datasets, node.name)).parameters
            here = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            assert here == list(there), node.name
            defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            given = [p.default for p in there.values() if p.default is not p.empty]
            if not node.decorator_list:  # the defaults of an overload are a part of those
                assert [ast.literal_eval(value) for value in defaults] == given, node.name


@pytest.mark.parametrize("name", sorted(set(datasets.__all__) - {"load_ud_ewt_pos", "pos_window_features"}))
def test_the_stub_of_the_loaders_has_the_fields(name):
    try:
        loader = getattr(datasets, name)
        here = {"download_if_missing"} & inspect.signature(loader).parameters.keys()
        loaded = loader(**dict.fromkeys(here, False))
    except FileNotFoundError:
        pytest.skip("the corpus is not there")
    classes = {node.name: node for node in body("datasets/__init__.pyi") if isinstance(node, ast.ClassDef)}
    functions = [node for node in body("datasets/__init__.pyi") if getattr(node, "name", None) == name]
    fields, kind = set(), functions[0].returns.id
    while kind in classes:
        fields |= {line.target.id for line in classes[kind].body}
        base = classes[kind].bases[0]
        kind = base.id if isinstance(base, ast.Name) else None
    assert fields == set(loaded)


def annotated(function):
    """Whether all parameters and the result of a function have types."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    result = function.__name__ == "__init__" or signature.return_annotation is not signature.empty
    return result and all(p.annotation is not p.empty for p in parameters)


def public():
    """Names of the public classes and functions, those of modules too; the loaders have a stub instead."""
    for name in skmaxent.__all__:
        value = getattr(skmaxent, name)
        if not inspect.ismodule(value):
            yield name
        elif value is not datasets:
            yield from (f"{name}.{inner}" for inner in value.__all__ if callable(getattr(value, inner)))


@pytest.mark.parametrize("name", public())
def test_public_signatures_are_annotated(name):
    value = inspect.unwrap(attrgetter(name)(skmaxent))
    if not inspect.isclass(value):
        assert annotated(value)
        return
    for kind in value.__mro__:
        if kind.__module__.startswith("skmaxent."):
            for method, function in vars(kind).items():
                function = getattr(function, "__func__", function)
                if inspect.isfunction(function) and (method == "__init__" or method[0] != "_"):
                    assert annotated(function), method


@pytest.fixture(scope="module", params=["basic", "strict"])
def faults(request, tmp_path_factory):
    """Line numbers of the faults that pyright finds in each script."""
    pytest.importorskip("basedpyright", reason=f"basedpyright {EXTRA}")
    project = tmp_path_factory.mktemp(request.param)
    settings = {
        "include": [str(SCRIPTS)],
        "extraPaths": [str(PACKAGE.parent)],
        "typeCheckingMode": request.param,
    }
    (project / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    options = ["--outputjson", "--level", "error", "--pythonpath", sys.executable, "--project", str(project)]
    command = [sys.executable, "-m", "basedpyright", *options]
    printed = subprocess.run(command, capture_output=True, text=True, cwd=project).stdout
    found = {name: set() for name in (*RIGHT, "wrong.py")}
    for fault in json.loads(printed)["generalDiagnostics"]:
        found[Path(fault["file"]).name].add(fault["range"]["start"]["line"] + 1)
    if request.param == "strict":
        found["scikit.py"] = set()  # without types of scikit-learn's own every line of it is one
    return found


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """A function that gives the line numbers of the faults that mypy finds in a script."""
    pytest.importorskip("mypy", reason=f"mypy {EXTRA}")
    cache = tmp_path_factory.mktemp("mypy")

    environment = os.environ | {"MYPYPATH": str(PACKAGE.parent)}

    def check(name, *options):
        options = ["--follow-imports=silent", "--cache-dir", str(cache), "--config-file=", *options]
        command = [sys.executable, "-m", "mypy", *options, str(SCRIPTS / name)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=cache,
            env=environment,
        )
        assert done.returncode in (0, 1), done.stderr
        lines = [line.partition(f"{name}:")[2] for line in done.stdout.splitlines() if ": error: " in line]
        return {int(line.partition(":")[0]) for line in lines}

    return check


def planted():
    lines = (SCRIPTS / "wrong.py").read_text(encoding="utf-8").splitlines()
    numbers = {number for number, line in enumerate(lines, 1) if line.endswith("# fault")}
    assert len(numbers) == 51
    return numbers


def test_pyright_finds_planted_faults_and_no_others(faults):
    assert faults["wrong.py"] == planted()


@pytest.mark.parametrize("name", RIGHT)
def test_pyright_finds_nothing_in_a_right_script(faults, name):
    assert faults[name] == set()


def test_mypy_finds_planted_faults_and_no_others(mypy):
    assert mypy("wrong.py") == planted()


@pytest.mark.parametrize("name", RIGHT)
def test_mypy_finds_nothing_in_a_right_script(mypy, name):
    assert mypy(name, *([] if name == "scikit.py" else ["--strict"])) == set()


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_scripts_run(name, capsys):
    if name == "pictures.py":
        pytest.importorskip("matplotlib").use("Agg")
    runpy.run_path(str(SCRIPTS / name))
    assert len(capsys.readouterr().out.splitlines()) > 2


@pytest.mark.parametrize(
    "source, expected",
    [
        ("import skmaxent\nskmaxent.Max", {"MaxEntClassifier", "MaxEntClassifierCV", "MaxEntRanker"}),
        ("from skmaxent import expl", {"explain"}),
        ("import skmaxent\nskmaxent.MaxEntClassifier().predict_", {"predict_log_proba", "predict_proba"}),
        ("from skmaxent import MaxEntClassifier\nMaxEntClassifier(C=1).fit([], []).conv", {"convergence_"}),
        ("from skmaxent import datasets\ndatasets.load_doc", {"load_docstrings"}),
    ],
)
def test_jedi_completes(source, expected):
    jedi = pytest.importorskip("jedi", reason=f"jedi {EXTRA}")
    script = jedi.Script(source, project=jedi.Project(PACKAGE.parent))
    found = {completion.name for completion in script.complete()}
    assert expected <= found and len(found) < 10
