"""The true minimum of a maximum-entropy problem, proven, without a line of the package.

    F(W, b) = sum_i m_i * -log p(y_i | x_i)  +  sum_jk lasso_j |w_jk| + ridge_j / 2 * w_jk^2

with lasso_j = u_j l1_ratio / C and ridge_j = u_j (1 - l1_ratio) / C; one weight vector for two classes.
Small problems only: everything is dense and in np.longdouble. Columns are shifted by one of their own
entries, which is exact; columns without a penalty are made orthonormal, the intercept among them, and the
others scaled to unit norm. Then Newton's method follows the central path of the Laplace part (none without
one) down to a gap that does not matter. The answer is an interval: its upper end is a value of F, its
lower end the value of a dual point, so that the reference is proven too:

    D(mu) = sum_i m_i H(mu_i) - P*(-X' (m mu - t)),

mu in the simplex, with no residual in the columns without a penalty.
"""

from dataclasses import dataclass
from fractions import Fraction
from operator import mul

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

LONG = np.longdouble
EPS = np.finfo(LONG).eps
# Gap of the central path at which to stop, relative to F, and its steps.
PATH_GAP, PATH_FACTOR = LONG(1e-14), LONG(0.05)
# What is left of a column without a penalty, after the others are taken out of it, that counts as rounding.
DEPENDENT = LONG(1e-14)


@dataclass(frozen=True)
class Certified:
    """What is known about a problem and a model of it, all on the scale of the total weight.

    Attributes
    ----------
    start : longdouble
        F of the given model.
    lower, upper : longdouble
        min F (or its infimum) lies between them; `upper` is at most `start`.
    separated : bool
        Whether the infimum lies at infinity: some direction of weights without a penalty never loses.
    rounded : longdouble
        F at the minimum with weights and intercept rounded to the dtype of X.
    slack : longdouble
        What longdouble may have lost in any of these numbers.
    total : longdouble
        Total weight.
    """

    start: LONG
    lower: LONG
    upper: LONG
    separated: bool
    rounded: LONG
    slack: LONG
    total: LONG

    @property
    def excess(self):
        """How far the given model is from the minimum at least, without what rounding may have made."""
        return max(self.start - self.upper - self.slack, LONG(0))

    @property
    def most_excess(self):
        """How far the given model is from the minimum at most."""
        return self.start - self.lower + self.slack

    @property
    def proven(self):
        """Whether the interval is narrow enough to judge a relative tolerance of 1e-6."""
        return self.upper - self.lower <= 1e-7 * self.upper


def certify(X, masses, coef, intercept, *, C=1.0, l1_ratio=0.0, penalty_weights=None, fit_intercept=True):
    """The minimum of F and the value of F at a model, see `Certified`.

    Parameters
    ----------
    X : array or sparse array of shape (n, d)
    masses : array of shape (n, K)
        Label masses: sample weights times one-hot labels, or times distributions.
    coef, intercept : arrays of shape (p, d) and (p,)
        The model: p = 1 for two classes, p = K for more.
    C : float
        Infinite for no prior.
    l1_ratio : float
    penalty_weights : array of shape (d,), optional
        0 for free columns, inf for columns left out.
    fit_intercept : bool
    """
    return _Problem(X, masses, C, l1_ratio, penalty_weights, fit_intercept).certify(coef, intercept)


def label_masses(y, n_classes, sample_weight=None):
    """Masses (n, K) from codes, or from masses, and sample weights."""
    y = np.asarray(y)
    masses = np.eye(n_classes)[y] if y.ndim == 1 else y
    return masses.astype(LONG) * (1 if sample_weight is None else np.asarray(sample_weight, LONG)[:, None])


class _Problem:
    """The problem in the coordinates theta (q, p): scores are Z @ theta."""

    def __init__(self, X, masses, C, l1_ratio, penalty_weights, fit_intercept):
        X = X.toarray() if sparse.issparse(X) else np.asarray(X)
        self.dtype, d = X.dtype, X.shape[1]
        self.T = np.asarray(masses, LONG)
        self.m = self.T.sum(axis=1, keepdims=True)
        kept = self.m[:, 0] > 0
        X, self.T, self.m = X[kept], self.T[kept], self.m[kept]
        self.K = self.T.shape[1]
        self.p = 1 if self.K == 2 else self.K
        self.fit_intercept = fit_intercept
        u = np.ones(d) if penalty_weights is None else np.asarray(penalty_weights, float)
        strength = np.where(np.isinf(u), 0, u) / LONG(C)
        self.lasso_of, self.ridge_of = strength * LONG(l1_ratio), strength * (1 - LONG(l1_ratio))
        self.lasso_of[np.isinf(u)] = np.inf  # the column is left out
        # An entry of the column itself: numbers that are near each other have exact differences.
        self.shift = np.sort(X, axis=0)[len(X) // 2] if fit_intercept else np.zeros(d, X.dtype)
        self.X = X.astype(LONG) - self.shift.astype(LONG)
        free = (self.lasso_of == 0) & (self.ridge_of == 0)
        self.free, self.penalised = np.flatnonzero(free), np.flatnonzero(~free & ~np.isinf(self.lasso_of))
        self._orthonormalise()
        r = self.Q.shape[1]
        self.scale = np.sqrt(np.sum(self.m * self.X[:, self.penalised] ** 2, axis=0))
        self.scale[self.scale == 0] = 1
        self.Z = np.hstack([self.Q, self.X[:, self.penalised] / self.scale])
        zeros = np.zeros(r, LONG)
        self.lasso = np.concatenate([zeros, self.lasso_of[self.penalised] / self.scale])[:, None]
        self.ridge = np.concatenate([zeros, self.ridge_of[self.penalised] / self.scale**2])[:, None]
        self.n_free = r

    def _orthonormalise(self):
        """Q (n, r), orthonormal under the row weights, with Q @ R the intercept's and the free columns."""
        self.Q, self.R = _orthonormal(self._free_columns().T, self.m[:, 0])

    # ---- the objective

    def scores(self, theta, Z=None):
        scores = (self.Z if Z is None else Z) @ theta
        return scores if self.K > 2 else np.hstack([np.zeros_like(scores), scores])

    def loss(self, scores):
        """Sum of t_ik (log sum_l exp z_il - z_ik), exact for the smallest losses too."""
        differences = scores[:, None, :] - scores[:, :, None]
        top = differences.argmax(axis=2)[..., None]
        peak = np.take_along_axis(differences, top, axis=2)
        rest = np.exp(differences - peak)
        np.put_along_axis(rest, top, LONG(0), axis=2)
        return np.sum(self.T * (peak[..., 0] + np.log1p(rest.sum(axis=2))))

    def penalty(self, theta):
        return np.sum(self.lasso * np.abs(theta)) + np.sum(self.ridge * theta**2) / 2

    def value(self, theta):
        return self.loss(self.scores(theta)) + self.penalty(theta)

    def probabilities(self, scores):
        P = np.exp(scores - scores.max(axis=1, keepdims=True))
        return P / P.sum(axis=1, keepdims=True)

    def model_value(self, coef, intercept):
        """F of weights (p, d) and intercept (p,) on X as it is, and what rounding may have made of it."""
        W, scores, size = np.asarray(coef, LONG), *self._model_scores(coef, intercept)
        used = ~np.isinf(self.lasso_of)
        penalty = np.sum(self.lasso_of[used] * np.abs(W[:, used]) + self.ridge_of[used] * W[:, used] ** 2 / 2)
        value = self.loss(scores) + penalty
        slack = EPS * (8 * len(W[0]) * np.sum(self.m[:, 0] * (1 + size)) + 8 * len(self.X) * value)
        return value, slack

    def _model_scores(self, coef, intercept):
        """Scores (n, K) of a model, and the size (n,) of what was added up for them."""
        W = np.asarray(coef, LONG)
        constant = self._constants(coef, intercept)
        scores = self.X @ W.T + constant
        size = (np.abs(self.X) @ np.abs(W.T) + np.abs(constant)).max(axis=1)
        return scores if self.K > 2 else np.hstack([np.zeros_like(scores), scores]), size

    # ---- Newton's method

    def theta_of(self, coef, intercept):
        """Coordinates of a model."""
        W = np.asarray(coef, LONG).T
        parts = [W[self.free]]
        if self.fit_intercept:
            parts.insert(0, self._constants(coef, intercept)[None])
        return np.vstack([self.R @ np.vstack(parts), W[self.penalised] * self.scale[:, None]])

    def _constants(self, coef, intercept):
        """Scores of the row that the columns are shifted by, one a class, rounded once.

        With more than two classes less their mean, which changes no probability and may be large.
        """
        coef, intercept = np.asarray(coef, float), np.asarray(intercept, float)
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            return np.full(self.p, np.nan, LONG)
        shift = [Fraction(x) for x in self.shift.tolist()]
        exact = [
            Fraction(b) + sum(map(mul, map(Fraction, w), shift))
            for w, b in zip(coef.tolist(), intercept.tolist())
        ]
        mean = sum(exact) / self.p if self.p > 1 else 0
        return np.array([_rounded(value - mean) for value in exact], LONG)

    def model_of(self, theta):
        """Weights and intercept with these coordinates, rounded to the dtype of X."""
        r, first = self.n_free, int(self.fit_intercept)
        W = np.zeros((len(self.lasso_of), self.p), LONG)
        W[self.penalised] = theta[r:] / self.scale[:, None]
        # Columns that depend on others have no pivot, and get the weight 0.
        pivots = [int(np.flatnonzero(row)[0]) for row in self.R]
        free = np.zeros((self.R.shape[1], self.p), LONG)
        for i in reversed(range(r)):
            free[pivots[i]] = (theta[i] - self.R[i] @ free) / self.R[i, pivots[i]]
        W[self.free] = free[first:]
        coef = W.T.astype(self.dtype)
        intercept = np.zeros(self.p, self.dtype)
        if self.fit_intercept:
            # It makes up for the rounding of the weights at the shift.
            intercept = (free[0] - self._constants(coef, np.zeros(self.p))).astype(self.dtype)
        return coef, intercept

    def derivatives(self, theta, mu):
        """Probabilities, gradient (q, p) and Hessian (qp, qp) of the loss plus the smoothed penalty."""
        P = self.probabilities(self.scores(theta))
        q, p = theta.shape
        G = self.Z.T @ (self.m * P - self.T)[:, -p:]
        root = np.sqrt(mu**2 + (self.lasso * theta) ** 2)
        # The Laplace part as its log barrier sees it: its slope stays below `lasso`.
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = np.where(self.lasso > 0, self.lasso**2 * theta / (mu + root), 0)
            bend = np.where(self.lasso > 0, self.lasso**2 * mu / (root * (mu + root)), 0)
        H = np.empty((q, p, q, p), LONG)
        for k in range(p):
            for l in range(k + 1):
                weights = self.m[:, 0] * P[:, k - p] * ((k == l) - P[:, l - p])
                H[:, k, :, l] = H[:, l, :, k] = (self.Z.T * weights) @ self.Z
        diagonal = np.einsum("jkjk->jk", H)
        if p > 1:  # a number common to all classes changes nothing where there is no penalty
            for j in range(self.n_free):
                H[j, :, j, :] += np.trace(H[j, :, j, :]) / p**2
        diagonal += self.ridge + bend
        return P, G, G + self.ridge * theta + slope, H.reshape(q * p, q * p)

    def smoothed(self, theta, mu):
        """F with |w| as its barrier makes it."""
        root = np.sqrt(mu**2 + (self.lasso * theta) ** 2)
        used = np.broadcast_to(self.lasso > 0, theta.shape)
        laplace = np.sum((root - mu * np.log(mu + root))[used]) if mu else LONG(0)
        return self.loss(self.scores(theta)) + np.sum(self.ridge * theta**2) / 2 + laplace

    def minimise(self, theta, mu, accuracy, max_steps):
        """Newton's method from theta; the last point, its direction, and whether it got there."""
        value = self.smoothed(theta, mu)
        for _ in range(max_steps):
            _, _, gradient, H = self.derivatives(theta, mu)
            step = -_solve(H, gradient.ravel()).reshape(theta.shape)
            decrease = -np.sum(gradient * step)
            if not decrease > accuracy:
                return theta, step, True
            length = LONG(1)
            while length > 1e-12:
                trial = theta + length * step
                trial_value = self.smoothed(trial, mu)
                if trial_value <= value - LONG(0.1) * length * decrease:
                    break
                length /= 2
            else:  # rounding decides
                return theta, step, decrease <= 1e4 * accuracy
            theta, value = trial, trial_value
        return theta, step, False

    def rounding(self, theta):
        """What longdouble may lose in a value of F or of its dual at theta."""
        return 16 * EPS * len(theta) * np.sum(self.m[:, 0] * (1 + np.abs(self.scores(theta)).max(axis=1)))

    # ---- the certificate

    def dual(self, theta, step):
        """The value of the Newton dual point mu = p + Cov(p) X d: a lower bound of F."""
        scores, moved = self.scores(theta), self.scores(step)
        P = self.probabilities(scores)
        change = moved - np.sum(P * moved, axis=1, keepdims=True)
        largest = np.max(-change, initial=0)
        if largest >= 1:
            return -np.inf
        mu = P * (1 + change)
        mu /= mu.sum(axis=1, keepdims=True)
        G = self.Z.T @ (self.m * mu - self.T)[:, -self.p :]
        with np.errstate(divide="ignore", invalid="ignore"):
            over = np.where((self.lasso > 0) & (self.ridge == 0), np.abs(G) / self.lasso, 0)
        share = 1 / max(LONG(1), np.max(over, initial=0) * (1 + 8 * EPS))
        mu = share * mu + (1 - share) * self.T / self.m
        G = share * G
        entropy = -np.sum(self.m * np.where(mu > 0, mu * np.log(np.where(mu > 0, mu, 1)), 0))
        over = np.maximum(np.abs(G) - self.lasso, 0)
        conjugate = np.sum(np.where(self.ridge > 0, over**2 / np.where(self.ridge > 0, 2 * self.ridge, 1), 0))
        # What is left in the columns without a penalty, times how far away a minimum can be: the coordinates
        # are orthonormal, and the last step says how near it is.
        left = np.abs(G[: self.n_free])
        reach = 2 * (np.abs(theta) + np.abs(step))[: self.n_free] + 1
        return entropy - conjugate - np.sum(left * reach) - self.rounding(theta)

    def separated(self):
        """Whether some direction of the columns without a penalty never loses and somewhere wins."""
        r, p, K = self.n_free, self.p, self.K
        if r == 0:
            return False
        Q = self._level_columns()
        r = Q.shape[1]
        rows, equal = [], []
        for q, t in zip(Q, self.T):
            own = np.flatnonzero(t > 0)
            for k in own:
                for l in range(K):
                    if l == k or (l in own and l < k):
                        continue
                    row = np.zeros((K, r))
                    row[k], row[l] = q, -q
                    (equal if l in own else rows).append(row[-p:].ravel())
        rows = np.unique(np.array(rows).reshape(-1, p * r), axis=0)
        if not len(rows):
            return False
        gain, s = rows.sum(axis=0), len(rows)
        if not gain.any():
            return False
        # The least direction: one that is zero where it can be, so that margins of 0 are exact.
        both, size = np.hstack([rows, -rows]), np.abs(gain).max()
        equal = np.array(equal).reshape(-1, p * r)
        answer = linprog(
            np.ones(2 * p * r),
            A_ub=np.vstack([-both, -np.concatenate([gain, -gain]) / size]), b_ub=np.append(np.zeros(s), -1),
            A_eq=np.hstack([equal, -equal]), b_eq=np.zeros(len(equal)), method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )  # fmt: skip
        if answer.status != 0:
            return False
        # The tolerances of a programme are no proof.
        direction = (answer.x[: p * r] - answer.x[p * r :]).astype(LONG)
        exact = np.concatenate([rows, equal]).astype(LONG)
        lost = -(exact @ direction)
        lost[s:] = np.abs(lost[s:])
        # Nor is a gain that is no more than rounding, as along columns that are copies.
        allowed = 1e-12 * np.abs(exact).sum(axis=1) * np.abs(direction).max()
        return bool(np.all(lost <= allowed) and np.any(-lost[:s] > allowed[:s]))

    def _free_columns(self):
        """The intercept's column and those without a penalty."""
        ones = np.ones((len(self.X), int(self.fit_intercept)), LONG)
        return np.hstack([ones, self.X[:, self.free]])

    def _level_columns(self):
        """Columns without a penalty and the intercept, rows and columns scaled to entries of like sizes.

        The scale of a row does not matter for the sign of its margins.
        """
        D = self._free_columns()
        for _ in range(10):
            for axis in (1, 0):
                size = np.where(D == 0, LONG(1), np.abs(D))
                D = D / np.sqrt(size.min(axis=axis, keepdims=True) * size.max(axis=axis, keepdims=True))
        return np.asarray(D, float)

    def certify(self, coef, intercept):
        start, slack = self.model_value(coef, intercept)
        separated = self.separated()
        lower = -np.sum(np.where(self.T > 0, self.T * np.log(np.where(self.T > 0, self.T, 1) / self.m), 0))
        null = np.zeros((self.Z.shape[1], self.p), LONG)
        theta = self.theta_of(coef, intercept)
        if not np.isfinite(start) or start > self.value(null):
            theta = null
        upper, best = min((self.value(theta), theta), (start, theta), key=lambda pair: pair[0])
        for mu in self._path(min(upper, self.value(null))):
            accuracy = max(mu, LONG(1e-3) * PATH_GAP * upper)
            theta, step, _ = self.minimise(theta, mu, accuracy, 60)
            value = self.value(theta)
            if value < upper:
                upper, best = value, theta
            if not separated:
                lower = max(lower, self.dual(theta, step))
            if upper - lower <= 1e-13 * upper:
                break
        slack += self.rounding(best)
        rounded = self.model_value(*self.model_of(best))[0]
        total = self.m.sum()
        return Certified(start, lower, upper, separated, rounded, slack, total)

    def _path(self, value):
        """Barrier parameters from a rough one to one whose gap does not matter; 0 without a Laplace part."""
        n_barriers = 2 * np.count_nonzero(self.lasso) * self.p
        if not n_barriers:
            return [LONG(0)]
        path, mu = [], LONG(0.1) * value / n_barriers
        while mu * n_barriers > PATH_GAP * value:
            path.append(mu)
            mu *= PATH_FACTOR
        return path


def _orthonormal(columns, weights):
    """Q (n, r), orthonormal under the weights (n,), and R (r, c) with Q @ R the columns (c, n)."""
    basis, R = [], np.zeros((len(columns), len(columns)), LONG)
    for j, column in enumerate(columns):
        rest, norm = column, np.sqrt(weights @ column**2)
        for _ in range(3):  # again, for what rounding left
            for i, q in enumerate(basis):
                part = (weights * q) @ rest
                R[i, j] += part
                rest = rest - part * q
        size = np.sqrt(weights @ rest**2)
        if size > DEPENDENT * norm:
            R[len(basis), j] = size
            basis.append(rest / size)
    return np.array(basis, LONG).T.reshape(len(weights), len(basis)), R[: len(basis)]


def _rounded(exact):
    """The longdouble nearest to a fraction, or nearly."""
    high = float(exact)
    return LONG(high) + LONG(float(exact - Fraction(high)))


def _solve(H, g):
    """H^-1 g by a Cholesky factor of H with a unit diagonal, in longdouble."""
    d = np.sqrt(np.maximum(np.diag(H), np.finfo(LONG).tiny))
    scaled = H / d / d[:, None]
    ridge = LONG(0)
    while True:
        L = _cholesky(scaled + ridge * np.eye(len(H), dtype=LONG))
        if L is not None:
            break
        ridge = max(100 * ridge, 16 * EPS)
    x = g / d
    for i in range(len(x)):
        x[i] = (x[i] - L[i, :i] @ x[:i]) / L[i, i]
    for i in reversed(range(len(x))):
        x[i] = (x[i] - L[i + 1 :, i] @ x[i + 1 :]) / L[i, i]
    return x / d


def _cholesky(A):
    """Lower factor, or None where a pivot is no more than rounding."""
    A = A.copy()
    for j in range(len(A)):
        if not A[j, j] > 4 * EPS * len(A):
            return None
        A[j:, j] /= np.sqrt(A[j, j])
        A[j + 1 :, j + 1 :] -= np.outer(A[j + 1 :, j], A[j + 1 :, j])
    return A
