"""CRFTagger: the linear-chain conditional random field."""

from __future__ import annotations

from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..compat import CallbackSupport, FitEvents, fit_context, with_callbacks
from ..numerics.threads import Workers
from ..sequences.chain_decoding import best_tags, legal_scores, marginals, token_scores
from ..sequences.fit import SOLVERS, train
from ..sequences.packed import ChainProblem
from ..sequences.tags import SCHEMES, legal_transitions
from .common.prediction import stored_weights
from .common.reports import progress, warn_unless_converged
from .common.tagging import Tagger, TokenVotes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from numpy.typing import ArrayLike


class CRFTagger(CallbackSupport, Tagger):
    """Tagger of sentences by a linear-chain conditional random field, trained to a certified optimum.

    A feature of a token joined with a tag has a weight, and so has each pair of a tag and the next. They
    vote for a whole tag sequence, and the softmax runs over all K^T of them::

        p(y | x) = exp(sum_t sum_j w_jy_t x_tj  +  sum_t>0 v_y_t-1,y_t) / Z(x)

    Training maximises the conditional likelihood under the prior, that is, it minimises::

        mean_i m_i * -log p(y_i | x_i)
            +  1 / (C sum_i m_i) * sum_w (l1_ratio |w| + (1 - l1_ratio) / 2 w^2)

    over the sentences i with their weights m, the sum in the prior over all weights w and v. It is CRFsuite's
    model with ``c2 = (1 - l1_ratio) / (2 C)`` and ``c1 = l1_ratio / C``, and `convergence_` proves how far
    from the optimum it can be.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the prior, positive and finite; with ``l1_ratio=0`` the variance of the Gaussian
        on each weight.
    l1_ratio : float, default=0.0
        Share of the Laplace (L1) prior, from 0 (Gaussian, L2) to 1. With a Laplace part most weights are
        exactly 0. A little of the Gaussian, as in 0.9, makes the optimum much easier to prove than 1 does.
    min_count : int, default=1
        Number of training tokens that a feature needs to have a column, and with "observed" a pair of a
        feature and a tag, or of two tags, to have a weight.
    features : {"observed", "all"}, default="observed"
        Which pairs of a feature and a tag have weights: those that occur in the training data, or all.
    transitions : {"all", "observed"}, default="all"
        Which pairs of a tag and the next have weights.
    edge_features : sequence of str, default=()
        Names of features that are joined with pairs of tags as well: of a token, with its tag and the one
        before. A key stands for the features of all its values. Each distinct combination of them in the
        data takes a (K, K) array of scores, so that few and short ones are best.
    scheme : {"IOB1", "IOB2", "BIOES", "BILOU"}, default=None
        The scheme of the tags, whose rules decoding then keeps; probabilities are those given that the
        sequence is legal. Training is not concerned.
    solver : {"auto", "lbfgs", "orthant-lbfgs"}, default="auto"
        Limited-memory BFGS, or its orthant-wise variant, which a Laplace part needs; "auto" takes the one
        that suits.
    tol : float, default=1e-2
        Relative duality gap at which to stop: the objective is proven to be within this fraction of its
        minimum, rounding included. Tags hardly change below the default.
    max_iter : int, default=1000
        Largest number of iterations.
    warm_start : bool, default=False
        Whether `fit` starts from the previous weights when tags and features are the same.
    n_jobs : int, default=None
        Number of threads, which share out sentences. None means all cores, or the share of a worker inside
        joblib's contexts. Results are the same bits for any number.
    random_state : int, RandomState instance or None, default=None
        Not used: nothing in training is random. It is there for tools that set it.
    verbose : int, default=0
        1 prints one line an iteration.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The tags, sorted.
    vocabulary_ : dict of str to int
        Names of the features, and their columns.
    coef_ : ndarray or SciPy CSC matrix of shape (K, d)
        Weights of features and tags; an array when it takes at most 32 MiB.
    transitions_ : ndarray of shape (K, K)
        Weights of a tag (row) and the next (column).
    feature_names_ : ndarray of shape (d,)
        Names of the columns of `coef_`.
    edge_feature_names_ : list of e str
        The features that are joined with pairs of tags.
    edge_transitions_ : ndarray of shape (e, K, K)
        Their weights.
    state_features_, transition_features_ : dict
        The weights other than 0 by name: from (feature, tag) and from (tag, next tag).
    n_iter_ : ndarray of shape (1,)
        Iterations.
    convergence_ : dict
        As in `MaxEntClassifier`, on the scale of the mean loss of a sentence in nats. Under a Gaussian prior
        the gap is ``C |gradient|^2 / 2``, which holds at any weights because the objective is strongly
        convex; with a Laplace part it is the distance to a dual point, and with ``l1_ratio=1`` it shrinks
        late.

    See Also
    --------
    MaxEntClassifier : One token at a time.

    References
    ----------
    J. Lafferty, A. McCallum and F. Pereira, Conditional random fields: probabilistic models for segmenting
    and labeling sequence data, ICML 2001.

    Examples
    --------
    >>> from skmaxent import CRFTagger
    >>> X = [[{"word": "time"}, {"word": "flies"}], [{"word": "fruit"}, {"word": "flies"}, {"word": "swarm"}]]
    >>> y = [["N", "V"], ["A", "N", "V"]]
    >>> tagger = CRFTagger(tol=1e-6).fit(X, y)
    >>> tagger.predict([[{"word": "fruit"}, {"word": "flies"}, {"word": "swarm"}]])[0]
    ['A', 'N', 'V']
    >>> tagger.convergence_["relative_gap"] <= 1e-6
    True
    """

    coef_: Any
    transitions_: np.ndarray
    edge_feature_names_: list[str]
    edge_transitions_: np.ndarray
    n_iter_: np.ndarray
    convergence_: dict[str, Any]

    _parameter_constraints: dict[str, Any] = {
        "C": [Interval(Real, 0, None, closed="neither")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "min_count": [Interval(Integral, 1, None, closed="left")],
        "features": [StrOptions({"all", "observed"})],
        "transitions": [StrOptions({"all", "observed"})],
        "edge_features": [tuple, list, set, frozenset],
        "scheme": [StrOptions(set(SCHEMES)), None],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        C: float = 1.0,
        l1_ratio: float = 0.0,
        min_count: int = 1,
        features: str = "observed",
        transitions: str = "all",
        edge_features: Sequence[str] = (),
        scheme: str | None = None,
        solver: str = "auto",
        tol: float = 1e-2,
        max_iter: int = 1000,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: int | bool = 0,
    ):
        self.C = C
        self.l1_ratio = l1_ratio
        self.min_count = min_count
        self.features = features
        self.transitions = transitions
        self.edge_features = edge_features
        self.scheme = scheme
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        A fit that fails or is interrupted leaves the old model whole.

        Parameters
        ----------
        X : list of S sentences
            Each a list of tokens: dicts of features (whose values are str, numbers, bools, collections of
            str, or dicts of these) or collections of str. Numbers are values of features in float32.
        y : list of S lists of tags
            Of any hashable kind.
        sample_weight : array-like of shape (S,), default=None
            Weights of the sentences; 0 leaves one out.

        Returns
        -------
        self : CRFTagger
            The fitted estimator.

        Raises
        ------
        ValueError
            For sentences and tags that do not match, and for tags that are not of the `scheme`.
        """
        if self.solver == "lbfgs" and self.l1_ratio > 0:
            raise ValueError(
                f"Solver lbfgs supports only l1_ratio=0, got l1_ratio={self.l1_ratio}. "
                "Choose 'orthant-lbfgs' or 'auto'."
            )
        events = FitEvents(self, None, X, y, {"sample_weight": sample_weight})
        data = self._read_training(X, y, sample_weight, min_count=self.min_count)
        if self.scheme is not None:
            legal_transitions(data.classes.tolist(), self.scheme)  # raises for tags of another
        names, columns = edge_columns(data.vocabulary, self.edge_features)
        edges = data.X[:, columns] if names else None
        problem = ChainProblem(data.X, data.lengths, data.codes, data.weights, len(data.classes), edges)

        def attributes(weights, transitions):
            return {
                "classes_": data.classes,
                "vocabulary_": data.vocabulary,
                "coef_": stored_weights(weights),
                "transitions_": transitions[0],
                "edge_feature_names_": names,
                "edge_transitions_": transitions[1:],
            }

        start = self._previous(data, names) if self.warm_start else None
        with Workers(None, self.n_jobs) as workers:
            result = train(
                problem,
                C=self.C,
                l1_ratio=self.l1_ratio,
                features=self.features,
                transitions=self.transitions,
                min_count=self.min_count,
                solver=self.solver,
                tol=self.tol,
                max_iter=self.max_iter,
                workers=workers,
                start=start,
                report=progress(self, events, attributes),
            )
        warn_unless_converged(self, result, lambda: list(data.vocabulary))
        state = attributes(result.weights, result.transitions)
        state["convergence_"] = result.report
        state["n_iter_"] = np.array([max(result.report["n_iter"], 1)], dtype=np.int32)
        self.__dict__.update(state)
        events.end(lambda: state)
        return self

    def densify(self) -> Self:
        """Make `coef_` an array, whatever its size.

        Returns
        -------
        self : CRFTagger
            The fitted estimator.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.T.toarray().T
        return self

    def _previous(self, data, names):
        """Weights (d, K) and transitions (1 + e, K, K) of the last fit when they fit this one, or None."""
        same = (
            hasattr(self, "coef_")
            and np.array_equal(self.classes_, data.classes)
            and self.vocabulary_ == data.vocabulary
            and self.edge_feature_names_ == names
        )
        return (self.coef_.T, self._all_transitions) if same else None

    @property
    def _all_transitions(self):
        return np.concatenate([self.transitions_[None], self.edge_transitions_])

    def _edges(self, X):
        """Edge features of the tokens, or None where there are none."""
        if not self.edge_feature_names_:
            return None
        return X[:, [self.vocabulary_[name] for name in self.edge_feature_names_]]

    @property
    def _legal(self):
        return None if self.scheme is None else legal_scores(self.classes_.tolist(), self.scheme)

    def _tag(self, X, lengths, sentences):
        with Workers(None, self.n_jobs) as workers:
            model = token_scores(X, self.coef_.T), self._all_transitions, self._edges(X)
            return best_tags(lengths, *model, workers, self._legal)

    def _marginals(self, X, lengths, sentences):
        with Workers(None, self.n_jobs) as workers:
            model = token_scores(X, self.coef_.T), self._all_transitions, self._edges(X)
            return marginals(lengths, *model, workers, self._legal)

    def _token_votes(self, sentence, i):
        """`TokenVotes` of a token: of its features and of both transitions, to the tags found beside it."""
        X, lengths, sentences = self._encode([sentence])
        codes = self._tag(X, lengths, sentences)
        tags, row = self.classes_.tolist(), X[[i]]
        columns = self.coef_[:, row.indices]
        columns = columns.toarray() if sparse.issparse(columns) else columns
        names, own = self.feature_names_, row.indices.tolist()
        votes = [(names[j], x, w) for j, x, w in zip(own, row.data.tolist(), columns.T)]
        edges = self._edges(X)
        for token, tag, at in ((i, i - 1, "tag[-1]"), (i + 1, i + 1, "tag[+1]")):
            if not 0 <= tag < len(codes):
                continue
            side = f"{at}={tags[codes[tag]]}"
            found = [("", 1.0, self.transitions_)]
            if edges is not None:
                here, place = edges[[token]], "" if token == i else "[+1]"
                for j, x in zip(here.indices.tolist(), here.data.tolist()):
                    name = f" & {self.edge_feature_names_[j]}{place}"
                    found.append((name, x, self.edge_transitions_[j]))
            for name, x, T in found:
                votes.append((side + name, x, T[codes[tag]] if tag < i else T[:, codes[tag]]))
        proba = self._marginals(X, lengths, sentences)[i]
        return TokenVotes(
            [name for name, _, _ in votes],
            np.array([x for _, x, _ in votes], dtype=float),
            np.array([w for _, _, w in votes], dtype=float).reshape(-1, len(tags)),
            np.zeros(len(tags)),
            tags[codes[i]],
            dict(zip(tags, proba.tolist())),
        )

    @property
    def feature_names_(self) -> np.ndarray:
        """Names of the columns of `coef_`, (d,)."""
        return np.array(list(self.vocabulary_), dtype=object)

    @property
    def intercept_(self) -> np.ndarray:
        """Zeros, (K,): a feature that all tokens have does what an intercept would, under the prior."""
        return np.zeros(len(self.classes_))

    @property
    def state_features_(self) -> dict[tuple[str, Any], float]:
        """The weights of features and tags that are not 0, by (feature, tag)."""
        W = sparse.coo_array(self.coef_.T)
        names, tags = list(self.vocabulary_), self.classes_.tolist()
        return {
            (names[j], tags[k]): w for j, k, w in zip(W.row.tolist(), W.col.tolist(), W.data.tolist()) if w
        }

    @property
    def transition_features_(self) -> dict[tuple[Any, Any], float]:
        """The weights of tags and next tags that are not 0, by (tag, next tag)."""
        tags = self.classes_.tolist()
        rows, columns = np.nonzero(self.transitions_)
        places = zip(rows.tolist(), columns.tolist())
        return {(tags[i], tags[j]): float(self.transitions_[i, j]) for i, j in places}


def edge_columns(vocabulary, chosen):
    """Names and columns of the features that some names stand for: of that name, or values of that key.

    Raises
    ------
    ValueError
        For a name without any feature.
    """
    found = {}
    for wanted in dict.fromkeys(chosen):
        prefixes = f"{wanted}=", f"{wanted}:"
        names = [name for name in vocabulary if name == wanted or name.startswith(prefixes)]
        if not names:
            raise ValueError(f"edge_features: no feature of the training data is named {wanted!r}.")
        found |= dict.fromkeys(names)
    names = sorted(found)
    return names, [vocabulary[name] for name in names]
