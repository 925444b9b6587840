"""The pages of the site: what they show runs, what they promise has its test, and none of them is lost."""

import ast
import doctest
import re
from pathlib import Path
from types import ModuleType

import pytest

import skmaxent
from skmaxent import distributed, dropin

ROOT = Path(skmaxent.__file__).parents[1]
DOCS = ROOT / "docs"
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PAGES = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if not {"_build", "auto_examples", "generated"} & set(path.relative_to(DOCS).parts)
]
if not PAGES:
    pytest.skip("the tests run without a checkout", allow_module_level=True)


def name_of(page):
    return page.relative_to(DOCS).with_suffix("").as_posix()


def session(page):
    """The interactive sessions of a page as one."""
    return "\n".join(re.findall(r"^```pycon\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M))


@pytest.mark.parametrize("page", [page for page in PAGES if session(page)], ids=name_of)
def test_what_a_page_shows_is_what_comes_out(page):
    test = doctest.DocTestParser().get_doctest(session(page), {}, name_of(page), str(page), 0)
    assert test.examples
    printed = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=printed.append)
    assert result.failed == 0, "".join(printed)


def listed(text):
    """Entries of the toctrees of a page, without their titles."""
    entries = []
    for tree in re.findall(r"```\{toctree\}\n(.*?)```", text, re.S):
        entries += [line.strip() for line in tree.splitlines() if line.strip() and line[0] != ":"]
    return entries


def test_every_page_is_reached():
    reached, waiting = set(), ["index"]
    names = {name_of(page): page for page in PAGES}
    while waiting:
        name = waiting.pop()
        if name not in names or name in reached:
            continue
        reached.add(name)
        for entry in listed(names[name].read_text(encoding="utf-8")):
            base = DOCS if entry.startswith("/") else names[name].parent
            found = [path for path in base.glob(f"{entry.lstrip('/')}.md") if "_build" not in path.parts]
            found = found or [base / f"{entry.lstrip('/')}.md"]
            waiting += [path.resolve().relative_to(DOCS).with_suffix("").as_posix() for path in found]
    assert reached == names.keys()


def test_the_api_page_has_every_public_name_once():
    text = (DOCS / "api" / "index.rst").read_text(encoding="utf-8")
    # Links of scikit-learn's HTML view point to the pages there: `skmaxent.compat.Documented`.
    assert text.count(".. autosummary::\n   :toctree: generated\n") == text.count("autosummary::") > 5
    module, lists = None, {}
    for line in text.splitlines():
        if match := re.fullmatch(r"\.\. module:: ([\w.]+)", line):
            module = match[1]
        elif match := re.fullmatch(r"   (\w+)", line):
            lists.setdefault(module, []).append(match[1])
    public = {name: getattr(skmaxent, name) for name in skmaxent.__all__}
    parts = [value for value in public.values() if isinstance(value, ModuleType)]
    expected = {part.__name__: part.__all__ for part in parts}
    expected["skmaxent"] = [name for name, value in public.items() if value not in parts]
    # Its classes are scikit-learn's, and so are their pages.
    expected["skmaxent.dropin"] = [name for name in dropin.__all__ if name[0].islower()]
    expected["skmaxent.distributed"] = distributed.__all__
    assert {part: sorted(names) for part, names in lists.items()} == {
        part: sorted(names) for part, names in expected.items()
    }


def functions_of(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_has_its_test():
    text = (DOCS / "reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", text)
    assert len(named) > 30
    for file, function in named:
        assert function in functions_of(file), f"{file}::{function}"
    for file in re.findall(r"`((?:benchmarks|docs|tests)/[\w/]+\.\w+)`", text):
        assert (ROOT / file).exists(), file
    # Each line of a table of promises leans on something.
    promises = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    promises = [line for line in promises if "| where" not in line]
    assert all(re.search(r"`(tests/|benchmarks/|docs/|\.ci/run)", line) for line in promises)


def test_the_version_to_cite_is_the_version():
    for page in ("CITATION.cff", "citing.md"):
        versions = re.findall(
            r"^\s*version\s*[:=]\s*\{?([\d.]+)", (DOCS / page).read_text(encoding="utf-8"), re.M
        )
        assert versions == [skmaxent.__version__]


def test_included_code_is_there():
    """What `literalinclude` shows of a file by name; the build of the site asks for the rest."""
    text = (DOCS / "course.md").read_text(encoding="utf-8")
    shown = re.findall(r"\{literalinclude\} \.\./([\w/.]+)\n((?::.*\n)+)", text)
    assert len(shown) >= 12
    for file, options in shown:
        source = (ROOT / file).read_text(encoding="utf-8")
        for name in re.findall(r":pyobject: ([\w.]+)", options):
            assert re.search(rf"^\s*(def|class) {name.split('.')[-1]}\b", source, re.M), (file, name)
        for line in re.findall(r":(?:start-at|end-before|end-at): (.+)", options):
            assert line in source, (file, line)
