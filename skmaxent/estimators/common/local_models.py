"""From a fitted classifier of single tokens to a local model that the decoders take."""

import numpy as np
from scipy import sparse

from ...numerics.losses import softmax
from ...sequences.history import history_design
from ...sequences.local import LinearModel, LocalModel
from .prediction import _product

# Rows on which it is tried whether probabilities are the softmax of coef_ and intercept_.
TRIED = 64
# Largest table of scores of the states alone, in entries.
PURE_ENTRIES = 4_000_000


def linear_weights(classifier, n_classes):
    """Weights (D, K), dense or CSR, and intercept (K,) of a linear classifier; None of any other."""
    coef, intercept = (getattr(classifier, name, None) for name in ("coef_", "intercept_"))
    if coef is None or intercept is None or coef.ndim != 2:
        return None
    intercept = np.broadcast_to(np.ravel(intercept), coef.shape[:1])
    if n_classes == 2 and coef.shape[0] == 1:  # one column of weights, for the second class
        coef = coef.toarray() if sparse.issparse(coef) else coef
        coef, intercept = np.vstack([np.zeros_like(coef), coef]), np.append(np.zeros(1), intercept)
    if coef.shape[0] != n_classes:
        return None
    return (coef.T.tocsr() if sparse.issparse(coef) else coef.T), np.asarray(intercept, coef.dtype)


def is_softmax(classifier, X, n_classes):
    """Whether the probabilities of some rows are the softmax of linear scores."""
    parts = linear_weights(classifier, n_classes)
    if parts is None:
        return False
    rows = X[:TRIED]
    scores = _product(rows, parts[0]) + parts[1]
    return bool(np.allclose(softmax(scores)[1], classifier.predict_proba(rows), rtol=0, atol=1e-5))


class CompiledTagger:
    """What a fitted tagger needs to decode, made once.

    Parameters
    ----------
    columns : list of HistoryColumns
    classifier : fitted classifier
    places : intp ndarray of shape (K,)
        Number of the tag of each class of the classifier.
    names : list of d str
        Columns of the tokens' own features.
    order : int
    linear : bool
        Whether its probabilities are the softmax of linear scores.
    """

    def __init__(self, columns, classifier, places, names, order, linear):
        self.columns, self.classifier, self.places = columns, classifier, places
        self.n_tags, self.order, self.names, self.linear = len(places), order, names, linear
        if linear:
            n_features = len(names)
            weights, self.intercept = linear_weights(classifier, self.n_tags)
            self.own = weights[:n_features]
            rest = weights[n_features:]
            rest = rest.toarray() if sparse.issparse(rest) else rest
            ends = np.cumsum([len(found.keys) for found in columns])
            zero = np.zeros((1, self.n_tags), rest.dtype)
            self.parts = [np.vstack([part, zero]) for part in np.split(rest, ends)[: len(columns)]]
            self.pure = self._pure()

    def numbers(self, X):
        """For each template the numbers of the values of its features, (n,), in the rows of X (n, d)."""
        return [found.numbers(X, self.names) for found in self.columns]

    def _pure(self):
        """Scores (number of states, K) of the templates of tags alone; None without any."""
        n_states = (self.n_tags + 1) ** self.order
        if n_states * self.n_tags > PURE_ENTRIES:
            return None
        parts = [
            weights[found.columns(0, np.arange(n_states))]
            for found, weights in zip(self.columns, self.parts)
            if not found.template.features
        ]
        return sum(parts) if parts else None

    def model(self, X, numbers, rows, rules):
        """The local model of a batch.

        Parameters
        ----------
        X : csr_matrix of shape (n, d)
            The tokens of the batch.
        numbers : list of integer ndarray of shape (n,)
            Numbers of the values of each template for these tokens.
        rows : intp ndarray of shape (n,)
            The packed order of the tokens.
        rules : Rules
        """
        packed = [part[rows] for part in numbers]
        if not self.linear:
            return ClassifierModel(self, X[rows], packed, rules)
        own = (_product(X, self.own) + self.intercept)[rows]
        lexical = [
            (found, part, weights)
            for found, part, weights in zip(self.columns, packed, self.parts)
            if found.template.features or self.pure is None
        ]
        return LinearModel(self.n_tags, self.order, rules, own, self.pure, lexical)


class ClassifierModel(LocalModel):
    """Probabilities of any classifier: a row of features for each (token, state).

    Parameters
    ----------
    compiled : CompiledTagger
    X : csr_matrix of shape (n, d)
        Features of the packed rows.
    numbers : list of integer ndarray of shape (n,)
    rules : Rules
    """

    def __init__(self, compiled, X, numbers, rules):
        super().__init__(compiled.n_tags, compiled.order, rules)
        self.compiled, self.X, self.numbers = compiled, X, numbers

    def _log_proba(self, rows, states):
        m = rows.stop - rows.start
        states = np.broadcast_to(states, (m, states.shape[1]))
        repeated = np.repeat(np.arange(rows.start, rows.stop), states.shape[1])
        design = with_history(
            self.X[repeated], self.compiled.columns, [part[repeated] for part in self.numbers], states.ravel()
        )
        found = self.compiled.classifier.predict_proba(design)
        proba = np.zeros((len(found), self.n_tags))
        proba[:, self.compiled.places] = found
        return np.log(np.maximum(proba, np.finfo(float).tiny)).reshape(*states.shape, self.n_tags)

    _scores = _log_proba


def with_history(X, columns, numbers, states):
    """Features of tokens and of their states side by side, CSR of shape (n, D).

    Parameters
    ----------
    X : csr_matrix of shape (n, d)
    columns : list of HistoryColumns
    numbers : list of integer ndarray of shape (n,)
    states : integer ndarray of shape (n,)
    """
    if not columns:
        return X
    found = [one.columns(part, states) for one, part in zip(columns, numbers)]
    history = history_design(found, [len(one.keys) for one in columns])
    return sparse.hstack([X, history.astype(X.dtype)], format="csr", dtype=X.dtype)
