"""How a gradient moves the weights: one class an optimiser, for arrays of any shape.

Conventions: w the weights, g = dL/dw their gradient, lr the learning rate of the step, l2 and l1 the penalty
``(l2/2 |w|^2 + l1 |w|_1) / B`` of a step of B examples (written without B below), soft(x, t) = sign(x)
max(|x| - t, 0). The slots of an optimiser (velocity, second moment, ...) are arrays of the shape of w, 0 at
the start. Rate and B may change from step to step: the tables take each step with its own.

Each rule says twice what it does: `step` with a gradient, and `rest` for rows of w whose gradient was 0
during several steps, which `LazyRows` calls instead of that many `step`. Between the two stand tables
indexed by the step at which a row was last brought up to date (`since`), extended after each step
(`advance`).
"""

from math import sqrt

import numpy as np


def soft_threshold(w, threshold, scratch):
    """w = soft(w, threshold) in place; `threshold` broadcasts to w."""
    np.minimum(w, threshold, out=scratch)
    np.maximum(scratch, -threshold, out=scratch)
    w -= scratch


class SGD:
    """Stochastic gradient descent: w = soft((1 - lr l2) w - lr g, lr l1).

    At rest: |w| = max(0, D |w| - T), with D the product of the factors and T the thresholds, each shrunk by
    the factors after it (Carpenter 2008; Tsuruoka et al. 2009): once 0, a weight stays 0.

    Parameters
    ----------
    l2, l1 : float
        Strengths of the penalty, for a step of one example.
    window : int
        Length of the tables: the longest rest that they can describe.
    """

    n_slots = 0
    n_tables = 2
    #: whether rows can rest: whether there is a closed form for skipped steps
    can_rest = True
    #: whether the state is a function of the gradients alone and the penalty a factor: see `SharedColumns`
    decoupled = False
    #: value of each table for a row that is up to date
    fresh = (1.0, 0.0)

    def __init__(self, l2=0.0, l1=0.0, window=2048):
        self.l2, self.l1, self.window = l2, l1, window
        self.t = 0
        self.restart()

    def restart(self):
        """Forget the tables: every row is up to date now."""
        self.now = 0
        self.tables = np.empty((self.n_tables, self.window + 1))
        self.tables[:, 0] = self.fresh

    def begin(self, lr, examples=1.0):
        """Set the constants of the next step, which takes that many examples (the sum of their weights)."""
        self.t += 1
        self.lr = lr
        self.decay = max(0.0, 1 - lr * self.l2 / examples)
        self.shrink = lr * self.l1 / examples

    def step(self, w, slots, g, scratch, penalised=True):
        """Move w by the gradient g, which is used up; `scratch` is another array of that shape."""
        g *= self.lr
        self._move(w, g, scratch, penalised)

    def _move(self, w, move, scratch, penalised):
        """w = soft(decay w - move, shrink)."""
        if penalised and self.l2:
            w *= self.decay
        w -= move
        if penalised and self.l1:
            soft_threshold(w, self.shrink, scratch)

    def advance(self):
        """After a step: rows that had no part in it rested one step more."""
        self.now += 1
        self._extend(*self.tables[:, : self.now])
        self.tables[:, self.now] = self.fresh

    def _extend(self, factor, threshold, *_):
        if self.l2:
            factor *= self.decay
            threshold *= self.decay
        threshold += self.shrink

    def rest(self, w, slots, since, scratch):
        """Bring rows up to date.

        Parameters
        ----------
        w : ndarray of shape (n, h)
        slots : list of ndarrays of that shape
        since : integer ndarray of shape (n,)
            Step of each row's last update, counted from `restart`.
        scratch : callable
            ``scratch(name, n, h, dtype)`` returns an array to work in.
        """
        factor, threshold = self._rows(since, w.dtype)
        self._shrink_rows(w, factor, threshold, scratch)

    def _rows(self, since, dtype):
        """The tables at `since`, one column vector each."""
        return np.take(self.tables, since, axis=1, mode="clip").astype(dtype)[:, :, None]

    def _shrink_rows(self, w, factor, threshold, scratch):
        if self.l2:
            w *= factor
        if self.l1:
            soft_threshold(w, threshold, scratch("work", *w.shape, w.dtype))


class AdaGrad(SGD):
    """Adaptive subgradient method (Duchi et al. 2011).

    v += g^2 and w = soft((1 - lr l2) w - lr g / (sqrt(v) + eps), lr l1).

    The penalty is decoupled from the adaptive step, as in AdamW, so that at rest it acts as in `SGD`.
    """

    n_slots = 1
    decoupled = True

    def __init__(self, l2=0.0, l1=0.0, epsilon=1e-8, window=2048):
        super().__init__(l2, l1, window)
        self.epsilon = epsilon

    def step(self, w, slots, g, scratch, penalised=True):
        (v,) = slots
        np.multiply(g, g, out=scratch)
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        g /= scratch
        g *= self.lr
        self._move(w, g, scratch, penalised)


class Adam(SGD):
    """Adam (Kingma & Ba 2015), decoupled weight decay (Loshchilov & Hutter 2019), a proximal step for L1.

    m = b1 m + g, v = b2 v + g^2, w = soft((1 - lr l2) w - a_t m / (sqrt(v) + e), lr l1). The sums are not
    normalised, which saves two passes: a_t = lr sqrt(1 - b2^t) / (1 - b1^t) (1 - b1) / sqrt(1 - b2) and
    e = eps / sqrt(1 - b2), eps added after the bias correction as scikit-learn does.

    At rest m and v decay by b1 and v by b2 each step, so that the skipped moves are a geometric series of
    ratio r = b1 / sqrt(b2): w = D w - U m / (sqrt(v) + e) with U = sum_s a_s r^(s - since) prod of later
    decays. This is exact but for e, which does not decay: where sqrt(v) is far below e the skipped moves
    come out too large by at most the fraction (1 - sqrt(b2)) / (1 - b1), 0.5 % for the usual values, and
    otherwise by about e / sqrt(v) of that. Under L1 a weight that moves away from 0 and back ends at max(0,
    .) of the same formula where its moves, once below the threshold, stay below: they shrink by r a step.
    Where a threshold falls faster than that (after the last, smaller batch of an epoch) and where a weight
    crosses 0, it is followed step by step.
    """

    n_slots = 2
    # decays, thresholds, reach U of the moves; of the ratios of a move to the threshold of its step the
    # least, and the largest above an earlier one
    n_tables = 5
    decoupled = True
    fresh = (1.0, 0.0, 0.0, 1e30, 0.0)

    def __init__(self, l2=0.0, l1=0.0, beta_1=0.9, beta_2=0.999, epsilon=1e-8, window=2048):
        super().__init__(l2, l1, window)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = epsilon / sqrt(1 - beta_2)
        # otherwise the skipped moves would grow, up to where e bounds them, which the series does not know
        self.can_rest = beta_1**2 < beta_2
        ages = np.arange(window + 2)
        self.ratio_powers = min(beta_1 / sqrt(beta_2), 1.0) ** ages
        # moments that have decayed this far move nothing any more; denormal numbers would cost time
        self.powers = np.stack([beta_1**ages, beta_2**ages])
        self.powers[self.powers < 1e-20] = 0
        self.history = np.empty((3, window + 1))

    def begin(self, lr, examples=1.0):
        super().begin(lr, examples)
        correction = sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        self.rate = lr * correction * (1 - self.beta_1) / sqrt(1 - self.beta_2)

    def step(self, w, slots, g, scratch, penalised=True):
        m, v = slots
        m *= self.beta_1
        m += g
        v *= self.beta_2
        g *= g
        v += g
        self._unit_move(m, v, g)
        g *= self.rate
        self._move(w, g, scratch, penalised)

    def _unit_move(self, m, v, out):
        """m / (sqrt(v) + e)."""
        np.sqrt(v, out=out)
        out += self.epsilon
        np.divide(m, out, out=out)

    def _extend(self, factor, threshold, reach, least, rise):
        super()._extend(factor, threshold)
        if self.l2:
            reach *= self.decay
        moves = self.rate * self.ratio_powers[self.now : 0 : -1]
        reach += moves
        if self.l1:
            ratio = np.minimum(moves / max(self.shrink, 1e-200), 1e30)
            np.maximum(rise, ratio, out=rise, where=ratio > least)
            np.minimum(least, ratio, out=least)
        self.history[:, self.now] = self.decay, self.shrink, self.rate

    def rest(self, w, slots, since, scratch):
        m, v = slots
        move = scratch("move", *w.shape, w.dtype)
        self._unit_move(m, v, move)
        factor, threshold, reach, _, rise = self._rows(since, w.dtype)
        if self.l1:
            unsteady = np.abs(move) * rise > 1
        move *= reach
        if self.l1:
            self._rest_l1(w, slots, since, factor, threshold, move, unsteady)
        else:
            if self.l2:
                w *= factor
            w -= move
        ages = self.now - since
        m *= self.powers[0, ages].astype(w.dtype)[:, None]
        v *= self.powers[1, ages].astype(w.dtype)[:, None]

    def _rest_l1(self, w, slots, since, factor, threshold, move, unsteady):
        sign = np.sign(w)
        sign -= np.sign(move) * (sign == 0)
        end = factor * w
        unsteady &= np.abs(end) <= threshold  # else it stays on its side
        end -= move
        end *= sign
        end -= threshold
        crossing = np.where(sign * move > 0, end < 0, unsteady)
        rows, _ = np.nonzero(crossing)
        walker = w[crossing]
        np.maximum(end, 0, out=end)
        np.multiply(end, sign, out=w)
        if rows.size:
            w[crossing] = self._walk(walker, [s[crossing] for s in slots], since[rows])

    def _walk(self, w, slots, since):
        """Follow single weights (n,) through their rest step by step."""
        order = np.argsort(since, kind="stable")
        m, v = (s[order] for s in slots)
        w = w[order]
        since = since[order]
        for now in range(since[0] + 1, self.now + 1):
            resting = slice(0, np.searchsorted(since, now))
            decay, shrink, rate = self.history[:, now]
            m[resting] *= self.beta_1
            v[resting] *= self.beta_2
            moved = decay * w[resting] - rate * m[resting] / (np.sqrt(v[resting]) + self.epsilon)
            w[resting] = np.sign(moved) * np.maximum(np.abs(moved) - shrink, 0)
        w[order] = w.copy()
        return w
