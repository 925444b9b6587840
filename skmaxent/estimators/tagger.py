"""MaxEntTagger: the maximum-entropy Markov model, a classifier of tokens that sees the tags before them."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from ..compat import fit_context
from ..numerics.threads import Workers
from ..sequences.decoding import DECODERS, along, marginals
from ..sequences.history import HistoryColumns, gold_states, order_of, parse_templates
from ..sequences.local import Rules
from ..sequences.packing import Packing, batches
from ..sequences.tags import SCHEMES, legal_transitions
from .common.local_models import CompiledTagger, is_softmax, with_history
from .common.tag_rules import learn_dictionary, listed_tags, step_costs, token_costs
from .common.tagging import Tagger, TokenVotes
from .maxent import MaxEntClassifier

if TYPE_CHECKING:
    from typing import Any, Self

    from numpy.typing import ArrayLike

# Tokens that are decoded together: enough for NumPy's calls to be few for each of them ...
MOST_TOKENS, FEWEST_TOKENS = 1 << 14, 1 << 6
# ... and few enough for a position's scores of all pairs of states and tags to stay in the cache.
BATCH_ENTRIES = 20_000_000


class MaxEntTagger(Tagger):
    """Maximum-entropy Markov model: each tag by a classifier that sees the token and the tags before it.

    The local model: with h the tags before a token, x its features::

        p(tags | sentence) = prod_t p(tag_t | x_t, h_t)

    Training is one fit of a classifier, on a row for each token with the true tags before it. Tagging looks
    for the best sequence of tags, of all sentences at once. `skmaxent.CRFTagger` is the global model, which
    normalises over whole sequences.

    Parameters
    ----------
    classifier : classifier, default=None
        Any classifier with `predict_proba` that takes sparse rows; it is cloned. None for
        ``MaxEntClassifier(features="observed", tol=1e-2)``. Linear ones with a softmax, such as this or
        LogisticRegression, decode without making a matrix.
    history : list of str, default=("tag[-1]",)
        Templates of features of the tags before a token: "tag[-1]", "tag[-2]", "tag[-2] & tag[-1]", also
        together with features of the token that are a str or a bool, as in "tag[-1] & word". Before the
        sentence stands the tag "<s>". One with tag[-2] makes the model one of order 2.
    decoder : {"viterbi", "greedy", "beam"}, default="viterbi"
        "viterbi" finds the most probable sequence, "greedy" takes the best tag at each token, "beam" keeps
        the best `beam_width` states.
    beam_width : int, default=5
        Number of states that the beam keeps; 1 is greedy, and from K ** order on it is Viterbi.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU"} or None, default=None
        The scheme of the tags, whose rules decoding then keeps.
    tag_dictionary : dict, bool, int or None, default=None
        The tags that words may have, in decoding: a dict from words to collections of tags; True to learn
        it from the training sentences, an int to learn it for words that occur there at least as often.
        Other words may have any tag.
    word_feature : str, default="word"
        Key of the feature that is a token's word, for `tag_dictionary`.
    n_jobs : int, default=None
        Number of threads that decode and, with ``classifier=None``, fit. None means all cores. Results are
        the same bits for any number.
    verbose : int, default=0
        Passed on to the default classifier.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The tags, sorted.
    classifier_ : classifier or None
        The fitted classifier; its columns have the names `feature_names_`. None where there is one tag.
    vocabulary_ : dict of str to int
        Columns of the features of tokens: "key=value" for a str, "key" for a number or a bool, "key=item" for
        a collection of str, "key:part=value" for a dict.
    history_ : dict of str to dict
        For each template "values" and "keys" of its columns, which follow those of the tokens.
    tag_dictionary_ : dict or None
        From words to lists of tags, as it is used.
    coef_, intercept_, convergence_ : as of the classifier
        Where it has them; `coef_` has shape (K, D), or (1, D) with two tags.
    transitions_ : ndarray of shape (K, K)
        For linear classifiers with the template "tag[-1]": its weights, rows the tags before.

    See Also
    --------
    skmaxent.TokenFeatures : Features of tokens by a function, in a Pipeline.

    References
    ----------
    A. Ratnaparkhi (1996), A maximum entropy model for part-of-speech tagging, EMNLP.

    A. McCallum, D. Freitag, F. Pereira (2000), Maximum entropy Markov models for information extraction and
    segmentation, ICML.

    Examples
    --------
    >>> from skmaxent import MaxEntTagger
    >>> X = [[{"word": "the"}, {"word": "dog"}, {"word": "barks"}], [{"word": "dogs"}, {"word": "bark"}]]
    >>> y = [["DET", "NOUN", "VERB"], ["NOUN", "VERB"]]
    >>> tagger = MaxEntTagger().fit(X * 10, y * 10)
    >>> tagger.predict([[{"word": "the"}, {"word": "bark"}]]).tolist()
    [['DET', 'NOUN']]
    """

    classifier_: Any
    history_: dict[str, dict[str, np.ndarray]]
    tag_dictionary_: dict[Any, list[Any]] | None

    _remembered = ("_encoder", "_compiled")

    _parameter_constraints: dict[str, Any] = {
        "classifier": [HasMethods(["fit", "predict_proba"]), None],
        "history": ["array-like"],
        "decoder": [StrOptions(set(DECODERS))],
        "beam_width": [Interval(Integral, 1, None, closed="left")],
        "scheme": [StrOptions(set(SCHEMES)), None],
        "tag_dictionary": [dict, "boolean", Interval(Integral, 1, None, closed="left"), None],
        "word_feature": [str],
        "n_jobs": [None, Integral],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        classifier: Any = None,
        *,
        history: Any = ("tag[-1]",),
        decoder: str = "viterbi",
        beam_width: int = 5,
        scheme: str | None = None,
        tag_dictionary: Any = None,
        word_feature: str = "word",
        n_jobs: int | None = None,
        verbose: int | bool = 0,
    ):
        self.classifier = classifier
        self.history = history
        self.decoder = decoder
        self.beam_width = beam_width
        self.scheme = scheme
        self.tag_dictionary = tag_dictionary
        self.word_feature = word_feature
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the classifier on all tokens, with the true tags before them.

        Parameters
        ----------
        X : list of S sentences
            Each a list of tokens: dicts of features (str, numbers, bools, collections of str, dicts of
            these) or collections of str.
        y : list of S lists of tags
            Of any hashable kind.
        sample_weight : array-like of shape (S,), default=None
            Weights of the sentences, for classifiers that take weights.

        Returns
        -------
        self : MaxEntTagger
            The fitted estimator.

        Raises
        ------
        ValueError
            If sentences or tags are malformed, or a template names what no token has.
        """
        data = self._read_training(X, y, sample_weight)
        K, names = len(data.classes), list(data.vocabulary)
        if self.scheme is not None:
            legal_transitions(data.classes.tolist(), self.scheme)
        dictionary = learn_dictionary(data, self.tag_dictionary, self.word_feature)
        templates = parse_templates(self.history)
        order = order_of(templates)
        states = gold_states(data.codes, data.lengths, K, order)
        columns = [HistoryColumns.learn(t, K, order, data.X, names, states) for t in templates]
        state = {
            "classes_": data.classes,
            "vocabulary_": data.vocabulary,
            "tag_dictionary_": dictionary,
            "history_": {c.template.name: {"values": c.values, "keys": c.keys} for c in columns},
            "classifier_": None,
            "_is_linear": False,
        }
        if K > 1:
            numbers = [found.numbers(data.X, names) for found in columns]
            design = with_history(data.X, columns, numbers, states)
            classifier = self._new_classifier()
            labels = data.codes if data.classes.dtype == object else data.classes[data.codes]
            weights = {} if sample_weight is None else {"sample_weight": data.token_weights}
            classifier.fit(design, labels, **weights)
            state |= {"classifier_": classifier, "_is_linear": is_softmax(classifier, design, K)}
        self._forget()
        self.__dict__.update(state)
        return self

    def _new_classifier(self):
        if self.classifier is not None:
            return clone(self.classifier)
        return MaxEntClassifier(features="observed", tol=1e-2, n_jobs=self.n_jobs, verbose=self.verbose)

    def _history_columns(self):
        """The `HistoryColumns` of each template, and the order."""
        templates = parse_templates(self.history_)
        order, K = order_of(templates), len(self.classes_)
        return [
            HistoryColumns(t, K, order, known["values"], known["keys"])
            for t, known in zip(templates, self.history_.values())
        ], order

    def _compile(self):
        """What decoding needs, made once after a fit or a pickle."""
        if "_compiled" not in self.__dict__:
            columns, order = self._history_columns()
            classes = self.classifier_.classes_.tolist()
            code = {tag: k for k, tag in enumerate(self.classes_.tolist())}
            numbered = self.classes_.dtype == object
            places = np.array([tag if numbered else code[tag] for tag in classes], np.intp)
            self._compiled = CompiledTagger(
                columns, self.classifier_, places, list(self.vocabulary_), order, self._is_linear
            )
        return self._compiled

    def _batches(self, X, lengths, sentences):
        """Of each batch of sentences: a function that makes model and packing, and the tokens."""
        compiled = self._compile()
        K, numbers = len(self.classes_), compiled.numbers(X)
        transitions, ends = step_costs(self.classes_.tolist(), self.scheme, compiled.order)
        listed = listed_tags(self.tag_dictionary_, self.classes_.tolist(), sentences, self.word_feature)
        power = compiled.order + 1
        size = int(np.clip(BATCH_ENTRIES // K**power, FEWEST_TOKENS, MOST_TOKENS))

        def model_of(some, tokens):
            packing = Packing(lengths[some])
            costs = token_costs(lengths[some], ends, listed, tokens, K)
            rules = Rules(transitions, None if costs is None else costs[packing.rows])
            parts = [part[tokens] for part in numbers]
            return compiled.model(X[tokens], parts, packing.rows, rules), packing

        return model_of, list(zip(*batches(lengths, size)))

    def _decode(self, model, packing):
        return DECODERS[self.decoder].search(model, packing, self.beam_width)

    def _in_batches(self, work, X, lengths, sentences, out):
        """Fill `out`, in the order of the tokens, with ``work(model, packing)`` of each batch."""
        model_of, pieces = self._batches(X, lengths, sentences)

        def fill(piece):
            model, packing = model_of(*piece)
            out[piece[1]] = packing.unpacked(work(model, packing))

        with Workers(None, self.n_jobs) as workers:
            workers.map(fill, pieces)
        return out

    def _encode(self, X):
        self._validate_params()  # those of decoding may have been set since the fit
        return super()._encode(X)

    def _tag(self, X, lengths, sentences):
        tags = np.zeros(X.shape[0], np.intp)
        if self.classifier_ is None or not len(tags):
            return tags
        return self._in_batches(self._decode, X, lengths, sentences, tags)

    def _marginals(self, X, lengths, sentences):
        proba = np.ones((X.shape[0], len(self.classes_)))
        if self.classifier_ is None or not len(proba):
            return proba

        def work(model, packing):
            if DECODERS[self.decoder].sums:
                return marginals(model, packing)
            return along(model, packing, self._decode(model, packing))

        return self._in_batches(work, X, lengths, sentences, proba)

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Probability of each tag for each token.

        With the decoder "viterbi" that of the tag under the model of whole sequences, summed over all tags
        before and after it. With "greedy" and "beam" that of the tag after the tags that were chosen before.
        Where a scheme or a dictionary forbids tags, the rest sums to 1.

        Parameters
        ----------
        X : list of S sentences
            Each a list of tokens as in `fit`.

        Returns
        -------
        probabilities : list of S ndarray of shape (T_i, K)
            Columns in the order of ``classes_``.
        """
        return super().predict_proba(X)

    def _token_votes(self, sentence, i):
        """`TokenVotes` of a token, after the tags that the tokens before it got."""
        X, lengths, sentences = self._encode([sentence])
        codes = self._tag(X, lengths, sentences)
        compiled = self._compile()
        states = gold_states(codes, lengths, len(self.classes_), compiled.order)
        row = with_history(X, compiled.columns, compiled.numbers(X), states)[[i]]
        coef = self.coef_[:, row.indices]
        coef = coef.toarray() if sparse.issparse(coef) else coef
        tags = self.classes_.tolist()
        proba = self.classifier_.predict_proba(row)[0]
        return TokenVotes(
            self.feature_names_[row.indices].tolist(),
            row.data.astype(float),
            coef.T.astype(float),
            np.broadcast_to(self.intercept_, len(coef)).astype(float),
            tags[codes[i]],
            {tags[k]: p for k, p in sorted(zip(compiled.places.tolist(), proba.tolist()))},
        )

    @property
    def feature_names_(self) -> np.ndarray:
        """Names of the columns of the classifier, (D,): features of tokens, then those of the history."""
        names, tags = list(self.vocabulary_), self.classes_.tolist()
        history = [name for found in self._history_columns()[0] for name in found.names(tags, names)]
        return np.array([*names, *history], dtype=object)

    @property
    def coef_(self) -> Any:
        """Weights of a linear classifier."""
        return self.classifier_.coef_

    @property
    def intercept_(self) -> np.ndarray:
        """Intercepts of a linear classifier."""
        return self.classifier_.intercept_

    @property
    def convergence_(self) -> dict[str, Any]:
        """How the fit of the classifier ended."""
        return self.classifier_.convergence_

    @property
    def transitions_(self) -> np.ndarray:
        """Weights of the template "tag[-1]", (K, K), rows the tags before."""
        if not self._is_linear or "tag[-1]" not in self.history_:
            raise AttributeError("transitions_ needs a linear classifier and the history template 'tag[-1]'.")
        compiled = self._compile()
        at = list(self.history_).index("tag[-1]")
        return compiled.parts[at][compiled.columns[at].columns(0, np.arange(len(self.classes_)))]
