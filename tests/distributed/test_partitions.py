"""Partitions in files: what is written is read, what is damaged is refused, and fits are those in memory."""

import json
import os
import signal
import subprocess
import sys
import warnings
import zlib
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse
from sklearn.exceptions import NotFittedError

from skmaxent import BackpropMLPClassifier, JointFeatures, MaxEntClassifier, MaxEntClassifierCV
from skmaxent.convex.machine import files
from skmaxent.distributed import open_partitions, write_partitions

N, D = 90, 30


def data(seed=0, K=3):
    rng = np.random.default_rng(seed)
    X = sparse.csr_array(random_sparse(N, D, 0.3, seed=seed))
    return X, np.array(["b", "a", "c"])[:K][rng.integers(K, size=N)], rng.uniform(0.2, 2, N)


def written(folder, X, y, weights=None, cuts=(20, 20, 60)):
    edges = [0, *cuts, X.shape[0]]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    if weights is None:
        return write_partitions(folder, ((X[rows], y[rows]) for rows in parts))
    return write_partitions(folder, ((X[rows], y[rows], weights[rows]) for rows in parts))


@pytest.fixture
def opened(tmp_path):
    X, y, weights = data()
    return open_partitions(written(tmp_path / "rows", X, y, weights))


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("kind", ["float64", "float32", "ones", "dense", "masses"])
def test_what_is_written_is_read(tmp_path, kind, small, monkeypatch):
    if small:  # several blocks a partition
        monkeypatch.setattr(files, "BLOCK_NUMBERS", 100)
    X, y, weights = data()
    if kind in ("float32", "dense"):
        X = X.astype(np.float32)
    if kind == "ones":
        X.data[:] = 1
    if kind == "dense":
        X = X.toarray()
    if kind == "masses":
        y = np.random.default_rng(1).uniform(size=(N, 3))
    found = open_partitions(written(tmp_path / "rows", X, y, weights))
    assert found.shape == (N, D) and found.n_partitions == 4 and found.dtype == X.dtype
    blocks = list(found.blocks())
    assert len(blocks) == 3 if not small else len(blocks) > 8
    together = [np.concatenate([block[i] for block in blocks]) for i in (1, 2)]
    parts = [block[0].toarray() if sparse.issparse(block[0]) else block[0] for block in blocks]
    assert_array_equal(np.concatenate(parts), X if kind == "dense" else X.toarray())
    assert parts[0].dtype == X.dtype
    assert_array_equal(together[0], y)
    assert_array_equal(together[1], weights)
    assert_array_equal(found.classes, [0, 1, 2] if kind == "masses" else ["a", "b", "c"])


def test_ones_take_no_room(tmp_path):
    X, y, _ = data()
    many = sparse.csr_array(sparse.vstack([X] * 50))
    labels = np.tile(y, 50)
    one = many.copy()
    one.data[:] = 1
    sizes = [
        open_partitions(written(tmp_path / name, A, labels)).nbytes for name, A in (("x", many), ("1", one))
    ]
    assert sizes[0] - sizes[1] >= 8 * many.nnz  # standard normal numbers are no float32


def test_a_fit_of_blocks_smaller_than_partitions(tmp_path, monkeypatch):
    X, y, weights = data()
    whole = MaxEntClassifier(tol=1e-9).fit(X, y, weights)
    monkeypatch.setattr(files, "BLOCK_NUMBERS", 100)
    model = MaxEntClassifier(tol=1e-9).fit(open_partitions(written(tmp_path / "rows", X, y, weights)))
    assert_allclose(model.convergence_["objective"], whole.convergence_["objective"], rtol=1e-12)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"l1_ratio": 1.0},
        {"l1_ratio": 0.4, "penalty_weights": np.linspace(0.5, 2, D)},
        {"features": "observed"},
        {"features": "observed", "min_count": 2, "l1_ratio": 0.5},
        {"min_count": 25},
        {"class_weight": "balanced"},
        {"class_weight": {"a": 2.0, "b": 0.5}},
        {"class_weight": {"a": 0.0}},
        {"fit_intercept": False},
        {"solver": "lbfgs"},
        {"penalty_weights": np.where(np.arange(D) == 3, np.inf, 1.0)},
    ],
    ids=str,
)
def test_fits_are_those_in_memory(opened, parameters):
    X, y, weights = data()
    here = MaxEntClassifier(tol=1e-9, **parameters).fit(X, y, weights)
    there = MaxEntClassifier(tol=1e-9, **parameters).fit(opened)
    assert_allclose(there.convergence_["objective"], here.convergence_["objective"], rtol=1e-12)
    assert there.convergence_["relative_gap"] <= 1e-9
    assert there.convergence_["passes"] > 0
    assert_allclose(there.coef_, here.coef_, atol=1e-5)
    assert_allclose(there.intercept_, here.intercept_, atol=1e-5)
    assert_array_equal(there.classes_, here.classes_)
    assert there.n_features_in_ == D
    assert_allclose(there.predict_proba(opened), here.predict_proba(X), atol=1e-5)
    assert_allclose(there.predict_log_proba(opened), there.predict_log_proba(X), rtol=1e-12)
    assert_allclose(there.decision_function(opened), there.decision_function(X), rtol=1e-12)
    assert_array_equal(there.predict(opened), there.predict(X))
    assert_allclose(there.score(opened), there.score(X, y, weights), rtol=1e-12)


def test_two_classes_masses_and_float32(tmp_path):
    X, y, weights = data(K=2)
    two = open_partitions(written(tmp_path / "two", X.astype(np.float32), y, weights))
    model = MaxEntClassifier().fit(two)
    assert model.coef_.shape == (1, D) and model.coef_.dtype == np.float32
    whole = MaxEntClassifier().fit(X.astype(np.float32), y, weights)
    assert_allclose(model.convergence_["objective"], whole.convergence_["objective"], rtol=1e-6)
    assert model.decision_function(two).shape == (N,)
    masses = np.random.default_rng(1).uniform(size=(N, 3))
    soft = open_partitions(written(tmp_path / "soft", X, masses, weights))
    model = MaxEntClassifier(tol=1e-9).fit(soft)
    whole = MaxEntClassifier(tol=1e-9).fit(X, masses, weights)
    assert_allclose(model.convergence_["objective"], whole.convergence_["objective"], rtol=1e-12)
    assert_allclose(model.score(soft), whole.score(X, masses, weights), atol=1e-9)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_a_warm_start_goes_on(opened, l1_ratio):
    model = MaxEntClassifier(l1_ratio=l1_ratio, warm_start=True, tol=1e-8).fit(opened)
    first = model.convergence_
    again = model.fit(opened).convergence_
    assert again["n_iter"] <= 1 and again["n_products"] < first["n_products"]
    assert_allclose(again["objective"], first["objective"], rtol=1e-8)
    # In memory too, and back.
    X, y, weights = data()
    assert model.fit(X, y, weights).convergence_["n_iter"] <= 1


def test_a_generator_is_never_held(tmp_path):
    alive = []

    class Watched(sparse.csr_array):
        def __del__(self):
            alive.remove(id(self))

    def parts():
        X, y, _ = data()
        for _ in range(6):
            block = Watched(X)
            alive.append(id(block))
            assert len(alive) <= 3  # this one, and what the loop has not let go of
            yield block, y
            del block

    assert open_partitions(write_partitions(tmp_path / "rows", parts())).n_partitions == 6


def test_a_writer_that_fails_leaves_nothing(tmp_path):
    X, y, _ = data()

    def broken():
        yield X, y
        raise RuntimeError("the disk of the user")

    with pytest.raises(RuntimeError, match="the disk of the user"):
        write_partitions(tmp_path / "rows", broken())
    assert not list(tmp_path.iterdir())


def test_a_killed_writer_leaves_no_folder_that_opens(tmp_path):
    script = """
import sys, time
import numpy as np
from skmaxent.distributed import write_partitions
def parts():
    while True:
        yield np.eye(3), [0, 1, 2]
        print("one", flush=True)
        time.sleep(0.01)
write_partitions(sys.argv[1], parts())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "rows")], stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait(30)
    process.stdout.close()
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        open_partitions(tmp_path / "rows")
    (half,) = tmp_path.iterdir()
    with pytest.raises(ValueError, match="holds no partitions"):
        open_partitions(half)
    write_partitions(tmp_path / "rows", [(np.eye(3), [0, 1, 2])])  # the name is free


def test_damaged_and_foreign_files_are_refused(tmp_path):
    X, y, weights = data()
    folder = written(tmp_path / "rows", X, y, weights)
    arrays, description = folder / files.ARRAYS, folder / files.DESCRIPTION
    content, told = arrays.read_bytes(), description.read_bytes()
    arrays.write_bytes(content[:-100])
    with pytest.raises(ValueError, match=r"truncated: it has \d+ bytes, and \d+ were written"):
        open_partitions(folder)
    place = content.index(X[60:].data.tobytes())
    arrays.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(ValueError, match="checksum of partition 3"):
        open_partitions(folder)
    open_partitions(folder, verify=False)
    arrays.write_bytes(b"x" + content[1:])
    with pytest.raises(ValueError, match="is not the file that was written"):
        open_partitions(folder)
    arrays.unlink()
    with pytest.raises(ValueError, match="is missing"):
        open_partitions(folder)
    arrays.write_bytes(content)
    description.write_bytes(told.replace(b"20", b"21", 1))
    with pytest.raises(ValueError, match="damaged"):
        open_partitions(folder)
    for foreign in (b"{}", b"\xff\xfe", b"[1, 2]", b'{"content": 3, "crc32": 1}', told[:50]):
        description.write_bytes(foreign)
        with pytest.raises(ValueError, match="no description of partitions, or damaged"):
            open_partitions(folder)
    inner = json.dumps(json.loads(json.loads(told)["content"]) | {"version": 99})
    description.write_text(json.dumps({"content": inner, "crc32": zlib.crc32(inner.encode())}))
    with pytest.raises(ValueError, match="has version 99 of the format"):
        open_partitions(folder)
    description.write_bytes(told)
    assert open_partitions(folder).shape == (N, D)
    with pytest.raises(FileExistsError, match="exists already"):
        written(folder, X, y)


@pytest.mark.parametrize(
    "second, message",
    [
        ((np.ones((2, 4)), [0, 1]), "partition 1 has 4 columns, but partition 0 has 3"),
        ((np.ones((2, 3)), [0]), "partition 1: X has 2 rows and y has 1"),
        ((np.array([[1, np.nan, 0]]), [0]), "partition 1: Input .*contains NaN"),
        ((np.ones((1, 3)), [np.nan]), "partition 1: Input y contains NaN"),
        ((np.ones((1, 3)), [0.5]), "partition 1: Unknown label type"),
        ((np.ones((2, 3)), [0, 1], [1.0, -1.0]), "partition 1: Negative values"),
        ((np.ones((2, 3)), [0, 1], [1.0]), "partition 1: "),
        ((np.ones((2, 3)), [[0.5, -0.5], [1.0, 0.0]]), "partition 1: Negative values"),
        (np.ones((2, 3)), "partition 1: expected a tuple"),
        ((np.ones((1, 3)), np.array([object()])), "partition 1: "),
    ],
    ids=range(10),
)
def test_malformed_partitions_are_named(tmp_path, second, message):
    with pytest.raises((ValueError, TypeError), match=message):
        write_partitions(tmp_path / "rows", [(np.eye(3), [0, 1, 2]), second])
    assert not list(tmp_path.iterdir())


def test_data_without_rows_or_with_one_class(tmp_path):
    with pytest.raises(ValueError, match="`parts` is empty"):
        write_partitions(tmp_path / "none", [])
    write_partitions(tmp_path / "empty", [(np.ones((0, 3)), [])])
    with pytest.raises(ValueError, match="have no rows"):
        open_partitions(tmp_path / "empty")
    write_partitions(tmp_path / "one", [(np.eye(3), [1, 1, 1]), (np.eye(3), [1, 1, 1])])
    with pytest.raises(ValueError, match="only one class: 1"):
        open_partitions(tmp_path / "one")


def test_what_partitions_cannot_do_is_said(opened):
    X, y, weights = data()
    for parameters, name in (
        ({"C": np.inf}, "C must be finite"),
        ({"penalty_weights": np.zeros(D)}, "penalty_weights must be above 0"),
        ({"features": JointFeatures([])}, "features must be"),
        ({"penalty_weights": np.ones(3)}, "penalty_weights.shape"),
        ({"solver": "newton-cg", "l1_ratio": 0.5}, "Solver newton-cg"),
    ):
        with pytest.raises(ValueError, match=name):
            MaxEntClassifier(**parameters).fit(opened)
    with pytest.raises(ValueError, match="hold y themselves"):
        MaxEntClassifier().fit(opened, y)
    with pytest.raises(ValueError, match="hold sample_weight themselves"):
        MaxEntClassifier().fit(opened, sample_weight=weights)
    with pytest.raises(ValueError, match="requires y to be passed"):
        MaxEntClassifier().fit(X)
    for other in (MaxEntClassifierCV(), BackpropMLPClassifier()):
        with pytest.raises(TypeError, match="takes arrays that are in memory, got partitions"):
            other.fit(opened, y)
    with pytest.raises(NotFittedError):
        MaxEntClassifier().predict(opened)
    model = MaxEntClassifier().fit(X, y)
    with pytest.raises(ValueError, match="hold y themselves"):
        model.score(opened, y)
    narrow = MaxEntClassifier().fit(X[:, :5], y)
    with pytest.raises(ValueError, match=f"X has {D} features, but MaxEntClassifier is expecting 5"):
        narrow.predict(opened)
    before = model.coef_.copy()
    with pytest.raises(ValueError, match="C must be finite"):
        model.set_params(C=np.inf).fit(opened)
    assert_array_equal(model.coef_, before)


def test_unconverged_fits_warn(opened):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MaxEntClassifier(max_iter=1, tol=1e-12).fit(opened)
    assert any("stopped after 1 iterations" in str(warning.message) for warning in caught)


def test_scratch_beside_a_folder_that_is_read_only(opened, monkeypatch):
    from skmaxent.convex.machine import scratch

    monkeypatch.setattr(scratch.os, "access", lambda *args: False)
    first = MaxEntClassifier().fit(opened)
    assert first.convergence_["stop_reason"] == "converged"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_anonymous_memory_does_not_grow_with_the_rows(tmp_path):
    """Eight times the rows, and no more memory but for that of two blocks."""
    script = """
import sys, threading, time, warnings
from skmaxent import MaxEntClassifier
from skmaxent.distributed import open_partitions
warnings.simplefilter("ignore")
def anonymous():
    return int(next(l for l in open("/proc/self/status") if l.startswith("RssAnon")).split()[1])
small, large = (open_partitions(name, verify=False) for name in sys.argv[1:])
MaxEntClassifier(max_iter=1, n_jobs=1).fit(small)
before, peak = anonymous(), [0]
def watch():
    while not done:
        peak.append(anonymous())
        time.sleep(0.002)
thread = threading.Thread(target=watch)
done = 0
thread.start()
MaxEntClassifier(max_iter=3, n_jobs=1).fit(large)
done = 1
thread.join()
print(max(peak) - before)
"""
    rng = np.random.default_rng(0)
    n, K = 4_000, 30
    X = sparse.csr_array(sparse.random(n, 200, 0.05, random_state=0, format="csr"))
    y = rng.integers(K, size=n)
    write_partitions(tmp_path / "small", [(X, y)])
    write_partitions(tmp_path / "large", ((X, y) for _ in range(24)))
    grown = int(
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "small"), str(tmp_path / "large")],
            capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
        ).stdout
    )  # fmt: skip
    # In memory the scores of 24 partitions alone are 23 MB in float64.
    assert grown < 8_000
