"""What a task of the table is, and how its models are trained, timed and scored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
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
        Each gives a new estimator with `fit` and `predict`, which sees the data by their `features`.
    features : callable
        From a list of data to a list of what is known of each; all models share it.
    direct : dict of str to callable
        Estimators that see the data themselves: baselines, and those with features of their own.
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
    features: Callable | None = None
    direct: dict = field(default_factory=dict)
    score: Callable = accuracy
    folds: int = 0
    tried: str = ""

    @property
    def names(self):
        """All models, baselines first."""
        return [*self.direct, *self.models]


class Data:
    """The data of a task, read once, and their features, made when the first model asks for them.

    Attributes
    ----------
    seconds : float
        What the features of the training data, or of all folds, took.
    """

    def __init__(self, task, sample=None):
        self.task, self.seconds, self._features = task, 0.0, None
        self.parts = [part if sample is None else part[:sample] for part in task.load()]

    def rows(self, model):
        """What a model sees of the data: of the training and the test part, or of all."""
        raw = self.parts[::2]
        if model in self.task.direct:
            return raw
        if self._features is None:
            started = perf_counter()
            self._features = [self.task.features(raw[0])]
            self.seconds = perf_counter() - started
            self._features += [self.task.features(part) for part in raw[1:]]
        return self._features


def evaluate(data, model):
    """Train and score one model of a task.

    Parameters
    ----------
    data : Data
    model : str
        One of the task's names.

    Returns
    -------
    figures : dict of str to float
        In per cent.
    seconds : float
        Wall-clock time of `fit`, on features that are there, of all folds.
    """
    task, rows = data.task, data.rows(model)
    new, y_test = (task.direct | task.models)[model], data.parts[-1]
    if not task.folds:
        predicted, seconds = _trained(new(), rows[0], data.parts[1], rows[1])
    else:
        predicted, seconds = np.empty_like(y_test), 0.0
        folds = StratifiedKFold(task.folds, shuffle=True, random_state=0)
        for train, test in folds.split(np.zeros(len(y_test)), y_test):
            X, held = ([rows[0][i] for i in part] for part in (train, test))
            predicted[test], more = _trained(new(), X, y_test[train], held)
            seconds += more
    shares = task.score(y_test, predicted, data.parts[-2])
    return {name: 100 * float(share) for name, share in shares.items()}, seconds


def _trained(estimator, X, y, X_test):
    started = perf_counter()
    estimator.fit(X, y)
    seconds = perf_counter() - started
    return estimator.predict(X_test), seconds


def of_each(function):
    """The features of a list of data by a function of one."""
    return partial(_of_each, function)


def _of_each(function, data):
    return [function(datum) for datum in data]


def identity(found):
    """The analyzer of features that are there."""
    return found
