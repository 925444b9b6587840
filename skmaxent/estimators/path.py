"""Regularisation paths: the model for one strength of the prior after another, each from the last."""

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch, check_random_state

from ..compat import validate_training_data
from ..convex.fit import optimise
from ..convex.prepare import prepare
from ..features.joint import JointFeatures
from ..numerics.sparse import canonical
from ..numerics.threads import Workers, thread_count
from .common.labels import encode_labels, make_problem
from .common.penalty import check_penalty
from .maxent import MaxEntClassifier


def strengths(Cs):
    """Values of C: an integer is the length of a logarithmic grid from 1e-4 to 1e4.

    Raises
    ------
    ValueError
        If there is none, or one is not positive.
    """
    Cs = np.logspace(-4, 4, Cs) if isinstance(Cs, Integral) else np.asarray(Cs, dtype=np.float64)
    if Cs.ndim != 1 or not len(Cs) or not (Cs > 0).all():
        raise ValueError(f"Cs must be a positive integer or a list of positive numbers. Got {Cs!r} instead.")
    return Cs


def solve_path(model, problem, Cs, workers):
    """Yields (index, Result) for each C from the smallest to the largest; presolve runs once.

    Parameters
    ----------
    model : MaxEntClassifier
        Its parameters other than `C` and `warm_start` apply.
    problem : Problem
    Cs : ndarray of shape (n_Cs,)
    workers : Workers
    """
    multipliers = check_penalty(model, problem)
    seed = 0 if model.random_state is None else check_random_state(model.random_state).randint(2**31)
    min_count = model.min_count if model.features == "observed" else None
    prepared = prepare(problem, model.l1_ratio, multipliers, model.fit_intercept, model.solver, min_count)
    start = None
    for index in np.argsort(Cs, kind="stable"):
        result = optimise(
            prepared,
            C=float(Cs[index]),
            l1_ratio=model.l1_ratio,
            fit_intercept=model.fit_intercept,
            tol=model.tol,
            max_iter=model.max_iter,
            workers=workers,
            seed=seed,
            start=start,
        )
        start = result.weights, result.intercept
        yield int(index), result


def maxent_path(X, y, *, Cs=10, l1_ratio=0.0, sample_weight=None, **parameters):
    """Weights of a maximum-entropy model along a path of prior strengths.

    Each fit starts from the one before, and presolve runs once. The weights are those of separate
    fits of `MaxEntClassifier`.

    Parameters
    ----------
    X : array-like or sparse array of shape (n, d)
    y : array-like of shape (n,) or (n, K)
        Labels, or label masses.
    Cs : int or array-like of shape (n_Cs,), default=10
        Inverse strengths of the prior; an integer is the length of a logarithmic grid from 1e-4 to
        1e4. With a Laplace part the path begins to have weights at `c_min`.
    l1_ratio : float, default=0.0
        Share of the Laplace prior.
    sample_weight : array-like of shape (n,), default=None
    **parameters : dict
        Other parameters of MaxEntClassifier, such as `features` ("all" or "observed"), `penalty_weights`,
        `fit_intercept`, `target_type`, `tol` and `n_jobs`; with ``verbose=1`` one line is printed for
        each C. `C`, `warm_start` and joint features, which would have no effect, are refused.

    Returns
    -------
    path : Bunch
        ``Cs`` (n_Cs,), ``coefs`` (n_Cs, K or 1, d), with observed pairs a list of sparse matrices,
        ``intercepts`` (n_Cs, K or 1), ``classes`` (K,),
        and for each C: ``objectives`` and ``gaps`` (mean loss scale, in nats), ``n_nonzero`` (weights
        that are not 0), ``n_iter``, ``seconds`` and ``converged``.

    Raises
    ------
    TypeError
        If a parameter is none of MaxEntClassifier, or has no effect on a path.
    ValueError
        If the data are malformed, or the features are joint features.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import c_min, maxent_path
    >>> X, y = load_iris(return_X_y=True)
    >>> path = maxent_path(X, y, Cs=c_min(X, y) * np.array([1, 10, 100]), l1_ratio=1)
    >>> path.n_nonzero.tolist()[0]
    0
    """
    for name, instead in (
        ("C", "give the values of C as 'Cs'"),
        ("warm_start", "each fit of a path has one"),
    ):
        if name in parameters:
            raise TypeError(f"maxent_path() got an unexpected keyword argument {name!r}: {instead}.")
    model = MaxEntClassifier(l1_ratio=l1_ratio, **parameters)
    if isinstance(model.features, JointFeatures):
        raise ValueError(
            "maxent_path supports only features='all' and features='observed', got joint features. Fit a "
            "MaxEntClassifier(features=..., warm_start=True) for each C."
        )
    model._validate_params()
    Cs = strengths(Cs)
    X, _ = validate_training_data(model, X, y)
    labels = encode_labels(y, X, sample_weight, model.class_weight, model.target_type)
    problem = make_problem(canonical(X), labels)
    K, d = problem.n_outputs, X.shape[1]
    observed = model.features == "observed"
    path = Bunch(
        Cs=Cs,
        classes=labels.classes,
        coefs=[None] * len(Cs) if observed else np.empty((len(Cs), d, K), X.dtype).transpose(0, 2, 1),
        intercepts=np.empty((len(Cs), K), X.dtype),
        n_iter=np.empty(len(Cs), dtype=np.int32),
        n_nonzero=np.empty(len(Cs), dtype=np.intp),
        converged=np.empty(len(Cs), dtype=bool),
        **{name: np.empty(len(Cs)) for name in ("objectives", "gaps", "seconds")},
    )
    with Workers(thread_count(model.n_jobs)) as workers:
        for index, result in solve_path(model, problem, Cs, workers):
            report = result.report
            path.coefs[index], path.intercepts[index] = result.weights.T, result.intercept
            path.objectives[index], path.gaps[index] = report["objective"], report["duality_gap"]
            path.n_nonzero[index] = result.weights.nnz if observed else np.count_nonzero(result.weights)
            path.n_iter[index], path.seconds[index] = report["n_iter"], report["seconds"]
            path.converged[index] = report["stop_reason"] == "converged"
            if model.verbose:
                print(
                    f"[maxent_path] C {Cs[index]:.4g}  {report['seconds']:8.2f} s  objective "
                    f"{report['objective']:.8g}  gap {report['duality_gap']:.2e}",
                    flush=True,
                )
    return path
