"""Templates of joint features: predicates over the datum, joined with classes."""

from dataclasses import dataclass
from itertools import product
from numbers import Real
from typing import Any

import numpy as np

from ..numerics.missing import is_missing


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
        - dict from str to any of these: the predicates "key=name" with a number as their value,
          "key=name=value" with the value 1 for each str;
        - None, or a key that is missing: nothing.

        A conjunction joins the values of its keys to "key=value & key=value", numbers by their text;
        of a list, tuple or set of str each element is joined. Where one of the keys is missing (None,
        NaN, NaT or pandas' NA) it is nothing. Names never depend on the order of a set.
    classes : list of class labels, default=None
        The classes to join every predicate with; None for all.
    pairs : list of (str, class label), default=None
        The pairs of a predicate's name, such as "word=in", and a class that make the features, and no
        others.
    min_count : int, default=0
        Number of training data of a class in which a predicate must be non-zero for their pair to be
        a feature. 0 also keeps pairs that never occur; 1 is what NLTK, OpenNLP and MALLET do.

    See Also
    --------
    JointFeatures : The features of a model, templates like this and functions.

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
    def keys(self) -> list[str]:
        """What names of predicates begin with: the keys, or the name of the function."""
        if callable(self.predicate):
            return [function_name(self.predicate)]
        return [str(key) for key in as_tuple(self.predicate)]

    @property
    def name(self) -> str:
        """Name of the predicate, without values."""
        return " & ".join(self.keys)

    def values(self, d: Any) -> list[tuple[str, float]]:
        """The predicates that are not zero for the datum: a list of (name, value).

        Parameters
        ----------
        d : object
            A datum.

        Returns
        -------
        values : list of (str, float)
            Names and values.
        """
        return [(atom_name(self.keys, atom), value) for atom, value in self.atoms(d)]

    def atoms(self, d: Any) -> list[tuple[Any, float]]:
        """The same as `values`, with what tells the predicates of this template apart; see `atom_name`.

        Parameters
        ----------
        d : object
            A datum.

        Returns
        -------
        atoms : list of (object, float)
            What tells a predicate from others of the template, and its value.
        """
        if isinstance(self.predicate, tuple):
            return [(parts, 1.0) for parts in product(*self.texts(d))]
        found = self.predicate(d) if callable(self.predicate) else _look_up(d, self.predicate)
        if found is None:
            return []
        if isinstance(found, Real | np.bool_):
            return [(None, found)]
        if not isinstance(found, dict):
            return [(part, 1.0) for part in _words_of(found)]
        atoms = []
        for part, value in found.items():
            if isinstance(value, Real | np.bool_):
                atoms.append((str(part), value))
            elif value is not None:
                atoms += [(f"{part}={word}", 1.0) for word in _words_of(value)]
        return atoms

    def texts(self, d: Any) -> list[list[str]]:
        """The values of each key of a conjunction for the datum, a list of lists of str; empty: missing.

        Parameters
        ----------
        d : object
            A datum.

        Returns
        -------
        texts : list of list of str
            The values of each key; an empty list where it is missing.
        """
        return [_texts_of(_look_up(d, key)) for key in self.predicate]

    def check(self) -> None:
        """Raise ValueError for parameters that mean nothing."""
        keys = as_tuple(self.predicate)
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


def as_tuple(predicate):
    """The keys of a predicate that is not a function."""
    return predicate if isinstance(predicate, tuple) else (predicate,)


def atom_name(keys, atom):
    """Name of a predicate of a template.

    Parameters
    ----------
    keys : list of str
        Of the template, see `Joined.keys`.
    atom : str, tuple of str or None
        Value of the key; values of several keys; None for a key that is a number itself.
    """
    if atom is None:
        return keys[0]
    parts = atom if isinstance(atom, tuple) else (atom,)
    return " & ".join([f"{key}={part}" for key, part in zip(keys, parts)])


def _words_of(found):
    """A str, or the elements of a collection of str, as a list without repeats in an order of their own."""
    if isinstance(found, str):
        return [str(found)]
    if isinstance(found, list | tuple | set | frozenset) and all(isinstance(part, str) for part in found):
        return [str(part) for part in sorted(set(found))]
    raise TypeError(f"{found!r} is neither a str, a number, a collection of str, a dict nor None")


def _texts_of(value):
    """What a value of one key of a conjunction is called, a list of str; empty where it is missing.

    The text of a set depends on the hash seed and that of a bare object on its address: a model that kept
    such names would predict otherwise in the next process.
    """
    if is_missing(value):
        return []
    if isinstance(value, str | list | tuple | set | frozenset):
        return _words_of(value)
    bare = type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__
    if bare or isinstance(value, dict):
        raise TypeError(f"{value!r} is neither a str, a number, a collection of str nor None")
    return [str(value)]


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
