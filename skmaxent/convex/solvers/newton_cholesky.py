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
        gradient = objective.gradient(point, tightly=False)
        near = gradient.square <= control.target(objective, point)
        if near and control.accuracy(objective, point, gradient) > 1:  # what is left is the intercept's
            gradient = objective.gradient(objective.settle_intercept(point))
        if control.stop(objective, point, gradient):
            return point, gradient
        if control.stalled(objective, point, gradient):
            break
        H = design.hessian(objective.likelihood, point.expected, objective.fit_intercept)
        coords, shift = NewtonSystem(H, n_outputs, d, penalty).solve(-gradient.coords, point.excess)
        slope = objective.vectors.dot(gradient.coords, coords)
        if objective.fit_intercept:
            slope += float(point.excess @ shift)
        if not search(objective, point, coords, objective.space.push(coords), shift, slope=slope):
            break
        objective.measure_intercept(point)
        if not point.settled:
            objective.settle_intercept(point, roughly=True)
    control.reason = "precision"
    return point, gradient
