"""The features of one token: names and values of what users write down."""

from collections.abc import Mapping
from numbers import Real

import numpy as np

COLLECTIONS = (list, tuple, set, frozenset, np.ndarray)
REMEDY = (
    "give each token's features as a dict or as a list of str, or put TokenFeatures(function) before the "
    "tagger in a Pipeline"
)


class UnreadableError(ValueError):
    """A feature that means nothing; `fail_at` finds out where it is."""


class NestedError(TypeError):
    """A value that holds several features: as dict keys do, it is refused where the fast way meets it."""


def kind_of(value):
    """A value and its type in an error message."""
    text = repr(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} ({text})"


def feature_of(atom):
    """Name and value of one feature: of a str, or of a pair (key, value)."""
    if isinstance(atom, str):
        return str(atom), 1.0
    key, value = atom
    if not isinstance(key, str):
        raise UnreadableError(f"has a feature whose name is {kind_of(key)}; names must be str.")
    if isinstance(value, str):
        return f"{key}={value}", 1.0
    if value is None:
        return key, 0.0
    if isinstance(value, Real | np.bool_):
        number = float(value)
        if not np.isfinite(number):
            raise UnreadableError(
                f"has the feature {key!r} = {number}; numbers must be finite, and None stands for no feature."
            )
        return key, number
    if isinstance(value, COLLECTIONS):
        raise NestedError
    raise UnreadableError(
        f"has the feature {key!r} that is {kind_of(value)}; it must be a str, a number, a bool, None, "
        "a collection of str or a dict of these."
    )


def atoms_of(token):
    """The features of a token of any kind as a list of str and of pairs (key, str or number)."""
    found = []
    if isinstance(token, Mapping):
        for key, value in token.items():
            _flatten(key, value, found)
    elif isinstance(token, COLLECTIONS):
        for name in token:
            if not isinstance(name, str):
                raise UnreadableError(f"is a collection with {kind_of(name)}; it must hold str.")
            found.append(name)
    else:
        raise UnreadableError(f"is {kind_of(token)}: {REMEDY}.")
    return found


def _flatten(key, value, found):
    if not isinstance(key, str):
        feature_of((key, value))
    if isinstance(value, Mapping):
        for part, inner in value.items():
            _flatten(f"{key}:{part}", inner, found)
    elif isinstance(value, COLLECTIONS):
        for name in value:
            if not isinstance(name, str):
                raise UnreadableError(
                    f"has the feature {key!r}, a collection with {kind_of(name)}; it must hold str."
                )
            found.append((key, name))
    else:
        feature_of((key, value))
        found.append((key, value))


def fail_at(sentences, cause):
    """Raise the error of the first token that cannot be read."""
    for i, sentence in enumerate(sentences):
        for j, token in enumerate(sentence):
            try:
                for atom in atoms_of(token):
                    feature_of(atom)
            except UnreadableError as error:
                raise ValueError(f"X[{i}][{j}] {error}") from None
    raise cause
