"""What recurrent estimators do between their parameters and their fitted attributes."""

from dataclasses import replace
from numbers import Integral, Real
from time import perf_counter

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from ...compat import FitEvents, check_sample_weight
from ...nn.recurrent import CELLS
from ...nn.sequence_builder import Recurrent
from ...nn.training.loop import Progress
from ...nn.training.options import TrainingOptions
from ...nn.training.session import SOLVERS, Session
from ...numerics.threads import thread_count
from . import labels
from .network_training import COLUMNS, TRAINING, BaseNetwork, hidden_sizes
from .sequence_data import Examples, encode_labels, learn_vocabulary, to_sequences
from .sequence_input import read_sequences
from .vocabulary import FEATURES

#: what both estimators check of their parameters
CONSTRAINTS = {
    **TRAINING,
    "cell": [StrOptions(set(CELLS))],
    "bidirectional": ["boolean"],
    "embedding_size": [Interval(Integral, 1, None, closed="left")],
    "features": [StrOptions(set(FEATURES)), callable],
    "min_count": [Interval(Real, 0, None, closed="left")],
    "word_dropout": [Interval(Real, 0, 1, closed="left")],
    "solver": [StrOptions(set(SOLVERS) - {"lbfgs"})],
    "max_norm": [Interval(Real, 0, None, closed="neither"), None],
    "dtype": [StrOptions({"float32", "float64"})],
    "n_jobs": [Integral, None],
}


def can_continue(estimator):
    """Whether there is a `partial_fit`, else AttributeError."""
    if estimator.early_stopping:
        raise AttributeError("partial_fit does not support early_stopping=True.")
    return True


def _target_kind(targets):
    """What labels are: "classes", or "distribution" for (n, K) masses."""
    return "distribution" if isinstance(targets, np.ndarray) and targets.ndim == 2 else "classes"


def _as_list(y):
    return [*(np.asarray(y) if hasattr(y, "__array__") else y)]


class BaseRecurrent(BaseNetwork):
    """Validation and training.

    An estimator adds `_per_token` (whether each token has a label), `_pooling`, and `_labels(y, given)`, the
    labels of the sequences or tokens, one after another.
    """

    def _fit(self, X, y, sample_weight, validation_data=(None, None, None), classes=None, incremental=False):
        started = perf_counter()
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all examples at once: give partial_fit a dict instead."
            )
        old = self if hasattr(self, "weights_") and (incremental or self.warm_start) else None
        # what is learnt about the columns of an array goes to a stand-in until the fit has succeeded
        known = self if old is not None else self._stand_in()
        given = read_sequences(known, X, reset=old is None)
        targets = self._labels(y, given)
        kind = _target_kind(targets)
        if old is not None and kind != old._target_kind:
            raise ValueError(f"y must be of the kind of the earlier calls, {old._target_kind}; got {kind}.")
        classes = self._find_classes(targets, old, classes, incremental)
        examples = self._examples(given, y, targets, sample_weight, classes, "y")
        if not examples.weights.any():
            raise ValueError("The sample weights are zero everywhere.")
        totals = examples.totals(classes.size)
        examples = examples.share(1.0)
        if not len(examples):
            raise ValueError("X has no token at all: its sequences are empty, or have the weight 0.")
        n_inputs, vocabulary, dtype = self._inputs(examples, old)
        factors = labels.class_factors(self.class_weight, classes, totals)
        state = old._training_state if old is not None else None
        seed = state["seed"] if state else int(check_random_state(self.random_state).randint(2**31 - 1))
        examples, validation, validating = self._validation(
            known, examples, validation_data, classes, factors, vocabulary, dtype, seed
        )
        sequences = to_sequences(examples.given, vocabulary, self.features, dtype)
        drops = self.dropout > 0 or self.word_dropout > 0
        data = examples.dataset(sequences, factors, seed if drops else None)
        fixed = {
            "classes_": classes,
            "_target_kind": kind,
            "class_count_": totals + self.class_count_ if old is not None and incremental else totals,
            "vocabulary_": vocabulary,
            "_structure": self._describe(n_inputs, vocabulary is not None, classes.size),
            **{name: value for name, value in vars(known).items() if name in COLUMNS},
        }
        network = Recurrent(**fixed["_structure"], dropout=self.dropout, word_dropout=self.word_dropout)
        parameters = self._start(network.parameters(dtype), old)
        progress = Progress() if old is None else old._progress()
        options = replace(TrainingOptions.of(self), auto_batch=32)
        n_threads = None if self.n_jobs is None else thread_count(self.n_jobs)
        session = Session(options, network, parameters, "softmax", seed, old is not None, state, n_threads)
        events = FitEvents(self, 1 if incremental else self.max_iter, X, y, {"sample_weight": sample_weight})
        self._train(
            session, data, validating, progress, fixed, events, incremental, started,
            lambda: validation.as_given(),
        )  # fmt: skip
        return self

    def _find_classes(self, targets, old, classes, incremental):
        """All labels, sorted."""
        if old is not None:
            if classes is not None and not np.array_equal(np.unique(classes), old.classes_):
                raise ValueError(
                    f"`classes={classes}` is not the same as on last call to partial_fit, was: {old.classes_}"
                )
            return old.classes_
        if _target_kind(targets) == "distribution":
            return np.arange(targets.shape[1])
        if incremental and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        found = np.unique(classes if incremental else targets)
        if self._per_token and not incremental and set(found.tolist()) != set(targets):
            raise ValueError("Tags must be all of one kind, strings or numbers.")
        return found

    def _examples(self, given, y, targets, sample_weight, classes, name):
        """`Examples` of all sequences, those without tokens or weight among them."""
        weights = np.ones(len(given))
        if _target_kind(targets) == "distribution":
            if targets.shape[1] != classes.size:
                raise ValueError(
                    f"{name} has {targets.shape[1]} columns, but the model has {classes.size} classes."
                )
            weights = targets.sum(axis=1)
            targets = targets / np.where(weights > 0, weights, 1)[:, None]
        else:
            targets = encode_labels(targets, classes, given.lengths if self._per_token else None, name)
        if sample_weight is not None:
            weights = weights * check_sample_weight(sample_weight, given.lengths)
        return Examples(given, _as_list(y), targets, weights, self._per_token)

    def _inputs(self, examples, old):
        """Number of inputs of the network, rows of the embedding or None for vectors, and the dtype."""
        given = examples.given
        if old is not None:
            self._check_kind(given)
            return self._structure["n_inputs"], old.vocabulary_, old.weights_["affine.weights"].dtype
        if given.tokens is None:
            return given.values.shape[1], None, given.values.dtype
        vocabulary = learn_vocabulary(given, examples.weights, self.features, self.min_count)
        return len(vocabulary) + 1, vocabulary, np.dtype(self.dtype)

    def _check_kind(self, given):
        """Whether sequences are of what the model was fitted on: tokens, or vectors of as many numbers."""
        on_vectors = self.vocabulary_ is None
        if not given.lengths.any():
            return
        if on_vectors != (given.tokens is None):
            kinds = ("tokens", "vectors of numbers")
            raise ValueError(
                f"X has sequences of {kinds[not on_vectors]}, but {type(self).__name__} was fitted on "
                f"{kinds[on_vectors]}."
            )
        if on_vectors and given.values.shape[1] != self._structure["n_inputs"]:
            raise ValueError(
                f"X has vectors of {given.values.shape[1]} numbers, but {type(self).__name__} was fitted on "
                f"{self._structure['n_inputs']}."
            )

    def _validation(self, known, examples, validation_data, classes, factors, vocabulary, dtype, seed):
        """Examples to train on, those to validate on and their dataset, both None without any."""
        X, y, sample_weight = validation_data
        if (X is None) != (y is None):
            raise ValueError("X_val and y_val must be given together.")
        if X is None and sample_weight is not None:
            raise ValueError("sample_weight_val needs X_val and y_val.")
        if X is not None:
            given = read_sequences(known, X, reset=False)
            targets, masses = self._labels(y, given), examples.has_masses
            if masses != (_target_kind(targets) == "distribution"):
                kinds = ("labels", "label masses")
                raise ValueError(f"y_val must hold {kinds[masses]} like y. Got {kinds[not masses]} instead.")
            validation = self._examples(given, y, targets, sample_weight, classes, "y_val")
            validation, factors = validation.share(1.0), None
            if not len(validation):
                raise ValueError("The validation set has no token with a weight.")
        elif self.early_stopping:
            n_samples = len(examples)
            sequences = to_sequences(examples.given, vocabulary, self.features, dtype)
            examples, validation = examples.split(sequences, seed, self.validation_fraction)
            if not len(validation):
                raise ValueError(
                    f"The validation set is too small, with n_samples={n_samples}. Increase "
                    "'validation_fraction' or the size of your dataset."
                )
        else:
            return examples, None, None
        sequences = to_sequences(validation.given, vocabulary, self.features, dtype)
        return examples, validation, validation.dataset(sequences, factors)

    def _describe(self, n_inputs, has_tokens, n_outputs):
        """The arguments of the builder of the network, rates of dropout aside."""
        sizes = tuple(hidden_sizes(self.hidden_layer_sizes))
        if not sizes:
            raise ValueError("hidden_layer_sizes must name at least one recurrent layer, got none.")
        return {
            "n_inputs": n_inputs,
            "embedding_size": int(self.embedding_size) if has_tokens else None,
            "sizes": sizes,
            "cell": self.cell,
            "bidirectional": bool(self.bidirectional),
            "pooling": self._pooling,
            "n_outputs": n_outputs,
        }

    def _start(self, parameters, old):
        """The parameters, with copies of those of the last call, if there was one."""
        if old is not None:
            arrays = {**parameters.weights, **parameters.biases}
            if {k: v.shape for k, v in arrays.items()} != {k: v.shape for k, v in old.weights_.items()}:
                raise ValueError(
                    "hidden_layer_sizes, cell, bidirectional and embedding_size cannot change between the "
                    "calls of a warm start or of partial_fit."
                )
            for name, array in arrays.items():
                array[:] = old.weights_[name]
        return parameters

    def _weight_attributes(self, parameters):
        return {"weights_": {**parameters.weights, **parameters.biases}}

    def _against_divergence(self):
        return (
            f"The steps are too large: lower learning_rate_init (now {self.learning_rate_init}), or set "
            f"max_norm, the largest norm of a gradient (now {self.max_norm}), to a smaller number."
        )

    def _pace(self, data, seconds):
        return f", {data.sequences.tokens.shape[0] / seconds:,.0f} tokens/s"

    def __getstate__(self):
        """The vocabulary as a list, in the order of its rows: skops has no dicts with keys of any kind."""
        state = super().__getstate__()
        if isinstance(state.get("vocabulary_"), dict):
            state["vocabulary_"] = [*state["vocabulary_"]]
        return state

    def __setstate__(self, state):
        if isinstance(state.get("vocabulary_"), list):
            numbered = enumerate(state["vocabulary_"], 1)
            state = {**state, "vocabulary_": {feature: row for row, feature in numbered}}
        super().__setstate__(state)
