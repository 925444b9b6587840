"""Tags of packed sentences under a local model: greedy, beam and Viterbi search, and marginal probabilities.

Position after position, all sentences that go on at once. Results are in packed order.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


def greedy(model, packing):
    """Each tag the best one after the tags before it, (n,).

    Parameters
    ----------
    model : LocalModel
    packing : Packing
    """
    tags = np.empty(packing.starts[-1], np.intp)
    states = np.full(packing.alive[0] if len(packing.alive) else 0, model.start)
    for rows in packing.slices():
        states = states[: rows.stop - rows.start]
        tags[rows] = model.scores(rows, states[:, None])[:, 0].argmax(axis=1)
        states = model.after(states, tags[rows])
    return tags


def beam(model, packing, width):
    """Tags of the best sequence that a beam of `width` states finds, (n,).

    Of sequences that end in the same state only the best one is kept, so that the beam holds different
    states: with as many as there are, it is Viterbi's search.
    """
    history = []  # for each position the tags (m, B) of the hypotheses, and the places of those before
    m = packing.alive[0] if len(packing.alive) else 0
    states, scores = np.full((m, 1), model.start), np.zeros((m, 1))
    for rows in packing.slices():
        m = rows.stop - rows.start
        states, scores = states[:m], scores[:m]
        found = scores[:, :, None] + model.log_proba(rows, states)
        following = model.after(states[:, :, None], np.arange(model.n_tags))
        _drop_doubles(found, states % model.base ** (model.order - 1))
        found, following = found.reshape(m, -1), following.reshape(m, -1)
        kept = _best(found, width)
        scores, states = (np.take_along_axis(part, kept, 1) for part in (found, following))
        before, tags = np.divmod(kept, model.n_tags)
        history.append((tags, before, scores))
    return _follow_beam(packing, history)


def _drop_doubles(found, kept):
    """Of hypotheses whose states differ only in the tag that is forgotten, leave the best for each tag.

    Parameters
    ----------
    found : ndarray of shape (m, B, K)
        Scores, to be changed: -inf for a hypothesis that has a better double.
    kept : integer ndarray of shape (m, B)
        What of the state before is still in the state after.
    """
    if not kept.any():  # order 1 keeps nothing
        best = found.argmax(axis=1)[:, None]
        found[np.arange(found.shape[1])[:, None] != best] = -np.inf
        return
    for i in range(found.shape[1]):
        for j in range(i):
            same = kept[:, i] == kept[:, j]
            if same.any():
                one, other = found[same, i], found[same, j]
                found[same, i] = np.where(one > other, one, -np.inf)
                found[same, j] = np.where(one > other, -np.inf, other)


def _best(scores, width):
    """Places of the `width` greatest of each row, in their order."""
    if scores.shape[1] <= width:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.sort(np.argpartition(-scores, width - 1, axis=1)[:, :width], axis=1)


def _follow_beam(packing, history):
    tags = np.empty(packing.starts[-1], np.intp)
    chosen = np.empty(0, np.intp)
    for rows, (found, before, scores) in zip(packing.slices()[::-1], history[::-1]):
        ended = scores[len(chosen) :].argmax(axis=1)
        chosen = np.concatenate([chosen, ended])
        own = np.arange(len(chosen))
        tags[rows] = found[own, chosen]
        chosen = before[own, chosen]
    return tags


def viterbi(model, packing):
    """Tags of the most probable sequence, (n,)."""
    tags = np.empty(packing.starts[-1], np.intp)
    lattice = Lattice(model)
    best = np.zeros((packing.alive[0] if len(packing.alive) else 0, 1, 1))
    history = []
    for rows in packing.slices():
        of_states, steps, of_tags = lattice.parts(rows)
        found = (best[: rows.stop - rows.start] + of_states)[..., None] + steps
        best = found.max(axis=1)
        back = (found == best[:, None]).argmax(axis=1)  # the first place of the peak, in half the time
        best = best + of_tags
        history.append((back.astype(np.int16), best))
        best = lattice.advance(best)
    # Place of each sentence among the pairs (tag before, tag) of its position; of order 1 the first is 0.
    earlier, last = np.empty(0, np.intp), np.empty(0, np.intp)
    for rows, (back, best) in zip(packing.slices()[::-1], history[::-1]):
        ends = best[len(last) :].reshape(-1, best.shape[1] * best.shape[2]).argmax(axis=1)
        ended = np.divmod(ends, model.n_tags)
        earlier, last = np.concatenate([earlier, ended[0]]), np.concatenate([last, ended[1]])
        tags[rows] = last
        chosen = back[np.arange(len(last)), earlier, last].astype(np.intp)
        earlier, last = (np.zeros_like(chosen), chosen) if model.order == 1 else (chosen, earlier)
    return tags


class Lattice:
    """The states of all sequences at a position, as pairs (forgotten next, rest).

    A state of order 1 is its tag, forgotten after one more: the pairs are (K, 1); of order 2 they are (K, K).
    At the first positions there is only the one before the sentence.
    """

    def __init__(self, model):
        self.model = model
        self.states = np.full((1, 1), model.start)

    def steps(self, rows):
        """Log-probabilities of the tags after the states, (m, a, b, K)."""
        log_proba = self.model.log_proba(rows, self.states.reshape(1, -1))
        return log_proba.reshape(len(log_proba), *self.states.shape, self.model.n_tags)

    def parts(self, rows):
        """The same as a sum: of shapes (m, a, b), (m, a, b, K) and (m, 1, K), where axes may be 1."""
        of_states, steps, of_tags = self.model.parts(rows, self.states.reshape(1, -1))
        shape = self.states.shape if of_states.shape[1] > 1 else (1, 1)
        steps = steps.reshape(len(steps), *self.states.shape, self.model.n_tags)
        return of_states.reshape(len(of_states), *shape), steps, of_tags[:, None]

    def advance(self, values):
        """Values (m, b, K) of the states after a position, in the shape of the states."""
        after = self.model.after(self.states[:1, :, None], np.arange(self.model.n_tags))[0]
        if self.model.order == 1:
            self.states = after.reshape(-1, 1)
            return values.reshape(len(values), -1, 1)
        self.states = after
        return values


def marginals(model, packing):
    """Probability of each tag at each token, summed over all sequences of tags, (n, K).

    The local probabilities multiply to that of a sequence; where rules forbid some, the others are
    normalised. Of the sequences that break rules those count that break the fewest, if all do.
    """
    proba = np.empty((packing.starts[-1], model.n_tags))
    lattice = Lattice(model)
    forward = np.zeros((packing.alive[0] if len(packing.alive) else 0, 1, 1))
    history = []
    for rows in packing.slices():
        steps = lattice.steps(rows)
        total = log_sum_exp(forward[: rows.stop - rows.start, ..., None] + steps, 1)
        history.append((steps if model.rules else None, total))
        forward = lattice.advance(total)
    backward = np.empty((0, 1, 1))  # log-probabilities of what follows; without rules they are 0
    for rows, (steps, total) in zip(packing.slices()[::-1], history[::-1]):
        if model.rules:
            after = np.zeros(total.shape)
            after[: len(backward)] = backward.reshape(len(backward), *total.shape[1:])
            total = total + after
            backward = log_sum_exp(steps + after[:, None], 3)
        here = log_sum_exp(total, 1)
        proba[rows] = np.exp(here - log_sum_exp(here, 1)[:, None])
    return proba


def along(model, packing, tags):
    """Probability of each tag after the given tags before it, (n, K); where rules forbid some, of the others.

    Parameters
    ----------
    tags : integer ndarray of shape (n,)
        Packed.
    """
    proba = np.empty((packing.starts[-1], model.n_tags))
    states = np.full(packing.alive[0] if len(packing.alive) else 0, model.start)
    for rows in packing.slices():
        states = states[: rows.stop - rows.start]
        found = model.scores(rows, states[:, None])[:, 0].astype(float)
        found = np.exp(found - found.max(axis=1, keepdims=True))
        proba[rows] = found / found.sum(axis=1, keepdims=True)
        states = model.after(states, tags[rows])
    return proba


def log_sum_exp(values, axis):
    """Logarithm of the sum of exponentials along an axis."""
    peaks = values.max(axis=axis, keepdims=True)
    sums = np.exp(values - peaks).sum(axis=axis)
    return np.log(sums) + np.squeeze(peaks, axis)


class Decoder(NamedTuple):
    """A way to search for tags.

    Attributes
    ----------
    search : callable
        ``search(model, packing, beam_width)`` gives the tags, (n,).
    sums : bool
        Whether its probabilities are sums over all sequences (`marginals`), not those `along` the one found.
    """

    search: Callable
    sums: bool


#: What a tagger can do, by name; the tests run over all.
DECODERS = {
    "viterbi": Decoder(lambda model, packing, beam_width: viterbi(model, packing), sums=True),
    "greedy": Decoder(lambda model, packing, beam_width: greedy(model, packing), sums=False),
    "beam": Decoder(beam, sums=False),
}
