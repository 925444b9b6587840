"""The conditional likelihood of a linear chain as a function of its scores, for the convex engine.

The scores are one array (n + D K, K): the rows of the n tokens in packed order, below them the transition
scores T_r, D kinds with K rows each, from a tag (row) to the next (column). All of them are linear in the
weights, so that the chain is a likelihood like the others, on a design with two blocks.

The state is the residual E - t itself: marginals less tags at the tokens, expected less observed numbers of
transitions below, each times the weight of its sentence. It is formed before any sum or product: in float32
the difference of two sums over a corpus would have no digits left.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import xlogy

from ..convex.likelihood import Likelihood
from ..convex.proofs.rounding import rounding
from ..numerics.sparse import peak
from .chain import Transitions, expectations


@dataclass
class Part:
    """What a batch adds to the totals.

    Attributes
    ----------
    pairs : list of (kind, ndarray of shape (K, K))
        Expected numbers of transitions.
    loss : float
    largest : float
        Modulus of the largest score, in float64.
    entropy : float
        The part that belongs to the tokens.
    sentences, weights : ndarray
        -log p(y) of each sentence, and its weight.
    """

    pairs: list
    loss: float = 0.0
    largest: float = 0.0
    entropy: float = 0.0
    sentences: np.ndarray | None = None
    weights: np.ndarray | None = None


class ChainLikelihood(Likelihood):
    """Negative log-likelihood of the tags of sentences.

    There is no intercept and no curvature: solvers that need one cannot have it.

    Parameters
    ----------
    chains : Chains
    codes : integer ndarray of shape (n,)
        Tag of each packed row.
    weights : ndarray of shape (n,)
        Weight of the sentence of each packed row, non-negative.
    n_tags : int
        K.
    workers : Workers
    kinds : integer ndarray of shape (n,), optional
        Kind of the transition into each packed row.
    n_kinds : int
        D.
    entropies : bool
        Whether `mixed_entropy` will be asked for.
    """

    def __init__(self, chains, codes, weights, n_tags, workers, kinds=None, n_kinds=1, entropies=False):
        self.chains, self.codes, self.weights, self.kinds = chains, codes, weights, kinds
        self.dtype, self.n_kinds = weights.dtype, n_kinds
        self.shape = (len(codes) + n_kinds * n_tags, n_tags)
        self._workers, self._entropies, self._state = workers, entropies, None
        self._uniform = bool((weights == 1).all())
        self._largest = 0.0

    def astype(self, dtype):
        """The same likelihood in another precision."""
        twin = object.__new__(ChainLikelihood)
        twin.__dict__.update(self.__dict__)
        twin.weights, twin.dtype = self.weights.astype(dtype), np.dtype(dtype)
        twin._state = None
        return twin

    @cached_property
    def observed(self):
        """Weighted numbers of transitions, (D K, K), float64."""
        K, before = self.shape[1], self.chains.previous
        rows = np.flatnonzero(before >= 0)
        kinds = 0 if self.kinds is None else self.kinds[rows].astype(np.intp)
        flat = (kinds * K + self.codes[before[rows]]) * K + self.codes[rows]
        weights = self.weights[rows].astype(float)
        return np.bincount(flat, weights, minlength=self.n_kinds * K * K).reshape(-1, K)

    @cached_property
    def _places(self):
        """Where the transition score of each packed row is, in the flat array (D K K,); -1 at a beginning."""
        K, before = self.shape[1], self.chains.previous
        kinds = 0 if self.kinds is None else self.kinds.astype(np.intp)
        return np.where(before < 0, -1, (kinds * K + self.codes[before]) * K + self.codes)

    def transitions(self, scores):
        """The transition scores below those of the tokens."""
        K = self.shape[1]
        return Transitions(scores[len(self.codes) :].reshape(self.n_kinds, K, K), self.kinds)

    def evaluate(self, scores, out, direction=None, step=0.0):
        """Total loss at the scores (plus `step` times `direction`), in nats; fills `out` with E - t."""
        n, step = len(self.codes), self.dtype.type(step)
        below = scores[n:] if direction is None else scores[n:] + step * direction[n:]
        K = self.shape[1]
        transitions = Transitions(below.reshape(self.n_kinds, K, K), self.kinds)

        def run(batch):
            rows = batch.rows
            z = scores[rows] if direction is None else scores[rows] + step * direction[rows]
            return self._evaluate_batch(batch, z, transitions, out[rows])

        parts = self._workers.map(run, self.chains.batches)
        expected = np.zeros((self.n_kinds, K, K))
        for part in parts:
            for kind, pairs in part.pairs:
                expected[kind] += pairs
        out[n:] = expected.reshape(-1, K) - self.observed
        if self.dtype == np.float64:
            self._largest = max([peak(below), *(part.largest for part in parts)])
        if self._entropies:
            entropy = -float(np.vdot(expected, transitions.scores - transitions.top))
            self._state = out, entropy + sum(part.entropy for part in parts), parts
        return sum(part.loss for part in parts)

    def _evaluate_batch(self, batch, z, transitions, out):
        """The `Part` of a batch in the totals; fills `out`."""
        rows, codes = batch.rows, self.codes[batch.rows]
        weights = None if self._uniform else self.weights[rows]
        expected = expectations(batch, z, transitions, out, weights)
        here = np.arange(len(z))
        # Row by row and from the largest scores on: sums over all rows would be many times their difference.
        losses = expected.top - z[here, codes]
        losses += expected.excess
        begin, flat = batch.offsets[1], transitions.scores.reshape(-1)
        losses[begin:] += transitions.top - flat[self._places[rows][begin:]]
        part = Part(expected.pairs)
        if self.dtype == np.float64:
            part.largest = peak(z)
        if self._entropies:
            own = expected.excess - np.einsum("ij,ij->i", z - expected.top[:, None], out)
            part.entropy = float(self.weights[rows] @ own)
            part.sentences = np.bincount(batch.sentence_of_row, losses)
            part.weights = self.weights[rows][: batch.offsets[1]]
        if weights is None:
            out[here, codes] -= 1
        else:
            losses *= weights
            out *= weights[:, None]
            out[here, codes] -= weights
        part.loss = float(losses.sum(dtype=float))
        return part

    def residual(self, state):
        """The gradient of the loss with respect to the scores: the state itself, not a copy."""
        return state

    def mixed_entropy(self, state, share):
        """Sum of m_i H(q_i), in nats, q_i = share * p_i + (1 - share) * (all on the tags) of sentence i.

        Of the tags themselves the mixture has more than the model, of all other sequences `share` times as
        much. The marginals do not tell the entropies: the state must be the one evaluated last.
        """
        known, entropy, parts = self._state
        if known is not state:
            raise ValueError("The entropies of the chains are known for the state that was evaluated last.")
        total = share * entropy
        for part in parts if share < 1 else []:
            p = np.exp(-part.sentences)
            mixed = share * p + (1 - share)
            rest = share * xlogy(p, p) - xlogy(share, share) * (1 - p)
            total += float(part.weights @ (rest - xlogy(mixed, mixed)))
        return total

    @property
    def state_error(self):
        """Bound on the norm of the rounding in the state that was evaluated last.

        A relative error of each potential of a token or a transition counts once on the way through a
        sentence; the numbers of transitions are sums over all of them.
        """
        return self._relative_error * np.hypot(np.linalg.norm(self.weights), self.total_weight)

    @property
    def value_error(self):
        """Bound on the rounding in the loss and the entropy that were evaluated last."""
        return self._relative_error * self.total_weight

    @property
    def _relative_error(self):
        if self.shape[1] == 1:  # all is certain
            return 0.0
        longest = max((len(batch.offsets) - 1 for batch in self.chains.batches), default=0)
        return rounding(longest) * (4 + np.sqrt(self.shape[1]) + 2 * self._largest)
