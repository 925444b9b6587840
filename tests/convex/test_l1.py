"""Laplace and elastic-net priors: optimality conditions, certificate, peers, invariances, penalty weights."""

import warnings

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import masses_of
from problems import make_likelihood, random_sparse
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmaxent import MaxEntClassifier, c_min
from skmaxent.convex.design import restricted
from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.design.pairs import PairDesign
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.reductions.presolve import drop_dominated
from skmaxent.convex.solvers import orthant_newton, working_set
from skmaxent.convex.spaces import Vectors, WeightSpace
from skmaxent.numerics.threads import Workers


def made_data(n=90, d=40, K=3, seed=0, density=0.3):
    """CSR design and labels that depend on it."""
    X = random_sparse(n, d, density, seed)
    noise = np.random.default_rng(seed + 1).standard_normal((n, K))
    return X, (X[:, :K].toarray() + 0.5 * noise).argmax(axis=1)


def objective_of(model, X, masses, multipliers=1.0):
    """F in sum scale, and the gradients of the loss in coef_ and intercept_."""
    strength, r = np.where(np.isinf(multipliers), 0, multipliers) / model.C, model.l1_ratio
    return oracle.objective(X, masses, model.coef_, model.intercept_, strength * r, strength * (1 - r))


def assert_optimal(model, X, masses, multipliers=1.0, atol=1e-5):
    """The KKT conditions of every weight and of the intercept."""
    _, gradient, excess = objective_of(model, X, masses, multipliers)
    finite = np.where(np.isinf(multipliers), 0.0, multipliers)
    ridge = finite * (1 - model.l1_ratio) / model.C
    lasso = np.where(np.isinf(multipliers), np.inf, finite * model.l1_ratio / model.C)
    W = model.coef_
    at_zero = W == 0
    assert (np.abs(gradient) <= lasso + atol)[at_zero].all()
    slope = (
        gradient
        + np.where(at_zero, 0, ridge * W)
        + np.where(at_zero, 0, np.where(at_zero, 0, lasso) * np.sign(W))
    )[~at_zero]
    assert_allclose(slope, 0, atol=atol)
    if model.fit_intercept:
        assert_allclose(excess, 0, atol=atol)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("layout", ["dense", "csr", "csc"])
@pytest.mark.parametrize("K", [2, 3, 5])
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_subgradient_conditions(l1_ratio, K, layout, fit_intercept):
    X, y = made_data(K=K)
    X_in = X.toarray() if layout == "dense" else X.asformat(layout)
    model = MaxEntClassifier(C=0.8, l1_ratio=l1_ratio, tol=3e-13, fit_intercept=fit_intercept, n_jobs=1)
    model.fit(X_in, y)
    assert model.convergence_["stop_reason"] == "converged"
    assert 0 < np.count_nonzero(model.coef_) < model.coef_.size
    assert_optimal(model, X, masses_of(y, K))


@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
@pytest.mark.parametrize("K", [2, 3])
def test_agrees_with_saga(K, l1_ratio):
    # With an odd number of classes the optimum under a Laplace prior is unique, with an even one it
    # need not be: adding a number to all weights of a column may leave the sum of moduli as it is.
    X, y = made_data(K=K, seed=4)
    model = MaxEntClassifier(C=0.8, l1_ratio=l1_ratio, tol=1e-12, n_jobs=1).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        peer = LogisticRegression(
            C=0.8,
            l1_ratio=l1_ratio,
            penalty="elasticnet",
            solver="saga",
            tol=1e-10,
            max_iter=20_000,
            random_state=0,
        ).fit(X, y)
    assert_allclose(model.coef_, peer.coef_, atol=1e-5)
    peer.C, peer.l1_ratio = 0.8, l1_ratio
    assert objective_of(model, X, masses_of(y, K))[0] <= objective_of(peer, X, masses_of(y, K))[0] + 1e-9


def test_agrees_with_liblinear():
    X, y = made_data(K=2, seed=5)
    model = MaxEntClassifier(C=2.0, l1_ratio=1, tol=1e-12, fit_intercept=False, n_jobs=1).fit(X, y)
    with warnings.catch_warnings():
        # `penalty` is deprecated, and before scikit-learn 1.8 the only way.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.filterwarnings("ignore", "Inconsistent values: penalty=l1", UserWarning)
        peer = LogisticRegression(
            C=2.0, penalty="l1", solver="liblinear", tol=1e-8, fit_intercept=False, random_state=0
        ).fit(X.tocsr(), y)
    assert_allclose(model.coef_, peer.coef_, atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("K", [2, 3])
def test_certificate_bounds_the_distance(K, l1_ratio):
    """Whenever a fit stops, the optimum is no further away than the gap says."""
    X, y = made_data(K=K)
    masses = masses_of(y, K)
    best = MaxEntClassifier(l1_ratio=l1_ratio, tol=1e-12, n_jobs=1).fit(X, y)
    optimum = objective_of(best, X, masses)[0]
    for tol in (0.5, 1e-1, 1e-2, 1e-4):
        model = MaxEntClassifier(l1_ratio=l1_ratio, tol=tol, n_jobs=1).fit(X, y)
        value, report = objective_of(model, X, masses)[0], model.convergence_
        assert value == pytest.approx(report["objective"] * len(y), rel=1e-12)
        assert value - optimum <= report["duality_gap"] * len(y) + 1e-9
        assert report["relative_gap"] <= tol
        assert report["history"]["support"][-1] == np.count_nonzero(model.coef_.any(axis=0))


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_soft_labels_are_weighted_copies(l1_ratio, K):
    X, _ = made_data(K=K)
    masses = np.random.default_rng(3).dirichlet(np.ones(K), X.shape[0]) * 2
    soft = MaxEntClassifier(l1_ratio=l1_ratio, C=3, tol=3e-13, n_jobs=1).fit(X, masses)
    copies = MaxEntClassifier(l1_ratio=l1_ratio, C=3, tol=3e-13, n_jobs=1).fit(
        sparse.vstack([X] * K), np.repeat(np.arange(K), X.shape[0]), sample_weight=masses.T.ravel()
    )
    assert_allclose(soft.coef_, copies.coef_, atol=1e-6)
    assert_optimal(soft, X, masses)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_critical_c(l1_ratio, K, fit_intercept, weighted):
    """Up to c_min all weights are 0 and the classes have their priors; just above it one is not."""
    X, y = made_data(K=K)
    rng = np.random.default_rng(0)
    options = {"l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    weights = rng.uniform(0.1, 2, len(y)) if weighted else np.ones(len(y))
    if weighted:
        options["penalty_weights"] = rng.uniform(0.5, 2, X.shape[1])
    C = c_min(X, y, sample_weight=weights, **options)
    below = MaxEntClassifier(C=C * (1 - 1e-9), n_jobs=1, **options).fit(X, y, sample_weight=weights)
    assert not below.coef_.any()
    priors = np.full(K, 1 / K)
    if fit_intercept:
        priors = np.bincount(y, weights=weights) / weights.sum()
    assert_allclose(below.predict_proba(X[:1])[0], priors, rtol=1e-9)
    above = MaxEntClassifier(C=C * 1.01, tol=1e-9, n_jobs=1, **options).fit(X, y, sample_weight=weights)
    assert above.coef_.any()


def test_critical_c_refuses_what_has_none():
    X, y = made_data()
    with pytest.raises(ValueError, match="l1_ratio must be above 0"):
        c_min(X, y, l1_ratio=0)
    with pytest.raises(ValueError, match="penalty_weights must be above 0"):
        c_min(X, y, penalty_weights=np.arange(X.shape[1]))


def test_proportional_columns():
    """Of proportional columns only the largest is used, and the objective is that without the others."""
    X, y = made_data(n=30, d=50)
    doubled = sparse.hstack([0.5 * X, X, sparse.csr_array((30, 2)), -0.3 * X]).tocsc()
    model = MaxEntClassifier(C=3, l1_ratio=1, tol=1e-12, n_jobs=1)
    alone = model.fit(X, y).coef_.copy()
    model.fit(doubled, y)
    assert_array_equal(model.coef_[:, :50], 0)
    assert_array_equal(model.coef_[:, 100:], 0)
    assert_allclose(model.coef_[:, 50:100], alone, atol=1e-6)
    assert_optimal(model, doubled, masses_of(y, 3))


def test_dominated_columns_thoroughly():
    X = random_sparse(60, 10).tocsc()
    both = sparse.hstack([2 * X, X, -3 * X[:, :4]]).tocsc()
    reduced, column_map = drop_dominated(both, thorough=True)
    assert_array_equal(np.flatnonzero(column_map.scale), [*range(4, 10), *range(20, 24)])
    V = np.random.default_rng(0).standard_normal((reduced.shape[1], 2))
    with Workers() as workers:
        assert_allclose(both @ column_map.restore(V, workers), reduced @ V)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_float32(l1_ratio):
    X, y = made_data()
    single = MaxEntClassifier(l1_ratio=l1_ratio, tol=1e-5, n_jobs=1).fit(X.astype(np.float32), y)
    double = MaxEntClassifier(l1_ratio=l1_ratio, tol=1e-10, n_jobs=1).fit(X, y)
    assert single.coef_.dtype == np.float32
    assert_allclose(single.coef_, double.coef_, atol=5e-3)


def test_larger_problem_in_stages(monkeypatch):
    """Single precision first, several working sets, blocks of pairs in lanes: the same optimum."""
    X, y = made_data(n=400, d=900, K=5, density=0.05)
    monkeypatch.setattr(working_set, "MIN_NEW", 50)
    monkeypatch.setattr(working_set, "SINGLE_ENTRIES", 0)
    plain = MaxEntClassifier(C=2, l1_ratio=1, tol=1e-8, n_jobs=1).fit(X, y)
    assert_optimal(plain, X, masses_of(y, 5), atol=1e-3)
    monkeypatch.setattr("skmaxent.convex.design.pairs.LANE_WORK", 400)
    laned = MaxEntClassifier(C=2, l1_ratio=1, tol=1e-8, n_jobs=2).fit(X, y)
    monkeypatch.setattr(restricted, "PAIR_SHARE", 0.0)
    columns = MaxEntClassifier(C=2, l1_ratio=1, tol=1e-8, n_jobs=1).fit(X, y)
    for other in (laned, columns):
        assert other.convergence_["objective"] == pytest.approx(plain.convergence_["objective"], rel=2e-8)
        assert_allclose(other.coef_, plain.coef_, atol=2e-3)


@pytest.mark.parametrize("l1_ratio, C, share", [(1.0, 1.0, 0.5), (0.1, 10.0, 1.0)])
def test_rounds_on_dense_data_take_few_columns_until_half_are_in_use(l1_ratio, C, share, monkeypatch):
    X, y = made_data(n=80, d=900, K=2, density=0.2)
    X, sizes, restrict = X.toarray(), [], Objective.restrict
    monkeypatch.setattr(
        Objective, "restrict", lambda self, allowed: sizes.append(allowed.sum()) or restrict(self, allowed)
    )
    model = MaxEntClassifier(C=C, l1_ratio=l1_ratio, tol=1e-9, n_jobs=1).fit(X, y)
    assert sizes[0] == working_set.MIN_NEW_DENSE
    assert all(size <= 0.5 * 900 or size == 900 for size in sizes) and sizes[-1] <= share * 900
    assert (sizes[-1] == 900) == (share == 1.0)
    sparse_model = MaxEntClassifier(C=C, l1_ratio=l1_ratio, tol=1e-9, n_jobs=1).fit(sparse.csr_array(X), y)
    assert model.convergence_["objective"] == pytest.approx(sparse_model.convergence_["objective"], rel=2e-9)
    assert_allclose(model.coef_, sparse_model.coef_, atol=1e-3)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_warm_start(l1_ratio):
    X, y = made_data(n=200, K=3)
    model = MaxEntClassifier(C=1, l1_ratio=l1_ratio, warm_start=True, tol=1e-12, n_jobs=1).fit(X, y)
    cold_iterations, cold = model.n_iter_[0], model.coef_.copy()
    model.fit(X, y)
    assert model.n_iter_[0] < cold_iterations
    assert_allclose(model.coef_, cold, atol=1e-6)
    model.set_params(C=0.5).fit(X, y)
    fresh = MaxEntClassifier(C=0.5, l1_ratio=l1_ratio, tol=1e-12, n_jobs=1).fit(X, y)
    assert_allclose(model.coef_, fresh.coef_, atol=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("shape", ["columns", "pairs"])
def test_penalty_weights(shape, K, l1_ratio):
    """0 frees a weight, inf excludes it, and the others meet their own KKT conditions."""
    X, y = made_data(n=150, d=15, K=K)
    outputs = 1 if K == 2 else K
    rng = np.random.default_rng(1)
    u = rng.uniform(0.2, 3, 15 if shape == "columns" else (outputs, 15))
    u[..., 3], u[..., 5] = 0, np.inf
    model = MaxEntClassifier(C=0.5, l1_ratio=l1_ratio, penalty_weights=u, tol=1e-9, n_jobs=1).fit(X, y)
    assert model.convergence_["stop_reason"] == "converged"
    assert_array_equal(model.coef_[:, 5], 0)
    assert model.coef_[:, 3].all()
    full = np.broadcast_to(u, (outputs, 15))
    assert_optimal(model, X, masses_of(y, K), full)


def test_weighted_gaussian_is_a_scaled_design():
    X, y = made_data()
    u = np.random.default_rng(0).uniform(0.1, 4, X.shape[1])
    weighted = MaxEntClassifier(penalty_weights=u, tol=3e-13, n_jobs=1).fit(X, y)
    scaled = MaxEntClassifier(tol=1e-12, n_jobs=1).fit(X @ sparse.diags(1 / np.sqrt(u)), y)
    assert_allclose(weighted.coef_, scaled.coef_ / np.sqrt(u), atol=1e-5)
    ones = MaxEntClassifier(penalty_weights=np.ones(X.shape[1]), n_jobs=1).fit(X, y)
    assert ones.convergence_["solver"] != "working-set"


def test_working_set_solves_the_gaussian_too():
    X, y = made_data()
    one = MaxEntClassifier(solver="working-set", tol=1e-12, n_jobs=1).fit(X, y)
    other = MaxEntClassifier(tol=1e-12, n_jobs=1).fit(X, y)
    assert_allclose(one.coef_, other.coef_, atol=1e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"l1_ratio": 1.5}, "The 'l1_ratio' parameter of MaxEntClassifier must be a float in the range"),
        ({"l1_ratio": 0.5, "solver": "lbfgs"}, "Solver lbfgs supports only l1_ratio=0"),
        ({"penalty_weights": np.ones(3)}, r"penalty_weights.shape == \(3,\)"),
        ({"penalty_weights": -np.ones(40)}, "must be non-negative"),
        ({"penalty_weights": np.full(40, np.nan)}, "must be non-negative and not nan"),
    ],
)
def test_errors(options, message):
    X, y = made_data()
    with pytest.raises(ValueError, match=message):
        MaxEntClassifier(**options).fit(X, y)


def test_short_of_tolerance_warns():
    X, y = made_data()
    with pytest.warns(ConvergenceWarning, match="relative duality gap"):
        MaxEntClassifier(l1_ratio=1, C=10, max_iter=1, tol=1e-9, n_jobs=1).fit(X, y)


def test_sparsify_keeps_the_predictions():
    X, y = made_data()
    model = MaxEntClassifier(l1_ratio=1, C=0.3, n_jobs=1).fit(X, y)
    proba, stored = model.predict_proba(X), np.count_nonzero(model.coef_)
    assert model.sparsify().coef_.nnz == stored
    assert_allclose(model.predict_proba(X), proba, rtol=1e-12)


@parametrize_with_checks([MaxEntClassifier(l1_ratio=0.5, n_jobs=1), MaxEntClassifier(l1_ratio=1.0, n_jobs=1)])
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("n_outputs", [1, 4])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_pair_design(dtype, n_outputs, monkeypatch):
    """The pair design is the dense block on its pairs, its products adjoint, for any number of threads."""
    monkeypatch.setattr("skmaxent.convex.design.pairs.LANE_WORK", 60)
    rng = np.random.default_rng(0)
    X = random_sparse(20, 15, dtype=dtype).tocsc()
    classes, columns = np.nonzero(rng.random((n_outputs, 15)) < (0.8 if n_outputs == 1 else 0.4))
    w = rng.standard_normal((len(columns), 1)).astype(dtype)
    R = rng.standard_normal((20, n_outputs)).astype(dtype)
    W = np.zeros((15, n_outputs), dtype)
    W[columns, classes] = w[:, 0]
    results = []
    for threads in (1, 2):
        with Workers(threads) as workers:
            design = PairDesign(X, columns, classes, n_outputs, workers, [0.0])
            assert len(design._lanes) > 1
            scores, out = design.forward(w), np.full((20, n_outputs), np.nan, dtype)
            assert_array_equal(design.forward(w, out), scores)
            assert_array_equal(out, scores)
            results.append((scores, design.adjoint(R), design.squared_adjoint(R)))
    tolerance = {"rtol": 1e-5, "atol": 1e-5}
    scores, adjoint, squared = results[0]
    assert_allclose(scores, X @ W, **tolerance)
    assert_allclose(adjoint[:, 0], (X.T @ R)[columns, classes], **tolerance)
    assert_allclose(squared[:, 0], (X.power(2).T @ R)[columns, classes], **tolerance)
    for one, other in zip(*results):
        assert_array_equal(one, other)


def test_scores_of_pairs_that_int32_cannot_number():
    n, K = 1_000_000, 3_000
    X = sparse.csc_array(([1.0, 1.0], ([5, n - 1], [0, 1])), shape=(n, 2))
    with Workers(1) as workers:
        ((_, _, B, B_T),) = PairDesign(X, np.array([0, 1]), np.array([0, K - 1]), K, workers, [0.0])._lanes
    assert_array_equal(B.indices, [5, K * n - 1])
    assert B.indptr.dtype == B.indices.dtype and B_T.shape == (2, K * n)


@pytest.mark.parametrize("kind", ["multinomial", "binary"])
@pytest.mark.parametrize("labels", ["codes", "masses"])
@pytest.mark.parametrize("lasso, ridge", [(0.7, 0.0), (0.4, 0.3), (0.0, 0.5), ("array", "array")])
def test_gap_is_above_the_distance_anywhere(kind, labels, lasso, ridge):
    """At random points the gap bounds F - min F, for all kinds of penalties."""
    rng = np.random.default_rng(2)
    X = random_sparse(25, 12)
    likelihood = make_likelihood(kind, labels, 25)
    K = likelihood.shape[1]
    if lasso == "array":
        lasso, ridge = (
            rng.uniform(0.1, 1, (12, K)),
            rng.uniform(0.1, 1, (12, K)) * (rng.random((12, K)) < 0.5),
        )
    with Workers() as workers:
        vectors = Vectors(workers)
        design = make_design(X, K, workers)
        space = WeightSpace(design, vectors)
        objective = Objective(space, likelihood, ElasticNet(lasso, ridge), True, vectors)
        point = objective.point(np.zeros((12, K)), np.zeros(K))
        trust = orthant_newton.Trust()
        orthant_newton.improve(objective, objective, point, trust, target=0.0, max_steps=60)
        optimum = objective.value(point)
        assert objective.gradient(point).gap <= 1e-6 * optimum
        for _ in range(5):
            W = rng.standard_normal((12, K)) * (rng.random((12, K)) < 0.5) * rng.uniform(0, 1)
            other = objective.point(W, np.zeros(K))
            subgradient = objective.gradient(other)
            assert objective.value(other) - optimum <= subgradient.gap * (1 + 1e-9) + 1e-9
            assert np.isfinite(subgradient.gap)
