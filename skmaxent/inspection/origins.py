"""Where the columns that reach a classifier come from: names of features, without naming them all.

A column is followed backwards through the fitted steps of a pipeline to the transformer that made
it, its leaf. Selections, scalers, FeatureUnion and ColumnTransformer only renumber columns, so a
vocabulary of millions is never listed to name ten of its words. Names equal those of
``get_feature_names_out`` where that exists; columns made by hashing show their number, after the terms of
the sample that fall into them where there is one.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

from .steps import applied_steps, thaw


@dataclass(frozen=True)
class Leaf:
    """Some of the requested columns, all made by one transformer.

    Attributes
    ----------
    source : transformer or None
        The transformer that made the columns; None: they are columns of the input.
    columns : ndarray of shape (m,)
        Their numbers in the output of `source`.
    places : ndarray of shape (m,)
        Their places among the requested columns.
    inputs : callable or array of str
        For a transformer: names of all columns of its input, when called. For the input: the
        names of the columns, None when they have none.
    prefixes : tuple of callables
        How the unions on the way rename a feature, the innermost first.
    """

    source: object
    columns: np.ndarray
    places: np.ndarray
    inputs: object
    prefixes: tuple = ()


def input_columns(feature_names):
    """The leaves of an input whose columns are named `feature_names`, or have no names (None)."""

    def leaves(columns):
        return [Leaf(None, columns, np.arange(columns.size), feature_names)]

    return leaves


def feature_leaves(steps, classifier, columns, width):
    """The leaves of columns of the matrix, `width` columns wide, that reaches a classifier."""
    first = steps[0] if steps else classifier
    return trace(steps, columns, width, input_columns(getattr(first, "feature_names_in_", None)))


def unchanged(step):
    """Whether a step hands every column on under its own name."""
    if isinstance(step, FunctionTransformer):
        return step.func is None or step.feature_names_out == "one-to-one"
    return step is None or step == "passthrough" or isinstance(step, OneToOneFeatureMixin)


def trace(steps, columns, width, root):
    """The leaves of the output columns of a chain of fitted steps.

    Parameters
    ----------
    steps : list of transformers
    columns : integer ndarray of shape (m,)
        Numbers of columns in the output of the last step.
    width : int or None
        Number of columns of that output, where known.
    root : callable
        Gives the leaves of columns of the input of the first step.

    Returns
    -------
    leaves : list of Leaf
        Their `places` are a partition of 0 .. m - 1.
    """
    steps = list(steps)
    while steps:
        step = thaw(steps.pop())
        if isinstance(step, Pipeline):
            steps += applied_steps(step.steps)
        elif unchanged(step):
            continue
        elif hasattr(step, "get_support"):
            columns = step.get_support(indices=True)[columns]
            width = len(step.get_support())
        else:
            before = partial(trace, steps, width=None, root=root)
            parts = None
            if isinstance(step, FeatureUnion):
                parts = _union_parts(step, width, before)
            elif isinstance(step, ColumnTransformer):
                parts = _column_transformer_parts(step, before)
            if parts is None:
                return [Leaf(step, columns, np.arange(columns.size), before)]
            return _trace_parts(parts, columns)
    return root(columns)


def _trace_parts(parts, columns):
    leaves = []
    for chosen, transformer, prefix, root in parts:
        places = np.flatnonzero((columns >= chosen.start) & (columns < chosen.stop))
        if places.size == 0:
            continue
        inner = trace([transformer], columns[places] - chosen.start, chosen.stop - chosen.start, root)
        leaves += [
            replace(leaf, places=places[leaf.places], prefixes=(*leaf.prefixes, prefix)) for leaf in inner
        ]
    return leaves


def _union_parts(union, width, before):
    """(slice of the output, transformer, renaming, root) of each part; None when widths are unknown."""
    named = [(name, part) for name, part in union.transformer_list if part != "drop"]
    widths = [_width(part) for _, part in named]
    if widths.count(None) == 1 and width is not None:
        widths[widths.index(None)] = width - sum(size for size in widths if size is not None)
    if None in widths:
        return None
    ends = np.cumsum(widths)
    verbose = getattr(union, "verbose_feature_names_out", True)
    return [
        (slice(end - size, end), part, _prefix(name, verbose), before)
        for (name, part), size, end in zip(named, widths, ends)
    ]


def _column_transformer_parts(transformer, before):
    """The same for a ColumnTransformer."""
    names = getattr(transformer, "feature_names_in_", None)
    parts = []
    for name, part, columns in transformer.transformers_:
        if part == "drop":
            continue
        labels = np.atleast_1d(columns) if not isinstance(columns, slice) else np.empty(0)
        if labels.dtype.kind in "UO":
            root = input_columns(labels)
        else:
            chosen = np.atleast_1d(np.arange(transformer.n_features_in_)[columns])
            root = partial(_select, chosen, before if names is None else input_columns(names))
        prefix = _prefix(name, transformer.verbose_feature_names_out)
        parts.append((transformer.output_indices_[name], part, prefix, root))
    return parts


def _select(chosen, before, columns):
    return before(chosen[columns])


def _prefix(name, verbose):
    """How a union renames the features of its part `name`."""
    if callable(verbose):
        return partial(verbose, name)
    if isinstance(verbose, str):
        return lambda feature: verbose.format(transformer_name=name, feature_name=feature)
    return (lambda feature: f"{name}__{feature}") if verbose else str


def _width(step):
    """Number of output columns of a fitted transformer, None when it does not tell."""
    step = thaw(step)
    if isinstance(step, Pipeline):
        inner = applied_steps(step.steps)
        return _width(inner[-1]) if inner else None
    if isinstance(step, FeatureHasher | HashingVectorizer):
        return step.n_features
    if hasattr(step, "vocabulary_"):
        return len(step.vocabulary_)
    if hasattr(step, "get_support"):
        return int(np.count_nonzero(step.get_support()))
    if unchanged(step):
        return getattr(step, "n_features_in_", None)
    try:
        return len(step.get_feature_names_out())
    except (AttributeError, ValueError):
        return None


def names_of(leaves, size, terms=None):
    """Names of the requested columns, a list of `size` str.

    Parameters
    ----------
    leaves : list of Leaf
        What `trace` gave.
    size : int
        Number of requested columns.
    terms : dict, optional
        What `hashed_terms` found in a sample.
    """
    names = [""] * size
    for leaf in leaves:
        found = (terms or {}).get(id(leaf.source))
        own = _leaf_names(leaf) if found is None else _hashed_names(leaf, found)
        for place, name in zip(leaf.places, own):
            for prefix in leaf.prefixes:
                name = prefix(name)
            names[place] = name
    return names


def _hashed_names(leaf, terms):
    """ "cat, mat (column 17)": the terms of a sample in a column, the first three of them."""
    names = []
    for j in leaf.columns.tolist():
        found = terms.get(j, [])
        text = ", ".join(map(str, found[:3])) + (", …" if len(found) > 3 else "")
        names.append(f"{text} (column {j})" if found else f"column {j}")
    return names


def _leaf_names(leaf):
    source, columns = leaf.source, leaf.columns.tolist()
    if source is None:
        given = leaf.inputs
        return [f"x{j}" if given is None else str(given[j]) for j in columns]
    if hasattr(source, "feature_names_"):  # DictVectorizer
        return [str(source.feature_names_[j]) for j in columns]
    if hasattr(source, "vocabulary_"):
        wanted = set(columns)
        terms = {j: term for term, j in source.vocabulary_.items() if j in wanted}
        return [str(terms[j]) for j in columns]
    if hasattr(source, "get_feature_names_out"):
        for arguments in (_input_names(leaf), ()):
            try:
                names = source.get_feature_names_out(*arguments)
            except (AttributeError, ValueError):  # names it does not accept, or a part without names
                continue
            return [str(names[j]) for j in columns]
    return [f"column {j}" for j in columns]


def _input_names(leaf):
    size = getattr(leaf.source, "n_features_in_", None)
    if size is None:
        return ()
    return (np.asarray(names_of(leaf.inputs(np.arange(size)), size), dtype=object),)
