"""Where the predicates of templates are not zero: whole columns of the data at once, where they allow it."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, count
from operator import itemgetter

import numpy as np

from ._templates import as_tuple, atom_name, fail, fault


@dataclass(frozen=True)
class Occurrences:
    """Where the predicates of one template are not zero.

    Attributes
    ----------
    atoms : dict
        The predicates, from what tells them apart (see `atom_name`) to their numbers 0, 1, ...
    numbers : int32 ndarray of shape (m,)
        Number of the predicate of each occurrence.
    rows : integer ndarray of shape (m,) or None
        The datum of each occurrence. None: there is one for each datum, in order, or the number -1.
    values : ndarray of shape (m,) or None
        Its value. None: 1 everywhere.
    """

    atoms: dict
    numbers: np.ndarray
    rows: np.ndarray | None = None
    values: np.ndarray | None = None

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
        if not parts or None in parts:
            found[e] = _one_by_one(template, name, data)
        else:
            found[e] = _conjunction(parts) if isinstance(template.predicate, tuple) else parts[0]
    return found


def _coded(data, keys):
    """The str values of each key, numbered; None for a key with values of other kinds.

    A dict that counts on every miss numbers a column in one pass without a call into Python.
    """
    coded = dict.fromkeys(keys)
    for key, column in _columns(data, keys).items():
        number = defaultdict(count().__next__)
        try:
            codes = np.fromiter(map(number.__getitem__, column), np.int32, len(column))
        except Exception:  # not hashable; an error is told, datum by datum, by the slow way
            continue
        atoms = dict(number)
        if not set(map(type, atoms)) <= {str, type(None)}:
            continue
        if None in atoms:  # nothing there
            missing = atoms.pop(None)
            codes = np.where(codes == missing, -1, codes - (codes > missing)).astype(np.int32)
            atoms = {atom: i for i, atom in enumerate(atoms)}
        coded[key] = Occurrences(atoms, codes)
    return coded


def _columns(data, keys):
    """The values of the keys as lists, in one pass over the data if possible; unreadable keys left out."""
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
    """The occurrences of a conjunction of coded columns, numbered in the order in which they appear."""
    rows = np.flatnonzero(np.min([part.numbers for part in parts], axis=0) >= 0)
    codes = [part.numbers[rows] for part in parts]
    joined, size = codes[0].astype(np.int64), len(parts[0].atoms)
    for part, more in zip(parts[1:], codes[1:]):
        if size * len(part.atoms) >= 2**62:
            used, joined = np.unique(joined, return_inverse=True)
            size = len(used)
        joined, size = joined * len(part.atoms) + more, size * len(part.atoms)
    _, first, group = np.unique(joined, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    numbers = np.full(len(parts[0].numbers), -1, np.int32)
    numbers[rows] = rank[group.ravel()]
    texts = [list(part.atoms) for part in parts]
    places = first[order]
    chosen = [map(text.__getitem__, code[places].tolist()) for text, code in zip(texts, codes)]
    return Occurrences({atom: i for i, atom in enumerate(zip(*chosen))}, numbers)


def _one_by_one(template, name, data):
    atoms, rows, numbers, values = {}, [], [], []
    for i, d in enumerate(data):
        try:
            found = template.atoms(d)
        except Exception as error:
            fail(name, None, d, f"raised {type(error).__name__} ({error})", error)
        for atom, value in found:
            problem = fault(value)
            if problem:
                fail(atom_name(template.keys, atom), None, d, problem)
            if value:
                rows.append(i)
                numbers.append(atoms.setdefault(atom, len(atoms)))
                values.append(value)
    return Occurrences(
        atoms, np.array(numbers, np.int32), np.array(rows, np.intp), np.array(values, np.float64)
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
    atoms : dict
        The predicates, numbered; by their names where the template names its pairs.
    kept : bool ndarray of shape (len(atoms), K)
    """
    K = len(classes)
    if template.pairs is None:
        if found is None:
            raise ValueError(
                f"The template {name!r} takes its predicates from training data. Without them, name the "
                "'pairs' of predicates and classes."
            )
        atoms = found.atoms
        kept = np.ones((len(atoms), K), bool)
    else:
        atoms = {atom: row for row, atom in enumerate(dict.fromkeys(atom for atom, _ in template.pairs))}
        kept = np.zeros((len(atoms), K), bool)
        for atom, c in template.pairs:
            if c in classes:
                kept[atoms[atom], classes.index(c)] = True
    if template.min_count and found is not None:
        counts = _pair_counts(found, present)
        if atoms is not found.atoms:
            number = dict(zip(_labels(template, found), range(len(found.atoms))))
            counts = np.vstack([counts, np.zeros((1, K), counts.dtype)])  # the last: not found at all
            counts = counts[[number.get(atom, -1) for atom in atoms]]
        kept &= counts >= template.min_count
    if template.classes is not None:
        kept &= np.array([c in template.classes for c in classes])
    return atoms, kept


def _pair_counts(found, present):
    """Number of data in which a predicate and a label meet, (number of predicates, K)."""
    rows, numbers, _ = found.listed()
    labels = present[rows]
    K, size = present.shape[1], len(found.atoms)
    pairs = np.repeat(numbers.astype(np.intp), np.diff(labels.indptr)) * K + labels.indices
    return np.bincount(pairs, minlength=size * K).reshape(size, K)


def _labels(template, found):
    """The predicates that were found, as the table of a template knows them: by name where it names them."""
    if template.pairs is None:
        return found.atoms
    return [atom_name(template.keys, atom) for atom in found.atoms]


def renumbered(template, found, atoms):
    """The numbers of the occurrences in the table of a template, -1 for predicates that it lacks."""
    if atoms is found.atoms:
        return found.numbers
    # The last entry is what the number -1 of a datum without predicate picks.
    known = np.array([*(atoms.get(label, -1) for label in _labels(template, found)), -1], np.int32)
    return known[found.numbers]
