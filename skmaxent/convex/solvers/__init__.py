"""Solvers: one module each, one line in the registry.

A solver is a function ``solve(objective, point, control) -> (point, gradient)``. It calls
``control.stop(objective, point, gradient)`` once an iteration, with the gradient at the point, and
returns as soon as the answer is true. It may work in lower precision on the way
(``objective.astype``), but the point it returns belongs to `objective` itself. `SOLVERS` minimise an
Objective, under a Gaussian prior; `COMPOSITE_SOLVERS` a CompositeObjective, under any elastic net.
"""

from . import lbfgs, newton_cg, newton_cholesky, working_set

SOLVERS = {
    "newton-cg": newton_cg.solve,
    "lbfgs": lbfgs.solve,
    "newton-cholesky": newton_cholesky.solve,
}

COMPOSITE_SOLVERS = {
    "working-set": working_set.solve,
}
