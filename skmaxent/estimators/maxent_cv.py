"""MaxEntClassifierCV: the prior of a maximum-entropy classifier chosen by cross-validation."""

from __future__ import annotations

from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ..compat import (
    BaseEstimator,
    CallbackSupport,
    ClassifierMixin,
    FitEvents,
    VersionedPickle,
    check_sample_weight,
    fit_context,
    validate_training_data,
    warn_user,
    with_callbacks,
)
from ..features.joint import JointFeatures
from ..numerics.sparse import canonical
from .common.advice import advice_on, advise_observed, with_advice
from .common.convex_fit import SOLUTION, SOMETIMES
from .common.cv_paths import arranged, mean_model, score_path
from .common.cv_routing import SearchRouting
from .common.cv_scoring import best_place, make_scoring, warn_of_nonfinite
from .common.joint import JointNames, as_data
from .common.labels import LABELS, encode_labels, make_problem
from .common.penalty import penalty_name
from .common.prediction import Prediction
from .common.reports import FitReport
from .common.targets import label_masses
from .common.validation import Part, given_validation
from .maxent import MaxEntClassifier
from .path import strengths

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

    from numpy.typing import ArrayLike


class MaxEntClassifierCV(
    SearchRouting, Prediction, JointNames, CallbackSupport, VersionedPickle, ClassifierMixin, BaseEstimator
):
    """Maximum-entropy classifier whose prior is chosen by cross-validation, or on a validation set.

    For each fold and each share of the Laplace prior one warm-started path of fits runs from the
    smallest C to the largest, with one presolve; the model is then fitted to all data. With a
    validation set (`X_val` of `fit`) the one path of each share is fitted to the training data and
    scored on it.

    Parameters
    ----------
    Cs : int or list of floats, default=10
        Inverse strengths of the prior to try; an integer is the length of a logarithmic grid from
        1e-4 to 1e4.
    l1_ratios : array-like of shape (n_l1_ratios,), default=(0.0,)
        Shares of the Laplace prior to try.
    cv : int or cross-validation generator, default=None
        Number of folds (None: 5), stratified unless `y` has two dimensions, or how to split. None with
        a validation set.
    scoring : str or callable, default=None
        What to maximise; None is accuracy. On label masses "accuracy" is the expected accuracy and
        "neg_log_loss" minus the mean of -log p over the mass. A score that takes ``labels`` is told
        all classes, because a fold may lack some. A pair with a score of NaN is never chosen before
        one without.
    refit : bool, default=True
        Whether to fit on all data with the best pair. Otherwise the weights are the mean over the
        folds of each fold's best, and so are `C_` and `l1_ratio_`.
    store_paths : bool, default=True
        Whether to keep `coefs_paths_`, which takes the memory of as many models as there are fits.
    features : {"all", "observed"} or JointFeatures, default="all"
        What a feature is, as in MaxEntClassifier. Pairs are observed, and templates find their
        predicates, in the training part of each fold. Joint features need ``refit=True``.
    min_count : int, default=1
        As in MaxEntClassifier, counted in the training part of each fold.
    penalty_weights : array-like of shape (d,) or (K, d), default=None
        Factors on the penalty, as in MaxEntClassifier.
    fit_intercept : bool, default=True
        Whether each class gets an unpenalised bias.
    class_weight : dict or "balanced", default=None
        As in MaxEntClassifier; "balanced" balances the classes of each training part.
    target_type : {"auto", "masses"}, default="auto"
        What a `y` of shape (n, K) means, as in MaxEntClassifier.
    solver : str, default="auto"
        As in MaxEntClassifier.
    tol : float, default=1e-6
        Relative duality gap at which each fit stops.
    max_iter : int, default=1000
        Largest number of outer iterations of each fit.
    n_jobs : int, default=None
        Number of paths that run at the same time, in threads. None is 1, and then each fit uses all
        cores.
    random_state : int, RandomState instance or None, default=None
        As in MaxEntClassifier.
    verbose : int, default=0
        1 prints one line a fit, when it is over.

    Attributes
    ----------
    C_ : float
        The best inverse strength of the prior.
    l1_ratio_ : float
        The best share of the Laplace prior.
    Cs_ : ndarray of shape (n_Cs,)
    l1_ratios_ : ndarray of shape (n_l1_ratios,)
    scores_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs)
        Score of each fit on the part left out.
    coefs_paths_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs, K or 1, d or d + 1)
        Weights of each fit, the intercept last, when `fit_intercept` and `store_paths`. With observed
        pairs an object array (n_folds, n_l1_ratios, n_Cs) of sparse matrices; with joint features one
        of arrays (p,), where p differs by fold.
    n_iter_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs)
    classes_ : ndarray of shape (K,)
        The labels.
    coef_ : ndarray of shape (K, d), or (1, d) when binary, or (p,) with joint features
        Weights of the final fit; sparse where those of MaxEntClassifier are.
    intercept_ : ndarray of shape (K,) or (1,)
        Biases of the final fit; joint features have none.
    joint_feature_names_ : ndarray of shape (p,)
    joint_table_ : dict
        With joint features, as in MaxEntClassifier.
    n_features_in_ : int
        Number of columns d; joint features have none.
    feature_names_in_ : ndarray of shape (d,)
        Names of the columns, when X had names that are all strings.
    convergence_ : dict
        As in MaxEntClassifier, of the final fit; with ``refit=False`` empty.
    penalty : {"l1", "l2", "elasticnet"} or None
        As in MaxEntClassifier, of the best pair; before `fit` of all pairs.

    See Also
    --------
    sklearn.linear_model.LogisticRegressionCV : The attributes are those of its
        ``use_legacy_attributes=False``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifierCV
    >>> X, y = load_iris(return_X_y=True)
    >>> MaxEntClassifierCV(Cs=[0.01, 1]).fit(X, y).C_
    1.0
    """

    C_: float
    l1_ratio_: float
    Cs_: np.ndarray
    l1_ratios_: np.ndarray
    scores_: np.ndarray
    coefs_paths_: np.ndarray
    n_iter_: np.ndarray
    classes_: np.ndarray
    coef_: Any
    intercept_: np.ndarray
    n_features_in_: int
    feature_names_in_: np.ndarray
    joint_table_: dict[str, Any]
    convergence_: dict[str, Any]

    _parameter_constraints: dict[str, Any] = {
        **SOLUTION,
        **LABELS,
        "Cs": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratios": ["array-like"],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "refit": ["boolean"],
        "store_paths": ["boolean"],
        "features": [StrOptions({"all", "observed"}), JointFeatures],
        "min_count": [Interval(Integral, 1, None, closed="left")],
    }

    @with_advice
    def __init__(
        self,
        *,
        Cs: int | ArrayLike = 10,
        l1_ratios: ArrayLike = (0.0,),
        cv: Any = None,
        scoring: str | Callable[..., float] | None = None,
        refit: bool = True,
        store_paths: bool = True,
        features: str | JointFeatures = "all",
        min_count: int = 1,
        penalty_weights: ArrayLike | None = None,
        fit_intercept: bool = True,
        class_weight: dict[Any, float] | str | None = None,
        target_type: str = "auto",
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int | bool = 0,
    ):
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.store_paths = store_paths
        self.features = features
        self.min_count = min_count
        self.penalty_weights = penalty_weights
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.target_type = target_type
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
        **params: Any,
    ) -> Self:
        """Choose the prior and fit the model.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), or list of n data with joint features
            Rows; with joint features a list of data.
        y : array-like of shape (n,) or (n, K)
            Labels, or label masses. A class that the training part of a fold lacks is there a class
            without weight.
        sample_weight : array-like of shape (n,), default=None
            Weights for fitting, and for scoring unless metadata routing says otherwise.
        X_val, y_val : like X and y, default=None
            Validation set: every model of the search is fitted to X and y and scored here, and so is
            the final one to X and y alone; there are no folds (``n_folds`` is 1). In a Pipeline
            ``transform_input=["X_val"]`` takes it through the steps before.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights for scoring on the validation set.
        **params : dict
            ``groups`` for the splitter; when metadata routing is enabled, what the splitter and the
            scorer ask for.

        Returns
        -------
        self : MaxEntClassifierCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are malformed, or parameters exclude each other.
        """
        routed = self._routed("fit", sample_weight, params)
        joint, X_in, y_in = isinstance(self.features, JointFeatures), X, y
        metadata = {"sample_weight": sample_weight}
        X, names = self._read(X, y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        labels = encode_labels(y, X, sample_weight, self.class_weight, self.target_type)
        if not joint:
            advise_observed(self, make_problem(X, labels))
        classes = labels.classes
        validation = given_validation(self, names, y, classes, X_val, y_val, sample_weight_val)
        masses = label_masses(y, self.target_type)
        train = Part(X, column_or_1d(y) if masses is None else masses, {"sample_weight": sample_weight})
        weights = routed.scorer.score.get("sample_weight")
        if weights is not None:
            routed.scorer.score["sample_weight"] = check_sample_weight(weights, X)
        test, folds = Part(X, train.y, routed.scorer.score), self._folds(train, validation, routed)
        scorer = make_scoring(self.scoring, y, classes, "auto" if masses is None else "masses")
        Cs, l1_ratios = strengths(self.Cs), self._shares()
        keep = self.store_paths or not self.refit
        grid = (len(folds), len(l1_ratios), len(Cs))
        n_steps = int(np.prod(grid)) + bool(self.refit)
        events = FitEvents(self, n_steps, X_in, y_in, metadata, ordered=False)
        report = FitReport(self, events, grid, names | {"classes_": classes})

        def parts(fold):
            return (train, validation) if fold is None else (train.take(fold[0]), test.take(fold[1]))

        paths = Parallel(n_jobs=self.n_jobs, require="sharedmem")(  # also under dask's backend
            delayed(score_path)(
                self._model(1.0, float(l1_ratios[share])),
                *parts(folds[fold]), classes, Cs, scorer, keep, partial(report, (fold, share)),
            )
            for fold, share in np.ndindex(grid[:2])
        )  # fmt: skip
        state = {name: np.array([p[name] for p in paths]).reshape(grid) for name in ("scores_", "n_iter_")}
        if keep:
            weights = [weights for path in paths for weights in path["coefs_paths_"]]
            state["coefs_paths_"] = arranged(weights, grid)
        state |= {"Cs_": Cs, "l1_ratios_": l1_ratios, "classes_": classes, **names}
        self._warn_unless_converged(sum(path["unconverged"] for path in paths), np.prod(grid))
        state |= self._choose(state, X_in, y_in, sample_weight)
        if not self.store_paths:
            state.pop("coefs_paths_", None)
        for name in SOMETIMES | {"coefs_paths_"}:
            self.__dict__.pop(name, None)
        self.__dict__.update(state)
        if self.refit:
            events.step("refit", lambda: state, number=np.prod(grid))
        events.end(lambda: state)
        return self

    def _read(self, X, y):
        """X as a list of data or a canonical matrix, and the attributes about its columns."""
        if isinstance(self.features, JointFeatures):
            if not self.refit:
                raise ValueError(
                    "refit=False averages the weights of the folds, and with joint features each fold has "
                    "features of its own. Use refit=True."
                )
            return as_data(X, type(self).__name__), {}
        with advice_on(X, self):
            X, names = validate_training_data(self, X, y)
        return canonical(X.tocsr() if hasattr(X, "tocsr") else X), names

    def _warn_unless_converged(self, unconverged, n_fits):
        """ConvergenceWarning where fits of the search stopped short of `tol`."""
        if unconverged:
            warn_user(
                f"{unconverged} of {n_fits} fits of the search stopped before the "
                f"relative duality gap was below tol={self.tol:g}. Increase max_iter or tol.",
                ConvergenceWarning,
            )

    def _shares(self):
        """`l1_ratios` as an array, checked."""
        l1_ratios = np.asarray(self.l1_ratios, dtype=np.float64)
        if l1_ratios.ndim != 1 or not len(l1_ratios) or not ((l1_ratios >= 0) & (l1_ratios <= 1)).all():
            raise ValueError(
                "l1_ratios must be an array-like of numbers between 0 and 1; got "
                f"(l1_ratios={self.l1_ratios!r})"
            )
        return l1_ratios

    def _model(self, C, l1_ratio):
        """A MaxEntClassifier with this estimator's parameters."""
        shared = MaxEntClassifier().get_params().keys() & self.get_params().keys()
        parameters = {name: getattr(self, name) for name in shared - {"verbose", "n_jobs"}}
        return MaxEntClassifier(C=C, l1_ratio=l1_ratio, **parameters)

    def _choose(self, state, X, y, sample_weight):
        """The best pair and the model that goes with it."""
        scores, Cs, l1_ratios = state["scores_"], state["Cs_"], state["l1_ratios_"]
        means = scores.mean(axis=0)
        warn_of_nonfinite(means)
        if self.refit:
            r, c = best_place(means)
            model = self._model(float(Cs[c]), float(l1_ratios[r])).fit(X, y, sample_weight=sample_weight)
            if self.verbose:
                print(
                    f"[{type(self).__name__}] best: l1_ratio {l1_ratios[r]:g}  C {Cs[c]:.4g}  "
                    f"mean score {means[r, c]:.4f}",
                    flush=True,
                )
            names = {"coef_", "intercept_", "joint_table_", "convergence_"} & vars(model).keys()
            chosen = {name: getattr(model, name) for name in names}
            return chosen | {"C_": float(Cs[c]), "l1_ratio_": float(l1_ratios[r])}
        best = [best_place(fold) for fold in scores]
        stored = [state["coefs_paths_"][i, r, c] for i, (r, c) in enumerate(best)]
        return mean_model(stored, state["n_features_in_"], self.fit_intercept) | {
            "convergence_": {},
            "C_": float(np.mean([Cs[c] for _, c in best])),
            "l1_ratio_": float(np.mean([l1_ratios[r] for r, _ in best])),
        }

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, **score_params: Any) -> float:
        """Score with `scoring`.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d)
            Rows with the columns of `fit`; with joint features a list of data.
        y : array-like of shape (n,) or (n, K)
            Labels, or label masses as in `fit`.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows; None: all 1.
        **score_params : dict
            Metadata for the scorer, when metadata routing is enabled.

        Returns
        -------
        score : float
            Of `scoring`, or accuracy; greater is better.
        """
        check_is_fitted(self)
        routed = self._routed("score", sample_weight, score_params)
        if sample_weight is not None and "sample_weight" not in routed.scorer.score:
            name = f"{type(self).__name__}.score got unexpected argument(s) {{'sample_weight'}}"
            raise TypeError(f"{name}, which are not routed to any object.")
        scorer = make_scoring(self.scoring, y, self.classes_, self.target_type)
        return scorer(self, X, y, **routed.scorer.score)

    @property
    def penalty(self) -> str | None:
        """Kind of the prior in scikit-learn's words: of the best pair, before `fit` of all."""
        if hasattr(self, "l1_ratio_"):
            return penalty_name(self.C_, self.l1_ratio_)
        names = {penalty_name(1.0, l1_ratio) for l1_ratio in self.l1_ratios}
        return names.pop() if len(names) == 1 else "elasticnet"
