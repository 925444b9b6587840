"""MaxEntRanker: the maximum-entropy model of a choice among candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..compat import (
    BaseEstimator,
    CallbackSupport,
    FitEvents,
    VersionedPickle,
    fit_context,
    validate_training_data,
    with_callbacks,
)
from ..convex.grouped import GroupedProblem
from ..numerics.losses import grouped_softmax
from ..numerics.missing import any_missing
from ..numerics.sparse import canonical, take_rows
from .common.advice import advice_on, with_advice
from .common.convex_fit import PRIOR, SOLUTION, ConvexFit

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike


class MaxEntRanker(ConvexFit, CallbackSupport, VersionedPickle, BaseEstimator):
    """Maximum-entropy choice among the candidates of a group, under a Gaussian or Laplace prior.

    Rows are candidates, for instance the parses of a sentence, the antecedents of a pronoun or the
    words that a prepositional phrase may attach to. Each group g of rows is one decision, and one
    weight vector scores all candidates::

        p(i | g) = exp(w . x_i) / sum_{j in g} exp(w . x_j)

    Training minimises, with m_g the mass of group g, t its label distribution and u the
    penalty weights::

        mean_g m_g * -sum_{i in g} t_i log p(i | g)
            +  1 / (C sum_g m_g) * sum_j u_j (l1_ratio |w_j| + (1 - l1_ratio) / 2 w_j^2)

    This is McFadden's conditional logit. There is no intercept: what is common to all candidates of
    a group does not matter.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the prior, positive; ``np.inf`` for no prior.
    l1_ratio : float, default=0.0
        Share of the Laplace (L1) prior, from 0 (Gaussian, L2) to 1; between them the elastic net.
    penalty_weights : array-like of shape (d,), default=None
        Factors on the penalty of each column; 0 leaves a weight without penalty, ``np.inf``
        excludes it.
    solver : {"auto", "newton-cg", "lbfgs", "newton-cholesky", "working-set"}, default="auto"
        All reach the same optimum; see `MaxEntClassifier`.
    tol : float, default=1e-6
        Relative duality gap at which to stop; see `MaxEntClassifier`.
    max_iter : int, default=1000
        Largest number of outer iterations.
    warm_start : bool, default=False
        Whether `fit` starts from the previous weights when the columns are the same.
    n_jobs : int, default=None
        Number of threads; see `MaxEntClassifier`.
    random_state : int, RandomState instance or None, default=None
        Kept for a common interface; the fit is deterministic.
    verbose : int, default=0
        1 prints one line an iteration, which tells how much of the way to `tol` is done.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
        Weights.
    n_iter_ : ndarray of shape (1,)
        Outer iterations.
    convergence_ : dict
        Objective, duality gap and history, as of `MaxEntClassifier`; in ``presolve``,
        ``rows_merged`` counts groups.
    n_features_in_ : int
        Number of columns d.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, when X had names that are all strings.

    See Also
    --------
    MaxEntClassifier : A choice among the same classes for every row.

    Notes
    -----
    In scikit-learn's cross-validation, groups reach the estimator by metadata routing:
    ``sklearn.set_config(enable_metadata_routing=True)``, then
    ``MaxEntRanker().set_fit_request(groups=True).set_score_request(groups=True)`` and
    ``cross_validate(ranker, X, y, cv=GroupKFold(), params={"groups": groups})``.

    References
    ----------
    D. McFadden, Conditional logit analysis of qualitative choice behavior, in: Frontiers in
    Econometrics, 1974.

    A. Ratnaparkhi, S. Roukos and R. T. Ward, A maximum entropy model for parsing, ICSLP 1994.

    Examples
    --------
    >>> from skmaxent import MaxEntRanker
    >>> X = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 2.0], [2.0, 1.0]]
    >>> chosen, groups = [1, 0, 0, 0, 1], ["a", "a", "b", "b", "b"]
    >>> ranker = MaxEntRanker().fit(X, chosen, groups)
    >>> ranker.predict(X, groups).tolist()
    [True, False, False, False, True]
    """

    coef_: np.ndarray
    n_iter_: np.ndarray
    convergence_: dict[str, Any]
    n_features_in_: int
    feature_names_in_: np.ndarray

    _parameter_constraints: dict[str, Any] = {**PRIOR, **SOLUTION}

    @with_advice
    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        penalty_weights: ArrayLike | None = None,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int | bool = 0,
    ):
        self.C = C
        self.l1_ratio = l1_ratio
        self.penalty_weights = penalty_weights
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, groups: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse array of shape (M, d)
            Candidates, float64 or float32 (other types become float64).
        y : array-like of shape (M,)
            Marks of the chosen candidates (True or 1), or non-negative masses: a distribution over
            the candidates of each group, or counts.
        groups : array-like of shape (M,)
            Label of the group of each row, in any order.
        sample_weight : array-like of shape (M,), default=None
            Non-negative weight of each row's group, equal within groups; a group of weight 0 counts
            as absent.

        Returns
        -------
        self : MaxEntRanker
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are malformed, `groups` is missing or has missing values, or a group has no
            chosen candidate.
        """
        events = FitEvents(self, None, X, y, {"groups": groups, "sample_weight": sample_weight})
        if groups is None:
            raise ValueError("MaxEntRanker requires groups to be passed to fit, but groups is None.")
        with advice_on(X, self):
            X, names = validate_training_data(self, X, y)
        handed = [_make_problem(canonical(X), y, groups, sample_weight)]
        warm = self.warm_start and getattr(self, "n_features_in_", None) == X.shape[1]
        del X
        return self._fit_problem(
            handed,
            events,
            lambda weights, intercept: names | {"coef_": weights[:, 0]},
            start=(self.coef_[:, None], np.zeros(1)) if warm else None,
            names=lambda: names.get("feature_names_in_"),
        )

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of the candidates.

        Parameters
        ----------
        X : array-like or sparse array of shape (M, d)
            Candidates, a row each.

        Returns
        -------
        scores : ndarray of shape (M,)
            Unnormalised log-probabilities, to be compared within a group.
        """
        check_is_fitted(self)
        with advice_on(X, self):
            X = validate_data(
                self, X, reset=False, accept_sparse=("csr", "csc"), dtype=[np.float64, np.float32]
            )
        return X @ self.coef_

    def predict(self, X: Any, groups: ArrayLike | None = None) -> np.ndarray:
        """Pick the most probable candidate of each group.

        Parameters
        ----------
        X : array-like or sparse array of shape (M, d)
            Candidates, a row each.
        groups : array-like of shape (M,), default=None
            Label of the group of each row; None: all rows are the candidates of one decision.

        Returns
        -------
        chosen : bool ndarray of shape (M,)
            True for one row of each group, the first of the best.
        """
        scores = self.decision_function(X)
        order, starts = _group_order(scores, groups)
        # By group, then from the best score down; the sort is stable, so the first of equals wins.
        number = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        best = np.lexsort((-scores[order], number))[starts[:-1]]
        chosen = np.zeros(len(scores), dtype=bool)
        chosen[order[best]] = True
        return chosen

    def predict_proba(self, X: Any, groups: ArrayLike | None = None) -> np.ndarray:
        """Probability of each candidate in its group.

        Parameters
        ----------
        X : array-like or sparse array of shape (M, d)
            Candidates, a row each.
        groups : array-like of shape (M,), default=None
            As in `predict`.

        Returns
        -------
        proba : ndarray of shape (M,)
            Sums to 1 over each group.
        """
        scores = self.decision_function(X)
        order, starts = _group_order(scores, groups)
        proba = np.empty_like(scores)
        proba[order] = grouped_softmax(scores[order], starts)[1]
        return proba

    def predict_log_proba(self, X: Any, groups: ArrayLike | None = None) -> np.ndarray:
        """Logarithm of the probability of each candidate in its group, exact where it underflows.

        Parameters
        ----------
        X : array-like or sparse array of shape (M, d)
            Candidates, a row each.
        groups : array-like of shape (M,), default=None
            As in `predict`.

        Returns
        -------
        log_proba : ndarray of shape (M,)
            Natural logarithms.
        """
        scores = self.decision_function(X)
        order, starts = _group_order(scores, groups)
        scores[order] -= np.repeat(grouped_softmax(scores[order], starts)[0], np.diff(starts))
        return scores

    def score(
        self, X: Any, y: Any, groups: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Accuracy: the share of the groups whose pick is the marked candidate.

        Parameters
        ----------
        X : array-like or sparse array of shape (M, d)
            Candidates, a row each.
        y : array-like of shape (M,)
            Marks or masses, as in `fit`; a pick scores its share of the mass of its group.
        groups : array-like of shape (M,), default=None
            As in `predict`.
        sample_weight : array-like of shape (M,), default=None
            Weight of each row's group.

        Returns
        -------
        score : float
            Between 0 and 1: the mean over the groups, by their weights.
        """
        chosen = self.predict(X, groups)
        order, starts = _group_order(chosen, groups)
        masses = _masses(y, chosen)[order]
        totals = np.add.reduceat(masses, starts[:-1])
        hits = np.add.reduceat(masses * chosen[order], starts[:-1])
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, chosen, ensure_non_negative=True)[
                order[starts[:-1]]
            ]
        return float(np.average(hits / np.where(totals > 0, totals, 1), weights=weights))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags


def _group_order(rows, groups):
    """Row numbers in the order of their groups, and the start of each group in it."""
    if groups is None:
        return np.arange(len(rows)), np.array([0, len(rows)])
    if any_missing(groups):  # NaN equal to NaN would make one group of all rows without an id
        raise ValueError("Input groups contains NaN.")
    groups = column_or_1d(groups)
    check_consistent_length(rows, groups)
    codes = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(codes))])


def _masses(y, rows):
    """Marks or masses y as float64, checked."""
    masses = check_array(
        column_or_1d(y, warn=True),
        ensure_2d=False,
        dtype=np.float64,
        input_name="y",
        estimator="MaxEntRanker",
    )
    check_consistent_length(rows, masses)
    if (masses < 0).any():
        raise ValueError(
            "Negative values in data passed to MaxEntRanker: y must be marks or non-negative masses."
        )
    return masses


def _make_problem(X, y, groups, sample_weight):
    """The training problem on the groups that count, rows ordered by group."""
    masses = _masses(y, X)
    order, starts = _group_order(masses, groups)
    labels = column_or_1d(groups)[order[starts[:-1]]]
    sizes = np.diff(starts)
    masses = masses[order]
    totals = np.add.reduceat(masses, starts[:-1])
    kept = np.ones(len(sizes), dtype=bool)
    if sample_weight is not None:
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)[order]
        uneven = np.maximum.reduceat(weights, starts[:-1]) != np.minimum.reduceat(weights, starts[:-1])
        if uneven.any():
            raise ValueError(
                "sample_weight must be the same for all candidates of a group; it differs in the groups "
                f"{labels[uneven][:5].tolist()}."
            )
        kept = weights[starts[:-1]] > 0
        if not kept.any():
            raise ValueError("sample_weight must contain at least one non-zero number, got only zeros.")
        masses, totals = masses * weights, totals * weights[starts[:-1]]
    empty = kept & (totals == 0)
    if empty.any():
        raise ValueError(
            "y must mark a candidate of every group; it marks none in the groups "
            f"{labels[empty][:5].tolist()} ({np.count_nonzero(empty)} in all)."
        )
    if not kept.all():
        rows = np.repeat(kept, sizes)
        order, masses, sizes, totals = order[rows], masses[rows], sizes[kept], totals[kept]
        starts = np.concatenate([[0], np.cumsum(sizes)])
    if len(order) < X.shape[0] or (np.diff(order) != 1).any():
        X = take_rows(X, order)
    return GroupedProblem(X, totals, starts, masses)
