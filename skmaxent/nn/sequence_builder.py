"""Which boxes a recurrent network has: embedding, layers in one or both directions of time, scores."""

from functools import partial

from ..numerics.threads import run_at_once
from .graph import SequenceGraph
from .layers import Affine, Dropout, SparseAffine
from .parameters import Parameters, glorot, orthogonal
from .recurrent import CELLS, Parallel
from .tokens import Lookup, Pool, SequenceDropout


class Recurrent:
    """Embedding, recurrent layers, and scores of the tokens, or of the sequences where there is a pooling.

    Parameters
    ----------
    n_inputs : int
        Number of features of a token: with an embedding rows of its table, else numbers a token.
    embedding_size : int or None
        None for tokens that are vectors of numbers, which go to the first layer as they are.
    sizes : sequence of int
        Units of each layer, and direction.
    cell : {"elman", "gru", "lstm"}
    bidirectional : bool
    pooling : {"last", "mean", "max"} or None
        None for scores of every token.
    n_outputs : int
    dropout, word_dropout : float
        Rates: of the embedding's columns and of the outputs of each layer, with one mask a sequence; of
        tokens that are taken for unknown ones.
    """

    has_threads = True  # one a direction, so that BLAS must not have several

    def __init__(
        self, n_inputs, embedding_size, sizes, cell, bidirectional, pooling, n_outputs, dropout=0.0,
        word_dropout=0.0,
    ):  # fmt: skip
        self.embedding_size, self.sizes, self.cell = embedding_size, tuple(sizes), cell
        self.directions = ("forward", "backward") if bidirectional else ("forward",)
        self.pooling, self.dropout, self.word_dropout = pooling, dropout, word_dropout
        self._weights, self._biases, self._starts = {}, {}, {}
        width = n_inputs
        if embedding_size is not None:
            self._weights["embedding.weights"] = (n_inputs, embedding_size)
            self._biases["embedding.biases"] = (embedding_size,)
            self._starts["embedding.weights"] = _start_embedding
            width = embedding_size
        for number, n_units in enumerate(self.sizes, 1):
            for direction in self.directions:
                self._add_recurrence(f"{cell} {number} {direction}", width, n_units)
            width = n_units * len(self.directions)
        self._weights["affine.weights"], self._biases["affine.biases"] = (width, n_outputs), (n_outputs,)

    def _add_recurrence(self, name, n_inputs, n_units):
        n_gates = len(CELLS[self.cell].scale)
        self._weights[f"{name}.weights"] = (n_inputs, n_gates * n_units)
        self._weights[f"{name}.recurrent"] = (n_units, n_gates * n_units)
        self._biases[f"{name}.biases"] = (n_gates * n_units,)
        self._starts[f"{name}.weights"] = partial(glorot, n_gates=n_gates)
        self._starts[f"{name}.recurrent"] = orthogonal
        if self.cell == "gru":
            self._biases[f"{name}.recurrent_biases"] = (n_units,)
        if self.cell == "lstm":
            self._starts[f"{name}.biases"] = _open_forget_gates

    def parameters(self, dtype):
        """New parameters, zero."""
        return Parameters(self._weights, self._biases, dtype, starts=self._starts)

    def around(self, arrays):
        """Parameters around arrays, a dict by name, without a copy."""
        return Parameters.of(
            {name: arrays[name] for name in self._weights}, {name: arrays[name] for name in self._biases}
        )

    def graph(self, parameters, gradients, sparse=False, rng=None, run=run_at_once):
        """The boxes, bound; the arguments as of `FeedForward.graph`.

        `sparse` says whether there is an embedding, and goes without saying here.
        """
        boxes, drops = [], bool(self.dropout) and rng is not None
        if self.embedding_size is not None:
            boxes += [SparseAffine("embedding", run), Lookup(self.word_dropout if rng is not None else 0.0)]
            if drops:
                boxes.append(SequenceDropout(self.dropout, self.embedding_size, rng))
        for number, n_units in enumerate(self.sizes, 1):
            parts = [
                CELLS[self.cell](
                    f"{self.cell} {number} {direction}",
                    reverse=direction == "backward",
                    input_gradient=bool(boxes),
                )
                for direction in self.directions
            ]
            boxes.append(Parallel(parts, run))
            last, width = number == len(self.sizes), n_units * len(self.directions)
            if last and self.pooling is not None:
                boxes.append(Pool(self.pooling, n_units))
            if drops:
                per_token = not last or self.pooling is None
                boxes.append((SequenceDropout if per_token else Dropout)(self.dropout, width, rng))
        return SequenceGraph([*boxes, Affine("affine")], parameters, gradients)


def _start_embedding(rng, w):
    """Uniform with the variance 3 / E: rows of the length sqrt(3), whatever the size of the table.

    By Glorot's bound they would be the shorter the more features there are. Cross-validation on TREC
    questions preferred this to rows of a third of the length, 85.8 to 84.4 %; for UD EWT both are equal.
    """
    rng.random(dtype=w.dtype, out=w)
    w -= 0.5
    w *= 6 / w.shape[1] ** 0.5


def _open_forget_gates(rng, biases):
    """Forget gates begin open, with the bias 1 (Gers et al. 2000; Jozefowicz et al. 2015)."""
    n_units = biases.size // 4
    biases[2 * n_units : 3 * n_units] = 1
