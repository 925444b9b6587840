"""The parameters of a network: named arrays in one vector, those that are penalised first."""

import numpy as np

from ..numerics.threads import single_blas


def glorot(rng, w, n_gates=1):
    """Uniform in [-b, b] with b = sqrt(6 / (H_in + H_out)) (Glorot & Bengio 2010).

    Of `n_gates` matrices side by side each counts for itself.
    """
    rng.random(dtype=w.dtype, out=w)
    w -= 0.5
    w *= 2 * np.sqrt(6 / (w.shape[0] + w.shape[1] // n_gates)).astype(w.dtype)


def orthogonal(rng, w):
    """Square orthogonal matrices side by side, drawn uniformly (Saxe et al. 2014)."""
    n = w.shape[0]
    with single_blas:  # several threads could give other bits
        for start in range(0, w.shape[1], n):
            q, r = np.linalg.qr(rng.standard_normal((n, n)))
            w[:, start : start + n] = q * np.sign(np.diagonal(r))


class Parameters:
    """Named arrays in one vector: first the weights, which the penalty counts, then the biases.

    Optimisers, lazy rows, penalties and copies see the vector and never ask what the boxes are.

    Parameters
    ----------
    weights, biases : dicts of str to tuple of int
        Names and shapes, in the order of the vector.
    dtype : dtype
    vector : ndarray of shape (size,), optional
        The memory to use; zeros by default.
    starts : dict of str to callable, optional
        ``start(rng, w)`` initialises the array of a name; by default weights by `glorot`, biases by 0.

    Attributes
    ----------
    vector : ndarray of shape (size,)
    weights, biases : dicts of str to ndarray
        Views of the vector.
    n_weights : int
        The first n_weights entries of the vector are weights, the others biases.
    """

    def __init__(self, weights, biases, dtype, vector=None, starts=None):
        self.starts = starts or {}
        self.n_weights = sum(int(np.prod(shape)) for shape in weights.values())
        size = self.n_weights + sum(int(np.prod(shape)) for shape in biases.values())
        self.vector = np.zeros(size, dtype=dtype) if vector is None else vector
        start, parts = 0, []
        for shapes in (weights, biases):
            views = {}
            for name, shape in shapes.items():
                stop = start + int(np.prod(shape))
                views[name] = self.vector[start:stop].reshape(shape)
                start = stop
            parts.append(views)
        self.weights, self.biases = parts

    @classmethod
    def of(cls, weights, biases):
        """Parameters around the given arrays, dicts, without a copy; they have no common vector."""
        self = cls.__new__(cls)
        self.weights, self.biases, self.starts = weights, biases, {}
        return self

    def like(self, dtype=None, vector=None, first=None):
        """Parameters of the same names and shapes: new zeros, or in the given memory.

        `first` replaces the number of rows of the first weights.
        """
        weights = {name: w.shape for name, w in self.weights.items()}
        if first is not None:
            name = next(iter(weights))
            weights[name] = (first, *weights[name][1:])
        biases = {name: b.shape for name, b in self.biases.items()}
        return Parameters(weights, biases, dtype or self.first.dtype, vector, self.starts)

    @property
    def first(self):
        """The first weights: those of the inputs, whose rows may be updated lazily."""
        return next(iter(self.weights.values()))

    def __getitem__(self, name):
        return self.weights[name] if name in self.weights else self.biases[name]

    def initialise(self, rng):
        """Each array by its entry of `starts`, else weights by `glorot` and biases by 0."""
        for name, w in self.weights.items():
            self.starts.get(name, glorot)(rng, w)
        for name, b in self.biases.items():
            b[:] = 0
            if name in self.starts:
                self.starts[name](rng, b)
