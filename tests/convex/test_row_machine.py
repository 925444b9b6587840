"""The row machine: solvers over blocks of rows have the iterates and certificate of rows in memory."""

import gc
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_blocks import backend_of, parts_of, without_rows
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse

from skmaxent.convex.fit import train
from skmaxent.convex.machine.handles import Machine, Rows
from skmaxent.convex.machine.parts import Labelling, Survey
from skmaxent.convex.machine.programs import Merge, Piece, Size
from skmaxent.convex.machine.proxies import MachineDesign, MachineLikelihood, MachineVectors
from skmaxent.convex.machine.solve import train_rows
from skmaxent.convex.problem import Problem
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers

N, D = 60, 25
CASES = {
    "newton-cg": {"solver": "newton-cg"},
    "lbfgs": {"solver": "lbfgs"},
    "newton-cholesky": {"solver": "newton-cholesky"},
    "Laplace": {"solver": "working-set", "l1_ratio": 1.0},
    "elastic net": {"solver": "working-set", "l1_ratio": 0.6},
    "observed pairs": {"solver": "newton-cg", "observed": True},
    "observed pairs, elastic net": {"solver": "working-set", "l1_ratio": 0.6, "observed": True},
}


def data(kind, seed=3):
    """X, y (labels or masses) and row weights, sorted by label: blocks then lack some."""
    rng = np.random.default_rng(seed)
    K = 2 if kind == "binary" else 3
    X = sparse.csr_array(random_sparse(N, D, 0.3, seed=seed))
    if kind == "dense":
        X = X.toarray()
    y = np.sort(rng.integers(K, size=N))
    if kind == "masses":
        y = rng.uniform(size=(N, K))
    return X, y, rng.uniform(0.3, 3, N)


def problem_of(X, y, weights):
    if y.ndim == 2:
        masses = y * weights[:, None]
        return Problem(X, masses.sum(axis=1), y.shape[1], None, masses)
    return Problem(X, weights, int(y.max()) + 1, y, None)


def edges_of(n_blocks):
    inside = np.sort(np.random.default_rng(n_blocks).choice(np.arange(1, N), n_blocks - 1, replace=False))
    return [0, *inside.tolist(), N]


def solved(parts, workers, **options):
    options = {"C": 1.5, "l1_ratio": 0.0, "fit_intercept": True, "tol": 1e-9, "max_iter": 300} | options
    backend, labelling = backend_of(parts, workers, fit_intercept=options["fit_intercept"])
    return train_rows(backend, labelling, **options), backend


def in_memory(problem, workers, **options):
    options = {"C": 1.5, "l1_ratio": 0.0, "fit_intercept": True, "tol": 1e-9, "max_iter": 300} | options
    return train(problem, workers=workers, **options)


@pytest.mark.parametrize("kind", ["multinomial", "binary", "masses", "dense"])
@pytest.mark.parametrize("case", CASES)
def test_any_number_of_blocks_gives_the_fit_of_rows_in_memory(case, kind):
    X, y, weights = data(kind)
    with Workers() as workers:
        here = in_memory(problem_of(X, y, weights), workers, **CASES[case])
        results = [solved(parts_of(X, y, edges_of(n), weights), workers, **CASES[case])[0] for n in (1, 3, 7)]
    for there in results:
        assert_allclose(there.report["objective"], here.report["objective"], rtol=1e-12)
        # The gap is a proof of its own: the same up to the rounding that it counts itself.
        assert 0 <= there.report["relative_gap"] <= 1e-9
        assert_allclose(there.report["duality_gap"], here.report["duality_gap"], rtol=1e-3, atol=1e-13)
        # Where the last step ends in rounding, one more look at the gradient may be due.
        assert abs(there.report["n_products"] - here.report["n_products"]) <= 0.5
        assert there.report["n_iter"] == here.report["n_iter"]
        dense = [r.weights.toarray() if sparse.issparse(r.weights) else r.weights for r in (here, there)]
        assert_allclose(dense[1], dense[0], atol=1e-5)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_empty_blocks_and_blocks_without_a_class_change_nothing(fit_intercept):
    X, y, weights = data("multinomial")
    parts = parts_of(X, y, [0, *np.searchsorted(y, [1, 2]).tolist(), N], weights)  # one class each
    with Workers() as workers:
        here = in_memory(problem_of(X, y, weights), workers, solver="newton-cg", fit_intercept=fit_intercept)
        empty = without_rows(parts[0])
        options = {"solver": "newton-cg", "fit_intercept": fit_intercept}
        there = solved([empty, parts[0], empty, *parts[1:], empty], workers, **options)[0]
    assert_allclose(there.report["objective"], here.report["objective"], rtol=1e-12)
    assert there.report["n_products"] == here.report["n_products"]


def test_the_bits_do_not_depend_on_threads_or_scratch(tmp_path):
    from skmaxent.convex.machine.backends import BlockBackend
    from skmaxent.convex.machine.block import Block
    from skmaxent.convex.machine.scratch import Scratch

    X, y, weights = data("multinomial")
    parts = parts_of(X, y, edges_of(7), weights)
    survey = Survey.merged([Survey.of(part) for part in parts], [part.name for part in parts])
    labelling = Labelling.settled(survey, None, True)
    found = []
    for n_threads, scratch in ((1, None), (3, None), (2, Scratch(tmp_path))):
        with Workers(n_threads) as workers:
            backend = BlockBackend([Block(part, labelling, scratch) for part in parts], D, 3, workers)
            result = train_rows(
                backend, labelling, C=1.0, l1_ratio=0.0, fit_intercept=True, solver="newton-cg", tol=1e-9,
                max_iter=100,
            )  # fmt: skip
        found.append(result)
    for result in found[1:]:
        assert_array_equal(result.weights, found[0].weights)
        assert_array_equal(result.intercept, found[0].intercept)
    assert not any(tmp_path.iterdir())  # files without names


def test_rows_of_weight_0_and_classes_without_weight():
    X, y, weights = data("multinomial")
    weights[::5] = 0
    kept = weights > 0
    with Workers() as workers:
        here = in_memory(problem_of(X[kept], y[kept], weights[kept]), workers, solver="newton-cg")
        there = solved(parts_of(X, y, edges_of(3), weights), workers, solver="newton-cg")[0]
        assert_allclose(there.report["objective"], here.report["objective"], rtol=1e-12)
        weights[y == 1] = 0
        kept = weights > 0
        one = Problem(X[kept], weights[kept], 3, y[kept], None)
        here = in_memory(one, workers, solver="newton-cg")
        there = solved(parts_of(X, y, edges_of(3), weights), workers, solver="newton-cg")[0]
    assert_allclose(there.report["objective"], here.report["objective"], rtol=1e-12)
    assert_allclose(there.intercept[1], here.intercept[1])
    assert not there.weights[:, 1].any()


@pytest.mark.parametrize("exponent", [-30, 40])
def test_columns_and_weights_of_any_size(exponent):
    X, y, weights = data("multinomial")
    scale = np.ldexp(1.0, np.where(np.arange(D) % 3, exponent, 0))
    X = sparse.csr_array(X * scale)
    weights = np.ldexp(weights, exponent)
    with Workers() as workers:
        options = {"solver": "newton-cg", "C": float(np.ldexp(1.0, -exponent))}
        here = in_memory(problem_of(X, y, weights), workers, **options)
        there = solved(parts_of(X, y, edges_of(3), weights), workers, **options)[0]
    assert here.report["stop_reason"] == there.report["stop_reason"] == "converged"
    assert_allclose(there.report["objective"], here.report["objective"], rtol=1e-9)
    assert there.spread > 1


def test_float32_weights_count_their_rounding():
    X, y, weights = data("multinomial")
    with Workers() as workers:
        single = solved(parts_of(X, y, edges_of(3), weights), workers, solver="newton-cg", dtype=np.float32)[
            0
        ]
        double = solved(parts_of(X, y, edges_of(3), weights), workers, solver="newton-cg", tol=1e-12)[0]
    assert single.weights.dtype == np.float32
    problem = problem_of(X, y, weights)
    likelihood = problem.likelihood(Workers())
    scores = X @ single.weights.astype(float) + single.intercept.astype(np.float32).astype(float)
    value = likelihood.evaluate(scores, np.empty_like(scores)) + np.sum(single.weights.astype(float) ** 2) / 3
    excess = value / weights.sum() - double.report["objective"]
    assert excess <= single.report["duality_gap"] * (1 + 1e-6)


@given(
    n_blocks=st.integers(1, 8),
    seed=st.integers(0, 10),
    kind=st.sampled_from(["multinomial", "binary", "masses"]),
    penalty=st.sampled_from([(0.0, "newton-cg"), (1.0, "working-set"), (0.3, "working-set")]),
)
@settings(max_examples=25, deadline=None)
def test_blocks_are_invisible(n_blocks, seed, kind, penalty):
    X, y, weights = data(kind, seed)
    options = {"l1_ratio": penalty[0], "solver": penalty[1], "tol": 1e-7}
    with Workers() as workers:
        one = solved(parts_of(X, y, [0, N], weights), workers, **options)[0]
        some = solved(parts_of(X, y, edges_of(n_blocks), weights), workers, **options)[0]
    assert_allclose(some.report["objective"], one.report["objective"], rtol=1e-12)
    assert some.report["relative_gap"] <= 1e-7 and one.report["relative_gap"] <= 1e-7


def machine_of(parts, workers):
    backend, labelling = backend_of(parts, workers)
    machine = Machine(backend)
    return backend, machine, MachineVectors(machine, workers), MachineLikelihood(machine), labelling


def test_a_product_is_one_pass_and_its_bytes_are_those_of_the_weights():
    X, y, weights = data("multinomial")
    with Workers() as workers:
        backend, machine, vectors, likelihood, _ = machine_of(parts_of(X, y, edges_of(3), weights), workers)
        design = MachineDesign(machine, D, np.float32)
        likelihood = likelihood.astype(np.float32)
        W = np.random.default_rng(0).normal(size=(D, 3)).astype(np.float32)
        scores = design.forward(W)
        state = vectors.empty_like(scores)
        likelihood.evaluate(scores, state)
        backend.programs.clear()
        shift = np.array([0.5, -1.0, 0.5])
        V, totals = design.curved(likelihood, state, W, shift)
        # 4 bytes for each of the d K weights, down and up.
        assert backend.programs == [("product", True, 4 * D * 3, 4 * D * 3)]
        # The same by operations of their own: still one pass, for what has no result waits.
        backend.programs.clear()
        curved = likelihood.curvature(state, design.forward(W), shift)
        assert_allclose(design.adjoint(curved), V, rtol=1e-5, atol=1e-5)
        assert_allclose(likelihood.totals(curved), totals, rtol=1e-5, atol=1e-5)
        vectors.dot(curved, curved)
        assert [program[1:] for program in backend.programs] == [(True, 4 * D * 3, 4 * D * 3)]


def test_what_a_state_is_asked_for_next_comes_with_the_loss():
    X, y, weights = data("multinomial")
    with Workers() as workers:
        backend, machine, vectors, likelihood, _ = machine_of(parts_of(X, y, edges_of(3), weights), workers)
        design = MachineDesign(machine, D, np.float64)
        W = np.random.default_rng(0).normal(size=(D, 3))
        scores, direction = design.forward(W), design.forward(W[::-1])
        state = vectors.zeros_like(scores)
        likelihood.evaluate(scores, state)
        first = likelihood.slopes(state, direction)
        backend.programs.clear()
        likelihood.evaluate(scores, state, direction, 0.3)
        later = likelihood.slopes(state, direction)
        totals, H = likelihood.totals(state), likelihood.intercept_hessian(state)
        assert len(backend.programs) == 1
        problem = problem_of(X, y, weights)
        here, Z = problem.likelihood(workers), np.empty((N, 3))
        here.evaluate(X @ W, Z)
        assert_allclose(first, here.slopes(Z, X @ W[::-1]), rtol=1e-10)
        here.evaluate(X @ W, Z, X @ W[::-1], 0.3)
        assert_allclose(later, here.slopes(Z, X @ W[::-1]), rtol=1e-10)
        assert_allclose(totals, here.totals(Z), rtol=1e-12)
        assert_allclose(H, here.intercept_hessian(Z), rtol=1e-10, atol=1e-12)
        # Of another direction, or after a change of the state, the reply no longer tells.
        vectors.add(state, 0.0, state)
        likelihood.totals(state)
        assert len(backend.programs) == 2


def rows_of(machine, rows, blocks):
    """The numbers of handles, from the registers."""
    machine.settle(rows)
    machine.ask("dot", rows.value, rows.value)
    return np.concatenate([block._registers[rows.value.number] for block in blocks])


@given(operations=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5), st.integers(0, 5)), max_size=14))
@settings(max_examples=40, deadline=None)
def test_handles_behave_like_arrays(operations):
    """Whatever waits, is computed late, copied or changed in place: the numbers are those of arrays."""
    X, y, weights = data("multinomial")
    with Workers() as workers:
        backend, machine, vectors, likelihood, _ = machine_of(parts_of(X, y, edges_of(3), weights), workers)
        design = MachineDesign(machine, D, np.float64)
        here, plain = problem_of(X, y, weights).likelihood(workers), Vectors(workers)
        W = np.random.default_rng(0).normal(size=(D, 3))
        handles, arrays = [design.forward(W), likelihood.zeros()], [X @ W, np.zeros((N, 3))]
        shift = np.array([1.0, -2.0, 3.0])
        for op, i, j in operations:
            i, j = i % len(handles), j % len(handles)
            for side, v, like in ((handles, vectors, likelihood), (arrays, plain, here)):
                u, w = side[i], side[j]
                if op == 0:
                    side.append(v.shifted(u, shift))
                elif op == 1:
                    side.append(v.sum(u, w))
                elif op == 2:
                    side.append(v.difference(u, w))
                elif op == 3:
                    side.append(v.scaled(u, 0.5))
                elif op == 4:
                    side.append(v.copy(u))
                elif op == 5:
                    side.append(like.residual(u))
                elif op == 6 and i != j:
                    v.add(u, 0.5, w)
                elif op == 7 and i != j:
                    v.scale_add(u, -0.5, w)
        for handle, array in zip(handles, arrays):
            assert handle.shape == array.shape and handle.dtype == array.dtype
            assert_allclose(rows_of(machine, handle, backend._blocks), array, rtol=1e-10, atol=1e-10)


def test_registers_are_freed_with_their_handles():
    X, y, weights = data("multinomial")
    with Workers() as workers:
        parts = parts_of(X, y, edges_of(3), weights)
        backend, machine, vectors, likelihood, _ = machine_of(parts, workers)
        scores = likelihood.zeros()
        for _ in range(5):
            scores = vectors.copy(vectors.shifted(scores, np.ones(3)))
            vectors.dot(scores, scores)
        gc.collect()
        machine.ask("is_zero", scores.value)
        assert [len(block._registers) for block in backend._blocks] == [1, 1, 1]


def test_rows_refuse_arithmetic():
    X, y, weights = data("multinomial")
    with Workers() as workers:
        _, _, _, likelihood, _ = machine_of(parts_of(X, y, edges_of(2), weights), workers)
        rows = likelihood.zeros()
        assert isinstance(rows, Rows)
        for operation in (
            lambda: rows + 1,
            lambda: np.ones((N, 3)) * rows,
            lambda: np.exp(rows),
            lambda: np.asarray(rows),
            lambda: rows[0],
        ):
            with pytest.raises((TypeError, ValueError)):
                operation()


def test_programs_can_be_pickled_and_replies_put_together_in_groups():
    X, y, weights = data("multinomial")
    with Workers() as workers:
        backend, machine, _, likelihood, _ = machine_of(parts_of(X, y, edges_of(4), weights), workers)
        R = likelihood.residual(likelihood.zeros())
        program = [*machine._queue, ("adjoint", None, (0, R.value, Size(D)))]
        sent = pickle.loads(pickle.dumps(program))
        replies = [block.run(sent) for block in backend._blocks]
        assert any(isinstance(reply[0][0], Piece) for reply in replies)
        together, groups, outer = Merge(sent), [Merge(sent), Merge(sent)], Merge(sent)
        for number, reply in enumerate(replies):
            together.add(reply)
            groups[number // 2].add(reply)
        for group in groups:
            outer.add(pickle.loads(pickle.dumps(group.partial())))
        for one, other in zip(together.result()[0], outer.result()[0]):
            assert_allclose(other, one, rtol=1e-12, atol=1e-14)
        problem = problem_of(X, y, weights)
        expected = X.T @ problem.likelihood(workers).residual(np.zeros((N, 3)))
        assert_allclose(together.result()[0][0], expected, rtol=1e-12, atol=1e-13)


def test_partitions_that_do_not_go_together_are_named():
    X, y, _ = data("multinomial")
    one, other = parts_of(X, y, [0, 30, N])
    wide = parts_of(sparse.csr_array(sparse.hstack([X, X])), y, [0, 30, N])[1]

    def merged(*parts):
        return Survey.merged([Survey.of(part) for part in parts], [part.name for part in parts])

    with pytest.raises(ValueError, match=r"partition 1 has 50 columns, but partition 0 has 25"):
        merged(one, wide)
    with pytest.raises(ValueError, match="only one class: 0"):
        merged(*parts_of(X, np.zeros(N, int), [0, 30, N]))
    with pytest.raises(ValueError, match="have no rows"):
        merged(without_rows(one))
    with pytest.raises(ValueError, match="have no weight"):
        merged(*parts_of(X, y, [0, 30, N], np.zeros(N)))
    masses = parts_of(X, np.eye(3)[y], [0, 30, N])
    with pytest.raises(
        ValueError, match="y of partition 1 holds label masses, but that of partition 0 labels"
    ):
        merged(one, masses[1])
    with pytest.raises(ValueError, match=r"partition 1 has 4 columns of label masses"):
        merged(masses[0], parts_of(X, np.eye(4)[y], [0, 30, N])[1])
    with pytest.raises(ValueError, match="Labels of partition 1 are str"):
        merged(one, parts_of(X, y.astype(str), [0, 30, N])[1])
    assert merged(one, without_rows(wide), other).n_rows == N


@pytest.mark.parametrize("l1_ratio, solver", [(0.0, "newton-cg"), (0.0, "auto"), (0.5, "auto")])
def test_many_rows_begin_with_epochs_over_the_blocks(monkeypatch, l1_ratio, solver):
    from skmaxent.convex.machine import solve

    X, y, weights = data("multinomial")
    parts = parts_of(X, y, edges_of(4), weights)
    options = {"solver": solver, "l1_ratio": l1_ratio, "tol": 1e-8}
    with Workers() as workers:
        cold = solved(parts, workers, **options)[0]
        monkeypatch.setattr(solve, "STOCHASTIC_ROWS", 10)
        started = solved(parts, workers, **options)[0]
        again = solved(parts, workers, **options)[0]
    with Workers(3) as workers:
        threads = solved(parts, workers, **options)[0]
    first = [result.report["history"]["objective"][0] for result in (cold, started)]
    chosen = started.report["solver"]  # Cholesky factors need no start
    assert first[1] < first[0] if chosen != "newton-cholesky" else first[1] == first[0]
    assert_allclose(started.report["objective"], cold.report["objective"], rtol=1e-7)
    assert_array_equal(again.weights, started.weights)
    assert_array_equal(threads.weights, started.weights)
