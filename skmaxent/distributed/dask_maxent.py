"""DaskMaxEntClassifier: the maximum-entropy classifier on rows that the workers of a dask cluster hold."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import TYPE_CHECKING

from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..compat import FitEvents, fit_context, with_callbacks
from ..convex.machine.parts import Survey
from ..convex.machine.solve import train_rows
from ..estimators.common.advice import with_advice
from ..estimators.common.partitioned import fit_rows
from ..estimators.maxent import MaxEntClassifier, parameters
from .checkpoint import Checkpoint
from .collections import column_names, is_collection, take_apart
from .crew import Crew, CrewBackend
from .dask_cluster import DaskCluster, client_of
from .lazy import predict_lazily, score_lazily
from .recovery import FitLost, Journey

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

OWN = ("client", "timeout", "checkpoint", "max_recoveries")


class DaskMaxEntClassifier(MaxEntClassifier):
    """MaxEntClassifier on a dask cluster: the same optimum with the same proof, the rows where they lie.

    The workers hold the partitions and answer sums over their rows; the client runs the same solvers on the
    weights. So results do not depend on how many workers there are, to the last bit, and hardly on the
    number of partitions. Workers may be lost, and others may join, at any time: the fit goes on from its
    last iterate.

    Parameters
    ----------
    C, l1_ratio, features, min_count, penalty_weights, fit_intercept, class_weight, target_type
        As in MaxEntClassifier; `features` are columns ("all" or "observed"), and all weights have a penalty.
    tol, max_iter, warm_start, random_state, verbose
        As in MaxEntClassifier.
    solver : {"auto", "newton-cg", "lbfgs", "working-set"}, default="auto"
        As in MaxEntClassifier.
    n_jobs : int, default=None
        Threads of the client, for its work on the weights; a worker uses as many as it has for tasks.
    client : distributed.Client, default=None
        The cluster. None takes that of the futures among the data, or dask's current client.
    timeout : float, default=60.0
        Seconds without a sign of life after which a worker counts as lost, and that a fit waits for a worker
        where there is none. A worker whose process ends is noticed at once.
    checkpoint : str or path-like, default=None
        A file for the last iterate, from which the next `fit` goes on if the client itself is lost; it is
        removed at the end of the fit.
    max_recoveries : int, default=3
        How often in a row workers may be lost without an iteration between.

    Attributes
    ----------
    classes_, coef_, intercept_, n_iter_, n_features_in_, feature_names_in_
        As in MaxEntClassifier, NumPy arrays.
    convergence_ : dict
        As in MaxEntClassifier, and ``passes`` over the data, ``round_trips``, ``bytes_sent`` to and
        ``bytes_received`` from all workers together, ``n_partitions``, ``n_recoveries`` (how often workers
        were lost) and ``n_moves`` (how often partitions were given to workers that joined).

    See Also
    --------
    MaxEntClassifier : For rows in the memory of one machine, or in files on its disk.

    Notes
    -----
    Predictions of a collection are lazy dask arrays in its partitions, those of an array are arrays.

    Examples
    --------
    >>> import dask.array as da  # doctest: +SKIP
    >>> from distributed import Client  # doctest: +SKIP
    >>> from skmaxent.distributed import DaskMaxEntClassifier  # doctest: +SKIP
    >>> client = Client()  # doctest: +SKIP
    >>> model = DaskMaxEntClassifier().fit(X, y)  # doctest: +SKIP
    >>> model.predict(X).compute()  # doctest: +SKIP
    """

    _parameter_constraints: dict[str, Any] = {
        **MaxEntClassifier._parameter_constraints,
        "features": [StrOptions({"all", "observed"})],
        "client": "no_validation",
        "timeout": [Interval(Real, 0, None, closed="neither")],
        "checkpoint": [str, os.PathLike, None],
        "max_recoveries": [Interval(Integral, 0, None, closed="left")],
    }

    @with_advice
    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        features: str = "all",
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
        client: Any = None,
        timeout: float = 60.0,
        checkpoint: str | os.PathLike[str] | None = None,
        max_recoveries: int = 3,
    ):
        super().__init__(
            C=C,
            l1_ratio=l1_ratio,
            features=features,
            min_count=min_count,
            penalty_weights=penalty_weights,
            fit_intercept=fit_intercept,
            class_weight=class_weight,
            target_type=target_type,
            solver=solver,
            tol=tol,
            max_iter=max_iter,
            warm_start=warm_start,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.client = client
        self.timeout = timeout
        self.checkpoint = checkpoint
        self.max_recoveries = max_recoveries

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : dask array or DataFrame of shape (n, d), or list of partitions
            CSR or dense blocks in one chunk of columns; the numbers of their rows may be unknown. A list
            holds delayed objects, futures, sparse matrices or arrays.
        y : dask array or Series of shape (n,), dask array of shape (n, K), or list
            In the same partitions; an array where the numbers of rows are known.
        sample_weight : like y, default=None
            Non-negative weights.

        Returns
        -------
        self : DaskMaxEntClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are malformed, behind the name of the partition, hold fewer than two classes, or weigh
            nothing; without a penalty (``C=np.inf`` or a penalty weight of 0).
        FitLost
            A RuntimeError: if workers are lost more than `max_recoveries` times in a row without an iteration
            between. Its attribute ``model`` is a MaxEntClassifier with the last weights.
        """
        events = FitEvents(self, None, X, y, {"sample_weight": sample_weight})
        sources = take_apart(X, y, sample_weight)
        client = client_of(self.client, [source.X for source in sources])
        cluster = DaskCluster(client, sources, {"target_type": self.target_type}, self.timeout)
        with Crew(cluster, len(sources), self.timeout) as crew:
            return self._fit_crew(crew, X, events)

    def _fit_crew(self, crew, X, events):
        """The body of `fit` on the actors of a crew that holds nothing yet."""
        journey = Journey(crew, self.max_iter, self.max_recoveries)
        survey = Survey.merged(journey.persist(crew.surveys), crew.names)
        about, names = {"n_features_in_": survey.n_columns}, column_names(X)
        if names is not None:
            about["feature_names_in_"] = names
        checkpoint = None
        if self.checkpoint is not None:
            checkpoint = Checkpoint(self.checkpoint, survey.classes, survey.n_columns)

        def attributes(*model):
            return about | parameters(*model)

        def make_backend(labelling, workers):
            return CrewBackend(crew, survey.n_columns, labelling.n_outputs, workers)

        def train(backend, labelling, *, start, report, max_iter, **settings):
            def solve(start, max_iter, report):
                crew.settle(labelling, survey.n_columns)
                return train_rows(
                    backend, labelling, start=start, report=report, max_iter=max_iter, **settings
                )

            journey.begin(start, report, checkpoint)
            try:
                result = journey.go(solve)
            except FitLost as error:
                if journey.start is not None:
                    error.model = self._local(attributes(survey.classes, *journey.start))
                raise
            result.report |= crew.report()
            return result

        fit_rows(self, X, survey, make_backend, events, attributes, train)
        if checkpoint is not None:
            checkpoint.remove()
        return self

    def predict(self, X: Any) -> Any:
        """Most probable label of each row.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), or collection as in `fit`

        Returns
        -------
        labels : ndarray or dask array of shape (n,)
        """
        return self._predicted("predict", X)

    def predict_proba(self, X: Any) -> Any:
        """Probability of each class in each row.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), or collection as in `fit`

        Returns
        -------
        proba : ndarray or dask array of shape (n, K)
            Columns in the order of `classes_`.
        """
        return self._predicted("predict_proba", X)

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithm of the probability of each class in each row.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), or collection as in `fit`

        Returns
        -------
        log_proba : ndarray or dask array of shape (n, K)
        """
        return self._predicted("predict_log_proba", X)

    def decision_function(self, X: Any) -> Any:
        """Scores of the classes.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), or collection as in `fit`

        Returns
        -------
        scores : ndarray or dask array of shape (n, K), or (n,) when binary
        """
        return self._predicted("decision_function", X)

    def _predicted(self, method, X):
        check_is_fitted(self)
        if is_collection(X):
            return predict_lazily(self.to_local(), method, X, self.client)
        return getattr(super(), method)(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Accuracy; on label masses the expected accuracy.

        Parameters
        ----------
        X : array-like or sparse array of shape (n, d), or collection as in `fit`
        y, sample_weight : as in `fit`

        Returns
        -------
        score : float, or dask array without dimensions, of a collection
        """
        check_is_fitted(self)
        if is_collection(X):
            return score_lazily(self.to_local(), X, y, sample_weight, self.client)
        return super().score(X, y, sample_weight)

    def __sklearn_clone__(self):
        """A client cannot be copied: copies share it."""
        bare = type(self)(**(self.get_params(deep=False) | {"client": None}))
        copy = super(DaskMaxEntClassifier, bare).__sklearn_clone__()
        copy.client = self.client
        return copy

    def __getstate__(self):
        return {**super().__getstate__(), "client": None}

    def to_local(self) -> MaxEntClassifier:
        """The fitted model as a MaxEntClassifier, which needs no cluster.

        Returns
        -------
        model : MaxEntClassifier
        """
        check_is_fitted(self)
        return self._local({name: value for name, value in vars(self).items() if name.endswith("_")})

    def _local(self, state):
        """A MaxEntClassifier with our parameters and the given fitted attributes."""
        parameters = {name: value for name, value in self.get_params(deep=False).items() if name not in OWN}
        model = MaxEntClassifier(**parameters)
        model.__dict__.update(state)
        return model
