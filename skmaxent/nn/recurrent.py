"""Recurrent layers as boxes: Elman, GRU and LSTM over packed batches, in either direction of time.

Conventions: N rows (tokens of a packed batch, see `Steps`), x (N, d), h and y (N, H), g gates, W (d, g H)
the weights of the inputs, U (H, g H) those of the states, b (g H,) biases, the gates side by side in the
order that each box names. A dash marks what a row continues: h' is the state before h, 0 at the beginning of
a sequence. The products with x are one for the whole batch; a step has one product with U, and so has a step
backwards with U^T; the gradients of the weights are products for the whole batch again (backpropagation
through time, Werbos 1990).

Gates are computed in an array (g, N, H), where those of a step are contiguous blocks. Sigmoids are tanh:
1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2, the halves folded into copies of the weights.
"""

from math import prod

import numpy as np

from ..numerics.threads import run_at_once
from .layers import THREAD_WORK, Box


class Recurrence(Box):
    """What the recurrent boxes share.

    Parameters
    ----------
    name : str
    reverse : bool
        Whether to go from the last step to the first.
    input_gradient : bool
        Whether bprop returns dx.
    """

    own = ("weights", "recurrent", "biases")
    #: factors that are folded into the copies of the weights, one a gate
    scale = (1.0,)

    def __init__(self, name, reverse=False, input_gradient=True):
        super().__init__(name)
        self.reverse, self.input_gradient = reverse, input_gradient

    def _array(self, name, *shape):
        """A buffer of some shape and this batch's dtype."""
        return self.buffer(name, prod(shape[:-1]), shape[-1], self._dtype).reshape(shape)

    def _by_gate(self, name, w):
        """A copy (g, rows, H) of weights (rows, g H), scaled."""
        g, rows, h = len(self.scale), w.shape[0], self.recurrent.shape[0]
        copy = self._array(name, g, rows, h)
        factors = np.asarray(self.scale, dtype=self._dtype)[:, None, None]
        return np.multiply(w.reshape(rows, g, h).transpose(1, 0, 2), factors, out=copy)

    def fprop(self, x):
        self._x, self._walk = x, self.graph.steps.walk(self.reverse)
        self._dtype = np.result_type(x, *(getattr(self, own) for own in self.own))
        n, h, g = x.shape[0], self.recurrent.shape[0], len(self.scale)
        self._z = np.matmul(x, self._by_gate("scaled weights", self.weights), out=self._array("z", g, n, h))
        self._z += self._by_gate("scaled biases", self.biases[None])
        states = self._array("h", n + 1, h)
        states[n] = 0  # what comes before the beginning
        self._states, self._h = states, states[:n]
        widest = max((stop - start for start, stop, *_ in self._walk), default=0)
        self._forward(self._by_gate("scaled recurrent", self.recurrent), widest)
        return self._h

    def bprop(self, dy):
        dh = self._array("dh", *self._h.shape)
        dh[:] = dy
        dz = self._backward(dh, self._transposed("recurrent transposed", self.recurrent))
        return self._weight_gradients(dz, dz)

    def _transposed(self, name, w):
        """A contiguous copy of w^T: products with it are up to 1.5 times as fast as with a view."""
        copy = self._array(name, *w.shape[::-1])
        copy[:] = w.T
        return copy

    def _before(self, name, rows):
        """For each row what `rows` (N + 1, H), the last one 0, has for the one before."""
        out = self._array(name, *self._h.shape)
        return np.take(rows, self.graph.steps.before(self.reverse), axis=0, out=out, mode="clip")

    def _weight_gradients(self, d_inputs, d_recurrent):
        """Gradients of the weights, and dx, from those of the two products, (N, g H) each."""
        np.matmul(self._x.T, d_inputs, out=self.d_weights)
        np.matmul(self._before("h before", self._states).T, d_recurrent, out=self.d_recurrent)
        d_inputs.sum(axis=0, out=self.d_biases)
        if not self.input_gradient:
            return None
        return np.matmul(d_inputs, self.weights.T, out=self._array("dx", *self._x.shape))


class Elman(Recurrence):
    """h = tanh(x W + h' U + b) (Elman 1990).

    Gradients, z the argument of tanh: dz = dh (1 - h^2), dh' = dz U^T.
    """

    def _forward(self, recurrent, widest):
        h, z, products = self._h, self._z[0], self._array("rec", widest, self._h.shape[1])
        for start, stop, before, k in self._walk:
            if k:
                z[start : start + k] += np.matmul(h[before : before + k], recurrent[0], out=products[:k])
            np.tanh(z[start:stop], out=h[start:stop])

    def _backward(self, dh, transposed):
        h, dz = self._h, self._array("dz", *self._h.shape)
        np.multiply(h, h, out=dz)
        np.subtract(1, dz, out=dz)
        products = self._array("rec", *dh.shape)
        for start, stop, before, k in reversed(self._walk):
            step = dz[start:stop]
            step *= dh[start:stop]
            if k:
                dh[before : before + k] += np.matmul(step[:k], transposed, out=products[:k])
        return dz


class LSTM(Recurrence):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    Gates o, i, f (sigmoids) and g (tanh) of x W + h' U + b; c = i g + f c', h = o tanh(c).

    Gradients, z_o, ... the arguments of the gates and s = tanh(c):
    dc = dh o (1 - s^2) + (dc f of the next step), dz_o = dh s o (1 - o), dz_i = dc g i (1 - i), dz_f = dc c'
    f (1 - f), dz_g = dc i (1 - g^2), dh' = dz U^T. All factors of dh and dc are taken for all steps at once.
    """

    scale = (0.5, 0.5, 0.5, 1.0)

    def _forward(self, recurrent, widest):
        z, h = self._z, self._h
        n_units = h.shape[1]
        cells = self._cells = self._array("c", h.shape[0] + 1, n_units)
        cells[-1] = 0
        squashed = self._squashed = self._array("tanh c", *h.shape)
        products, kept = self._array("rec", 4, widest, n_units), self._array("kept", widest, n_units)
        for start, stop, before, k in self._walk:
            gates = z[:, start:stop]
            if k:
                running = gates[:, :k]
                running += np.matmul(h[before : before + k], recurrent, out=products[:, :k])
            np.tanh(gates, out=gates)
            sigmoids = gates[:3]
            sigmoids *= 0.5
            sigmoids += 0.5
            c = np.multiply(gates[1], gates[3], out=cells[start:stop])
            if k:
                c[:k] += np.multiply(gates[2, :k], cells[before : before + k], out=kept[:k])
            np.multiply(np.tanh(c, out=squashed[start:stop]), gates[0], out=h[start:stop])

    def _factors(self):
        """Factor (N, H) of dh in dc, and of dh (for o) or dc in dz, (N, 4, H)."""
        (o, i, f, g), s = self._z, self._squashed
        n, n_units = s.shape
        local, to_cell, work = (
            self._array("dz", n, 4, n_units),
            self._array("to cell", n, n_units),
            self._array("h before", n, n_units),
        )
        np.multiply(s, s, out=to_cell)
        np.subtract(1, to_cell, out=to_cell)
        to_cell *= o
        for gate, others, place in ((o, s, 0), (i, g, 1), (f, self._before("c before", self._cells), 2)):
            np.subtract(1, gate, out=work)
            work *= gate
            np.multiply(work, others, out=local[:, place])
        np.multiply(g, g, out=work)
        np.subtract(1, work, out=work)
        np.multiply(work, i, out=local[:, 3])
        return local, to_cell

    def _backward(self, dh, transposed):
        dz, to_cell = self._factors()
        forget, n_units = self._z[2], dh.shape[1]
        flat = dz.reshape(dz.shape[0], 4 * n_units)
        products, dc, work = (self._array(name, *dh.shape) for name in ("rec", "dc", "work"))
        carried = 0  # rows of dc that the step after this one has left
        for start, stop, before, k in reversed(self._walk):
            n = stop - start
            dh_step, dc_step = dh[start:stop], dc[:n]
            dc_step[carried:] = 0
            dc_step += np.multiply(dh_step, to_cell[start:stop], out=work[:n])
            dz[start:stop, 0] *= dh_step
            dz[start:stop, 1:] *= dc_step[:, None]
            if k:
                dh[before : before + k] += np.matmul(flat[start : start + k], transposed, out=products[:k])
                dc[:k] *= forget[start : start + k]
            carried = k
        return flat


class GRU(Recurrence):
    """Gated recurrent unit (Cho et al. 2014), the reset after the product, as in cuDNN, PyTorch and Keras.

    Gates r, z (sigmoids) of x W + h' U + b; u = h' U_n + v, n = tanh(x W_n + b_n + r u), h = n + z (h' - n).

    Gradients: dn = dh (1 - z) and with a_n the argument of tanh da_n = dn (1 - n^2); du = da_n r; dr = da_n
    u; dz = dh (h' - n); dh' = dh z + (da_r, da_z, du) U^T. The gradient of U_n takes du, that of W_n takes
    da_n.
    """

    own = ("weights", "recurrent", "biases", "recurrent_biases")
    scale = (0.5, 0.5, 1.0)

    def _forward(self, recurrent, widest):
        z, h = self._z, self._h
        n_units = h.shape[1]
        candidates = self._candidates = self._array("u", *h.shape)
        differences = self._differences = self._array("differences", *h.shape)
        products, work = self._array("rec", 3, widest, n_units), self._array("reset", widest, n_units)
        for start, stop, before, k in self._walk:
            gates, u, d = z[:, start:stop], candidates[start:stop], differences[start:stop]
            u[k:] = self.recurrent_biases
            if k:
                rec = np.matmul(h[before : before + k], recurrent, out=products[:, :k])
                running = gates[:2, :k]
                running += rec[:2]
                np.add(rec[2], self.recurrent_biases, out=u[:k])
            sigmoids, n = gates[:2], gates[2]
            np.tanh(sigmoids, out=sigmoids)
            sigmoids *= 0.5
            sigmoids += 0.5
            n += np.multiply(sigmoids[0], u, out=work[: stop - start])
            np.tanh(n, out=n)
            np.subtract(h[before : before + k], n[:k], out=d[:k])
            np.negative(n[k:], out=d[k:])
            np.add(np.multiply(sigmoids[1], d, out=h[start:stop]), n, out=h[start:stop])

    def _factors(self):
        """Factors of dh in (da_n, da_r, da_z, du), an array (N, 4, H)."""
        (r, z, n), u, d = self._z, self._candidates, self._differences
        local, work = self._array("dz", u.shape[0], 4, u.shape[1]), self._array("h before", *u.shape)
        rest = self._array("rest", *u.shape)
        np.multiply(n, n, out=work)
        np.subtract(1, work, out=work)
        work *= np.subtract(1, z, out=rest)
        local[:, 0] = work
        rest *= z
        np.multiply(rest, d, out=local[:, 2])
        work *= r
        local[:, 3] = work
        work *= u
        np.multiply(work, np.subtract(1, r, out=rest), out=local[:, 1])
        return local

    def _backward(self, dh, transposed):
        dz, update, n_units = self._factors(), self._z[1], dh.shape[1]
        flat = dz.reshape(dz.shape[0], 4 * n_units)
        products, kept = self._array("rec", *dh.shape), self._array("kept", *dh.shape)
        for start, stop, before, k in reversed(self._walk):
            dz[start:stop] *= dh[start:stop, None]
            if k:
                earlier = dh[before : before + k]
                earlier += np.multiply(dh[start : start + k], update[start : start + k], out=kept[:k])
                earlier += np.matmul(flat[start : start + k, n_units:], transposed, out=products[:k])
        return flat

    def _weight_gradients(self, d_inputs, d_recurrent):
        n_units = self._h.shape[1]
        np.sum(d_recurrent[:, 3 * n_units :], axis=0, out=self.d_recurrent_biases)
        d_recurrent, d_inputs = d_recurrent[:, n_units:], d_inputs[:, : 3 * n_units]
        # The gates of d_inputs are n, r, z; the weights have r, z, n.
        d_weights = np.matmul(self._x.T, d_inputs, out=self._array("dW", *self.weights.shape))
        d_biases = np.sum(d_inputs, axis=0)
        for gradient, turned in ((self.d_weights, d_weights), (self.d_biases, d_biases)):
            gradient[..., : 2 * n_units] = turned[..., n_units:]
            gradient[..., 2 * n_units :] = turned[..., :n_units]
        np.matmul(self._before("h before", self._states).T, d_recurrent, out=self.d_recurrent)
        if not self.input_gradient:
            return None
        weights = self._array("W", *self.weights.shape)
        weights[:, n_units:] = self.weights[:, : 2 * n_units]
        weights[:, :n_units] = self.weights[:, 2 * n_units :]
        return np.matmul(d_inputs, weights.T, out=self._array("dx", *self._x.shape))


class Parallel(Box):
    """Boxes side by side on the same input, their outputs next to each other: y = (y_1, y_2, ...).

    dx is the sum of theirs. For a layer in both directions of time the parts are two recurrences, which two
    threads compute where that pays; each part does the same, whoever does it.

    Parameters
    ----------
    parts : list of Box
    run : BlockRunner
    """

    ends_layer = True

    def __init__(self, parts, run=run_at_once):
        super().__init__()
        self.parts, self.run = parts, run

    def bind(self, graph):
        super().bind(graph)
        for part in self.parts:
            part.bind(graph)

    def _each(self, work, n_rows):
        """work(i) for the number i of each part."""

        def several(start, stop):
            for i in range(start, stop):
                work(i)

        n_weights = sum(getattr(part, own).size for part in self.parts for own in part.own)
        self.run(several, len(self.parts), 1 if n_rows * n_weights > THREAD_WORK else len(self.parts))

    def fprop(self, x):
        outputs = [None] * len(self.parts)

        def work(i):
            outputs[i] = self.parts[i].fprop(x)

        self._each(work, x.shape[0])
        widths = [y.shape[1] for y in outputs]
        self._edges = np.cumsum([0, *widths])
        y = self.buffer("y", x.shape[0], sum(widths), np.result_type(*outputs))
        return np.concatenate(outputs, axis=1, out=y)

    def bprop(self, dy):
        gradients = [None] * len(self.parts)

        def work(i):
            gradients[i] = self.parts[i].bprop(dy[:, self._edges[i] : self._edges[i + 1]])

        self._each(work, dy.shape[0])
        dx = gradients[0]
        for other in gradients[1:] if dx is not None else ():
            dx += other
        return dx


CELLS = {"elman": Elman, "gru": GRU, "lstm": LSTM}
