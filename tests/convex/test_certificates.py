"""The proofs of accuracy against minima that an independent reference finds and proves."""

from types import SimpleNamespace

import numpy as np
import pytest
from certified_cases import Case, judge, random_case
from certified_reference import certify, label_masses
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_sparse
from scipy import sparse

from skmaxent import MaxEntClassifier
from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet, Gaussian
from skmaxent.convex.problem import Problem
from skmaxent.convex.reductions.presolve import merge_columns
from skmaxent.convex.solvers.control import Control
from skmaxent.convex.spaces import RowSpace, Vectors, WeightSpace
from skmaxent.numerics.threads import Workers

# One test a block, so that a failure names few cases; benchmarks/certificates.py runs 2,000 of each model.
CASES, BLOCK = 150, 10


@pytest.mark.parametrize("as_ranker", [False, True])
@pytest.mark.parametrize("first", range(0, CASES, BLOCK))
def test_what_a_fit_claims_is_true(first, as_ranker):
    """Whatever scales, offsets, classes, priors, precision and solver: see `certified_cases.faults`.

    With a row out of all proportion "auto" may say that it could not; so may a ranker, of which the columns
    are not centred.
    """
    wrong = []
    for case in map(random_case, range(first, first + BLOCK)):
        may_fail = case.wild or as_ranker
        try:
            faults = judge(case, as_ranker).faults
            wrong += [f"{case}: {text}" for kind, text in faults if not (may_fail and kind == "auto")]
        except RuntimeWarning as warning:
            wrong.append(f"{case}: {warning!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "number, as_ranker, fault",
    [
        (22751, False, "a loss in float32 whose rounding hid a part of the gap"),
        (30088, False, "steps past the end of a direction, where no curvature is left"),
        (3992, False, "columns that are nearly constant, and the same beside a row of 1e13"),
        (3992, True, "the same"),
        (4398, False, "a column and its double, of which rounding alone tells"),
        (1366, True, "a column that is nearly constant, whose weights move scores all the same"),
    ],
)
def test_faults_of_the_past(number, as_ranker, fault):
    assert judge(random_case(number), as_ranker).faults == [], fault


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_large", [1, 3])
@pytest.mark.parametrize("size", [1e3, 1e8, 1e10, 1e12, 1e16, 1e20, 1e100])
def test_one_row_of_large_numbers(size, n_large):
    """Its size alone separates nothing; its score may be no more than rounding, which the gap must tell."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 4))
    y = (X @ rng.standard_normal((4, 3)) + rng.gumbel(size=(40, 3))).argmax(axis=1)
    X[0, :n_large] = size
    model = MaxEntClassifier(C=np.inf).fit(X, y)
    report = model.convergence_
    truth = certify(X, label_masses(y, 3), model.coef_, model.intercept_, C=np.inf)
    assert report["stop_reason"] != "separated"
    assert truth.excess <= report["duality_gap"] * 40
    if n_large == 1:
        assert report["stop_reason"] == "converged"


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("value", [1e155, -1.7e308])
def test_numbers_whose_squares_overflow_are_refused(value, kind):
    X = np.eye(4)
    X[1, 2] = value
    with pytest.raises(ValueError, match=f"{abs(value):.3g} in modulus".replace("+", r"\+")):
        MaxEntClassifier().fit(kind(X), [0, 1, 0, 1])


@pytest.mark.parametrize("deviation", [1e-4, 3e-5])
def test_columns_that_differ_a_little_are_two(deviation):
    """All that is known about y is in what is left of one column after the other is taken out."""
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((2, 60))
    X = sparse.csr_array(np.column_stack([x, 2 * x * (1 + deviation * z)]).astype(np.float32))
    y = (z * x + 0.5 * rng.standard_normal(60) > 0).astype(int)
    parameters = {"C": 1e4, "l1_ratio": 1.0, "penalty_weights": None, "fit_intercept": True, "solver": "auto"}
    assert judge(Case(-1, X, y, 2, None, parameters)).faults == []
    for thorough in (True, False):
        reduced, column_map = merge_columns(X.tocsc(), thorough)
        assert column_map is None
        assert_array_equal(reduced.toarray(), X.toarray())


@pytest.mark.parametrize("kind", ["rows", "weights", "laplace"])
@pytest.mark.parametrize("K", [2, 3])
def test_an_intercept_away_from_its_optimum_is_in_the_gap(kind, K):
    """Where no column pulls at its weight, the intercept alone decides how far away the optimum is."""
    half = np.random.default_rng(0).standard_normal((20, 4))
    X = sparse.csr_array(np.vstack([half, -half]))  # each row with its negative, of the same class
    codes = np.tile(np.minimum(np.arange(20) // 3, K - 1), 2)
    p = 1 if K == 2 else K
    masses = label_masses(codes, K)
    with Workers() as workers:
        vectors = Vectors(workers)
        likelihood = Problem(X, np.ones(40), K, codes=codes).likelihood(workers)
        space = (RowSpace if kind == "rows" else WeightSpace)(make_design(X, p, workers), vectors)
        penalty = ElasticNet(0.5, 0.0) if kind == "laplace" else Gaussian(0.5)
        objective = Objective(space, likelihood, penalty, True, vectors)
        coords = np.zeros(objective.coords_shape)
        for settle in (False, True):
            point = objective.point(coords, np.zeros(p), settle=settle)
            direction = objective.gradient(point)
            prior = {"C": 2.0, "l1_ratio": float(kind == "laplace")}
            truth = certify(X, masses, np.zeros((p, 4)), point.intercept, **prior)
            assert (truth.excess > 1) == (not settle)
            assert truth.excess <= direction.gap


@pytest.mark.parametrize("features", ["all", "observed"])
@pytest.mark.parametrize("solver", ["newton-cg", "lbfgs", "newton-cholesky", "working-set"])
def test_weights_without_a_penalty_sum_to_zero(solver, features):
    """Only differences between classes are determined; of all such weights the least are returned."""
    if solver == "newton-cholesky" and features == "observed":
        pytest.skip("this solver has all pairs only")
    X = random_sparse(80, 4, density=0.7).toarray()
    y = np.random.default_rng(1).integers(0, 4, 80)
    if features == "observed":
        X[y == 3, 2:] = 0  # columns 2 and 3 have no weights for class 3
    fit = {"features": features, "solver": solver, "n_jobs": 1}
    model = MaxEntClassifier(C=np.inf, **fit).fit(sparse.csr_array(X), y)
    start = MaxEntClassifier(C=1.0, warm_start=True, **fit).fit(sparse.csr_array(X), y)
    uneven = start.coef_ + 5.0 * np.arange(1, 5) * np.ones((4, 1)) * (features == "all")
    start.coef_ = type(start.coef_)(uneven) if sparse.issparse(start.coef_) else uneven
    warm = start.set_params(C=np.inf).fit(sparse.csr_array(X), y)
    for fitted in (model, warm):
        coef = fitted.coef_.toarray() if sparse.issparse(fitted.coef_) else fitted.coef_
        whole = [0, 1] if features == "observed" else [0, 1, 2, 3]
        assert np.abs(coef[:, whole]).max() > 0.1
        assert_allclose(coef[:, whole].sum(axis=0), 0, atol=1e-9)
        assert fitted.intercept_.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_weights_of_free_columns_sum_to_zero(l1_ratio):
    X = random_sparse(80, 4, density=0.7)
    y = np.random.default_rng(1).integers(0, 3, 80)
    model = MaxEntClassifier(penalty_weights=[0.0, 1.0, 0.0, 2.0], l1_ratio=l1_ratio, n_jobs=1).fit(X, y)
    assert np.abs(model.coef_[:, [0, 2]]).max() > 0.01
    assert_allclose(model.coef_[:, [0, 2]].sum(axis=0), 0, atol=1e-9)


# ---- the reference itself


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("K", [2, 4])
def test_the_reference_proves_its_minimum(K, l1_ratio):
    """From any start the same interval, and no model anywhere is below it."""
    rng = np.random.default_rng(K)
    X = rng.standard_normal((40, 3)) * [1e-4, 1.0, 1e4] + [0.0, 1e5, 0.0]
    y = rng.integers(0, K, 40)
    y[:K] = np.arange(K)
    p = 1 if K == 2 else K
    problem = {"C": 10.0, "l1_ratio": l1_ratio, "penalty_weights": [1.0, 0.0, 2.0]}
    masses = label_masses(y, K, rng.uniform(0.1, 2, 40))
    starts = [(np.zeros((p, 3)), np.zeros(p)), (rng.standard_normal((p, 3)) / [1, 1e5, 1e4], np.zeros(p))]
    truths = [certify(X, masses, *start, **problem) for start in starts]
    for truth in truths:
        assert truth.lower <= truth.upper <= truth.start
        assert truth.upper - truth.lower <= 1e-12 * truth.upper
        assert truth.proven and not truth.separated
        assert truth.rounded - truth.lower <= 1e-9 * truth.upper
    assert max(truth.lower for truth in truths) <= min(truth.upper for truth in truths)


def test_the_reference_evaluates_the_objective_as_documented():
    rng = np.random.default_rng(0)
    X, y, weights = rng.standard_normal((20, 2)), np.arange(20) % 3, rng.uniform(0.1, 2, 20)
    W, b = rng.standard_normal((3, 2)), rng.standard_normal(3)
    scores = X @ W.T + b
    loss = weights @ (np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(20), y])
    penalty = np.sum([1.0, 3.0] * (0.25 * np.abs(W) + 0.75 / 2 * W**2)) / 5.0
    truth = certify(X, label_masses(y, 3, weights), W, b, C=5.0, l1_ratio=0.25, penalty_weights=[1.0, 3.0])
    assert float(truth.start) == pytest.approx(loss + penalty, rel=1e-14)
    assert float(truth.total) == pytest.approx(weights.sum(), rel=1e-14)


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_the_reference_sees_through_columns_that_say_nothing_new(C):
    """A multiple of a free column, a constant and a column that is left out."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 2)), rng.integers(0, 3, 40)
    wide = np.column_stack([X, -3 * X[:, 0], np.full(40, 1e6), rng.standard_normal(40)])
    start, wide_start = ((rng.standard_normal((3, d)), np.zeros(3)) for d in (2, 5))
    plain = certify(X, label_masses(y, 3), *start, C=C, penalty_weights=[0, 1])
    truth = certify(wide, label_masses(y, 3), *wide_start, C=C, penalty_weights=[0, 1, 0, 1, np.inf])
    assert plain.proven and truth.proven
    assert float(truth.upper) == pytest.approx(float(plain.upper), rel=1e-13)
    assert truth.rounded - truth.lower <= 1e-9 * truth.upper


SEPARATED = {
    "complete": ([[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1], np.inf),
    "quasi-complete": ([[0.0], [0.0], [0.0], [1.0]], [0, 1, 0, 1], np.inf),
    "one class of three": ([[0.0], [0.1], [0.2], [0.1], [5.0], [6.0]], [0, 1, 1, 0, 2, 2], np.inf),
    "overlapping": ([[0.0], [1.0], [0.0], [1.0]], [0, 1, 1, 0], np.inf),
    "prior": ([[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1], 1e6),
}


@pytest.mark.parametrize("kind", SEPARATED)
def test_the_reference_knows_separation(kind):
    X, y, C = SEPARATED[kind]
    K = max(y) + 1
    p = 1 if K == 2 else K
    truth = certify(np.array(X), label_masses(y, K), np.zeros((p, 1)), np.zeros(p), C=C)
    assert truth.separated == (kind not in ("overlapping", "prior"))
    assert truth.lower <= truth.upper <= truth.start


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_gap_that_is_no_number_proves_nothing(gap):
    """As products of numbers near the largest ones give it."""
    control = Control(1e-6, 100, 1.0, lambda *line: False)
    gradient = SimpleNamespace(gap=gap)
    assert control.accuracy(SimpleNamespace(value=lambda point: 1.0), None, gradient) == np.inf
    assert gradient.gap == np.inf
