"""Which engine ran which fits, and how long: `fit_engine_` and the summary."""

import time
from collections import defaultdict
from contextlib import contextmanager

OURS, THEIRS = "skmaxent", "scikit-learn"
#: (class, engine): number of fits, seconds.
_fits = defaultdict(lambda: [0, 0.0])


@contextmanager
def recorded(estimator, otherwise):
    """Around one fit: yields the list that is told each engine used, and sets `fit_engine_` at the end.

    Parameters
    ----------
    estimator : estimator
    otherwise : str
        The engine where nothing was told: the work was done in other processes.
    """
    engines, begun = [], time.perf_counter()
    yield engines
    engine = otherwise if not engines else OURS if set(engines) == {OURS} else THEIRS
    estimator.fit_engine_ = engine
    entry = _fits[type(estimator).__name__, engine]
    entry[0] += 1
    entry[1] += time.perf_counter() - begun


def summary():
    """Number and seconds of the fits of this process, by class and engine.

    Fits in worker processes, as with ``GridSearchCV(n_jobs=2)``, are counted there.

    Returns
    -------
    summary : str
        A line for each class and engine.

    See Also
    --------
    install : Put our classes in place.

    Examples
    --------
    >>> from skmaxent import dropin
    >>> dropin.summary().splitlines()[0]
    'skmaxent.dropin: ...fits in this process'
    """
    if not _fits:
        return "skmaxent.dropin: no fits in this process"
    lines = ["skmaxent.dropin: fits in this process"]
    for (name, engine), (number, seconds) in sorted(_fits.items()):
        lines.append(f"  {name:<22} {engine:<14} {number:>6} fits {seconds:>10.3f} s")
    return "\n".join(lines)
