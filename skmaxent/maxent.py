"""MaxEntClassifier: the maximum-entropy (multinomial logistic regression) classifier."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from ._labels import encode_labels, make_problem
from ._parallel import Workers, thread_count
from ._sklearn import CallbackSupport, FitEvents, VersionedPickle, validate_training_data, with_callbacks
from .objective.loss import logistic, softmax
from .objective.problem import canonical
from .solvers import SOLVERS
from .solvers.train import train


class MaxEntClassifier(CallbackSupport, VersionedPickle, ClassifierMixin, BaseEstimator):
    """Maximum-entropy classifier: multinomial logistic regression under a Gaussian prior.

    Every column j of X joined with every class k is a feature f_jk(c, x) = x_j [c = k] with a
    weight. The weights vote, and a softmax turns the votes into probabilities::

        p(c | x) = exp(sum_j w_jc x_j + b_c) / sum_c' exp(sum_j w_jc' x_j + b_c')

    Training maximises the conditional likelihood under the prior, that is, it minimises::

        mean_i m_i * -log p(y_i | x_i)  +  1 / (2 C sum_i m_i) * |W|^2

    with m the row weights; the intercept is never penalised. This is the optimum of scikit-learn's
    LogisticRegression with the same `C`, and the fit tells how far from it it can be at most:
    `convergence_` holds a duality gap. With two classes there is one weight vector, for the
    log-odds of the second.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the prior, positive; the variance of the Gaussian on each weight.
        ``np.inf`` for no prior.
    fit_intercept : bool, default=True
        Whether each class gets an unpenalised bias.
    class_weight : dict or "balanced", default=None
        Factor on the weight of each class; a class that the dict does not name has 1. "balanced"
        makes the total weights of the classes equal.
    solver : {"auto", "newton-cg", "lbfgs", "newton-cholesky"}, default="auto"
        All reach the same optimum. "auto" picks by the shape of the problem: "newton-cholesky"
        with few columns and classes, "newton-cg" otherwise.
    tol : float, default=1e-6
        Relative duality gap at which to stop: the objective is proven to be within this fraction
        of its minimum. Without a prior there is no such bound, and `tol` is the norm of the
        gradient relative to its norm at the start.
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
        1 prints one line an iteration.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The labels; 0..K-1 when y was an array of label masses.
    coef_ : ndarray of shape (K, d), or (1, d) when binary
        Weights, stored so that one row of X is scored without touching the others.
    intercept_ : ndarray of shape (K,) or (1,)
        Biases; they sum to 0 when K > 2.
    n_iter_ : ndarray of shape (1,)
        Outer iterations.
    convergence_ : dict
        ``objective``, ``duality_gap`` (both on the scale of the mean loss, in nats),
        ``relative_gap`` (gap / objective), ``gradient_norm``, ``kkt_violation`` (largest gradient
        entry in modulus), ``stop_reason`` ("converged", "max_iter", "precision" or "callback"),
        ``n_iter``, ``n_products`` (products with X and its transpose, in pairs), ``seconds``,
        ``solver``, ``space`` (coordinates of the weights: "rows" or "weights"), ``presolve``
        (``rows_merged``, ``columns_merged``), and ``history``, a dict of arrays ``iteration``,
        ``seconds``, ``objective``, ``gap``, ``kkt``. The last entries of the history are in full
        precision; earlier ones may come from single-precision iterates.
    n_features_in_ : int
        Number of columns d.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, when X had names that are all strings.

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

    _parameter_constraints: dict = {
        "C": [Interval(Real, 0, None, closed="right")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        C=1.0,
        fit_intercept=True,
        class_weight=None,
        solver="auto",
        tol=1e-6,
        max_iter=1000,
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.C = C
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Training data, float64 or float32 (other types become float64).
        y : array-like of shape (n,) or (n, K)
            Labels of any sortable kind, or non-negative label masses: distributions or counts.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; a row of weight 0 counts as absent.

        Returns
        -------
        self : MaxEntClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are malformed, hold fewer than two classes, or weigh nothing.
        """
        events = FitEvents(self, self.max_iter + 1, X, y, {"sample_weight": sample_weight})
        X, names = validate_training_data(self, X, y)
        labels = encode_labels(y, X, sample_weight, self.class_weight)
        problem = make_problem(canonical(X), labels)
        seed = 0 if self.random_state is None else check_random_state(self.random_state).randint(2**31)

        def report(record, model):
            if self.verbose:
                print(
                    f"[MaxEntClassifier] iteration {record['iteration']:4d}  {record['seconds']:8.2f} s  "
                    f"objective {record['objective']:.8g}  gap {record['gap']:.2e}",
                    flush=True,
                )
            if not events.listening:
                return False
            return events.step("iteration", lambda: {**names, **_parameters(labels.classes, *model())})

        with Workers(thread_count(self.n_jobs)) as workers:
            result = train(
                problem,
                C=self.C,
                fit_intercept=self.fit_intercept,
                solver=self.solver,
                tol=self.tol,
                max_iter=self.max_iter,
                workers=workers,
                seed=seed,
                start=self._previous(labels.classes, X.shape[1]) if self.warm_start else None,
                report=report,
            )
        self._warn(result)
        state = _parameters(labels.classes, result.weights, result.intercept) | names
        state["convergence_"] = result.report
        state["n_iter_"] = np.array([max(result.report["n_iter"], 1)], dtype=np.int32)
        if "feature_names_in_" not in names:
            self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(state)
        events.end(lambda: state)
        return self

    def _previous(self, classes, n_columns):
        """Weights (d, K) and intercept of the last fit, when they fit this one; None otherwise."""
        if not hasattr(self, "coef_") or not np.array_equal(self.classes_, classes):
            return None
        if self.coef_.shape[1] != n_columns:
            return None
        weights = self.coef_.T
        return weights.toarray() if sparse.issparse(weights) else weights, self.intercept_

    def _warn(self, result):
        """ConvergenceWarning when the fit stopped short of `tol`, saying how far and what to change."""
        report = result.report
        if result.separated:
            message = (
                "The training data are linearly separable: with C=np.inf the likelihood has no maximum and "
                "the weights grow without bound. They are finite only because the fit stopped. "
                "Set C to a finite value."
            )
        elif report["stop_reason"] in ("converged", "callback"):
            return
        else:
            reached = f"a gradient norm of {report['gradient_norm']:.1e}"
            if np.isfinite(report["relative_gap"]):
                reached = f"a relative duality gap of {report['relative_gap']:.1e}"
            change = "Increase max_iter"
            if report["stop_reason"] == "precision":
                change = "This is the limit of the floating-point precision of X: increase tol"
            message = (
                f"MaxEntClassifier stopped after {report['n_iter']} iterations with {reached} "
                f"(tol={self.tol:g}). {change}."
            )
        warnings.warn(message, ConvergenceWarning, stacklevel=3)

    def _scores(self, X):
        """Scores (n, K) or (n, 1) of validated or raw X."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse=("csr", "csc"), dtype=[np.float64, np.float32])
        if X.dtype != self.coef_.dtype:
            X = X.astype(self.coef_.dtype)  # casting the weights would copy far more
        scores = X @ self.coef_.T
        scores += self.intercept_
        return scores

    def decision_function(self, X):
        """Scores of the classes: the votes of the features, added up.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)

        Returns
        -------
        scores : ndarray of shape (n, K), or (n,) when binary
            Unnormalised log-probabilities; when binary, the log-odds of the second class.
        """
        scores = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X):
        """Most probable label of each row.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)

        Returns
        -------
        labels : ndarray of shape (n,)
        """
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)]

    def predict_proba(self, X):
        """Probability of each class in each row.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)

        Returns
        -------
        proba : ndarray of shape (n, K)
            Columns in the order of `classes_`.
        """
        scores = self._scores(X)
        if scores.shape[1] > 1:
            return softmax(scores, out=scores)[1]
        return logistic(np.hstack([-scores, scores]))[1]

    def predict_log_proba(self, X):
        """Logarithm of the probability of each class in each row, exact where it underflows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)

        Returns
        -------
        log_proba : ndarray of shape (n, K)
            Natural logarithms, columns in the order of `classes_`.
        """
        scores = self._scores(X)
        if scores.shape[1] > 1:
            return scores - softmax(scores)[0][:, None]
        return -logistic(np.hstack([scores, -scores]))[0]

    def expected_counts(self, X, sample_weight=None):
        """Expected value of every feature under the model: one side of the maximum-entropy constraint.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        counts : ndarray of shape (K, d)
            ``sum_i m_i p(k | x_i) x_ij``. At an optimum without prior they equal `observed_counts`
            on the training data; with it they differ by ``coef_ / C``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32])
        proba = self.predict_proba(X)
        if sample_weight is not None:
            proba *= np.asarray(sample_weight, dtype=proba.dtype)[:, None]
        return (X.T @ proba).T

    def observed_counts(self, X, y, sample_weight=None):
        """Observed value of every feature: the other side of the maximum-entropy constraint.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
        y : array-like of shape (n,) or (n, K)
            Labels among `classes_`, or label masses.
        sample_weight : array-like of shape (n,), default=None

        Returns
        -------
        counts : ndarray of shape (K, d)
            ``sum_i m_i [y_i = k] x_ij``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=[np.float64, np.float32])
        y = np.asarray(y)
        if y.ndim == 1:
            unknown = np.setdiff1d(y, self.classes_)
            if len(unknown):
                raise ValueError(f"y contains previously unseen labels: {unknown.tolist()}")
            y = self.classes_ == y[:, None]
        masses = y.astype(X.dtype)
        if sample_weight is not None:
            masses *= np.asarray(sample_weight, dtype=X.dtype)[:, None]
        return (X.T @ masses).T

    def sparsify(self):
        """Convert `coef_` to a sparse CSR array, to save memory where most weights are 0.

        Returns
        -------
        self : MaxEntClassifier
            The fitted estimator; it predicts as before.
        """
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self):
        """Convert `coef_` back to a dense array.

        Returns
        -------
        self : MaxEntClassifier
            The fitted estimator.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = np.ascontiguousarray(self.coef_.T.toarray()).T
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _parameters(classes, weights, intercept):
    """The attributes that prediction needs."""
    return {
        "classes_": classes,
        # A transposed view: the weights of one column lie together, as sparse products want them.
        "coef_": weights.T,
        "intercept_": np.asarray(intercept, dtype=weights.dtype),
    }
