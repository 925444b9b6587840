"""Templates of joint features: predicates over the datum, joined with classes."""

from dataclasses import dataclass
from numbers import Real
from operator import itemgetter

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Joined:
    """A predicate over the datum, joined with classes: one feature a pair (predicate, class).

    A key needs no code: a model whose templates are all keys can be stored and read without the
    program that made it.

    Parameters
    ----------
    predicate : str, int, tuple of these, or callable
        A key or position: ``d[key]``; several in a tuple: their conjunction; a function at module
        level: ``predicate(d)``. What it gives for a datum becomes:

        - str: the predicate "key=value" with the value 1;
        - bool or a real number: the predicate "key" with that value;
        - list, tuple or set of str: the predicates "key=value", each with the value 1;
        - dict from str to a real number: the predicates "key=name" with these values;
        - None, or a key that is missing: nothing.

        A conjunction joins the values of its keys, any but None, to "key=value & key=value".
    classes : list of class labels, default=None
        The classes to join every predicate with; None for all.
    pairs : list of (str, class label), default=None
        The pairs of a predicate's name, such as "word=in", and a class that make the features, and no
        others.
    min_count : int, default=0
        Number of training data of a class in which a predicate must be non-zero for their pair to be
        a feature. 0 also keeps pairs that never occur; 1 is what NLTK, OpenNLP and MALLET do.

    Examples
    --------
    >>> from skmaxent import JointFeatures, Joined, MaxEntClassifier
    >>> data = [{"word": "Québec", "previous": "in"}, {"word": "Zantac", "previous": "take"}]
    >>> model = MaxEntClassifier(features=JointFeatures([Joined("previous", min_count=1)]))
    >>> model = model.fit(data, ["LOCATION", "DRUG"])
    >>> model.joint_feature_names_.tolist()
    ['previous=in, c=LOCATION', 'previous=take, c=DRUG']
    """

    predicate: object
    classes: object = None
    pairs: object = None
    min_count: int = 0

    @property
    def name(self):
        """Name of the predicate, without values."""
        if callable(self.predicate):
            return function_name(self.predicate)
        keys = self.predicate if isinstance(self.predicate, tuple) else (self.predicate,)
        return " & ".join(map(str, keys))

    def values(self, d):
        """The predicates that are not zero for the datum: a list of (name, value)."""
        if isinstance(self.predicate, tuple):
            parts = [_look_up(d, key) for key in self.predicate]
            if any(part is None for part in parts):
                return []
            return [(" & ".join(f"{key}={part}" for key, part in zip(self.predicate, parts)), 1.0)]
        found = self.predicate(d) if callable(self.predicate) else _look_up(d, self.predicate)
        if found is None:
            return []
        if isinstance(found, str):
            return [(f"{self.name}={found}", 1.0)]
        if isinstance(found, Real | np.bool_):
            return [(self.name, found)]
        if isinstance(found, dict):
            return [(f"{self.name}={part}", value) for part, value in found.items()]
        if isinstance(found, list | tuple | set | frozenset) and all(isinstance(part, str) for part in found):
            return [(f"{self.name}={part}", 1.0) for part in sorted(set(found))]
        raise TypeError(f"{found!r} is neither a str, a number, a collection of str, a dict nor None")

    def check(self):
        """Raise ValueError for parameters that mean nothing."""
        keys = self.predicate if isinstance(self.predicate, tuple) else (self.predicate,)
        if not callable(self.predicate) and not (keys and all(isinstance(key, str | int) for key in keys)):
            raise ValueError(
                "The 'predicate' parameter of Joined must be a str, an int, a tuple of these or a callable. "
                f"Got {self.predicate!r} instead."
            )
        for name in ("classes", "pairs"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, str) or not hasattr(value, "__len__")):
                raise ValueError(
                    f"The {name!r} parameter of Joined must be a list or None. Got {value!r} instead."
                )
        if self.pairs is not None and any(isinstance(pair, str) or len(pair) != 2 for pair in self.pairs):
            raise ValueError(
                "The 'pairs' parameter of Joined must be a list of pairs (predicate name, class). "
                f"Got {self.pairs!r} instead."
            )
        if self.pairs is not None and self.classes is not None:
            raise ValueError("The parameters 'classes' and 'pairs' of Joined exclude each other.")
        if isinstance(self.min_count, bool) or not isinstance(self.min_count, int) or self.min_count < 0:
            raise ValueError(
                "The 'min_count' parameter of Joined must be an int in the range [0, inf). "
                f"Got {self.min_count!r} instead."
            )


def _look_up(d, key):
    """``d[key]``, None where there is no such key."""
    try:
        return d[key]
    except (KeyError, IndexError):
        return None


def function_name(function):
    """What a function is called in names of features."""
    return getattr(function, "__name__", None) or type(function).__name__


def fail(name, c, d, problem, cause=None):
    """Raise the error of a feature that misbehaves for class c (None: for any) and datum d."""
    place = f"the datum {_shown(d)}" if c is None else f"the class {c!r} and the datum {_shown(d)}"
    raise ValueError(f"The feature {name!r} {problem} for {place}.") from cause


def _shown(d):
    text = repr(d)
    return text if len(text) <= 200 else f"{text[:197]}..."


def fault(value):
    """What is wrong with an answer; None when nothing is."""
    if not isinstance(value, Real | np.bool_):
        return f"is {_shown(value)}, not a bool or a real number,"
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if np.isnan(number):
        return "is NaN"
    return f"is {value}, not a bounded number," if np.isinf(number) else None


def occurrences(template, name, data):
    """Where the predicates of a template are not zero.

    Returns a dict from the predicates' names to numbers, and three arrays with one entry for each
    occurrence: the datum, the number of the predicate, and the value.
    """
    atoms = {}
    columns = _text_columns(template, data)
    if columns is None:
        rows, numbers, values = [], [], []
        for i, d in enumerate(data):
            for atom, value in _template_values(template, name, d):
                if value:
                    rows.append(i)
                    numbers.append(atoms.setdefault(atom, len(atoms)))
                    values.append(value)
        return atoms, np.array(rows, np.intp), np.array(numbers, np.intp), np.array(values, np.float64)
    keys = template.predicate if isinstance(template.predicate, tuple) else (template.predicate,)
    parts = columns[0] if len(columns) == 1 else list(zip(*columns))
    distinct = {part: code for code, part in enumerate(dict.fromkeys(parts))}
    codes = np.fromiter(map(distinct.__getitem__, parts), np.intp, len(parts))
    if len(columns) == 1:
        names = [None if part is None else f"{keys[0]}={part}" for part in distinct]
    else:
        form = " & ".join(str(key).replace("%", "%%") + "=%s" for key in keys)
        names = [None if None in part else form % part for part in distinct]
    number_of = np.array([-1 if atom is None else atoms.setdefault(atom, len(atoms)) for atom in names])
    numbers = number_of[codes]
    rows = np.flatnonzero(numbers >= 0)
    return atoms, rows, numbers[rows], np.ones(len(rows))


def _text_columns(template, data):
    """The values of each key as a list, when all are str or None: much faster than datum by datum."""
    if callable(template.predicate) or not len(data):
        return None
    keys = template.predicate if isinstance(template.predicate, tuple) else (template.predicate,)
    columns = []
    for key in keys:
        try:
            column = list(map(itemgetter(key), data))
        except KeyError:
            if set(map(type, data)) != {dict}:
                return None
            column = [d.get(key) for d in data]
        except Exception:  # told, datum by datum, by the one who asks
            return None
        if not set(map(type, column)) <= {str, type(None)}:
            return None
        columns.append(column)
    return columns


def _template_values(template, name, d):
    """The predicates of a template for one datum, checked."""
    try:
        found = template.values(d)
    except Exception as error:
        fail(name, None, d, f"raised {type(error).__name__} ({error})", error)
    for atom, value in found:
        problem = fault(value)
        if problem:
            fail(atom, None, d, problem)
    return found


def template_pairs(template, name, occurrences, n, classes, present):
    """Predicates {name: row}, and which of them make a feature with which class, bool (rows, K)."""
    K = len(classes)
    if template.pairs is None:
        if occurrences is None:
            raise ValueError(
                f"The template {name!r} takes its predicates from training data. Without them, name the "
                "'pairs' of predicates and classes."
            )
        atoms = occurrences[0]
        kept = np.ones((len(atoms), K), bool)
    else:
        atoms = {atom: row for row, atom in enumerate(dict.fromkeys(atom for atom, _ in template.pairs))}
        kept = np.zeros((len(atoms), K), bool)
        for atom, c in template.pairs:
            if c in classes:
                kept[atoms[atom], classes.index(c)] = True
    if template.min_count and occurrences is not None:
        found, rows, numbers, _ = occurrences
        incidence = sparse.csr_array((np.ones(len(rows)), (numbers, rows)), shape=(len(found), n))
        counts = np.vstack([incidence @ present, np.zeros((1, K))])  # the last: not found at all
        place = slice(len(found)) if atoms is found else [found.get(atom, -1) for atom in atoms]
        kept &= counts[place] >= template.min_count
    if template.classes is not None:
        kept &= np.array([c in template.classes for c in classes])
    return atoms, kept


def template_entries(occurrences, K, known):
    """Rows, columns and values of a template's part of the design."""
    found, rows, numbers, values = occurrences
    if known["atoms"] is not found and len(numbers):
        numbers = np.array([known["atoms"].get(atom, -1) for atom in found])[numbers]
        kept = numbers >= 0
        rows, numbers, values = rows[kept], numbers[kept], values[kept]
    columns = known["columns"][numbers]
    place, k = np.nonzero(columns >= 0)
    return rows[place] * K + k, columns[place, k], values[place]
