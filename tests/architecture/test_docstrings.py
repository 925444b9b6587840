"""Docstrings of all that is public, by numpydoc's own checks."""

import importlib
import inspect
import re
import types

import pytest

import skmaxent

validate = pytest.importorskip("numpydoc.validate", reason="numpydoc is part of the extra 'docs'").validate

MODULES = ["skmaxent", "skmaxent.dropin"]
MODULES += [f"skmaxent.{name}" for name in skmaxent.__all__ if inspect.ismodule(getattr(skmaxent, name))]
# A summary on one line, parameters and what is returned described, in order; sections once, with examples.
CHECKS = {
    "GL03",
    "GL06",
    "GL07",
    "GL08",
    "SS01",
    "SS02",
    "PR01",
    "PR02",
    "PR03",
    "PR04",
    "PR05",
    "PR07",
    "PR10",
}
CHECKS |= {"RT01", "RT03", "YD01"}
OF_OBJECTS = CHECKS | {"EX01", "SA01"}
# scikit-learn's own docstrings, of its parameters.
THEIRS = {
    f"skmaxent.dropin.{name}" for name in ("LogisticRegression", "LogisticRegressionCV", "MLPClassifier")
}


def objects():
    """Full names of public classes and functions."""
    for module in MODULES:
        home = importlib.import_module(module)
        for name in home.__all__:
            documented = isinstance(getattr(home, name), type | types.FunctionType)
            if documented and f"{module}.{name}" not in THEIRS:
                yield f"{module}.{name}"


def find(name):
    module = max((m for m in MODULES if name.startswith(f"{m}.")), key=len)
    found = importlib.import_module(module)
    for part in name.removeprefix(f"{module}.").split("."):
        found = inspect.getattr_static(found, part) if inspect.isclass(found) else getattr(found, part)
    return found


def methods(name):
    """Full names of the public methods and properties of a class that are written here."""
    kind = find(name)
    if not inspect.isclass(kind):
        return
    for key in dir(kind):
        member = inspect.getattr_static(kind, key)
        function = inspect.unwrap(getattr(kind, key)) if callable(getattr(kind, key)) else member
        written_here = getattr(function, "__module__", "") or ""
        if isinstance(member, property):
            written_here = member.fget.__module__
        elif not inspect.isroutine(function):
            continue
        if not key.startswith("_") and written_here.startswith("skmaxent"):
            yield f"{name}.{key}"


def faults(name, checks):
    return [(code, text) for code, text in validate(name)["errors"] if code in checks]


def test_there_is_much_to_check():
    names = [*objects()]
    assert len(names) > 40 and sum(len([*methods(name)]) for name in names) > 80


@pytest.mark.parametrize("name", objects())
def test_docstrings_of_classes_and_functions(name):
    found = faults(name, OF_OBJECTS)
    kind = find(name)
    if inspect.isclass(kind) and "    Attributes\n" in kind.__doc__:
        # The fields of a data class are described once, as attributes.
        described = set(re.findall(r"^    ([\w, ]+) : ", kind.__doc__, re.M))
        described = {part for names in described for part in names.split(", ")}
        if set(inspect.signature(kind).parameters) <= described:
            found = [(code, text) for code, text in found if code != "PR01"]
    assert found == []


@pytest.mark.parametrize("name", [name for name in objects() if inspect.isclass(find(name))])
def test_docstrings_of_methods(name):
    assert {method: found for method in methods(name) if (found := faults(method, CHECKS))} == {}
