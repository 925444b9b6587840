"""Local models: log p(tag | token, state) for tokens of packed sentences and states of the history.

A decoder asks for ``model.log_proba(rows, states)``, an array of shape (m, s, K): for the packed rows of a
slice and for states (m, s), or (1, s) for the same ones in each row; and for ``model.scores(rows, states)``,
the same up to a constant for each (row, state).
"""

from functools import cached_property

import numpy as np

# Costs of a step that a scheme of tags, and one that a dictionary forbids: far above differences of scores,
# and finite, so that where every sequence breaks rules those that break the fewest are compared, to 1e-5.
ILLEGAL, UNLISTED = 1e11, 1e7
# Least normaliser of scores less their peaks that is trusted; below it digits may have been lost.
TINY = 1e-100


class Rules:
    """What a decoder may not do, as costs.

    Parameters
    ----------
    transitions : ndarray of shape (number of states, K) or None
        Costs of each tag after each state.
    tokens : ndarray of shape (n, K) or None
        Costs of each tag for each packed row.
    """

    def __init__(self, transitions=None, tokens=None):
        self.transitions, self.tokens = transitions, tokens

    def __bool__(self):
        return self.transitions is not None or self.tokens is not None

    def applied(self, scores, rows, states):
        """Scores (m, s, K) less the costs; new where there are any."""
        if self.transitions is not None:
            scores = scores - self.transitions[states]
        if self.tokens is not None:
            scores = scores - self.tokens[rows][:, None]
        return scores


class LocalModel:
    """Base of a local model: normalisation and rules.

    Parameters
    ----------
    n_tags, order : int
    rules : Rules
    """

    def __init__(self, n_tags, order, rules):
        self.n_tags, self.order, self.rules = n_tags, order, rules
        self.base = n_tags + 1
        self.n_states = self.base**order

    @property
    def start(self):
        """The state of the first token: no tag before it."""
        return self.n_states - 1

    def after(self, states, tags):
        """The states after tags; arguments broadcast."""
        return (states * self.base + tags) % self.n_states

    def scores(self, rows, states):
        """Scores (m, s, K), less the costs of the rules, up to a constant for each (row, state)."""
        return self.rules.applied(self._scores(rows, states), rows, states)

    def log_proba(self, rows, states):
        """Log-probabilities (m, s, K), less the costs of the rules."""
        return self.rules.applied(self._log_proba(rows, states), rows, states)

    def _log_proba(self, rows, states):
        return log_softmax(self._scores(rows, states))

    def parts(self, rows, states):
        """`log_proba` for states (1, s) as a sum: of shapes (m, s), (m or 1, s, K) and (m, K).

        What is the same for all states does not matter to which of them is best.
        """
        return np.zeros((1, 1)), self.log_proba(rows, states), np.zeros((1, 1))


class LinearModel(LocalModel):
    """Scores that are sums of weights.

    Parameters
    ----------
    base : ndarray of shape (n, K)
        Scores of the packed rows from their own features, the intercept included.
    pure : ndarray of shape (number of states, K) or None
        Scores of the states alone.
    lexical : list of (HistoryColumns, ndarray of shape (n,), ndarray of shape (p + 1, K))
        For the other templates: columns, numbers of the values of the packed rows, weights; the last row of
        the weights is 0.
    """

    def __init__(self, n_tags, order, rules, own, pure, lexical):
        super().__init__(n_tags, order, rules)
        self.own, self.pure, self.lexical = own, pure, lexical

    def _scores(self, rows, states):
        scores = self.own[rows][:, None]
        if self.pure is not None:
            scores = scores + self.pure[states]
        for columns, numbers, weights in self.lexical:
            scores = scores + weights[columns.columns(numbers[rows][:, None], states)]
        return np.broadcast_to(scores, (scores.shape[0], states.shape[1], self.n_tags))

    def _log_proba(self, rows, states):
        scores = self._scores(rows, states)
        if self.lexical or self.pure is None:
            return log_softmax(scores)
        norms = self.norms[rows]
        norms = norms[:, states[0]] if len(states) == 1 else np.take_along_axis(norms, states, 1)
        return scores - norms[:, :, None]

    def parts(self, rows, states):
        if self.lexical or self.pure is None:
            return super().parts(rows, states)
        pure, own = self.pure[states], self.own[rows].astype(float)
        if self.rules.transitions is not None:
            pure = pure - self.rules.transitions[states]
        if self.rules.tokens is not None:
            own -= self.rules.tokens[rows]
        return -self.norms[rows][:, states[0]], pure, own

    @cached_property
    def norms(self):
        """Logarithms of the sums of exponentials of the rows' and the states' scores, (n, number of states).

        sum_c exp(own_c + pure_sc) is a product of matrices: K exponentials a row and a state, none for each
        pair of them. Where the large parts of both meet nowhere, the sum is taken as it is.
        """
        own, pure = self.own, self.pure
        peaks, heights = own.max(axis=1, keepdims=True), pure.max(axis=1)
        sums = np.exp(own - peaks, dtype=float) @ np.exp(pure - heights[:, None], dtype=float).T
        lost = np.nonzero(sums < TINY)
        norms = np.log(np.maximum(sums, TINY)) + peaks + heights
        scores = own[lost[0]].astype(float) + pure[lost[1]]
        top = scores.max(axis=1, initial=-np.inf)
        norms[lost] = np.log(np.exp(scores - top[:, None]).sum(axis=1)) + top
        return norms.astype(own.dtype)


def log_softmax(scores):
    """Scores less the logarithm of the sum of their exponentials over the last axis."""
    scores = scores - scores.max(axis=-1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return scores
