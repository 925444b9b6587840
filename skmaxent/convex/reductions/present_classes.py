"""Classes without weight, taken out of a problem before it is solved and put back afterwards.

With an intercept the likelihood of a class that has no weight at all grows as its intercept goes to
minus infinity, whatever its weights: at the optimum its probability is 0 and, under a penalty, so are
its weights. The other classes are a problem of their own. Without an intercept such a class is like
any other, its weights being held by the features alone.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ...numerics.sparse import take_rows

# Share of the total weight below which a class counts as without: adding it to the total changes nothing, so
# that no sum tells its intercept from any lower one.
VANISHING = np.finfo(float).eps / 2


def absent_intercept(dtype):
    """Intercept of a class without weight: twice the logarithm of the smallest number of the dtype.

    Its probability is then 0 or below 1e-300 (1e-37 in float32), also where the other classes have low
    scores; and next to it the scores of the others keep their digits, which a larger number would cost.
    """
    return 2 * np.log(float(np.finfo(dtype).tiny))


@dataclass(frozen=True)
class ClassMap:
    """Which classes of a problem have weight.

    Attributes
    ----------
    present : integer ndarray of shape (k,)
        Increasing; not all of the K classes.
    n_classes : int
        K.
    """

    present: np.ndarray
    n_classes: int

    @property
    def certain(self):
        """Whether one class has all the weight: there is nothing to solve."""
        return len(self.present) == 1

    def restore(self, weights, intercept):
        """Weights (d, K) and intercept (K,) from those of the present classes, (d, k) and (k,)."""
        full = np.full(self.n_classes, absent_intercept(weights.dtype))
        full[self.present] = intercept
        d = weights.shape[0]
        if sparse.issparse(weights):
            weights = weights.tocsr()
            indices = self.present.astype(weights.indices.dtype)[weights.indices]
            parts = (weights.data, indices, weights.indptr)
            return sparse.csr_matrix(parts, shape=(d, self.n_classes)), full
        W = np.zeros((d, self.n_classes), weights.dtype)
        W[:, self.present] = weights
        return W, full

    def reduce(self, weights, intercept):
        """What `restore` was given, from what it returned."""
        return weights[:, self.present], intercept[self.present]

    def certain_model(self, d, dtype, as_pairs):
        """Weights and intercept where one class has all the weight; `as_pairs`: weights as CSR."""
        K = 1 if self.n_classes == 2 else self.n_classes
        weights = sparse.csr_matrix((d, K), dtype=dtype) if as_pairs else np.zeros((d, K), dtype)
        intercept = np.full(K, absent_intercept(dtype))
        if K == 1:
            intercept = np.where(self.present, -intercept, intercept)  # the log-odds of the second class
        else:
            intercept[self.present] = 0.0
        return weights, intercept


def drop_absent_classes(problem, multipliers, fit_intercept):
    """The problem on the classes that have weight, its penalty weights, and the way back.

    Parameters
    ----------
    problem : Problem
    multipliers : ndarray of shape (d, 1) or (d, n_outputs) or None
        Penalty weights.
    fit_intercept : bool

    Returns
    -------
    problem : Problem
        As it was where all classes have weight, there is no intercept, or only one class is left. Two
        classes left of more keep a score column each.
    multipliers : ndarray or None
    class_map : ClassMap or None
        None where nothing was dropped.
    """
    if not fit_intercept:
        return problem, multipliers, None
    codes, masses, K = problem.codes, problem.masses, problem.n_classes
    if codes is None:
        totals = masses.sum(axis=0, dtype=float)
    else:
        totals = np.bincount(codes, weights=problem.weights, minlength=K)
    has_weight = totals > VANISHING * totals.sum()
    present = np.flatnonzero(has_weight)
    if len(present) == K:
        return problem, multipliers, None
    class_map = ClassMap(present, K)
    if class_map.certain:
        return problem, multipliers, class_map
    if multipliers is not None and multipliers.shape[1] == K:
        multipliers = np.ascontiguousarray(multipliers[:, present])
    X, weights = problem.X, problem.weights
    if codes is None:
        masses = masses[:, present]
        weights = masses.sum(axis=1)
        kept = weights > 0
    else:
        kept = has_weight[codes]
        codes = np.searchsorted(present, codes)
    if not kept.all():
        X, weights = take_rows(X, kept), weights[kept]
        codes, masses = (None if part is None else part[kept] for part in (codes, masses))
    problem = replace(
        problem, X=X, weights=weights, n_classes=len(present), codes=codes, masses=masses, symmetric=True
    )
    return problem, multipliers, class_map


def reduced_start(start, class_map):
    """A warm start on the classes of a reduced problem; None where it is none.

    A class that had no weight then and has now gets the lowest intercept of the others, from which its
    own can be found.

    Parameters
    ----------
    start : tuple (weights (d, n_outputs), intercept (n_outputs,)) or None
    class_map : ClassMap or None
    """
    if start is None:
        return None
    weights, intercept = start
    if class_map is not None:
        weights, intercept = class_map.reduce(weights, intercept)
    was_absent = is_absent(intercept, weights.dtype)
    if was_absent.all():
        return None
    if was_absent.any():
        intercept = np.where(was_absent, intercept[~was_absent].min(), intercept)
    return weights, intercept


def is_absent(intercept, dtype):
    """Where an intercept is that of a class without weight or, when binary, of the only one with it."""
    return np.isclose(np.abs(intercept), -absent_intercept(dtype), rtol=1e-6)


def mean_intercept(intercepts):
    """The mean of the intercepts (m, K) of m models, for each class of those in which it has weight."""
    absent = is_absent(intercepts, intercepts.dtype)
    counts = np.count_nonzero(~absent, axis=0)
    sums = np.sum(intercepts, axis=0, where=~absent | (counts == 0))
    return sums / np.where(counts > 0, counts, len(intercepts))


def certain_report(seconds):
    """What `convergence_` shows where one class has all the weight: the loss is 0."""
    history = {"iteration": 0, "seconds": seconds, "objective": 0.0, "gap": 0.0, "kkt": 0.0}
    return {
        "objective": 0.0,
        "duality_gap": 0.0,
        "relative_gap": 0.0,
        "gradient_norm": 0.0,
        "kkt_violation": 0.0,
        "stop_reason": "converged",
        "n_iter": 0,
        "n_products": 0.0,
        "seconds": seconds,
        "solver": "presolve",
        "space": "weights",
        "presolve": {"rows_merged": 0, "columns_merged": 0},
        "history": {name: np.array([value]) for name, value in history.items()},
    }
