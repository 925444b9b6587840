"""Dense data of fewer rows than columns: as they are while that is quick, rotated where it takes long."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmaxent import MaxEntClassifier
from skmaxent.convex.design.dense import DenseDesign
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


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_matrix_of_the_rows_gives_the_answer_of_the_columns(n_classes, monkeypatch):
    """Directions in single precision, from products with X X.T; points and proofs from X itself."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 900))
    y = (X[:, :n_classes] + rng.gumbel(size=(200, n_classes))).argmax(axis=1)
    made, kernel = [], DenseDesign.kernel
    monkeypatch.setattr(DenseDesign, "kernel", lambda self: made.append(kernel(self)) or made[-1])
    fast = MaxEntClassifier(tol=1e-10).fit(X, y)
    assert [array.dtype for array in made if array is not None] == [np.float32]
    monkeypatch.setattr(DenseDesign, "kernel", lambda self: None)
    slow = MaxEntClassifier(tol=1e-10).fit(X, y)
    assert (fast.convergence_["space"], fast.convergence_["stop_reason"]) == ("rows", "converged")
    assert fast.convergence_["n_products"] < 0.7 * slow.convergence_["n_products"]
    assert fast.convergence_["objective"] == pytest.approx(slow.convergence_["objective"], rel=2e-10)
    assert_allclose(fast.coef_, slow.coef_, atol=1e-5)


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
