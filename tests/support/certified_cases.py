"""Random problems of every kind for the certificates: scales, offsets, priors, free weights, precisions."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from certified_reference import certify, label_masses
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmaxent import MaxEntClassifier, MaxEntRanker

STRENGTHS = (1e-3, 1.0, 1e3, 1e6, np.inf)
TOL = 1e-6


@dataclass
class Case:
    """A problem and the parameters of its model; a wild one has a row out of all proportion."""

    seed: int
    X: np.ndarray
    y: np.ndarray
    n_classes: int
    sample_weight: np.ndarray | None
    parameters: dict = field(default_factory=dict)
    wild: bool = False

    @property
    def prior(self):
        """ "free" where some weight has no penalty, else "gaussian", "laplace" or "elastic net"."""
        multipliers = self.parameters["penalty_weights"]
        if np.isinf(self.parameters["C"]) or (multipliers is not None and not multipliers.all()):
            return "free"
        return {0.0: "gaussian", 1.0: "laplace"}.get(self.parameters["l1_ratio"], "elastic net")

    def __repr__(self):
        layout = "sparse" if sparse.issparse(self.X) else "dense"
        labels = "codes" if self.y.ndim == 1 else "masses"
        parameters = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        data = f"{layout} {self.X.dtype} {self.X.shape}, K={self.n_classes} {labels}"
        return f"Case {self.seed}: {data}, {parameters}"


def random_case(seed):
    """The case of this number; the same on every machine."""
    rng = np.random.default_rng([20_261_125, seed])
    n, d, K = int(rng.integers(20, 61)), int(rng.integers(1, 7)), int(rng.integers(2, 6))
    dtype = np.float32 if rng.random() < 0.4 else np.float64
    Z = rng.standard_normal((n, d))
    layout = "sparse" if rng.random() < 0.4 else "dense"
    if layout == "sparse":
        Z *= rng.random((n, d)) < 0.6
    scores = Z @ rng.standard_normal((d, K)) * rng.choice([0.3, 1.0, 2.0, 8.0]) + rng.gumbel(size=(n, K))
    y = scores.argmax(axis=1)
    y[:K] = np.arange(K)
    if rng.random() < 0.15:
        y = np.round(8 * rng.dirichlet(np.ones(K), n) * 4) / 32 + np.eye(K)[y] / 4
    if rng.random() < 0.7:
        Z *= 10 ** rng.uniform(-5, 5, d)
    if rng.random() < 0.4:
        Z += (rng.random(d) < 0.6) * 10 ** rng.uniform(0, 6, d) * Z.std(axis=0)
    X = Z.astype(dtype)
    more = np.random.default_rng([seed, d])
    if more.random() < 0.1:  # a column that says nothing new
        X[:, -1] = [2 * X[:, 0], np.full(n, X[0, 0])][more.integers(2)]
    wild = more.random() < 0.1
    if wild:
        X[more.integers(n), : more.integers(1, d + 1)] = 10 ** more.uniform(2, 16)
    X = sparse.csr_array(X) if layout == "sparse" else X
    # Eighths are exact in single precision too.
    weights = rng.integers(1, 25, n) / 8 if rng.random() < 0.4 else None
    C = STRENGTHS[rng.integers(5)]
    multipliers = None
    if rng.random() < 0.3:
        multipliers = rng.choice([0.0, 0.5, 1.0, 2.0], d)
    l1_ratio = 0.0 if np.isinf(C) else float(rng.choice([0.0, 0.5, 1.0]))
    solvers = ["auto", "working-set"]
    if l1_ratio == 0 and (multipliers is None or np.isinf(C)):
        solvers += ["newton-cg", "lbfgs", "newton-cholesky"]
    parameters = {
        "C": C, "l1_ratio": l1_ratio, "penalty_weights": multipliers,
        "fit_intercept": bool(rng.random() < 0.85), "solver": str(rng.choice(solvers)),
    }  # fmt: skip
    return Case(seed, X, y, K, weights, parameters, wild)


@dataclass
class Verdict:
    """A fit of a case beside the truth.

    Attributes
    ----------
    report : dict
        `convergence_`.
    truth : Certified
    claim : float
        The duality gap times the total weight.
    faults : list of (str, str)
        What the fit said or did that is not so, each with its kind: "claim", "converged", "separation",
        "auto", "error".
    """

    report: dict
    truth: object
    claim: float
    faults: list


def judge(case, as_ranker=False):
    """Fit the model of a case, or its ranker, and compare what it says with the truth."""
    fit = _fit_ranker if as_ranker else _fit_classifier
    masses = label_masses(case.y, case.n_classes, case.sample_weight)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        report, coef, intercept = fit(case, masses)
    warned = any("separa" in str(warning.message) for warning in caught)
    problem = {name: case.parameters[name] for name in ("C", "l1_ratio", "penalty_weights", "fit_intercept")}
    truth = certify(case.X, masses, coef, intercept, **problem)
    claim = report["duality_gap"] * float(truth.total)
    return Verdict(report, truth, claim, faults(case, report, truth, claim, warned))


def _fit_classifier(case, masses):
    """What a classifier reports, its weights and its intercept."""
    model = MaxEntClassifier(tol=TOL, n_jobs=1, **case.parameters)
    model.fit(case.X, case.y, sample_weight=case.sample_weight)
    return model.convergence_, model.coef_, model.intercept_


def ranker_parameters(case):
    """The parameters of the ranker of a case: its intercept is a last column, without a penalty."""
    parameters, multipliers = dict(case.parameters), case.parameters["penalty_weights"]
    if parameters.pop("fit_intercept"):
        multipliers = np.append(np.ones(case.X.shape[1]) if multipliers is None else multipliers, 0.0)
        if np.isfinite(parameters["C"]) and parameters["solver"] != "auto":
            parameters["solver"] = "working-set"  # the one that knows of weights without a penalty
    if multipliers is not None:
        multipliers = np.repeat(multipliers, 1 if case.n_classes == 2 else case.n_classes)
    return parameters | {"penalty_weights": multipliers}


def _fit_ranker(case, masses):
    """The same of the ranker whose candidates are the classes of a row, each with columns of its own.

    Of two classes the first has no feature.
    """
    (n, d), K, fit_intercept = case.X.shape, case.n_classes, case.parameters["fit_intercept"]
    X, p = sparse.csr_array(case.X), 1 if K == 2 else K
    if fit_intercept:
        X = sparse.hstack([X, np.ones((n, 1), X.dtype)])
    candidates = sparse.kron(X, np.eye(K, dtype=X.dtype)[:, K - p :], format="csr").astype(X.dtype)
    if not sparse.issparse(case.X):
        candidates = candidates.toarray()
    model = MaxEntRanker(tol=TOL, n_jobs=1, **ranker_parameters(case))
    model.fit(candidates, masses.astype(case.X.dtype).ravel(), groups=np.repeat(np.arange(n), K))
    weights = model.coef_.reshape(-1, p).T
    return model.convergence_, weights[:, :d], weights[:, d] if fit_intercept else np.zeros(p, X.dtype)


def faults(case, report, truth, claim, warned):
    """What is wrong with a report, as pairs of a kind and a sentence; none where it is right.

    Parameters
    ----------
    case : Case
    report : dict
    truth : Certified
    claim : float
    warned : bool
        Whether the fit warned that the classes are separated.
    """
    found = []
    if not np.isfinite(truth.start):
        return [("error", "the weights are not finite")]
    if not truth.excess <= claim:
        off = f"is off by {float(truth.excess):.3g} of {float(truth.start):.3g}"
        found.append(("claim", f"claims {claim:.3g}, {off}"))
    if warned != truth.separated:
        found.append(("separation", "separated, silently" if truth.separated else "not separated"))
    if truth.separated:  # there is nothing to converge to
        return found
    allowed = TOL * truth.start
    if report["stop_reason"] == "converged":
        if not report["relative_gap"] <= TOL:
            found.append(("converged", f"converged with a relative gap of {report['relative_gap']:.3g}"))
        if truth.excess > allowed:
            found.append(("converged", f"converged, but off by {float(truth.excess / truth.start):.3g}"))
    # Where the rounding of weights alone costs more, float64 cannot.
    reachable = truth.proven and truth.rounded - truth.lower <= 1e-2 * allowed
    if case.parameters["solver"] == "auto" and case.X.dtype == np.float64 and reachable:
        if truth.most_excess > allowed:
            found.append(
                ("auto", f"auto ends {float(truth.most_excess / truth.start):.3g} above the minimum")
            )
        if not report["relative_gap"] <= TOL:
            found.append(("auto", f"auto could prove {report['relative_gap']:.3g} only"))
    return found
