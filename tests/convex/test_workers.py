"""Work in threads: taken in turn, in order, to its end or to the first failure."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmaxent.numerics.sparse import CACHED_ENTRIES, peak
from skmaxent.numerics.threads import BlockRunner, Workers

TIMEOUT = 30


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_results_are_in_the_order_of_the_pieces(n_threads):
    with Workers(n_threads) as workers:
        assert workers.map(lambda i: i**2, range(100)) == [i**2 for i in range(100)]
        assert workers.map(str, []) == []
        # Work inside of work has threads or does it itself: it never waits for one that is busy.
        assert workers.map(lambda i: workers.map(lambda j: i * j, range(4)), range(6)) == [
            [i * j for j in range(4)] for i in range(6)
        ]


def test_two_threads_work_at_once():
    both = threading.Barrier(2, timeout=TIMEOUT)
    with Workers(2) as workers:
        workers.map(lambda _: both.wait(), range(2))
    with BlockRunner(2) as run:
        run(lambda start, stop: both.wait(), 20, 10)


@pytest.mark.parametrize("fails", ["caller", "helper"])
def test_after_a_failure_nobody_begins_another_piece(fails):
    caller, both, begun = threading.get_ident(), threading.Barrier(2, timeout=TIMEOUT), []
    failed = threading.Event()

    def work(i):
        begun.append(i)
        if i < 2:  # one in each thread
            both.wait()
            if (threading.get_ident() == caller) == (fails == "caller"):
                failed.set()
                raise ZeroDivisionError
            assert failed.wait(TIMEOUT)
            threading.Event().wait(0.2)  # the other one has left its loop by now

    with Workers(2) as workers:
        with pytest.raises(ZeroDivisionError):
            workers.map(work, range(50))
        assert len(begun) == 2
        assert workers.map(abs, [-1, -2, -3]) == [1, 2, 3]


def test_a_runner_works_on_after_its_end():
    filled = np.zeros(25)
    with BlockRunner(2) as run:
        assert run.later(abs, -3)() == 3
    run(lambda start, stop: filled.__setitem__(slice(start, stop), start), 25, 10)
    assert_array_equal(filled, np.repeat([0, 10, 20], [10, 10, 5]))
    assert run.later(abs, -3)() == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(0, 3), (4, 5), (1, CACHED_ENTRIES + 1), (700, 500), (2 * CACHED_ENTRIES,)]
)
def test_the_largest_entry_in_modulus(shape, dtype):
    V = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    for view in (V, V.T, V[::2], np.asfortranarray(V)):
        assert peak(view) == np.abs(view).max(initial=0)
    if V.size:
        V.reshape(-1)[-1] = -np.inf
        assert peak(V) == np.inf
        V.reshape(-1)[0] = np.nan
        assert np.isnan(peak(V))
