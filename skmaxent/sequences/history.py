"""Features of the tags before a token: templates, the columns that training finds, their numbers later.

K tags have the numbers 0..K-1; K stands for the place before a sentence. A state is what a model of order 1
or 2 knows of the tags before a token: ``tag[-1]``, or ``tag[-2] * (K + 1) + tag[-1]``.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .windows import START

_TAG = re.compile(r"tag\[-([12])\]")
# Largest number of entries of a table from (value, history) to columns; above it they are searched.
TABLE_ENTRIES = 20_000_000


@dataclass(frozen=True)
class Template:
    """A conjunction of tags before a token and of features of the token.

    Attributes
    ----------
    offsets : tuple of int
        Of the tags, the furthest first: (2, 1) for the last two.
    features : tuple of str
        Keys of features of the token.
    """

    offsets: tuple
    features: tuple

    @property
    def name(self):
        """The template as it is written."""
        return " & ".join([*(f"tag[-{offset}]" for offset in self.offsets), *self.features])


def parse_templates(history):
    """Templates of what a user writes: "tag[-1]", "tag[-2] & tag[-1]", "tag[-1] & word".

    Raises
    ------
    ValueError
        For a template without a tag, and one given twice.
    """
    if isinstance(history, str) or not hasattr(history, "__iter__"):
        raise ValueError(
            "The 'history' parameter must be a list of templates such as 'tag[-1]', 'tag[-2] & tag[-1]' or "
            f"'tag[-1] & word'. Got {history!r} instead."
        )
    templates = []
    for text in history:
        parts = [part.strip() for part in text.split("&")] if isinstance(text, str) else []
        tags = [_TAG.fullmatch(part) for part in parts]
        offsets = tuple(sorted({int(tag[1]) for tag in tags if tag}, reverse=True))
        features = tuple(dict.fromkeys(part for part, tag in zip(parts, tags) if not tag))
        if not offsets or not all(features) or any(part.startswith("tag[") for part in features):
            raise ValueError(
                f"{text!r} is no template of the history: it needs tag[-1] or tag[-2], or both, and may name "
                "features of the token after '&'."
            )
        if Template(offsets, features) in templates:
            raise ValueError(f"The history has the template {text!r} twice.")
        templates.append(Template(offsets, features))
    return templates


def order_of(templates):
    """How many tags the templates look back; at least 1."""
    return max([1, *(offset for template in templates for offset in template.offsets)])


def gold_states(codes, lengths, n_tags, order):
    """States of tagged tokens, (n,), given the numbers of their tags and the lengths of the sentences."""
    ends = np.cumsum(lengths)
    first = (ends - lengths)[lengths > 0]

    def shifted(values):
        before = np.empty_like(values)
        before[1:] = values[:-1]
        before[first] = n_tags
        return before

    previous = shifted(codes)
    return previous if order == 1 else shifted(previous) * (n_tags + 1) + previous


def feature_columns(X, names, feature):
    """The column of a token's feature that is a str or a bool, (n,), int64; -1 where it has none.

    Parameters
    ----------
    X : csr_matrix of shape (n, d)
    names : list of d str
        Of the columns, sorted.
    feature : str
        A key: its columns are called "key=value" or "key".

    Raises
    ------
    ValueError
        If a token has several.
    """
    lower, upper = bisect_left(names, f"{feature}="), bisect_left(names, f"{feature}>")  # ">" follows "="
    own = (X.indices >= lower) & (X.indices < upper)
    alone = bisect_left(names, feature)
    if alone < len(names) and names[alone] == feature:
        own |= X.indices == alone
    places = np.flatnonzero(own)
    rows = np.searchsorted(X.indptr, places, side="right") - 1
    if len(rows) > 1 and (rows[1:] == rows[:-1]).any():
        raise ValueError(
            f"A template of the history names the feature {feature!r}, of which a token has several values."
        )
    columns = np.full(X.shape[0], -1, np.int64)
    columns[rows] = X.indices[places]
    return columns


def template_values(template, X, names):
    """What the features of a template are together for each token, int64 (n,); -1 where one is missing."""
    values = np.zeros(X.shape[0], np.int64)
    for feature in template.features:
        columns = feature_columns(X, names, feature)
        values = np.where((values < 0) | (columns < 0), -1, values * max(X.shape[1], 1) + columns)
    return values


class HistoryColumns:
    """The columns of one template.

    Parameters
    ----------
    template : Template
    n_tags, order : int
        K, and the order of the states.
    values : int64 ndarray of shape (V,)
        What `template_values` gave for the training tokens, sorted.
    keys : int64 ndarray of shape (p,)
        Sorted ``value * H + history`` of the columns, value a position in `values`, history one of the
        H = (K + 1) ** (number of tags) of the template.
    """

    def __init__(self, template, n_tags, order, values, keys):
        self.template, self.n_tags, self.values, self.keys = template, n_tags, values, keys
        base = n_tags + 1
        states = np.arange(base**order)
        tags = {1: states % base, 2: states // base}
        self.n_histories = base ** len(template.offsets)
        self.history = np.zeros(len(states), np.int64)
        for offset in template.offsets:
            self.history = self.history * base + tags[offset]
        self._table = None
        size = (len(values) + 1) * self.n_histories
        if size <= TABLE_ENTRIES:  # the last value is for tokens without one of training
            self._table = np.full(size, len(keys), np.int32)
            self._table[keys] = np.arange(len(keys))

    @classmethod
    def learn(cls, template, n_tags, order, X, names, states):
        """The columns that occur in training, with the features X (n, d) and the states (n,) there."""
        found = template_values(template, X, names)
        if (found < 0).all():
            raise ValueError(
                f"The history template {template.name!r} names a feature that no token has as a str or True: "
                f"{', '.join(map(repr, template.features))}."
            )
        values = np.unique(found[found >= 0])
        new = cls(template, n_tags, order, values, np.empty(0, np.int64))
        known = found >= 0
        keys = np.searchsorted(values, found[known]) * new.n_histories + new.history[states[known]]
        return cls(template, n_tags, order, values, np.unique(keys))

    def numbers(self, X, names):
        """Positions in `values` of the tokens' values, (n,); V for those without one."""
        found = template_values(self.template, X, names)
        places = np.searchsorted(self.values, found)
        places[places == len(self.values)] = 0
        return np.where(self.values[places] == found, places, len(self.values))

    def columns(self, numbers, states):
        """Columns from 0 to p - 1 for numbers of values and states that broadcast; p for none."""
        keys = numbers * self.n_histories + self.history[states]
        if self._table is not None:
            return self._table[keys]
        places = np.searchsorted(self.keys, keys)
        places[places == len(self.keys)] = 0
        return np.where(self.keys[places] == keys, places, len(self.keys))

    def names(self, tags, names):
        """Names of the columns, a list of p str, given those of the tags and of the columns of features."""
        tags, base = [*map(str, tags), START], self.n_tags + 1
        numbers, histories = np.divmod(self.keys, self.n_histories)
        parts = []
        for offset in reversed(self.template.offsets):
            histories, last = np.divmod(histories, base)
            parts.insert(0, [f"tag[-{offset}]={tags[k]}" for k in last])
        values = self.values[numbers]
        for _ in self.template.features:
            values, last = np.divmod(values, len(names))
            parts.insert(len(self.template.offsets), [names[j] for j in last])
        return [" & ".join(row) for row in zip(*parts)]


def history_design(found, n_columns):
    """CSR of ones, (n, sum of n_columns), of the columns (n,) that each template found; p stands for none."""
    offsets = np.concatenate([[0], np.cumsum(n_columns)])
    columns = np.column_stack([part + offset for part, offset in zip(found, offsets)])
    there = np.column_stack([part < p for part, p in zip(found, n_columns)])
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    data = np.ones(indptr[-1], np.float32)
    return sparse.csr_matrix(
        (data, columns[there].astype(np.int32), indptr), shape=(len(there), int(offsets[-1]))
    )
