"""The registry of contract tests: estimators in every variant, small data for each, and promises not made.

A new estimator is one entry: how to make it, what it is fitted on, and by name, with the reason, the promises
that it does not make.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from joint_examples import FUNCTIONS, names_data
from problems import random_sparse
from sequences import sentences

from skmaxent import (
    BackpropMLPClassifier,
    Joined,
    JointFeatures,
    MaxEntClassifier,
    MaxEntClassifierCV,
    MaxEntRanker,
    RecurrentClassifier,
    RecurrentTagger,
)
from skmaxent.convex.solvers import SOLVERS
from skmaxent.nn.recurrent import CELLS
from skmaxent.nn.training.session import SOLVERS as OPTIMIZERS


def table(n=48, d=10, n_classes=3, seed=0):
    """Sparse X, labels that depend on it, integer weights."""
    X = random_sparse(n, d, 0.5, seed)
    rng = np.random.default_rng(seed)
    y = (X[:, :n_classes].toarray() + 0.7 * rng.standard_normal((n, n_classes))).argmax(axis=1)
    return X, y, rng.integers(1, 4, n)


def candidates(n_groups=16, size=3, seed=0):
    """X, marks and weights of candidates, and their groups."""
    X = random_sparse(n_groups * size, 6, 0.6, seed)
    rng = np.random.default_rng(seed)
    marks = np.zeros(n_groups * size)
    marks[np.arange(n_groups) * size + rng.integers(size, size=n_groups)] = 1
    groups = np.repeat(np.arange(n_groups), size)
    return X, marks, np.repeat(rng.integers(1, 4, n_groups), size), groups


@dataclass(frozen=True)
class Variant:
    """An estimator and the promises that it does not make.

    Attributes
    ----------
    make : callable
        Gives a new estimator.
    kind : {"table", "data", "groups", "sequences", "tagged"}
        What it is fitted on: rows of a matrix, Python objects, candidates of groups, sequences with a label,
        or with a tag for each token.
    closeness : float
        How close the probabilities of two fits to the same optimum are.
    breaks : dict of str to str
        Promise -> why it is not made.
    """

    make: object
    kind: str = "table"
    closeness: float = 2e-5
    breaks: dict = field(default_factory=dict)

    def data(self):
        """X, y, weights and further arguments of `fit`."""
        if self.kind == "groups":
            X, y, weights, groups = candidates()
            return X, y, weights, {"groups": groups}
        if self.kind == "data":
            X, y = names_data()
            return X, np.asarray(y), np.random.default_rng(0).integers(1, 4, len(y)), {}
        if self.kind in ("sequences", "tagged"):
            X, labels, tags = sentences()
            weights = np.random.default_rng(0).integers(1, 3, len(X))
            return X, labels if self.kind == "sequences" else tags, weights, {}
        return *table(), {}


CONVEX = {"tol": 1e-11}
NETWORK = {"max_iter": 15, "random_state": 0, "learning_rate_init": 0.01, "hidden_layer_sizes": (6,)}
SEQUENCES = {
    "embedding_size": 5,
    "max_iter": 8,
    "random_state": 0,
    "learning_rate_init": 0.02,
    "dtype": "float64",
}
OBSERVED = {"soft labels": "a mass, however small, makes a pair observed"}
FOLDS = dict.fromkeys(("repeats", "absent rows", "row order", "soft labels"), "folds follow the rows")
BATCHES = dict.fromkeys(
    ("repeats", "absent rows", "row order", "soft labels"), "batches follow the rows and their order"
)
MARKS = {"label names": "its y are marks, not labels", "soft labels": "its y are masses as they are"}
GOES_ON = {"warm start": "a warm start goes on from where training stopped"}
OBJECTS = dict.fromkeys(("containers", "single precision"), "takes a list of Python objects")
NO_THREADS = {"threads": "has no n_jobs: its own tests set the number of threads"}
DRAWS = {"single precision": "other initial weights are drawn"}


def _convex():
    """(name, Variant) of the certified estimators."""
    for solver, what in SOLVERS.items():
        make = partial(MaxEntClassifier, solver=solver, **CONVEX)
        yield f"MaxEnt {solver}", Variant(make)
        if what.elastic_net:
            for ratio in (0.5, 1.0):
                yield f"MaxEnt {solver} {ratio}", Variant(partial(make, l1_ratio=ratio), closeness=1e-4)
        if what.on_pairs:
            observed = {**OBSERVED, "absent rows": "their pairs are observed, whatever their weight"}
            yield f"MaxEnt {solver} observed", Variant(partial(make, features="observed"), breaks=observed)
    yield "MaxEnt no prior", Variant(partial(MaxEntClassifier, C=np.inf, **CONVEX), closeness=1e-3)
    yield "MaxEnt no intercept", Variant(partial(MaxEntClassifier, fit_intercept=False, **CONVEX))
    joint = partial(MaxEntClassifier, features=JointFeatures([*FUNCTIONS, Joined(0)]), **CONVEX)
    names = {"label names": "features of templates carry the names of the classes"}
    yield "MaxEnt joint", Variant(joint, kind="data", breaks={**OBSERVED, **OBJECTS, **names})
    search = partial(MaxEntClassifierCV, Cs=[0.1, 1.0], cv=3, **CONVEX)
    no_warm_start = {**FOLDS, "warm start": "has no warm_start"}
    yield "MaxEntCV", Variant(search, breaks=no_warm_start)
    observed = partial(search, features="observed")
    yield "MaxEntCV observed", Variant(observed, breaks=no_warm_start)
    joint = partial(search, features=JointFeatures([*FUNCTIONS, Joined(0)]))
    yield "MaxEntCV joint", Variant(joint, kind="data", breaks={**no_warm_start, **OBJECTS, **names})
    yield "Ranker", Variant(partial(MaxEntRanker, **CONVEX), kind="groups", breaks=MARKS)
    laplace = partial(MaxEntRanker, l1_ratio=1.0, **CONVEX)
    yield "Ranker 1.0", Variant(laplace, kind="groups", closeness=1e-4, breaks=MARKS)


def _networks():
    """(name, Variant) of the networks."""
    for solver in OPTIMIZERS:
        breaks = {**GOES_ON, **NO_THREADS, **DRAWS, **({} if solver == "lbfgs" else BATCHES)}
        make = partial(BackpropMLPClassifier, solver=solver, **NETWORK)
        yield f"MLP {solver}", Variant(make, closeness=1e-4, breaks=breaks)
    dropout = partial(BackpropMLPClassifier, dropout=0.3, **NETWORK)
    yield "MLP dropout", Variant(dropout, breaks={**GOES_ON, **NO_THREADS, **DRAWS, **BATCHES})


def _recurrent():
    """(name, Variant) of the recurrent networks, on sequences that make one batch."""
    lists = {**GOES_ON, **OBJECTS, "soft labels": "takes labels alone"}
    for cell in CELLS:
        make = partial(RecurrentClassifier, (4,), cell, **SEQUENCES)
        yield f"Recurrent {cell}", Variant(make, "sequences", breaks=lists)
        if cell != "lstm":
            yield f"Recurrent {cell} last", Variant(partial(make, pooling="last"), "sequences", breaks=lists)
    forward = partial(RecurrentClassifier, (3, 4), bidirectional=False, pooling="mean", **SEQUENCES)
    yield "Recurrent forward", Variant(forward, "sequences", breaks=lists)
    tags = {**lists, "label names": "its y are lists of tags"}
    for solver in ("adam", "adagrad"):
        make = partial(RecurrentTagger, (4,), solver=solver, **SEQUENCES)
        yield f"Recurrent tagger {solver}", Variant(make, "tagged", breaks=tags)


VARIANTS = {**dict(_convex()), **dict(_networks()), **dict(_recurrent())}
