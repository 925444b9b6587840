"""Tagged sentences, and what a fit makes of them: packed rows, one design, pairs with a weight."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..convex.problem import Problem
from ..convex.reductions.observed import Pairs, count_pairs
from ..numerics.sparse import canonical, short_indices
from .chain import Chains
from .likelihood import ChainLikelihood


@dataclass(frozen=True)
class ChainProblem:
    """Tagged sentences.

    Attributes
    ----------
    X : CSR array of shape (n, d)
        A row a token, one sentence after another.
    lengths : integer ndarray of shape (S,)
    codes : integer ndarray of shape (n,)
        Tag of each token.
    weights : float64 ndarray of shape (S,)
        Weights of the sentences, non-negative.
    n_tags : int
        K.
    edges : CSR array of shape (n, e), optional
        Features of the transition into each token.
    """

    X: sparse.csr_matrix
    lengths: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    n_tags: int
    edges: sparse.csr_matrix | None = None

    def of_weight(self):
        """The problem without sentences of weight 0."""
        if self.weights.all():
            return self
        tokens = np.repeat(self.weights > 0, self.lengths)
        return ChainProblem(
            self.X[tokens],
            self.lengths[self.weights > 0],
            self.codes[tokens],
            self.weights[self.weights > 0],
            self.n_tags,
            None if self.edges is None else self.edges[tokens],
        )


@dataclass(frozen=True)
class Packed:
    """A problem in the order of its chains, with the design of its transitions.

    Attributes
    ----------
    chains : Chains
    n_tags : int
    X : CSC array of shape (n, d)
    codes : integer ndarray of shape (n,)
    weights : float64 ndarray of shape (n,)
    kinds : integer ndarray of shape (n,) or None
        Kind of the transition into each token.
    Z : CSR array of shape (D, 1 + e)
        A column of ones and the edge features of each kind.
    """

    chains: Chains
    n_tags: int
    X: sparse.csc_matrix
    codes: np.ndarray
    weights: np.ndarray
    kinds: np.ndarray | None
    Z: sparse.csr_array

    @classmethod
    def of(cls, problem):
        """Pack a problem."""
        chains = Chains(problem.lengths, problem.n_tags)
        order = chains.order
        X = short_indices(canonical(sparse.csr_array(problem.X)[order]).tocsc())
        if not X.data.all():
            X.eliminate_zeros()
        kinds, Z = None, sparse.csr_array(np.ones((1, 1)))
        if problem.edges is not None:
            kinds, edges = distinct_rows(problem.edges[order])
            Z = sparse.hstack([np.ones((edges.shape[0], 1)), edges], format="csr")
        weights = np.repeat(problem.weights, problem.lengths)[order].astype(float)
        return cls(chains, problem.n_tags, X, problem.codes[order].astype(np.intp), weights, kinds, Z)

    def likelihood(self, workers, entropies):
        """The likelihood as a function of the scores, in float64."""
        kinds = self.kinds, self.Z.shape[0]
        return ChainLikelihood(self.chains, self.codes, self.weights, self.n_tags, workers, *kinds, entropies)

    def design(self):
        """The data of both blocks, CSC."""
        X, below = self.X, sparse.kron(self.Z, sparse.identity(self.n_tags), format="csc")
        (n, d), (m, e) = X.shape, below.shape
        parts = (
            np.concatenate([X.data, below.data.astype(X.dtype)]),
            np.concatenate([X.indices, (below.indices + n).astype(X.indices.dtype)]),
            np.concatenate([X.indptr, (below.indptr[1:] + X.nnz).astype(X.indptr.dtype)]),
        )
        return short_indices(sparse.csc_array(parts, shape=(n + m, d + e)))

    def pairs(self, features, transitions, min_count):
        """The pairs of a column of the design and a tag that have a weight.

        Parameters
        ----------
        features, transitions : {"all", "observed"}
        min_count : int
            Number of tokens that make a pair observed.
        """
        K, n = self.n_tags, len(self.codes)
        if features == "observed":
            problem = Problem(self.X, np.ones(n), K, codes=self.codes, symmetric=True)
            above = count_pairs(problem, min_count)
            sizes, classes = np.diff(above.indptr), above.classes
        else:
            d = self.X.shape[1]
            sizes, classes = np.full(d, K), np.tile(np.arange(K), d)
        exists = np.ones((self.Z.shape[1] * K, K), bool)
        if transitions == "observed":
            exists = self.transition_counts().reshape(-1, K) >= min_count
        sizes = np.concatenate([sizes, exists.sum(axis=1)])
        classes = np.concatenate([classes, np.nonzero(exists)[1]])
        indptr = np.concatenate([[0], np.cumsum(sizes)])
        return Pairs(indptr.astype(np.int32 if indptr[-1] < 2**31 else np.int64), classes, K)

    def transition_counts(self):
        """Number of tokens that show each edge feature with each pair of tags, (1 + e, K, K)."""
        K, before = self.n_tags, self.chains.previous
        rows = np.flatnonzero(before >= 0)
        kinds = 0 if self.kinds is None else self.kinds[rows]
        flat = (kinds * K + self.codes[before[rows]]) * K + self.codes[rows]
        counts = np.bincount(flat, minlength=self.Z.shape[0] * K * K).reshape(-1, K * K)
        return ((self.Z != 0).astype(np.int64).T @ counts).reshape(-1, K, K)


def distinct_rows(edges):
    """Number of the distinct row that each row is equal to, and the distinct rows.

    Parameters
    ----------
    edges : CSR array of shape (n, e)
    """
    edges = canonical(sparse.csr_array(edges))
    keys = {}
    kinds = np.empty(edges.shape[0], np.intp)
    for i, (start, stop) in enumerate(zip(edges.indptr[:-1].tolist(), edges.indptr[1:].tolist())):
        key = edges.indices[start:stop].tobytes(), edges.data[start:stop].tobytes()
        kinds[i] = keys.setdefault(key, len(keys))
    first = np.unique(kinds, return_index=True)[1]
    return kinds, edges[first]
