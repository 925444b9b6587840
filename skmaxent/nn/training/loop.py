"""Epoch after epoch: learning-rate schedules, progress, early stopping."""

from dataclasses import dataclass, field
from math import inf, isnan

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


class Patience:
    """Counts the epochs that bring nothing, and keeps the weights of the best one.

    Parameters
    ----------
    tol : float
        An epoch that improves the best loss, or the best score, by less brings nothing.
    patience : float
        Number of such epochs in a row to bear.
    early_stopping : bool
        Whether the validation score counts, and not the training loss.
    vector : ndarray
        All weights, in place.
    progress : Progress
        Its best loss and score are kept up to date.
    validate : callable or None
        Returns (score, loss) of the current weights; needed for early stopping.
    """

    def __init__(self, tol, patience, early_stopping, vector, progress, validate):
        self.tol, self.patience, self.early_stopping = tol, patience, early_stopping
        self._vector, self._progress = vector, progress
        self._stalled = 0
        self._best_loss = inf  # of this call: a warm start may begin where the last one ended
        self._best = None
        if early_stopping and progress.validation_scores:
            # A warm start begins with the best weights so far; the set or the score may be another one now.
            self._best, score = vector.copy(), validate()[0]
            progress.best_score = -inf if isnan(score) else score

    def exhausted(self):
        """Take note of the epoch just done: True when too many in a row brought nothing."""
        progress = self._progress
        if self.early_stopping:
            score = progress.validation_scores[-1]
            improved = score >= progress.best_score + self.tol  # not so for NaN
            if score > progress.best_score:
                progress.best_score = score
                self._best = self._vector.copy()
        else:
            loss = progress.loss_curve[-1]
            improved = loss <= self._best_loss - self.tol
            self._best_loss = min(loss, self._best_loss)
            progress.best_loss = min(loss, progress.best_loss)
        self._stalled = 0 if improved else self._stalled + 1
        return self._stalled > self.patience

    def renew(self):
        """Begin to count anew."""
        self._stalled = 0

    def restore(self):
        """With early stopping, go back to the best weights."""
        if self._best is not None:
            self._vector[:] = self._best


def run_epochs(trainer, vector, data, rng, schedule, options, max_epochs, progress, validate, report):
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
    options : TrainingOptions
    max_epochs : int
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
    done, reason = 0, "max_iter"
    batch_size = options.rows_of_a_batch(len(data))
    rules = options.tol, options.n_iter_no_change, options.early_stopping
    patience = Patience(*rules, vector, progress, validate)
    try:
        while done < max_epochs:
            if options.shuffle:
                order = rng.permutation(len(data))
            loss = trainer.epoch(data, data.batches(order, batch_size), schedule.rate)
            done += 1
            progress.t += len(data)
            progress.loss_curve.append(loss)
            if validate is not None:
                trainer.sync()
                score, validation_loss = validate()
                progress.validation_scores.append(score)
                progress.validation_losses.append(validation_loss)
            exhausted = patience.exhausted()
            schedule.after_epoch(progress.t)
            if report():
                reason = "callback"
                break
            if exhausted:
                if schedule.stalled():
                    reason = "converged"
                    break
                patience.renew()
    except KeyboardInterrupt:
        reason = "interrupted"
    trainer.sync()
    patience.restore()
    return done, reason
