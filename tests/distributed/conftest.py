"""Clusters for tests, and an alarm: nothing here may hang."""

import signal
import threading
from contextlib import contextmanager

import pytest


def local_cluster(**options):
    """A LocalCluster with a client, as a context manager; skips where there is no dask."""
    distributed = pytest.importorskip("distributed", reason="needs dask and distributed: skmaxent[dask]")

    @contextmanager
    def running():
        options.setdefault("dashboard_address", None)
        with (
            distributed.LocalCluster(threads_per_worker=1, **options) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client

    return running()


@pytest.fixture(scope="module")
def client():
    """Two workers in threads of this process."""
    with local_cluster(n_workers=2, processes=False) as client:
        yield client


@pytest.fixture
def alarm():
    """Ends the test after a minute, whatever it waits for."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        pytest.skip("no alarm here")

    def ring(*_):
        raise TimeoutError("this test hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 60)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
