"""The boxes of the flow graph.

A box computes y = fprop(x) and, from dy = dL/dy, the gradient dx = bprop(dy) of the loss L with respect to
its input; a box with weights also writes dL/dW and dL/db. Conventions: n rows (examples), x (n, H_in), y
(n, H_out), W (H_in, H_out), b (H_out,). fprop keeps what bprop needs, so the calls come in pairs. The
results live in buffers that the next call overwrites. fprop's `keys` (n,) are one pseudo-random number a
row while training, None otherwise.
"""

import numpy as np

from ..numerics.losses import logistic_nll, softmax_nll
from .activations import ACTIVATIONS
from .kernels import Buffers, csr_dot, run_at_once
from .training.row_keys import mix

#: multiplications that are worth handing to another thread
THREAD_WORK = 1_000_000


class Box:
    """A node of the flow graph, with buffers that are allocated once and used for every batch."""

    weights = None  # boxes without parameters have none

    def __init__(self):
        self.buffer = Buffers()


class Affine(Box):
    """y = x W + b.

    Gradients: dL/dW = x^T dy, dL/db = sum of the rows of dy, dx = dy W^T.

    Parameters
    ----------
    weights : ndarray of shape (H_in, H_out)
    biases : ndarray of shape (H_out,)
    weight_gradient, bias_gradient : ndarrays of the same shapes
        Receive dL/dW and dL/db.
    input_gradient : bool
        Whether bprop returns dx; the first box of a network need not.
    """

    def __init__(self, weights, biases, weight_gradient, bias_gradient, input_gradient=True):
        super().__init__()
        self.weights, self.biases = weights, biases
        self.weight_gradient, self.bias_gradient = weight_gradient, bias_gradient
        self.input_gradient = input_gradient

    def fprop(self, x, keys=None):
        self._x = x
        y = self.buffer("y", x.shape[0], self.weights.shape[1], np.result_type(x, self.weights, self.biases))
        np.matmul(x, self.weights, out=y)
        y += self.biases
        return y

    def bprop(self, dy):
        np.matmul(self._x.T, dy, out=self.weight_gradient)
        dy.sum(axis=0, out=self.bias_gradient)
        if not self.input_gradient:
            return None
        dx = self.buffer("dx", dy.shape[0], self.weights.shape[0], dy.dtype)
        return np.matmul(dy, self.weights.T, out=dx)


class SparseAffine(Box):
    """y = x W + b for a sparse x: the same formulas as `Affine`, at a cost that follows the non-zeros.

    The input is a `SparseBatch`: x in compressed rows and x^T in compressed rows. With `batch.rows` set, its
    columns are renumbered and `weights` holds just those rows of W, in that order. bprop keeps dy, and
    `gradient_rows` computes dL/dW = x^T dy piece by piece, so that the whole need never exist in memory.
    fprop hands blocks of rows to `run`, a `BlockRunner`.
    """

    def __init__(self, weights, biases, bias_gradient, run=run_at_once):
        super().__init__()
        self.weights, self.biases, self.bias_gradient = weights, biases, bias_gradient
        self.run = run

    def fprop(self, batch, keys=None):
        self._batch = batch
        y = self.buffer("y", batch.n_rows, self.weights.shape[1], self.weights.dtype)
        y[:] = self.biases
        indptr, indices, data = batch.x

        def product(start, stop):
            csr_dot(indptr[start : stop + 1], indices, data, self.weights, y[start:stop])

        n_blocks = 1 + indices.size * y.shape[1] // THREAD_WORK
        self.run(product, batch.n_rows, -(-batch.n_rows // n_blocks))
        return y

    def bprop(self, dy):
        dy.sum(axis=0, out=self.bias_gradient)
        self._dy = dy

    def gradient_rows(self, start, stop, out):
        """Rows start..stop of dL/dW = x^T dy, written to out (stop - start, H_out)."""
        out[:] = 0
        indptr, indices, data = self._batch.x_transposed
        csr_dot(indptr[start : stop + 1], indices, data, self._dy, out)
        return out


class Activation(Box):
    """y = f(x) element by element; dx = dy * f'(x). `name` is a key of `ACTIVATIONS`."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        self._forward, self._backward = ACTIVATIONS[name]

    def fprop(self, x, keys=None):
        self._x, self._y = x, self.buffer("y", *x.shape, x.dtype)
        self._forward(x, self._y)
        return self._y

    def bprop(self, dy):
        self._backward(self._x, self._y, dy)
        return dy


class Dropout(Box):
    """y = x * mask / (1 - rate) while training, y = x otherwise (Srivastava et al. 2014).

    Each element of the mask is 0 with probability `rate`, else 1; dx = dy * mask / (1 - rate).
    The masks are a function of the rows' keys in this batch (`row_keys`): equal rows have equal masks.

    Parameters
    ----------
    rate : float
    n_units : int
    rng : numpy.random.Generator
        Draws a key for each unit.
    """

    def __init__(self, rate, n_units, rng):
        super().__init__()
        self.rate = rate
        self.unit_keys = rng.integers(0, 2**63, size=n_units, dtype=np.uint64)

    def fprop(self, x, keys=None):
        self._mask = None
        if keys is None:
            return x
        self._mask = self.buffer("mask", *x.shape, x.real.dtype)
        np.greater_equal(mix(keys[:, None] ^ self.unit_keys), np.uint64(self.rate * 2.0**64), out=self._mask)
        self._mask *= 1 / (1 - self.rate)
        return np.multiply(x, self._mask, out=self.buffer("y", *x.shape, x.dtype))

    def bprop(self, dy):
        if self._mask is not None:
            dy *= self._mask
        return dy


class SoftmaxLoss(Box):
    """Softmax and negative log-likelihood as one box: L = sum_i w_i (-log f(x_i)_{y_i}).

    f the softmax of the scores, e(y) the indicator of the label: dL/dscores = w (f(x) - e(y)). Soft labels
    take the place of e(y). It is one box because the two factors of the chain rule overflow where their
    product is tame.
    """

    def fprop(self, scores, targets, weights=None):
        """Sum of the losses; the gradient is kept for bprop."""
        self._dx = self.buffer("dx", *scores.shape, scores.dtype)
        losses, _ = softmax_nll(scores, targets, weights, out=self._dx)
        return losses.sum()

    def bprop(self, scale=1):
        """`scale` times dL/dscores, shape (n, K)."""
        self._dx *= scale
        return self._dx


class LogisticLoss(SoftmaxLoss):
    """Logistic output and binary cross-entropy: L = sum_i w_i sum_q log(1 + exp(s_iq)) - t_iq s_iq.

    dL/ds = w (sigmoid(s) - t), one output for two classes, one per label for a multilabel y.
    """

    def fprop(self, scores, targets, weights=None):
        self._dx = self.buffer("dx", *scores.shape, scores.dtype)
        weights = None if weights is None else weights[:, None]
        losses, _ = logistic_nll(scores, targets, weights, out=self._dx)
        return losses.sum()


LOSSES = {"softmax": SoftmaxLoss, "logistic": LogisticLoss}
