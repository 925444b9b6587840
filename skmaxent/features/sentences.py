"""Sentences, lists of tokens with features, read into a sparse matrix with a row a token."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, count
from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _num_samples

from ..compat import Documented

COLLECTIONS = (list, tuple, set, frozenset, np.ndarray)
REMEDY = (
    "give each token's features as a dict or as a list of str, or put TokenFeatures(function) before the "
    "tagger in a Pipeline"
)


class UnreadableError(ValueError):
    """A feature that means nothing; `fail_at` finds out where it is."""


class NestedError(TypeError):
    """A value that holds several features: as dict keys do, it is refused where the fast way meets it."""


def check_sentences(X, of="tokens"):
    """X as a list of sentences.

    Parameters
    ----------
    X : list, tuple, ndarray or Series of sentences
        Each a sequence: a list, a tuple, an array.
    of : str
        What the sentences hold, for messages.

    Raises
    ------
    TypeError, ValueError
        For anything else, such as a text or a table.
    """
    if isinstance(X, str | bytes | Mapping | set | frozenset) or sparse.issparse(X) or hasattr(X, "columns"):
        raise ValueError(f"X must be a list of sentences, each a list of {of}. Got {_kind(X)} instead.")
    _num_samples(X)  # scikit-learn's words for what has no length
    sentences = list(X)
    if set(map(type, sentences)) <= {list, tuple}:
        return sentences
    for i, sentence in enumerate(sentences):
        series = hasattr(sentence, "iloc") and not hasattr(sentence, "columns")
        if isinstance(sentence, np.ndarray) and sentence.ndim != 1:
            series = False
        elif isinstance(sentence, Sequence | np.ndarray) and not isinstance(sentence, str | bytes):
            series = True
        if not series:
            raise ValueError(f"X[{i}] is {_kind(sentence)}; a sentence must be a list of {of}.")
    return [list(sentence) for sentence in sentences]


def _kind(value):
    """A value and its type in an error message."""
    text = repr(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name} ({text})"


def token_counts(sentences):
    """Number of tokens of each sentence, an intp ndarray."""
    return np.fromiter(map(len, sentences), np.intp, len(sentences))


def feature_of(atom):
    """Name and value of one feature: of a str, or of a pair (key, value)."""
    if isinstance(atom, str):
        return str(atom), 1.0
    key, value = atom
    if not isinstance(key, str):
        raise UnreadableError(f"has a feature whose name is {_kind(key)}; names must be str.")
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
        f"has the feature {key!r} that is {_kind(value)}; it must be a str, a number, a bool, None, "
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
                raise UnreadableError(f"is a collection with {_kind(name)}; it must hold str.")
            found.append(name)
    else:
        raise UnreadableError(f"is {_kind(token)}: {REMEDY}.")
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
                    f"has the feature {key!r}, a collection with {_kind(name)}; it must hold str."
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


class Names(defaultdict):
    """Numbers of features of which each is a str."""


def _read(sentences, table_of, slowly=False):
    """Numbers of the features of all tokens, one after another, and how many each token has.

    Parameters
    ----------
    table_of : callable
        ``table_of(keyed)`` gives the dict that numbers features, of str alone or also of pairs
        (key, value), and makes up for those that it misses.
    slowly : bool
        Whether to look at each value by itself, as it is done where some hold several features.

    Returns
    -------
    table : dict
    numbers : int32 ndarray
    counts : intp ndarray of shape (n,)
    """
    tokens = list(chain.from_iterable(sentences))
    kinds = set(map(type, tokens))
    if not slowly and kinds <= {dict}:
        # The pairs (key, value) are looked up as they are: no name is made, no text joined.
        table, features = table_of(True), map(dict.items, tokens)
    elif not slowly and kinds <= {list, tuple, set, frozenset}:
        table, features = table_of(False), tokens
    else:
        try:
            table, features = table_of(True), [atoms_of(token) for token in tokens]
        except UnreadableError as error:
            fail_at(sentences, error)
        tokens = features
    counts = np.fromiter(map(len, tokens), np.intp, len(tokens))
    flat = chain.from_iterable(features)
    try:
        return table, np.fromiter(map(table.__getitem__, flat), np.int32, int(counts.sum())), counts
    except UnreadableError as error:
        fail_at(sentences, error)
    except TypeError:  # a value that cannot be a dict's key: it holds several features, or it is a bad one
        if slowly:
            raise
        return _read(sentences, table_of, slowly=True)


def _matrix(columns, values, counts, n_columns, dtype):
    """CSR in canonical form from columns (-1 for none) and values of the tokens' features, in order."""
    keep = columns >= 0
    kept = np.concatenate([[0], np.cumsum(keep)])
    indptr = kept[np.concatenate([[0], np.cumsum(counts)])]
    if len(columns) < 2**31:
        indptr = indptr.astype(np.int32)
    data = np.ones(kept[-1], dtype) if values is None else values[keep]
    X = sparse.csr_matrix((data, columns[keep], indptr), shape=(len(counts), n_columns))
    X.sum_duplicates()  # sorts: sets come in an order that depends on the hash seed
    return X


def _cast(values, dtype):
    """Values of features as an array of the type of the matrix."""
    with np.errstate(over="ignore"):
        cast = np.asarray(values, np.float64).astype(dtype)
    if not np.isfinite(cast).all():
        raise ValueError(f"Input X contains a value too large for dtype({np.dtype(dtype).name!r}).")
    return cast


def learn_vocabulary(sentences, min_count=1, dtype=np.float32):
    """The columns of the features that occur in sentences, and the sentences as a matrix.

    Parameters
    ----------
    sentences : list of list of tokens
        From `check_sentences`.
    min_count : int
        Number of tokens in which a feature must not be 0 to have a column.
    dtype : float32 or float64

    Returns
    -------
    vocabulary : dict of str to int
        Names and columns, sorted by name.
    X : csr_matrix of shape (n, d)
        A row a token.
    """

    def table_of(keyed):
        return (defaultdict if keyed else Names)(count().__next__)

    def read(slowly):
        table, numbers, counts = _read(sentences, table_of, slowly)
        if isinstance(table, Names) and not set(map(type, table)) <= {str}:
            return read(slowly=True)
        return [feature_of(atom) for atom in table], numbers, counts

    try:
        try:
            features, numbers, counts = read(slowly=False)
        except NestedError:  # a tuple, which can be a dict's key
            features, numbers, counts = read(slowly=True)
    except UnreadableError as error:
        fail_at(sentences, error)
    values = _cast([value for _, value in features], dtype)
    names = sorted({name for (name, _), value in zip(features, values.tolist()) if value})
    column = dict(zip(names, range(len(names))))
    columns = np.array([column[name] if value else -1 for name, value in features], np.int32)
    ones = (values[columns >= 0] == 1).all()
    X = _matrix(columns[numbers], None if ones else values[numbers], counts, len(names), dtype)
    if min_count > 1:
        kept = np.flatnonzero(np.bincount(X.indices, minlength=len(names)) >= min_count)
        X, names = X[:, kept], [names[j] for j in kept]
        column = dict(zip(names, range(len(names))))
    return column, X


class SentenceEncoder:
    """Sentences to matrices with the columns of a vocabulary; features without a column count for nothing.

    Columns of the pairs (key, value) are remembered where they were found, so that a name is made once.
    Dicts are read and written under a lock: an encoder serves several threads.

    Parameters
    ----------
    vocabulary : dict of str to int
        See `learn_vocabulary`.
    dtype : float32 or float64
        Of the matrices.
    """

    def __init__(self, vocabulary, dtype=np.float32):
        self.vocabulary, self.dtype = vocabulary, np.dtype(dtype)
        self._tables = {keyed: KnownColumns(vocabulary, keyed) for keyed in (False, True)}
        self._lock = threading.Lock()

    def transform(self, sentences):
        """The tokens of sentences (from `check_sentences`) as rows of a csr_matrix of shape (n, d)."""
        with self._lock:
            try:
                table, columns, counts = _read(sentences, self._tables.__getitem__)
                numbers = table.numbers
            finally:
                for table in self._tables.values():
                    table.numbers = []
        values = None
        if numbers:
            own = columns < -1
            values = np.ones(len(columns), self.dtype)
            values[own] = _cast([value for _, value in numbers], self.dtype)[-2 - columns[own]]
            columns[own] = np.array([column for column, _ in numbers], np.int32)[-2 - columns[own]]
        return _matrix(columns, values, counts, len(self.vocabulary), self.dtype)


class KnownColumns(dict):
    """Columns of features with the value 1, filled while they are met; -1 for what has no column.

    Features with another value get the number -2 - i, with column and value in ``numbers[i]``.
    """

    def __init__(self, vocabulary, keyed):
        self.vocabulary, self.keyed, self.numbers = vocabulary, keyed, []

    def __missing__(self, atom):
        if not self.keyed and not isinstance(atom, str):
            raise NestedError  # read one by one, it gets its error
        name, value = feature_of(atom)
        column = self.vocabulary.get(name, -1)
        if column < 0:
            return -1
        if value in (0, 1):
            # Only what has a column is remembered: the memory stays within that of the vocabulary.
            self[atom] = column = column if value else -1
            return column
        self.numbers.append((column, value))
        return -1 - len(self.numbers)


class TokenFeatures(Documented, TransformerMixin, BaseEstimator):
    """The features of each token of sentences, by a function of the sentence and the position.

    Put before a tagger in a Pipeline, it lets sentences of plain words be tagged.

    Parameters
    ----------
    function : callable
        ``function(sentence, i)`` gives the features of the token ``sentence[i]``: a dict whose values
        are str ("key=value"), numbers and bools ("key"), collections of str ("key=item") or dicts of
        these ("key:part=value"), or a collection of str. To be pickled it must be defined at the level
        of a module.

    Examples
    --------
    >>> from skmaxent import TokenFeatures
    >>> def features(words, i):
    ...     return {"word": words[i].lower(), "suffix": words[i][-2:], "first": i == 0}
    >>> TokenFeatures(features).fit_transform([["Time", "flies"]])
    [[{'word': 'time', 'suffix': 'me', 'first': True}, {'word': 'flies', 'suffix': 'es', 'first': False}]]
    """

    def __init__(self, function):
        self.function = function

    def fit(self, X, y=None):
        """Check the sentences; nothing is learnt.

        Parameters
        ----------
        X : list of sentences
            Each a sequence of tokens of any kind.
        y : ignored

        Returns
        -------
        self : TokenFeatures
        """
        if not callable(self.function):
            raise ValueError(
                "The 'function' parameter of TokenFeatures must be a callable. "
                f"Got {self.function!r} instead."
            )
        check_sentences(X)
        return self

    def transform(self, X):
        """Features of each token.

        Parameters
        ----------
        X : list of sentences

        Returns
        -------
        features : list of list
            What the function gives for each token of each sentence.
        """
        function = self.function
        return [[function(sentence, i) for i in range(len(sentence))] for sentence in check_sentences(X)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        return tags
