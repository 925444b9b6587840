"""Links to the site from scikit-learn's HTML view of an estimator."""

import html
import re
from email.message import Message
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError
from urllib.parse import unquote, urlparse

import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

import skmaxent
from skmaxent import Joined, JointFeatures, compat

ESTIMATORS = [
    name
    for name in skmaxent.__all__
    if isinstance(getattr(skmaxent, name), type) and issubclass(getattr(skmaxent, name), BaseEstimator)
]
TOOLTIPS = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
SITE = "https://docs.example/skmaxent"


def make(name):
    cls = getattr(skmaxent, name)
    arguments = {JointFeatures: [[Joined("word")]], skmaxent.TokenFeatures: [len]}
    return cls(*arguments.get(cls, []))


class Links(HTMLParser):
    """Links of a page."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.links = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs)["href"])


@pytest.fixture(params=[None, SITE, f"{SITE}/"])
def site(request, monkeypatch):
    """The metadata of the package without an address of the site, and with one; gives it or None."""
    compat.site_address.cache_clear()
    message = Message()
    message["Project-URL"] = "Issues, https://forge.example/issues"
    if request.param:
        message["Project-URL"] = f"Documentation, {request.param}"
    monkeypatch.setattr(compat, "metadata", {"skmaxent": message}.__getitem__)
    yield request.param and SITE
    compat.site_address.cache_clear()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_link_points_to_the_page_of_the_estimator(name, site):
    view = estimator_html_repr(make(name))
    links = [link for link in Links(view).links if "scikit-learn.org" not in link]
    assert "file:" not in view
    page = f"{SITE}/api/generated/skmaxent.{name}.html"  # autosummary's, from docs/api/index.rst
    if site is None:
        assert links == [] and make(name)._get_doc_link() == ""
        return
    assert page in links
    text = getattr(skmaxent, name).__doc__.replace("`", "")
    for link in links:
        parts = urlparse(link)
        assert link.partition("#")[0] == page
        if parts.fragment:  # scikit-learn asks the browser for the name that is followed by the type
            start, suffix = re.fullmatch(":~:text=(.*),-(.*)", parts.fragment).groups()
            assert f"    {unquote(start)} : {unquote(suffix)}" in text


@pytest.mark.skipif(not TOOLTIPS, reason="parameter tooltips came with scikit-learn 1.9")
@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("site", [SITE], indirect=True)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_parameter_has_a_link_and_a_tooltip(name):
    estimator = make(name)
    view = estimator_html_repr(estimator)
    tooltips = re.findall(r'class="param-doc-description"[^>]*>\s*(.*?)</span>', view, re.S)
    described = {html.unescape(tooltip).split(":")[0] for tooltip in tooltips}
    assert set(estimator.get_params(deep=False)) <= described
    assert all(len(tooltip.split("<br><br>")[1]) > 20 for tooltip in tooltips)


def test_a_class_of_the_user_has_no_page(site):
    class Mine(skmaxent.MaxEntClassifier):
        pass

    assert Mine()._get_doc_link() == ""


def test_a_package_that_is_not_installed_has_no_site(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(compat, "metadata", missing)
    compat.site_address.cache_clear()
    assert compat.site_address() == ""
    compat.site_address.cache_clear()
