"""DaskMaxEntClassifier on a cluster in this process: what it takes, gives, and refuses."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from problems import random_sparse  # isort: skip

from skmaxent import MaxEntClassifier

dask = pytest.importorskip("dask", reason="needs dask: skmaxent[dask]")
pytest.importorskip("distributed.worker", reason="needs distributed: skmaxent[dask]")
pytest.importorskip("pandas", reason="needs pandas: skmaxent[dask]")

import dask.array as da  # noqa: E402
import dask.dataframe as dd  # noqa: E402
import pandas as pd  # noqa: E402

from skmaxent.distributed import DaskMaxEntClassifier  # noqa: E402

pytestmark = pytest.mark.usefixtures("alarm")
CHUNKS = (50, 30, 70)
EDGES = [0, 50, 80, 150]
X = random_sparse(150, 20, 0.3)
Y = np.array(["no", "perhaps", "yes"])[np.random.default_rng(0).integers(3, size=150)]
WEIGHTS = np.random.default_rng(1).uniform(0.5, 2, 150)
TIGHT = {"tol": 1e-9, "n_jobs": 1}


def cut(values):
    return [values[a:b] for a, b in pairwise(EDGES)]


def dense_array():
    return da.from_array(X.toarray(), chunks=(CHUNKS, -1))


def unknown(array):
    """The array, its numbers of rows forgotten."""
    blocks = [
        da.from_delayed(block, (np.nan, *array.shape[1:]), meta=array._meta)
        for block in array.to_delayed().ravel()
    ]
    return da.concatenate(blocks)


def csr_array():
    return dense_array().map_blocks(sparse.csr_array)


def labels():
    return da.from_array(Y, chunks=(CHUNKS,))


def frame():
    columns = [f"x{j}" for j in range(20)]
    return dd.from_pandas(pd.DataFrame(X.toarray(), columns=columns), npartitions=3)


def frame_labels():
    return dd.from_pandas(pd.Series(Y), npartitions=3)


GIVEN = {
    "dense blocks": lambda client: (dense_array(), labels()),
    "CSR blocks": lambda client: (csr_array(), labels()),
    "unknown chunks": lambda client: (unknown(csr_array()), unknown(labels())),
    "other chunks of labels": lambda client: (dense_array(), labels().rechunk(40)),
    "labels at the client": lambda client: (csr_array(), Y),
    "delayed": lambda client: (
        [dask.delayed(part) for part in cut(X)],
        [dask.delayed(part) for part in cut(Y)],
    ),
    "futures": lambda client: (client.scatter(cut(X)), client.scatter(cut(Y))),
    "matrices": lambda client: (cut(X), cut(Y)),
    "DataFrame": lambda client: (frame(), frame_labels()),
    "persisted": lambda client: (client.persist(csr_array()), client.persist(labels())),
}


@pytest.fixture(scope="module")
def here():
    return MaxEntClassifier(**TIGHT).fit(X, Y)


@pytest.mark.parametrize("kind", GIVEN)
def test_all_that_dask_holds_gives_the_same_model(client, here, kind):
    given, y = GIVEN[kind](client)
    model = DaskMaxEntClassifier(**TIGHT).fit(given, y)
    assert_allclose(model.coef_, here.coef_, atol=1e-5)
    assert type(model.coef_) is np.ndarray and type(model.intercept_) is np.ndarray
    assert model.classes_.tolist() == here.classes_.tolist()
    assert model.n_features_in_ == 20 and hasattr(model, "feature_names_in_") == (kind == "DataFrame")
    assert model.convergence_["n_partitions"] == 3
    proba = model.predict_proba(given)
    assert isinstance(proba, da.Array) and isinstance(model.predict(given), da.Array)
    assert_allclose(proba.compute(), here.predict_proba(X), atol=1e-5)
    assert (model.predict(given).compute() == here.predict(X)).all()
    score = model.score(given, y)
    assert isinstance(score, da.Array) and score.shape == ()
    assert_allclose(float(score), here.score(X, Y))


def test_weights_and_class_weights(client):
    for class_weight in (None, "balanced", {"no": 3.0, "yes": 0.5}):
        parameters = TIGHT | {"class_weight": class_weight}
        here = MaxEntClassifier(**parameters).fit(X, Y, WEIGHTS)
        there = DaskMaxEntClassifier(**parameters).fit(csr_array(), labels(), WEIGHTS)
        assert_allclose(there.coef_, here.coef_, atol=1e-5)
    weights = da.from_array(WEIGHTS, chunks=(CHUNKS,))
    assert_allclose(float(there.score(csr_array(), labels(), weights)), here.score(X, Y, WEIGHTS))


def test_label_masses(client):
    masses = np.random.default_rng(2).dirichlet(np.ones(3), 150)
    here = MaxEntClassifier(**TIGHT).fit(X, masses)
    given = da.from_array(masses, chunks=(40, 2))
    there = DaskMaxEntClassifier(**TIGHT).fit(csr_array(), given)
    assert_allclose(there.coef_, here.coef_, atol=1e-5)
    assert_allclose(float(there.score(csr_array(), given)), here.score(X, masses))


def test_single_precision_stays(client):
    model = DaskMaxEntClassifier(n_jobs=1).fit(dense_array().astype(np.float32), labels())
    assert model.coef_.dtype == np.float32
    assert model.predict_proba(dense_array().astype(np.float32)).compute().dtype == np.float32


def test_arrays_in_arrays_out_and_a_local_model(client, here):
    model = DaskMaxEntClassifier(**TIGHT).fit(csr_array(), labels())
    assert type(model.predict(X)) is np.ndarray and isinstance(model.score(X, Y), float)
    local = model.to_local()
    assert type(local) is MaxEntClassifier and local.get_params() == here.get_params()
    assert np.array_equal(local.predict_proba(X), model.predict_proba(X))
    pickle.loads(pickle.dumps(local)).fit(X, Y)


def test_copies_share_the_client_and_pickles_lack_it(client):
    model = DaskMaxEntClassifier(client=client, C=3.0, **TIGHT)
    copy = clone(model)
    assert copy.client is client and copy.C == 3.0
    again = pickle.loads(pickle.dumps(model.fit(csr_array(), labels())))
    assert again.client is None and np.array_equal(again.coef_, model.coef_)


@pytest.mark.parametrize("is_large", [False, True])
def test_lazy_predictions_send_the_model_once(client, monkeypatch, is_large):
    from skmaxent.distributed import lazy

    if is_large:
        monkeypatch.setattr(lazy, "SMALL", 0)
    model = DaskMaxEntClassifier(**TIGHT).fit(csr_array(), labels())
    proba = model.predict_proba(csr_array())
    weights = np.ascontiguousarray(model.coef_.T).tobytes()
    tasks = dict(proba.__dask_graph__()).values()
    assert sum(weights in pickle.dumps(task) for task in tasks) == (0 if is_large else 1)
    assert_allclose(proba.compute(), model.to_local().predict_proba(X))


def test_without_a_cluster_predictions_run_in_threads(client):
    model = DaskMaxEntClassifier(**TIGHT).fit(csr_array(), labels())
    with dask.config.set(scheduler="synchronous"):
        assert (model.predict(csr_array()).compute() == model.predict(X)).all()


def test_a_partition_without_rows_and_one_without_a_class(client, here):
    edges = [0, 0, 50, 50, 150]
    order = np.argsort(Y, kind="stable")  # partitions lack classes
    parts = [X[order][a:b] for a, b in pairwise(edges)], [Y[order][a:b] for a, b in pairwise(edges)]
    model = DaskMaxEntClassifier(**TIGHT).fit(*parts)
    assert_allclose(model.coef_, here.coef_, atol=1e-5)
    assert model.predict([dask.delayed(part) for part in parts[0]]).compute().shape == (150,)


def test_a_worker_without_a_partition(client, here):
    assert_allclose(DaskMaxEntClassifier(**TIGHT).fit([X], [Y]).coef_, here.coef_, atol=1e-5)


def test_two_fits_at_once(client, here):
    def fit(C):
        return DaskMaxEntClassifier(client=client, **TIGHT, C=C).fit(csr_array(), labels())

    with ThreadPoolExecutor(2) as pool:
        models = list(pool.map(fit, [1.0, 1.0]))
    for model in models:
        assert_allclose(model.coef_, here.coef_, atol=1e-5)


def no_fit(monkeypatch):
    """A pass over the data by a solver is an error from now on."""
    from skmaxent.distributed import crew

    def run(self, program):
        raise AssertionError("a pass over the data")

    monkeypatch.setattr(crew.Crew, "run", run)


WRONG = {
    "columns": ([X[:50], X[50:, :7]], [Y[:50], Y[50:]], "partition 1 has 7 columns, but partition 0 has 20"),
    "lengths": ([X[:50], X[50:]], [Y[:50], Y[51:]], "partition 1: X has 100 rows and y has 99"),
    "one class": ([X[:50], X[50:]], [np.full(50, "no"), np.full(100, "no")],
                  "only one class: .*no"),
    "nan": ([X[:50].toarray() * np.nan, X[50:].toarray()], [Y[:50], Y[50:]],
            "partition 0: Input (X )?contains NaN"),
    "labels": ([X[:50], X[50:]], [Y[:50], np.array([1.5] * 100)], "partition 1: Unknown label type"),
    "weights": ([X[:50], X[50:]], [Y[:50], Y[50:]], "partition 0: Negative values in data"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said_before_a_pass_over_the_data(client, monkeypatch, kind):
    no_fit(monkeypatch)
    parts, y, message = WRONG[kind]
    weights = [np.full(50, -1.0), np.ones(100)] if kind == "weights" else None
    with pytest.raises(ValueError, match=message):
        DaskMaxEntClassifier(n_jobs=1).fit(parts, y, weights)


def test_chunks_that_do_not_go_together(client):
    model = DaskMaxEntClassifier(n_jobs=1)
    with pytest.raises(ValueError, match=r"2 chunks of columns \(partition 0 has 12 of 20 columns\)"):
        model.fit(dense_array().rechunk({1: 12}), labels())
    with pytest.raises(ValueError, match="y has 2 partitions, and X has 3"):
        model.fit(unknown(csr_array()), labels().rechunk(75))
    with pytest.raises(ValueError, match="y must be a dask array or a list with the same 3 partitions"):
        model.fit(unknown(csr_array()), Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(csr_array(), Y[:-1])
    with pytest.raises(ValueError, match="column 'word' has dtype"):
        model.fit(frame().assign(word="a"), frame_labels())
    with pytest.raises(ValueError, match="requires y to be passed"):
        model.fit(csr_array(), None)


def test_data_of_one_machine_are_sent_to_the_class_for_them():
    with pytest.raises(TypeError, match="for data in the memory of one machine use MaxEntClassifier"):
        DaskMaxEntClassifier().fit(X, Y)
    with pytest.raises(TypeError, match="a list whose item 0 is of type list"):
        DaskMaxEntClassifier().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    with pytest.raises(TypeError, match="DaskMaxEntClassifier"):
        MaxEntClassifier().fit(dense_array(), Y)
    with pytest.raises(NotFittedError):
        DaskMaxEntClassifier().predict(dense_array())


def test_parameters_are_checked():
    for name, value in (("timeout", 0), ("max_recoveries", -1), ("features", "some"), ("checkpoint", 3)):
        with pytest.raises(ValueError, match=f"The '{name}' parameter of DaskMaxEntClassifier must be"):
            DaskMaxEntClassifier(**{name: value}).fit([X], [Y])


def test_the_users_error_in_a_partition_is_the_users_to_see(client):
    def broken():
        raise FileNotFoundError("part-17.npz")

    with pytest.raises(FileNotFoundError, match="part-17"):
        DaskMaxEntClassifier().fit([dask.delayed(broken)(), X], [Y[:50], Y])


def test_without_a_client_the_error_says_so(monkeypatch):
    def default_client():
        raise ValueError("No clients found")

    monkeypatch.setattr("distributed.default_client", default_client)
    with pytest.raises(ValueError, match="There is no dask client"):
        DaskMaxEntClassifier().fit([np.eye(2)], [[0, 1]])
