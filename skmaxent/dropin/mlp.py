"""MLPClassifier: scikit-learn's loop and random numbers, with updates in place, block by block, in threads.

scikit-learn makes a new array of the size of all weights for each operation of an update, about ten for
Adam. Here a block of rows of the weights goes through all of them while it is in the cache. The operations
and their order are the same, and so is every bit of an update. On sparse data the gradient of the first
weights, as large as these, is never made: each block makes its own rows of it.
"""

from contextlib import nullcontext
from functools import partial
from operator import getitem

import numpy as np
from scipy import sparse
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier
from sklearn.neural_network import _multilayer_perceptron as theirs

from ..nn.kernels import csr_dot, row_block
from ..nn.training.session import BLAS_WORK
from ..numerics.threads import BlockRunner, single_blas
from .inside import AsTheirs, with_names
from .record import OURS, THEIRS, recorded

#: Bytes of the rows of one array that a block takes; it works on about five such arrays.
BLOCK = 1 << 17
#: Numbers from which blocks and threads pay.
LEAST_SHARED = 1 << 16


class FirstGradient:
    """The gradient ``(x^T delta + alpha W) / mass`` of the first weights, by rows on demand.

    Parameters
    ----------
    x : CSR array of shape (n, d)
    delta : ndarray of shape (n, h)
    weights : ndarray of shape (d, h)
    alpha, mass : float
    """

    def __init__(self, x, delta, weights, alpha, mass):
        columns = x.tocsc()
        self._columns = columns.indptr, columns.indices, columns.data
        self._delta = np.ascontiguousarray(delta)
        self._weights, self._alpha, self._mass = weights, alpha, mass

    def rows(self, start, stop, out, scratch):
        """Write the rows from `start` to `stop` to `out`; `scratch` has its shape."""
        indptr, indices, data = self._columns
        out.fill(0)
        csr_dot(indptr[start : stop + 1], indices, data, self._delta, out)
        np.multiply(self._weights[start:stop], self._alpha, out=scratch)
        out += scratch
        out /= self._mass


class InPlace:
    """Mixin: one of scikit-learn's optimisers, which moves the weights in place and uses the gradients up.

    `run`, a `BlockRunner`, is there during a fit that is large enough for it.
    """

    run = None

    def update_params(self, params, grads):
        """Move all parameters by their gradients."""
        self._begin()
        for parameter, gradient, *states in zip(params, grads, *self._states()):
            if self.run is not None and parameter.size >= LEAST_SHARED:
                self._move_blocks(parameter, gradient, states)
            else:
                self._move(parameter, gradient, states, np.empty_like(parameter))

    def _move_blocks(self, parameter, gradient, states):
        scratch = self.run.scratch

        def work(start, stop):
            w = parameter[start:stop]
            other = scratch("other", *w.shape, w.dtype)
            if isinstance(gradient, FirstGradient):
                g = scratch("gradient", *w.shape, w.dtype)
                gradient.rows(start, stop, g, other)
            else:
                g = gradient[start:stop]
            self._move(w, g, [state[start:stop] for state in states], other)

        self.run(work, len(parameter), row_block(parameter.strides[0], BLOCK))

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "run"}


class Adam(InPlace, theirs.AdamOptimizer):
    """Adam as scikit-learn's: the gradient is used up."""

    def _states(self):
        return self.ms, self.vs

    def _begin(self):
        self.t += 1
        correction = np.sqrt(1 - self.beta_2**self.t) / (1 - self.beta_1**self.t)
        self.learning_rate = self.learning_rate_init * correction

    def _move(self, w, g, states, scratch):
        m, v = states
        m *= self.beta_1
        np.multiply(g, 1 - self.beta_1, out=scratch)
        m += scratch
        v *= self.beta_2
        np.multiply(g, g, out=scratch)
        scratch *= 1 - self.beta_2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.multiply(m, -float(self.learning_rate), out=g)
        g /= scratch
        w += g


class SGD(InPlace, theirs.SGDOptimizer):
    """Stochastic gradient descent as scikit-learn's: the gradient is used up."""

    def _states(self):
        return (self.velocities,)

    def _begin(self):
        pass

    def _move(self, w, g, states, scratch):
        (velocity,) = states
        g *= self.learning_rate
        velocity *= self.momentum
        velocity -= g
        if self.nesterov:
            np.multiply(velocity, self.momentum, out=scratch)
            scratch -= g
            w += scratch
        else:
            w += velocity


class MLPClassifier(AsTheirs, TheirMLPClassifier):
    def _fit(self, *args, **options):
        # lbfgs spends its time in products and in SciPy, where nothing is to be gained.
        with recorded(self, OURS if self.solver in ("adam", "sgd") else THEIRS):
            return super()._fit(*args, **options)

    def _fit_stochastic(self, X, *args, **options):
        large = any(coef.size >= LEAST_SHARED for coef in self.coefs_)
        n_rows = min(200 if self.batch_size == "auto" else self.batch_size, X.shape[0])
        dense_layers = self.coefs_[1 if sparse.issparse(X) else 0 :]
        # Threads of BLAS would spend more time on waiting for each other.
        small = n_rows * max((coef.size for coef in dense_layers), default=0) < BLAS_WORK
        with single_blas if small else nullcontext(), BlockRunner() if large else nullcontext() as run:

            def new(kind, *arguments):
                optimizer = kind(*arguments)
                optimizer.run = run
                return optimizer

            names = {"AdamOptimizer": partial(new, Adam), "SGDOptimizer": partial(new, SGD)}
            # Rows of what is validated need not be asked, batch after batch, whether they are a data frame.
            names["_safe_indexing"] = getitem
            if hasattr(self, "_optimizer"):
                self._optimizer.run = run
            try:
                fit = with_names(TheirMLPClassifier._fit_stochastic, theirs, **names)
                return fit(self, X, *args, **options)
            finally:
                if hasattr(self, "_optimizer"):
                    self._optimizer.run = None

    def _compute_loss_grad(self, layer, mass, activations, deltas, coef_grads, intercept_grads):
        optimizer = getattr(self, "_optimizer", None)
        lazy = isinstance(optimizer, InPlace) and optimizer.run and sparse.issparse(activations[layer])
        if not lazy or self.coefs_[layer].size < LEAST_SHARED:
            return super()._compute_loss_grad(layer, mass, activations, deltas, coef_grads, intercept_grads)
        coef_grads[layer] = FirstGradient(
            activations[layer], deltas[layer], self.coefs_[layer], self.alpha, mass
        )
        intercept_grads[layer] = np.sum(deltas[layer], axis=0) / mass
