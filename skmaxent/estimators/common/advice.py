"""Advice: what takes the place of scikit-learn's parameters, makes a matrix of X, or saves most weights."""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from inspect import signature
from typing import TypeVar

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import StrOptions

from ...compat import warn_user
from ...convex.machine.files import Partitions
from ...convex.memory import require_weights
from ...convex.reductions.observed import observe
from ...convex.reductions.rare_columns import cut_columns

Init = TypeVar("Init")
DROPIN = "skmaxent.dropin.LogisticRegression takes scikit-learn's own parameters"
REPLACEMENTS = {
    "penalty": "the prior follows from l1_ratio (0 for L2, 1 for L1) and C (np.inf for none)",
    "dual": "the solvers choose their own coordinates, by the shape of the data",
    "multi_class": "several classes are always one multinomial model; for one against the rest use "
    "sklearn.multiclass.OneVsRestClassifier",
    "intercept_scaling": "the intercept is never penalised, so that there is nothing to scale",
    "l1_ratios": "MaxEntClassifierCV chooses among several",
}
# Number of weights from which it matters that most of them belong to pairs that never occur, and by what
# factor they are then more than the pairs that do.
MANY_WEIGHTS, FEW_PAIRS = 2_000_000, 10
# Entries that are enough to tell.
COUNTED = 200_000
VECTORIZERS = (
    "sklearn.feature_extraction.text.TfidfVectorizer or CountVectorizer, in a Pipeline before the classifier"
)
DICTS = (
    "sklearn.feature_extraction.DictVectorizer in a Pipeline before the classifier, or "
    "features=JointFeatures([Joined(key), ...])"
)
TAGGERS = "skmaxent.MaxEntTagger or skmaxent.CRFTagger"


def with_advice(init: Init) -> Init:
    """`__init__` of an estimator, which for a parameter of LogisticRegression's says what to use instead."""

    foreign = REPLACEMENTS.keys() - signature(init).parameters.keys()

    @wraps(init)  # with its signature, from which scikit-learn reads the parameters
    def advised(self, *args, **parameters):
        for name in foreign & parameters.keys():
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}: "
                f"{REPLACEMENTS[name]}. {DROPIN}."
            )
        init(self, *args, **parameters)

    return advised


class SolverOptions(StrOptions):
    """The names of the solvers, in the order of their registry."""

    def __init__(self, names):
        super().__init__(set(names))
        self._names = names

    def __str__(self):
        return f"a str among {{{', '.join(map(repr, self._names))}}} ({DROPIN})"


def advise_observed(estimator, problem):
    """Warn where all pairs of a column and a class have a weight, and hardly any pair occurs.

    Parameters
    ----------
    estimator : estimator
        With the parameters `features` and `min_count`.
    problem : Problem
        On the columns of X.
    """
    if not isinstance(estimator.features, str) or estimator.features != "all":
        return
    if not sparse.issparse(problem.X) or problem.X.shape[1] * problem.n_outputs < MANY_WEIGHTS:
        return
    require_weights(problem.X.shape[1], problem.n_outputs, problem.X.dtype)
    step = max(1, problem.X.nnz // COUNTED)  # of many columns every so many tell
    problem = replace(problem, X=problem.X[:, ::step])
    if estimator.min_count > 1:
        problem = cut_columns(problem, None, estimator.min_count)[0]
    n_weights = step * problem.X.shape[1] * problem.n_outputs
    n_pairs = step * len(observe(problem, 1)[1])
    if n_weights >= MANY_WEIGHTS and n_weights > FEW_PAIRS * n_pairs:
        about = "about " if step > 1 else ""
        warn_user(
            f"{type(estimator).__name__} learns {about}{n_weights:,} weights, one for each column and class, "
            f"but only {about}{n_pairs:,} of these pairs occur in the training data. With "
            "features='observed' these alone have weights, and time and memory are in proportion to them."
        )


@contextmanager
def advice_on(X, estimator):
    """Where X cannot be read as a matrix of numbers, say what makes one of it.

    A collection of dask's would be computed on the way where it is dense, and misread where it is sparse.
    """
    if hasattr(X, "__dask_graph__"):
        elsewhere = "fit skmaxent.distributed.DaskMaxEntClassifier where the data lie"
        if hasattr(estimator, "partial_fit"):
            elsewhere = "give its partitions to partial_fit one by one"
        raise TypeError(
            f"{type(estimator).__name__} takes arrays that are in memory, got a {type(X).__module__}."
            f"{type(X).__name__} of dask. Call X.compute() first, or {elsewhere}."
        )
    if isinstance(X, Partitions):
        raise TypeError(
            f"{type(estimator).__name__} takes arrays that are in memory, got partitions. MaxEntClassifier "
            "takes them."
        )
    try:
        yield
    except (ValueError, TypeError) as error:
        found = _no_matrix(X)
        if found is None:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        reason = f"{error}. " if kind is TypeError or str(error).startswith("could not convert") else ""
        raise kind(
            f"{reason}{type(estimator).__name__} takes X as a matrix of numbers, one row a sample. "
            f"Got {found}."
        ) from error


def _no_matrix(X):
    """What X is instead of a matrix, and what makes one of it; None where there is nothing to say."""
    if hasattr(X, "columns") and hasattr(X, "iloc"):
        kinds = [getattr(dtype, "kind", "O") for dtype in X.dtypes]
        if all(kind in "biufc" for kind in kinds):
            return None
        return (
            "a DataFrame whose columns are not all numbers: use sklearn.compose.ColumnTransformer with "
            "OneHotEncoder for categories and TfidfVectorizer for texts"
        )
    if isinstance(X, str):
        return f"one str: give a list of texts, and use {VECTORIZERS}"
    if isinstance(X, dict):
        return f"one dict: give a list of dicts, and use {DICTS}"
    if not isinstance(X, Sequence | np.ndarray) and not hasattr(X, "iloc"):
        return None
    first = next((x for x in X if x is not None), None)
    if isinstance(first, str):
        return f"texts: use {VECTORIZERS}"
    if isinstance(first, dict):
        return f"dicts: use {DICTS}"
    inner = (
        next((x for x in first if x is not None), None) if isinstance(first, Sequence | np.ndarray) else None
    )
    if isinstance(inner, dict) or (isinstance(inner, Sequence | Set) and not isinstance(inner, str)):
        return f"sentences, lists of tokens: use {TAGGERS} for a label a token"
    if isinstance(inner, str):
        return (
            f"lists of str: for sentences with a label a token use {TAGGERS}; for lists of words with one "
            "label sklearn.feature_extraction.text.CountVectorizer(analyzer=list); for categories "
            "sklearn.preprocessing.OneHotEncoder"
        )
    return None
