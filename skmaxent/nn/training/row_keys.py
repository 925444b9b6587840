"""Pseudo-random numbers that depend on the content of a row, not on its place.

The validation split and the dropout masks use them, so that a row that occurs twice counts as one row of
twice the weight, and the order of the rows does not matter.
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
    """Give about `fraction` of the weight of each stratum to validation, dividing equal rows.

    A row of weight k counts as k equal rows. Where a row occurs k times, a `fraction` of the k is validated
    and at least one stays in training, so that no row that repeats is new to the model; a row that occurs
    once goes to one side, in a pseudo-random order. What rounding takes from one row or stratum it gives to
    the next, so that the totals are right as well.

    Parameters
    ----------
    keys : uint64 ndarray of shape (n,)
        Equal for equal rows.
    strata : integer ndarray of shape (n,)
        Class of each row.
    weights : ndarray of shape (n,) or None
    fraction : float

    Returns
    -------
    share : float64 ndarray of shape (n,)
        The part of each row's weight to validate: 0, 1, or between them where a row of weight 2 or more is
        divided. All 0 only when every stratum is a single row that occurs once; no stratum is all 1.
    """
    weights = np.ones(keys.size) if weights is None else weights.astype(np.float64)
    share = np.zeros(keys.size)
    carry, spare = 0.0, None
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        _, group, n_rows = np.unique(keys[rows], return_inverse=True, return_counts=True)
        mass = np.bincount(group, weights=weights[rows])
        copies = np.maximum(n_rows, np.floor(mass * (1 + 1e-9)))  # but for rounding of the sums
        taken = _taken(mass, copies, fraction, carry)
        carry += fraction * mass.sum() - taken.sum()
        share[rows] = _first_parts(group, weights[rows], taken)
        if copies.sum() > 1 and (spare is None or mass.sum() > spare[0]):
            spare = mass.sum(), rows, group, mass / copies * (np.arange(mass.size) == copies.argmax())
    if not share.any() and spare is not None:
        _, rows, group, one = spare
        share[rows] = _first_parts(group, weights[rows], one)
    return share


def _taken(mass, copies, fraction, carry):
    """How much of each group of equal rows, of some mass and number of copies, to validate."""
    repeated = copies >= 2
    reach = 0.5 + np.clip(carry, -0.5, 0.49) + fraction * np.cumsum(copies * repeated)
    taken = np.minimum(np.diff(np.floor(reach), prepend=0), copies - 1) * repeated * mass / copies
    # Rows that occur once fill up the rest. One belongs to it when its middle does.
    once = mass[~repeated]
    rest = fraction * mass.sum() + carry - taken.sum()
    n_taken = np.count_nonzero(np.cumsum(once) - once / 2 <= rest)
    if once.size == mass.size:
        n_taken = min(n_taken, once.size - 1)
    taken[np.flatnonzero(~repeated)[:n_taken]] = once[:n_taken]
    return taken


def _first_parts(group, weights, taken):
    """The part of each row to take so that the first rows of each group make up `taken` of its mass."""
    order = np.argsort(group, kind="stable")
    ordered = np.concatenate([[0.0], np.cumsum(weights[order])])
    first = np.searchsorted(group[order], np.arange(taken.size))
    before = np.empty(group.size)
    before[order] = ordered[:-1] - ordered[first][group[order]]
    part = np.clip((taken[group] - before) / weights, 0.0, 1.0)
    part[part < 1e-9] = 0.0  # what rounding leaves
    part[part > 1 - 1e-9] = 1.0
    return part
