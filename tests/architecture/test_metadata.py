"""What the package says about itself: versions, project URLs, links of README."""

import importlib.util
import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import skmaxent

ROOT = Path(skmaxent.__file__).parents[1]


def test_show_versions(capsys):
    assert skmaxent.show_versions() is None
    printed = capsys.readouterr().out
    said = dict(re.findall(r"^ *([\w -]+): (.*)$", printed, re.M))
    assert said["skmaxent"] == skmaxent.__version__ and said["numpy"] == np.__version__
    assert said["python"].startswith(platform.python_version())
    assert int(said["cores"]) >= 1 and int(said["threads of a fit"]) >= 1
    assert said["scikit-learn"] == version("scikit-learn")
    for library in threadpool_info():
        assert library["filepath"] in printed and str(library["version"]) in printed


@pytest.fixture
def hook(monkeypatch):
    """A function that gives the metadata for addresses; hatchling, which builds, is no dependency."""
    path = ROOT / "docs" / "build_hook.py"
    if not path.exists():
        pytest.skip("the tests run without a checkout")

    class Interface:
        def __init__(self, root, config):
            self.root, self.config = root, config

    fake = ModuleType("interface")
    fake.MetadataHookInterface = Interface
    monkeypatch.setitem(sys.modules, "hatchling.metadata.plugin.interface", fake)
    spec = importlib.util.spec_from_file_location("build_hook", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def metadata(repository, site=""):
        made = {}
        module.AddressHook(str(ROOT), {"repository": repository, "site": site}).update(made)
        return SimpleNamespace(**made)

    return metadata


def targets(text):
    return re.findall(r"\]\(([^)]+)\)", text)


def test_without_an_address_nothing_is_invented_and_no_link_leads_nowhere(hook):
    made, readme = hook(""), (ROOT / "README.md").read_text(encoding="utf-8")
    assert made.urls == {}
    assert [link for link in targets(made.readme["text"]) if not link.startswith("http")] == []
    assert made.readme["text"] != readme
    words = re.sub(r"!\[[^]]*\]\([^)]*\)|\]\([^)]*\)|\[", "", readme)
    assert words == made.readme["text"].replace("[", "")  # all that is said is left, code too


def test_links_and_urls_follow_from_the_address(hook):
    made, address = hook("https://example.org/project/"), "https://example.org/project"
    before = targets((ROOT / "README.md").read_text(encoding="utf-8"))
    after = targets(made.readme["text"])
    assert len(before) == len(after) > 5
    for link, absolute in zip(before, after):
        kind = "raw" if link.endswith(".png") else "blob"  # a picture must be the file, not a page about it
        assert absolute == (link if link.startswith("http") else f"{address}/{kind}/main/{link}")
    for url in [*after, *made.urls.values()]:
        assert url.startswith("https://")
        if match := re.fullmatch(rf"{address}/(?:blob|raw)/main/([^#]*).*", url):
            assert (ROOT / match[1]).exists()
    assert made.urls["Repository"] == address


def test_the_documentation_is_the_site_and_nothing_else(hook):
    """scikit-learn's HTML view links to the pages below it; see `skmaxent.compat.site_address`."""
    assert "Documentation" not in hook("https://example.org/project").urls
    assert hook("", "https://docs.example/").urls == {"Documentation": "https://docs.example"}
