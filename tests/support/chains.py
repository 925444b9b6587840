"""Linear chains by enumeration of all tag sequences: the oracle for tiny problems."""

from itertools import product

import numpy as np


def enumerate_chain(S, T, kinds=None):
    """Everything about one sentence by the sum over all K^T sequences, in float64.

    Parameters
    ----------
    S : ndarray of shape (length, K)
    T : ndarray of shape (D, K, K)
    kinds : integer ndarray of shape (length,), optional
        Kind of the transition into each token.

    Returns
    -------
    dict with log_z, marginals (length, K), pairs (D, K, K), best (a tuple), scores (by sequence), entropy
    """
    length, K = S.shape
    kinds = np.zeros(length, int) if kinds is None else kinds
    sequences = list(product(range(K), repeat=length))
    scores = np.array([sequence_score(S, T, kinds, y) for y in sequences])
    top = scores.max()
    log_z = top + np.log(np.exp(scores - top).sum())
    p = np.exp(scores - log_z)
    marginals, pairs = np.zeros((length, K)), np.zeros(T.shape)
    for mass, y in zip(p, sequences):
        for t in range(length):
            marginals[t, y[t]] += mass
            if t:
                pairs[kinds[t], y[t - 1], y[t]] += mass
    entropy = -np.sum(p[p > 0] * np.log(p[p > 0]))
    return {
        "log_z": log_z,
        "marginals": marginals,
        "pairs": pairs,
        "best": sequences[int(scores.argmax())],
        "scores": dict(zip(sequences, scores)),
        "entropy": entropy,
    }


def sequence_score(S, T, kinds, y):
    """Score of one tag sequence."""
    score = sum(float(S[t, tag]) for t, tag in enumerate(y))
    return score + sum(float(T[kinds[t], y[t - 1], y[t]]) for t in range(1, len(y)))
