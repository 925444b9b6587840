"""Pseudo-random numbers that depend on the content of a row, not on its place.

The validation split and the dropout masks use them, so that a repeated row counts as one row of twice the
weight: repeats never stand on both sides of a split, and the order of the rows does not matter.
"""

import numpy as np

_ODD = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)


def mix(keys):
    """Scramble 64-bit integers (a multiply-and-shift finaliser); returns a new array."""
    keys = keys ^ (keys >> _SHIFT)
    keys *= _ODD
    keys ^= keys >> _SHIFT
    keys *= _ODD
    keys ^= keys >> _SHIFT
    return keys


def row_keys(X, seed, block=1024):
    """A 64-bit key for each row, equal for equal rows, dense or sparse.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d)
    seed : int

    Returns
    -------
    keys : uint64 ndarray of shape (n,)
    """
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, 2**63, size=X.shape[1], dtype=np.uint64) | np.uint64(1)
    word = np.dtype(f"u{X.dtype.itemsize}")
    keys = np.zeros(X.shape[0], dtype=np.uint64)
    if isinstance(X, np.ndarray):
        for start in range(0, X.shape[0], block):
            bits = (
                np.ascontiguousarray(X[start : start + block] + 0).view(word).astype(np.uint64)
            )  # -0.0 is 0.0
            keys[start : start + block] = (mix(bits) * columns).sum(axis=1)
    else:
        parts = mix((X.data + 0).view(word).astype(np.uint64))
        parts *= columns[X.indices]
        total = np.zeros(parts.size + 1, dtype=np.uint64)
        np.cumsum(parts, out=total[1:])  # sums wrap around, their differences are exact
        keys[:] = total[X.indptr[1:]] - total[X.indptr[:-1]]
    return mix(keys + columns[0])


def stratified_split(keys, strata, weights, fraction):
    """Choose about `fraction` of the weight of each stratum, in whole groups of equal rows.

    What rounding takes from one stratum it gives to the next, so that the total is right as well.

    Parameters
    ----------
    keys : uint64 ndarray of shape (n,)
    strata : integer ndarray of shape (n,)
        Class of each row.
    weights : ndarray of shape (n,) or None
    fraction : float

    Returns
    -------
    chosen : bool ndarray of shape (n,)
        The validation rows: none only when every stratum is a single group. No stratum is chosen whole.
    """
    weights = np.ones(keys.size) if weights is None else weights
    chosen = np.zeros(keys.size, dtype=bool)
    carry, spare = 0.0, (0.0, ())
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        _, group = np.unique(keys[rows], return_inverse=True)
        size = np.bincount(group, weights=weights[rows])
        reach = np.cumsum(size)
        quota = fraction * reach[-1] + carry
        # a group belongs to the split when its middle does; the last one never
        n_taken = min(np.count_nonzero(reach - size / 2 <= quota), size.size - 1)
        carry = quota - (reach[n_taken - 1] if n_taken else 0.0)
        chosen[rows] = group < n_taken
        if size.size > 1:
            spare = max(spare, (reach[-1], tuple(rows[group == 0])))
    if not chosen.any():
        chosen[list(spare[1])] = True
    return chosen
