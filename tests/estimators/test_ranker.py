"""Choice among candidates: the grouped softmax, equivalence with classifiers, groups of all sizes."""

import pickle
from itertools import pairwise

import numpy as np
import oracle
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skmaxent import MaxEntClassifier, MaxEntRanker, explain
from skmaxent.convex.grouped import Grouped, GroupedProblem
from skmaxent.convex.reductions.presolve import merge_rows
from skmaxent.convex.solvers import SOLVERS, able
from skmaxent.numerics.losses import grouped_softmax
from skmaxent.numerics.threads import Workers

SIZES = {"equal": np.full(12, 4), "varied": np.array([1, 5, 2, 7, 3, 1, 4, 2, 2, 6])}


def starts_of(sizes):
    return np.concatenate([[0], np.cumsum(sizes)])


def likelihood(sizes, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    starts = starts_of(sizes)
    masses = rng.random((starts[-1], 1)) * (rng.random((starts[-1], 1)) < 0.5)
    masses[starts[:-1]] += 0.1
    weights = np.add.reduceat(masses[:, 0], starts[:-1])
    return Grouped(masses.astype(dtype), weights.astype(dtype), starts, Workers(1))


def direct_loss(likelihood, scores):
    return oracle.grouped_loss(scores[:, 0], likelihood.masses[:, 0], likelihood.starts)


def candidates(n_groups=60, d=6, largest=6, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, largest + 1, n_groups)
    groups = np.repeat([f"g{i:03d}" for i in rng.permutation(n_groups)], sizes)
    X = rng.standard_normal((len(groups), d)) * (rng.random((len(groups), d)) < 0.7)
    score = X @ rng.standard_normal(d) + rng.gumbel(size=len(groups))
    y = np.zeros(len(groups))
    for g in np.unique(groups):
        rows = np.flatnonzero(groups == g)
        y[rows[score[rows].argmax()]] = 1
    shuffled = rng.permutation(len(groups))
    return X[shuffled], y[shuffled], groups[shuffled]


@pytest.mark.parametrize("sizes", SIZES)
def test_gradient_by_complex_steps(sizes):
    model = likelihood(SIZES[sizes])
    scores = np.random.default_rng(1).standard_normal(model.shape) * 3
    expected = np.empty_like(scores)
    loss = model.evaluate(scores, expected)
    np.testing.assert_allclose(loss, direct_loss(model, scores), rtol=1e-12)
    gradient = model.residual(expected)
    numeric = oracle.complex_step(lambda z: direct_loss(model, z), scores)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("sizes", SIZES)
def test_curvature_by_differences(sizes):
    model = likelihood(SIZES[sizes])
    rng = np.random.default_rng(2)
    scores, v = rng.standard_normal(model.shape), rng.standard_normal(model.shape)
    expected, plus, minus = (np.empty_like(scores) for _ in range(3))
    model.evaluate(scores, expected)
    step = 1e-6
    model.evaluate(scores, plus, v, step)
    model.evaluate(scores, minus, v, -step)
    Hv = model.curvature(expected, v)
    np.testing.assert_allclose(Hv, (plus - minus) / (2 * step), atol=1e-8)
    first, second = model.slopes(expected, v)
    np.testing.assert_allclose(
        [first, second], [np.vdot(model.residual(expected), v), np.vdot(v, Hv)], rtol=1e-10
    )
    H = np.column_stack([model.curvature(expected, e[:, None])[:, 0] for e in np.eye(len(v))])
    np.testing.assert_allclose(model.curvature_diagonal(expected)[:, 0], np.diag(H), atol=1e-14)
    # The Hessian in the weights as Newton with a Cholesky factor forms it, in pieces.
    X = rng.standard_normal((len(v), 3))
    total = 0
    for rows in model.pieces(np.arange(len(v)), 7):
        part = model.centred(rows, X[rows], expected[rows])
        total += part.T @ (part * model.curvature_root(rows, expected[rows]) ** 2)
    np.testing.assert_allclose(total, X.T @ H @ X, atol=1e-12)


def test_pieces_and_samples_cut_no_group():
    model = likelihood(SIZES["varied"])
    sizes = dict(zip(model.starts[:-1].tolist(), SIZES["varied"].tolist()))
    for size in (1, 3, 8, 100):
        pieces = model.pieces(None, size)
        everything = np.arange(model.shape[0])
        np.testing.assert_array_equal(np.concatenate([everything[cut] for cut in pieces]), everything)
        assert all(cut.start in model.starts for cut in pieces)
        for rows in (np.arange(model.shape[0]), model.sample(size)):
            pieces = model.pieces(rows, size)
            np.testing.assert_array_equal(np.concatenate(pieces), rows)
            for piece in pieces:
                firsts = [i for i in piece.tolist() if i in sizes]
                assert piece.tolist() == [i + k for i in firsts for k in range(sizes[i])]
    assert 8 <= len(model.sample(8)) < 8 + max(sizes.values())


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(0, 10**6))
def test_grouped_softmax(sizes, seed):
    starts = starts_of(sizes)
    scores = np.random.default_rng(seed).standard_normal(starts[-1]) * 10 ** (seed % 4)
    log_z, proba = grouped_softmax(scores, starts)
    for g, (a, b) in enumerate(pairwise(starts)):
        np.testing.assert_allclose(proba[a:b], np.exp(log_softmax(scores[a:b])), rtol=1e-9, atol=1e-300)
        np.testing.assert_allclose(log_z[g], scores[a] - log_softmax(scores[a:b])[0], rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_merging_equal_groups_changes_no_loss(seed, as_sparse, equal_sizes):
    rng = np.random.default_rng(seed)
    sizes = np.full(9, 3) if equal_sizes else rng.integers(1, 4, 9)
    starts = starts_of(sizes)
    X = rng.integers(0, 2, (starts[-1], 2)).astype(float)
    masses = rng.random(starts[-1])
    weights = np.add.reduceat(masses, starts[:-1])
    problem = GroupedProblem(sparse.csr_array(X) if as_sparse else X, weights, starts, masses)
    merged, removed = merge_rows(problem)
    blocks = {X[a:b].tobytes() for a, b in pairwise(starts)}
    assert removed == len(sizes) - len(blocks)
    w = rng.standard_normal((2, 1))
    losses = []
    for p in (problem, merged):
        scores = p.X @ w
        losses.append(p.likelihood(Workers(1)).evaluate(scores, np.empty_like(scores)))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("C", [0.3, np.inf])
def test_two_candidates_are_logistic_regression_on_differences(solver, C):
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((2, 150, 4))
    first = (A - B) @ [1, -1, 0.5, 0] + rng.logistic(size=150) > 0
    X = np.stack([A, B], axis=1).reshape(-1, 4)
    y = np.stack([first, ~first], axis=1).ravel()
    tol = 1e-13 if C < 1 else 1e-8
    ranker = MaxEntRanker(C=C, solver=solver, tol=tol).fit(X, y, np.repeat(np.arange(150), 2))
    peer = LogisticRegression(C=C, fit_intercept=False, tol=1e-10, max_iter=1000).fit(A - B, first)
    np.testing.assert_allclose(ranker.coef_, peer.coef_[0], atol=1e-6)
    ours = MaxEntClassifier(C=C, fit_intercept=False, tol=tol).fit(A - B, first)
    np.testing.assert_allclose(ranker.coef_, ours.coef_[0], atol=1e-7)


# The gap of the others is a difference of values, which does not come as close to 0.
@pytest.mark.parametrize("solver", able(elastic_net=False))
@pytest.mark.parametrize("n, d", [(90, 4), (20, 60)])
def test_a_column_for_each_class_is_the_multinomial_model(solver, n, d):
    rng = np.random.default_rng(0)
    K = 3
    Z = rng.standard_normal((n, d))
    y = rng.integers(K, size=n)
    joined = sparse.csr_array(np.einsum("id,kl->ikld", Z, np.eye(K)).reshape(n * K, K * d))
    chosen = (y[:, None] == np.arange(K)).ravel()
    ranker = MaxEntRanker(C=0.5, solver=solver, tol=2e-14).fit(joined, chosen, np.repeat(np.arange(n), K))
    classifier = MaxEntClassifier(C=0.5, fit_intercept=False, tol=2e-14).fit(Z, y)
    np.testing.assert_allclose(ranker.coef_.reshape(K, d), classifier.coef_, atol=1e-7)
    groups = np.repeat(np.arange(n), K)
    np.testing.assert_allclose(
        ranker.predict_proba(joined, groups).reshape(n, K), classifier.predict_proba(Z), atol=1e-8
    )


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_optimum_and_certificate(solver, convert):
    X, y, groups = candidates()
    ranker = MaxEntRanker(C=2.0, solver=solver, tol=1e-10).fit(convert(X), y, groups)
    proba = ranker.predict_proba(convert(X), groups)
    # Stationarity: observed less expected features are the weights over C.
    np.testing.assert_allclose(X.T @ (y - proba), ranker.coef_ / 2.0, atol=1e-4)
    assert ranker.convergence_["relative_gap"] <= 1e-10
    loss = -np.log(proba[y == 1]).mean() + ranker.coef_ @ ranker.coef_ / (4.0 * y.sum())
    np.testing.assert_allclose(ranker.convergence_["objective"], loss, rtol=1e-9)


def test_prediction_by_group():
    X, y, groups = candidates()
    ranker = MaxEntRanker().fit(X, y, groups)
    proba, chosen, scores = (
        ranker.predict_proba(X, groups),
        ranker.predict(X, groups),
        ranker.decision_function(X),
    )
    np.testing.assert_allclose(np.exp(ranker.predict_log_proba(X, groups)), proba)
    hits = []
    for g in np.unique(groups):
        rows = np.flatnonzero(groups == g)
        np.testing.assert_allclose(proba[rows].sum(), 1)
        assert chosen[rows].sum() == 1 and chosen[rows[scores[rows].argmax()]]
        hits.append(y[rows][chosen[rows]][0])
        np.testing.assert_allclose(ranker.predict_proba(X[rows]), proba[rows])  # one decision: no groups
    np.testing.assert_allclose(ranker.score(X, y, groups), np.mean(hits))
    assert ranker.predict(np.zeros((3, X.shape[1]))).tolist() == [True, False, False]


def test_order_of_rows_and_names_of_groups_do_not_matter():
    X, y, groups = candidates()
    first = MaxEntRanker(tol=1e-12).fit(X, y, groups)
    order = np.random.default_rng(3).permutation(len(y))
    second = MaxEntRanker(tol=1e-12).fit(
        X[order], y[order] == 1, np.unique(groups, return_inverse=True)[1][order]
    )
    np.testing.assert_allclose(first.coef_, second.coef_, rtol=1e-6)


def test_what_a_group_has_in_common_does_not_matter():
    X, y, groups = candidates()
    codes = np.unique(groups, return_inverse=True)[1]
    shift = np.random.default_rng(4).standard_normal((codes.max() + 1, X.shape[1]))
    first, second = (
        MaxEntRanker(tol=1e-13).fit(X, y, groups),
        MaxEntRanker(tol=1e-13).fit(X + shift[codes], y, groups),
    )
    np.testing.assert_allclose(first.coef_, second.coef_, atol=1e-6)


def test_weights_are_repeated_groups_and_masses_are_counts():
    X, y, groups = candidates()
    codes = np.unique(groups, return_inverse=True)[1]
    counts = np.random.default_rng(5).integers(0, 4, codes.max() + 1)
    weighted = MaxEntRanker(tol=1e-13).fit(X, y, groups, counts[codes])
    rows = np.concatenate([np.flatnonzero(codes == g) for g, m in enumerate(counts) for _ in range(m)])
    copies = np.concatenate(
        [np.full(np.count_nonzero(codes == g), f"{g} {i}") for g, m in enumerate(counts) for i in range(m)]
    )
    repeated = MaxEntRanker(tol=1e-13).fit(X[rows], y[rows], copies)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)
    as_counts = MaxEntRanker(tol=1e-13).fit(
        X[counts[codes] > 0], (y * counts[codes])[counts[codes] > 0], groups[counts[codes] > 0]
    )
    np.testing.assert_allclose(weighted.coef_, as_counts.coef_, atol=1e-7)


def test_single_precision_stays_single():
    X, y, groups = candidates()
    ranker = MaxEntRanker(tol=1e-4).fit(X.astype(np.float32), y, groups)
    assert ranker.coef_.dtype == ranker.predict_proba(X.astype(np.float32), groups).dtype == np.float32
    np.testing.assert_allclose(ranker.coef_, MaxEntRanker().fit(X, y, groups).coef_, atol=5e-2)


def test_separable_groups_without_a_prior():
    X, groups = np.array([[1.0], [0.0], [2.0], [0.0]]), [0, 0, 1, 1]
    with pytest.warns(ConvergenceWarning, match="separable"):
        MaxEntRanker(C=np.inf).fit(X, [1, 0, 1, 0], groups)
    X, y, groups = candidates()
    with pytest.warns(ConvergenceWarning, match="MaxEntRanker stopped after 1 iteration"):
        MaxEntRanker(max_iter=1, solver="lbfgs").fit(X, y, groups)


def test_warm_start_pickle_clone_and_threads():
    X, y, groups = candidates()
    ranker = MaxEntRanker(warm_start=True, solver="lbfgs", tol=1e-8).fit(X, y, groups)
    first = ranker.coef_.copy()
    assert ranker.fit(X, y, groups).n_iter_[0] <= 2
    np.testing.assert_allclose(ranker.coef_, first, atol=1e-5)
    again = pickle.loads(pickle.dumps(ranker))
    np.testing.assert_array_equal(again.predict_proba(X, groups), ranker.predict_proba(X, groups))
    with pytest.raises(NotFittedError):
        clone(ranker).predict(X, groups)
    one, two = (MaxEntRanker(n_jobs=n).fit(sparse.csr_array(X), y, groups).coef_ for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_metadata_routing():
    X, y, groups = candidates(n_groups=80)
    with sklearn.config_context(enable_metadata_routing=True):
        ranker = MaxEntRanker().set_fit_request(groups=True).set_score_request(groups=True)
        scores = cross_validate(ranker, X, y, cv=GroupKFold(4), params={"groups": groups})["test_score"]
        assert scores.min() > 0.3
        search = GridSearchCV(ranker, {"C": [1e-3, 1.0]}, cv=GroupKFold(4)).fit(X, y, groups=groups)
        assert search.best_score_ >= scores.mean() - 1e-12
        assert search.predict(X[groups == groups[0]]).sum() == 1


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda X, y, g: (X, y, None), "requires groups to be passed"),
        (lambda X, y, g: (X, None, g), "requires y to be passed"),
        (
            lambda X, y, g: (X, np.where(g == g[0], 0, y), g),
            r"marks none in the groups \['g\d+'\] \(1 in all\)",
        ),
        (lambda X, y, g: (X, y - 1, g), "Negative values in data passed to MaxEntRanker"),
        (lambda X, y, g: (X, np.where(y, np.nan, 0), g), "Input y contains NaN"),
        (lambda X, y, g: (X, y[1:], g), "inconsistent numbers of samples"),
        (lambda X, y, g: (X, y, g[1:]), "inconsistent numbers of samples"),
        (lambda X, y, g: (X, y, g, np.arange(len(y))), "must be the same for all candidates of a group"),
        (lambda X, y, g: (X, y, g, np.zeros(len(y))), "at least one non-zero number"),
    ],
)
def test_malformed_data(change, message):
    with pytest.raises(ValueError, match=message):
        MaxEntRanker().fit(*change(*candidates()))


@pytest.mark.parametrize("parameters", [{"C": 0.0}, {"solver": "saga"}, {"tol": -1}, {"max_iter": 0}])
def test_parameters(parameters):
    with pytest.raises(ValueError, match=f"The '{next(iter(parameters))}' parameter of MaxEntRanker must be"):
        MaxEntRanker(**parameters).fit(*candidates())


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("top", [2, None])
def test_votes_sum_to_the_scores(convert, top):
    X, y, groups = candidates()
    ranker = make_pipeline(MaxAbsScaler(), MaxEntRanker())
    ranker.fit(X, y, maxentranker__groups=groups)
    for g in np.unique(groups)[:8]:
        rows = convert(X[groups == g])
        explanation = explain(ranker, rows, top=top)
        total = explanation.votes.sum(axis=0) + explanation.remainder + explanation.class_mean
        np.testing.assert_allclose(total, ranker.decision_function(rows), rtol=1e-12, atol=1e-12)
        assert ranker.predict(rows)[explanation.prediction]
        np.testing.assert_allclose(explanation.votes.mean(axis=1), 0, atol=1e-12)
        assert f"picks candidate {explanation.prediction}" in str(explanation)
        if len(total) > 1:
            contrast = explain(ranker, rows, contrast=(1, 0))
            np.testing.assert_allclose(contrast.scores, total[1] - total[0], atol=1e-12)


@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_laplace_prior(l1_ratio, convert):
    """The subgradient conditions of the elastic net, and a gap that proves them."""
    X, y, groups = candidates(d=12)
    C = 0.2
    multipliers = np.r_[np.ones(10), 0.5, np.inf]
    ranker = MaxEntRanker(C=C, l1_ratio=l1_ratio, penalty_weights=multipliers, tol=1e-11)
    ranker.fit(convert(X), y, groups)
    w, pull = ranker.coef_, X.T @ (y - ranker.predict_proba(X, groups))
    assert w[-1] == 0 and ranker.convergence_["relative_gap"] <= 1e-11
    zero, kept = (w == 0) & np.isfinite(multipliers), w != 0
    assert zero.any() and kept.any()
    lasso, ridge = l1_ratio * multipliers / C, (1 - l1_ratio) * multipliers[kept] / C
    assert (np.abs(pull[zero]) <= lasso[zero] + 1e-6).all()
    np.testing.assert_allclose(pull[kept], lasso[kept] * np.sign(w[kept]) + ridge * w[kept], atol=1e-4)


def test_laplace_prior_of_two_candidates_is_that_of_differences():
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((2, 150, 8))
    first = (A - B)[:, 0] + rng.logistic(size=150) > 0
    X, y = np.stack([A, B], axis=1).reshape(-1, 8), np.stack([first, ~first], axis=1).ravel()
    ranker = MaxEntRanker(C=0.1, l1_ratio=1.0, tol=1e-12).fit(X, y, np.repeat(np.arange(150), 2))
    ours = MaxEntClassifier(C=0.1, l1_ratio=1.0, fit_intercept=False, tol=1e-12).fit(A - B, first)
    np.testing.assert_allclose(ranker.coef_, ours.coef_[0], atol=1e-6)
    assert 0 < np.count_nonzero(ranker.coef_) < 8


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixed_entropy(share):
    model = likelihood(SIZES["varied"])
    expected = np.empty(model.shape)
    model.evaluate(np.random.default_rng(1).standard_normal(model.shape), expected)
    total = 0.0
    for a, b in pairwise(model.starts):
        mass = model.masses[a:b].sum()
        q = (share * expected[a:b] + (1 - share) * model.masses[a:b]) / mass
        total -= mass * sum(x * np.log(x) for x in q.ravel() if x > 0)
    np.testing.assert_allclose(model.mixed_entropy(expected, share), total, rtol=1e-12)
