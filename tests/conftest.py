"""Fixtures that all tests share."""

import functools

import pytest


@functools.cache
def _load(loader, subset, options):
    return loader(subset, **dict(options)) if subset else loader(**dict(options))


@pytest.fixture
def real_corpus():
    """``real_corpus(loader, subset=None, **options)``: the loaded corpus; skips the test without it."""

    def load(loader, subset=None, **options):
        try:
            return _load(loader, subset, tuple(options.items()))
        except FileNotFoundError as error:
            pytest.skip(str(error))

    return load
