"""Epoch after epoch: learning-rate schedules, progress, early stopping."""

from dataclasses import dataclass, field
from math import inf

import numpy as np


class Schedule:
    """The learning rate of each epoch, as in scikit-learn.

    "constant": `initial`; "invscaling": initial / (t + 1)^power_t after t examples; "adaptive": a fifth of
    what it was whenever progress stalls, until it is below 1e-6.
    """

    def __init__(self, kind, initial, power_t):
        self.kind, self.initial, self.power_t = kind, initial, power_t
        self.rate = initial

    def after_epoch(self, t):
        if self.kind == "invscaling":
            self.rate = self.initial / (t + 1) ** self.power_t

    def stalled(self):
        """Progress has stalled: True to stop."""
        if self.kind != "adaptive" or self.rate <= 1e-6:
            return True
        self.rate /= 5
        return False


@dataclass
class Progress:
    """What happened so far, over all calls of a warm start."""

    t: int = 0
    loss_curve: list = field(default_factory=list)
    validation_scores: list = field(default_factory=list)
    validation_losses: list = field(default_factory=list)
    best_loss: float = inf
    best_score: float = -inf


@dataclass(frozen=True)
class Settings:
    """How to run the epochs."""

    batch_size: int
    max_epochs: int
    shuffle: bool
    tol: float
    patience: float
    early_stopping: bool


def run_epochs(trainer, vector, data, rng, schedule, settings, progress, validate, report):
    """Train until progress stalls, the epochs are used up, `report` asks to stop or the user interrupts.

    Parameters
    ----------
    trainer : Trainer
    vector : ndarray
        All weights, current after ``trainer.sync()``.
    data : Dataset
    rng : numpy.random.Generator
        Shuffles the examples afresh in each epoch.
    schedule : Schedule
    settings : Settings
    progress : Progress
        Extended in place.
    validate : callable or None
        Returns (score, loss) of the current weights on the validation set.
    report : callable
        Told of each epoch done; True asks to stop.

    Returns
    -------
    n_epochs : int
    reason : str
        "converged", "max_iter", "callback" or "interrupted".
    """
    order = np.arange(len(data))
    stalled, done, reason = 0, 0, "max_iter"
    best = None
    if settings.early_stopping and progress.validation_scores:
        best = vector.copy()  # a warm start begins with the best weights so far
    best_loss = inf  # of this call: a warm start may begin where the last one ended
    try:
        while done < settings.max_epochs:
            if settings.shuffle:
                order = rng.permutation(len(data))
            loss = trainer.epoch(data, order, settings.batch_size, schedule.rate)
            done += 1
            progress.t += len(data)
            progress.loss_curve.append(loss)
            if validate is not None:
                trainer.sync()
                score, validation_loss = validate()
                progress.validation_scores.append(score)
                progress.validation_losses.append(validation_loss)
            if settings.early_stopping:
                stalled = stalled + 1 if score < progress.best_score + settings.tol else 0
                if score > progress.best_score:
                    progress.best_score = score
                    best = vector.copy()
            else:
                stalled = stalled + 1 if loss > best_loss - settings.tol else 0
                best_loss = min(loss, best_loss)
                progress.best_loss = min(loss, progress.best_loss)
            schedule.after_epoch(progress.t)
            if report():
                reason = "callback"
                break
            if stalled > settings.patience:
                if schedule.stalled():
                    reason = "converged"
                    break
                stalled = 0
    except KeyboardInterrupt:
        reason = "interrupted"
    trainer.sync()
    if best is not None:
        vector[:] = best
    return done, reason
