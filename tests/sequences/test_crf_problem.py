"""The conditional random field: loss and gradient by enumeration and differences, its optimum, its proofs."""

from itertools import product

import numpy as np
import pytest
from chains import enumerate_chain, sequence_score
from scipy import sparse
from scipy.optimize import minimize

from skmaxent.convex.penalty import Gaussian
from skmaxent.numerics.threads import Workers
from skmaxent.sequences import chain, fit
from skmaxent.sequences.fit import train
from skmaxent.sequences.packed import ChainProblem, Packed, distinct_rows

LENGTHS = np.array([3, 0, 1, 4, 2, 4, 1])


def tagged(K=3, d=5, lengths=LENGTHS, seed=0, edges=0, weights=None, scale=1.0):
    rng = np.random.default_rng(seed)
    n = int(lengths.sum())
    X = sparse.csr_matrix(scale * rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.6))
    codes = rng.integers(K, size=n)
    E = sparse.csr_matrix((rng.random((n, edges)) < 0.5).astype(float)) if edges else None
    weights = np.ones(len(lengths)) if weights is None else np.asarray(weights, float)
    return ChainProblem(X, lengths, codes, weights, K, E)


def objective_by_enumeration(problem, w, C, l1_ratio=0.0):
    """F of the weights [W; V], V (1 + e, K, K), as the textbook has it."""
    K, d = problem.n_tags, problem.X.shape[1]
    W, V = w[: d * K].reshape(d, K), w[d * K :].reshape(-1, K, K)
    S, n = problem.X @ W, problem.X.shape[0]
    E = np.ones((n, 1)) if problem.edges is None else np.hstack([np.ones((n, 1)), problem.edges.toarray()])
    T = np.einsum("te,eij->tij", E, V)
    loss, end = 0.0, 0
    for length, weight in zip(problem.lengths, problem.weights):
        rows = slice(end, end + length)
        end += length
        if length:
            kinds = np.arange(length)
            log_z = enumerate_chain(S[rows], T[rows], kinds)["log_z"]
            loss += weight * (log_z - sequence_score(S[rows], T[rows], kinds, problem.codes[rows]))
    return loss + (l1_ratio * np.abs(w).sum() + (1 - l1_ratio) / 2 * w @ w) / C


def solve(problem, C=1.0, threads=1, **settings):
    settings = {"features": "all", "transitions": "all", "tol": 1e-10, **settings}
    with Workers(threads) as workers:
        return train(problem, C=C, workers=workers, **settings)


def flat(result):
    weights = result.weights.toarray() if sparse.issparse(result.weights) else result.weights
    return np.concatenate([weights.ravel(), result.transitions.ravel()])


def size(problem):
    e = 0 if problem.edges is None else problem.edges.shape[1]
    return problem.X.shape[1] * problem.n_tags + (1 + e) * problem.n_tags**2


@pytest.mark.parametrize("edges", [0, 2])
@pytest.mark.parametrize("batch", [4, 10**6])
def test_value_and_gradient(edges, batch, monkeypatch):
    """The value is that of an enumeration; the gradient is its difference quotient."""
    monkeypatch.setattr(chain, "BATCH_ENTRIES", batch)
    problem = tagged(edges=edges, weights=[1, 2, 0.5, 1, 3, 1, 1])
    rng = np.random.default_rng(1)
    w = rng.normal(size=size(problem))
    with Workers() as workers:
        objective, _, _ = fit.objective_of(Packed.of(problem), ("all", "all", 1), Gaussian(1 / 2.0), workers)
        point = objective.point(w.reshape(-1, problem.n_tags), np.zeros(problem.n_tags))
        gradient = objective.gradient(point).coords.ravel()
    assert objective.value(point) == pytest.approx(objective_by_enumeration(problem, w, 2.0), rel=1e-12)
    for _ in range(5):
        v = rng.normal(size=len(w))
        h = 1e-5 / np.linalg.norm(v)
        difference = objective_by_enumeration(problem, w + h * v, 2.0)
        difference -= objective_by_enumeration(problem, w - h * v, 2.0)
        assert gradient @ v == pytest.approx(difference / (2 * h), rel=1e-6)


def smooth_objective(problem, w, C):
    """The objective of real or complex weights: sums over all sequences, as it is defined."""
    K, d = problem.n_tags, problem.X.shape[1]
    W, V = w[: d * K].reshape(d, K), w[d * K :].reshape(-1, K, K)
    S, n = problem.X.toarray() @ W, problem.X.shape[0]
    E = np.ones((n, 1)) if problem.edges is None else np.hstack([np.ones((n, 1)), problem.edges.toarray()])
    T = np.einsum("te,eij->tij", E, V)
    loss, end = 0.0, 0
    for length, weight in zip(problem.lengths.tolist(), problem.weights):
        first, end = end, end + length
        if not length:
            continue
        rows, y = (
            np.arange(first, end),
            np.array([*product(range(K), repeat=length), problem.codes[first:end]]),
        )
        scores = S[rows, y].sum(axis=1) + T[rows[1:], y[:, :-1], y[:, 1:]].sum(axis=1)
        loss = loss + weight * (np.log(np.exp(scores[:-1]).sum()) - scores[-1])
    return loss + w @ w / (2 * C)


@pytest.mark.parametrize("edges", [0, 2])
@pytest.mark.parametrize("batch", [4, 10**6])
def test_the_gradient_is_that_of_a_complex_step(edges, batch, monkeypatch):
    """Im F(w + i h e_j) / h has no difference that cancels: the gradient to all digits, weight by weight."""
    monkeypatch.setattr(chain, "BATCH_ENTRIES", batch)
    problem, h = tagged(edges=edges, weights=[1, 2, 0.5, 1, 3, 1, 1]), 1e-40
    w = np.random.default_rng(1).normal(size=size(problem))
    with Workers() as workers:
        objective, _, _ = fit.objective_of(Packed.of(problem), ("all", "all", 1), Gaussian(1 / 2.0), workers)
        point = objective.point(w.reshape(-1, problem.n_tags), np.zeros(problem.n_tags))
        gradient = objective.gradient(point).coords.ravel()
    steps = w + 1j * h * np.eye(len(w))
    exact = [smooth_objective(problem, step, 2.0).imag / h for step in steps]
    np.testing.assert_allclose(gradient, exact, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("edges", [0, 1])
def test_the_optimum_is_that_of_another_minimiser(edges):
    problem = tagged(K=2, d=3, edges=edges)
    result = solve(problem)
    peer = minimize(lambda w: objective_by_enumeration(problem, w, 1.0), np.zeros(size(problem)), tol=1e-9)
    mean = len(problem.lengths)
    assert result.report["stop_reason"] == "converged"
    assert result.report["objective"] * mean == pytest.approx(peer.fun, rel=1e-9)
    np.testing.assert_allclose(flat(result), peer.x, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_no_iterate_is_further_from_the_optimum_than_its_gap(l1_ratio, scale):
    """Whatever the units of the columns: a gap bounds what the iterate has to the best value known."""
    problem, C = tagged(scale=scale), 1.0 / (1.0 if l1_ratio == 0 else 0.3)
    lines = []

    def report(record, model):
        weights, transitions = model()
        lines.append((record["gap"], np.concatenate([np.ravel(weights), transitions.ravel()])))

    best = solve(problem, C=C, l1_ratio=l1_ratio, max_iter=600, tol=1e-12)
    optimum = objective_by_enumeration(problem, flat(best), C, l1_ratio)
    total = len(problem.lengths)
    result = solve(problem, C=C, l1_ratio=l1_ratio, tol=1e-5, max_iter=200, report=report)
    above = objective_by_enumeration(problem, flat(result), C, l1_ratio) - optimum
    assert result.report["objective"] * total == pytest.approx(optimum + above, rel=1e-12)
    assert -1e-11 * optimum <= above <= result.report["duality_gap"] * total * (1 + 1e-9)
    if result.report["stop_reason"] == "converged":
        assert result.report["duality_gap"] <= 1e-5 * result.report["objective"]
    gap, w = lines[len(lines) // 2]
    assert objective_by_enumeration(problem, w, C, l1_ratio) - optimum <= gap * total * 1.001 + 1e-5 * optimum


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_a_laplace_part_is_certified_and_sparse(l1_ratio):
    problem = tagged(d=12)
    result = solve(problem, C=1.0, l1_ratio=l1_ratio, tol=1e-4)
    w = flat(result)
    assert result.report["stop_reason"] == "converged"
    assert result.report["relative_gap"] <= 1e-4
    assert np.count_nonzero(w) < 0.7 * len(w)
    value = objective_by_enumeration(problem, w, 1.0, l1_ratio)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = w + 10.0 ** rng.uniform(-4, 0) * rng.normal(size=len(w)) * (rng.random(len(w)) < 0.3)
        assert objective_by_enumeration(problem, other, 1.0, l1_ratio) >= value * (1 - 1e-4)


def test_weights_are_repetitions():
    rng = np.random.default_rng(0)
    problem = tagged(edges=1)
    times = rng.integers(0, 3, size=len(LENGTHS))
    weighted = ChainProblem(problem.X, LENGTHS, problem.codes, times.astype(float), 3, problem.edges)
    starts = np.cumsum(LENGTHS) - LENGTHS
    chosen = np.repeat(np.arange(len(LENGTHS)), times)
    rows = np.concatenate([np.arange(starts[i], starts[i] + LENGTHS[i]) for i in chosen])
    repeated = ChainProblem(
        problem.X[rows], LENGTHS[chosen], problem.codes[rows], np.ones(len(chosen)), 3, problem.edges[rows]
    )
    for features in ("all", "observed"):
        a, b = (solve(p, features=features, transitions=features) for p in (weighted, repeated))
        np.testing.assert_allclose(flat(a), flat(b), atol=1e-5)
        assert a.report["objective"] == pytest.approx(b.report["objective"], rel=1e-10)
        assert a.report["n_pairs"] == b.report["n_pairs"]


def test_the_order_of_the_sentences_does_not_matter():
    problem = tagged()
    starts = np.cumsum(LENGTHS) - LENGTHS
    order = np.random.default_rng(0).permutation(len(LENGTHS))
    rows = np.concatenate([np.arange(starts[i], starts[i] + LENGTHS[i]) for i in order])
    other = ChainProblem(problem.X[rows], LENGTHS[order], problem.codes[rows], problem.weights[order], 3)
    np.testing.assert_allclose(flat(solve(problem)), flat(solve(other)), atol=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_threads_give_the_same_bits(l1_ratio, monkeypatch):
    monkeypatch.setattr(chain, "BATCH_ENTRIES", 6)
    problem = tagged(lengths=np.arange(30) % 7)
    a, b = (solve(problem, threads=t, features="observed", l1_ratio=l1_ratio, max_iter=30) for t in (1, 3))
    assert flat(a).tobytes() == flat(b).tobytes()
    assert a.report["duality_gap"] == b.report["duality_gap"]


@pytest.mark.parametrize("min_count", [1, 2])
def test_weights_exist_for_what_was_observed(min_count):
    problem = tagged(K=4, d=8, edges=2)
    result = solve(problem, features="observed", transitions="observed", min_count=min_count, tol=1e-6)
    K, starts = problem.n_tags, set((np.cumsum(LENGTHS) - LENGTHS).tolist())
    above, below = np.zeros((8, K), int), np.zeros((3, K, K), int)
    for t, tag in enumerate(problem.codes):
        above[problem.X[[t]].nonzero()[1], tag] += 1
        if t not in starts:
            below[0, problem.codes[t - 1], tag] += 1
            below[1 + problem.edges[[t]].nonzero()[1], problem.codes[t - 1], tag] += 1
    assert not result.weights.toarray()[above < min_count].any()
    assert not result.transitions[below < min_count].any()
    exist = np.count_nonzero(above >= min_count) + np.count_nonzero(below >= min_count)
    assert result.report["n_pairs"] == exist
    assert np.count_nonzero(flat(result)) == exist


def test_a_warm_start_begins_where_the_last_fit_ended():
    problem = tagged(edges=1)
    first = solve(problem, features="observed", tol=1e-6)
    again = solve(problem, features="observed", tol=1e-6, start=(first.weights, first.transitions))
    assert again.report["n_iter"] <= 1
    np.testing.assert_allclose(flat(first), flat(again), atol=1e-6)


def test_one_tag_is_certain():
    result = solve(tagged(K=1))
    assert result.report["stop_reason"] == "converged"
    assert result.report["objective"] == result.report["duality_gap"] == 0
    assert not flat(result).any()


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("scale, solved", [(1e-30, True), (1e5, True), (1e8, True), (1e30, False)])
def test_features_of_wild_units_do_not_break_the_proof(scale, solved, l1_ratio):
    """Scores of any size on the way, units that float32 cannot square; the gap is true, or says nothing."""
    problem = tagged(scale=scale)
    result = solve(problem, C=10.0, l1_ratio=l1_ratio, tol=1e-2, max_iter=300)
    value = objective_by_enumeration(problem, flat(result), 10.0, l1_ratio)
    assert result.report["objective"] * len(LENGTHS) == pytest.approx(value, rel=1e-8, abs=1e-10)
    assert result.report["duality_gap"] >= 0
    if l1_ratio == 0:
        assert (result.report["stop_reason"] == "converged") == solved
    best = solve(problem, C=10.0, l1_ratio=l1_ratio, tol=1e-9, max_iter=400)
    above = value - objective_by_enumeration(problem, flat(best), 10.0, l1_ratio)
    assert above <= result.report["duality_gap"] * len(LENGTHS)


def test_equal_rows_of_edge_features_are_one_kind():
    edges = sparse.csr_matrix(np.array([[0, 1.0], [2, 0], [0, 1], [0, 0], [2, 0]]))
    kinds, rows = distinct_rows(edges)
    assert len(set(kinds.tolist())) == rows.shape[0] == 3
    np.testing.assert_array_equal(rows.toarray()[kinds], edges.toarray())
