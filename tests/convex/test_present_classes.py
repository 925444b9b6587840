"""Classes without weight are taken out of a problem and put back: piece by piece, against the definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from skmaxent.convex.problem import Problem
from skmaxent.convex.reductions.present_classes import (
    ClassMap,
    absent_intercept,
    certain_report,
    drop_absent_classes,
    is_absent,
    mean_intercept,
    reduced_start,
)

ABSENT = absent_intercept(np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_absent_class_has_the_square_of_the_smallest_probability(dtype):
    assert np.exp(absent_intercept(dtype) / 2) == pytest.approx(float(np.finfo(dtype).tiny), rel=1e-10)
    intercept = np.array([absent_intercept(dtype), -absent_intercept(dtype), 0.0, -50.0], dtype)
    assert is_absent(intercept, dtype).tolist() == [True, True, False, False]


def of_labels(labels, X, weights, codes, n_classes):
    """The problem with its labels as codes, or as masses."""
    if labels == "codes":
        return Problem(X, weights, n_classes, codes=codes)
    return Problem(X, weights, n_classes, masses=np.eye(n_classes)[codes] * weights[:, None])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("labels", ["codes", "masses"])
@pytest.mark.parametrize("n_factors", [None, 1, 4])
def test_the_problem_on_the_others(n_factors, labels, container):
    X = np.arange(12.0).reshape(6, 2)
    codes, weights = np.array([3, 1, 0, 2, 3, 1]), np.array([0.25, 1e-30, 0.5, 2.0, 1.0, 0.0])
    factors = None if n_factors is None else np.arange(2.0 * n_factors).reshape(2, n_factors)
    problem = of_labels(labels, container(X), weights, codes, 4)
    reduced, multipliers, class_map = drop_absent_classes(problem, factors, True)
    rows = [0, 2, 3, 4]
    assert_array_equal(reduced.X if container is np.asarray else reduced.X.toarray(), X[rows])
    assert_array_equal(reduced.weights, weights[rows])
    assert_array_equal(reduced.label_masses(), np.eye(4)[codes][:, [0, 2, 3]][rows] * weights[rows, None])
    assert (reduced.codes is None) == (labels == "masses")
    assert reduced.n_classes == 3 and reduced.symmetric
    assert class_map.present.tolist() == [0, 2, 3] and class_map.n_classes == 4 and not class_map.certain
    if n_factors == 4:
        assert_array_equal(multipliers, factors[:, [0, 2, 3]])
    else:
        assert multipliers is factors


@pytest.mark.parametrize("labels", ["codes", "masses"])
def test_what_stays_as_it_is(labels):
    X, codes, factors = np.ones((3, 2)), np.array([0, 1, 1]), np.ones((2, 3))
    absent = of_labels(labels, X, np.ones(3), codes, 3)
    full = of_labels(labels, X, np.ones(3), codes, 2)
    certain = of_labels(labels, X, np.array([0.0, 1, 1]), codes, 3)
    for problem, fit_intercept, has_map in [
        (absent, False, False),
        (full, True, False),
        (certain, True, True),
    ]:
        same, multipliers, class_map = drop_absent_classes(problem, factors, fit_intercept)
        assert same is problem and multipliers is factors and (class_map is not None) == has_map
    assert class_map.certain and class_map.present.tolist() == [1]
    # A class that shares all its rows takes none of them along.
    masses = np.array([[1.0, 0, 2, 1], [2, 0, 1, 0]])
    shared = Problem(X[:2], masses.sum(axis=1), 4, masses=masses)
    assert drop_absent_classes(shared, None, True)[0].X is shared.X


@pytest.mark.parametrize("unit", [2.0**-30, 1.0, 2.0**30])
@pytest.mark.parametrize("share", [2.0**-54, 2.0**-53, 2.0**-52])
def test_absent_is_what_adds_nothing_to_the_total(share, unit):
    problem = Problem(np.ones((2, 1)), np.array([unit, unit * share]), 2, codes=np.array([0, 1]))
    class_map = drop_absent_classes(problem, None, True)[2]
    assert (class_map is not None) == (1 + share == 1)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_restored_models(form):
    weights = form(np.array([[1.0, 0.0], [2.0, 3.0], [0.0, 4.0]]))
    W, intercept = ClassMap(np.array([1, 3]), 4).restore(weights, np.array([0.5, -0.5]))
    W = W.toarray() if sparse.issparse(W) else W
    assert_array_equal(W, [[0, 1, 0, 0], [0, 2, 0, 3], [0, 0, 0, 4]])
    assert_array_equal(intercept, [ABSENT, 0.5, ABSENT, -0.5])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_restored_model_reduces_to_what_it_was(form):
    """Also where an intercept that was fitted is that of a class without weight."""
    weights, intercept = form(np.array([[1.0, 0.0], [2.0, 3.0]])), np.array([0.5, ABSENT])
    class_map = ClassMap(np.array([1, 3]), 4)
    W, reduced = class_map.reduce(*class_map.restore(weights, intercept))
    assert_array_equal(sparse.csr_matrix(W).toarray(), sparse.csr_matrix(weights).toarray())
    assert_array_equal(reduced, intercept)


@pytest.mark.parametrize("as_pairs", [True, False])
@pytest.mark.parametrize(
    "present, n_classes, expected",
    [(0, 2, [ABSENT]), (1, 2, [-ABSENT]), (0, 3, [0, ABSENT, ABSENT]), (2, 3, [ABSENT, ABSENT, 0])],
)
def test_the_model_of_one_class(present, n_classes, expected, as_pairs):
    weights, intercept = ClassMap(np.array([present]), n_classes).certain_model(5, np.float64, as_pairs)
    assert sparse.issparse(weights) == as_pairs and weights.shape == (5, len(expected))
    assert_array_equal(weights.toarray() if as_pairs else weights, 0)
    assert_array_equal(intercept, expected)


def test_the_report_of_one_class_has_nothing_left_to_do():
    report = certain_report(seconds=3.5)
    assert report.pop("presolve") == {"rows_merged": 0, "columns_merged": 0}
    history = {name: values.tolist() for name, values in report.pop("history").items()}
    assert history == {"iteration": [0], "seconds": [3.5], "objective": [0], "gap": [0], "kkt": [0]}
    texts = {"stop_reason": "converged", "solver": "presolve", "space": "weights"}
    numbers = [
        "objective",
        "duality_gap",
        "relative_gap",
        "gradient_norm",
        "kkt_violation",
        "n_iter",
        "n_products",
    ]
    assert report == {**texts, **dict.fromkeys(numbers, 0), "seconds": 3.5}


def test_warm_starts():
    assert reduced_start(None, None) is None
    W, map_ = np.arange(8.0).reshape(2, 4), ClassMap(np.array([0, 2, 3]), 4)
    weights, intercept = reduced_start((W, np.array([1.0, 2.0, -3.0, 4.0])), map_)
    assert_array_equal(weights, W[:, [0, 2, 3]])
    assert_array_equal(intercept, [1, -3, 4])
    # The second class comes back, the third goes.
    weights, intercept = reduced_start(
        (W, np.array([ABSENT, 2.0, 5.0, 3.0])), ClassMap(np.array([0, 1, 3]), 4)
    )
    assert_array_equal(intercept, [2, 2, 3])
    assert_array_equal(reduced_start((W, np.array([ABSENT, 2.0, 5.0, 3.0])), None)[1], [2, 2, 5, 3])
    assert reduced_start((W[:, :1], np.array([-ABSENT])), None) is None
    assert reduced_start((W, np.array([ABSENT, 1.0, ABSENT, ABSENT])), map_) is None


def test_the_mean_leaves_out_models_without_the_class():
    intercepts = np.array([
        [1.0, ABSENT, ABSENT, 4.0],
        [2.0, ABSENT, 7.0, 6.0],
        [6.0, ABSENT, ABSENT, ABSENT],
    ])  # fmt: skip
    assert_allclose(mean_intercept(intercepts), [3, ABSENT, 7, 5], rtol=1e-14)
