"""Newton with a Cholesky factor of the whole Hessian: for few columns, dense or sparse."""

from ..preconditioners.hessian import NewtonSystem
from .line_search import search


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.convex.solvers` for the contract."""
    design = objective.space.design
    d, n_outputs = objective.coords_shape
    penalty = objective.penalty.ridge * objective.space.units
    control.new_stage()
    while True:
        gradient = objective.gradient(point)
        if control.stop(objective, point, gradient):
            return point, gradient
        if control.stalled(objective, point, gradient):
            break
        H = design.hessian(objective.likelihood, point.expected, objective.fit_intercept)
        coords, shift = NewtonSystem(H, n_outputs, d, penalty).solve(-gradient.coords)
        if not search(objective, point, coords, objective.space.push(coords), shift):
            break
        objective.settle_intercept(point)
    control.reason = "precision"
    return point, gradient
