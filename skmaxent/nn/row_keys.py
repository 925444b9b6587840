"""Pseudo-random numbers that depend on the content of a row, not on its place.

The validation split and the dropout masks use them, so that a repeated row counts as one row of twice the weight: repeats
never stand on both sides of a split, and the order of the rows does not matter.
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
        The validation rows. No stratum is chosen whole.
    """
    order = np.lexsort((keys, strata))
    strata, keys = strata[order], keys[order]
    weights = np.ones(keys.size) if weights is None else weights[order]
    new_stratum = np.r_[True, strata[1:] != strata[:-1]]
    group = np.cumsum(new_stratum | np.r_[True, keys[1:] != keys[:-1]]) - 1
    stratum_of_group = np.zeros(group[-1] + 1, dtype=np.intp)
    stratum_of_group[group] = np.cumsum(new_stratum) - 1
    size = np.bincount(group, weights=weights)
    before = np.cumsum(size) - size
    first_group = np.r_[True, stratum_of_group[1:] != stratum_of_group[:-1]]
    before -= before[first_group][stratum_of_group]
    quota = fraction * np.bincount(stratum_of_group, weights=size)[stratum_of_group]
    last_group = np.r_[first_group[1:], True]
    # a group belongs to the split when its middle does
    taken = (before + size / 2 <= quota) & ~last_group
    chosen = np.zeros(keys.size, dtype=bool)
    chosen[order] = taken[group]
    return chosen
