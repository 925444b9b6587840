"""The negative log-likelihoods of the project, shared by maximum-entropy models and networks.

Conventions: n rows, K classes. ``scores`` (n, K) are unnormalised log-probabilities. ``targets``
are class codes, shape (n,), or label masses, shape (n, K): the sum of a row is the weight of that
row. ``weights`` (n,) multiply the rows. Losses are in nats. All functions also accept complex
scores, so that gradients can be checked by the complex-step method.
"""

import numpy as np
from scipy.special import expit

# Scores of a row up to which its softmax is faster class by class.
SHORT_ROW = 20


def softmax_nll(scores, targets, weights=None, out=None):
    """Softmax negative log-likelihood of each row and its gradient with respect to the scores.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Scores; left unchanged unless `out` is `scores`.
    targets : integer ndarray of shape (n,) or ndarray of shape (n, K)
        Class codes, or non-negative label masses t.
    weights : ndarray of shape (n,), optional
        Row weights w.
    out : ndarray of shape (n, K), optional
        Receives the gradient.

    Returns
    -------
    losses : ndarray of shape (n,)
        ``w * (m log sum_k exp(s_k) - sum_k t_k s_k)`` with the mass m = sum_k t_k.
    gradient : ndarray of shape (n, K)
        ``w * (m p - t)``, p the softmax of the scores.
    """
    if targets.ndim == 1:
        rows = np.arange(scores.shape[0])
        chosen = scores[rows, targets]
        log_z, gradient = softmax(scores, out=out)
        losses = log_z - chosen
        gradient[rows, targets] -= 1
    else:
        mass = targets.sum(axis=1)
        fit = np.einsum("ij,ij->i", targets, scores)
        log_z, gradient = softmax(scores, out=out)
        losses = mass * log_z - fit
        gradient *= mass[:, None]
        gradient -= targets
    if weights is not None:
        losses *= weights
        gradient *= weights[:, None]
    return losses, gradient


def softmax(scores, out=None):
    """Log-partition function (n,) and probabilities (n, K) of the scores, without overflow."""
    excess, top, proba = softmax_above(scores, out=out)
    return excess + top, proba


def softmax_above(scores, out=None, mass=None):
    """The softmax, and the log-partition function as two terms: above the largest score, and that score.

    The first is accurate relative to itself: 1e-20 where the largest score is all but certain. Added to
    the second it would drown in its rounding.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
    out : ndarray of shape (n, K), optional
        Receives the probabilities; may be `scores`.
    mass : ndarray of shape (n,), optional
        By which those of each row are multiplied.

    Returns
    -------
    excess, top : ndarray of shape (n,)
    proba : ndarray of shape (n, K)
    """
    n, K = scores.shape
    mass = 1 if mass is None else mass
    if K <= SHORT_ROW and scores.dtype.kind == "f":
        return _softmax_of_columns(scores, np.empty_like(scores, order="C") if out is None else out, mass)
    place = scores.real.argmax(axis=1)
    place += np.arange(0, n * K, K)
    top = scores.reshape(-1)[place]
    whole = out is None or out.flags.c_contiguous
    proba = np.subtract(scores, top[:, None], out=out if whole else None, order="C")
    np.exp(proba, out=proba)
    # Without the largest: its 1 would leave no digits to a small rest. A matrix product is faster than `sum`.
    flat = proba.reshape(-1)
    flat[place] = 0
    rest = proba @ np.ones(K, proba.dtype)
    flat[place] = 1
    proba *= (mass / (1 + rest))[:, None]
    if not whole:
        out[:] = proba
        proba = out
    return np.log1p(rest), top, proba


def _softmax_of_columns(scores, out, mass):
    """The same class by class: operations along rows of a few numbers take several times as long."""
    table = scores.T.copy(order="C")
    top = table.max(axis=0)
    table -= top
    below = table < 0
    np.exp(table, out=table)
    rest = np.multiply(table, below, out=out.reshape(table.shape)).sum(axis=0)  # `out` as scratch
    if np.count_nonzero(below) < (len(table) - 1) * len(top):  # several largest scores, or nan
        rest += len(table) - 1 - np.count_nonzero(below, axis=0)
    table *= mass / (1 + rest)
    out[:] = table.T
    return np.log1p(rest), top, out


def grouped_softmax(scores, starts, out=None):
    """The softmax within groups of rows, of any sizes.

    Parameters
    ----------
    scores : ndarray of shape (M,)
    starts : integer ndarray of shape (G + 1,)
        First row of each group, and M; increasing.
    out : ndarray of shape (M,), optional
        Receives the probabilities.

    Returns
    -------
    log_z : ndarray of shape (G,)
        Log-partition functions.
    proba : ndarray of shape (M,)
        Probabilities; those of a group sum to 1.
    """
    sizes = np.diff(starts)
    size = int(sizes[0]) if len(sizes) else 0
    if size and (sizes == size).all():
        proba = np.empty_like(scores) if out is None else out
        log_z, table = softmax(scores.reshape(-1, size))
        proba[:] = table.reshape(-1)
        return log_z, proba
    top = np.maximum.reduceat(scores.real, starts[:-1])
    proba = np.subtract(scores, np.repeat(top, sizes), out=out)
    np.exp(proba, out=proba)
    total = np.add.reduceat(proba, starts[:-1])
    proba /= np.repeat(total, sizes)
    return np.log(total) + top, proba


def logistic_nll(scores, targets, weights=None, out=None):
    """Binary cross-entropy of each score and its gradient.

    The two-class softmax with the scores (0, s), element by element: the loss of a binary model
    with one weight vector, and of every label of a multilabel network.

    Parameters
    ----------
    scores : ndarray of shape (n,) or (n, q)
    targets : ndarray of the same shape
        Probabilities of the positive class, in [0, 1].
    weights : ndarray broadcastable to that shape, optional
    out : ndarray of that shape, optional
        Receives the gradient.

    Returns
    -------
    losses : ndarray of the same shape
        ``w * (log(1 + exp(s)) - t s)``.
    gradient : ndarray of the same shape
        ``w * (sigmoid(s) - t)``.
    """
    fit = targets * scores
    log_z, gradient = logistic(scores, out=out)
    losses = log_z - fit
    gradient -= targets
    if weights is not None:
        losses *= weights
        gradient *= weights
    return losses, gradient


def logistic(scores, out=None):
    """``log(1 + exp(s))`` and ``sigmoid(s)`` of each score, without overflow."""
    positive = scores.real > 0
    tail = np.exp(np.where(positive, -scores, scores))  # at most 1 in modulus
    log_z = np.log1p(tail)
    log_z += np.where(positive, scores, 0)
    proba = np.where(positive, 1, tail)
    proba = np.divide(proba, 1 + tail, out=out)
    return log_z, proba


def sigmoids(scores):
    """Probabilities (n, 2) of both classes of the scores (n, 1), the log-odds of the second."""
    proba = np.empty((len(scores), 2), scores.dtype)
    expit(-scores[:, 0], out=proba[:, 0])
    expit(scores[:, 0], out=proba[:, 1])
    return proba
