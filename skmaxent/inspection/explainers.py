"""One prediction of a linear classifier, or of a network nearby, taken apart into votes."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils._param_validation import Interval

from ..compat import validate_params
from .explanation import Explanation
from .forms import form_of, unwrap
from .model import centre, is_approximate, prediction, probabilities, transform

if TYPE_CHECKING:
    from typing import Any


@validate_params(
    {"top": [Interval(Integral, 1, None, closed="left"), None], "contrast": [tuple, list, None]},
    prefer_skip_nested_validation=True,
)
def explain(
    estimator: Any, X_row: Any, *, top: int | None = 10, contrast: tuple[Any, Any] | list[Any] | None = None
) -> Explanation:
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

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, explain
    >>> X, y = load_iris(return_X_y=True)
    >>> explanation = explain(MaxEntClassifier().fit(X, y), X[0], top=1)
    >>> explanation.prediction, explanation.features
    (0, ['x2'])
    """
    peeled = unwrap(estimator)
    steps, classifier, decider, n_before = peeled
    form = form_of(classifier)
    data = form.samples(X_row)
    rows = transform(steps[:n_before], data)
    parts = form.votes(classifier, transform(steps[n_before:], rows))
    labels = form.labels(classifier, parts)
    several, offset, mean, columns, against = centre(parts, classifier, labels, contrast, form.is_centred)
    votes = parts.single[:, None] * several
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
    single, several = parts.single[chosen], several[chosen]
    values, weights = (single, several) if form.headings[0] == "value" else (several, single)
    return Explanation(
        estimator_name=type(classifier).__name__,
        decider_name=type(decider).__name__,
        classes=columns,
        against=against,
        prediction=prediction(peeled, rows, parts, labels),
        probabilities=probabilities(decider, rows, parts, labels),
        features=form.names(steps, classifier, parts.columns[chosen]),
        values=values,
        weights=weights,
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
        form=form.name,
        marked_texts=form.texts(steps, classifier, data, parts.columns, votes[:, focus]),
    )
