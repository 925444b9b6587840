"""Clusters for tests, and an alarm: nothing here may hang."""

import signal
import threading

import pytest
from local_clusters import local_cluster


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
