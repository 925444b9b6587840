"""What rounding leaves of scores, curvature and directions, formula by formula."""

from types import SimpleNamespace

import numpy as np
import pytest
from problems import make_likelihood
from scipy import sparse

from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import ElasticNet
from skmaxent.convex.proofs import separation
from skmaxent.convex.proofs.free import FreeSystem
from skmaxent.convex.proofs.levels import levelled
from skmaxent.convex.proofs.rounding import EPS, lost_in_scores
from skmaxent.convex.proofs.separation import VIOLATION, _least_direction
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers

N, D = 60, 3


@pytest.mark.parametrize("here, paired", [(True, False), (False, False), (True, True)])
def test_what_the_rounding_of_scores_can_hide(here, paired):
    rng = np.random.default_rng(0)
    X, W, residual = (
        2.0**45 * rng.standard_normal((6, 4)),
        rng.standard_normal((4, 2)),
        rng.uniform(0, 1, (6, 2)),
    )
    design = SimpleNamespace(
        X=X, shape=(6, 100), paired=paired, is_here=here, row_bounds=lambda: (36, 9.0),
        weight_squares=lambda: np.sum(X**2, axis=0)[:, None],
    )  # fmt: skip
    objective = SimpleNamespace(
        space=SimpleNamespace(design=design), likelihood=SimpleNamespace(shape=(6, 2)), heaviest=3.0,
        norm_of=np.linalg.norm,
    )  # fmt: skip
    error = 10 * EPS * np.linalg.norm(X) * np.linalg.norm(W, axis=0).max()
    norms = 2 * error * np.linalg.norm(residual) * np.sqrt(2) + 9 * error**2
    assert lost_in_scores(objective, W, residual, np.inf) == pytest.approx(norms, rel=1e-12)
    errors = 6 * EPS * (np.abs(X) @ np.abs(W)).max(axis=1)
    rows = 2 * np.linalg.norm(residual.sum(axis=1) * errors) + 9 * np.sum(errors * np.minimum(errors, 2))
    expected = rows if here and not paired else norms
    assert rows < 0.5 * norms and lost_in_scores(objective, W, residual, 0.0) == pytest.approx(
        expected, rel=1e-12
    )
    assert (errors < 2).any()
    objective.space.design.X = 2.0**10 * X
    if here and not paired:
        errors *= 2.0**10
        assert (errors > 2).all()
        rows = 2 * np.linalg.norm(residual.sum(axis=1) * errors) + 18 * errors.sum()
        assert lost_in_scores(objective, W, residual, 0.0) == pytest.approx(rows, rel=1e-12)


@pytest.mark.parametrize("X, fit_intercept", [([[1e10]], False), ([[1e10, 0], [0, 1e-9]], False)])
def test_an_entry_alone_becomes_one(X, fit_intercept):
    A, _ = levelled(np.array(X), fit_intercept)
    assert (np.abs(A.data) >= 0.5).all() and (np.abs(A.data) <= 2).all()


def test_a_direction_must_lose_no_more_than_rounding(monkeypatch):
    answers = []
    monkeypatch.setattr(
        separation.optimize, "linprog", lambda *_, **__: SimpleNamespace(status=0, x=np.array(answers.pop()))
    )
    equal = sparse.csr_array(np.array([[0.0, 1.0, -1.0]]))

    def found(loss=0.0, gap=0.0, length=8.0, size=4.0):
        """Whether (1, 1 + gap, 1) times a length passes, where the last margin is minus `loss` lengths."""
        margins = sparse.csr_array(np.array([[1.0, 0, 0], [0, 0, 0], [size, 0, -size - loss]]))
        answers.append([*(length * np.array([1.0, 1 + gap, 1])), 0, 0, 0])
        return _least_direction(margins, equal, np.full(3, np.inf)).any()

    assert found()
    for length in (8.0, 1e-3):
        assert found(loss=7.9 * VIOLATION, length=length)
        assert not found(loss=8.2 * VIOLATION, length=length)
        for sign in (1, -1):
            assert found(gap=sign * 1.9 * VIOLATION, length=length)
            assert not found(gap=sign * 2.2 * VIOLATION, length=length)


@pytest.mark.parametrize("length", [1.0, 1e12])
def test_a_direction_must_gain_more_than_rounding(length, monkeypatch):
    """Along two columns that are copies but for their last digits nothing is lost, and nothing gained."""
    answer = SimpleNamespace(status=0, x=length * np.array([1.0, 1, 0, 0]))
    monkeypatch.setattr(separation.optimize, "linprog", lambda *_, **__: answer)
    none = sparse.csr_array((0, 2))
    for gain, found in ((0.0, False), (1.9, False), (2.1, True), (1e6, True)):
        margins = sparse.csr_array(np.array([[1.0, -1 + gain * VIOLATION], [1.0, -1.0], [-1.0, 1.0]]))
        assert _least_direction(margins, none, np.full(2, np.inf)).any() == found


@pytest.mark.parametrize("kind, hidden", [("binary", 1), ("multinomial", 2)])
def test_directions_that_one_row_hides_are_counted(kind, hidden):
    X = np.random.default_rng(0).standard_normal((N, D))
    likelihood, vectors = make_likelihood(kind, "masses", N), Vectors(Workers())
    for size, expected in ((1.0, 0), (1e12, hidden)):
        X[0, :2] = size
        objective = Objective.build(X, likelihood, ElasticNet(0.0, 0.0), False, vectors)
        point = objective.point(np.zeros(objective.coords_shape), np.zeros(likelihood.shape[1]))
        free = np.ones(objective.coords_shape, bool)
        even = np.empty_like(point.expected)
        likelihood.evaluate(np.zeros_like(even), even)
        assert FreeSystem(objective, even, free).n_hidden == expected
