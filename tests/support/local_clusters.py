"""Clusters of dask for tests."""

from contextlib import contextmanager

import pytest


def local_cluster(**options):
    """A LocalCluster with a client, as a context manager; skips where there is no dask."""
    pytest.importorskip("distributed.worker", reason="needs dask and distributed: skmaxent[dask]")
    import distributed

    @contextmanager
    def running():
        options.setdefault("dashboard_address", ":0")  # any free port: several of these run at once
        with (
            distributed.LocalCluster(threads_per_worker=1, **options) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client

    return running()
