"""The proofs of accuracy against minima that an independent reference finds and proves."""

import numpy as np
import pytest
from certified_cases import judge, random_case
from certified_reference import certify, label_masses

# One test a block, so that a failure names few cases; benchmarks/certificates.py runs 2,000.
CASES, BLOCK = 150, 10


@pytest.mark.parametrize("first", range(0, CASES, BLOCK))
def test_what_a_fit_claims_is_true(first):
    """Whatever scales, offsets, classes, priors, precision and solver: see `certified_cases.faults`."""
    wrong = []
    for case in map(random_case, range(first, first + BLOCK)):
        wrong += [f"{case}: {text}" for _, text in judge(case).faults]
    assert not wrong, "\n".join(wrong)


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
