"""Which tokens a score of a recurrent network rests on: gradient times input, one vote a token and class."""

import numpy as np

from ...nn.sequence_builder import Recurrent
from ...nn.training.sequence_batches import SequenceDataset
from .sequence_data import to_sequences
from .sequence_input import Given


def gradient_votes(model, sequence, position=None):
    """The tangent plane of the scores at a sequence, as votes of its tokens.

    The sequence is put into a batch once for each class, so that one pass forward and one backward give the
    gradients of all classes. Votes are the gradient with respect to the vector of a token (its embedding, or
    what it is), times that vector.

    Parameters
    ----------
    model : fitted RecurrentClassifier or RecurrentTagger
    sequence : as an entry of X
        Where a tag is meant with one token at least.
    position : int, optional
        The token whose tag is meant, for a tagger.

    Returns
    -------
    votes : float64 ndarray of shape (T, K)
    scores : float64 ndarray of shape (K,)
        Before softmax.
    """
    given = model._read([sequence])
    n_classes, n_tokens = model.classes_.size, int(given.lengths[0])
    if not n_tokens:
        return np.zeros((0, n_classes)), model._scores([sequence])[0].astype(float)
    copies = Given(
        given.items * n_classes,
        np.repeat(given.lengths, n_classes),
        None if given.tokens is None else given.tokens * n_classes,
        None if given.values is None else np.tile(given.values, (n_classes, 1)),
    )
    dtype = model.weights_["affine.weights"].dtype
    data = SequenceDataset(
        to_sequences(copies, model.vocabulary_, model.features, dtype),
        np.zeros(n_classes * n_tokens, np.intp),
        per_token=True,
    )
    network = Recurrent(**model._structure)
    graph = network.graph(network.around(model.weights_), network.parameters(dtype))
    n_before = 0 if model.vocabulary_ is None else 2  # boxes that make vectors of tokens
    for part in graph.boxes[n_before].parts:
        part.input_gradient = True
    batch, *_ = data.batch(np.arange(n_classes))
    scores = graph.fprop(batch).copy()
    vectors = batch.inputs if n_before == 0 else graph.boxes[1].fprop(graph.boxes[0].fprop(batch.inputs))
    first = 0 if position is None else position * n_classes  # row of the first copy
    dy = np.zeros_like(scores)
    dy[first + np.arange(n_classes), np.arange(n_classes)] = 1
    for box in reversed(graph.boxes[n_before:]):
        dy = box.bprop(dy)
    votes = np.einsum("ij,ij->i", dy.astype(float), vectors.astype(float)).reshape(n_tokens, n_classes)
    return votes, scores[first].astype(float)
