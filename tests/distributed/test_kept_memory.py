"""Thresholds of glibc's allocator: raised while an actor computes, then as they were."""

import os
import resource
import subprocess
import sys

import pytest

from skmaxent.distributed import memory

PAGES = """
import resource
import numpy as np
from skmaxent.distributed.memory import KeptMemory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(1 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
with KeptMemory():
    faults()
    kept = faults()
print(faults(), kept)
"""


@pytest.mark.skipif(memory.glibc() is None, reason="the C library has no mallopt")
def test_arrays_are_not_mapped_anew_while_it_is_held():
    environment = {**os.environ, memory.VARIABLE: "65536"}
    printed = subprocess.run(
        [sys.executable, "-c", PAGES], env=environment, capture_output=True, text=True, check=True
    ).stdout
    usual, kept = map(int, printed.split())
    assert kept < usual / 10  # 8 MB, 20 times
    assert usual > 20 * (8 << 20) / resource.getpagesize() / 600  # huge pages at most


def test_thresholds_are_set_by_the_first_and_given_back_by_the_last(monkeypatch):
    calls = []

    class Library:
        def mallopt(self, parameter, value):
            calls.append((parameter, value))

        def malloc_trim(self, pad):
            calls.append("trim")

    monkeypatch.setattr(memory, "glibc", Library)
    monkeypatch.setenv(memory.VARIABLE, "65536")
    kept = memory.KeptMemory()
    with kept, kept:
        assert calls == [(-1, memory.TRIM_LARGE), (-3, memory.MMAP_LARGEST)]
    assert calls[2:] == [(-1, 65536), (-3, memory.MMAP_DEFAULT), "trim"]
    monkeypatch.delenv(memory.VARIABLE)
    with kept:
        assert len(calls) == 5  # glibc adapts by itself
