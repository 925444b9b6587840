"""Inner solvers of the elastic net side by side: the same working sets, stages and precisions around each.

    python benchmarks/l1_inner_solvers.py                              three real problems
    python benchmarks/l1_inner_solvers.py --problems pos:1:1 --limit 60

- as in MaxEntClassifier: OWL-QN far from the optimum where there are fewer rows than columns, else Newton
- Newton: orthant-wise, its conjugate gradients held at the edges of the orthant, throughout
- Newton without edges: the same, but steps are only cut afterwards where weights would change their sign
- Newton without class blocks: the same, but only the diagonal of the Hessian conditions it
- OWL-QN: limited-memory quasi-Newton, ten pairs, throughout (Andrew & Gao 2007)
- coordinate descent: proximal Newton with scikit-learn's compiled coordinate descent, through the public
  ElasticNet, on the quadratic model with the curvature 2 m p (1 - p), which majorises that of the softmax

Time at which the iterates of one fit are within the target, relative, of the least objective that any of
them reached, the copying of the iterates not counted; one run each, stopped after --limit seconds (inf: not
reached).
"""

import argparse
import warnings
from contextlib import contextmanager
from unittest import mock

import numpy as np
from _machine import describe_machine, write_rows
from _text_data import PROBLEMS
from maxent_l1 import OUTPUT, TARGETS, ours
from maxent_l2 import seconds_to
from sklearn.linear_model import ElasticNet

from skmaxent.convex.design import restricted
from skmaxent.convex.preconditioners.class_blocks import ClassBlocks
from skmaxent.convex.solvers import orthant_lbfgs, orthant_newton

DEFAULT = ("unigrams:10:1", "docstrings:10:1", "pos:1:1")
SWEEPS = 5


def coordinate_descent(objective, inner, point, trust, *, target, max_steps):
    """Proximal Newton steps, the quadratic model solved by sweeps of coordinate descent."""
    design, penalty, moved = objective.space.design, objective.penalty, False
    for _ in range(max_steps):
        subgradient = objective.gradient(point, certify=False)
        if subgradient.square <= target:
            break
        likelihood = objective.likelihood
        residual = likelihood.residual(point.expected)
        curvature = 2 * likelihood.curvature_diagonal(point.expected)
        curvature = np.maximum(curvature, 1e-4 * curvature.max())
        direction = np.zeros_like(point.coords)

        def lane(piece):
            classes, pairs, B, _ = piece
            weights = curvature[:, classes].T.ravel().astype(float)  # noqa: B023
            w = point.coords[pairs, 0].astype(float)
            z = B @ w - residual[:, classes].T.ravel() / weights  # noqa: B023
            strength = penalty.lasso + penalty.ridge
            model = ElasticNet(
                alpha=strength / weights.sum(), l1_ratio=penalty.lasso / strength, fit_intercept=False,
                warm_start=True, max_iter=SWEEPS, tol=0,
            )  # fmt: skip
            model.coef_ = w
            model.fit(B.astype(float), z, sample_weight=weights)
            direction[pairs, 0] = model.coef_ - point.coords[pairs, 0]  # noqa: B023

        objective.vectors.workers.map(lane, [piece for piece in design._lanes if piece[2].shape[1]])
        W, V = point.coords, subgradient.coords
        orthant = np.where(W != 0, np.sign(W), -np.sign(V))
        fenced = np.asarray(penalty.lasso) > 0
        if not orthant_newton.search_path(objective, point, V, direction, orthant, fenced)[0]:
            break
        moved = True
    return moved


@contextmanager
def inner_solver(name):
    """The working sets use the inner solver(s) of that name."""
    far, near = INNER[name]
    # Coordinate descent works on the matrix of the pairs, so these are used throughout.
    share = np.inf if far is coordinate_descent else restricted.PAIR_SHARE
    with (
        mock.patch.object(orthant_lbfgs, "improve", far),
        mock.patch.object(orthant_newton, "improve", near),
        mock.patch.object(orthant_newton, "CYCLES", 1 if "without edges" in name else orthant_newton.CYCLES),
        mock.patch.object(
            ClassBlocks, "serves", (lambda *_: False) if "blocks" in name else ClassBlocks.serves
        ),
        mock.patch.object(restricted, "PAIR_SHARE", share),
    ):
        yield


NEWTON, QUASI = orthant_newton.improve, orthant_lbfgs.improve
INNER = {
    "as in MaxEntClassifier": (QUASI, NEWTON),
    "Newton": (NEWTON, NEWTON),
    "Newton without edges": (NEWTON, NEWTON),
    "Newton without class blocks": (NEWTON, NEWTON),
    "OWL-QN": (QUASI, QUASI),
    "coordinate descent": (coordinate_descent, coordinate_descent),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", nargs="+", default=DEFAULT, metavar="NAME:C:L1_RATIO")
    parser.add_argument("--solvers", nargs="+", default=list(INNER), choices=list(INNER))
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(describe_machine())
    for problem in options.problems:
        name, C, l1_ratio = problem.split(":")
        C, l1_ratio = float(C), float(l1_ratio)
        X, y = PROBLEMS[name]()
        setting = (X, y, C, l1_ratio, bool(y.max() > 1))
        paths = {}
        for solver in options.solvers:
            with inner_solver(solver):
                paths[solver] = ours(*setting, options.limit)
        rows = []
        optimum = min(value for path in paths.values() for _, value in path)
        print(f"{problem}: {optimum * C * len(y):.8g}", flush=True)
        for solver, path in paths.items():
            times = {t: round(seconds_to(path, optimum, t, interpolate=False), 3) for t in TARGETS}
            end = min(value for _, value in path) / optimum - 1
            print(f"  {solver:28s} {times}  in {path[-1][0]:.1f} s {end:.1e}", flush=True)
            rows += [
                {"problem": name, "C": C, "l1_ratio": l1_ratio, "inner_solver": solver, "target": t,
                 "seconds": s, "limit": options.limit, "suboptimality_at_the_end": f"{end:.1e}"}
                for t, s in times.items()
            ]  # fmt: skip
        if not options.dry:
            OUTPUT.mkdir(parents=True, exist_ok=True)
            key = ("problem", "C", "l1_ratio", "inner_solver", "target")
            write_rows(OUTPUT / "l1_inner_solvers.csv", rows, key)


if __name__ == "__main__":
    main()
