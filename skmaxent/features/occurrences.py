"""Where the predicates of templates are not zero: whole columns of the data at once, where they allow it."""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain, count, product, repeat
from operator import itemgetter

import numpy as np

from .records import Records
from .templates import as_tuple, atom_name, fail, fault


@dataclass(frozen=True)
class Occurrences:
    """Where the predicates of one template are not zero.

    Attributes
    ----------
    words : list of dict
        The values of each key of the template, from what `Joined.atoms` gives to 0, 1, ...
    codes : int32 ndarray of shape (A, number of keys) or None
        For a conjunction its predicates, numbers of values, in lexicographic order. None: the
        values of the only key are the predicates.
    numbers : int32 ndarray of shape (m,)
        Number of the predicate of each occurrence.
    rows : integer ndarray of shape (m,) or None
        The datum of each occurrence. None: there is one for each datum, in order, or the number -1.
    values : ndarray of shape (m,) or None
        Its value. None: 1 everywhere.
    """

    words: list
    codes: np.ndarray | None
    numbers: np.ndarray
    rows: np.ndarray | None = None
    values: np.ndarray | None = None

    def __len__(self):
        return len(self.words[0]) if self.codes is None else len(self.codes)

    def listed(self):
        """Rows, numbers and values, none of them None and no number -1."""
        if self.rows is not None:
            return self.rows, self.numbers, self.values
        rows = np.flatnonzero(self.numbers >= 0)
        return rows, self.numbers[rows], np.ones(len(rows))


def find(templates, data):
    """The occurrences of several templates in the same data.

    Parameters
    ----------
    templates : dict from int to (Joined, str)
        Templates, and their names in error messages.
    data : list

    Returns
    -------
    found : dict from int to Occurrences
    """
    by_key = {e: as_tuple(t.predicate) for e, (t, _) in templates.items() if not callable(t.predicate)}
    coded = _coded(data, list(dict.fromkeys(chain.from_iterable(by_key.values()))))
    found = {}
    for e, (template, name) in templates.items():
        parts = [coded[key] for key in by_key.get(e, ())]
        conjunction = isinstance(template.predicate, tuple)
        if not parts or None in parts:
            read = _conjunctions_one_by_one if conjunction else _one_by_one
            found[e] = read(template, name, data)
        else:
            found[e] = _conjunction(parts) if conjunction else Occurrences([parts[0][0]], None, parts[0][1])
    return found


def _coded(data, keys):
    """The str values of each key, numbered; None for a key with values of other kinds."""
    coded = {key: data.coded(key) if isinstance(data, Records) else None for key in keys}
    for key, column in _columns(data, [key for key in keys if coded[key] is None]).items():
        try:
            words, codes = _numbered(column)
        except Exception:  # not hashable; an error is told, datum by datum, by the slow way
            continue
        if set(map(type, words)) <= {str}:
            coded[key] = words, codes
    return coded


def _numbered(column):
    """The distinct values of a column, numbered as they appear, and the number of each, -1 for None.

    A dict that counts on every miss numbers a column in one pass without a call into Python, and a getter of
    all its values at once asks without a call for each.
    """
    number = defaultdict(count().__next__)
    codes = np.fromiter(
        itemgetter(*column)(number) if len(column) > 1 else map(number.__getitem__, column),
        np.int32,
        len(column),
    )
    words = dict(number)
    if None in words:
        missing = words.pop(None)
        codes = np.where(codes == missing, -1, codes - (codes > missing)).astype(np.int32)
        words = {word: i for i, word in enumerate(words)}
    return words, codes


def _columns(data, keys):
    """The values of the keys as lists, in one pass over the data if possible; unreadable keys left out."""
    if isinstance(data, Records):
        return {key: data.column(key) for key in keys}
    if len(keys) > 1:
        try:
            flat = list(chain.from_iterable(map(itemgetter(*keys), data)))
            return {key: flat[j :: len(keys)] for j, key in enumerate(keys)}
        except Exception:  # some datum lacks some key
            pass
    columns = {}
    for key in keys:
        try:
            columns[key] = list(map(itemgetter(key), data))
        except KeyError:
            if set(map(type, data)) == {dict}:
                columns[key] = [d.get(key) for d in data]
        except Exception:  # told, datum by datum, by the slow way
            continue
    return columns


def _conjunction(parts):
    """The occurrences of a conjunction of numbered columns."""
    words, columns = (list(part) for part in zip(*parts))
    n, rows = len(columns[0]), None
    if any(column.min(initial=0) < 0 for column in columns):
        rows = np.flatnonzero(np.minimum.reduce(columns) >= 0)
        columns = [column[rows] for column in columns]
    # Any row of a predicate has its codes; to ask for the first one would take a stable sort.
    found, group = np.unique(_ranked(columns, words), return_inverse=True)
    group = group.ravel().astype(np.int32)
    place = np.empty(len(found), np.intp)
    place[group] = np.arange(len(group))
    numbers = group
    if rows is not None:
        numbers = np.full(n, -1, np.int32)
        numbers[rows] = group
    return Occurrences(words, np.column_stack([column[place] for column in columns]), numbers)


def _ranked(columns, words):
    """One integer for each row of codes, in columns, in lexicographic order; equal for equal rows only."""
    joined, size = columns[0].astype(np.int64), len(words[0])
    for j in range(1, len(words)):
        if size * len(words[j]) >= 2**62:
            used, joined = np.unique(joined, return_inverse=True)
            joined, size = joined.ravel(), len(used)
        joined, size = joined * len(words[j]) + columns[j], size * len(words[j])
    return joined


def _asked(question, name, d):
    """``question(d)``, a failure being that of the template of this name."""
    try:
        return question(d)
    except Exception as error:
        fail(name, None, d, f"raised {type(error).__name__} ({error})", error)


def _conjunctions_one_by_one(template, name, data):
    found = [_asked(template.texts, name, d) for d in data]
    # Numbered as column by column, with the values of data whose other keys are missing.
    words = [_numbered(list(chain.from_iterable(column)))[0] for column in zip(*found)]
    joined = [list(product(*texts)) for texts in found]
    rows = np.repeat(np.arange(len(data)), [len(parts) for parts in joined])
    columns = list(zip(*chain.from_iterable(joined))) or [()] * len(words)
    codes = [np.array([*map(known.get, column)], np.int32) for known, column in zip(words, columns)]
    whole = _conjunction(list(zip(words, codes)))
    if len(np.unique(rows)) < len(rows):
        return replace(whole, rows=rows, values=np.ones(len(rows)))
    numbers = np.full(len(data), -1, np.int32)
    numbers[rows] = whole.numbers
    return replace(whole, numbers=numbers)


def _one_by_one(template, name, data):
    words, rows, numbers, values = {}, [], [], []
    for i, d in enumerate(data):
        for atom, value in _asked(template.atoms, name, d):
            problem = fault(value)
            if problem:
                fail(atom_name(template.keys, atom), None, d, problem)
            if value:
                rows.append(i)
                numbers.append(words.setdefault(atom, len(words)))
                values.append(value)
    return Occurrences(
        [words], None, np.array(numbers, np.int32), np.array(rows, np.intp), np.array(values, np.float64)
    )


def make_pairs(template, name, found, classes, present):
    """The predicates of a template, and which of them make a feature with which class.

    Parameters
    ----------
    template : Joined
    name : str
    found : Occurrences or None
        In the training data; None without any.
    classes : list of K labels
    present : csr_array of shape (n, K)
        Not zero where a datum has a label.

    Returns
    -------
    known : dict
        "keys", "words" and "codes": the predicates, as `atom_names` takes them.
    kept : bool ndarray of shape (number of predicates, K)
    """
    K = len(classes)
    if template.pairs is not None:
        names = {atom: row for row, atom in enumerate(dict.fromkeys(atom for atom, _ in template.pairs))}
        known = {"keys": [], "words": [names], "codes": None}
        kept = np.zeros((len(names), K), bool)
        for atom, c in template.pairs:
            if c in classes:
                kept[names[atom], classes.index(c)] = True
    elif found is None:
        raise ValueError(
            f"The template {name!r} takes its predicates from training data. Without them, name the "
            "'pairs' of predicates and classes."
        )
    else:
        known = {"keys": template.keys, "words": found.words, "codes": found.codes}
        kept = np.ones((len(found), K), bool)
    if template.min_count and found is not None:
        counts = _pair_counts(found, present)
        if template.pairs is not None:
            number = {atom: i for i, atom in enumerate(atom_names(template.keys, found.words, found.codes))}
            counts = np.vstack([counts, np.zeros((1, K), counts.dtype)])  # the last: not found at all
            counts = counts[[number.get(atom, -1) for atom in names]]
        kept &= counts >= template.min_count
    if template.classes is not None:
        kept &= np.array([c in template.classes for c in classes])
    return known, kept


def _pair_counts(found, present):
    """Number of data in which a predicate and a label meet, (number of predicates, K)."""
    K = present.shape[1]
    if found.rows is None:
        numbers = np.repeat(found.numbers, np.diff(present.indptr))
        labels = present.indices[numbers >= 0]
        numbers = numbers[numbers >= 0]
    else:
        picked = present[found.rows]
        numbers, labels = np.repeat(found.numbers, np.diff(picked.indptr)), picked.indices
    pairs = numbers.astype(np.intp) * K + labels
    return np.bincount(pairs, minlength=len(found) * K).reshape(len(found), K)


def atom_names(keys, words, codes):
    """Names of all predicates of a template, a list of str.

    Parameters
    ----------
    keys : list of str
        Of the template; empty where the words are names already.
    words, codes : as of `Occurrences`
    """
    if codes is None:
        return [atom_name(keys, atom) for atom in words[0]] if keys else list(words[0])
    texts = [list(part) for part in words]
    columns = [map(text.__getitem__, column) for text, column in zip(texts, codes.T.tolist())]
    return [atom_name(keys, parts) for parts in zip(*columns)]


def renumbered(template, found, known):
    """The numbers of the occurrences in the table of a template, -1 for predicates that it lacks."""
    words, codes = known["words"], known["codes"]
    if words is found.words:
        return found.numbers
    if codes is None:
        atoms = found.words[0]
        if template.pairs is not None:
            atoms = atom_names(template.keys, found.words, found.codes)
        numbers = [words[0].get(atom, -1) for atom in atoms]
    else:
        maps = [
            np.array([*map(known.get, part, repeat(-1))], np.int32) for known, part in zip(words, found.words)
        ]
        own = np.column_stack([by_word[column] for by_word, column in zip(maps, found.codes.T)])
        ranks = _ranked(np.concatenate([codes, np.maximum(own, 0)]).T, words)
        table, ranks = ranks[: len(codes)], ranks[len(codes) :]
        places = np.searchsorted(table, ranks)
        places[places == len(table)] = 0
        same = (own >= 0).all(axis=1) & (table[places] == ranks) if len(table) else np.zeros(len(own), bool)
        numbers = np.where(same, places, -1)
    # The last entry is what the number -1 of a datum without predicate picks.
    return np.append(numbers, -1).astype(np.int32)[found.numbers]
