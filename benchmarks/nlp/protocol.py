"""What a task of the table is, and how its models are trained, timed and scored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold


def accuracy(truth, predicted, X):
    return {"accuracy": accuracy_score(truth, predicted)}


@dataclass(frozen=True)
class Task:
    """A task with its data and models.

    Attributes
    ----------
    name, title : str
    protocol : str
        What is trained on, and what is measured on what.
    choices : str
        What was chosen, among what, on which data; never on the test set.
    published : str
        Figures of the literature, with their source.
    goal : float
        The figure of the best model that counts as reached, in per cent, of the first metric.
    load : callable
        Gives (X, y, X_test, y_test), or (X, y) for `folds` of cross-validation.
    models : dict of str to callable
        Each gives a new estimator with `fit` and `predict`.
    score : callable
        ``score(truth, predicted, X)`` gives a dict from the metric to a share.
    folds : int
        0 for one test set.
    tried : str
        What else was tried, and did not help or was not enough, on which data.
    """

    name: str
    title: str
    protocol: str
    choices: str
    published: str
    goal: float
    load: Callable
    models: dict = field(default_factory=dict)
    score: Callable = accuracy
    folds: int = 0
    tried: str = ""


def evaluate(task, model, sample=None):
    """Train and score one model of a task.

    Parameters
    ----------
    task : Task
    model : str
        One of ``task.models``.
    sample : int, optional
        Only the first rows, for a try.

    Returns
    -------
    figures : dict of str to float
        In per cent.
    seconds : float
        Wall-clock time of `fit`, features included, of all folds.
    """
    data = [part if sample is None else part[:sample] for part in task.load()]
    if not task.folds:
        X, y, X_test, y_test = data
        rows = X_test
        predicted, seconds = _trained(task.models[model](), X, y, X_test)
    else:
        (rows, y_test), seconds = data, 0.0
        predicted = np.empty_like(y_test)
        folds = StratifiedKFold(task.folds, shuffle=True, random_state=0)
        for train, test in folds.split(np.zeros(len(rows)), y_test):
            X, held = [rows[i] for i in train], [rows[i] for i in test]
            predicted[test], more = _trained(task.models[model](), X, y_test[train], held)
            seconds += more
    return {name: 100 * float(share) for name, share in task.score(y_test, predicted, rows).items()}, seconds


def _trained(estimator, X, y, X_test):
    started = perf_counter()
    estimator.fit(X, y)
    seconds = perf_counter() - started
    return estimator.predict(X_test), seconds
