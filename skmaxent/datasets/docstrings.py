"""A text corpus that is on every machine: the docstrings of NumPy, SciPy and scikit-learn."""

import ast
import gc
import re
from collections import Counter
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from inspect import cleandoc
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

_DISTRIBUTIONS = {"numpy": "numpy", "scipy": "scipy", "sklearn": "scikit-learn"}
# numpy.distutils is installed or not depending on the version of Python; the others are tests, copies of
# other projects, and build files.
_SKIPPED = {"tests", "externals", "distutils", "conftest", "setup", "__config__", "version", "_version"}
_MIN_WORDS = 5

_DESCR = """\
Docstrings of NumPy, SciPy and scikit-learn
-------------------------------------------

Task: tell from its docstring which subpackage a module, class, function, method or property belongs to.
One document is the docstring of a public object (no leading underscore; special methods such as
``__call__`` count as public, and so do the public methods of private base classes, which public classes
inherit; all modules count), taken from the installed source files without importing them; NumPy's and SciPy's
``add_newdoc`` calls count too.

What would give the answer away, or names no content, is removed: doctests and import
statements (they name the subpackage), the signature in the first line, targets of references to the user
guide, and all but the last part of a dotted path (``scipy.linalg.solve`` becomes ``solve``, ``scipy.linalg``
disappears). Documents of fewer than {min_words} words are left out; a text that occurs several times in a
subpackage is kept once; a text that occurs in several subpackages is left out, since its class would be
arbitrary.

A class is a subpackage or a top-level module, such as ``numpy.linalg`` or ``sklearn.pipeline``; a public
subpackage inside another, such as ``scipy.sparse.linalg``, is a class of its own where it has at least
``min_documents`` documents, and belongs to its parent otherwise. Classes with fewer documents are left out.

Here: {documents} documents, {classes} classes, min_documents={min_documents}; {versions}.
The corpus depends on the installed versions, so compare figures only between runs with the same ones.
"""


def load_docstrings(*, min_documents=40, return_X_y=False):
    """Load the docstrings of the installed NumPy, SciPy and scikit-learn, labelled by subpackage.

    A multiclass text corpus that needs no download: about 5,000 documents in some 37 classes at the default
    setting, depending on the installed versions. The files are parsed, no module is imported; this takes a
    few seconds in the first call, and is kept in memory for the next.

    Parameters
    ----------
    min_documents : int, default=40
        Leave out classes with fewer documents.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    docstrings : :class:`~sklearn.utils.Bunch`
        data : list of str, length n_documents
            The texts, in the order of package, file and line.
        target : ndarray of shape (n_documents,), int
            The index of each document's class in ``target_names``.
        target_names : list of str, length n_classes
            Subpackages, sorted.
        names : list of str, length n_documents
            Qualified name of the object that each text documents.
        versions : dict
            Version of each package.
        DESCR : str
            What is in the corpus, and what was removed.

    Raises
    ------
    ValueError
        If min_documents is not a positive integer, or no class has that many documents.

    See Also
    --------
    load_newsgroups : A corpus of the same size.

    Examples
    --------
    >>> from skmaxent.datasets import load_docstrings
    >>> docstrings = load_docstrings()
    >>> len(docstrings.data) == len(docstrings.target)
    True
    """
    if not isinstance(min_documents, Integral) or min_documents < 1:
        raise ValueError(
            "The 'min_documents' parameter of load_docstrings must be an int in the range [1, inf). "
            f"Got {min_documents!r} instead."
        )
    labels, names, texts = _corpus()
    counts = Counter(labels)
    merged = [label[:2] if counts[label] < min_documents else label for label in labels]
    counts = Counter(merged)
    kept = [i for i, label in enumerate(merged) if counts[label] >= min_documents]
    if not kept:
        raise ValueError(f"No class has {min_documents} documents; the largest has {max(counts.values())}.")
    target_names, target = np.unique([".".join(merged[i]) for i in kept], return_inverse=True)
    data = [texts[i] for i in kept]
    if return_X_y:
        return data, target
    versions = {package: version(name) for package, name in _DISTRIBUTIONS.items()}
    return Bunch(
        data=data,
        target=target,
        target_names=target_names.tolist(),
        names=[names[i] for i in kept],
        versions=versions,
        DESCR=_DESCR.format(
            documents=len(data),
            classes=len(target_names),
            min_documents=min_documents,
            min_words=_MIN_WORDS,
            versions=", ".join(f"{package} {number}" for package, number in versions.items()),
        ),
    )


@cache
def _corpus():
    """Labels (tuples of package, subpackage and perhaps subsubpackage), qualified names and cleaned texts."""
    # Syntax trees hold no cycles: searching them for some takes longer than parsing.
    collecting = gc.isenabled()
    gc.disable()
    try:
        found = [entry for package in _DISTRIBUTIONS for entry in _read_package(package)]
    finally:
        if collecting:
            gc.enable()
    # Short names by which texts refer to packages and subpackages: "np.linalg.solve", "linalg.solve".
    prefixes = {"np", "sp", *(part for label, _, _ in found for part in label)}
    dotted = re.compile(rf"\b(?:{'|'.join(sorted(prefixes))})(?:\.\w+)+")

    def last_part(match):
        part = match.group().rpartition(".")[2]
        return "" if part in prefixes else part

    first = {}  # by text without regard to white space and case
    for label, name, docstring in found:
        text = dotted.sub(last_part, _clean(docstring))
        words = text.lower().split()
        if len(words) >= _MIN_WORDS:
            first.setdefault(" ".join(words), (label, name, text, set()))[-1].add(label)
    return tuple(zip(*(entry[:3] for entry in first.values() if len(entry[-1]) == 1)))


def _read_package(package):
    """Yield (label, qualified name, docstring) of a package's public objects, in the order of its files."""
    root = Path(next(iter(find_spec(package).submodule_search_locations)))
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).parts):
        *folders, stem = path.relative_to(root).with_suffix("").parts
        parts = folders if stem == "__init__" else [*folders, stem]
        # NumPy's core is private by name, but it is where the public arrays and their functions live.
        subpackage = "core" if parts[:1] == ["_core"] else "".join(parts[:1])
        if not subpackage or subpackage.startswith("_") or _SKIPPED.intersection([*folders, stem]):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue  # templates and files for another version of Python
        inner = [folder for folder in folders[1:2] if not folder.startswith("_")]
        for name, docstring in _public_docstrings(tree, ".".join([package, *parts])):
            yield (package, subpackage, *inner), name, docstring


def _public_docstrings(node, name):
    """Yield (qualified name, docstring) for a module or class, if public, and all that is public in it."""
    short = name.rpartition(".")[2]
    special = short.startswith("__") and short.endswith("__")
    if special or not short.startswith("_") or isinstance(node, ast.Module):
        docstring = ast.get_docstring(node, clean=False)
        if docstring:
            yield name, docstring
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return  # nested functions are nobody's interface
    blocks = [node.body]
    while blocks:
        for child in blocks.pop():
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield from _public_docstrings(child, f"{name}.{child.name}")
            elif isinstance(child, ast.If | ast.Try):
                blocks += [child.body, child.orelse]
            elif isinstance(child, ast.Expr) and isinstance(child.value, ast.Call):
                yield from _added_docstrings(child.value, name)


def _added_docstrings(call, module):
    """Yield (qualified name, docstring) from a call of add_newdoc.

    Its forms: (name, doc) with the name in the package of the calling file; (place, name, doc);
    (place, name, (attribute, doc)); (place, name, [(attribute, doc), ...]).
    """
    if getattr(call.func, "id", None) != "add_newdoc" or not 2 <= len(call.args) <= 3:
        return
    *path, docs = call.args
    if not all(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in path):
        return
    places = [module.rpartition(".")[0]] if len(path) == 1 else []
    owner = ".".join([*places, *(part.value for part in path)])
    if isinstance(docs, ast.Tuple):
        docs = ast.List([docs])
    pairs = [pair.elts for pair in docs.elts] if isinstance(docs, ast.List) else [(None, docs)]
    for attribute, doc in pairs:
        while isinstance(doc, ast.Call) and isinstance(doc.func, ast.Attribute):
            doc = doc.func.value  # the string in """...""".replace(...)
        if isinstance(doc, ast.Constant) and isinstance(doc.value, str):
            name = owner if attribute is None else f"{owner}.{attribute.value}"
            if not name.rpartition(".")[2].startswith("_"):
                yield name, doc.value


def _clean(docstring):
    """The docstring without indentation, doctests, imports, signature and the targets of references."""
    text = cleandoc(docstring)
    # A doctest is the lines from a prompt to the next empty line.
    text = re.sub(r"^[ \t]*>>>.*(?:\n[ \t]*\S.*)*", "", text, flags=re.MULTILINE)
    text = re.sub(r"^[ \t]*(?:import|from)[ \t]+(?:numpy|scipy|sklearn)\b.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\A[\w.]+\(.*\)(?:\s*->.*)?$", "", text, count=1, flags=re.MULTILINE)
    text = re.sub(r":ref:`([^`<]*?)\s*(?:<[^`]*>)?`", lambda m: m[1] if "<" in m[0] else "", text)
    return re.sub(r"[ \t]*\n(?:[ \t]*\n){2,}", "\n\n", text).strip()
