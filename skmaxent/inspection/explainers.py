"""One prediction of a linear classifier, or of a network nearby, taken apart into votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval

from ..compat import validate_params
from ..estimators.common.recurrent_votes import gradient_votes
from .explanation import Explanation
from .forms import TaggedToken, Tokens, form_of, unwrap
from .model import Votes, centre, is_approximate, prediction, probabilities, transform

if TYPE_CHECKING:
    from typing import Any


@validate_params(
    {"top": [Interval(Integral, 1, None, closed="left"), None], "contrast": [tuple, list, None]},
    prefer_skip_nested_validation=True,
)
def explain(
    estimator: Any,
    X_row: Any,
    position: int | None = None,
    *,
    top: int | None = 10,
    contrast: tuple[Any, Any] | list[Any] | None = None,
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
        `intercepts_`), MaxEntClassifier with joint features, MaxEntRanker, a tagger, or a recurrent
        network, whose tokens get votes by gradient times input, alone or at the end of a Pipeline
        (scikit-learn's or imbalanced-learn's). A fitted search uses its best estimator;
        FrozenEstimator and SelfTrainingClassifier the one inside. Of FixedThresholdClassifier,
        TunedThresholdClassifierCV and CalibratedClassifierCV the votes are those of the classifier
        inside, prediction and probabilities their own.
    X_row : sample
        One sample of what `estimator` was fitted on: a text, a dict, an array of shape (d,), or
        anything with one row; with joint features one datum of any kind; for a MaxEntRanker the
        candidates of one group, shape (C, d); for a tagger a sentence; for a recurrent network a sequence.
    position : int, optional
        For a tagger the token of the sentence whose tag is explained, after the tags that were found for
        the tokens before it; with a CRFTagger also before the one of the token after it, "tag[+1]". The
        votes sum to the scores of the tags at that token; the prediction is the tag that the whole sentence
        gave it. Probabilities of a CRFTagger are those over all sequences.
    top : int or None, default=10
        Number of features to show, those with the largest votes, in size, for the class with the
        highest score (with `contrast`: for the difference). None shows all that are not zero.
    contrast : pair of classes, optional
        ("A", "B") shows what separates A from B: differences of votes, positive for A.

    Returns
    -------
    explanation : Explanation
        The votes, as a table in print and in notebooks.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator is neither linear nor a network, if X_row is not one row, if `position` is not
        given for a tagger, or not in its sentence, or if `contrast` is not two classes of the estimator. If
        it is a CalibratedClassifierCV that averages the probabilities of several classifiers
        (``ensemble=True``): no votes sum to that mean. Explain one of them,
        ``calibrated_classifiers_[i].estimator``, or fit with ``ensemble=False``.

    See Also
    --------
    top_features : The strongest features of each class.
    VotesDisplay : The votes as a picture.

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
    form = form_of(peeled.classifier)
    if form is TaggedToken:
        view = _token(peeled, X_row, position)
    elif form is Tokens:
        view = _sequence(peeled, X_row, position)
    else:
        view = _row(peeled, form, X_row, position)
    parts, labels, model = view.parts, view.labels, peeled.classifier
    several, offset, mean, columns, against = centre(parts, model, labels, contrast, form.is_centred)
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
        estimator_name=type(model).__name__,
        decider_name=type(peeled.decider).__name__,
        classes=columns,
        against=against,
        prediction=view.prediction,
        probabilities=view.probabilities,
        features=view.names(parts.columns[chosen]),
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
            if is_approximate(model) or form is TaggedToken
            else "decision function"
        ),
        approximate=is_approximate(model),
        form=form.name,
        marked_texts=view.texts(votes[:, focus]),
    )


class View(NamedTuple):
    """What is to be explained.

    Attributes
    ----------
    parts : Votes
    labels : list
        What the score columns stand for.
    prediction : object
    probabilities : dict or None
    names : callable
        ``names(columns)`` gives the names of some features.
    texts : callable
        ``texts(votes)`` gives the texts with marked words.
    """

    parts: Votes
    labels: list
    prediction: object
    probabilities: dict | None
    names: Callable
    texts: Callable


def _row(peeled, form, X_row, position):
    """One sample of a classifier."""
    if position is not None:
        raise ValueError(f"A position is for taggers. Got {type(peeled.classifier).__name__}.")
    steps, classifier, decider, n_before = peeled
    data = form.samples(X_row)
    rows = transform(steps[:n_before], data)
    parts = form.votes(classifier, transform(steps[n_before:], rows))
    labels = form.labels(classifier, parts)
    return View(
        parts,
        labels,
        prediction(peeled, rows, parts, labels),
        probabilities(decider, rows, parts, labels),
        lambda columns: form.names(steps, classifier, columns, data),
        lambda votes: form.texts(steps, classifier, data, parts.columns, votes),
    )


def _token(peeled, sentence, position):
    """One token of a sentence."""
    (sentence,) = transform(peeled.steps, [sentence])
    tagger = peeled.classifier
    found = tagger._token_votes(sentence, _place(position, len(sentence)))
    parts = Votes(np.arange(len(found.names)), found.values, found.weights, found.offset)
    return View(
        parts,
        tagger.classes_.tolist(),
        found.tag,
        found.probabilities,
        lambda columns: [found.names[j] for j in columns],
        lambda votes: [],
    )


def _place(position, n_tokens):
    """The number of a token of a sentence, from 0."""
    if not isinstance(position, Integral):
        raise ValueError(
            "A tagger is explained token by token: explain(tagger, sentence, position). "
            f"Got position={position!r}."
        )
    if not -n_tokens <= position < n_tokens:
        raise ValueError(f"position={position} is not in the sentence, which has {n_tokens} tokens.")
    return int(position) % n_tokens


def _sequence(peeled, sequence, position):
    """One sequence of a recurrent network, or one token of it."""
    steps, model, decider, n_before = peeled
    rows = transform(steps[:n_before], [sequence])
    (sequence,) = transform(steps[n_before:], rows)
    n = len(sequence)
    if is_tagger := model.tags_tokens:
        position = _place(position, n)
    elif position is not None:
        raise ValueError(f"A position is for taggers. Got {type(model).__name__}.")
    votes, scores = gradient_votes(model, sequence, position)
    predicted, proba = decider.predict(rows).tolist()[0], decider.predict_proba(rows)[0]
    words = model.vocabulary_ is not None
    tokens = [str(token) for token in sequence] if words else [f"step {i}" for i in range(n)]
    counts = Counter(tokens)
    names = [f"{token} [{i}]" if counts[token] > 1 else token for i, token in enumerate(tokens)]
    ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
    spans = [(int(end) - len(token), int(end)) for token, end in zip(tokens, ends)]
    return View(
        Votes(np.arange(n), np.ones(n), votes, scores - votes.sum(axis=0)),
        model.classes_.tolist(),
        predicted[position] if is_tagger else predicted,
        dict(zip(model.classes_.tolist(), (proba[position] if is_tagger else proba).tolist())),
        lambda columns: [names[j] for j in columns],
        lambda votes: (
            [(" ".join(tokens), [(*span, vote) for span, vote in zip(spans, votes.tolist())])]
            if words and n
            else []
        ),
    )
