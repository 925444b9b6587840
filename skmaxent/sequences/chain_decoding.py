"""From the scores of a chain to tags and marginals of sentences in their own order."""

import numpy as np
from scipy import sparse

from ..numerics.sparse import canonical
from .chain import Chains, Transitions, expectations, viterbi
from .packed import distinct_rows
from .tags import legal_transitions

# Score of what a scheme forbids: below all others, and finite, so that a sentence for which nothing is legal
# gets the tags with the fewest offences.
FORBIDDEN = -1e30
# Weights that are made an array for a prediction.
MAX_ENTRIES = 20_000_000


def legal_scores(tags, scheme):
    """Scores to add to transitions (K, K), to first tokens (K,) and to last ones (K,): 0 or `FORBIDDEN`."""
    return [np.where(allowed, 0.0, FORBIDDEN) for allowed in legal_transitions(tags, scheme)]


def token_scores(X, W):
    """X @ W as an array (n, K), for X CSR and W an array or CSR.

    Of sparse weights the rows that X uses are made an array: a product of two sparse matrices takes several
    times as long.
    """
    if not sparse.issparse(W):
        return X @ W
    used = np.flatnonzero(np.bincount(X.indices, minlength=X.shape[1]))
    if len(used) * W.shape[1] > MAX_ENTRIES:
        return (X @ W).toarray()
    place = np.zeros(X.shape[1], X.indices.dtype)
    place[used] = np.arange(len(used))
    X = sparse.csr_array((X.data, place[X.indices], X.indptr), shape=(X.shape[0], len(used)))
    return X @ W[used].toarray()


def best_tags(lengths, scores, transitions, edges, workers, legal=None):
    """The tags of the best sequence of each sentence.

    Parameters
    ----------
    lengths : integer ndarray of shape (S,)
    scores : ndarray of shape (n, K)
        Of the tokens, one sentence after another.
    transitions : ndarray of shape (1 + e, K, K)
    edges : CSR array of shape (n, e) or None
        Features of the transition into each token.
    workers : Workers
    legal : sequence of ndarray, optional
        See `legal_scores`.

    Returns
    -------
    tags : integer ndarray of shape (n,)
    """
    chains, S, T = _packed(lengths, scores, transitions, edges, legal)
    tags = np.empty(len(S), np.intp)

    def run(batch):
        tags[batch.rows] = viterbi(batch, S[batch.rows], T)

    workers.map(run, chains.batches)
    return chains.unpacked(tags)


def marginals(lengths, scores, transitions, edges, workers, legal=None):
    """Probabilities (n, K) of the tags of each token; the parameters are those of `best_tags`."""
    chains, S, T = _packed(lengths, scores, transitions, edges, legal)
    result = np.empty_like(S)
    workers.map(lambda batch: expectations(batch, S[batch.rows], T, result[batch.rows]), chains.batches)
    return chains.unpacked(result)


def _packed(lengths, scores, transitions, edges, legal):
    """The chains of sentences, their packed scores, and those of their transitions."""
    chains = Chains(lengths, scores.shape[1])
    S = scores[chains.order]
    kinds, T = None, transitions[:1]
    if edges is not None:
        kinds, rows = distinct_rows(canonical(edges)[chains.order])
        T = T + np.tensordot(rows.toarray().astype(S.dtype), transitions[1:], axes=1)
    if legal is not None:
        follows, begins, ends = legal
        T = T + follows
        S[chains.first] += begins
        for batch in chains.batches:
            S[batch.rows.start + batch.last] += ends
    return chains, S, Transitions(T, kinds)
