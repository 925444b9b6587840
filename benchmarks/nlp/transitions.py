"""Unfinished parses of many sentences at once, in arrays: the arc-hybrid system and its dynamic oracle.

A parse has a stack of words and the words to come, the buffer. A decision shifts the next word onto the
stack, makes the topmost word of the stack depend on the next word ("left") or on the one below it
("right"); the dependent leaves the stack. After two decisions a word the sentence is a tree. Word 0 is the
root; it takes its only dependent last.
"""

import numpy as np

SHIFT, LEFT, RIGHT = range(3)
# More than any decision loses.
IMPOSSIBLE = 99
# Sentences that are parsed together, with others of their length.
BATCH = 1_500


class Sentences:
    """Numbered words of sentences, a row each, with the root before and padding after them.

    Attributes
    ----------
    columns : dict of str to ndarray of shape (S, W)
        Numbers of words, tags and so on by place; the last place is that of a word that is not there.
    lengths : ndarray of shape (S,)
    heads, labels : ndarray of shape (S, W) or None
        The true trees.
    """

    def __init__(self, columns, lengths, heads=None, labels=None):
        self.columns, self.lengths, self.heads, self.labels = columns, lengths, heads, labels
        self.width = next(iter(columns.values())).shape[1]
        if heads is not None:
            rows, places = np.nonzero(np.arange(self.width) <= lengths[:, None])
            rows, places = rows[places > 0], places[places > 0]
            self.last_child = np.zeros_like(heads)
            np.maximum.at(self.last_child, (rows, heads[rows, places]), places)
            early = heads[rows, places] > places
            self.left_children = np.zeros_like(heads)
            np.add.at(self.left_children, (rows[early], heads[rows, places][early]), 1)


class Parses:
    """Unfinished parses, a row each.

    Attributes
    ----------
    sentence : ndarray of shape (H,)
        Row of the sentence.
    stack, depth, next : ndarray of shape (H, W), (H,), (H,)
        Places of the words on the stack, their number, the place of the next word.
    head, label : ndarray of shape (H, W)
        Of each word, -1 and 0 until it has one.
    children : ndarray of shape (H, 6, W)
        Of each word the outermost and the next child to the left, the same to the right, numbers of both.
    kinds : int64 ndarray of shape (H, 2, W)
        Which labels the children to the left and to the right have, a bit each.
    waiting : ndarray of shape (H, W)
        Number of the true children to the left that are on the stack; empty without true trees.
    """

    PARTS = ("sentence", "stack", "depth", "next", "head", "label", "children", "kinds", "waiting")

    def __init__(self, sentences, rows):
        H, W = len(rows), sentences.width
        self.sentences, self.sentence = sentences, rows
        self.stack, self.depth = np.zeros((H, W), np.int16), np.ones(H, np.intp)
        self.next = np.ones(H, np.intp)
        self.head, self.label = np.full((H, W), -1, np.int16), np.zeros((H, W), np.int16)
        self.children = np.zeros((H, 6, W), np.int16)
        self.children[:, :4] = W - 1
        self.kinds = np.zeros((H, 2, W), np.int64)
        true = sentences.heads is not None
        self.waiting = sentences.left_children[rows] if true else np.zeros((H, 0), np.int16)

    def __len__(self):
        return len(self.sentence)

    def take(self, rows):
        """Some of the parses, as copies."""
        other = object.__new__(Parses)
        other.sentences = self.sentences
        for name in self.PARTS:
            setattr(other, name, getattr(self, name)[rows])
        return other

    def on_stack(self, k):
        """Places of the words k below the top; the last place where there is none."""
        places = self.stack[np.arange(len(self)), np.maximum(self.depth - 1 - k, 0)]
        return np.where(self.depth > k, places, self.sentences.width - 1).astype(np.intp)

    def ahead(self, k):
        """Places of the words k after the next one; behind the end of the sentence that of its end."""
        lengths = self.sentences.lengths[self.sentence]
        return np.minimum(self.next + k, lengths + 1)

    @property
    def more(self):
        """Whether there is a next word."""
        return self.next <= self.sentences.lengths[self.sentence]

    @property
    def live(self):
        """Whether something is left to decide."""
        return self.more | (self.depth > 1)

    def allowed(self):
        """Which decisions are possible, (H, 3)."""
        more, below = self.more, self.on_stack(1)
        right = (self.depth > 2) | ((self.depth == 2) & ~more)
        return np.stack([more, more & (self.depth > 1), right & (below < self.sentences.width - 1)], axis=1)

    def losses(self):
        """How many kinds of true arcs each decision makes impossible, (H, 3)."""
        S, at = self.sentences, np.arange(len(self))
        top, below, following = self.on_stack(0), self.on_stack(1), np.minimum(self.next, S.width - 1)
        heads, own = S.heads[self.sentence], S.heads[self.sentence, top]
        late = S.last_child[self.sentence, top] >= self.next
        left = late + ((own > self.next) | (own == below))
        right = late + (own >= self.next)
        head = heads[at, following]
        unreachable = (head < self.next) & (head != top) & (self.head[at, head] < 0)
        shift = unreachable + (self.waiting[at, following] > 0)
        return np.stack([shift, left, right], axis=1).astype(int)

    def best(self):
        """Which possible decisions lose least, (H, 3)."""
        losses = np.where(self.allowed(), self.losses(), IMPOSSIBLE)
        return losses == losses.min(axis=1, keepdims=True)

    def arcs(self, decisions):
        """Rows of the parses that get an arc, places of its head and its dependent."""
        rows = np.flatnonzero(decisions != SHIFT)
        left = decisions[rows] == LEFT
        heads = np.where(left, self.next[rows], self.on_stack(1)[rows])
        return rows, heads, self.on_stack(0)[rows]

    def follow(self, decisions, labels):
        """Carry decisions out; `labels` are those of the arcs."""
        rows, heads, dependents = self.arcs(decisions)
        self.head[rows, dependents], self.label[rows, dependents] = heads, labels
        right = (decisions[rows] == RIGHT).astype(np.intp)
        outermost = 2 * right
        self.children[rows, outermost + 1, heads] = self.children[rows, outermost, heads]
        self.children[rows, outermost, heads] = dependents
        self.children[rows, 4 + right, heads] += 1
        self.kinds[rows, right, heads] |= np.left_shift(np.int64(1), labels.astype(np.int64))
        if self.waiting.size:
            true = self.sentences.heads[self.sentence[rows], dependents]
            late = true > dependents
            self.waiting[rows[late], true[late]] -= 1
        self.depth[rows] -= 1
        shifted = np.flatnonzero(decisions == SHIFT)
        self.stack[shifted, self.depth[shifted]] = self.next[shifted]
        self.depth[shifted] += 1
        self.next[shifted] += 1


def batches(lengths):
    """Rows of sentences of about the same length, the longest first."""
    order = np.argsort(-lengths, kind="stable")
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
