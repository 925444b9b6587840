"""The strongest features of each class, by name."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from skmaxent.inspection._html import weights_html
from skmaxent.inspection._model import column_weights, is_approximate, is_multilabel, n_features, unwrap
from skmaxent.inspection._origins import feature_leaves, names_of
from skmaxent.inspection._text import number_format, printable, shorten, table

_BLOCK = 1 << 16  # columns centred at a time


class TopFeatures(dict):
    """The strongest features of each class: a dict of lists of (name, weight), the strongest first.

    Printed as a table, shown by notebooks as HTML.
    """

    def __str__(self):
        write = number_format([weight for pairs in self.values() for _, weight in pairs])
        lines = []
        for label, pairs in self.items():
            cells = [[shorten(printable(label), 60), "weight"]]
            cells += [[shorten(printable(name), 60), write(weight)] for name, weight in pairs]
            lines += [*table(cells, rules={1}), ""]
        return "\n".join(lines[:-1])

    __repr__ = __str__

    def _repr_html_(self):
        return weights_html(self)


@validate_params(
    {"n": [Interval(Integral, 1, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def top_features(estimator, n=20, class_=None):
    """The features that speak most for each class: names and weights.

    Parameters
    ----------
    estimator : estimator
        Fitted linear classifier, alone or at the end of a Pipeline.
    n : int, default=20
        Number of features of each class; fewer when fewer have a positive weight.
    class_ : class label, optional
        Only this class; by default all classes.

    Returns
    -------
    top : TopFeatures
        A dict from class to a list of (name, weight), weights falling. Weights are those of
        `explain`: less the mean over the classes; for a binary model the weight against the other
        class, for multilabel models the weight itself.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If the estimator is not linear, or if `class_` is not one of its classes.
    """
    steps, classifier = unwrap(estimator)
    if is_approximate(classifier):
        raise ValueError(
            "Expected 'estimator' to be a linear classifier. A network with hidden layers has no weight of "
            f"its own for each feature and class; use explain. Got {type(classifier).__name__} instead."
        )
    labels = classifier.classes_.tolist()
    if class_ is not None and class_ not in labels:
        raise ValueError(
            f"class_={class_!r} is not a valid label. It should be one of {classifier.classes_}."
        )
    wanted = labels if class_ is None else [labels[labels.index(class_)]]
    strongest = _strongest(classifier, [labels.index(label) for label in wanted], n)
    columns = np.concatenate([found for found, _ in strongest])
    leaves = feature_leaves(steps, classifier, columns, n_features(classifier))
    names = iter(names_of(leaves, columns.size))
    return TopFeatures(
        (label, list(zip([next(names) for _ in found], weights.tolist())))
        for label, (found, weights) in zip(wanted, strongest)
    )


def _strongest(classifier, numbers, n):
    """(columns, weights) of the n largest positive weights of some classes, the largest first.

    Classes x features may be too many to copy, so blocks of columns are centred one after another
    and only the n best so far are kept.
    """
    multilabel, width = is_multilabel(classifier), n_features(classifier)
    best = [(np.empty(0, dtype=np.intp), np.empty(0)) for _ in numbers]
    for start in range(0, width, _BLOCK):
        block = column_weights(classifier, slice(start, min(start + _BLOCK, width)))
        single = block.shape[0] == 1 and not multilabel
        common = 0 if single or multilabel else block.mean(axis=0)
        for place, number in enumerate(numbers):
            weights = block[0] * (2 * number - 1) if single else block[number] - common
            found = np.flatnonzero(weights > 0)
            if found.size > n:
                found = found[np.argpartition(-weights[found], n - 1)[:n]]
            columns = np.concatenate([best[place][0], found + start])
            weights = np.concatenate([best[place][1], weights[found]])
            order = np.argsort(-weights, kind="stable")[:n]
            best[place] = columns[order], weights[order]
    return best
