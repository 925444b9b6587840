"""Sentences, lists of tokens with features, read into a sparse matrix with a row a token."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, count
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _num_samples

from ..compat import BaseEstimator, Documented, TransformerMixin
from .tokens import NestedError, UnreadableError, atoms_of, fail_at, feature_of, kind_of

# Tokens that are read together; their values stay in the cache.
BLOCK = 1 << 13
# Tokens with the same keys from which on their values are read key by key.
ALIKE = 16
# What the entries of a table are, where they are no values of one key.
NAMES, PAIRS = object(), object()


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
        raise ValueError(f"X must be a list of sentences, each a list of {of}. Got {kind_of(X)} instead.")
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
            raise ValueError(f"X[{i}] is {kind_of(sentence)}; a sentence must be a list of {of}.")
    return [list(sentence) for sentence in sentences]


def token_counts(sentences):
    """Number of tokens of each sentence, an intp ndarray."""
    return np.fromiter(map(len, sentences), np.intp, len(sentences))


class Tables:
    """The dicts in which features are looked up: by name, by pair (key, value), by value for each key.

    Parameters
    ----------
    new : callable
        ``new(key)`` makes the dict for the values of a key, or for `NAMES` or `PAIRS`. It makes up for what
        it misses.
    """

    def __init__(self, new):
        self.new = new
        self.names, self.pairs, self.values = new(NAMES), new(PAIRS), {}

    def of_key(self, key):
        """The dict for the values of a key."""
        table = self.values.get(key)
        if table is None:
            table = self.values[key] = self.new(key)
        return table


def _read(sentences, tables, slowly=False):
    """Numbers of the features of all tokens, one after another, and how many each token has.

    Parameters
    ----------
    tables : Tables
    slowly : bool
        Whether to look at each value by itself, as it is done where some hold several features.

    Returns
    -------
    numbers : int32 ndarray
    counts : intp ndarray of shape (n,)
    """
    tokens = list(chain.from_iterable(sentences))
    kinds = set(map(type, tokens))
    try:
        if slowly or not (kinds <= {dict} or kinds <= {list, tuple, set, frozenset}):
            tokens = [atoms_of(token) for token in tokens]
            pairs, names = tables.pairs, tables.names
            found = [(names if isinstance(a, str) else pairs)[a] for token in tokens for a in token]
            counts = token_counts(tokens)
            return np.array(found, np.int32), counts
        counts = token_counts(tokens)
        numbers = np.empty(counts.sum(), np.int32)
        if kinds <= {dict}:
            ends = np.concatenate([[0], np.cumsum(counts)])
            for a in range(0, len(tokens), BLOCK):
                _read_dicts(tokens[a : a + BLOCK], tables, ends[a : a + BLOCK + 1], numbers)
        else:
            found = map(tables.names.__getitem__, chain.from_iterable(tokens))
            numbers[:] = np.fromiter(found, np.int32, len(numbers))
        return numbers, counts
    except UnreadableError as error:
        fail_at(sentences, error)
    except TypeError:  # a value that cannot be a dict's key: it holds several features, or it is a bad one
        if slowly:
            raise
        return _read(sentences, tables, slowly=True)


def _read_dicts(tokens, tables, ends, numbers):
    """Fill in the numbers of the features of some dicts; `ends` are their places.

    Tokens with the same keys are read key by key: a value is found sooner than a pair (key, value), for
    which a tuple is made and compared.
    """
    number = defaultdict(count().__next__)
    forms = np.fromiter(map(number.__getitem__, map(tuple, tokens)), np.intp, len(tokens))
    if len(number) * ALIKE > len(tokens):
        found = map(tables.pairs.__getitem__, chain.from_iterable(map(dict.items, tokens)))
        numbers[ends[0] : ends[-1]] = np.fromiter(found, np.int32, ends[-1] - ends[0])
        return
    for form, keys in enumerate(number):
        members = np.flatnonzero(forms == form)
        alike = tokens if len(members) == len(tokens) else [tokens[i] for i in members.tolist()]
        values = list(chain.from_iterable(map(dict.values, alike)))
        places = ends[members]
        for j, key in enumerate(keys):
            found = map(tables.of_key(key).__getitem__, values[j :: len(keys)])
            numbers[places + j] = np.fromiter(found, np.int32, len(alike))


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

    features, numbers, counts = _distinct(sentences)
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


def _distinct(sentences, slowly=False):
    """The distinct features as (name, value), their numbers token by token, and how many each token has."""
    following = count().__next__
    tables = Tables(lambda key: defaultdict(following))
    numbers, counts = _read(sentences, tables, slowly)
    features = [None] * following()
    try:
        if not set(map(type, tables.names)) <= {str}:
            raise NestedError
        for atom, i in chain(tables.names.items(), tables.pairs.items()):
            features[i] = feature_of(atom)
        for key, table in tables.values.items():
            for value, i in table.items():
                features[i] = feature_of((key, value))
    except UnreadableError as error:
        fail_at(sentences, error)
    except NestedError:  # a tuple, which can be a dict's key
        return _distinct(sentences, slowly=True)
    return features, numbers, counts


class SentenceEncoder:
    """Sentences to matrices with the columns of a vocabulary; features without a column count for nothing.

    Columns of keys and values are remembered where they were found, so that a name is made once. Dicts are
    read and written under a lock: an encoder serves several threads.

    Parameters
    ----------
    vocabulary : dict of str to int
        See `learn_vocabulary`.
    dtype : float32 or float64
        Of the matrices.
    """

    def __init__(self, vocabulary, dtype=np.float32):
        self.vocabulary, self.dtype = vocabulary, np.dtype(dtype)
        self._numbers = []
        self._tables = Tables(lambda key: KnownColumns(vocabulary, key, self._numbers))
        self._lock = threading.Lock()

    def transform(self, sentences):
        """The tokens of sentences (from `check_sentences`) as rows of a csr_matrix of shape (n, d)."""
        with self._lock:
            self._numbers.clear()
            columns, counts = _read(sentences, self._tables)
            numbers = self._numbers.copy()
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

    Parameters
    ----------
    vocabulary : dict of str to int
    key : str
        The entries are its values; or `NAMES` or `PAIRS`.
    numbers : list
        Filled.
    """

    def __init__(self, vocabulary, key, numbers):
        self.vocabulary, self.key, self.numbers = vocabulary, key, numbers
        self.prefix = f"{key}=" if isinstance(key, str) else None

    def __missing__(self, entry):
        if self.prefix is not None and type(entry) is str:  # most of what training did not show
            column = self.vocabulary.get(self.prefix + entry, -1)
            if column >= 0:
                self[entry] = column
            return column
        if self.key is NAMES:
            if not isinstance(entry, str):
                raise NestedError  # read one by one, it gets its error
            name, value = entry, 1.0
        else:
            name, value = feature_of(entry if self.key is PAIRS else (self.key, entry))
        column = self.vocabulary.get(name, -1)
        if column < 0:
            return -1
        if value in (0, 1):
            # Only what has a column is remembered: the memory stays within that of the vocabulary.
            self[entry] = column = column if value else -1
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

    See Also
    --------
    MaxEntTagger : A tagger to follow in a Pipeline.
    CRFTagger : Another one.
    skmaxent.sequences.word_features : A function for most tasks.

    Examples
    --------
    >>> from skmaxent import TokenFeatures
    >>> def features(words, i):
    ...     return {"word": words[i].lower(), "suffix": words[i][-2:], "first": i == 0}
    >>> TokenFeatures(features).fit_transform([["Time", "flies"]])
    [[{'word': 'time', 'suffix': 'me', 'first': True}, {'word': 'flies', 'suffix': 'es', 'first': False}]]
    """

    def __init__(self, function: Callable[[Any, int], Any]):
        self.function = function

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the sentences; nothing is learnt.

        Parameters
        ----------
        X : list of sentences
            Each a sequence of tokens of any kind.
        y : ignored
            Not used, present by convention.

        Returns
        -------
        self : TokenFeatures
            The transformer itself.
        """
        if not callable(self.function):
            raise ValueError(
                "The 'function' parameter of TokenFeatures must be a callable. "
                f"Got {self.function!r} instead."
            )
        check_sentences(X)
        return self

    def transform(self, X: Any) -> list[list[Any]]:
        """Features of each token.

        Parameters
        ----------
        X : list of sentences
            Each a sequence of tokens of any kind.

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
