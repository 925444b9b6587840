"""Small problems and objectives that several test modules build."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from skmaxent import MaxEntClassifier
from skmaxent.convex.design.blocks import make_design
from skmaxent.convex.likelihood import Binary, Multinomial
from skmaxent.convex.objective import Objective
from skmaxent.convex.penalty import Gaussian
from skmaxent.convex.spaces import Vectors
from skmaxent.numerics.threads import Workers

SHAPES = {"tall": (60, 8), "wide": (30, 45)}


def random_sparse(n, d, density=0.3, seed=0, dtype=np.float64):
    """CSR array with standard normal entries, some columns and rows perhaps empty."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * (rng.uniform(size=(n, d)) < density)
    return sparse.csr_array(X.astype(dtype))


def make_likelihood(kind, labels, n, n_classes=3, seed=0, dtype=np.float64, workers=None):
    """Likelihood "multinomial" or "binary" of n random rows, labelled by "codes" or "masses"."""
    rng = np.random.default_rng(seed)
    if kind == "binary":
        n_classes = 2
    masses = rng.uniform(0, 2, (n, n_classes))
    masses[rng.uniform(size=masses.shape) < 0.2] = 0
    masses[:, 0] += 0.1
    if labels == "codes":
        codes, masses = np.arange(n) % n_classes, None
        weights = rng.uniform(0.2, 3, n)
    else:
        codes, weights = None, masses.sum(axis=1)
        masses = masses.astype(dtype)
    likelihood, n_outputs = (Binary, 1) if kind == "binary" else (Multinomial, n_classes)
    return likelihood(codes, masses, weights.astype(dtype), n_outputs, workers or Workers())


def label_masses(likelihood):
    """The label masses of a likelihood as a full (n, K) array, K = 2 when binary."""
    if likelihood.masses is not None:
        return likelihood.masses
    n_classes = max(2, likelihood.shape[1])
    return np.eye(n_classes)[likelihood.codes] * likelihood.weights[:, None]


def make_objective(X, likelihood, space, penalty=0.7, fit_intercept=True):
    """Objective on the design X in the given class of space."""
    workers = Workers()
    vectors = Vectors(workers)
    design = make_design(X, likelihood.shape[1], workers)
    return Objective(space(design, vectors), likelihood, Gaussian(penalty), fit_intercept, vectors)


def dataset(shape="tall", n_classes=3, seed=0):
    """Sparse design on a scale of 1 with noisy labels that depend on it; every class occurs."""
    rng = np.random.default_rng(seed)
    X = random_sparse(*SHAPES.get(shape, shape), density=0.4, seed=seed)
    scores = X @ rng.standard_normal((X.shape[1], n_classes)) + 0.8 * rng.gumbel(size=(X.shape[0], n_classes))
    y = scores.argmax(axis=1)
    y[:n_classes] = np.arange(n_classes)
    return X, y


def reference(X, y, C=1.0, fit_intercept=True, sample_weight=None, class_weight=None):
    """The optimum by scikit-learn's Newton solver, intercepts centred as ours."""
    X = X.toarray() if sparse.issparse(X) else X
    model = LogisticRegression(
        C=C, tol=1e-10, solver="newton-cholesky", max_iter=500, class_weight=class_weight,
        fit_intercept=fit_intercept,
    ).fit(X, y, sample_weight)  # fmt: skip
    if len(model.classes_) > 2:
        model.intercept_ = model.intercept_ - model.intercept_.mean()
    return model


def assert_same_model(ours, theirs, tolerance=1e-6):
    assert_array_equal(ours.classes_, theirs.classes_)
    assert_allclose(ours.coef_, theirs.coef_, atol=tolerance)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=tolerance)


def tight(**parameters):
    """A classifier that stops close to the limit of float64."""
    return MaxEntClassifier(**{"tol": 1e-14, **parameters})
