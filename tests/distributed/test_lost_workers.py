"""Workers that are lost, sleep or join in mid-fit; no dask, a stand-in for a cluster."""

import threading
import time
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from stand_in_cluster import StandInCluster

from problems import random_sparse  # isort: skip

from skmaxent import MaxEntClassifier
from skmaxent.distributed import crew as crew_module
from skmaxent.distributed import dask_maxent
from skmaxent.distributed.dask_maxent import DaskMaxEntClassifier
from skmaxent.distributed.recovery import FitLost

CLIENT = SimpleNamespace(asynchronous=False)
EDGES = [0, 40, 40, 75, 130, 200]  # one partition has no rows


def data():
    X = random_sparse(200, 30, 0.3)
    y = np.array(["a", "b", "c"])[np.random.default_rng(1).integers(3, size=200)]
    y[40:75] = "a"  # one partition has one class
    return X, y


def partitions(X, y):
    return [X[a:b] for a, b in pairwise(EDGES)], [y[a:b] for a, b in pairwise(EDGES)]


@pytest.fixture
def cluster_of(monkeypatch):
    """Makes the next fits run on a stand-in; returns it once they do."""
    found = []

    def use(names, fault=None):
        def make(client, sources, options, timeout):
            found.append(StandInCluster(sources, names, fault))
            return found[-1]

        monkeypatch.setattr(dask_maxent, "DaskCluster", make)
        return found

    monkeypatch.setattr(crew_module, "LOOK", 0.02)
    monkeypatch.setattr(crew_module, "QUIET_LOOK", 0.0)
    return use


def model(**parameters):
    return DaskMaxEntClassifier(client=CLIENT, n_jobs=1, **parameters)


def lose_at(call):
    def fault(cluster, number, address, method):
        if number == call:
            del cluster.there[address]
            raise ConnectionError("killed")

    return fault


@pytest.mark.parametrize("parameters", [{}, {"l1_ratio": 0.5, "C": 3.0}, {"features": "observed"}])
def test_the_optimum_is_that_of_one_machine_whatever_the_workers(cluster_of, parameters):
    X, y = data()
    here = MaxEntClassifier(tol=1e-9, **parameters).fit(X, y)
    found = []
    for names in ("a", "ab", "abc", "abcdefgh"):
        clusters = cluster_of(names)
        found.append(model(tol=1e-9, **parameters).fit(*partitions(X, y)))
        assert clusters[-1].closed and len(clusters[-1].hired) == min(len(names), 5)
    for there in found:
        assert np.array_equal(there.coef_, found[0].coef_)  # to the last bit
        assert np.array_equal(there.intercept_, found[0].intercept_)
    assert_allclose(found[0].convergence_["objective"], here.convergence_["objective"], rtol=1e-8)
    assert_allclose(found[0].coef_, here.coef_, atol=1e-4)
    assert found[0].convergence_["relative_gap"] <= 1e-9
    assert found[0].convergence_["n_partitions"] == 5 and found[0].convergence_["n_recoveries"] == 0


def test_a_worker_lost_at_any_call_costs_one_recovery_and_goes_on_from_the_last_iterate(cluster_of):
    X, y = data()
    clusters = cluster_of("abc")
    whole = model(tol=1e-9).fit(*partitions(X, y))
    n_calls = clusters[-1].n_calls
    for call in [1, 2, 5, 8, *range(12, n_calls, n_calls // 6)]:
        clusters = cluster_of("abc", lose_at(call))
        fitted = model(tol=1e-9).fit(*partitions(X, y))
        report = fitted.convergence_
        assert report["n_recoveries"] == 1 and report["stop_reason"] == "converged"
        assert_allclose(report["objective"], whole.convergence_["objective"], rtol=2e-9)
        # The iteration that was cut off, and one more where it was the first in double precision.
        assert report["n_iter"] <= whole.convergence_["n_iter"] + 2
        assert np.array_equal(report["history"]["iteration"], np.arange(report["n_iter"] + 1))
        assert (np.diff(report["history"]["objective"]) <= 1e-12).all()


def test_a_worker_without_a_sign_of_life_counts_as_lost(cluster_of):
    X, y = data()
    awake = threading.Event()

    def sleeps(cluster, number, address, method):
        if number == 30:
            cluster.freeze(address)
            awake.wait(30)

    cluster_of("ab", sleeps)
    started = time.monotonic()
    fitted = model(timeout=0.3).fit(*partitions(X, y))
    assert time.monotonic() - started < 20  # not the 30 seconds of the sleeper
    awake.set()
    assert fitted.convergence_["n_recoveries"] == 1 and fitted.convergence_["stop_reason"] == "converged"


def test_a_worker_that_joins_gets_its_share_and_changes_nothing(cluster_of):
    X, y = data()
    cluster_of("a")
    alone = model(tol=1e-9).fit(*partitions(X, y))

    def joins(cluster, number, address, method):
        if number == 25:
            cluster.there["b"] = 1

    clusters = cluster_of("a", joins)
    fitted = model(tol=1e-9).fit(*partitions(X, y))
    assert fitted.convergence_["n_moves"] == 1 and fitted.convergence_["n_recoveries"] == 0
    assert clusters[-1].hired[-1][0] == "b" and len(clusters[-1].hired[-1][1]) >= 2
    assert_allclose(fitted.convergence_["objective"], alone.convergence_["objective"], rtol=2e-9)


def test_workers_lost_again_and_again_end_the_fit_and_keep_the_weights(cluster_of):
    X, y = data()
    cluster_of("abcd")
    old = model().fit(*partitions(X, y))
    coef = old.coef_.copy()

    def fails(cluster, number, address, method):
        if number >= 150:
            raise ConnectionError("out of memory")

    cluster_of("abcdefgh", fails)
    old.set_params(C=50.0, max_recoveries=2, solver="newton-cg")
    with pytest.raises(FitLost, match=r"lost 3 times in a row .* at most .* above the optimum") as caught:
        old.fit(*partitions(X, y))
    assert isinstance(caught.value, RuntimeError)
    assert np.array_equal(old.coef_, coef)  # the old model is whole
    kept = caught.value.model
    assert type(kept) is MaxEntClassifier and kept.score(X, y) > 0.4 and kept.coef_.any()


def test_no_worker_at_all_is_an_error(cluster_of):
    cluster_of("")
    with pytest.raises(RuntimeError, match=r"no worker for 0\.1 seconds"):
        model(timeout=0.1).fit(*partitions(*data()))


def test_an_error_on_a_worker_is_the_users_to_see(cluster_of):
    def fails(cluster, number, address, method):
        if number == 20:
            raise MemoryError("1 TB")

    cluster_of("ab", fails)
    with pytest.raises(MemoryError, match="1 TB"):
        model().fit(*partitions(*data()))


def test_a_checkpoint_survives_the_client(cluster_of, tmp_path):
    X, y = data()
    path = tmp_path / "fit.npz"

    clusters = cluster_of("ab")
    whole = model(tol=1e-9, solver="newton-cg").fit(*partitions(X, y))
    last = int(0.9 * clusters[-1].n_calls)

    def interrupts(cluster, number, address, method):
        if number == last:
            raise KeyboardInterrupt

    cluster_of("ab", interrupts)
    interrupted = model(tol=1e-9, solver="newton-cg", checkpoint=path)
    with pytest.raises(KeyboardInterrupt):
        interrupted.fit(*partitions(X, y))
    assert path.exists() and not hasattr(interrupted, "coef_")
    cluster_of("abc")
    resumed = model(tol=1e-9, solver="newton-cg", checkpoint=path).fit(*partitions(X, y))
    assert not path.exists() and not list(tmp_path.iterdir())
    assert resumed.convergence_["n_iter"] < whole.convergence_["n_iter"]
    assert_allclose(resumed.convergence_["objective"], whole.convergence_["objective"], rtol=2e-9)


@pytest.mark.parametrize("content", [b"not a checkpoint", "other"])
def test_a_foreign_checkpoint_is_refused(cluster_of, tmp_path, content):
    X, y = data()
    path = tmp_path / "fit.npz"
    cluster_of("ab")
    if content == "other":
        np.savez(path, weights=np.zeros((2, 2)), intercept=np.zeros(2))
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"fit\.npz is no checkpoint"):
        model(checkpoint=path).fit(*partitions(X, y))
    assert path.exists()


def test_a_warm_start_goes_on_from_the_last_weights(cluster_of):
    parts = partitions(*data())
    cluster_of("ab")
    fitted = model(warm_start=True, tol=1e-8).fit(*parts)
    n_iter = fitted.n_iter_[0]
    assert fitted.fit(*parts).n_iter_[0] < n_iter


def test_bytes_follow_the_formula(cluster_of):
    """A product sends the weights of the columns that a worker's rows touch, and receives as many."""
    X, y = data()
    cluster_of("ab")
    report = model(solver="lbfgs").fit(*partitions(X, y)).convergence_
    d_w = [len(np.unique(X[a:b].indices)) for a, b in ((0, 40), (40, 200))]
    # Of each pass in single precision or double, two workers, 3 classes.
    largest = 8 * 3 * sum(d_w) * report["passes"]
    assert 0.2 * largest < report["bytes_sent"] + report["bytes_received"] < 2.2 * largest
