"""The rules of the code base, read from its source: layers, lazy imports, sizes."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import skmaxent

PACKAGE = Path(skmaxent.__file__).parent
FILES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
# Each part may import parts further down, and itself.
LAYERS = [
    {"__init__"},
    {"plotting"},
    {"inspection", "export", "dropin", "distributed"},
    {"estimators"},
    {"features", "sequences"},
    {"convex", "nn"},
    {"numerics", "compat", "datasets"},
]
LEVEL = {part: i for i, layer in enumerate(LAYERS) for part in layer}
FREE_OF_SKLEARN = {"numerics", "convex", "nn", "sequences"}
TO_TRAVEL = {"onnx", "skl2onnx", "eli5"}
ONLY_INSIDE_FUNCTIONS = {
    "matplotlib",
    "pandas",
    "torch",
    "nltk",
    "IPython",
    "rich",
    "dask",
    "distributed",
} | TO_TRAVEL
MAX_FILE, MAX_FUNCTION = 420, 60


def reader():
    """The script that draws the import picture: the same reader of imports."""
    script = PACKAGE.parent / "docs" / "development" / "architecture.py"
    if not script.exists():
        pytest.skip("the tests run without a checkout", allow_module_level=True)
    spec = importlib.util.spec_from_file_location("architecture", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PICTURE = reader()
part_of = PICTURE.room_of


def tree_of(file):
    return ast.parse(FILES[file].read_text(encoding="utf-8"))


def imports(file):
    """Full names of the modules that a file imports."""
    return PICTURE.imports(FILES[file], ("skmaxent", *Path(file).parts[:-1]))


def own_parts(file):
    """Parts of skmaxent that a file imports."""
    parts = [name.split(".")[1] for name in imports(file) if name.startswith("skmaxent.")]
    return {part for part in parts if not part.startswith("__")}  # __version__ is no module


def test_the_reader_of_imports_sees_them():
    assert "features" in own_parts("estimators/maxent.py")
    assert own_parts("convex/fit.py") == {"convex", "numerics"}
    assert "sklearn.utils._param_validation" in set(imports("estimators/maxent.py"))


@pytest.mark.parametrize("file", FILES)
def test_imports_go_down_the_layers(file):
    part = part_of(file)
    assert part in LEVEL, f"give {part} its place among the layers"
    for other in own_parts(file) - {part}:
        assert other in LEVEL, f"{file} imports skmaxent.{other}, which is in no layer"
        assert LEVEL[part] < LEVEL[other], f"{file} must not import skmaxent.{other}"


@pytest.mark.parametrize("file", [file for file in FILES if part_of(file) in FREE_OF_SKLEARN])
def test_the_mathematics_knows_no_scikit_learn(file):
    for name in imports(file):
        assert name.split(".")[0] != "sklearn" and not name.startswith("skmaxent.compat")


def test_the_picture_has_few_arrows_and_no_circle():
    """One layer is one folder: what the layers say is all that there is to see."""
    arrows = PICTURE.rooms(PACKAGE)
    floors, circle = PICTURE.floors(arrows)
    assert not circle and len(floors) <= 6
    assert sum(map(len, arrows.values())) <= 28


@pytest.mark.parametrize("file", FILES)
def test_optional_packages_are_imported_inside_functions(file):
    top = set()
    for statement in tree_of(file).body:
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for node in ast.walk(statement):
                if isinstance(node, ast.Import):
                    top |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    top.add(node.module.split(".")[0])
    assert not top & ONLY_INSIDE_FUNCTIONS


@pytest.mark.parametrize("file", FILES)
def test_files_and_functions_stay_small(file):
    assert len(FILES[file].read_text(encoding="utf-8").splitlines()) < MAX_FILE
    for function in ast.walk(tree_of(file)):
        if isinstance(function, ast.FunctionDef):
            docstring = isinstance(function.body[0], ast.Expr) and ast.get_docstring(function) is not None
            code = function.body[1:] if docstring else function.body
            length = code[-1].end_lineno - code[0].lineno + 1 if code else 0
            assert length < MAX_FUNCTION, f"{function.name} has {length} lines of code"


def run(source):
    """Output of a fresh interpreter that finds this package."""
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", source], env={**os.environ, "PYTHONPATH": path}, capture_output=True,
        text=True, check=True,
    ).stdout  # fmt: skip


def test_import_is_lazy():
    source = "import sys, skmaxent; dir(skmaxent); print(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(run(source).split())
    assert "skmaxent" in loaded
    assert not loaded & {"sklearn", "scipy", "numpy", *ONLY_INSIDE_FUNCTIONS}


def test_the_estimator_loads_no_optional_package():
    source = (
        "import sys; from skmaxent import MaxEntClassifier; print(*{n.split('.')[0] for n in sys.modules})"
    )
    loaded = set(run(source).split())
    assert "sklearn" in loaded
    assert not loaded & {"matplotlib", "torch", "nltk", "IPython"}


@pytest.mark.parametrize("name", skmaxent.__all__)
def test_every_public_name_exists_and_is_documented(name):
    value = getattr(skmaxent, name)
    assert value.__doc__ and name in dir(skmaxent)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'skmaxent' has no attribute 'Nothing'"):
        skmaxent.Nothing  # noqa: B018


def test_the_root_holds_nothing_else():
    """Top level as agreed; skipped where the tests run without a checkout."""
    root = PACKAGE.parent
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout
    names = {Path(line).parts[0] for line in listed.splitlines()}
    agreed = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CITATION.cff",
        "skmaxent",
        "tests",
        "benchmarks",
        "docs",
    }
    assert {name for name in names if not name.startswith(".")} <= agreed
