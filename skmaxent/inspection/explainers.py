"""One prediction of a linear classifier, or of a network nearby, taken apart into votes."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from ..estimators.maxent import MaxEntClassifier
from ..estimators.ranker import MaxEntRanker
from .explanation import Explanation
from .joint import candidate_votes, form, joint_votes
from .model import (
    as_rows,
    centre,
    decompose,
    is_approximate,
    n_features,
    prediction,
    probabilities,
    transform,
    unwrap,
)
from .origins import feature_leaves, names_of
from .words import marked_texts


@validate_params(
    {"top": [Interval(Integral, 1, None, closed="left"), None], "contrast": [tuple, list, None]},
    prefer_skip_nested_validation=True,
)
def explain(estimator, X_row, *, top=10, contrast=None):
    """Take one prediction apart into the votes of its features.

    The vote of feature j for class c is its value times its weight, x_j W_cj, less the mean over the
    classes; the means of all features and intercepts make one row of their own. A binary model has
    one column: votes for ``classes_[1]`` against ``classes_[0]``. Networks with hidden layers get
    gradient times input [1]_, with the rest of the score in a row of its own.

    Parameters
    ----------
    estimator : estimator
        Fitted linear classifier (`coef_`, `intercept_`) or multilayer perceptron (`coefs_`,
        `intercepts_`), MaxEntClassifier with joint features, or MaxEntRanker, alone or at the end of
        a Pipeline (scikit-learn's or imbalanced-learn's). A fitted search uses its best estimator;
        FrozenEstimator and SelfTrainingClassifier the one inside. Of FixedThresholdClassifier,
        TunedThresholdClassifierCV and CalibratedClassifierCV the votes are those of the classifier
        inside, prediction and probabilities their own.
    X_row : sample
        One sample of what `estimator` was fitted on: a text, a dict, an array of shape (d,), or
        anything with one row; with joint features one datum of any kind; for a MaxEntRanker the
        candidates of one group, shape (C, d).
    top : int or None, default=10
        Number of features to show, those with the largest votes, in size, for the class with the
        highest score (with `contrast`: for the difference). None shows all that are not zero.
    contrast : pair of classes, optional
        ("A", "B") shows what separates A from B: differences of votes, positive for A.

    Returns
    -------
    explanation : Explanation

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator is neither linear nor a network, if X_row is not one row, or if `contrast`
        is not two classes of the estimator. If it is a CalibratedClassifierCV that averages the
        probabilities of several classifiers (``ensemble=True``): no votes sum to that mean. Explain one of
        them, ``calibrated_classifiers_[i].estimator``, or fit with ``ensemble=False``.

    Notes
    -----
    Only the non-zero features of the row are read and only the shown ones are named, so the cost
    does not grow with the number of columns, except for one pass over a vectorizer's vocabulary.

    References
    ----------
    .. [1] Shrikumar, Greenside, Kundaje (2017). Learning important features through propagating
       activation differences. ICML.
    """
    peeled = unwrap(estimator, (MaxEntClassifier, MaxEntRanker))
    steps, classifier, decider, n_before = peeled
    kind = form(classifier)
    data = as_rows(X_row) if kind == "columns" else [X_row] if kind == "joint" else X_row
    rows = transform(steps[:n_before], data)
    votes_of = {"columns": decompose, "joint": joint_votes, "candidates": candidate_votes}[kind]
    parts = votes_of(classifier, transform(steps[n_before:], rows))
    labels = list(range(parts.offset.size)) if kind == "candidates" else classifier.classes_.tolist()
    weights, offset, mean, columns, against = centre(parts, classifier, labels, contrast, kind)
    votes = parts.values[:, None] * weights
    scores = votes.sum(axis=0) + offset + mean
    focus = int(np.argmax(scores))
    size = votes.shape[0] if top is None else min(top, votes.shape[0])
    ranks = -np.abs(votes[:, focus])
    chosen = (
        np.argpartition(ranks, size - 1)[:size] if 0 < size < votes.shape[0] else np.arange(votes.shape[0])
    )
    chosen = chosen[np.argsort(ranks[chosen], kind="stable")]
    rest = np.ones(votes.shape[0], dtype=bool)
    rest[chosen] = False
    if kind == "joint":
        names, texts = classifier.joint_feature_names_[parts.columns[chosen]].tolist(), []
    else:
        width = n_features(classifier)
        names = names_of(feature_leaves(steps, classifier, parts.columns[chosen], width), size)
        leaves = feature_leaves(steps, classifier, parts.columns, width)
        texts = marked_texts(steps, data, leaves, votes[:, focus]) if kind == "columns" else []
    return Explanation(
        estimator_name=type(classifier).__name__,
        decider_name=type(decider).__name__,
        classes=columns,
        against=against,
        prediction=prediction(peeled, rows, parts, labels),
        probabilities=probabilities(decider, rows, parts, labels),
        features=names,
        values=parts.values[chosen],
        weights=weights[chosen],
        votes=votes[chosen],
        remainder=votes[rest].sum(axis=0),
        n_remaining=int(rest.sum()),
        offset=offset,
        class_mean=mean,
        scores=scores,
        focus=focus,
        score_name=(
            "difference of scores"
            if contrast is not None
            else "score"
            if is_approximate(classifier)
            else "decision function"
        ),
        approximate=is_approximate(classifier),
        form=kind,
        marked_texts=texts,
    )
