"""BLAS runs on one thread while fits run, whoever begins and ends when, and is given back afterwards."""

import os
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info, threadpool_limits

from skmaxent import BackpropMLPClassifier, MaxEntClassifier, MaxEntClassifierCV
from skmaxent.estimators.common import convex_fit
from skmaxent.numerics import threads as threads_module
from skmaxent.numerics.threads import BlockRunner, SingleBlas, Workers

TIMEOUT = 60


def blas_threads():
    """The number of threads of each BLAS library of the process, all different ones."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_blas_threads():
    """Every test begins with two threads on any machine, and must end so."""
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("no BLAS here whose number of threads can be set")
        yield
        assert blas_threads() == {2}


def dataset(seed=0, n=300, d=30):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, (X[:, :3] + rng.gumbel(size=(n, 3))).argmax(axis=1)


class HeldFits:
    """Fits in threads of their own, each held where its training begins until it is told to go on."""

    def __init__(self, monkeypatch):
        self.begun, self.go, self.seen = {}, {}, []
        path = convex_fit.path

        def held(problem, Cs, **settings):
            name = threading.current_thread().name
            self.seen.append(blas_threads())
            self.begun[name].set()
            assert self.go[name].wait(TIMEOUT)
            self.seen.append(blas_threads())
            if name == "broken":
                raise MemoryError("no room")
            return path(problem, Cs, **settings)

        monkeypatch.setattr(convex_fit, "path", held)

    def start(self, name, model, X, y):
        """Start a fit; once it is held, returns a function that ends it and returns its exception or None."""
        self.begun[name], self.go[name] = threading.Event(), threading.Event()
        raised = [None]

        def work():
            try:
                model.fit(X, y)
            except MemoryError as error:
                raised[0] = error

        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        assert self.begun[name].wait(TIMEOUT)

        def end():
            self.go[name].set()
            thread.join(TIMEOUT)
            assert not thread.is_alive()
            return raised[0]

        return end


@pytest.fixture
def held_fits(monkeypatch):
    return HeldFits(monkeypatch)


@pytest.mark.parametrize("names", [("a", "b", "c"), ("broken", "b", "c"), ("a", "broken", "c")])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_fits_that_overlap_end_in_any_order(held_fits, order, names):
    X, y = dataset()
    ends = [held_fits.start(name, MaxEntClassifier(n_jobs=1), X, y) for name in names]
    for i in order:
        assert blas_threads() == {1}
        assert (ends[i]() is None) == (names[i] != "broken")
    assert blas_threads() == {2}
    assert held_fits.seen == [{1}] * 6


def test_a_fit_has_the_same_bits_after_another_one_ended(held_fits):
    """The limit that the first one in has set is not lifted while the second one computes."""
    X, y = dataset(n=3000, d=40)
    models = [MaxEntClassifier(solver="newton-cholesky", n_jobs=1) for _ in range(3)]
    held_fits.start("alone", models[0], X, y)()
    ends = [held_fits.start(f"fit {i}", models[i], X, y) for i in (1, 2)]
    for end in ends:
        end()
    for model in models[1:]:
        assert_array_equal(model.coef_, models[0].coef_)
        assert_array_equal(model.intercept_, models[0].intercept_)


@pytest.mark.parametrize("solver", ["newton-cholesky", "newton-cg", "working-set"])
def test_fits_in_four_threads_have_the_bits_of_a_fit_alone(solver):
    X, y = dataset(n=1000, d=49)  # large enough for products on two BLAS threads to have other bits
    alone = MaxEntClassifier(solver=solver, n_jobs=1).fit(X, y)
    # Each ends at a time of its own: the numbers of iterations differ.
    others = [MaxEntClassifier(solver=solver, n_jobs=1, tol=10.0**-k) for k in range(2, 6)]

    def work(i):
        clone(others[i % 4]).fit(X, y)
        return MaxEntClassifier(solver=solver, n_jobs=1).fit(X, y)

    with ThreadPoolExecutor(4) as pool:
        for model in pool.map(work, range(60)):
            assert_array_equal(model.coef_, alone.coef_)
            assert_array_equal(model.intercept_, alone.intercept_)


def test_searches_on_threads_give_the_threads_back():
    X, y = dataset(n=120, d=5)
    for _ in range(6):
        with parallel_config(backend="threading", n_jobs=2):
            GridSearchCV(MaxEntClassifier(), {"C": [0.1, 1.0, 10.0]}, cv=3).fit(X, y)
        assert blas_threads() == {2}
        MaxEntClassifierCV(Cs=3, cv=3, n_jobs=2).fit(X, y)
        assert blas_threads() == {2}


def test_networks_share_the_limit(held_fits):
    """A network inside its fit while another fit ends, and the other way round."""
    X, y = dataset(n=60, d=5)
    end = held_fits.start("fit", MaxEntClassifier(n_jobs=1), X, y)
    BackpropMLPClassifier(hidden_layer_sizes=(3,), tol=10.0, n_iter_no_change=2).fit(X, y)
    assert blas_threads() == {1}
    end()
    with BlockRunner(2, limit_blas=True):
        end = held_fits.start("fit", MaxEntClassifier(n_jobs=1), X, y)
        end()
        assert blas_threads() == {1}
    with BlockRunner(2):
        assert blas_threads() == {2}


def test_nested_workers():
    with Workers(2) as outer:
        with Workers(1), pytest.raises(ZeroDivisionError), Workers(2):
            1 / 0  # noqa: B018
        assert outer.map(lambda _: blas_threads(), [1, 2]) == [{1}, {1}]
    assert blas_threads() == {2}


def test_the_pool_has_ended_before_the_limit_is_lifted():
    seen, started = [], threading.Event()

    def slow(_):
        started.set()
        threading.Event().wait(0.05)
        seen.append(blas_threads())

    with Workers(2) as workers:
        assert workers._started()
        workers._pool.submit(slow, 0)
        assert started.wait(TIMEOUT)
    assert seen == [{1}]


# ---- limits of the user's own


@pytest.mark.parametrize("number", [1, 3])
def test_a_limit_around_a_fit_is_kept(held_fits, number):
    X, y = dataset()
    with threadpool_limits(number, user_api="blas"):
        end = held_fits.start("fit", MaxEntClassifier(n_jobs=1), X, y)
        assert blas_threads() == {1}
        end()
        assert blas_threads() == {number}


@pytest.mark.parametrize("number", [1, 3])
def test_a_limit_that_ends_during_a_fit_does_not_come_back(held_fits, number):
    X, y = dataset()
    with threadpool_limits(number, user_api="blas"):
        end = held_fits.start("fit", MaxEntClassifier(n_jobs=1), X, y)
    assert blas_threads() == {2}  # whoever asks for it has it
    end()
    assert blas_threads() == {2}


def test_a_limit_inside_a_fit(held_fits):
    X, y = dataset()
    end = held_fits.start("fit", MaxEntClassifier(n_jobs=1), X, y)
    with threadpool_limits(3, user_api="blas"):
        with Workers():
            assert blas_threads() == {1}
        assert blas_threads() == {1}  # a fit still runs
    assert blas_threads() == {1}
    end()


# ---- libraries that are not here


class Library:
    """A BLAS library as threadpoolctl shows it; its number of threads is the process's or each thread's."""

    def __init__(self, filepath, per_thread):
        self.filepath, self.per_thread, self._shared, self._own = filepath, per_thread, 4, {}

    @property
    def num_threads(self):
        return self._own.get(threading.get_ident(), 4) if self.per_thread else self._shared

    def set_num_threads(self, number):
        self._own[threading.get_ident()] = self._shared = number


@pytest.fixture
def libraries(monkeypatch):
    """Function that loads a library; threadpoolctl finds those. Each comes with a module, as it would."""
    found, modules = [], []

    class Controller:
        def select(self, user_api):
            assert user_api == "blas"
            return types.SimpleNamespace(lib_controllers=list(found))

    def load(filepath, per_thread=False):
        found.append(Library(filepath, per_thread))
        modules.append(f"{__name__}_{filepath}")
        sys.modules[modules[-1]] = types.ModuleType(modules[-1])
        return found[-1]

    monkeypatch.setattr(threads_module, "ThreadpoolController", Controller)
    yield load
    for name in modules:
        del sys.modules[name]


def test_a_library_that_comes_later_is_limited_too(libraries):
    single_blas = SingleBlas()
    first = libraries("first")
    with single_blas:
        second = libraries("second")
        assert (first.num_threads, second.num_threads) == (1, 4)
        with single_blas:
            assert (first.num_threads, second.num_threads) == (1, 1)
        assert (first.num_threads, second.num_threads) == (1, 1)
    assert (first.num_threads, second.num_threads) == (4, 4)
    with single_blas:
        assert (first.num_threads, second.num_threads) == (1, 1)
    assert (first.num_threads, second.num_threads) == (4, 4)


def test_libraries_are_not_looked_for_again_without_imports(libraries, monkeypatch):
    single_blas = SingleBlas()
    libraries("first")
    with single_blas:
        pass
    monkeypatch.setattr(threads_module, "ThreadpoolController", None)
    with single_blas:
        pass


def test_a_number_that_each_thread_has_is_limited_in_each(libraries):
    """The last one to leave cannot give back what belongs to other threads."""
    single_blas, library, inside, go = (
        SingleBlas(),
        libraries("mkl", per_thread=True),
        threading.Event(),
        threading.Event(),
    )
    numbers = []

    def work():
        with single_blas:
            numbers.append(library.num_threads)
            inside.set()
            assert go.wait(TIMEOUT)
            with single_blas:
                numbers.append(library.num_threads)
            numbers.append(library.num_threads)
        numbers.append(library.num_threads)

    with single_blas:
        assert library.num_threads == 1
        thread = threading.Thread(target=work)
        thread.start()
        assert inside.wait(TIMEOUT)
    assert library.num_threads == 4
    go.set()
    thread.join(TIMEOUT)
    assert numbers == [1, 1, 1, 4]


def test_a_number_that_each_thread_has_is_limited_in_a_pool_too(libraries, monkeypatch):
    monkeypatch.setattr(threads_module, "single_blas", SingleBlas())
    library = libraries("mkl", per_thread=True)
    with Workers(2) as workers:
        assert workers.map(lambda _: library.num_threads, range(8)) == [1] * 8
    assert library.num_threads == 4


# ---- forks


def child_sees(look):
    """What `look` returns in a forked process: a small number."""
    child = os.fork()
    if child == 0:
        os._exit(look())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_no_limit_of_threads_that_it_has_not(libraries):
    single_blas, library, inside, go = SingleBlas(), libraries("first"), threading.Event(), threading.Event()

    def work():
        with single_blas:
            inside.set()
            assert go.wait(TIMEOUT)

    def look():
        with single_blas:  # its lock is free
            within = library.num_threads
        return 10 * within + library.num_threads

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(TIMEOUT)
    assert child_sees(lambda: library.num_threads) == 4
    assert child_sees(look) == 14
    with single_blas:
        assert child_sees(lambda: library.num_threads) == 1  # forked inside: it still is
    assert library.num_threads == 1
    go.set()
    thread.join(TIMEOUT)
    assert library.num_threads == 4
