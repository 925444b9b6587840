"""Columns of one training row, trained as one: the same network."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from skmaxent import BackpropMLPClassifier
from skmaxent.nn.builders import FeedForward
from skmaxent.nn.optimizers import shared_columns
from skmaxent.nn.optimizers.rules import SGD, AdaGrad, Adam
from skmaxent.nn.optimizers.shared_columns import SharedColumns, lonely_groups
from skmaxent.nn.training import session
from skmaxent.numerics.threads import BlockRunner

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def sharing(monkeypatch):
    """Sharing wherever it is possible; the list grows with each use of it."""
    used = []

    class Watched(SharedColumns):
        def __init__(self, *args):
            super().__init__(*args)
            used.append(self)

    monkeypatch.setattr(session, "SharedColumns", Watched)
    monkeypatch.setattr(shared_columns, "LEAST_WEIGHTS", 0)
    monkeypatch.setattr(session, "DENSE_FRACTION", 1.1)
    return used


def hapax_rows(n=60, n_common=30, seed=0):
    """Rows with a few common columns and 0 to 10 of their own, of two sizes, some negative or 0."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    common = sparse.random(n, n_common, density=0.2, random_state=seed, data_rvs=rng.standard_normal)
    counts = rng.integers(0, 11, n)
    counts[[5, n - 1]] = 0
    rows = np.repeat(np.arange(n), counts)
    values = rng.choice([-1.0, 1.0, 3.0], rows.size) * (1 + 0.3 * y[rows])
    values[3] = 0  # an explicit zero
    own = sparse.csr_matrix((values, (rows, rng.permutation(rows.size))), shape=(n, rows.size + 2))
    X = sparse.hstack([common, own], format="csr")
    empty = sparse.csr_matrix((1, X.shape[1]))
    return sparse.vstack([X, empty], format="csr"), np.append(y, 0)


def shared_network(X, seed=0):
    parameters = FeedForward((X.shape[1], 4, 3), "relu").parameters(np.float64)
    parameters.initialise(np.random.default_rng(seed))
    return SharedColumns(X, parameters, lonely_groups(X, 4), BlockRunner(2), 10), parameters


@pytest.mark.parametrize("rows_of_a_block", [3, 10**6])
def test_the_shared_network_computes_the_same(sharing, monkeypatch, rows_of_a_block):
    monkeypatch.setattr(shared_columns, "row_block", lambda stride: rows_of_a_block)
    X, _ = hapax_rows()
    shared, parameters = shared_network(X)
    before = parameters.vector.copy()
    assert shared.X.shape[1] < X.shape[1] - 50
    assert_allclose(shared.X @ shared.parameters.first, X @ parameters.first, atol=1e-14)
    shared.restore(1.0)
    assert_allclose(parameters.vector, before, atol=1e-15)


@pytest.mark.parametrize("rule", [Adam(l2=0.05, epsilon=0.1), AdaGrad(l2=0.05, epsilon=0.1)])
def test_restore_follows_the_members(sharing, monkeypatch, rule):
    """Some steps of the rule on all columns and on the shared ones, restored twice, in blocks of 3 rows."""
    monkeypatch.setattr(shared_columns, "row_block", lambda stride: 3)
    X, _ = hapax_rows()
    shared, parameters = shared_network(X)
    w, decay = parameters.first.copy(), 1.0
    v = shared.parameters.first
    slots = [[np.zeros_like(a) for _ in range(rule.n_slots)] for a in (w, v)]
    rng = np.random.default_rng(1)
    for step in range(12):
        delta = rng.standard_normal((X.shape[0], 4))
        rule.begin(0.1)
        decay *= rule.decay
        rule.step(w, slots[0], X.T @ delta, np.empty_like(w))
        rule.step(v, slots[1], shared.scale[:, None] * (shared.X.T @ delta), np.empty_like(v))
        if step in (4, 11):
            shared.restore(decay)
            decay = 1.0
            assert_allclose(parameters.first, w, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("solver", ["adam", "adagrad"])
@pytest.mark.parametrize("options", [{}, {"alpha": 0.5}, {"early_stopping": True}, {"dropout": 0.3}])
@pytest.mark.parametrize("epsilon", [1e-15, 1e-8, 1e-3, 1.0])
def test_training_is_the_same(sharing, monkeypatch, solver, options, epsilon):
    X, y = hapax_rows(200)
    # Rows that never sleep are exact, the rest of others is so but for epsilon.
    monkeypatch.setattr(shared_columns, "HEAD_SHARE", 2.0)
    settings = {"solver": solver, "max_iter": 8, "batch_size": 10, "random_state": 0, "epsilon": epsilon}
    settings |= {"learning_rate_init": 0.01, "n_iter_no_change": 3, **options}
    together = BackpropMLPClassifier((6, 5), **settings).fit(X, y)
    assert len(sharing) == 1
    monkeypatch.setattr(shared_columns, "LEAST_WEIGHTS", np.inf)
    alone = BackpropMLPClassifier((6, 5), **settings).fit(X, y)
    assert len(sharing) == 1
    for a, b in zip(together.coefs_ + together.intercepts_, alone.coefs_ + alone.intercepts_):
        assert_allclose(a, b, rtol=1e-7, atol=1e-7)
    assert_allclose(together.loss_curve_, alone.loss_curve_, rtol=1e-7)
    assert together.validation_scores_ == alone.validation_scores_


def test_only_columns_of_one_size_are_shared():
    """Epsilon slows a column of small values more than one of large values."""
    X = sparse.csr_matrix([[1.0, -1.0, 0.5, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 3.0, 3.0]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_columns, "LEAST_WEIGHTS", 0)
        shared, _ = shared_network(X)
    # 0.5, then 1 and -1, then 2; then 3 and 3
    assert_allclose(shared.X.toarray(), [[0.5, 2.0, 2.0, 0.0], [0.0, 0.0, 0.0, 6.0]])
    assert_allclose(shared.scale, [1.0, 0.5, 1.0, 0.5])


@pytest.mark.parametrize(
    "options",
    [{"solver": "sgd"}, {"alpha": 0.01, "l1_ratio": 0.5}, {"warm_start": True}],
)
def test_no_sharing_where_the_columns_differ(sharing, options):
    """Steps that follow the gradient's size, thresholds, and a state that other data may need."""
    X, y = hapax_rows()
    BackpropMLPClassifier((4,), max_iter=2, random_state=0, **options).fit(X, y)
    BackpropMLPClassifier((4,), random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    assert not sharing
    assert not SGD.decoupled


def test_small_or_common_columns_are_not_worth_it():
    X, _ = hapax_rows()
    assert lonely_groups(X, 4) is None  # too small
    common = sparse.csr_matrix(np.ones((4, 5)))
    entries, starts = lonely_groups(common, 10**6)
    assert entries.size == 0 and starts.tolist() == [0]


@pytest.mark.parametrize("least, shared", [(0.49, True), (0.5, False)])
def test_groups_must_remove_a_share_of_the_entries(monkeypatch, least, shared):
    """Six entries in three groups, of which three go."""
    monkeypatch.setattr(shared_columns, "LEAST_WEIGHTS", 0)
    monkeypatch.setattr(shared_columns, "LEAST_SHARE", least)
    X = sparse.csr_matrix(([1.0, 1.0, 2.0, -2.0, 2.0, 5.0], np.arange(6), [0, 5, 6]), shape=(2, 6))
    entries, starts = lonely_groups(X, 4)
    assert (entries.tolist(), starts.tolist()) == (
        ([0, 1, 2, 3, 4, 5], [0, 2, 5, 6]) if shared else ([], [0])
    )


@pytest.mark.parametrize("solver", ["adam", "adagrad"])
def test_columns_that_never_occur_are_left_out_and_the_others_ordered(sharing, solver):
    """Of 1,000 columns 40 occur: the whole is what it is with lazy rows for all of them."""
    rng = np.random.default_rng(0)
    X = sparse.random(80, 40, density=0.2, random_state=1, format="csr", data_rvs=rng.standard_normal)
    place, y = np.sort(rng.permutation(1000)[:40]), rng.integers(0, 3, 80)
    wide = sparse.csr_matrix((X.data, place[X.indices], X.indptr), shape=(80, 1000))
    shared, parameters = shared_network(wide)
    assert shared.X.shape == (80, 40)
    counts = np.diff(shared.X.tocsc().indptr)
    assert (np.diff(counts) <= 0).all()
    assert_allclose(shared.X @ shared.parameters.first, wide @ parameters.first, atol=1e-14)
    settings = {"solver": solver, "alpha": 0.5, "batch_size": 10, "random_state": 0, "max_iter": 5}
    settings["epsilon"] = 1e-15  # what the closed form of Adam's rest does not know
    model = BackpropMLPClassifier((4,), **settings).fit(wide, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_columns, "LEAST_WEIGHTS", np.inf)
        dense = BackpropMLPClassifier((4,), **settings).fit(wide, y)
    assert len(sharing) == 1
    assert_allclose(model.coefs_[0], dense.coefs_[0], rtol=1e-9, atol=1e-12)
    assert_allclose(model.coefs_[1], dense.coefs_[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "adagrad"])
@pytest.mark.parametrize("head_share, n_head", [(0.0, 31), (0.985, None), (2.0, 0)])
@pytest.mark.parametrize("options", [{}, {"early_stopping": True, "dropout": 0.3}])
def test_columns_of_most_batches_never_sleep(sharing, monkeypatch, solver, head_share, n_head, options):
    """All (30, and one of an explicit zero), some or none: the dense optimiser's weights, for any threads."""
    X, y = hapax_rows(200)
    monkeypatch.setattr(shared_columns, "HEAD_SHARE", head_share)
    settings = {"solver": solver, "max_iter": 6, "batch_size": 20, "random_state": 0, "epsilon": 1e-15}
    settings |= {"alpha": 0.05, "learning_rate_init": 0.01, **options}
    models = []
    for n_threads in (1, 2):
        monkeypatch.setattr(session, "BlockRunner", partial(lambda n, _: BlockRunner(n), n_threads))
        models.append(BackpropMLPClassifier((6,), **settings).fit(X, y))
    assert sharing[0].n_head == n_head or (n_head is None and 0 < sharing[0].n_head < 31)
    assert len(sharing) == 2
    monkeypatch.setattr(session, "DENSE_FRACTION", 0.0)
    dense = BackpropMLPClassifier((6,), **settings).fit(X, y)
    assert len(sharing) == 2
    for a, b, c in zip(*(model.coefs_ + model.intercepts_ for model in (*models, dense))):
        np.testing.assert_array_equal(a, b)
        assert_allclose(a, c, rtol=0, atol=1e-9)
