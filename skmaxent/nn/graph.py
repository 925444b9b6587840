"""The network as a row of boxes, and its parameters as one vector."""

import numpy as np

from .kernels import row_block, run_at_once
from .layers import Activation, Affine, Dropout, SparseAffine
from .training.batches import SparseBatch


class Parameters:
    """All weights and biases of a network in one vector: first the weights, layer by layer, then the biases.

    Parameters
    ----------
    sizes : sequence of int
        Number of inputs, of units of each hidden layer, of outputs.
    dtype : dtype
    vector : ndarray of shape (size,), optional
        The memory to use; zeros by default.

    Attributes
    ----------
    vector : ndarray of shape (size,)
    coefs, intercepts : lists of ndarrays
        Views of shapes (H_in, H_out) and (H_out,), one a layer.
    n_weights : int
        The first n_weights entries of the vector are weights, the others biases.
    """

    def __init__(self, sizes, dtype, vector=None):
        self.sizes = tuple(sizes)
        shapes = [*zip(self.sizes[:-1], self.sizes[1:])]
        self.n_weights = sum(a * b for a, b in shapes)
        size = self.n_weights + sum(self.sizes[1:])
        self.vector = np.zeros(size, dtype=dtype) if vector is None else vector
        self.coefs, self.intercepts, start = [], [], 0
        for a, b in shapes:
            self.coefs.append(self.vector[start : start + a * b].reshape(a, b))
            start += a * b
        for b in self.sizes[1:]:
            self.intercepts.append(self.vector[start : start + b])
            start += b

    @classmethod
    def of(cls, coefs, intercepts):
        """Parameters around the given arrays, without a copy; they have no common vector."""
        self = cls.__new__(cls)
        self.sizes = (*(w.shape[0] for w in coefs), coefs[-1].shape[1])
        self.coefs, self.intercepts = coefs, intercepts
        return self

    def initialise(self, rng):
        """Biases 0, weights uniform in [-b, b] with b = sqrt(6 / (H_in + H_out)) (Glorot & Bengio 2010)."""
        for w in self.coefs:
            rng.random(dtype=w.dtype, out=w)
            w -= 0.5
            w *= 2 * np.sqrt(6 / sum(w.shape)).astype(w.dtype)
        for b in self.intercepts:
            b[:] = 0


class FlowGraph:
    """The boxes of a network in a row: affine, activation, dropout, affine, ... up to the scores.

    Parameters
    ----------
    parameters, gradients : Parameters
        Weights, and where bprop writes their gradients.
    activation : str
    dropout : float
        Rate for each hidden layer.
    rng : numpy.random.Generator
        Seeds the dropout masks.
    sparse : bool
        Whether the inputs are `SparseBatch`es; bprop then leaves the gradient of the first weights to
        `first.gradient_rows`.
    run : BlockRunner, optional
        Threads for the sparse products.
    """

    def __init__(
        self, parameters, gradients, activation, dropout=0.0, rng=None, sparse=False, run=run_at_once
    ):
        self.parameters, self.gradients, self.sparse = parameters, gradients, sparse
        self.boxes = []
        layers = zip(parameters.coefs, parameters.intercepts, gradients.coefs, gradients.intercepts)
        for k, (w, b, dw, db) in enumerate(layers):
            if k > 0:
                self.boxes.append(Activation(activation))
                if dropout:
                    self.boxes.append(Dropout(dropout, w.shape[0], rng))
            if k == 0 and sparse:
                self.boxes.append(SparseAffine(w, b, db, run))
            else:
                self.boxes.append(Affine(w, b, dw, db, input_gradient=k > 0))

    @property
    def first(self):
        """The first affine box."""
        return self.boxes[0]

    def fprop(self, x, keys=None):
        """Scores (n, K): every box in order; `keys` as for `Dropout`."""
        for box in self.boxes:
            x = box.fprop(x, keys)
        return x

    def bprop(self, dy):
        """Gradients of all parameters: every box in reverse order."""
        for box in reversed(self.boxes):
            dy = box.bprop(dy)

    def first_gradient(self):
        """Write the whole gradient of the first weights of a sparse network."""
        out = self.gradients.coefs[0]
        self.first.run(
            lambda a, b: self.first.gradient_rows(a, b, out[a:b]), out.shape[0], row_block(out.strides[0])
        )


def layer_outputs(parameters, activation, X, block=4096):
    """The output of each layer for many rows, computed without a gradient.

    Parameters
    ----------
    parameters : Parameters
    activation : str
    X : ndarray or CSR matrix of shape (n, d)

    Yields
    ------
    start : int
    outputs : list of ndarrays
        Activations of each hidden layer and, last, the scores, for the rows from `start` on.
    """
    sparse = not isinstance(X, np.ndarray)
    graph = FlowGraph(parameters, parameters, activation, sparse=sparse)
    for start in range(0, X.shape[0], block):
        x = X[start : start + block]
        x = SparseBatch(x, transposed=False) if sparse else x
        outputs = []
        for box in graph.boxes:
            x = box.fprop(x)
            if isinstance(box, Activation):
                outputs.append(x)
        yield start, [*outputs, x]
