"""What taggers share: reading sentences and tags, classes, predictions as lists, the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ...compat import BaseEstimator, VersionedPickle, check_sample_weight
from ...features.sentences import SentenceEncoder, check_sentences, learn_vocabulary, token_counts
from ...numerics.missing import any_missing
from ...sequences.tags import check_tags

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class TaggedSentences:
    """Training data of a tagger.

    Attributes
    ----------
    sentences : list of list
        The tokens as given.
    X : csr_matrix of shape (n, d)
        Features, a row a token, in the order of the sentences.
    vocabulary : dict of str to int
        Names of the columns.
    lengths : intp ndarray of shape (S,)
    codes : intp ndarray of shape (n,)
        Number of the tag of each token.
    classes : ndarray of shape (K,)
        The tags, sorted.
    weights : float64 ndarray of shape (S,)
        Weights of the sentences.
    """

    sentences: list
    X: sparse.csr_matrix
    vocabulary: dict
    lengths: np.ndarray
    codes: np.ndarray
    classes: np.ndarray
    weights: np.ndarray

    @property
    def token_weights(self):
        """Weight of each token, (n,)."""
        return np.repeat(self.weights, self.lengths)


class TokenVotes(NamedTuple):
    """The scores of the tags of one token, taken apart; see `skmaxent.explain`.

    Attributes
    ----------
    names : list of m str
        Features of the token and of the tags beside it that are not 0.
    values : ndarray of shape (m,)
    weights : ndarray of shape (m, C)
        For each of the K tags, or of the second one alone where there are two.
    offset : ndarray of shape (C,)
        The rest: ``values @ weights + offset`` are the scores.
    tag : object
        That the token gets in its sentence.
    probabilities : dict
        From tags to probabilities.
    """

    names: list
    values: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    tag: object
    probabilities: dict


def sorted_tags(tags):
    """Distinct tags of any hashable kind, sorted, as an ndarray of shape (K,).

    Tags that cannot be compared are sorted by the names of their types and by how they are written.
    """
    try:
        tags = sorted(tags)
    except TypeError:
        tags = sorted(tags, key=lambda tag: (type(tag).__qualname__, repr(tag)))
    kinds = set(map(type, tags))
    if len(kinds) == 1 and kinds <= {str, int, bool, np.str_, np.int64}:
        array = np.array(tags)
        if array.dtype.kind in "Uib" and array.tolist() == tags:  # long integers and "\0" do not survive
            return array
    array = np.empty(len(tags), object)
    for k, tag in enumerate(tags):
        array[k] = tag
    return array


def encode_tags(y, lengths, classes=None):
    """Tags of sentences, checked against their tokens, as numbers of classes.

    Parameters
    ----------
    y : list of list of tags
    lengths : intp ndarray of shape (S,)
        Numbers of tokens.
    classes : ndarray of shape (K,), optional
        The tags that there are, for prediction; others get the number -1. By default those in `y`.

    Returns
    -------
    classes : ndarray of shape (K,)
    codes : intp ndarray of shape (n,)

    Raises
    ------
    ValueError
        Where sentences and tags do not match, or tags are not hashable or missing.
    """
    sequences = check_tags(y)
    if len(sequences) != len(lengths):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"X has {len(lengths)} sentences, y has {len(sequences)}."
        )
    counts = token_counts(sequences)
    if (counts != lengths).any():
        i = int(np.flatnonzero(counts != lengths)[0])
        raise ValueError(f"X[{i}] has {lengths[i]} tokens, y[{i}] has {counts[i]} tags")
    flat = [tag for tags in sequences for tag in tags]
    if any_missing(flat):
        raise ValueError("Input y contains NaN.")
    try:
        distinct = set(flat)
    except TypeError:
        i = next(i for i, tags in enumerate(sequences) if not all(map(_is_hashable, tags)))
        raise ValueError(f"y[{i}] has a tag that is not hashable; tags are str, int or the like.") from None
    if classes is None:
        classes = sorted_tags(distinct)
    code = {tag: k for k, tag in enumerate(classes.tolist())}
    return classes, np.fromiter((code.get(tag, -1) for tag in flat), np.intp, len(flat))


def _is_hashable(tag):
    try:
        hash(tag)
    except TypeError:
        return False
    return True


def as_object_array(items):
    """A 1-d array of objects; np.array would make two dimensions of lists of equal length."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


class Tagger(VersionedPickle, BaseEstimator):
    """Base of an estimator that gives each token of a sentence a tag.

    It is no ClassifierMixin: scikit-learn would take y for a multilabel target.

    A fitted one has ``classes_`` and ``vocabulary_`` and defines

    - ``_tag(X, lengths, sentences)``: the numbers of the tags, an integer ndarray of shape (n,);
    - ``_marginals(X, lengths, sentences)``: the probabilities, an ndarray of shape (n, K);
    - ``_token_votes(sentence, i)``: the `TokenVotes` of a token,

    for ``X`` a csr_matrix of shape (n, d) with a row a token, in the order of the sentences, `lengths` the
    numbers of tokens (S,), `sentences` the tokens themselves.
    """

    classes_: np.ndarray
    vocabulary_: dict[str, int]

    def _read_training(self, X, y, sample_weight=None, *, min_count=1, dtype=np.float32):
        """Sentences and tags of `fit` as `TaggedSentences`; nothing is set."""
        name = type(self).__name__
        if y is None:
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        sentences = check_sentences(X)
        lengths = token_counts(sentences)
        classes, codes = encode_tags(y, lengths)
        if not len(codes):
            raise ValueError(
                f"Found {len(codes)} token(s) in {len(sentences)} sentence(s) while a minimum of 1 is "
                f"required by {name}."
            )
        weights = np.ones(len(sentences))
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, sentences)
            if not weights[lengths > 0].any():
                raise ValueError("sample_weight must contain at least one non-zero number, got only zeros.")
        vocabulary, matrix = learn_vocabulary(sentences, min_count, dtype)
        return TaggedSentences(sentences, matrix, vocabulary, lengths, codes, classes, weights)

    def _encode(self, X):
        """Matrix, lengths and sentences of X, for a fitted tagger."""
        check_is_fitted(self)
        sentences = check_sentences(X)
        encoder = self.__dict__.get("_encoder")
        if encoder is None or encoder.vocabulary is not self.vocabulary_:
            encoder = self._encoder = SentenceEncoder(self.vocabulary_, self._input_dtype)
        return encoder.transform(sentences), token_counts(sentences), sentences

    #: Type of the matrices of features.
    _input_dtype = np.float32
    #: Attributes that are made again where they are missing; no pickle has them.
    _remembered = ("_encoder",)

    @property
    def feature_names_(self) -> np.ndarray:
        """Names of the columns of `coef_`, (d,)."""
        return np.array(list(self.vocabulary_), dtype=object)

    def _forget(self):
        for name in self._remembered:
            self.__dict__.pop(name, None)

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in self._remembered}

    def predict(self, X: Any) -> np.ndarray:
        """Tag sentences.

        Parameters
        ----------
        X : list of S sentences
            Each a list of tokens as in `fit`.

        Returns
        -------
        tags : ndarray of shape (S,), dtype object
            A list of tags for each sentence.
        """
        matrix, lengths, sentences = self._encode(X)
        codes = self._tag(matrix, lengths, sentences)
        names = self.classes_.tolist()
        tags = list(map(names.__getitem__, codes.tolist()))
        return as_object_array(_cut(tags, lengths))

    def predict_single(self, sentence: Any) -> list[Any]:
        """Tag one sentence.

        Parameters
        ----------
        sentence : list of tokens
            As one of X in `fit`.

        Returns
        -------
        tags : list
            A tag for each token.
        """
        return self.predict([sentence])[0]

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Probability of each tag for each token.

        Parameters
        ----------
        X : list of S sentences
            Each a list of tokens as in `fit`.

        Returns
        -------
        probabilities : list of S ndarray of shape (T_i, K)
            Columns in the order of ``classes_``.
        """
        matrix, lengths, sentences = self._encode(X)
        return _cut(self._marginals(matrix, lengths, sentences), lengths)

    def predict_marginals(self, X: Any) -> list[list[dict[Any, float]]]:
        """Probability of each tag for each token, as dicts.

        Parameters
        ----------
        X : list of S sentences
            Each a list of tokens as in `fit`.

        Returns
        -------
        marginals : list of list of dict
            From tags to probabilities, for each token of each sentence.
        """
        names = self.classes_.tolist() if hasattr(self, "classes_") else []
        return [[dict(zip(names, row)) for row in proba.tolist()] for proba in self.predict_proba(X)]

    def predict_marginals_single(self, sentence: Any) -> list[dict[Any, float]]:
        """Probability of each tag for each token of one sentence, as dicts.

        Parameters
        ----------
        sentence : list of tokens
            As one of X in `fit`.

        Returns
        -------
        marginals : list of dict
            From tags to probabilities, for each token.
        """
        return self.predict_marginals([sentence])[0]

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Share of the tokens whose tag is right.

        Parameters
        ----------
        X : list of S sentences
            Each a list of tokens as in `fit`.
        y : list of S lists of tags
            The right tags, one for each token.
        sample_weight : array-like of shape (S,), default=None
            Weights of the sentences.

        Returns
        -------
        score : float
            nan without any token of positive weight.
        """
        matrix, lengths, sentences = self._encode(X)
        _, codes = encode_tags(y, lengths, self.classes_)
        right = self._tag(matrix, lengths, sentences) == codes
        if sample_weight is None:
            return float(right.mean()) if len(right) else float("nan")
        weights = np.repeat(check_sample_weight(sample_weight, sentences), lengths)
        total = weights.sum()
        return float(weights @ right / total) if total > 0 else float("nan")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.dict = True
        tags.target_tags.required = True
        return tags


def _cut(values, lengths):
    """Values of all tokens as a list with a piece for each sentence."""
    ends = np.cumsum(lengths).tolist()
    return [values[end - length : end] for end, length in zip(ends, lengths.tolist())]
