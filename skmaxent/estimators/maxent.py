"""MaxEntClassifier: the maximum-entropy (multinomial logistic regression) classifier."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import Interval, StrOptions

from ..compat import (
    BaseEstimator,
    CallbackSupport,
    ClassifierMixin,
    FitEvents,
    VersionedPickle,
    fit_context,
    validate_training_data,
    with_callbacks,
)
from ..convex.machine.files import Partitions
from ..features.joint import JointFeatures, column_names
from .common.advice import advice_on, advise_observed, with_advice
from .common.convex_fit import PRIOR, SOLUTION, ConvexFit
from .common.joint import JointForm, JointModel, as_data, joint_problem
from .common.labels import LABELS, encode_labels, make_problem
from .common.partitioned import fit_rows, refuse_beside
from .common.penalty import penalty_name
from .common.prediction import Prediction, stored_weights

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike


class MaxEntClassifier(
    ConvexFit, Prediction, JointModel, CallbackSupport, VersionedPickle, ClassifierMixin, BaseEstimator
):
    """Maximum-entropy classifier: multinomial logistic regression under a Gaussian or Laplace prior.

    Every column j of X joined with every class k is a feature f_jk(c, x) = x_j [c = k] with a
    weight. The weights vote, and a softmax turns the votes into probabilities::

        p(c | x) = exp(sum_j w_jc x_j + b_c) / sum_c' exp(sum_j w_jc' x_j + b_c')

    Training maximises the conditional likelihood under the prior, that is, it minimises::

        mean_i m_i * -log p(y_i | x_i)
            +  1 / (C sum_i m_i) * sum_jk u_jk (l1_ratio |w_jk| + (1 - l1_ratio) / 2 w_jk^2)

    with m the row weights and u the penalty weights; the intercept is never penalised. This is the
    optimum of scikit-learn's LogisticRegression with the same `C` and `l1_ratio`, and the fit tells how
    far from it it can be at most: `convergence_` holds a duality gap. With two classes there is one
    weight vector, for the log-odds of the second.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the prior, positive; with ``l1_ratio=0`` the variance of the Gaussian on
        each weight. ``np.inf`` for no prior; of weights with equal scores (collinear columns) those of
        least norm are then chosen.
    l1_ratio : float, default=0.0
        Share of the Laplace (L1) prior, from 0 (Gaussian, L2) to 1; between them the elastic net.
        With a Laplace part most weights are exactly 0; below `skmaxent.c_min` all are.
    features : {"all", "observed"} or JointFeatures, default="all"
        What a feature is. "all": each column of X joined with each class. "observed": only the pairs
        of a column and a class that at least `min_count` training rows show, that is, rows with a
        non-zero entry in the column and a positive mass of the class, whatever their weight; the
        weights of the others are 0, and fitting takes memory in proportion to the pairs and to X
        rather than to K d. When binary, the weight of a column is the difference between those of
        its two pairs: it exists when either is observed. A `JointFeatures` object:
        functions f(c, d) of the class and the datum; X is then a list of data of any kind, and there
        is one weight a function. The functions are the whole model, so `fit_intercept` does not
        apply.
    min_count : int, default=1
        Number of training rows with a non-zero entry, whatever their weight, that a column needs to have
        weights; with ``features="observed"`` that a pair needs to be observed. The weights of rarer ones
        are 0. Joint features have cutoffs of their own, see `Joined`.
    penalty_weights : array-like of shape (d,) or (K, d), default=None
        Factors on the penalty of each column, or of each weight as in `coef_` (one row when binary).
        Non-negative: 0 leaves a weight without penalty, ``np.inf`` excludes it.
    fit_intercept : bool, default=True
        Whether each class gets an unpenalised bias.
    class_weight : dict or "balanced", default=None
        Factor on the weight of each class; a class that the dict does not name has 1. "balanced"
        makes the total weights of the classes equal. A class without any weight, by 0 here or in
        `sample_weight`, is never predicted where there are intercepts.
    target_type : {"auto", "masses"}, default="auto"
        What a `y` of shape (n, K) means. It depends on the type of y alone, so that it is the same in
        every fold of a cross-validation. "auto": floats are label masses; integers and booleans mark
        the labels of each row, of which there must be one (for several use
        `sklearn.multioutput.MultiOutputClassifier` or `BackpropMLPClassifier`). "masses": any numbers
        are label masses, integer counts too.
    solver : {"auto", "newton-cg", "lbfgs", "newton-cholesky", "working-set"}, default="auto"
        All reach the same optimum. "auto" picks "working-set" under a Laplace part or penalty weights;
        otherwise by the shape of the problem, "newton-cholesky" with few columns and classes,
        "newton-cg" with more. Only "working-set" can have `l1_ratio` above 0 or penalty weights;
        "newton-cholesky" has all pairs only.
    tol : float, default=1e-6
        Relative duality gap at which to stop: the objective is proven to be within this fraction
        of its minimum, rounding included. Where weights have no penalty, the Newton decrement, which is
        then the gap, is brought below ``tol ** 2`` as far as precision goes; it does not depend on the
        units of the columns.
    max_iter : int, default=1000
        Largest number of outer iterations.
    warm_start : bool, default=False
        Whether `fit` starts from the previous weights when classes and columns are the same.
    n_jobs : int, default=None
        Number of threads. None means all cores, or the share of a worker inside joblib's
        contexts, so that GridSearchCV(n_jobs=...) never oversubscribes them. Results are the
        same bits for any number.
    random_state : int, RandomState instance or None, default=None
        Seeds the stochastic start that large problems with many rows begin with; None is a fixed
        seed. The optimum does not depend on it.
    verbose : int, default=0
        1 prints one line an iteration, which tells how much of the way to `tol` is done.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The labels, also those of rows without weight; 0..K-1 when y was an array of label masses.
    coef_ : ndarray of shape (K, d), or (1, d) when binary, or (p,) with joint features
        Weights, stored so that one row of X is scored without touching the others. With observed pairs
        an array when it takes at most 32 MiB, otherwise a SciPy CSC matrix, as after `sparsify`;
        `densify` makes it an array.
    intercept_ : ndarray of shape (K,) or (1,)
        Biases; they sum to 0 when K > 2. Joint features have none. A class without weight has one that
        makes its probability 0 to rounding, about -1417 (-175 in float32), and weights of 0.
    joint_feature_names_ : ndarray of shape (p,)
        With joint features: their names.
    joint_table_ : dict
        With joint features: what the templates found in the training data, see
        `JointFeatures.fit_design`.
    n_iter_ : ndarray of shape (1,)
        Outer iterations.
    convergence_ : dict
        ``objective``, ``duality_gap`` (both on the scale of the mean loss, in nats),
        ``relative_gap`` (gap / objective), both infinite where nothing is proven: where unpenalised
        weights are separated, or more than 1,500; ``gradient_norm``, ``kkt_violation`` (largest entry of
        the gradient in modulus; with a Laplace prior, of the smallest subgradient), ``stop_reason``
        ("converged", "separated", "max_iter", "precision" or "callback"),
        ``n_iter``, ``n_products`` (products with X and its transpose, in pairs), ``seconds``,
        ``solver``, ``space`` (coordinates of the weights: "rows" or "weights"), ``presolve``
        (``rows_merged``, ``columns_merged``, and with `min_count` ``columns_cut``), with observed pairs
        their number ``n_pairs``, and ``history``, a dict of arrays ``iteration``, ``seconds``,
        ``objective``, ``gap``, ``kkt`` and, from the solver "working-set", ``support``, the number of
        columns with weights. The last entries of the history are in full precision; earlier ones may come
        from single-precision iterates.
    n_features_in_ : int
        Number of columns d; joint features have none.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, when X had names that are all strings.
    penalty : {"l1", "l2", "elasticnet"} or None
        Read-only: the kind of the prior in scikit-learn's words, for tools that ask, such as
        `sklearn.feature_selection.SelectFromModel`; None with ``C=np.inf``.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : The same model, without certificate.

    References
    ----------
    A. L. Berger, S. A. Della Pietra and V. J. Della Pietra, A maximum entropy approach to natural
    language processing, Computational Linguistics 22 (1996).

    S. F. Chen and R. Rosenfeld, A Gaussian prior for smoothing maximum entropy models, 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MaxEntClassifier().fit(X, y)
    >>> model.predict(X[:2])
    array([0, 0])
    >>> model.convergence_["relative_gap"] <= 1e-6
    True
    """

    classes_: np.ndarray
    coef_: Any
    intercept_: np.ndarray
    n_iter_: np.ndarray
    convergence_: dict[str, Any]
    n_features_in_: int
    feature_names_in_: np.ndarray
    joint_table_: dict[str, Any]

    _parameter_constraints: dict[str, Any] = {
        **PRIOR,
        **SOLUTION,
        **LABELS,
        "features": [StrOptions({"all", "observed"}), JointFeatures],
        "min_count": [Interval(Integral, 1, None, closed="left")],
    }

    @with_advice
    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        features: str | JointFeatures = "all",
        min_count: int = 1,
        penalty_weights: ArrayLike | None = None,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        target_type: str = "auto",
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
        self.features = features
        self.min_count = min_count
        self.penalty_weights = penalty_weights
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.target_type = target_type
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), list of n data, or partitions
            Training data, float64 or float32 (other types become float64); any Python objects with
            joint features. Or what `skmaxent.distributed.open_partitions` opens: rows in files, with their
            labels and weights, of which a block at a time is in use.
        y : array-like of shape (n,) or (n, K)
            Labels of any sortable kind, or non-negative label masses: distributions or counts (see
            `target_type`). None with partitions.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; a row of weight 0 counts as absent, but its label stays among the
            classes. None with partitions.

        Returns
        -------
        self : MaxEntClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are malformed, hold fewer than two classes, or weigh nothing; on partitions also
            with joint features, without a penalty (``C=np.inf`` or a penalty weight of 0).
        """
        if isinstance(X, Partitions):
            refuse_beside("Partitions", y=y, sample_weight=sample_weight)
            events = FitEvents(self, None, X, None)
            columns = {"n_features_in_": X.shape[1]}
            return fit_rows(self, X, X.survey, X.backend, events, lambda *model: columns | parameters(*model))
        events = FitEvents(self, None, X, y, {"sample_weight": sample_weight})
        joint = isinstance(self.features, JointFeatures)
        if joint:
            X, names = as_data(X, type(self).__name__), {}
        else:
            with advice_on(X, self):
                X, names = validate_training_data(self, X, y)
        labels = encode_labels(y, X, sample_weight, self.class_weight, self.target_type)
        if joint:
            table, problem = joint_problem(self.features, X, labels)
            names = {"joint_table_": table}
        else:
            problem = make_problem(X, labels)
            advise_observed(self, problem)
        handed = [problem]
        del X, problem  # copies of the user's, as a rule of unsorted or integer ones

        def attributes(weights, intercept):
            if joint:
                return names | {"classes_": labels.classes, "coef_": weights[:, 0]}
            return names | parameters(labels.classes, weights, intercept)

        def columns():
            return column_names(table, labels.classes) if joint else names.get("feature_names_in_")

        start = self._previous(labels.classes, names) if self.warm_start else None
        fit_intercept = self.fit_intercept and not joint
        return self._fit_problem(handed, events, attributes, start, fit_intercept, columns)

    @property
    def penalty(self) -> str | None:
        """Kind of the prior in scikit-learn's words; no parameter, it follows from `C` and `l1_ratio`."""
        return penalty_name(self.C, self.l1_ratio)

    def _previous(self, classes, names):
        """Weights (d, K) and intercept of the last fit, when they fit this one; None otherwise."""
        if not hasattr(self, "coef_") or not np.array_equal(self.classes_, classes):
            return None
        if "joint_table_" in names:
            same = self._form is JointForm and np.array_equal(
                self.joint_feature_names_, column_names(names["joint_table_"], classes)
            )
            return (self.coef_[:, None], np.zeros(1)) if same else None
        if self.coef_.ndim != 2 or self.coef_.shape[1] != names["n_features_in_"]:
            return None
        weights = self.coef_.T
        if sparse.issparse(weights) and self.features != "observed":
            weights = weights.toarray()
        return weights, self.intercept_


def parameters(classes, weights, intercept):
    """The attributes that prediction needs."""
    return {
        "classes_": classes,
        "coef_": stored_weights(weights),
        "intercept_": np.asarray(intercept, dtype=weights.dtype),
    }
