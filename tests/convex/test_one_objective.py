"""One objective and one registry: what all solvers share, whatever the prior."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from skmaxent import MaxEntClassifier, maxent_path
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet, Gaussian
from skmaxent.convex.solvers import SOLVERS, able
from skmaxent.convex.spaces import WeightSpace

from problems import make_likelihood, make_objective, random_sparse  # isort: skip


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_without_a_prior_all_solvers_return_the_same_weights(solver, classes):
    """Centred, and of least norm where columns are collinear."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 3))
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    y = rng.integers(classes, size=60)
    known = MaxEntClassifier(C=np.inf, tol=1e-10, solver="newton-cholesky").fit(X, y)
    model = MaxEntClassifier(C=np.inf, tol=1e-10, solver=solver).fit(X, y)
    assert_allclose(model.coef_, known.coef_, atol=1e-6)
    if classes > 2:
        assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-12)
    assert_allclose(model.coef_ @ [1, 1, 0, -1], 0, atol=1e-8)  # the direction that no score shows


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_tells_of_separable_data(solver):
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), [0, 0, 1, 1]
    with pytest.warns(ConvergenceWarning, match="linearly separable"):
        model = MaxEntClassifier(C=np.inf, solver=solver).fit(X, y)
    assert model.convergence_["stop_reason"] == "separated"


def test_a_path_that_ends_without_a_prior_ends_at_the_fit_without_one():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((80, 4)), rng.integers(3, size=80)
    path = maxent_path(X, y, Cs=[1, np.inf], l1_ratio=1, tol=1e-10)
    model = MaxEntClassifier(C=np.inf, l1_ratio=1, tol=1e-10).fit(X, y)
    assert_allclose(path.coefs[-1], model.coef_, atol=1e-6)
    assert_allclose(path.intercepts[-1], model.intercept_, atol=1e-6)


@pytest.mark.parametrize("labels", ["codes", "masses"])
@pytest.mark.parametrize("kind", ["multinomial", "binary"])
def test_a_gaussian_prior_is_an_elastic_net_without_a_laplace_part(kind, labels):
    """Value, gradient, mask of the free weights and gap agree between the two penalties."""
    X, likelihood = random_sparse(20, 6, 0.5), make_likelihood(kind, labels, 20)
    gaussian = make_objective(X, likelihood, WeightSpace, 0.5)
    net = Objective.build(X, likelihood, ElasticNet(0.0, 0.5), True, gaussian.vectors)
    coords = np.random.default_rng(0).standard_normal(net.coords_shape)
    ends = [f.point(coords, np.zeros(coords.shape[1])) for f in (gaussian, net)]
    assert_allclose(*(f.value(end) for f, end in zip((gaussian, net), ends)), rtol=1e-14)
    one, other = (f.gradient(end) for f, end in zip((gaussian, net), ends))
    assert_allclose(one.coords, other.coords, rtol=1e-12, atol=1e-12)
    assert_allclose([one.square, one.peak], [other.square, other.peak], rtol=1e-12)
    # The elastic net takes the better of two dual points, and counts more of the rounding.
    assert other.gap <= one.gap * (1 + 1e-9) + 1e-9
    for penalty in (Gaussian(0.0), ElasticNet(0.0, 0.0)):
        assert penalty.has_free and penalty.is_none and penalty.free((2, 3)).all()
    for penalty in (Gaussian(0.1), ElasticNet(0.0, 0.1), ElasticNet(0.1, 0.0)):
        assert not penalty.has_free and not penalty.is_none and not penalty.free((2, 3)).any()


def test_the_registry_says_what_a_solver_can_do():
    X, y = np.eye(4), [0, 0, 1, 1]
    for name, solver in SOLVERS.items():
        model = MaxEntClassifier(solver=name, l1_ratio=1.0, C=5)
        if solver.elastic_net:
            model.fit(X, y)
            assert "support" in model.convergence_["history"]
        else:
            with pytest.raises(ValueError, match=f"Solver {name} supports only l1_ratio=0"):
                model.fit(X, y)
        model = MaxEntClassifier(solver=name, features="observed")
        if solver.on_pairs:
            model.fit(X, y)
        else:
            with pytest.raises(ValueError, match=f"Solver {name} supports only features='all'"):
                model.fit(X, y)
    assert able(elastic_net=True) == ["working-set"] and "newton-cholesky" not in able(on_pairs=True)
