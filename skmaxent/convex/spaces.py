"""Two systems of coordinates for the weights W (d, K) of an L2-penalised linear model.

With a Gaussian prior every gradient, and so every iterate that starts at 0, is W = X.T @ A with one
row of A (n, K) per datum (the representer theorem). `RowSpace` keeps A: with fewer rows than
columns its vectors are short, and it works in the metric of the Gram matrix G = X X.T, so that the
iterates are those of the same method on W. `WeightSpace` keeps W itself.

A point or direction v always travels with its scores X @ v. What a solver needs from the space:

    pull(T)             coordinates of X.T @ T, for T (n, K)
    metric(r)           z = P r (P the preconditioner, if any), its scores when they come for free, <r, z>
    push(v)             scores of v
    inner(u, v, Xv)     the inner product of the coordinates of u and v
    square_of(u, v, Xv) the inner product of the user's weights, which the penalty measures
    penalise(g, a, v)   g += a times the gradient of half the square of v
"""

import numpy as np

from ..numerics.sparse import peak
from ..numerics.threads import Buffers
from .preconditioners.centring import Centring
from .preconditioners.hessian import NewtonSystem

# Rows that an operation on rows of a few numbers takes as one.
TILE = 64


class Vectors:
    """Operations on large arrays of one shape, block by block in threads, summed in a fixed order."""

    # Entries of a block that stays in cache; from so many on threads share the work, in larger pieces: to
    # wake one takes longer than to add 100,000 numbers.
    BLOCK, SHARED, PIECE = 65_536, 1_000_000, 262_144

    def __init__(self, workers):
        self.workers = workers
        self.buffers = Buffers()  # where products have their arrays of the rows

    def _map(self, block, u):
        """The results of ``block(cut)`` for slices that cover a flat array."""
        if u.size < self.SHARED:
            return [block(slice(i, i + self.BLOCK)) for i in range(0, u.size, self.BLOCK)]
        return self.workers.map(block, [slice(i, i + self.PIECE) for i in range(0, u.size, self.PIECE)])

    def dot(self, u, v):
        """Sum of u * v, accumulated over blocks in float64."""
        u, v = u.reshape(-1), v.reshape(-1)
        if u.size <= self.BLOCK:
            return float(np.dot(u, v))
        return sum(self._map(lambda cut: float(np.dot(u[cut], v[cut])), u))

    def add(self, u, a, v):
        """u += a * v, in place."""
        flat_u, flat_v, a = u.reshape(-1), v.reshape(-1), u.dtype.type(a)

        def block(cut):
            flat_u[cut] += a * flat_v[cut]

        self._map(block, flat_u)

    def scale_add(self, u, a, v):
        """u = a * u + v, in place."""
        flat_u, flat_v, a = u.reshape(-1), v.reshape(-1), u.dtype.type(a)

        def block(cut):
            flat_u[cut] *= a
            flat_u[cut] += flat_v[cut]

        self._map(block, flat_u)

    def approach(self, u, share, v):
        """u += share * (v - u), in place."""
        flat_u, flat_v, share = u.reshape(-1), v.reshape(-1), u.dtype.type(share)

        def block(cut):
            flat_u[cut] += share * (flat_v[cut] - flat_u[cut])

        self._map(block, flat_u)

    # What follows makes new arrays. Solvers handle arrays of the rows by these methods alone.

    def copy(self, u):
        return u.copy()

    def empty_like(self, u):
        return np.empty_like(u)

    def zeros_like(self, u):
        return np.zeros_like(u)

    def astype(self, u, dtype):
        """The array in another precision; itself where it has it."""
        return u.astype(dtype, copy=False)

    def is_zero(self, u):
        """Whether all entries are 0."""
        return not u.any()

    def sum(self, u, v):
        return u + v

    def difference(self, u, v):
        return u - v

    def scaled(self, u, a, dtype=None):
        """a * u, in the precision of u or another."""
        return (u * a).astype(dtype or u.dtype, copy=False)

    def shifted(self, u, shift):
        """u with a number for each column (K,) added to all rows."""
        (n, K), shift = u.shape, shift.astype(u.dtype)
        if K == 1 or n <= 4 * TILE or not u.flags.c_contiguous:
            return u + shift
        # Long rows of many: on 200,000 rows of five numbers NumPy took four times as long.
        whole, length, result = n - n % TILE, TILE * K, np.empty_like(u)
        np.add(u[:whole].reshape(-1, length), np.tile(shift, TILE), out=result[:whole].reshape(-1, length))
        np.add(u[whole:], shift, out=result[whole:])
        return result

    def combined(self, factors, arrays):
        """The sum of arrays times numbers."""
        total = factors[-1] * arrays[-1]
        for factor, array in zip(factors[:-1], arrays[:-1]):
            total += factor * array
        return total.astype(arrays[-1].dtype, copy=False)


class RowSpace:
    """Coordinates A of W = X.T @ A, in the metric of X X.T."""

    name = "rows"
    preconditioned = False
    scale = centring = None

    def __init__(self, design, vectors):
        self.design, self._vectors, self._kernel = design, vectors, None

    def astype(self, dtype):
        """The same space in another precision."""
        return RowSpace(self.design.twin(dtype), self._vectors)

    def coords_shape(self, n_outputs):
        """Shape of the coordinates."""
        return (self.design.shape[0], n_outputs)

    def zeros(self, likelihood):
        """Coordinates of zero weights."""
        return likelihood.zeros()

    def pull(self, T):
        return T

    def push(self, v):
        if self._kernel is None:
            return self.design.gram(v)[0]
        n, d = self.design.shape
        self.design.tally[0] += 0.5 * n / d
        return self._kernel @ v

    def curved(self, likelihood, expected, v, shift, v_scores):
        """Hessian of the loss times coordinates with these scores and the intercept that follows, if any."""
        return likelihood.curvature(expected, v_scores, None if shift is None else shift(v_scores)), None

    def metric(self, r):
        # For directions, which need few digits; points in full precision have the scores of their weights.
        if self._kernel is None and self.design.dtype == np.float32:
            self._kernel = self.design.kernel()
        scores = self.push(r)
        return r, scores, self._vectors.dot(r, scores)

    def dual_norm(self, r):
        """Squared norm of the weights X.T @ r, their largest modulus, and the scores of r."""
        if self._kernel is None:
            scores, largest = self.design.gram(r)
        else:
            scores, largest = self.push(r), peak(self.design.adjoint(r))
        return self._vectors.dot(r, scores), largest, scores

    def inner(self, u, v, v_scores):
        return self._vectors.dot(u, v_scores)

    square_of = inner

    def penalise(self, g, a, v):
        self._vectors.add(g, a, v)

    def weights(self, v):
        """The weights (d, K)."""
        return self.design.adjoint(v)


class WeightSpace:
    """The weights themselves, with a preconditioner.

    With few columns and many rows it is the Cholesky factor of a Hessian summed over a sample of
    the rows, whose cost disappears beside the products. Otherwise it is the damped diagonal
    diag(H)^-0.5 of centred columns rather than diag(H)^-1: it took fewer products on part-of-speech
    tagging, where many classes are nearly certain and the diagonal varies fast from one iterate to the next.

    Parameters
    ----------
    design : design
    vectors : Vectors
    scale : ndarray of shape (d, 1), or (m, 1) of pairs, optional
        By how much the weights are larger than the user's, whose squares the penalty measures.

    Attributes
    ----------
    units : 1.0 or ndarray like `scale`
        Factors on the penalty of each weight.
    centring : Centring or None
        What the preconditioner takes the columns to be: centred ones beside an intercept.
    """

    name = "weights"
    preconditioned = True
    DAMPING = 0.5
    SAMPLE = 20  # rows for each unknown in the sampled Hessian
    WORTH = 20  # products that the factor may cost, or as many as the fit has taken without it
    SIDE = 3_000  # largest side of the Hessian
    FEW = 6  # steps with a diagonal up to which another one would cost more than it saves

    def __init__(self, design, vectors, scale=None):
        self.design, self._vectors, self.scale = design, vectors, scale
        self.units = 1.0 if scale is None else (scale**-2.0).astype(design.dtype)
        self._apply = self.centring = None
        self._is_kept = self._is_diagonal = False

    def astype(self, dtype):
        """The same space in another precision."""
        return WeightSpace(self.design.twin(dtype), self._vectors, self.scale)

    def precondition(self, likelihood, expected, penalty, fit_intercept):
        """Set the preconditioner for the Hessian at the state `expected`, and its `centring`, unless kept."""
        if self._is_kept:
            return
        (n, K), d = likelihood.shape, self.design.shape[1]
        self.centring = None
        if self.design.paired:
            self._precondition_diagonally(likelihood, expected, penalty, fit_intercept)
            return
        sample = min(n, self.SAMPLE * K * d)
        entries = self.design.n_entries
        flops = sample * d**2 * K * (K + 1) + (K * d) ** 3 / 3
        worth = max(self.WORTH, self.design.tally[0])
        if K * d <= self.SIDE and flops <= worth * 4 * entries * K:
            H = self.design.hessian(likelihood, expected, fit_intercept, sample=sample)
            system = NewtonSystem(H, K, d, penalty * np.asarray(self.units, dtype=float))
            self._apply, self._is_diagonal = lambda r: system.solve(r)[0], False
            return
        self._precondition_diagonally(likelihood, expected, penalty, fit_intercept)

    def has_taken(self, steps):
        """Note how many steps of conjugate gradients were taken: after few the preconditioner is kept."""
        self._is_kept = self._is_diagonal and steps <= self.FEW

    def _precondition_diagonally(self, likelihood, expected, penalty, centred):
        self._is_diagonal = True
        curvatures = likelihood.curvature_diagonal(expected)
        if centred:
            sums, H = self.design.moments(curvatures)
            classes = self.design.classes if self.design.paired else None
            self.centring = Centring(sums, likelihood.totals(curvatures), classes)
            H = self.centring.curvatures(H)
        else:
            H = self.design.squared_adjoint(curvatures)
        ridge = self.design.dtype.type(penalty) * self.units
        H += np.min(ridge)
        # Without a penalty a column that no uncertain row uses has no curvature at all.
        np.maximum(H, H.dtype.type(1e-6) * max(float(H.max(initial=0)), np.finfo(H.dtype).tiny), out=H)
        if np.ndim(ridge) == 0:
            inverse = H**-self.DAMPING
        else:  # what the penalty has beyond its least is known exactly, and is not damped
            typical = H.dtype.type(float(H.mean(dtype=float)) ** (1 - self.DAMPING))
            inverse = 1 / (typical * H**self.DAMPING + (ridge - np.min(ridge)))
        if centred:
            self.centring.unit = float(np.max(H * inverse, initial=0))
        self._apply = lambda r: r * inverse

    def coords_shape(self, n_outputs):
        """Shape of the coordinates."""
        return (self.design.shape[1], 1 if self.design.paired else n_outputs)

    def zeros(self, likelihood):
        """Zero weights."""
        return np.zeros(self.coords_shape(likelihood.shape[1]), likelihood.dtype)

    def pull(self, T):
        return self.design.adjoint(T)

    def push(self, v):
        return self.design.forward(v)

    def curved(self, likelihood, expected, v, shift, v_scores=None):
        """Hessian of the loss times weights and an intercept: both parts; see `Design.curved`."""
        return self.design.curved(likelihood, expected, v, shift, self._vectors.buffers)

    def metric(self, r):
        z = self._apply(r)
        return z, None, self._vectors.dot(r, z)

    def dual_norm(self, r):
        """Squared norm of the gradient r in the user's weights, its peak, None for scores not needed."""
        if self.scale is not None:
            r = r * self.scale
        return self._vectors.dot(r, r), peak(r), None

    def inner(self, u, v, v_scores):
        return self._vectors.dot(u, v)

    def square_of(self, u, v, v_scores):
        return self._vectors.dot(u, v if self.scale is None else v * self.units)

    def dual_inner(self, u, v):
        """The inner product of gradients in the user's weights."""
        return self._vectors.dot(u, v if self.scale is None else v / self.units)

    def penalise(self, g, a, v):
        self._vectors.add(g, a, v if self.scale is None else v * self.units)

    def weights(self, v):
        """The weights (d, K)."""
        return v
