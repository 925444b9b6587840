"""From sequences and labels to the examples that a recurrent network trains on."""

from dataclasses import dataclass, replace

import numpy as np

from ...nn.training.row_keys import row_keys, stratified_split
from ...nn.training.sequence_batches import SequenceDataset, Sequences
from .sequence_input import Given
from .vocabulary import build_vocabulary, distinct_tokens, feature_table, features_of


def learn_vocabulary(given, weights, features, min_count):
    """Rows of the embedding, see `build_vocabulary`; a sequence of weight k counts as k."""
    tokens, codes = distinct_tokens(given)
    counts = np.bincount(codes, weights=np.repeat(weights, given.lengths), minlength=len(tokens))
    return build_vocabulary(features_of(tokens, features), counts, min_count)


def to_sequences(given, vocabulary, features, dtype):
    """`Sequences` of what is known of the tokens, or of the vectors."""
    if vocabulary is None:
        return Sequences(given.lengths, given.values.astype(dtype, copy=False))
    tokens, codes = distinct_tokens(given)
    table = feature_table(features_of(tokens, features), vocabulary, dtype)
    return Sequences(given.lengths, codes + 1, table)


def encode_labels(targets, classes, lengths, name):
    """Codes of labels among the sorted classes; `lengths` of the sequences of tags, None for one label each.

    Raises
    ------
    ValueError
        For a label that is none of the classes, with its place.
    """
    targets = targets.tolist() if isinstance(targets, np.ndarray) else targets
    number = {label: code for code, label in enumerate(classes.tolist())}
    try:
        return np.fromiter((number[label] for label in targets), np.intp, len(targets))
    except KeyError as error:
        place = next(i for i, label in enumerate(targets) if label not in number)
        where, label = f"{name}[{place}]", targets[place]
        if lengths is not None:
            ends = np.cumsum(lengths)
            i = int(np.searchsorted(ends, place, side="right"))
            where = f"{name}[{i}][{place - (ends[i] - lengths[i])}]"
        raise ValueError(
            f"{where} is {label!r}, which is none of the classes of the training data: {classes.tolist()}."
        ) from error


@dataclass(frozen=True)
class Examples:
    """Sequences with labels and weights; none is empty or without weight.

    Attributes
    ----------
    given : Given
    y : list
        Labels as they were given, one entry a sequence.
    targets : intp ndarray of shape (n,) or (N,), or float64 ndarray of shape (n, K)
        Codes of the labels, of each sequence or with `per_token` of each token; or distributions.
    weights : float64 ndarray of shape (n,)
    per_token : bool
    """

    given: Given
    y: list
    targets: np.ndarray
    weights: np.ndarray
    per_token: bool

    def __len__(self):
        return len(self.given)

    @property
    def has_masses(self):
        """Whether the targets are distributions."""
        return self.targets.ndim == 2

    def share(self, share):
        """The examples with that share, (n,), of their weights."""
        weights = self.weights * share
        rows = np.flatnonzero((weights > 0) & (self.given.lengths > 0))
        if rows.size == len(self):
            return replace(self, weights=weights)
        flat = Sequences(self.given.lengths, self.targets).flat(rows) if self.per_token else rows
        return replace(
            self,
            given=self.given.take(rows),
            y=[self.y[i] for i in rows],
            targets=self.targets[flat],
            weights=weights[rows],
        )

    def split(self, sequences, seed, fraction):
        """(training, validation), equal sequences divided between both, see `stratified_split`."""
        strata, keys = np.zeros(len(self), dtype=np.intp), sequences.keys(seed)
        if self.has_masses:  # by the most probable class
            keys, strata = keys + row_keys(self.targets, seed), self.targets.argmax(axis=1)
        elif not self.per_token:
            strata = self.targets
        share = stratified_split(keys, strata, self.weights, fraction)
        return self.share(1 - share), self.share(share)

    def as_given(self):
        """(X, y, weights) as scorers take them; the weights are None where all are 1.

        Of label masses each class of a sequence is a sequence of its own, weighted by its mass.
        """
        if self.has_masses:
            rows, codes = np.nonzero(self.targets)
            weights = self.weights[rows] * self.targets[rows, codes]
            return [self.given.items[i] for i in rows], codes, weights
        y = self.y if self.per_token else np.asarray(self.y)
        return self.given.items, y, None if (self.weights == 1).all() else self.weights

    def totals(self, n_classes):
        """Weight of each class, (K,)."""
        if self.has_masses:
            return self.weights @ self.targets
        weights = np.repeat(self.weights, self.given.lengths) if self.per_token else self.weights
        return np.bincount(self.targets, weights=weights, minlength=n_classes)

    def dataset(self, sequences, factors, seed=None):
        """The `SequenceDataset`, weights times the factors of the classes (K,), with keys for a seed."""
        weights = np.repeat(self.weights, self.given.lengths) if self.per_token else self.weights
        targets = self.targets
        dtype = sequences.tokens.dtype if sequences.table is None else sequences.table.dtype
        if factors is not None and self.has_masses:
            targets = targets * factors
            mass = targets.sum(axis=1)
            weights, targets = weights * mass, targets / np.where(mass > 0, mass, 1)[:, None]
        elif factors is not None:
            weights = weights * factors[targets]
        if self.has_masses:
            targets = targets.astype(dtype)
        weights = None if (weights == 1).all() else weights.astype(dtype)
        keys = None if seed is None else sequences.keys(seed)
        return SequenceDataset(sequences, targets, weights, keys, self.per_token)
