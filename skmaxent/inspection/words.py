"""The words of a text with their votes, for text classifiers that count words, word or character n-grams."""

import re
import unicodedata
from collections import Counter
from itertools import groupby

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline

from .steps import applied_steps, thaw


def marked_texts(steps, rows, leaves, votes):
    """The texts that a row is made of, with the vote of each of their words.

    The vote of a feature is shared equally by its occurrences in the text, and that of an n-gram by
    its words or characters, so that the marks of one text sum to the votes of its features. Analyzers
    of the user's own have no places in the text that can be known. With a tokenizer of the user's own
    nothing is marked unless every token is found in the text, in order.

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
    for vectorizer, text in _inputs(steps, rows):
        if getattr(vectorizer, "analyzer", None) not in _GRAMS:
            continue
        marks = by_text.setdefault(text, {})
        for span, vote in _word_votes(vectorizer, text, by_vectorizer.get(id(vectorizer), {})):
            marks[span] = marks.get(span, 0.0) + vote
    return [(text, _disjoint(marks)) for text, marks in by_text.items()]


def hashed_terms(steps, rows, leaves):
    """The terms of a row that fall into each column of the hashing transformers it reaches.

    Returns
    -------
    terms : dict
        ``terms[id(transformer)][column]`` is a list of str in order of appearance; empty when none of
        `leaves` was made by hashing.
    """
    hashing = {
        id(leaf.source) for leaf in leaves if isinstance(leaf.source, FeatureHasher | HashingVectorizer)
    }
    found = {}
    for hasher, sample in _inputs(steps, rows) if hashing else ():
        if id(hasher) in hashing:
            terms = _terms(hasher, sample)
            by_column = found.setdefault(id(hasher), {})
            for column, term in zip(_columns(hasher, terms), terms):
                if term not in by_column.setdefault(column, []):
                    by_column[column].append(term)
    return found


def _terms(hasher, sample):
    """What a hashing transformer hashes of one sample."""
    if isinstance(hasher, HashingVectorizer):
        return list(hasher.build_analyzer()(sample))
    if hasher.input_type == "string":
        return list(sample)
    pairs = sample.items() if hasher.input_type == "dict" else sample
    return [f"{name}={value}" if isinstance(value, str) else name for name, value in pairs]


def _inputs(steps, rows):
    """(vectorizer, text) for each vectorizer that a row of text reaches; (hasher, sample) for each hasher."""
    for step in map(thaw, steps):
        if hasattr(step, "build_analyzer"):
            texts = np.ravel(np.asarray(rows, dtype=object))
            found = [(step, text) for text in texts if isinstance(text, str) and step.input == "content"]
        elif isinstance(step, FeatureHasher):
            rows = list(rows)
            found = [(step, row) for row in rows]
        elif isinstance(step, Pipeline):
            found = list(_inputs(applied_steps(step.steps), rows))
        elif isinstance(step, FeatureUnion):
            found = [pair for _, inner in step.transformer_list for pair in _inputs([inner], rows)]
        elif isinstance(step, ColumnTransformer) and hasattr(rows, "columns"):
            found = [
                pair
                for _, inner, columns in step.transformers_
                if isinstance(columns, str)
                for pair in _inputs([inner], rows[columns])
            ]
        else:
            found = []
        if found or not hasattr(step, "transform"):
            yield from found
            return
        rows = step.transform(rows)


def _word_votes(vectorizer, text, votes):
    """((start, end), vote) of each word or character that an n-gram with a vote covers."""
    grams = _GRAMS[vectorizer.analyzer](vectorizer, text)
    terms = [term for term, _ in grams]
    if terms != list(vectorizer.build_analyzer()(text)):  # no known place, or a subclass' own terms
        return
    columns = _columns(vectorizer, terms)
    occurrences = Counter(columns)
    for column, (_, spans) in zip(columns, grams):
        if column in votes:
            share = votes[column] / (occurrences[column] * len(spans))
            yield from ((span, share) for span in spans)


def _word_grams(vectorizer, text):
    """(term, spans of its words) of each n-gram of words."""
    stop_words = vectorizer.get_stop_words() or ()
    words = [(word, span) for word, span in _tokens(vectorizer, text) if word not in stop_words]
    low, high = vectorizer.ngram_range
    return [
        (" ".join(word for word, _ in words[i : i + n]), [span for _, span in words[i : i + n]])
        for n in range(low, high + 1)
        for i in range(len(words) - n + 1)
    ]


def _characters(vectorizer, text):
    """(character, span) of the prepared text, runs of white space as one blank; [] if places are unknown."""
    preprocess = vectorizer.build_preprocessor()
    prepared = preprocess(text)
    origin = _origins(preprocess, text, prepared)
    if origin is None:
        return []
    characters, run_ends = [], 0
    for place, c in enumerate(prepared):
        if place < run_ends:
            continue
        run = _RUN.match(prepared, place)
        run_ends = run.end() if run else place + 1
        characters.append((" " if run else c, (origin[place], origin[run_ends - 1] + 1)))
    return characters


def _character_grams(vectorizer, text):
    """(term, spans of its characters) of each n-gram of characters."""
    characters = _characters(vectorizer, text)
    low, high = vectorizer.ngram_range
    return [
        _gram(characters[i : i + n])
        for n in range(low, min(high, len(characters)) + 1)
        for i in range(len(characters) - n + 1)
    ]


def _character_grams_of_words(vectorizer, text):
    """The same inside of words with a blank on each side; a word shorter than n counts once."""
    low, high = vectorizer.ngram_range
    grams = []
    for is_space, group in groupby(_characters(vectorizer, text), lambda pair: pair[0].isspace()):
        word = list(group)
        if is_space:
            continue
        word = [(" ", word[0][1]), *word, (" ", word[-1][1])]  # a blank alone stands at the end of its word
        for n in range(low, high + 1):
            grams += [_gram(word[i : i + n]) for i in range(max(len(word) - n, 0) + 1)]
            if n >= len(word):
                break
    return grams


def _gram(characters):
    """(term, spans): blanks beside letters take no part in the vote."""
    term = "".join(c for c, _ in characters)
    spans = [span for c, span in characters if not c.isspace()]
    return term, spans or [span for _, span in characters]


_RUN = re.compile(r"\s\s+")
_GRAMS = {"word": _word_grams, "char": _character_grams, "char_wb": _character_grams_of_words}


def _columns(vectorizer, terms):
    """Column number of each term, None when it is not in the vocabulary."""
    if not isinstance(vectorizer, FeatureHasher | HashingVectorizer):
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
