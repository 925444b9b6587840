"""Which features a token has, which of them a model knows, and tables of both."""

from collections import Counter
from itertools import groupby

import numpy as np
from scipy import sparse

#: Longest prefixes and suffixes of a word that are features of their own.
LONGEST_PREFIX, LONGEST_SUFFIX = 3, 4


def word_alone(token):
    """The token itself."""
    return [token]


def with_affixes(token):
    """A word, its lower case, its first and last letters, and its shape; other tokens are as they are."""
    if not isinstance(token, str):
        return [token]
    kinds = ("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in token)
    shape = "".join(kind for kind, _ in groupby(kinds))
    lower = token.lower()
    return [
        ("word", token),
        ("lower", lower),
        ("shape", shape),
        *(("prefix", lower[:k]) for k in range(1, min(LONGEST_PREFIX, len(token)) + 1)),
        *(("suffix", lower[-k:]) for k in range(1, min(LONGEST_SUFFIX, len(token)) + 1)),
    ]


FEATURES = {"word": word_alone, "affixes": with_affixes}


def distinct_tokens(given):
    """The distinct tokens, sorted by their `repr`, and the number of each token's.

    So that neither the order of the sequences nor their repetition decides which weights a feature starts
    from, and which dropout masks a sequence has.

    Raises
    ------
    TypeError
        For a token that is not hashable, with its place.
    """
    number = {}
    try:
        codes = np.fromiter(
            (number.setdefault(token, len(number)) for token in given.tokens), np.intp, len(given.tokens)
        )
    except TypeError as error:
        flat = iter(given.tokens)
        for i, length in enumerate(given.lengths):
            for t in range(length):
                token = next(flat)
                try:
                    hash(token)
                except TypeError:
                    raise TypeError(
                        f"X[{i}][{t}] is not hashable, as tokens must be: {type(token).__name__}."
                    ) from error
        raise
    tokens = [*number]
    order = sorted(range(len(tokens)), key=lambda i: repr(tokens[i]))
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    return [tokens[i] for i in order], rank[codes]


def features_of(tokens, features):
    """For each token a list of its features, each once.

    Parameters
    ----------
    tokens : list
    features : {"word", "affixes"} or callable
    """
    function = FEATURES[features] if isinstance(features, str) else features
    lists = []
    for token in tokens:
        found = function(token)
        if isinstance(found, str | bytes) or not hasattr(found, "__iter__"):
            raise ValueError(
                f"features must return a list of features of a token. For {token!r} it returned {found!r}."
            )
        lists.append([*dict.fromkeys(found)])
    return lists


def build_vocabulary(feature_lists, counts, min_count):
    """Row of the embedding of each feature that occurs often enough; row 0 is that of the unknown.

    Parameters
    ----------
    feature_lists : list of lists
        Of each distinct token.
    counts : ndarray
        How often each distinct token occurs.
    min_count : float

    Returns
    -------
    vocabulary : dict
    """
    totals = Counter()
    for found, count in zip(feature_lists, counts.tolist()):
        for feature in found:
            totals[feature] += count
    kept = (feature for feature, total in totals.items() if total >= min_count)
    return {feature: row for row, feature in enumerate(kept, 1)}


def feature_table(feature_lists, vocabulary, dtype):
    """CSR matrix with a row for each token, and before them row 0, the unknown token.

    Features that the vocabulary lacks count for nothing; a token of which nothing is known is unknown.
    """
    indptr, indices = [0, 1], [0]
    for found in feature_lists:
        rows = [vocabulary[feature] for feature in found if feature in vocabulary]
        indices += sorted(rows) or [0]
        indptr.append(len(indices))
    shape = (len(indptr) - 1, len(vocabulary) + 1)
    index = np.int32 if len(indices) < 2**31 else np.int64
    return sparse.csr_matrix(
        (np.ones(len(indices), dtype), np.asarray(indices, index), np.asarray(indptr, index)), shape=shape
    )
