"""What the package says about itself: versions, project URLs, links of README."""

import importlib.util
import platform
import re
import sys
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
    assert said["scikit-learn"] == sys.modules["sklearn"].__version__
    for library in threadpool_info():
        assert library["filepath"] in printed and str(library["version"]) in printed


@pytest.fixture
def hook(monkeypatch):
    """A function that gives the metadata for an address; hatchling, which builds, is no dependency."""
    path = ROOT / "docs" / "build_hook.py"
    if not path.exists():
        pytest.skip("the tests run without a checkout")

    class Interface:
        def __init__(self, root, config):
            self.root, self.config = root, config

    for kind in ("builders.hooks", "metadata"):
        fake = ModuleType(kind)
        fake.BuildHookInterface = fake.MetadataHookInterface = Interface
        monkeypatch.setitem(sys.modules, f"hatchling.{kind}.plugin.interface", fake)
    spec = importlib.util.spec_from_file_location("build_hook", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def metadata(address):
        made = {}
        module.AddressHook(str(ROOT), {"repository": address}).update(made)
        return SimpleNamespace(**made)

    return metadata


def targets(text):
    return re.findall(r"\]\(([^)]+)\)", text)


def test_without_an_address_nothing_is_invented(hook):
    made = hook("")
    assert made.urls == {} and made.readme["text"] == (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_and_urls_follow_from_the_address(hook):
    made, address = hook("https://example.org/project/"), "https://example.org/project"
    before, after = targets(hook("").readme["text"]), targets(made.readme["text"])
    assert len(before) == len(after) > 5
    for link, absolute in zip(before, after):
        assert absolute == (link if link.startswith("http") else f"{address}/blob/main/{link}")
    for url in [*after, *made.urls.values()]:
        assert url.startswith("https://")
        if f"{address}/blob/main/" in url:
            assert (ROOT / url.removeprefix(f"{address}/blob/main/").partition("#")[0]).exists()
    assert made.urls["Repository"] == address
