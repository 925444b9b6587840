"""Tags of spans: the IOB1, IOB2, BIOES and BILOU schemes, conversions, and which sequences are legal."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The letters of each scheme for: begin, inside, end, single.
SCHEMES = {"IOB1": "BI", "IOB2": "BI", "BIOES": "BIES", "BILOU": "BILU"}
#: Letters of all schemes in those of BIOES; O stands apart from every span.
LETTERS = {"B": "B", "I": "I", "E": "E", "L": "E", "S": "S", "U": "S", "O": "O"}


def check_tags(y, name="y"):
    """A list of lists of tags as such; an error for a flat one.

    Parameters
    ----------
    y : list, tuple, ndarray or Series
        A sequence of tags for each sentence.
    name : str
        What it is called in messages.

    Raises
    ------
    ValueError
        For anything else.
    """
    if y is None or isinstance(y, str | bytes | dict) or not hasattr(y, "__len__") or hasattr(y, "columns"):
        raise ValueError(
            f"{name} must be a list of lists of tags, a list a sentence. Got {type(y).__name__} instead."
        )
    sequences = list(y)
    for i, tags in enumerate(sequences):
        if isinstance(tags, str | bytes | dict | set | frozenset) or not hasattr(tags, "__len__"):
            raise ValueError(
                f"{name} must be a list of lists of tags, a list a sentence; {name}[{i}] is {tags!r}. "
                "Labels of single samples are learnt by a classifier."
            )
    return [tags if type(tags) is list else list(tags) for tags in sequences]


def split_tag(tag: str) -> tuple[str, str]:
    """The letter of a tag, in those of BIOES, and the type of its span: "L-PER" is ("E", "PER").

    Parameters
    ----------
    tag : str
        A letter, or a letter, a hyphen and a type.

    Returns
    -------
    letter, kind : str
        The kind is "" for "O" and for a letter alone.

    Raises
    ------
    ValueError
        If it is no tag of a span.
    """
    letter, _, kind = tag.partition("-") if isinstance(tag, str) else (None, "", "")
    if letter not in LETTERS:
        raise ValueError(
            f"{tag!r} is not a tag of a span: a letter B, I, E (L) or S (U), a hyphen and a type, or O."
        )
    return LETTERS[letter], kind if letter != "O" else ""


def spans(tags: Iterable[str]) -> list[tuple[str, int, int]]:
    """The spans that tags of any scheme mark, read as the script conlleval reads them.

    A span begins with B or S, and with I or E where no span of that type goes on; it ends before O, before
    a new span, and with E or S. So illegal sequences have spans too: the "I-X" after "O" begins one.

    Parameters
    ----------
    tags : iterable of str
        Of one sentence.

    Returns
    -------
    spans : list of (str, int, int)
        Type, first token, token after the last.

    See Also
    --------
    from_spans : The other way.

    Examples
    --------
    >>> from skmaxent.sequences import spans
    >>> spans(["B-NP", "I-NP", "O", "B-NP", "B-VP"])
    [('NP', 0, 2), ('NP', 3, 4), ('VP', 4, 5)]
    """
    found, start, open_kind = [], 0, None
    i = -1
    for i, tag in enumerate(tags):
        letter, kind = split_tag(tag)
        if open_kind is not None and (letter in "BSO" or kind != open_kind):
            found.append((open_kind, start, i))
            open_kind = None
        if letter != "O" and open_kind is None:
            start, open_kind = i, kind
        if letter in "ES":
            found.append((open_kind, start, i + 1))
            open_kind = None
    if open_kind is not None:
        found.append((open_kind, start, i + 1))
    return found


def from_spans(spans: Iterable[tuple[str, int, int]], length: int, scheme: str = "IOB2") -> list[str]:
    """Tags that mark spans.

    Parameters
    ----------
    spans : iterable of (str, int, int)
        Type, first token, token after the last; in any order.
    length : int
        Number of tokens.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU"}, default="IOB2"
        How the tags of a span are written.

    Returns
    -------
    tags : list of str
        One for each token.

    Raises
    ------
    ValueError
        For spans that are empty, overlap or leave the sentence.

    See Also
    --------
    spans : The other way.

    Examples
    --------
    >>> from skmaxent.sequences import from_spans
    >>> from_spans([("PER", 0, 2), ("LOC", 3, 4)], 4, scheme="BIOES")
    ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    letters = check_scheme(scheme)
    tags, end, last = ["O"] * length, 0, None
    for kind, start, stop in sorted(spans, key=lambda span: span[1:]):
        if not end <= start < stop <= length:
            raise ValueError(
                f"The span {(kind, start, stop)} is empty, overlaps another or leaves the {length} tokens."
            )
        run = ["B", *"I" * (stop - start - 1)]
        if scheme == "IOB1" and not (last == kind and end == start):
            run[0] = "I"
        if len(letters) == 4:
            run[-1] = letters[3] if stop - start == 1 else letters[2]
        tags[start:stop] = [f"{letter}-{kind}" if kind else letter for letter in run]
        end, last = stop, kind
    return tags


def convert_tags(tags: Sequence[str], scheme: str) -> list[str]:
    """Tags of any scheme in another one: the same spans.

    Parameters
    ----------
    tags : sequence of str
        Of one sentence.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU"}
        That of the result.

    Returns
    -------
    tags : list of str
        As many as given.

    See Also
    --------
    spans : How tags are read.

    Examples
    --------
    >>> from skmaxent.sequences import convert_tags
    >>> convert_tags(["I-NP", "I-NP", "B-NP", "O"], "IOB2")
    ['B-NP', 'I-NP', 'B-NP', 'O']
    """
    return from_spans(spans(tags), len(tags), scheme)


def check_scheme(scheme):
    """The letters of a scheme; an error for an unknown one."""
    if scheme not in SCHEMES:
        raise ValueError(f"The scheme must be one of {', '.join(SCHEMES)}. Got {scheme!r} instead.")
    return SCHEMES[scheme]


def legal_transitions(tags: Iterable[str], scheme: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which tags may follow which, begin a sentence and end it.

    Parameters
    ----------
    tags : iterable of K str
        Such as the ``classes_`` of a tagger.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU"}
        Of the tags.

    Returns
    -------
    transitions : bool ndarray of shape (K, K)
        Whether the tag of the column may follow that of the row.
    starts, ends : bool ndarray of shape (K,)
        Whether a sentence may begin, or end, with a tag.

    Raises
    ------
    ValueError
        For a tag that the scheme does not have.

    See Also
    --------
    is_legal : The same for one sentence.

    Examples
    --------
    >>> from skmaxent.sequences import legal_transitions
    >>> transitions, starts, ends = legal_transitions(["B-X", "I-X", "O"], "IOB2")
    >>> transitions.tolist()
    [[True, True, True], [True, True, True], [True, False, True]]
    >>> starts.tolist()
    [True, False, True]
    """
    letters = check_scheme(scheme)
    known = []
    for tag in tags:
        letter, kind = split_tag(tag)
        if tag[0] not in letters + "O":
            raise ValueError(f"{tag!r} is not a tag of the scheme {scheme}, whose letters are {letters}O.")
        known.append((letter, kind))
    outside = ("O", "")
    follows = np.array([[_may_follow(a, b, scheme) for b in known] for a in known], bool)
    starts = np.array([_may_follow(outside, b, scheme) for b in known], bool)
    ends = np.array([_may_follow(a, outside, scheme) for a in known], bool)
    return follows.reshape(len(known), len(known)), starts, ends


def _may_follow(before, after, scheme):
    (letter, kind), (following, following_kind) = before, after
    inside = letter != "O" and kind == following_kind
    if scheme == "IOB1":  # B only parts two spans of a type
        return following != "B" or inside
    if scheme == "IOB2":
        return following != "I" or inside
    goes_on = letter in "BI"
    return (following in "IE") == goes_on and (not goes_on or inside)


def is_legal(tags: Sequence[str], scheme: str) -> bool:
    """Whether tags of one sentence are a legal sequence of a scheme.

    Parameters
    ----------
    tags : sequence of str
        Of one sentence.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU"}
        Of the tags.

    Returns
    -------
    legal : bool
        True for an empty sentence.

    See Also
    --------
    legal_transitions : The same for all tags.

    Examples
    --------
    >>> from skmaxent.sequences import is_legal
    >>> is_legal(["O", "I-NP"], "IOB2"), is_legal(["O", "I-NP"], "IOB1")
    (False, True)
    """
    distinct = [tag for tag, _ in groupby(sorted(tags))]
    follows, starts, ends = legal_transitions(distinct, scheme)
    codes = [distinct.index(tag) for tag in tags]
    steps = all(follows[a, b] for a, b in pairwise(codes))
    return not codes or bool(steps and starts[codes[0]] and ends[codes[-1]])
