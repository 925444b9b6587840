"""Our classes in scikit-learn's place, for scripts that cannot be changed."""

import sys

from .inside import their_class
from .logistic import LogisticRegression, LogisticRegressionCV
from .mlp import MLPClassifier

CLASSES = (LogisticRegression, LogisticRegressionCV, MLPClassifier)
#: scikit-learn's class, and ours.
_PAIRS = [(their_class(ours), ours) for ours in CLASSES]


class Installed:
    """What `install` returns: as a context manager it takes them out again at the end."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        uninstall()


def install():
    """Put our classes in scikit-learn's place, everywhere in scikit-learn.

    ``from sklearn.linear_model import LogisticRegression`` then gives ours, in modules imported before
    too if they are scikit-learn's own. The module that defines a class keeps it, so that models fitted
    before can still be pickled. Modules of others that have imported a name already keep theirs.

    Returns
    -------
    installed : context manager
        Calls `uninstall` at its end.

    See Also
    --------
    uninstall : Put scikit-learn's own classes back.

    Examples
    --------
    >>> from skmaxent import dropin
    >>> with dropin.install():
    ...     from sklearn.linear_model import LogisticRegression
    >>> LogisticRegression.__module__
    'skmaxent.dropin.logistic'
    """
    _exchange(_PAIRS)
    return Installed()


def uninstall():
    """Put scikit-learn's own classes back.

    See Also
    --------
    install : Put our classes in their place.

    Examples
    --------
    >>> from skmaxent import dropin
    >>> installed = dropin.install()
    >>> dropin.uninstall()
    >>> from sklearn.linear_model import LogisticRegression
    >>> LogisticRegression.__module__
    'sklearn.linear_model._logistic'
    """
    _exchange([(ours, theirs) for theirs, ours in _PAIRS])


def _exchange(pairs):
    """Replace, in the modules of scikit-learn, the first object of each pair by the second."""
    defining = {kind.__module__ for pair in pairs for kind in pair}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "sklearn" or name in defining or module is None:
            continue
        for old, new in pairs:
            if vars(module).get(old.__name__) is old:
                setattr(module, old.__name__, new)
