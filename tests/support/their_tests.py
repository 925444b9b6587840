"""scikit-learn's installed test modules, with our classes in place of theirs."""

import ast
import importlib.util
import types
from pathlib import Path

import pytest

from skmaxent import dropin

OURS = {"LogisticRegression", "LogisticRegressionCV", "MLPClassifier"}


class Imports(ast.NodeTransformer):
    """``from sklearn... import LogisticRegression`` imports ours; all else stays as it is."""

    def visit_ImportFrom(self, node):
        ours = [alias for alias in node.names if alias.name in OURS and node.module.startswith("sklearn")]
        if not ours:
            return node
        nodes = [ast.ImportFrom("skmaxent.dropin", ours, 0)]
        others = [alias for alias in node.names if alias not in ours]
        if others:
            nodes.append(ast.ImportFrom(node.module, others, node.level))
        return [ast.copy_location(new, node) for new in nodes]


def names_of(module):
    """The names of a test module of scikit-learn after its import with ours in place.

    Its tests run under their own filters of warnings, over pytest's "default", as in scikit-learn's
    own runs.
    """
    file = importlib.util.find_spec(module).origin
    tree = ast.fix_missing_locations(Imports().visit(ast.parse(Path(file).read_bytes())))
    loaded = types.ModuleType(module)
    loaded.__file__ = file
    exec(compile(tree, file, "exec"), vars(loaded))
    held = {id(value) for value in vars(loaded).values()}
    assert any(id(getattr(dropin, name)) in held for name in OURS), "nothing was replaced"
    names = {name: value for name, value in vars(loaded).items() if not name.startswith("__")}
    marks = names.get("pytestmark", [])
    marks = marks if isinstance(marks, list) else [marks]
    return names | {"pytestmark": [pytest.mark.filterwarnings("default"), *marks]}
