"""The words of a text with their votes, for text classifiers that count words or word n-grams."""

import re
import unicodedata
from collections import Counter

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline

from .steps import applied_steps, thaw


def marked_texts(steps, rows, leaves, votes):
    """The texts that a row is made of, with the vote of each of their words.

    The vote of a feature is shared equally by its occurrences in the text, and that of an n-gram by
    its words, so that the marks of one text sum to the votes of its features. Only vectorizers with
    ``analyzer="word"`` mark words: character n-grams and analyzers of the user's own have no places
    in the text that can be known. With a tokenizer of the user's own nothing is marked unless every
    token is found in the text, in order.

    Parameters
    ----------
    steps : list of transformers
    rows : container of one sample
    leaves : list of Leaf
        Where the non-zero features come from.
    votes : ndarray of shape (m,)
        Their votes.

    Returns
    -------
    marked : list of (text, spans)
        One for each text; spans a sorted list of (start, end, vote) that do not overlap.
    """
    by_vectorizer = {}
    for leaf in leaves:
        if leaf.source is not None:
            found = by_vectorizer.setdefault(id(leaf.source), {})
            for column, vote in zip(leaf.columns.tolist(), votes[leaf.places].tolist()):
                found[column] = found.get(column, 0.0) + vote
    by_text = {}
    for vectorizer, text in _texts(steps, rows):
        marks = by_text.setdefault(text, {})
        for span, vote in _word_votes(vectorizer, text, by_vectorizer.get(id(vectorizer), {})):
            marks[span] = marks.get(span, 0.0) + vote
    return [(text, _disjoint(marks)) for text, marks in by_text.items()]


def _texts(steps, rows):
    """(vectorizer, text) for each word-level vectorizer that a row of text reaches."""
    for step in map(thaw, steps):
        if getattr(step, "analyzer", None) == "word" and hasattr(step, "build_tokenizer"):
            found = [
                (step, text) for text in np.ravel(np.asarray(rows, dtype=object)) if isinstance(text, str)
            ]
            found = [] if step.input != "content" else found
        elif isinstance(step, Pipeline):
            found = list(_texts(applied_steps(step.steps), rows))
        elif isinstance(step, FeatureUnion):
            found = [pair for _, inner in step.transformer_list for pair in _texts([inner], rows)]
        elif isinstance(step, ColumnTransformer) and hasattr(rows, "columns"):
            found = [
                pair
                for _, inner, columns in step.transformers_
                if isinstance(columns, str)
                for pair in _texts([inner], rows[columns])
            ]
        else:
            found = []
        if found or not hasattr(step, "transform"):
            yield from found
            return
        rows = step.transform(rows)


def _word_votes(vectorizer, text, votes):
    """((start, end), vote) of each word that an n-gram with a vote covers."""
    stop_words = vectorizer.get_stop_words() or ()
    words = [(word, span) for word, span in _tokens(vectorizer, text) if word not in stop_words]
    low, high = vectorizer.ngram_range
    grams = [
        (" ".join(word for word, _ in words[i : i + n]), [span for _, span in words[i : i + n]])
        for n in range(low, high + 1)
        for i in range(len(words) - n + 1)
    ]
    terms = [term for term, _ in grams]
    if terms != list(vectorizer.build_analyzer()(text)):  # words without a known place, a subclass' own terms
        return
    columns = _columns(vectorizer, terms)
    occurrences = Counter(columns)
    for column, (_, spans) in zip(columns, grams):
        if column in votes:
            share = votes[column] / (occurrences[column] * len(spans))
            yield from ((span, share) for span in spans)


def _columns(vectorizer, terms):
    """Column number of each term, None when it is not in the vocabulary."""
    if not isinstance(vectorizer, HashingVectorizer):
        return [vectorizer.vocabulary_.get(term) for term in terms]
    hasher = FeatureHasher(vectorizer.n_features, input_type="string", alternate_sign=False)
    return hasher.transform([[term] for term in terms]).indices.tolist() if terms else []


def _tokens(vectorizer, text):
    """(token, (start, end)) in order, the places being those in the text as it was given.

    Empty when the place of one of them cannot be known.
    """
    preprocess = vectorizer.build_preprocessor()
    prepared = preprocess(text)
    tokens, spans = list(vectorizer.build_tokenizer()(prepared)), None
    if vectorizer.tokenizer is None:
        pattern = re.compile(vectorizer.token_pattern)
        spans = [match.span(pattern.groups) for match in pattern.finditer(prepared)]
    if spans is None or [prepared[a:b] for a, b in spans] != tokens:
        spans = _find_in_order(tokens, prepared)
    origin = _origins(preprocess, text, prepared)
    if spans is None or origin is None:
        return []
    return [(token, (origin[a], origin[b - 1] + 1)) for token, (a, b) in zip(tokens, spans) if b > a]


def _find_in_order(tokens, text):
    """Spans of the tokens of a tokenizer of the user's own, None unless each is found after the one before.

    A token may begin or end inside a word only where its neighbour ends or begins: the "be" that a
    lemmatiser makes of "is" is not found in "because", but "can" and "not" are in "cannot".
    """
    if not all(isinstance(token, str) for token in tokens):
        return None
    lower = text.lower()  # the tokenizer may have ignored the case
    for prepared in (text, lower) if len(lower) == len(text) else (text,):
        spans, place = [], 0
        while len(spans) < len(tokens):
            start, run = place - 1, None
            while run is None and (start := prepared.find(tokens[len(spans)], start + 1)) >= 0:
                run = _run(tokens, len(spans), prepared, start)
            if run is None:
                break
            spans += run
            place = spans[-1][1]
        else:
            return spans
    return None


def _run(tokens, first, text, start):
    """Spans of neighbouring tokens that together make whole words from `start` on; None if they do not."""
    spans = []
    while not spans or _inside_word(text, start):
        number = first + len(spans)
        begins_inside = not spans and _inside_word(text, start)
        if begins_inside or number == len(tokens) or not text.startswith(tokens[number], start):
            return None
        spans.append((start, start + len(tokens[number])))
        start = spans[-1][1]
    return spans


def _inside_word(text, place):
    """Whether the characters on both sides of a place belong to words."""
    return 0 < place < len(text) and all(
        c.isalnum() or c == "_" or unicodedata.category(c)[0] == "M" for c in text[place - 1 : place + 1]
    )


def _origins(preprocess, text, prepared):
    """Where each character of the prepared text was in the text; None when that cannot be known.

    Lower-casing and stripping accents change the length of some characters, so they are done one by
    one to learn where each came from.
    """
    try:
        pieces = {c: preprocess(c) for c in set(text)}
        whole = "".join(pieces[c] for c in text)
    except Exception:  # the user's own preprocessor, which may need more than one character
        return None
    if whole.replace("ς", "σ") != prepared.replace(
        "ς", "σ"
    ):  # the one letter whose lower case depends on others
        return None
    return [place for place, c in enumerate(text) for _ in pieces[c]]


def _disjoint(marks):
    """Sorted spans; those that begin inside the span before them give it their vote."""
    spans = []
    for (start, end), vote in sorted(marks.items()):
        if spans and start < spans[-1][1]:
            first, last, before = spans[-1]
            spans[-1] = (first, max(last, end), before + vote)
        else:
            spans.append((start, end, vote))
    return spans
