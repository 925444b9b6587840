"""Links to the documentation: scikit-learn's HTML view of an estimator, and the pages it points to."""

import html
import importlib.util
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

import skmaxent
from skmaxent import Joined, JointFeatures

ESTIMATORS = [
    name
    for name in skmaxent.__all__
    if isinstance(getattr(skmaxent, name), type) and issubclass(getattr(skmaxent, name), BaseEstimator)
]
TOOLTIPS = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
ROOT = Path(skmaxent.__file__).parents[1]


def make(name):
    cls = getattr(skmaxent, name)
    arguments = {JointFeatures: [[Joined("word")]], skmaxent.TokenFeatures: [len]}
    return cls(*arguments.get(cls, []))


class Reader(HTMLParser):
    """Links, anchors and text of a page."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.links, self.anchors, self.text = [], set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a":
            self.links.append(attrs["href"])
        if "id" in attrs:
            assert attrs["id"] not in self.anchors
            self.anchors.add(attrs["id"])

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The folder of the API pages, made from the docstrings as for the wheel."""
    pytest.importorskip("sklearn.externals._numpydoc", reason="scikit-learn without numpydoc")
    script = ROOT / "docs" / "build_api.py"
    if not script.exists():
        pytest.skip("the tests run without a checkout")
    spec = importlib.util.spec_from_file_location("build_api", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("pages")
    names = [name for name in skmaxent.__all__ if not isinstance(getattr(skmaxent, name), ModuleType)]
    assert module.write(folder) == 1 + len(names)  # and the index
    return folder


@pytest.fixture
def linked(pages, monkeypatch):
    """Links that point to the pages."""
    monkeypatch.setenv("SKMAXENT_DOCS_URL", pages.as_uri())


def file_of(link):
    parts = urlparse(link)
    assert parts.scheme == "file"
    return Path(url2pathname(parts.path))


@pytest.mark.usefixtures("linked")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_link_of_the_html_view_resolves(name):
    view = estimator_html_repr(make(name))
    links = [link for link in Reader(view).links if "scikit-learn.org" not in link]
    assert any(link.endswith(f"/{name}.html") for link in links)
    text = " ".join(Reader(file_of(links[0]).read_text(encoding="utf-8")).text.split())
    for link in links:
        assert file_of(link).is_file()
        fragment = urlparse(link).fragment.removeprefix(":~:text=")
        if fragment:  # scikit-learn asks the browser for the name that is followed by the type
            start, suffix = re.fullmatch("(.*),-(.*)", fragment).groups()
            assert f"{unquote(start)} {unquote(suffix)}" in text


@pytest.mark.usefixtures("linked")
@pytest.mark.skipif(not TOOLTIPS, reason="parameter tooltips came with scikit-learn 1.9")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_parameter_has_a_link_and_a_tooltip(name):
    estimator = make(name)
    view = estimator_html_repr(estimator)
    tooltips = re.findall(r'class="param-doc-description"[^>]*>\s*(.*?)</span>', view, re.S)
    described = {html.unescape(tooltip).split(":")[0] for tooltip in tooltips}
    assert set(estimator.get_params(deep=False)) <= described
    assert all(len(tooltip.split("<br><br>")[1]) > 20 for tooltip in tooltips)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_parameter_has_an_anchor(name, pages):
    reader = Reader((pages / f"{name}.html").read_text(encoding="utf-8"))
    assert set(make(name).get_params(deep=False)) <= reader.anchors
    for link in reader.links:
        assert (pages / link).is_file()


def test_without_pages_there_is_no_link(monkeypatch):
    monkeypatch.delenv("SKMAXENT_DOCS_URL", raising=False)
    link = skmaxent.MaxEntClassifier()._get_doc_link()
    installed = (Path(skmaxent.__file__).parent / "_api").is_dir()
    assert link.startswith("file:///") if installed else link == ""


def test_the_address_of_the_pages_can_be_set(monkeypatch):
    monkeypatch.setenv("SKMAXENT_DOCS_URL", "https://docs.example/api/")
    link = skmaxent.MaxEntClassifier()._get_doc_link()
    assert link == "https://docs.example/api/MaxEntClassifier.html"


def test_a_class_of_the_user_has_no_page():
    class Mine(skmaxent.MaxEntClassifier):
        pass

    assert Mine()._get_doc_link() == ""
