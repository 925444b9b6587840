"""Features of words and their neighbours: shapes, affixes, windows."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: What stands before and after a sentence.
START, END = "<s>", "</s>"


def word_shape(word: str, *, collapsed: bool = True) -> str:
    """A word with its letters as X and x and its digits as d.

    Parameters
    ----------
    word : str
        Of any signs.
    collapsed : bool, default=True
        Whether a run of the same sign is written once.

    Returns
    -------
    shape : str
        As long as the word, or shorter when collapsed.

    See Also
    --------
    word_features : Shapes among other features.

    Examples
    --------
    >>> from skmaxent.sequences import word_shape
    >>> word_shape("McDonald's"), word_shape("1,024"), word_shape("B-52", collapsed=False)
    ("XxXx'x", 'd,d', 'X-dd')
    """
    signs = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word]
    return "".join(sign for sign, _ in groupby(signs)) if collapsed else "".join(signs)


def affixes(word: str, longest: int = 3) -> dict[str, str]:
    """The beginnings and ends of a word, up to a length, as features.

    Parameters
    ----------
    word : str
        Of any signs.
    longest : int, default=3
        Number of letters of the longest.

    Returns
    -------
    features : dict
        "prefix1", "suffix1", ... with as many letters; none that is longer than the word.

    See Also
    --------
    word_features : Affixes among other features.

    Examples
    --------
    >>> from skmaxent.sequences import affixes
    >>> affixes("was", 2)
    {'prefix1': 'w', 'suffix1': 's', 'prefix2': 'wa', 'suffix2': 'as'}
    """
    found = {}
    for n in range(1, min(longest, len(word)) + 1):
        found[f"prefix{n}"], found[f"suffix{n}"] = word[:n], word[-n:]
    return found


def window(
    values: Sequence[str],
    i: int,
    offsets: Iterable[int | tuple[int, ...]] = (-2, -1, 0, 1, 2),
    name: str = "word",
) -> dict[str, str]:
    """The values around a position as features.

    Parameters
    ----------
    values : sequence of str
        One a token: words, parts of speech, ...
    i : int
        The position.
    offsets : iterable of int and of tuples of int, default=(-2, -1, 0, 1, 2)
        Distances from `i`; the values of several in a tuple make one feature together.
    name : str, default="word"
        What the features are called.

    Returns
    -------
    features : dict
        Such as "word[-1]"; "<s>" stands before the sentence, "</s>" after it.

    See Also
    --------
    word_features : Windows among other features.

    Examples
    --------
    >>> from skmaxent.sequences import window
    >>> window(["Time", "flies"], 1, [-2, -1, (-1, 0)])
    {'word[-2]': '<s>', 'word[-1]': 'Time', 'word[-1]|word[0]': 'Time|flies'}
    """
    n, found = len(values), {}
    for offset in offsets:
        places = offset if isinstance(offset, tuple) else (offset,)
        parts = [START if i + k < 0 else END if i + k >= n else values[i + k] for k in places]
        found["|".join([f"{name}[{k}]" for k in places])] = "|".join(parts)
    return found


def word_features(words: Sequence[str], i: int) -> dict[str, str]:
    """Features of a word in its sentence that serve most tagging tasks as a first try.

    The word and its neighbours within two, pairs with the next ones, affixes up to four letters, and the
    shapes of the word and its neighbours. For ``TokenFeatures(word_features)``.

    Parameters
    ----------
    words : sequence of str
        Of one sentence.
    i : int
        Position of the word.

    Returns
    -------
    features : dict
        From names to str.

    See Also
    --------
    skmaxent.TokenFeatures : The features of all tokens, for Pipelines.

    Examples
    --------
    >>> from skmaxent.sequences import word_features
    >>> features = word_features(["In", "March"], 1)
    >>> features["word"], features["word[-1]"], features["shape"], features["suffix3"]
    ('march', 'in', 'Xx', 'rch')
    """
    near = range(max(i - 2, 0), min(i + 3, len(words)))
    lower = {k - i: words[k].lower() for k in near}
    row = [lower.get(k, START if k < 0 else END) for k in range(-2, 3)]
    features = window(row, 2, (-2, -1, 1, 2, (-1, 0), (0, 1)))
    shapes = window([word_shape(words[k]) for k in near], i - near[0], (-1, 1), "shape")
    return {"word": row[2], "shape": word_shape(words[i]), **affixes(words[i], 4), **features, **shapes}
