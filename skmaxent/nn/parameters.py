"""The parameters of a network: named arrays in one vector, those that are penalised first."""

import numpy as np


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

    Attributes
    ----------
    vector : ndarray of shape (size,)
    weights, biases : dicts of str to ndarray
        Views of the vector.
    n_weights : int
        The first n_weights entries of the vector are weights, the others biases.
    """

    def __init__(self, weights, biases, dtype, vector=None):
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
        self.weights, self.biases = weights, biases
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
        return Parameters(weights, biases, dtype or self.first.dtype, vector)

    @property
    def first(self):
        """The first weights: those of the inputs, whose rows may be updated lazily."""
        return next(iter(self.weights.values()))

    def __getitem__(self, name):
        return self.weights[name] if name in self.weights else self.biases[name]

    def initialise(self, rng):
        """Biases 0, weights uniform in [-b, b] with b = sqrt(6 / (H_in + H_out)) (Glorot & Bengio 2010)."""
        for w in self.weights.values():
            rng.random(dtype=w.dtype, out=w)
            w -= 0.5
            w *= 2 * np.sqrt(6 / sum(w.shape)).astype(w.dtype)
        for b in self.biases.values():
            b[:] = 0
