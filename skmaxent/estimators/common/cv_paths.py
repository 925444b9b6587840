"""One path of a search: the models of one training part for all C, scored on the part left out."""

import numpy as np
from scipy import sparse

from ...convex.fit import path as solve_path
from ...convex.reductions.present_classes import mean_intercept
from ...features.joint import JointFeatures
from ...numerics.threads import Workers
from .convex_fit import solver_settings
from .joint import joint_problem
from .labels import encode_labels, make_problem
from .prediction import stored_weights
from .validation import KnownDesign


def score_path(model, train, test, classes, Cs, scorer, keep, report):
    """Scores, weights and iterations along one path.

    Parameters
    ----------
    model : MaxEntClassifier
        Has the settings, and is given the weights of each C in turn.
    train : Part
        Its options hold the "sample_weight" of the fits.
    test : Part
    classes : ndarray of shape (K,)
        All labels; the training part may lack some.
    Cs : ndarray of shape (n_Cs,)
    scorer : callable
    keep : bool
        Whether to keep the weights.
    report : callable
        Told of each fit: its place in `Cs`, model, score, `convergence_` and training part.

    Returns
    -------
    path : dict
        ``scores_`` and ``n_iter_``, arrays of shape (n_Cs,); ``unconverged``, the number of fits that
        stopped early; ``coefs_paths_``, what `kept_weights` gives for each C.
    """
    features = model.features
    joint = isinstance(features, JointFeatures)
    labels = encode_labels(
        train.y, train.X, train.options.get("sample_weight"), model.class_weight, model.target_type, classes
    )
    model.classes_ = classes
    if joint:
        model.joint_table_, problem = joint_problem(features, train.X, labels)
    else:
        problem, model.n_features_in_ = make_problem(train.X, labels), train.X.shape[1]
    fit_intercept = model.fit_intercept and not joint
    settings = solver_settings(model, problem, fit_intercept)
    if joint:
        model.features = KnownDesign(features, test.X)
    path = {"scores_": np.empty(len(Cs)), "n_iter_": np.empty(len(Cs), np.int32), "unconverged": 0}
    kept = [None] * len(Cs)
    # Inside joblib's threads this is one thread each; alone, all cores.
    with Workers(None, None) as workers:
        for index, result in solve_path(problem, Cs, workers=workers, **settings):
            if joint:
                model.coef_ = result.weights[:, 0]
            else:
                model.coef_ = stored_weights(result.weights)
                model.intercept_ = result.intercept.astype(train.X.dtype)
            model.C = float(Cs[index])
            path["scores_"][index] = scorer(model, test.X, test.y, **test.options)
            report(index, model, path["scores_"][index], result.report, train)
            path["n_iter_"][index] = result.report["n_iter"]
            path["unconverged"] += result.report["stop_reason"] not in ("converged", "precision")
            if keep:
                kept[index] = kept_weights(model, result, fit_intercept)
    path["coefs_paths_"] = kept
    return path


def kept_weights(model, result, fit_intercept):
    """The weights of one fit as `coefs_paths_` shows them.

    Returns
    -------
    weights : ndarray or csc_matrix (for observed pairs) of shape (K or 1, d or d + 1), the intercept last; or
        ndarray of shape (p,) for joint features
    """
    if hasattr(model, "joint_table_"):
        return model.coef_.copy()  # the next fit works in its place
    parts = [result.weights.T]
    if fit_intercept:
        parts.append(model.intercept_[:, None])
    if sparse.issparse(result.weights):
        return sparse.csc_matrix(sparse.hstack(parts))
    return np.hstack(parts)


def arranged(weights, grid):
    """Weights of all fits, a list, as an array of the shape `grid`: of numbers, or of what each fit has."""
    if isinstance(weights[0], np.ndarray) and weights[0].ndim == 2:
        return np.array(weights).reshape(*grid, *weights[0].shape)
    cells = np.empty(len(weights), dtype=object)
    cells[:] = weights
    return cells.reshape(grid)


def mean_model(stored, d, fit_intercept):
    """`coef_` and `intercept_`, the means of the weights that `kept_weights` gave for some fits."""
    mean, intercept = sum(stored[1:], stored[0]) / len(stored), np.zeros(stored[0].shape[0], stored[0].dtype)
    if fit_intercept:
        last = [fit[:, [d]] for fit in stored]
        last = [column.toarray() if sparse.issparse(column) else column for column in last]
        intercept = mean_intercept(np.array(last)[:, :, 0])
    return {"coef_": stored_weights(mean[:, :d].T), "intercept_": intercept}
