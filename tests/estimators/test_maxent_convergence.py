"""MaxEntClassifier's certificate, report, warnings and stages."""

import warnings

import numpy as np
import oracle
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import SHAPES, assert_same_model, dataset, reference, tight
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmaxent import MaxEntClassifier
from skmaxent.convex import starts
from skmaxent.convex.design.dense import DenseDesign
from skmaxent.convex.problem import Problem
from skmaxent.convex.solvers import SOLVERS, newton_cg
from skmaxent.convex.stochastic_start import MOVE, STEP, stochastic_start
from skmaxent.numerics.threads import Workers

pytestmark = pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
ALL_SOLVERS = [*SOLVERS, "auto"]


# ---- the certificate


def mean_objective(model, X, y, C):
    masses = oracle.masses_of(y, len(model.classes_))
    return oracle.objective(X, masses, model.coef_, model.intercept_, ridge=1 / C)[0] / len(y)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tol", [0.5, 1e-2, 1e-6, 1e-10])
@pytest.mark.parametrize("solver", ALL_SOLVERS)
def test_gap_is_reached_and_is_a_proof(solver, tol, shape, n_classes):
    X, y = dataset(shape, n_classes)
    model = MaxEntClassifier(C=5.0, tol=tol, solver=solver).fit(X, y)
    report = model.convergence_
    optimum = mean_objective(reference(X, y, 5.0), X, y, 5.0)
    assert report["objective"] == pytest.approx(mean_objective(model, X, y, 5.0), rel=1e-10)
    assert report["stop_reason"] == "converged"
    assert 0 <= report["duality_gap"] <= tol * report["objective"]
    assert report["relative_gap"] == pytest.approx(report["duality_gap"] / report["objective"])
    assert -1e-13 <= report["objective"] - optimum <= report["duality_gap"] + 1e-13
    gradient = (model.observed_counts(X, y) - model.expected_counts(X))[-model.coef_.shape[0] :]
    gradient = (model.coef_ / 5.0 - gradient) / len(y)
    assert report["kkt_violation"] == pytest.approx(np.abs(gradient).max(), rel=1e-3, abs=1e-12)
    assert report["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-3, abs=1e-12)
    closed_form = 0.5 * 5.0 * len(y) * report["gradient_norm"] ** 2
    if solver == "auto" or not SOLVERS[solver].elastic_net:  # which take the best bound of all iterates
        assert report["duality_gap"] == pytest.approx(closed_form, rel=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_content_of_the_report(solver):
    X, y = dataset()
    model = MaxEntClassifier(solver=solver).fit(X, y)
    report = model.convergence_
    assert set(report) == {
        "objective", "duality_gap", "relative_gap", "gradient_norm", "kkt_violation", "stop_reason", "n_iter",
        "n_products", "seconds", "solver", "space", "presolve", "history",
    }  # fmt: skip
    assert report["solver"] == solver and report["space"] == "weights"
    assert set(report["presolve"]) == {"rows_merged", "columns_merged"}
    history = report["history"]
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ["iteration", "seconds", "objective", "gap", "kkt", *SOLVERS[solver].history], report["n_iter"] + 1
    )
    assert_array_equal(history["iteration"], np.arange(report["n_iter"] + 1))
    assert history["objective"][0] == pytest.approx(-(p := np.bincount(y) / len(y)) @ np.log(p))
    assert (np.diff(history["objective"]) <= 0).all() and (np.diff(history["seconds"]) >= 0).all()
    for name, last in [("objective", "objective"), ("gap", "duality_gap"), ("kkt", "kkt_violation")]:
        assert history[name][-1] == pytest.approx(report[last])
    assert model.n_iter_.tolist() == [report["n_iter"]]
    assert report["n_products"] >= report["n_iter"]


@pytest.mark.parametrize("solver", SOLVERS)
def test_too_few_iterations_warn_with_the_gap_and_the_remedy(solver):
    X, y = dataset("wide")
    with pytest.warns(ConvergenceWarning) as record:
        model = MaxEntClassifier(max_iter=1, solver=solver, tol=1e-8, C=100).fit(X, y)
    assert len(record) == 1
    message = str(record[0].message)
    assert f"relative duality gap of {model.convergence_['relative_gap']:.1e}" in message
    assert "Increase max_iter" in message and "tol=1e-08" in message
    assert model.convergence_["stop_reason"] == "max_iter"
    assert model.n_iter_.tolist() == [1]


def test_tolerance_below_the_precision_warns_to_increase_it():
    X, y = dataset()
    with pytest.warns(ConvergenceWarning, match="floating-point precision of X: increase tol"):
        model = MaxEntClassifier(tol=0.0, max_iter=100_000).fit(X.astype(np.float32), y)
    assert model.convergence_["stop_reason"] == "precision"
    assert model.convergence_["relative_gap"] < 1e-5


# ---- the stages for large data


@pytest.mark.parametrize("shape", [(400, 150), (150, 400)])
def test_single_precision_stage_reaches_full_precision(monkeypatch, shape):
    X, y = dataset(shape)
    monkeypatch.setattr(newton_cg, "SINGLE_ENTRIES", 0)
    staged = MaxEntClassifier(tol=1e-10, solver="newton-cg").fit(X, y)
    assert staged.convergence_["relative_gap"] <= 1e-10
    assert staged.coef_.dtype == np.float64
    monkeypatch.setattr(newton_cg, "SINGLE_ENTRIES", 10**9)
    direct = MaxEntClassifier(tol=1e-10, solver="newton-cg").fit(X, y)
    assert_allclose(staged.coef_, direct.coef_, atol=1e-4)


@pytest.mark.parametrize("solver", ["newton-cg", "lbfgs"])
@pytest.mark.parametrize("labels", ["codes", "masses"])
def test_stochastic_start_reaches_the_same_optimum(monkeypatch, solver, labels):
    X, y = dataset((700, 20))
    y = y if labels == "codes" else np.eye(3)[y] + 0.1
    cold = tight(solver=solver).fit(X, y)
    monkeypatch.setattr(starts, "STOCHASTIC_ROWS", 100)
    begun = tight(solver=solver, random_state=0).fit(X, y)
    assert begun.convergence_["history"]["objective"][0] < cold.convergence_["history"]["objective"][0]
    assert_same_model(begun, cold)
    fixed = [MaxEntClassifier(solver=solver).fit(X, y).coef_ for _ in range(2)]
    assert_array_equal(*fixed)  # without random_state: the same all the same
    seeded = MaxEntClassifier(solver=solver, random_state=7).fit(X, y).coef_
    assert not np.array_equal(seeded, fixed[0])


@pytest.mark.parametrize("entries", [5, 40])
def test_many_rows_move_weights_though_the_columns_are_more(monkeypatch, entries):
    rng = np.random.default_rng(0)
    X = sparse.csr_array((rng.random((150, 200)) < entries / 150).astype(float))
    y = (X @ rng.standard_normal((200, 3)) + rng.gumbel(size=(150, 3))).argmax(axis=1)
    rows = MaxEntClassifier(solver="newton-cg", tol=1e-10).fit(X, y)
    assert rows.convergence_["space"] == "rows"
    monkeypatch.setattr(starts, "STOCHASTIC_ROWS", 100)
    model = MaxEntClassifier(solver="newton-cg", tol=1e-10).fit(X, y)
    frequent = entries >= starts.COLUMN_ENTRIES
    assert model.convergence_["space"] == ("weights" if frequent else "rows")
    assert_allclose(model.coef_, rows.coef_, atol=2e-5)
    assert_allclose(model.intercept_, rows.intercept_, atol=2e-5)
    # A warm start is one of weights, and there is little left to do.
    again = MaxEntClassifier(solver="newton-cg", tol=1e-10, warm_start=True).fit(X, y).fit(X, y)
    assert again.convergence_["n_iter"] <= 2


@pytest.mark.parametrize("size", [1.0, 1e3, 1e-3])
@pytest.mark.parametrize("entries", [2, 12, 100])
def test_stochastic_steps_move_scores_by_as_much_whatever_the_number_of_entries(entries, size):
    X = sparse.csr_array(np.full((64, entries), size))
    problem = Problem(X, np.ones(64), 3, codes=np.zeros(64, int))
    W = stochastic_start(problem, 0.0, epochs=1, seed=0, workers=Workers())
    # One batch of rows of the same class: all weights move by a whole step.
    step = min(STEP, MOVE / (entries * size))
    assert_allclose(W, step * np.broadcast_to([1, -1, -1], W.shape), rtol=2e-3)


@pytest.mark.parametrize("C", [1e4, 1e6, 1e8])
@pytest.mark.parametrize("n, d, seed", [(40, 120, 6), (200, 30, 5), (60, 60, 10), (60, 60, 11)])
def test_several_classes_under_a_weak_prior_are_certified(n, d, seed, C):
    """All rows become nearly certain, and the gap asks for class totals far below their rounding."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * 0.9 ** np.arange(d) @ rng.standard_normal((d, d))
    y = (X @ rng.standard_normal((d, 3)) + rng.gumbel(size=(n, 3))).argmax(axis=1)
    values = []
    for solver in ("auto", "newton-cholesky"):
        model = MaxEntClassifier(C=C, tol=1e-9, max_iter=1000, solver=solver).fit(X, y)
        assert model.convergence_["stop_reason"] == "converged"
        values.append(mean_objective(model, X, y, C))
    assert values[0] == pytest.approx(values[1], rel=1e-8)
    assert values[0] == pytest.approx(model.convergence_["objective"], rel=1e-8)


def test_a_proof_far_better_than_asked_for_takes_no_look_at_each_row(monkeypatch):
    X, y = dataset((400, 10))
    X = X.toarray()
    looks, row_bounds = [], DenseDesign.row_bounds
    monkeypatch.setattr(DenseDesign, "row_bounds", lambda self: looks.append(self) or row_bounds(self))
    model = MaxEntClassifier(tol=1e-13, solver="newton-cholesky", warm_start=True).fit(X, y)
    assert looks
    looks.clear()
    model.set_params(tol=1e-6).fit(X, y)  # from there
    assert model.convergence_["relative_gap"] < 1e-11
    assert not looks


def test_no_warning_in_an_ordinary_fit():
    X, y = dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MaxEntClassifier().fit(X, y)
