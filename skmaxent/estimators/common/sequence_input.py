"""Sequences as users give them: lists of tokens, arrays of vectors, or rows of scalars."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from ...nn.training.sequence_batches import Sequences
from ...numerics.missing import any_missing
from .targets import label_masses

_SHAPES = (
    "X must be a list of sequences of tokens, of float arrays of shape (T_i, p), or a 2-D float array of "
    "shape (n_sequences, n_scalars)"
)


@dataclass(frozen=True)
class Given:
    """Sequences, one after another.

    Attributes
    ----------
    items : list
        The sequences as they were given, or rows of an array.
    lengths : intp ndarray of shape (n,)
    tokens : list of hashables, or None
        All tokens.
    values : float ndarray of shape (N, p), or None
        All vectors.
    """

    items: list
    lengths: np.ndarray
    tokens: list | None
    values: np.ndarray | None

    def __len__(self):
        return len(self.items)

    def take(self, rows):
        """Some of the sequences, in the order of their numbers `rows`."""
        if len(rows) == len(self):
            return self
        flat = Sequences(self.lengths, np.empty(self.lengths.sum())).flat(rows)
        tokens = None if self.tokens is None else [self.tokens[i] for i in flat]
        values = None if self.values is None else self.values[flat]
        return Given([self.items[i] for i in rows], self.lengths[rows], tokens, values)


def read_sequences(known, X, reset):
    """X in any of its forms as a `Given`.

    Parameters
    ----------
    known : estimator
        Takes what a 2-D array says of its columns (`n_features_in_`), or has it, see `validate_data`.
    X : as `RecurrentClassifier.fit` takes it
    reset : bool

    Raises
    ------
    ValueError, TypeError
        With the number of the sequence that is at fault.
    """
    if isinstance(X, str | bytes):
        raise ValueError(f"{_SHAPES}. Got a string instead.")
    items = _as_items(X)
    if items is None:
        if reset:
            X = validate_data(known, X, dtype=(np.float64, np.float32))
        else:
            known_columns = hasattr(known, "n_features_in_")
            X = validate_data(known, X, dtype=(np.float64, np.float32), reset=not known_columns)
        n, p = X.shape
        return Given([*X], np.full(n, p, dtype=np.intp), None, X.reshape(-1, 1))
    if not items:
        raise ValueError("Found array with 0 sample(s) (shape=(0,)) while a minimum of 1 is required.")
    return _read_vectors(items) if _holds_vectors(items) else _read_tokens(items)


def _as_items(X):
    """A list of the sequences; None for what is to be read as a 2-D array of scalars."""
    ndim = getattr(X, "ndim", None)
    if isinstance(X, np.ndarray) and ndim == 3:
        return [*X]
    if isinstance(X, np.ndarray) and ndim in (1, 2) and X.dtype.kind in "OUS":
        if ndim == 1 and X.dtype.kind == "O":
            return X.tolist()
        # Rows of words are sequences of one length; whether other objects are numbers validation says.
        return X.tolist() if ndim == 2 and isinstance(X.flat[0] if X.size else None, str) else None
    if ndim == 1 and hasattr(X, "iloc"):
        return X.tolist()
    if not isinstance(X, list | tuple):
        return None
    if all(isinstance(item, list | tuple) for item in X):  # the same as the array that they make
        widths = {len(item) for item in X}
        scalars = len(widths) == 1 and all(isinstance(value, Real) for item in X for value in item)
        if scalars and any(isinstance(value, float) for item in X for value in item):
            return None
    elif X and all(isinstance(item, Real) for item in X):
        return None  # validation says that a 2-D array is needed
    return [*X]


def _holds_vectors(items):
    """Whether the sequences are of numbers, not of tokens: by the first that is not empty."""
    for item in items:
        if isinstance(item, np.ndarray):
            if item.size and item.dtype.kind in "fiub":
                return item.ndim == 2 or item.dtype.kind == "f"
        elif isinstance(item, list | tuple) and item:
            first = item[0]
            if isinstance(first, list):  # no token: it is not hashable
                return bool(first) and all(isinstance(value, Real) for value in first)
            return isinstance(first, float) or (isinstance(first, np.ndarray) and first.dtype.kind == "f")
        if isinstance(item, str):
            return False
    return any(isinstance(item, np.ndarray) and item.ndim == 2 for item in items)


def _read_vectors(items):
    arrays, p = [], None
    for i, item in enumerate(items):
        try:
            array = np.asarray(item)
            array = array.astype(np.float32 if array.dtype == np.float32 else np.float64, copy=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"X[{i}] holds no numbers, but other sequences of X do: {error}") from error
        if array.ndim == 1:
            array = array.reshape(len(array), 1 if p is None or len(array) else p)
        if array.ndim != 2:
            raise ValueError(f"X[{i}] has shape {array.shape}, where (T, p) is expected. {_SHAPES}.")
        if len(array):
            p = array.shape[1] if p is None else p
            if array.shape[1] != p:
                raise ValueError(f"X[{i}] has vectors of {array.shape[1]} numbers, those before it of {p}.")
        if not np.isfinite(array).all():
            raise ValueError(f"X[{i}] contains NaN or infinity.")
        arrays.append(array)
    lengths = np.array([len(array) for array in arrays], dtype=np.intp)
    filled = [array for array in arrays if len(array)]
    values = np.concatenate(filled) if filled else np.zeros((0, p or 1))
    return Given(items, lengths, None, values)


def _read_tokens(items):
    tokens, lengths = [], []
    for i, item in enumerate(items):
        if isinstance(item, str | bytes):
            raise ValueError(
                f"X[{i}] is a string where a sequence of tokens belongs: {item[:30]!r}. Split texts into "
                "words first, for instance by text.split()."
            )
        try:
            sequence = item.tolist() if isinstance(item, np.ndarray) else [*item]
            tokens += sequence
        except TypeError as error:
            raise ValueError(f"X[{i}] is {item!r}, where a sequence of tokens belongs. {_SHAPES}.") from error
        lengths.append(len(sequence))
    return Given(items, np.array(lengths, dtype=np.intp), tokens, None)


def read_labels(y, X, target_type):
    """One label for each sequence, a 1-D array, or its label masses, (n, K) in float64.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, K)
    X : Given
    target_type : {"auto", "masses"}
        What a y of two dimensions means, see `label_masses`.

    Raises
    ------
    ValueError
        For labels that are missing, not finite, continuous or of another number, and masses that are none.
    """
    if y is None:
        raise ValueError("RecurrentClassifier requires y to be passed, but the target y is None.")
    check_consistent_length(X.items, y)
    if any_missing(y):
        raise ValueError("Input y contains NaN.")
    masses = label_masses(y, target_type, "RecurrentClassifier")
    if masses is not None:
        return masses
    y = column_or_1d(y, warn=True)
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    return y


def read_tags(y, X):
    """All tags of lists of tags, one list after another.

    Parameters
    ----------
    y : sequence of sequences of tags
    X : Given

    Raises
    ------
    ValueError
        With the number of the sequence whose tags do not match its tokens.
    """
    if y is None:
        raise ValueError("A tagger requires y to be passed, but the target y is None.")
    if isinstance(y, str | bytes) or len(y) != len(X):
        got = "a string" if isinstance(y, str | bytes) else len(y)
        raise ValueError(
            f"y must have one list of tags for each sequence. X has {len(X)} sequences, y has {got}."
        )
    flat = []
    for i, (tags, length) in enumerate(zip(y, X.lengths)):
        if isinstance(tags, str | bytes) or not hasattr(tags, "__len__"):
            raise ValueError(f"y[{i}] is {tags!r}, where a list with a tag for each token belongs.")
        if len(tags) != length:
            raise ValueError(f"X[{i}] has {length} tokens, but y[{i}] has {len(tags)} tags.")
        flat += tags.tolist() if isinstance(tags, np.ndarray) else tags
    return flat
