"""Fixtures that all tests share."""

import functools
import inspect
import os
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

import hypothesis
import pytest

# A test is right or wrong, however busy the machine is.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")
# Where the corpora are beside a checkout; a user's own setting comes first.
_CORPORA = Path(__file__).resolve().parents[2] / "shared" / "data"
if _CORPORA.is_dir():
    os.environ.setdefault("SKMAXENT_DATA", str(_CORPORA))


@pytest.fixture(scope="session", autouse=True)
def nothing_is_downloaded():
    """Requests to other machines than this fail, whoever makes them."""
    real = urllib.request.urlopen

    def here_alone(request, *args, **options):
        url = getattr(request, "full_url", request)
        if urlparse(url).hostname not in (None, "127.0.0.1", "localhost"):
            pytest.fail(f"{url} was to be downloaded")
        return real(request, *args, **options)

    urllib.request.urlopen = here_alone
    yield
    urllib.request.urlopen = real


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    """Of what a test draws nothing is left to the next one."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@functools.cache
def _load(loader, subset, options):
    return loader(subset, **dict(options)) if subset else loader(**dict(options))


@pytest.fixture
def real_corpus():
    """``real_corpus(loader, subset=None, **options)``: the loaded corpus; skips the test without it."""

    def load(loader, subset=None, **options):
        if "download_if_missing" in inspect.signature(loader).parameters:
            options["download_if_missing"] = False
        try:
            return _load(loader, subset, tuple(options.items()))
        except FileNotFoundError as error:
            pytest.skip(str(error))

    return load
