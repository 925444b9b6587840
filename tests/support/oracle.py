"""The definitions, written once and apart from the package: loss, objective, derivatives."""

from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

STEP = 1e-30


def two_columns(scores):
    """Scores of all classes: one column stands for the log-odds of the second of two."""
    return np.hstack([np.zeros_like(scores), scores]) if scores.shape[1] == 1 else scores


def log_softmax(scores):
    """Log-probabilities (n, K) of real or complex scores, without overflow."""
    top = scores.real.max(axis=1, keepdims=True)
    return scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))


def loss(scores, masses):
    """Sum of -t log p over rows and classes, t the label masses (n, K); scores may be complex."""
    return -(masses * log_softmax(two_columns(scores))).sum()


def grouped_loss(scores, masses, starts):
    """The same for groups of rows, one after another; scores and masses (M,)."""
    return sum(-(masses[a:b] * log_softmax(scores[None, a:b])[0]).sum() for a, b in pairwise(starts))


def masses_of(y, n_classes):
    """Label masses (n, K) of codes; masses as they are."""
    return np.eye(n_classes)[y] if np.ndim(y) == 1 else np.asarray(y)


def objective(X, masses, coef, intercept, lasso=0.0, ridge=0.0):
    """F on the scale of the total weight, and the gradients of its loss with respect to coef and intercept.

    Parameters
    ----------
    X : array or sparse array of shape (n, d)
    masses : ndarray of shape (n, K)
    coef, intercept : ndarrays of shape (K, d) and (K,), or (1, d) and (1,) for two classes
    lasso, ridge : float or ndarray like coef
        Strengths; where `lasso` is infinite the weight must be 0 and has no penalty.
    """
    X = X.toarray() if sparse.issparse(X) else np.asarray(X)
    scores = two_columns(X @ coef.T + intercept)
    log_p = scores - logsumexp(scores, axis=1, keepdims=True)
    residual = (masses.sum(axis=1, keepdims=True) * np.exp(log_p) - masses)[:, -len(coef) :]
    penalty = np.sum(np.where(np.isinf(lasso), 0, lasso) * np.abs(coef) + 0.5 * ridge * coef**2)
    return penalty - np.sum(masses * log_p), residual.T @ X, residual.sum(axis=0)


def complex_step(function, x):
    """Gradient of the sum of a real-analytic function at x, entry by entry, exact to rounding."""
    gradient = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[place] += 1j * STEP
        gradient[place] = np.sum(function(moved)).imag / STEP
    return gradient
