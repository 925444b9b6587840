"""Gradient descent with classical or Nesterov momentum, and what it does to rows at rest."""

import numpy as np

from .rules import SGD, soft_threshold


class Momentum(SGD):
    """Gradient descent with momentum mu.

    v = mu v - lr (g + l2 w); w = soft(w + v, lr l1), or Nesterov's w = soft(w + mu v - lr (g + l2 w), lr l1)
    (Sutskever et al. 2013, as in scikit-learn). At rest one step is a 2 x 2 matrix A on (w, v), several the
    product of theirs, and the L1 thresholds push w towards 0 by a sum carried along. That holds until w
    reaches 0: where a bound cannot exclude it, the weight is followed step by step.
    """

    n_slots = 1
    # M11, M12, M21, M22 of the product; pushes of the thresholds on w and v;
    # least M11, largest |M12| and push so far
    n_tables = 9
    fresh = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

    def __init__(self, l2=0.0, l1=0.0, momentum=0.9, nesterov=True, window=2048):
        super().__init__(l2, l1, window)
        self.momentum, self.nesterov = momentum, nesterov
        self.history = np.empty((5, window + 1))

    def begin(self, lr, examples=1.0):
        super().begin(lr, examples)
        self.step_l2 = self.l2 / examples
        mu, pull = self.momentum, lr * self.step_l2
        if self.nesterov:
            self.matrix = (1 - pull - mu * pull, mu * mu, -pull, mu)
        else:
            self.matrix = (1 - pull, mu, -pull, mu)

    def step(self, w, slots, g, scratch, penalised=True):
        (v,) = slots
        if penalised and self.l2:
            np.multiply(w, self.step_l2, out=scratch)
            g += scratch
        g *= self.lr
        v *= self.momentum
        v -= g
        if self.nesterov:
            np.multiply(v, self.momentum, out=scratch)
            w += scratch
            w -= g
        else:
            w += v
        if penalised and self.l1:
            soft_threshold(w, self.shrink, scratch)

    def _extend(self, m11, m12, m21, m22, push_w, push_v, least, largest, furthest):
        a11, a12, a21, a22 = self.matrix
        m11[:], m21[:] = a11 * m11 + a12 * m21, a21 * m11 + a22 * m21
        m12[:], m22[:] = a11 * m12 + a12 * m22, a21 * m12 + a22 * m22
        if self.l1:
            push_w[:], push_v[:] = a11 * push_w + a12 * push_v + self.shrink, a21 * push_w + a22 * push_v
            np.minimum(least, m11, out=least)
            np.maximum(largest, np.abs(m12), out=largest)
            np.maximum(furthest, push_w, out=furthest)
            self.history[:, self.now] = *self.matrix, self.shrink

    def rest(self, w, slots, since, scratch):
        (v,) = slots
        m11, m12, m21, m22, push_w, push_v, least, largest, furthest = self._rows(since, w.dtype)
        near_zero = ()
        if self.l1:
            sign = np.sign(w)
            near_zero = least * np.abs(w) - largest * np.abs(v) - furthest <= 0
            near_zero &= (w != 0) | (v != 0)
            near_zero &= (self.now > since)[:, None]
            rows, _ = np.nonzero(near_zero)
            walkers = (w[near_zero], v[near_zero], since[rows])
        before = scratch("before", *w.shape, w.dtype)
        np.copyto(before, w)
        work = np.multiply(v, m12, out=scratch("work", *w.shape, w.dtype))
        w *= m11
        w += work
        before *= m21
        v *= m22
        v += before
        if self.l1:
            w -= sign * push_w
            v -= sign * push_v
            if rows.size:
                w[near_zero], v[near_zero] = self._walk(*walkers)

    def _walk(self, w, v, since):
        """Follow single weights (n,) through their rest step by step."""
        order = np.argsort(since, kind="stable")
        w, v, since = w[order], v[order], since[order]
        end_w, end_v = np.empty_like(w), np.empty_like(v)
        for now in range(since[0] + 1, self.now + 1):
            k = np.searchsorted(since, now)
            a11, a12, a21, a22, shrink = self.history[:, now]
            moved = a11 * w[:k] + a12 * v[:k]
            v[:k] = a21 * w[:k] + a22 * v[:k]
            w[:k] = np.sign(moved) * np.maximum(np.abs(moved) - shrink, 0)
        end_w[order], end_v[order] = w, v
        return end_w, end_v
