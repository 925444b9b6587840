"""Solvers: one module each, one line in the registry.

A solver is a function ``solve(objective, point, control) -> (point, gradient)``. It calls
``control.stop(objective, point, gradient)`` once an iteration, with the gradient at the point, and
returns as soon as the answer is true. It may work in lower precision on the way
(``objective.astype``), but the point it returns belongs to `objective` itself.
"""

from .lbfgs import solve as lbfgs
from .newton_cg import solve as newton_cg
from .newton_cholesky import solve as newton_cholesky

SOLVERS = {"newton-cg": newton_cg, "lbfgs": lbfgs, "newton-cholesky": newton_cholesky}
