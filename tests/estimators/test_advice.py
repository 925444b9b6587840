"""Parameters of scikit-learn's that ours do not have: the error says what takes their place."""

from inspect import signature

import pytest

from skmaxent import MaxEntClassifier, MaxEntClassifierCV, MaxEntRanker
from skmaxent.convex.solvers import SOLVERS
from skmaxent.estimators.common.advice import REPLACEMENTS

ESTIMATORS = [MaxEntClassifier, MaxEntClassifierCV, MaxEntRanker]


@pytest.mark.parametrize("make", ESTIMATORS)
@pytest.mark.parametrize("name", REPLACEMENTS)
def test_a_parameter_of_scikit_learns_names_its_replacement(make, name):
    if name in signature(make).parameters:
        make(**{name: [0.5]})
        return
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'.*skmaxent.dropin"):
        make(**{name: "l1"})


@pytest.mark.parametrize("make", ESTIMATORS)
def test_other_parameters_are_refused_as_by_python(make):
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'nothing'$"):
        make(nothing=1)
    assert "kwargs" not in signature(make).parameters


@pytest.mark.parametrize("solver", ["saga", "liblinear", "sag"])
def test_the_solvers_are_listed_in_the_order_of_the_registry(solver):
    listed = ", ".join(map(repr, ["auto", *SOLVERS]))
    with pytest.raises(
        ValueError, match=f"must be a str among {{{listed}}}.*skmaxent.dropin.*Got '{solver}'"
    ):
        MaxEntClassifier(solver=solver).fit([[0.0], [1.0]], [0, 1])
