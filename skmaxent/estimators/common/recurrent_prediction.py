"""What a trained recurrent network says about new sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ...nn.recurrent import Parallel
from ...nn.sequence_builder import Recurrent
from ...nn.training.sequence_batches import SequenceDataset
from ...numerics.losses import softmax
from ...numerics.threads import BlockRunner, thread_count
from .sequence_data import to_sequences
from .sequence_input import read_sequences

if TYPE_CHECKING:
    from typing import Any


class RecurrentPrediction:
    """Mixin of a recurrent network: scores and hidden states."""

    @property
    def tags_tokens(self) -> bool:
        """Whether each token has a label, and not each sequence."""
        return self._per_token

    @property
    def embeddings_(self) -> np.ndarray:
        """The embedding, one row a feature of `vocabulary_`; row 0 is that of the unknown."""
        embeddings = getattr(self, "weights_", {}).get("embedding.weights")
        if embeddings is None:
            raise AttributeError("embeddings_ is there after a fit on tokens.")
        return embeddings

    def _read(self, X):
        """X as `Given`, of the kind that the model was fitted on."""
        check_is_fitted(self)
        given = read_sequences(self, X, reset=False)
        self._check_kind(given)
        return given

    def _graph(self, run):
        network = Recurrent(**self._structure)
        parameters = network.around(self.weights_)
        return network.graph(parameters, parameters, run=run)

    def _batches(self, given, per_token, layer=None):
        """Yields (rows, scores) of batches of sequences, or the states of a layer instead of the scores.

        Rows are numbers of sequences, or `per_token` of tokens, one sequence after another; empty sequences
        have none.
        """
        filled = np.flatnonzero(given.lengths)
        if not filled.size:
            return
        dtype = self.weights_["affine.weights"].dtype
        sequences = to_sequences(given.take(filled), self.vocabulary_, self.features, dtype)
        data = SequenceDataset(sequences, None, per_token=per_token)
        n_threads = None if self.n_jobs is None else thread_count(self.n_jobs)
        with BlockRunner(n_threads, limit_blas=True) as run:
            graph = self._graph(run)
            if layer is not None:
                layers = [i for i, box in enumerate(graph.boxes) if isinstance(box, Parallel)]
                graph.boxes = graph.boxes[: layers[layer] + 1]
            for rows, scores in data.outputs(graph):
                yield rows if per_token else filled[rows], scores

    def hidden_states(self, X: Any, layer: int = -1) -> np.ndarray:
        """States of a recurrent layer after each token.

        Parameters
        ----------
        X : sequences
            As for `fit`.
        layer : int, default=-1
            Index among the layers.

        Returns
        -------
        states : object ndarray of shape (n_sequences,)
            Arrays of shape (T_i, H), or (T_i, 2 H) in both directions, those of the forward one first.

        Raises
        ------
        IndexError
            When there is no such layer.
        """
        given = self._read(X)
        n_layers = len(self._structure["sizes"])
        if not -n_layers <= layer < n_layers:
            raise IndexError(f"layer={layer}: the network has {n_layers} layers.")
        width = self._structure["sizes"][layer] * (2 if self._structure["bidirectional"] else 1)
        return self._by_token(given, layer, width)

    def _by_token(self, given, layer=None, width=None):
        """An object array with the scores of the tokens of each sequence, or the states of a layer."""
        width = self.classes_.size if width is None else width
        whole = np.empty((given.lengths.sum(), width), self.weights_["affine.weights"].dtype)
        for rows, values in self._batches(given, True, layer):
            whole[rows] = values
        return as_objects(np.split(whole, np.cumsum(given.lengths)[:-1]))


def as_objects(items):
    """A 1-D object array of the items, whatever their lengths."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def log_softmax(scores):
    """Logarithms of the probabilities, -inf where these underflow."""
    log_p = scores - softmax(scores)[0][:, None]
    log_p[np.exp(log_p) == 0] = -np.inf
    return log_p
