"""Solvers: one module each, one line in the registry that says what it can do.

A solver is a function ``solve(objective, point, control) -> (point, gradient)``. It calls
``control.stop(objective, point, gradient)`` once an iteration, with the gradient at the point, and
returns as soon as the answer is true. It may work in lower precision on the way
(``objective.astype``), but the point it returns belongs to `objective` itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import lbfgs, newton_cg, newton_cholesky, working_set


@dataclass(frozen=True)
class Solver:
    """A solver and what it can do.

    Attributes
    ----------
    solve : callable
    elastic_net : bool
        Whether it takes an `ElasticNet`, with a Laplace part and a strength for each weight, rather than
        a `Gaussian`.
    in_rows : bool
        Whether the coordinates may be those of the rows.
    on_pairs : bool
        Whether weights may exist for observed pairs alone.
    merges : bool
        Whether proportional columns are merged before it: not where the prior tells them apart, and not
        where a column less saves nothing.
    history : tuple of str
        What the gradients tell beside the usual.
    """

    solve: Callable
    elastic_net: bool = False
    in_rows: bool = False
    on_pairs: bool = True
    merges: bool = True
    history: tuple = ()


SOLVERS = {
    "newton-cg": Solver(newton_cg.solve, in_rows=True),
    "lbfgs": Solver(lbfgs.solve, in_rows=True),
    "newton-cholesky": Solver(newton_cholesky.solve, on_pairs=False, merges=False),
    "working-set": Solver(working_set.solve, elastic_net=True, merges=False, history=("support",)),
}


def able(**wanted):
    """Names of the solvers that have the given abilities, such as ``able(elastic_net=True)``."""
    return [name for name, s in SOLVERS.items() if all(getattr(s, a) == v for a, v in wanted.items())]
