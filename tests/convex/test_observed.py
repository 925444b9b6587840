"""features="observed": weights only for the pairs of a column and a class that occur together."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from observed_problems import BACK, PRIORS, assert_same, dense, fit, observed, problem
from problems import dataset, random_sparse
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmaxent import MaxEntClassifier
from skmaxent.convex import prepare as prepare_module
from skmaxent.convex.design import shared_pairs
from skmaxent.convex.design.shared_pairs import ObservedDesign
from skmaxent.convex.problem import Problem
from skmaxent.convex.reductions.observed import count_pairs
from skmaxent.numerics.threads import Workers

LAYOUTS = {"mixed": 0.5, "blocks": 0.0, "pairs": 2.0}


# ---- which pairs there are


@pytest.mark.parametrize("min_count", [1, 2, 3])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("kind", ["csc", "dense"])
@pytest.mark.parametrize("labels", ["codes", "masses"])
def test_pairs_are_counted_by_rows(n_classes, min_count, kind, labels, monkeypatch):
    monkeypatch.setattr("skmaxent.convex.reductions.observed.COUNTED", 50)  # several blocks
    X, y = problem(n_classes)
    masses = np.eye(n_classes)[y] * 0.25
    if labels == "masses":
        masses[::3, 0] += 0.5
    given = {"codes": y} if labels == "codes" else {"masses": masses}
    pairs = count_pairs(Problem(BACK[kind](X), masses.sum(axis=1), n_classes, **given), min_count)
    assert_array_equal(np.diff(pairs.indptr), observed(X, masses, min_count).sum(axis=0))
    mask = np.zeros((X.shape[1], pairs.n_outputs), bool)
    mask[pairs.columns, pairs.classes] = True
    assert_array_equal(mask.T, observed(X, masses, min_count))
    assert pairs.full == mask.all()


def test_stored_zeros_and_absent_rows_show_nothing():
    X = sparse.csr_array((np.array([1.0, 0.0, 2.0, 3.0]), np.array([0, 1, 1, 0]), np.array([0, 2, 3, 4])))
    y = ["a", "b", "c"]
    model = fit(X, y, features="observed")
    assert_array_equal(dense(model) != 0, [[True, False], [False, True], [True, False]])
    X2 = sparse.vstack([X, X[[2]]])
    again = fit(X2, [*y, "a"], features="observed", sample_weight=[1, 1, 1, 0])
    assert_same(again, model)
    assert not X.data.all()  # the input keeps its stored zero


# ---- the design


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["csc", "dense"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_design_is_the_linear_map(layout, kind, n_threads, monkeypatch):
    monkeypatch.setattr(shared_pairs, "SHARE", LAYOUTS[layout])
    monkeypatch.setattr(shared_pairs, "LANE_WORK", 8)
    rng = np.random.default_rng(1)
    n, d, K = 30, 40, 11
    X = BACK[kind](random_sparse(n, d, 0.2))
    mask = rng.uniform(size=(d, K)) < np.linspace(0, 1, d)[:, None]
    columns, classes = np.nonzero(mask)
    with Workers(n_threads) as workers:
        design = ObservedDesign(X, columns, classes.astype(np.int16), K, workers)
        assert_array_equal(design.columns, columns[design.order])
        w, R = rng.standard_normal((len(columns), 1)), rng.standard_normal((n, K))
        W = np.zeros((d, K))
        W[design.columns, design.classes] = w[:, 0]
        full = X.toarray() if kind == "csc" else X
        assert_allclose(design.forward(w), full @ W, atol=1e-12)
        gradient = (full.T @ R)[design.columns, design.classes]
        assert_allclose(design.adjoint(R)[:, 0], gradient, atol=1e-12)
        assert_allclose(np.vdot(design.forward(w), R), np.vdot(w, design.adjoint(R)), rtol=1e-12)
        squares = ((full**2).T @ R)[design.columns, design.classes]
        assert_allclose(design.squared_adjoint(R)[:, 0], squares, atol=1e-12)
        product, peak = design.gram(R)
        assert_allclose(product, design.forward(design.adjoint(R)), atol=1e-12)
        assert peak == pytest.approx(np.abs(gradient).max())
        single = design.astype(np.float32)
        assert single.forward(w.astype(np.float32)).dtype == np.float32
        assert_allclose(single.adjoint(R.astype(np.float32))[:, 0], gradient, atol=1e-4)
        allowed = rng.uniform(size=w.shape) < 0.4
        part, place = design.subset(allowed)
        assert_array_equal(np.sort(place), np.flatnonzero(allowed))
        assert_allclose(part.forward(w[place]), full @ (W * masked(W, design, place)), atol=1e-12)
        assert part.tally is design.tally


def masked(W, design, place):
    mask = np.zeros(W.shape, bool)
    mask[design.columns[place], design.classes[place]] = True
    return mask


def test_indicators_are_their_own_squares():
    X = sparse.csc_array((random_sparse(20, 30) != 0).astype(float))
    design = ObservedDesign(X, np.arange(30), np.zeros(30, int), 9, Workers())
    R = np.random.default_rng(0).standard_normal((20, 9))
    assert_array_equal(design.squared_adjoint(R), design.adjoint(R))


# ---- the optimum


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("min_count", [1, 2])
@pytest.mark.parametrize("kind", ["csr", "dense"])
def test_optimum_is_that_of_all_pairs_with_the_others_excluded(
    prior, n_classes, fit_intercept, min_count, kind
):
    X, y = problem(n_classes, density=0.12 if n_classes > 2 else 0.05)
    mask = observed(X, np.eye(n_classes)[y], min_count)
    assert not mask.all() or (n_classes, min_count) == (2, 1)
    options = {"l1_ratio": PRIORS[prior], "fit_intercept": fit_intercept}
    excluding = fit(X, y, penalty_weights=np.where(mask, 1, np.inf), **options)
    model = fit(BACK[kind](X), y, features="observed", min_count=min_count, **options)
    # The limit of "working-set", or what the two proofs say: F - F* >= ridge |W - W*|^2 / 2.
    ridge = (1 - model.l1_ratio) / model.C
    gaps = np.array([m.convergence_["duality_gap"] for m in (model, excluding)]) * len(y)
    assert_same(model, excluding, max(1e-7, np.sqrt(2 * gaps / ridge).sum() if ridge else 0.0))
    assert model.convergence_["objective"] == pytest.approx(excluding.convergence_["objective"], rel=1e-13)
    assert not dense(model)[~mask].any()
    assert 0 <= model.convergence_["relative_gap"] < 1e-12


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("space", ["rows", "weights"])
@pytest.mark.parametrize("solver", ["newton-cg", "lbfgs"])
def test_every_layout_space_and_solver_finds_it(layout, space, solver, monkeypatch):
    monkeypatch.setattr(shared_pairs, "SHARE", LAYOUTS[layout])
    X, y = problem(shape=(60, 25) if space == "weights" else (25, 90))
    mask = observed(X, np.eye(5)[y])
    excluding = fit(X, y, penalty_weights=np.where(mask, 1, np.inf))
    tol = 1e-15 if solver == "lbfgs" else 1e-17
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MaxEntClassifier(features="observed", solver=solver, tol=tol).fit(X, y)
    assert model.convergence_["space"] == space
    assert_same(model, excluding, 1e-6 if solver == "lbfgs" else 1e-7)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("path", ["as it is", "pairs all the same"])
def test_all_pairs_are_observed_pairs_when_all_are_observed(prior, n_classes, path, monkeypatch):
    X, y = dataset("tall", n_classes)
    X = sparse.csr_array(np.where(X.toarray() == 0, 0.1, X.toarray()))
    everything = fit(X, y, l1_ratio=PRIORS[prior])
    if path == "pairs all the same":  # not by falling back to the design for all pairs
        monkeypatch.setattr("skmaxent.convex.reductions.observed.Pairs.full", False)
        monkeypatch.setattr(shared_pairs, "SHARE", 2.0)
    model = fit(X, y, l1_ratio=PRIORS[prior], features="observed")
    assert model.convergence_["solver"] == "newton-cg" or path == "as it is" or prior != "L2"
    assert_same(model, everything)


@pytest.mark.parametrize("shape", ["per column", "per pair"])
def test_penalty_weights(shape):
    X, y = problem()
    rng = np.random.default_rng(2)
    u = rng.uniform(0.3, 3, X.shape[1] if shape == "per column" else (5, X.shape[1]))
    mask = observed(X, np.eye(5)[y])
    assert mask[:, 3].all()
    u[..., 3] = 0  # may be shifted: only its differences count
    u[..., 5] = np.inf
    excluding = fit(X, y, penalty_weights=np.where(mask, u, np.inf), l1_ratio=0.5, tol=1e-13)
    model = fit(X, y, penalty_weights=u, l1_ratio=0.5, features="observed", tol=1e-13)
    assert_allclose(model.predict_log_proba(X), excluding.predict_log_proba(X), atol=1e-6)
    others = np.arange(25) != 3
    assert_allclose(dense(model)[:, others], dense(excluding)[:, others], atol=1e-6)
    assert not dense(model)[:, 5].any()
    assert model.convergence_["objective"] == pytest.approx(excluding.convergence_["objective"], rel=1e-12)


def test_without_a_prior_whole_columns_are_centred_and_the_counts_agree():
    rng = np.random.default_rng(3)
    X = (rng.uniform(size=(400, 6)) < 0.5).astype(float)
    y = rng.integers(0, 3, 400)
    X[y == 2, 4:] = 0  # the pairs of class 2 with the last columns do not occur
    model = fit(X, y, C=np.inf, features="observed", tol=1e-11)
    coef, mask = dense(model), observed(X, np.eye(3)[y])
    assert_array_equal(mask.sum(axis=0), [3, 3, 3, 3, 2, 2])
    assert_allclose(coef[:, :4].mean(axis=0), 0, atol=1e-12)
    assert_allclose(model.expected_counts(X)[mask], model.observed_counts(X, y)[mask], rtol=1e-7)
    assert not coef[~mask].any()


@pytest.mark.parametrize("prior", PRIORS)
def test_conditions_of_the_optimum(prior):
    X, y = problem()
    l1 = PRIORS[prior]
    model = fit(X, y, l1_ratio=l1, features="observed")
    coef, mask = dense(model), observed(X, np.eye(5)[y])
    gradient = model.expected_counts(X) - model.observed_counts(X, y) + (1 - l1) * coef
    tolerance = 2e-8 if prior == "L2" else 1e-6
    assert_allclose((gradient + l1 * np.sign(coef))[coef != 0], 0, atol=tolerance)
    assert np.abs(gradient[mask & (coef == 0)]).max(initial=0) <= l1 + 1e-9
    assert np.abs(gradient[~mask]).max() > 1e-3  # no condition holds for a pair without a weight


@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 5), min_count=st.integers(1, 3))
@settings(max_examples=12, deadline=None)
def test_the_gap_bounds_what_any_weights_on_the_pairs_can_gain(seed, n_classes, min_count):
    X, y = problem(n_classes, (25, 12), seed, density=0.2)
    for l1_ratio in (0.0, 1.0):
        options = {"features": "observed", "min_count": min_count, "l1_ratio": l1_ratio}
        rough = MaxEntClassifier(tol=0.05, **options).fit(X, y)
        best = fit(X, y, tol=1e-12, **options)
        gain = rough.convergence_["objective"] - best.convergence_["objective"]
        assert -1e-12 <= gain <= rough.convergence_["duality_gap"] + 1e-12
        assert not dense(best)[~observed(X, np.eye(n_classes)[y], min_count)].any()


# ---- labels, weights, presolve


def test_soft_labels_are_weighted_copies():
    X, y = problem()
    masses = np.zeros((60, 5))
    masses[np.arange(60), y] = 0.7
    masses[:10, 1] += 0.3
    copies = sparse.vstack([X, X[:10]])
    weights = [*np.full(60, 0.7), *np.full(10, 0.3)]
    for min_count in (1, 2):
        soft = fit(X, masses, features="observed", min_count=min_count)
        hard = fit(copies, [*y, *np.ones(10, int)], weights, features="observed", min_count=min_count)
        if min_count == 1:
            assert_same(soft, hard)
        assert_array_equal(dense(soft) != 0, observed(X, masses, min_count))


def test_rows_count_before_equal_ones_merge():
    X, y = problem()
    twice = sparse.vstack([X, X])
    single = fit(X, y, np.full(60, 2.0), features="observed")
    double = fit(twice, [*y, *y], features="observed")
    assert double.convergence_["presolve"]["rows_merged"] >= 60
    assert_same(double, single)
    # Repeats are rows of their own, a weight is not.
    assert_array_equal(
        dense(fit(twice, [*y, *y], features="observed", min_count=2)) != 0, observed(X, np.eye(5)[y])
    )
    assert_array_equal(
        dense(fit(X, y, np.full(60, 2.0), features="observed", min_count=2)) != 0,
        observed(X, np.eye(5)[y], 2),
    )


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("thorough", [True, False])
def test_proportional_columns_merge_exactly(prior, thorough, monkeypatch):
    monkeypatch.setattr(prepare_module, "THOROUGH_WORK", 0)
    X, y = problem(shape=(60, 25) if thorough else (30, 60), density=0.06)
    X = sparse.hstack([X, X[:, [0, 3, 5]] * 2.0, X[:, [3]] * -0.5, X[:, [7]] * 0]).tocsr()
    mask = observed(X, np.eye(5)[y])
    for min_count in (1, 2):
        model = fit(X, y, l1_ratio=PRIORS[prior], features="observed", min_count=min_count)
        if prior != "elastic net":
            assert model.convergence_["presolve"]["columns_merged"] > 0
        mask = observed(X, np.eye(5)[y], min_count)
        excluding = fit(X, y, l1_ratio=PRIORS[prior], penalty_weights=np.where(mask, 1, np.inf))
        gap = model.convergence_["objective"] - excluding.convergence_["objective"]
        assert abs(gap) < 1e-12
        assert_allclose(model.decision_function(X), excluding.decision_function(X), atol=1e-7)
        if prior == "L2":
            assert_same(model, excluding, 1e-7)


def test_no_pair_at_all_leaves_the_class_priors():
    X, y = problem()
    for l1_ratio in PRIORS.values():
        model = fit(X, y, l1_ratio=l1_ratio, features="observed", min_count=100)
        assert not model.coef_.any() and model.coef_.shape == (5, 25)
        assert_allclose(model.predict_proba(X)[0], np.bincount(y) / 60, atol=1e-10)


def test_class_weights_and_single_precision():
    X, y = problem()
    weighted = fit(X, y, features="observed", class_weight={0: 3, 2: 0.5})
    by_rows = fit(X, y, np.array([3, 1, 0.5, 1, 1])[y], features="observed")
    assert_same(weighted, by_rows)
    single = MaxEntClassifier(features="observed").fit(X.astype(np.float32), y)
    assert single.coef_.dtype == single.intercept_.dtype == np.float32
    assert_allclose(dense(single), dense(fit(X, y, features="observed")), atol=1e-2)
