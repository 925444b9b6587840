"""DaskMaxEntClassifier on two processes, one of which is killed."""

import os
import signal

import numpy as np
import pytest
import scipy.sparse
from local_clusters import local_cluster
from numpy.testing import assert_allclose

from problems import random_sparse  # isort: skip

from skmaxent import MaxEntClassifier

dask = pytest.importorskip("dask", reason="needs dask: skmaxent[dask]")
pytest.importorskip("distributed.worker", reason="needs distributed: skmaxent[dask]")

from skmaxent.distributed import DaskMaxEntClassifier  # noqa: E402
from skmaxent.distributed.crew import Crew  # noqa: E402

pytestmark = pytest.mark.usefixtures("alarm")
PARAMETERS = {"solver": "newton-cg", "tol": 1e-9, "n_jobs": 1}


@pytest.fixture(scope="module")
def processes():
    """A client of two workers in processes of their own."""
    with local_cluster(n_workers=2, processes=True, silence_logs=50) as client:
        yield client


def partition(seed):
    """Rows and labels that can be made again wherever they are needed."""
    X = random_sparse(80, 20, 0.3, seed)
    return X, np.random.default_rng(seed).integers(3, size=80)


def collections():
    parts = [dask.delayed(partition, nout=2)(seed) for seed in range(6)]
    return [X for X, _ in parts], [y for _, y in parts]


def test_two_processes_one_of_which_is_killed_in_mid_fit(processes, monkeypatch):
    parts = [partition(seed) for seed in range(6)]
    X = scipy.sparse.vstack([X for X, _ in parts], format="csr")
    here = MaxEntClassifier(**PARAMETERS).fit(X, np.concatenate([y for _, y in parts]))
    ids, run, n_trips = processes.run(os.getpid), Crew.run, []

    def run_and_kill(self, program):
        n_trips.append(program)
        if len(n_trips) == 15:
            os.kill(ids[self.hands[0].address], signal.SIGKILL)
        return run(self, program)

    monkeypatch.setattr(Crew, "run", run_and_kill)
    fitted = DaskMaxEntClassifier(**PARAMETERS).fit(*collections())
    report = fitted.convergence_
    assert report["n_recoveries"] == 1 and report["stop_reason"] == "converged"
    assert report["round_trips"] > 20  # it was in mid-fit
    assert_allclose(report["objective"], here.convergence_["objective"], rtol=2e-9)
    assert_allclose(fitted.predict_proba(collections()[0]).compute(), here.predict_proba(X), atol=1e-5)
