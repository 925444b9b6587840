"""Dense data of fewer rows than columns: as they are while that is quick, rotated where it takes long."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmaxent import MaxEntClassifier
from skmaxent.convex.reductions.rotation import Rotation
from skmaxent.numerics.threads import Workers


@pytest.mark.parametrize("n_outputs", [1, 3, 20])
@pytest.mark.parametrize("shape", [(1, 2), (7, 20), (7, 112), (5, 83)])
def test_rotation_keeps_scores_and_norms(shape, n_outputs):
    rng = np.random.default_rng(0)
    X, V = rng.standard_normal(shape), rng.standard_normal((shape[0], n_outputs))
    rotation = Rotation(X, Workers())
    W = rotation.restored(V)
    assert_allclose(X @ W, rotation.X @ V, atol=1e-12)
    assert np.linalg.norm(W) == pytest.approx(np.linalg.norm(V))
    assert_allclose(rotation.reduced(W), V, atol=1e-12)


def wide(n=40, d=120, seed=3):
    """Dense data of fewer rows than columns, some nearly collinear, and noisy labels of three classes."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * 0.9 ** np.arange(d) @ rng.standard_normal((d, d))
    return X, (X @ rng.standard_normal((d, 3)) + rng.gumbel(size=(n, 3))).argmax(axis=1)


@pytest.mark.parametrize("C", [0.1, 1e3, 1e6])
def test_wide_dense_data_are_rotated_where_conjugate_gradients_take_long(C, monkeypatch):
    X, y = wide()
    fits = {}
    for budget in (1e9, 1):
        monkeypatch.setattr(
            "skmaxent.convex.prepare._products_of_rotation", lambda problem, budget=budget: budget
        )
        fits[budget] = MaxEntClassifier(C=C, tol=1e-9, max_iter=1000).fit(X, y)
    never, at_once = fits.values()
    assert never.convergence_["solver"] == "newton-cg"
    assert at_once.convergence_["solver"] == "newton-cholesky"
    assert at_once.convergence_["stop_reason"] == "converged"
    assert at_once.convergence_["objective"] == pytest.approx(never.convergence_["objective"], rel=1e-8)


def test_a_rotation_on_the_way_goes_on_from_where_conjugate_gradients_ended(monkeypatch):
    X, y = wide()
    monkeypatch.setattr("skmaxent.convex.prepare._products_of_rotation", lambda problem: 30)
    model = MaxEntClassifier(C=1e4, tol=1e-9).fit(X, y)
    told, history = model.convergence_, model.convergence_["history"]
    assert (told["solver"], told["stop_reason"]) == ("newton-cholesky", "converged")
    assert told["n_products"] > 20
    assert (np.diff(history["iteration"]) == 1).all()
    assert (np.diff(history["objective"]) <= 1e-6 * history["objective"][:-1]).all()
    again = MaxEntClassifier(C=1e4, tol=1e-9, solver="newton-cholesky").fit(X, y)
    assert told["objective"] == pytest.approx(again.convergence_["objective"], rel=1e-8)
