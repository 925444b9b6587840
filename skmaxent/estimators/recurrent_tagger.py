"""RecurrentTagger: sequences of tokens or vectors, a tag for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..compat import available_if, check_sample_weight, fit_context, with_callbacks
from .common.recurrent_fit import CONSTRAINTS, BaseRecurrent, can_continue
from .common.recurrent_prediction import RecurrentPrediction, as_objects, log_softmax
from .common.sequence_input import read_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Self

    from numpy.typing import ArrayLike


class RecurrentTagger(RecurrentPrediction, BaseRecurrent):
    """Recurrent network that tags each token of a sequence: Elman, GRU or LSTM, in one or both directions.

    A sequence is a list of tokens, each the sum of the embeddings of its features, or an array of vectors (a
    time series). Recurrent layers read it step by step; the state after each token has the scores ``s = h W
    + b`` of its tags, and softmax makes probabilities of them. Trained by backpropagation through time on the
    negative log-likelihood of the tags, as `BackpropMLPClassifier` is.

    Tags may be of any number; whole sequences of tags are no classes, so that this is no scikit-learn
    classifier: `cross_val_score` takes its own `score`, or a scorer on lists of tags.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units of each recurrent layer, and direction; at least one layer.
    cell : {"elman", "gru", "lstm"}, default="lstm"
        "elman": ``h = tanh(x W + h' U + b)``; "gru": gated recurrent unit; "lstm": long short-term memory.
    bidirectional : bool, default=True
        Whether each layer also reads the sequence from its end.
    embedding_size : int, default=100
        Numbers that stand for a token. Not used where tokens are vectors.
    features : {"word", "affixes"} or callable, default="affixes"
        What is known of a token: the token itself; for a str also its lower case, prefixes of up to 3 and
        suffixes of up to 4 letters and shape; or ``features(token)``, a list of hashables. A token is the sum
        of the embeddings of its features, so that a new word is as much as is known of it.
    min_count : float, default=2
        Features that occur less often in the training data are unknown. A token without any known feature
        takes the embedding of the unknown, which is trained with them and by `word_dropout`.
    dropout : float in [0, 1), default=0.33
        Probability with which each column of the embeddings and each unit of a layer's output is left out,
        of all tokens of a sequence alike.
    word_dropout : float in [0, 1), default=0.1
        Probability with which a token is taken for an unknown one in a training step.
    solver : {"sgd", "adam", "adagrad"}, default="adam"
        As of `BackpropMLPClassifier`.
    alpha : float, default=1e-4
        Strength of the penalty on the weights; alpha / B is the lambda of textbooks, B the tokens of a
        step.
    l1_ratio : float in [0, 1], default=0.0
        Share of the L1 norm in the penalty.
    batch_size : int or "auto", default="auto"
        Sequences a step, of similar lengths; "auto" is min(32, n_sequences). Less where they have more than
        about 16,000 tokens together.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule for "sgd" and "adagrad".
    learning_rate_init : float, default=0.003
        Initial learning rate.
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=20
        Largest number of epochs.
    shuffle : bool, default=True
        Whether to shuffle the sequences in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds the weights, the shuffling, the dropout and the validation split.
    tol : float, default=1e-4
        An epoch that does not lower the loss (or raise the validation score) by `tol` counts as stalled.
    verbose : bool or int, default=False
        Whether to print a line an epoch: loss, validation score, tokens a second, seconds since `fit` began.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights and the optimiser's state of the last call, with its features.
    momentum : float in [0, 1], default=0.9
        Momentum of "sgd".
    nesterovs_momentum : bool, default=True
        Whether that is Nesterov's.
    early_stopping : bool, default=False
        Whether to stop when the score on a validation set stalls, and to restore the best weights. The set is
        `X_val` of `fit`, or `validation_fraction` of the training data.
    validation_fraction : float in (0, 1), default=0.1
        Share of the training data to set aside for early stopping.
    beta_1 : float in [0, 1), default=0.9
        Decay of the first moment of "adam".
    beta_2 : float in (0, 1), default=0.999
        Decay of the second moment of "adam".
    epsilon : float, default=1e-8
        Numerical constant of "adam" and "adagrad".
    n_iter_no_change : int, default=10
        Number of stalled epochs to bear.
    max_norm : float or None, default=5.0
        Gradients with a larger Euclidean norm are scaled down to it; None leaves them.
    dtype : {"float32", "float64"}, default="float32"
        Precision for tokens. Arrays are processed in their own.
    n_jobs : int or None, default=None
        Number of threads, of which two are of use, one a direction; None for all cores. It changes no bit.
    class_weight : dict, "balanced" or None, default=None
        Factors on the weights of the examples of each class (the tokens of each tag).
    scoring : "loss", callable or None, default=None
        What is measured on the validation set, greater being better: None for the share of tokens with the
        right tag, "loss" for the negative loss, or ``scorer(estimator, X, y)``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_tags,)
        Tags.
    class_count_ : ndarray of shape (n_tags,)
        Weight of the training tokens of each tag.
    vocabulary_ : dict or None
        Row in `embeddings_` of each feature; None where tokens are vectors.
    embeddings_ : ndarray of shape (n_features + 1, embedding_size)
        Row 0 is that of the unknown.
    weights_ : dict of str to ndarray
        All parameters by name, such as "lstm 1 forward.recurrent": of each layer and direction the weights
        of its inputs (d, g H), of its states (H, g H) and biases (g H,), the gates side by side: o, i, f, g
        of an LSTM; r, z, n of a GRU, whose recurrent biases are those inside of the reset.
    loss_ : float
        Mean training loss of the last epoch, each batch measured before its step, without the penalty.
    best_loss_ : float or None
        Least training loss; None with early stopping.
    best_validation_score_ : float or None
        Best validation score with early stopping.
    loss_curve_ : list of float
        `loss_` after each epoch, over all calls of a warm start.
    validation_scores_, validation_loss_curve_ : lists of float, or None
        Score (see `scoring`) and mean loss on the validation set after each epoch, where there is one.
    n_iter_ : int
        Epochs of the last call.
    t_ : int
        Training sequences seen.

    See Also
    --------
    RecurrentClassifier : One label for a whole sequence.
    CRFTagger : A linear model of whole tag sequences.
    MaxEntTagger : A tagger from any classifier of tokens.

    Notes
    -----
    There is no padding: neither a longer neighbour in a batch, nor the batch size, nor the order of X changes
    a prediction. Arrays of float32 and tokens are processed in float32. Recurrent weights start orthogonal,
    gate by gate, forget gates with the bias 1. Memory is about ``8 (18 H + d)`` bytes a token of a batch for
    an LSTM in both directions and float32.

    References
    ----------
    Elman (1990), Finding structure in time, Cognitive Science 14.
    Werbos (1990), Backpropagation through time, Proceedings of the IEEE 78.
    Hochreiter & Schmidhuber (1997), Long short-term memory, Neural Computation 9.
    Gers, Schmidhuber & Cummins (2000), Learning to forget, Neural Computation 12.
    Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP.
    Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks, ICML.
    Gal & Ghahramani (2016), A theoretically grounded application of dropout in recurrent networks, NIPS.

    Examples
    --------
    >>> from skmaxent import RecurrentTagger
    >>> X = [["the", "dog", "barks"], ["the", "barks", "stop"], ["stop"]]
    >>> y = [["DET", "NOUN", "VERB"], ["DET", "NOUN", "VERB"], ["VERB"]]
    >>> options = {"learning_rate_init": 0.02, "dropout": 0.0, "max_iter": 200, "random_state": 0}
    >>> model = RecurrentTagger((8,), embedding_size=8, min_count=1, **options)
    >>> model.fit(X, y).predict(X)[1]
    ['DET', 'NOUN', 'VERB']
    """

    classes_: np.ndarray
    class_count_: np.ndarray
    vocabulary_: dict[Any, int] | None
    weights_: dict[str, np.ndarray]
    loss_: float
    best_loss_: float | None
    best_validation_score_: float | None
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    n_iter_: int
    t_: int

    _parameter_constraints: dict[str, Any] = {
        **CONSTRAINTS,
        "scoring": [StrOptions({"loss"}), callable, None],
    }
    _per_token = True
    _pooling = None

    def __init__(
        self,
        hidden_layer_sizes: ArrayLike = (100,),
        cell: str = "lstm",
        *,
        bidirectional: bool = True,
        embedding_size: int = 100,
        features: str | Callable[[Any], Iterable[Any]] = "affixes",
        min_count: float = 2,
        dropout: float = 0.33,
        word_dropout: float = 0.1,
        solver: str = "adam",
        alpha: float = 1e-4,
        l1_ratio: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.003,
        power_t: float = 0.5,
        max_iter: int = 20,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: int | bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_norm: float | None = 5.0,
        dtype: str = "float32",
        n_jobs: int | None = None,
        class_weight: dict[Any, float] | str | None = None,
        scoring: str | Callable[..., float] | None = None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.embedding_size = embedding_size
        self.features = features
        self.min_count = min_count
        self.dropout = dropout
        self.word_dropout = word_dropout
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_norm = max_norm
        self.dtype = dtype
        self.n_jobs = n_jobs
        self.class_weight = class_weight
        self.scoring = scoring

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : sequences
            A list, object array or Series of token sequences (any hashable tokens), or of float arrays of
            shape (T_i, p).
        y : sequence of sequences of tags
            A tag for each token, all strings or all numbers.
        sample_weight : array-like of shape (n_sequences,), optional
            Weight of each sequence: a weight of 2 is the sequence twice, of 0 its absence.
        X_val, y_val : like X and y, optional
            Validation set: its score and loss are recorded after each epoch, and steer early stopping.
        sample_weight_val : array-like of shape (n_val,), optional
            Weight of each sequence of the validation set.

        Returns
        -------
        self : RecurrentTagger
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            For invalid parameters or data, with the number of the sequence at fault, and when the loss ceases
            to be finite.
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(can_continue)
    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch over the given sequences, from the current weights and optimiser's state.

        The first call decides which features are known.

        Parameters
        ----------
        X : list of sequences
            As for `fit`.
        y : list of lists of tags
            As for `fit`.
        classes : array-like of shape (n_classes,), optional
            All tags that will ever occur; required in the first call.
        sample_weight : array-like of shape (n_samples,), optional
            As for `fit`.

        Returns
        -------
        self : RecurrentTagger
            The estimator after the epoch.
        """
        return self._fit(X, y, sample_weight, classes=classes, incremental=True)

    def _labels(self, y, given):
        """All tags, one sequence after another."""
        return read_tags(y, given)

    def predict(self, X: Any) -> np.ndarray:
        """Most probable tag of each token.

        Parameters
        ----------
        X : sequences
            As for `fit`.

        Returns
        -------
        y : object ndarray of shape (n_sequences,)
            Lists of tags.
        """
        scores = self._by_token(self._read(X))
        return as_objects([self.classes_[part.argmax(axis=1)].tolist() for part in scores])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each tag of each token.

        Parameters
        ----------
        X : sequences
            As for `fit`.

        Returns
        -------
        proba : object ndarray of shape (n_sequences,)
            Arrays of shape (T_i, n_tags).
        """
        return as_objects([np.exp(part) for part in self.predict_log_proba(X)])

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`; -inf where a probability underflows.

        Parameters
        ----------
        X : sequences
            As for `fit`.

        Returns
        -------
        log_proba : object ndarray of shape (n_sequences,)
            Arrays of shape (T_i, n_tags).
        """
        return as_objects([log_softmax(part) for part in self._by_token(self._read(X))])

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Share of the tokens with the right tag.

        Parameters
        ----------
        X : sequences
            As for `fit`.
        y : sequence of sequences of tags
            The right tags, one for each token.
        sample_weight : array-like of shape (n_sequences,), optional
            Weight of the tokens of each sequence.

        Returns
        -------
        score : float
            NaN without any token.
        """
        given = self._read(X)
        tags = read_tags(y, given)
        right = np.array([a == b for a, b in zip(tags, (tag for part in self.predict(X) for tag in part))])
        weights = np.ones(len(given))
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, given.lengths)
        weights = np.repeat(weights, given.lengths)
        total = weights.sum()
        return float(weights @ right / total) if total else float("nan")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.two_d_array = False
        return tags
