"""Full-batch training by L-BFGS."""

import numpy as np
from scipy.optimize import minimize

from ..kernels import csr_arrays
from .batches import SparseBatch
from .trainer import DivergenceError


class Objective:
    """Mean negative log-likelihood of a network on all examples plus its penalty, and the gradient.

    ``f = (sum_i w_i loss_i + l2/2 |W|^2) / sum_i w_i`` as a function of the parameter vector (float64).

    Parameters
    ----------
    graph : FlowGraph
    loss : loss box
    data : Dataset
    l2 : float
    """

    def __init__(self, graph, loss, data, l2):
        self.graph, self.loss, self.data = graph, loss, data
        self.x = SparseBatch(csr_arrays(data.X), data.n_columns) if data.sparse else data.X
        self.mass = len(data) if data.weights is None else float(data.weights.sum())
        self.l2 = l2 / self.mass

    def __call__(self, vector):
        graph = self.graph
        graph.parameters.vector[:] = vector
        loss = (
            self.loss.fprop(graph.fprop(self.x, self.data.keys), self.data.targets, self.data.weights)
            / self.mass
        )
        graph.bprop(self.loss.bprop(1 / self.mass))
        if self.data.sparse:
            graph.first_gradient()
        weights = vector[: graph.parameters.n_weights]
        gradient = graph.gradients.vector.copy()
        gradient[: weights.size] += self.l2 * weights
        return float(loss + 0.5 * self.l2 * (weights @ weights)), gradient


class Stopped(Exception):
    """An iteration was told to be the last, and why."""


def minimise(objective, start, l1, max_iter, max_fun, tol, on_iteration):
    """Minimise ``objective(vector) + l1 |weights|_1 / objective.mass``.

    L1 makes two non-negative variables of each weight, w = u - v, so that the bounded form of L-BFGS applies
    (Andrew & Gao 2007 compare it with their orthant-wise method).

    Parameters
    ----------
    objective : Objective
    start : float64 ndarray
    l1 : float
    max_iter, max_fun : int
    tol : float
        Largest component of the projected gradient at which to stop.
    on_iteration : callable
        ``on_iteration(vector, loss)`` returns None, or the reason to stop.

    Returns
    -------
    vector : ndarray
    loss : float
        The objective.
    reason : str or None
        Why it stopped before it converged.

    Raises
    ------
    DivergenceError
        When the loss is not finite at the start or at the end; on the way a line search may pass such points.
    """
    n = objective.graph.parameters.n_weights
    l1, last = l1 / objective.mass, {}

    def unpack(z):
        return np.concatenate([z[:n] - z[n : 2 * n], z[2 * n :]]) if l1 else z

    def value(z):
        f, g = objective(unpack(z))
        if l1:
            f += l1 * z[: 2 * n].sum()
            g = np.concatenate([g[:n] + l1, l1 - g[:n], g[n:]])
        if not last and not np.isfinite(f):
            raise DivergenceError
        last["f"] = f
        return f, g

    def after_iteration(z):
        last["z"] = z.copy()
        reason = on_iteration(unpack(z), last["f"])
        if reason:
            raise Stopped(reason)

    bounds = None
    if l1:
        bounds = [(0, None)] * (2 * n) + [(None, None)] * (start.size - n)
        start = np.concatenate([np.maximum(start[:n], 0), np.maximum(-start[:n], 0), start[n:]])
    options = {
        "maxiter": max_iter,
        "maxfun": max_fun,
        "gtol": tol,
        "ftol": 8 * np.finfo(float).eps,
        "maxls": 50,
    }
    try:
        result = minimize(
            value,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            callback=after_iteration,
            options=options,
        )
    except Stopped as stopped:
        return unpack(last["z"]), last["f"], stopped.args[0]
    except KeyboardInterrupt:
        return unpack(last.get("z", start)), last.get("f", np.nan), "interrupted"
    if not np.isfinite(result.fun):
        raise DivergenceError
    return unpack(result.x), result.fun, None if result.success else result.message
