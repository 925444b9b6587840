"""Newton with a Cholesky factor of the whole Hessian: for few columns, dense or sparse.

Directions need few digits: while single precision brings the gradient down fast, the products that make up a
large Hessian are in it.
"""

import numpy as np

from ..preconditioners.hessian import NewtonSystem
from ..reductions.units import fits_single
from .line_search import search

# Multiplications in a Hessian above which its precision makes a difference, and the least factor by which
# a whole Newton step must divide the squared norm of the gradient for the next to be in single precision.
SINGLE_WORK, FAST = 2e6, 25.0


def solve(objective, point, control):
    """Minimise the objective from the point; see `skmaxent.convex.solvers` for the contract."""
    design = objective.space.design
    d, n_outputs = objective.coords_shape
    penalty = objective.penalty.ridge * objective.space.units
    single = design.shape[0] * float(d * n_outputs) ** 2 > SINGLE_WORK
    single = single and objective.penalty.ridge > 0 and fits_single(objective.space.scale)
    control.new_stage()
    step, last = 0.0, np.inf
    while True:
        gradient = objective.gradient(point, tightly=False)
        if gradient.square <= control.target(objective, point):  # the last one: its intercept counts as well
            gradient = objective.gradient(objective.settle_intercept(point))
        if control.stop(objective, point, gradient):
            return point, gradient
        if control.stalled(objective, point, gradient):
            break
        single = single and (step != 1 or FAST * gradient.square <= last)
        last = gradient.square
        dtype = np.float32 if single else None
        H = design.hessian(objective.likelihood, point.expected, objective.fit_intercept, dtype=dtype)
        coords, shift = NewtonSystem(H, n_outputs, d, penalty).solve(-gradient.coords, point.excess)
        slope = objective.vectors.dot(gradient.coords, coords)
        if objective.fit_intercept:
            slope += float(point.excess @ shift)
        step = search(objective, point, coords, objective.space.push(coords), shift, slope=slope)
        if not step:
            break
        objective.follow_intercept(point)
    control.reason = "precision"
    return point, gradient
