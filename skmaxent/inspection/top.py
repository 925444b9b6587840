"""The strongest features of each class, by name."""

from __future__ import annotations

from itertools import islice
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import Interval

from ..compat import validate_params
from ..features.joint import column_classes
from .forms import Candidates, Joint, form_of, unwrap
from .html import weights_html
from .model import column_weights, is_approximate, is_multilabel, n_features
from .text import heading, number_format, printable, shorten, table

_BLOCK = 1 << 22  # weights centred at a time
_SHOWN = 40  # classes in a table or a page


class TopFeatures(dict[Any, list[tuple[str, float]]]):
    """The strongest features of each class: a dict of lists of (name, weight), weights falling.

    The first speak most for the class, the last most against it. The key None has the weights that
    belong to no class. Printed as a table, shown by notebooks as HTML.
    """

    def __str__(self):
        shown, note = self._shown()
        write = number_format([weight for pairs in shown.values() for _, weight in pairs])
        lines = []
        for label, pairs in shown.items():
            cells = [[shorten(printable(heading(label)), 60), "weight"]]
            cells += [[shorten(printable(name), 60), write(weight)] for name, weight in pairs]
            lines += [*table(cells, rules={1}), ""]
        return "\n".join([*lines, note] if note else lines[:-1])

    __repr__ = __str__

    def _repr_html_(self):
        return weights_html(*self._shown())

    def _shown(self):
        """What is printed, and a note when that is not all."""
        if len(self) <= _SHOWN:
            return self, ""
        return dict(islice(self.items(), _SHOWN)), f"Shown are the first {_SHOWN} of {len(self):,} classes."


@validate_params(
    {"n": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def top_features(estimator: Any, n: int = 20, class_: Any = None) -> TopFeatures:
    """The features that speak most for each class and most against it: names and weights.

    Parameters
    ----------
    estimator : estimator
        Fitted linear classifier, MaxEntClassifier with joint features or MaxEntRanker, alone, at the
        end of a Pipeline or inside what `explain` looks through.
    n : int, default=20
        Number of features of each sign for each class: at most n with positive and n with negative
        weights; fewer when fewer have such a weight.
    class_ : class label, optional
        Only this class; by default all classes.

    Returns
    -------
    top : TopFeatures
        A dict from class to a list of (name, weight), weights falling: the features that speak most
        for the class come first, those that speak most against it last. Weights are those of
        `explain`: less the mean over the classes; for a binary model the weight against the other
        class, for multilabel models the weight itself. Joint features of a template are listed under
        the class that they are joined with, by their weights as they are. Functions f(c, d), which
        may speak for any class, and the columns of a MaxEntRanker stand under None, the n with the
        largest weights, in size, of either sign, the largest first.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator is not linear or averages several classifiers (as for `explain`), or if
        `class_` is not one of its classes.

    See Also
    --------
    explain : The votes of one prediction.
    CoefficientsDisplay : The strongest features as a picture.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skmaxent import MaxEntClassifier, top_features
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MaxEntClassifier().fit(X, y)
    >>> [name for name, weight in top_features(model, n=1, class_=2)[2]]
    ['x2', 'x1']
    """
    return top_of_classes(estimator, n, None if class_ is None else [class_])


def top_of_classes(estimator, n, classes):
    """`top_features` of some classes, a list; None for all."""
    peeled = unwrap(estimator)
    steps, classifier = peeled.steps, peeled.classifier
    form = form_of(classifier)
    if form is Candidates:
        return _ranker_top(steps, classifier, n, classes)
    if is_approximate(classifier):
        raise ValueError(
            "Expected 'estimator' to be a linear classifier. A network with hidden layers has no weight of "
            f"its own for each feature and class; use explain. Got {type(classifier).__name__} instead."
        )
    labels = classifier.classes_.tolist()
    for class_ in classes or ():
        if class_ not in labels:
            raise ValueError(
                f"class_={class_!r} is not a valid label. It should be one of {classifier.classes_}."
            )
    wanted = labels if classes is None else [labels[labels.index(class_)] for class_ in classes]
    if form is Joint:
        return _joint_top(classifier, wanted, n, with_functions=classes is None)
    strongest = _strongest(classifier, [labels.index(label) for label in wanted], n)
    columns = np.concatenate([found for found, _ in strongest])
    names = iter(form.names(steps, classifier, columns))
    return TopFeatures(
        (label, list(zip([next(names) for _ in found], weights.tolist())))
        for label, (found, weights) in zip(wanted, strongest)
    )


def _ranker_top(steps, ranker, n, classes):
    if classes is not None:
        raise ValueError(f"class_={classes[0]!r} is not valid: a MaxEntRanker has no classes.")
    columns = _largest(np.abs(ranker.coef_), n)
    names = Candidates.names(steps, ranker, columns)
    return TopFeatures({None: list(zip(names, ranker.coef_[columns].tolist()))})


def _joint_top(model, wanted, n, with_functions):
    names, coef, labels = model.joint_feature_names_, model.coef_, model.classes_.tolist()
    speaks_for = column_classes(model.joint_table_, len(labels))
    top = TopFeatures()
    functions = np.flatnonzero(speaks_for < 0)
    if with_functions and functions.size:
        chosen = functions[_largest(np.abs(coef[functions]), n)]
        top[None] = list(zip(names[chosen].tolist(), coef[chosen].tolist()))
    for label in wanted:
        columns = np.flatnonzero(speaks_for == labels.index(label))
        chosen = columns[_both_signs(coef[columns], n)]
        bare = [name.removesuffix(f", c={label}") for name in names[chosen].tolist()]
        if functions.size < speaks_for.size or not with_functions:
            top[label] = list(zip(bare, coef[chosen].tolist()))
    return top


def _largest(weights, n):
    """Numbers of the n largest of the positive weights, the largest first."""
    found = np.flatnonzero(weights > 0)
    if found.size > n:
        found = found[np.argpartition(-weights[found], n - 1)[:n]]
    return found[np.argsort(-weights[found], kind="stable")]


def _both_signs(weights, n):
    """Numbers of the n strongest weights of each sign, weights falling."""
    return np.concatenate([_largest(weights, n), _largest(-weights, n)[::-1]])


def _strongest(classifier, numbers, n):
    """(columns, weights) of the n strongest weights of each sign of some classes, weights falling.

    Classes x features may be too many to copy, so blocks of columns are centred one after another
    and only the strongest so far are kept.
    """
    coef = getattr(classifier, "coef_", None)
    if sparse.issparse(coef) and coef.shape[0] > 1 and not is_multilabel(classifier):
        return _strongest_of_sparse(sparse.csr_array(coef), numbers, n)
    multilabel, width = is_multilabel(classifier), n_features(classifier)
    best = [(np.empty(0, dtype=np.intp), np.empty(0)) for _ in numbers]
    step = max(n, _BLOCK // len(classifier.classes_))
    for start in range(0, width, step):
        block = column_weights(classifier, slice(start, min(start + step, width)))
        single = block.shape[0] == 1 and not multilabel
        common = 0 if single or multilabel else block.mean(axis=0)
        for place, number in enumerate(numbers):
            weights = block[0] * (2 * number - 1) if single else block[number] - common
            kept = best[place][1]  # falling: with n of a sign the weakest of them is the bar
            high, low = (kept[n - 1], kept[-n]) if kept.size >= n else (0, 0)
            found = np.flatnonzero((weights > max(high, 0)) | (weights < min(low, 0)))
            if not found.size:
                continue
            columns = np.concatenate([best[place][0], found + start])
            weights = np.concatenate([kept, weights[found]])
            order = _both_signs(weights, n)
            best[place] = columns[order], weights[order]
    return best


def _strongest_of_sparse(coef, numbers, n):
    """The same for sparse weights (K, d): a class without a weight of its own has less the mean."""
    common = np.ravel(coef.mean(axis=0))
    order = np.argsort(common, kind="stable")
    shared = order[: 4 * n], order[-4 * n :]
    best = []
    for number in numbers:
        entries = slice(coef.indptr[number], coef.indptr[number + 1])
        own = coef.indices[entries]
        columns = np.union1d(own, np.concatenate(shared))
        if any(np.setdiff1d(part, own).size < n for part in shared):  # the next may be among the best
            columns = np.arange(coef.shape[1])
        weights = -common[columns]
        weights[np.searchsorted(columns, own)] += coef.data[entries]
        chosen = _both_signs(weights, n)
        best.append((columns[chosen], weights[chosen]))
    return best
