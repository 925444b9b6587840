"""Linear chains: sums and maxima over all tag sequences, for all sentences of a batch at once.

A sentence of T tokens and K tags has the scores S (T, K) of its tokens and T_r (K, K) of its transitions,
r the kind of a transition (there is one kind unless transitions have features of their own):

    score(y) = sum_t S[t, y_t] + sum_{t >= 1} T_{r_t}[y_{t-1}, y_t],     p(y) = exp(score(y)) / Z

Sentences are packed: by decreasing length, in batches that stay in cache, and within a batch the rows by
(position, sentence). A position is then a contiguous slice of rows, the sentences that go on from there are
its first rows, and one step of a recursion is one matrix product for all of them.

The recursions run on probabilities that are scaled at every token (Rabiner 1989), in the precision of the
scores, on arrays with a column a token, whose rows are long. Where a scaled number could have left the range
of its type, a batch is done again on logarithms in float64: slower, and correct for scores of any size.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# Scores of a batch: its arrays stay in the second-level cache. More batches would spend more on calls.
BATCH_ENTRIES = 200_000
# Numbers (rows, K, K) that are held at a time.
CUBE_ENTRIES = 1_000_000
# Largest scaled number, and the inverse of the smallest sum, up to which nothing of weight underflows.
LARGEST = {np.dtype(np.float32): 1e15, np.dtype(np.float64): 1e120}


@dataclass(frozen=True)
class Batch:
    """Sentences that are worked on together.

    Attributes
    ----------
    rows : slice
        Their packed rows.
    sentences : integer ndarray
        Which they are, by decreasing length.
    offsets : list of int
        Position t has the rows ``offsets[t]:offsets[t + 1]``, counted within the batch.
    """

    rows: slice
    sentences: np.ndarray
    offsets: list

    @cached_property
    def previous(self):
        """The row before each row from the second position on, counted within the batch."""
        sizes = np.diff(self.offsets)
        return np.arange(self.offsets[1], self.offsets[-1]) - np.repeat(sizes[:-1], sizes[1:])

    @cached_property
    def sentence_of_row(self):
        """Number of the sentence within the batch to which each row belongs."""
        sizes = np.diff(self.offsets)
        return np.arange(self.offsets[-1]) - np.repeat(self.offsets[:-1], sizes)

    @cached_property
    def last(self):
        """The last row of each sentence, counted within the batch."""
        lengths = np.bincount(self.sentence_of_row)
        return np.asarray(self.offsets)[lengths - 1] + np.arange(len(lengths))

    def steps(self):
        """For each position from the second on: the rows before and the rows there."""
        for t in range(1, len(self.offsets) - 1):
            start, stop = self.offsets[t], self.offsets[t + 1]
            before = self.offsets[t - 1]
            yield slice(before, before + stop - start), slice(start, stop)


class Chains:
    """The packed layout of sentences.

    Parameters
    ----------
    lengths : array-like of int
        Numbers of tokens; 0 is allowed.
    n_tags : int
        K, to judge the size of batches.

    Attributes
    ----------
    order : integer ndarray of shape (n,)
        The row, of all tokens one sentence after another, that each packed row stands for.
    batches : list of Batch
        They depend on the lengths alone, not on the number of threads.
    """

    def __init__(self, lengths, n_tags):
        lengths = np.asarray(lengths, dtype=np.intp)
        self.n_sentences = len(lengths)
        starts = np.cumsum(lengths) - lengths
        ranks = np.argsort(-lengths, kind="stable")
        ranks = ranks[: np.count_nonzero(lengths)]
        ends = np.cumsum(lengths[ranks])
        self.batches, orders, first, begun = [], [], 0, 0
        size = max(1, BATCH_ENTRIES // n_tags)
        while first < len(ranks):
            stop = max(first + 1, int(np.searchsorted(ends, begun + size, side="right")))
            sentences = ranks[first:stop]
            sizes = lengths[sentences]
            position = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            rows = position + np.repeat(starts[sentences], sizes)
            orders.append(rows[np.argsort(position, kind="stable")])
            alive = np.searchsorted(-sizes, -np.arange(sizes[0]), side="left")
            offsets = [0, *np.cumsum(alive).tolist()]
            self.batches.append(Batch(slice(begun, begun + offsets[-1]), sentences, offsets))
            first, begun = stop, begun + offsets[-1]
        self.order = np.concatenate(orders) if orders else np.zeros(0, np.intp)

    def unpacked(self, values):
        """An array over the packed rows in the order of the tokens."""
        result = np.empty_like(values)
        result[self.order] = values
        return result

    @cached_property
    def first(self):
        """Mask of the packed rows that begin a sentence."""
        mask = np.zeros(len(self.order), bool)
        for batch in self.batches:
            mask[batch.rows.start : batch.rows.start + batch.offsets[1]] = True
        return mask

    @cached_property
    def previous(self):
        """The packed row before each packed row, -1 where a sentence begins."""
        before = np.full(len(self.order), -1, np.intp)
        for batch in self.batches:
            before[batch.rows.start + batch.offsets[1] : batch.rows.stop] = batch.previous + batch.rows.start
        return before


@dataclass(frozen=True)
class Transitions:
    """Scores of the transitions, with what all batches need of them.

    Parameters
    ----------
    scores : ndarray of shape (D, K, K)
        From a tag (second axis) to the next (third).
    kinds : integer ndarray of shape (n,) or None
        Kind of the transition into each packed row; None where there is one kind.
    """

    scores: np.ndarray
    kinds: np.ndarray | None = None

    @cached_property
    def top(self):
        """The largest score; 0 where all are minus infinity."""
        top = self.scores.max(initial=-np.inf)
        return self.scores.dtype.type(top if np.isfinite(top) else 0)

    @cached_property
    def factors(self):
        """exp(scores - top)."""
        return np.exp(self.scores - self.top)

    @cached_property
    def backward(self):
        """The factors with the axes of the tags exchanged, in memory order."""
        return np.ascontiguousarray(self.factors.transpose(0, 2, 1))

    def of(self, batch):
        """Kinds of the rows of a batch, or None."""
        return None if self.kinds is None else self.kinds[batch.rows]


def _multiply(factors, kinds, a, out):
    """out = factors @ a, each column of `a` (K, m) by the matrix of its kind."""
    if kinds is None:
        np.matmul(factors[0], a, out=out)
        return
    size = max(1, CUBE_ENTRIES // factors[0].size)
    for start in range(0, a.shape[1], size):
        part = slice(start, start + size)
        out[:, part] = np.matmul(factors[kinds[part]], a[:, part].T[:, :, None])[:, :, 0].T


@dataclass
class Expectations:
    """What the model of a batch expects.

    Attributes
    ----------
    marginals : ndarray of shape (m, K)
        Probability of each tag at each row.
    pairs : list of (kind, ndarray of shape (K, K))
        Sums over the rows, with their weights, of the probabilities of pairs of tags.
    excess : ndarray of shape (m,)
        Its sum over a sentence is log Z less the sums of `top` and of the largest transition score.
    top : ndarray of shape (m,)
        Largest score of each row.
    """

    marginals: np.ndarray
    pairs: list
    excess: np.ndarray
    top: np.ndarray


def expectations(batch, scores, transitions, out=None, weights=None):
    """Marginals, expected transitions and log Z by forward-backward.

    Parameters
    ----------
    batch : Batch
    scores : ndarray of shape (m, K)
        Of the packed rows of the batch.
    transitions : Transitions
    out : ndarray of shape (m, K), optional
        Receives the marginals.
    weights : ndarray of shape (m,), optional
        Weights of the rows in the sums over pairs.

    Returns
    -------
    expected : Expectations
    """
    kinds, begin = transitions.of(batch), batch.offsets[1]
    U = np.array(scores.T, order="C")
    top = U.max(axis=0)
    U -= top
    np.exp(U, out=U)
    out = np.empty_like(scores) if out is None else out
    with np.errstate(all="ignore"):  # looked at below
        A, B, c = _scaled(batch, U, transitions, kinds)
    limit = LARGEST[U.dtype]
    if not (U.max() <= limit and c.min() >= 1 / limit):
        return _on_logarithms(batch, scores, transitions, kinds, top, out, weights)
    before, Q = A.take(batch.previous, axis=1), U[:, begin:]
    if weights is not None:
        Q = Q * weights[begin:]
    pairs = _pair_sums(before, Q, None if kinds is None else kinds[begin:])
    pairs = [(kind, part * transitions.factors[kind]) for kind, part in pairs]
    B *= A
    out[:] = B.T
    return Expectations(out, pairs, np.log(c), top)


def _scaled(batch, U, transitions, kinds):
    """Both recursions, a column a token; U becomes q.

    Returns
    -------
    A, B : ndarray of shape (K, m)
        Forward and backward probabilities.
    c : ndarray of shape (m,)
        Sums of the forward probabilities before they were scaled to 1.
    """
    A, B, c = np.empty_like(U), np.empty_like(U), np.empty(U.shape[1], U.dtype)
    begin, steps = slice(0, batch.offsets[1]), list(batch.steps())
    np.add.reduce(U[:, begin], axis=0, out=c[begin])
    np.divide(U[:, begin], c[begin], out=A[:, begin])
    for before, rows in steps:
        a, total = A[:, rows], c[rows]
        _multiply(transitions.backward, None if kinds is None else kinds[rows], A[:, before], a)
        a *= U[:, rows]
        np.add.reduce(a, axis=0, out=total)
        a /= total
    U *= 1 / c
    B[:] = 1
    for before, rows in reversed(steps):
        q = U[:, rows]
        q *= B[:, rows]
        _multiply(transitions.factors, None if kinds is None else kinds[rows], q, B[:, before])
    return A, B, c


def _pair_sums(before, Q, kinds):
    """Products before Q' over the columns of each kind."""
    if kinds is None:
        return [(0, before @ Q.T)]
    order, sums = np.argsort(kinds, kind="stable"), []
    present, starts = np.unique(kinds[order], return_index=True)
    for kind, own in zip(present.tolist(), np.split(order, starts[1:])):
        sums.append((kind, before[:, own] @ Q[:, own].T))
    return sums


def _log_sum(cube, axis):
    """log sum exp, which may be minus infinity everywhere."""
    top = cube.max(axis=axis, keepdims=True)
    top[~np.isfinite(top)] = 0
    with np.errstate(divide="ignore"):
        return np.log(np.exp(cube - top).sum(axis=axis)) + top.squeeze(axis)


def _pieces(rows, K):
    """Slices of a slice of rows whose cubes are not too large."""
    size = max(1, CUBE_ENTRIES // (K * K))
    return [slice(start, min(start + size, rows.stop)) for start in range(rows.start, rows.stop, size)]


def _on_logarithms(batch, scores, transitions, kinds, top, out, weights):
    """`expectations` for scores of any size."""
    z, (m, K) = scores.astype(float), scores.shape
    T = transitions.scores.astype(float)
    kinds_of = np.zeros(m, np.intp) if kinds is None else kinds
    steps = []
    for before, rows in batch.steps():
        shift = before.start - rows.start
        steps += [(slice(p.start + shift, p.stop + shift), p) for p in _pieces(rows, K)]
    alpha, beta = z.copy(), np.zeros_like(z)
    for before, rows in steps:
        alpha[rows] += _log_sum(alpha[before, :, None] + T[kinds_of[rows]], 1)
    for before, rows in reversed(steps):
        beta[before] = _log_sum(T[kinds_of[rows]] + (z[rows] + beta[rows])[:, None, :], 2)
    log_z = _log_sum(alpha[batch.last], 1)
    of_row = log_z[batch.sentence_of_row]
    out[:] = np.exp(alpha + beta - of_row[:, None])
    sums = {}
    for before, rows in steps:
        right = z[rows] + beta[rows] - of_row[rows, None]
        cube = np.exp(alpha[before, :, None] + T[kinds_of[rows]] + right[:, None, :])
        if weights is not None:
            cube *= weights[rows, None, None]
        for kind in np.unique(kinds_of[rows]).tolist():
            sums[kind] = sums.get(kind, 0) + cube[kinds_of[rows] == kind].sum(axis=0)
    # All of log Z at the first row of the sentence, less what is not part of the excess.
    totals = np.bincount(batch.sentence_of_row, top.astype(float))
    lengths = np.bincount(batch.sentence_of_row)
    excess = np.zeros(m)
    excess[: batch.offsets[1]] = log_z - totals - (lengths - 1) * float(transitions.top)
    pairs = [(kind, part.astype(scores.dtype)) for kind, part in sorted(sums.items())]
    return Expectations(out, pairs, excess, top)


def viterbi(batch, scores, transitions):
    """The best tags of all sentences of a batch.

    Parameters
    ----------
    batch : Batch
    scores : ndarray of shape (m, K)
        Minus infinity forbids a tag.
    transitions : Transitions

    Returns
    -------
    tags : integer ndarray of shape (m,)
        Among sequences of equal score, that of the lowest tags from the end on.

    Notes
    -----
    Only the values of the best sequences are kept; the way back finds the tag before by one more maximum over
    K numbers.
    """
    kinds, T = transitions.of(batch), transitions.scores
    best = scores.copy()
    for before, rows in batch.steps():
        old, new = best[before], best[rows]
        if kinds is None:
            new += _largest_sums(old, T[0])
            continue
        for piece in _pieces(slice(0, len(old)), old.shape[1]):
            new[piece] += (old[piece, :, None] + T[kinds[rows][piece]]).max(axis=1)
    tags = np.zeros(len(scores), np.intp)
    tags[batch.last] = best[batch.last].argmax(axis=1)
    columns = np.ascontiguousarray(T.transpose(0, 2, 1))
    for before, rows in reversed(list(batch.steps())):
        came = best[before] + columns[0 if kinds is None else kinds[rows], tags[rows]]
        tags[before] = came.argmax(axis=1)
    return tags


def _largest_sums(old, T):
    """max_i (old[:, i] + T[i]) for each row and each tag."""
    largest = old[:, :1] + T[0]
    term = np.empty_like(largest)
    for i in range(1, len(T)):
        np.add(old[:, i : i + 1], T[i], out=term)
        np.maximum(largest, term, out=largest)
    return largest
