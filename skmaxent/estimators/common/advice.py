"""Errors about scikit-learn's parameters that say what takes their place."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from typing import TypeVar

from sklearn.utils._param_validation import StrOptions

Init = TypeVar("Init")
DROPIN = "skmaxent.dropin.LogisticRegression takes scikit-learn's own parameters"
REPLACEMENTS = {
    "penalty": "the prior follows from l1_ratio (0 for L2, 1 for L1) and C (np.inf for none)",
    "dual": "the solvers choose their own coordinates, by the shape of the data",
    "multi_class": "several classes are always one multinomial model; for one against the rest use "
    "sklearn.multiclass.OneVsRestClassifier",
    "intercept_scaling": "the intercept is never penalised, so that there is nothing to scale",
    "l1_ratios": "MaxEntClassifierCV chooses among several",
}


def with_advice(init: Init) -> Init:
    """`__init__` of an estimator, which for a parameter of LogisticRegression's says what to use instead."""

    foreign = REPLACEMENTS.keys() - signature(init).parameters.keys()

    @wraps(init)  # with its signature, from which scikit-learn reads the parameters
    def advised(self, *args, **parameters):
        for name in foreign & parameters.keys():
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}: "
                f"{REPLACEMENTS[name]}. {DROPIN}."
            )
        init(self, *args, **parameters)

    return advised


class SolverOptions(StrOptions):
    """The names of the solvers, in the order of their registry."""

    def __init__(self, names):
        super().__init__(set(names))
        self._names = names

    def __str__(self):
        return f"a str among {{{', '.join(map(repr, self._names))}}} ({DROPIN})"
