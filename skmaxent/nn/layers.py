"""The boxes of the flow graph.

A box computes y = fprop(x) and, from dy = dL/dy, the gradient dx = bprop(dy) of the loss L with respect to
its input. A box with parameters lists their names in `own`: a graph that it is bound to gives it each as an
attribute, and the array that bprop writes the gradient to as the attribute "d_" and the name. Conventions: n
rows (examples), x (n, H_in), y (n, H_out), W (H_in, H_out), b (H_out,). fprop keeps what bprop needs, so the
calls come in pairs. The results live in buffers that the next call overwrites.
"""

import numpy as np

from ..numerics.threads import Buffers, run_at_once
from .activations import ACTIVATIONS
from .kernels import csr_dot
from .training.row_keys import mix

#: multiplications that are worth handing to another thread
THREAD_WORK = 1_000_000


class Box:
    """A node of the flow graph, with buffers that are allocated once and used for every batch."""

    own = ()  # names of its parameters
    ends_layer = False  # whether its output is that of a hidden layer

    def __init__(self, name=None):
        self.name, self.buffer = name, Buffers()

    def bind(self, graph):
        """Take the parameters and their gradients from a graph, by name."""
        self.graph = graph
        for own in self.own:
            setattr(self, own, graph.parameters[f"{self.name}.{own}"])
            setattr(self, f"d_{own}", graph.gradients[f"{self.name}.{own}"])


class Affine(Box):
    """y = x W + b.

    Gradients: dL/dW = x^T dy, dL/db = sum of the rows of dy, dx = dy W^T.

    Parameters
    ----------
    name : str
    input_gradient : bool
        Whether bprop returns dx; the first box of a network need not.
    """

    own = ("weights", "biases")

    def __init__(self, name, input_gradient=True):
        super().__init__(name)
        self.input_gradient = input_gradient

    def fprop(self, x):
        self._x = x
        y = self.buffer("y", x.shape[0], self.weights.shape[1], np.result_type(x, self.weights, self.biases))
        np.matmul(x, self.weights, out=y)
        y += self.biases
        return y

    def bprop(self, dy):
        np.matmul(self._x.T, dy, out=self.d_weights)
        dy.sum(axis=0, out=self.d_biases)
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

    own = ("weights", "biases")

    def __init__(self, name, run=run_at_once):
        super().__init__(name)
        self.run = run

    def fprop(self, batch):
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
        dy.sum(axis=0, out=self.d_biases)
        self._dy = dy

    def gradient_rows(self, start, stop, out):
        """Rows start..stop of dL/dW = x^T dy, written to out (stop - start, H_out)."""
        out[:] = 0
        indptr, indices, data = self._batch.x_transposed
        csr_dot(indptr[start : stop + 1], indices, data, self._dy, out)
        return out


class Activation(Box):
    """y = f(x) element by element; dx = dy * f'(x). `name` is a key of `ACTIVATIONS`."""

    ends_layer = True

    def __init__(self, name):
        super().__init__(name)
        self._forward, self._backward = ACTIVATIONS[name]

    def fprop(self, x):
        self._x, self._y = x, self.buffer("y", *x.shape, x.dtype)
        self._forward(x, self._y)
        return self._y

    def bprop(self, dy):
        self._backward(self._x, self._y, dy)
        return dy


class Dropout(Box):
    """y = x * mask / (1 - rate) while training, y = x otherwise (Srivastava et al. 2014).

    Each element of the mask is 0 with probability `rate`, else 1; dx = dy * mask / (1 - rate).
    The masks are a function of the rows' keys in this batch (`FlowGraph.keys`): equal rows have equal masks.

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

    def fprop(self, x):
        self._mask, keys = None, self.graph.keys
        if keys is None:
            return x
        self._mask = self._make_mask(keys, x)
        return np.multiply(x, self._mask, out=self.buffer("y", *x.shape, x.dtype))

    def _make_mask(self, keys, x):
        """mask / (1 - rate), a row for each key."""
        mask = self.buffer("mask", keys.size, x.shape[1], x.real.dtype)
        np.greater_equal(mix(keys[:, None] ^ self.unit_keys), np.uint64(self.rate * 2.0**64), out=mask)
        mask *= 1 / (1 - self.rate)
        return mask

    def bprop(self, dy):
        if self._mask is not None:
            dy *= self._mask
        return dy
