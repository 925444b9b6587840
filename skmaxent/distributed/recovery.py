"""A fit that goes on from its last outer iterate when workers are lost or join."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from .crew import WorkersJoined, WorkersLost

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .checkpoint import Checkpoint
    from .crew import Crew


class FitLost(RuntimeError):
    """Workers were lost again and again without an iteration between.

    Attributes
    ----------
    model : MaxEntClassifier or None
        With the weights of the last iterate; None where there is none.
    """

    model: Any = None


class Journey:
    """The attempts of one fit: where it is, and how it got there.

    Parameters
    ----------
    crew : Crew
    max_iter, max_recoveries : int
        Outer iterations, and losses in a row without an iteration between.

    Attributes
    ----------
    start : tuple (weights, intercept) or None
        The last iterate.
    lines : list of dict
        Of the history.
    """

    def __init__(self, crew: Crew, max_iter: int, max_recoveries: int):
        self._crew, self._max_iter, self._max_recoveries = crew, max_iter, max_recoveries
        self._begun = time.perf_counter()
        self.start: tuple[Any, np.ndarray] | None = None
        self.lines: list[dict[str, Any]] = []
        self._offset, self._before, self._losses, self._placed = 0, 0, 0, False

    def begin(
        self,
        start: tuple[Any, np.ndarray] | None,
        report: Callable[..., bool],
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Where the first attempt starts: at a checkpoint, if there is one, otherwise at `start`.

        Parameters
        ----------
        start : tuple (weights, intercept) or None
        report : callable
            As of `skmaxent.convex.fit.optimise`: told of each iteration.
        checkpoint : Checkpoint, optional
        """
        self.start, self._report, self._checkpoint = start, report, checkpoint
        if checkpoint is not None:
            self.start = checkpoint.load() or start

    def persist(self, action: Callable[[], Any]) -> Any:
        """What the action returns, tried anew with the partitions placed anew whenever workers are lost.

        Raises
        ------
        FitLost
            After more than `max_recoveries` losses without an iteration between.
        """
        while True:
            try:
                if not self._placed:
                    self._crew.place()
                    self._placed = True
                return action()
            except WorkersJoined:
                self._crew.tally.moves += 1
            except WorkersLost as error:
                self._lose(error)
            self._placed = False

    def _lose(self, error):
        self._crew.tally.recoveries += 1
        self._losses = 1 if len(self.lines) > self._before else self._losses + 1
        self._before = len(self.lines)
        if self._losses > self._max_recoveries:
            raise FitLost(
                f"Workers were lost {self._losses} times in a row without an iteration between, the last "
                f"time {error}. {self.certificate()}"
            ) from error

    def certificate(self) -> str:
        """What is proven of the last iterate, in words."""
        if not self.lines:
            return "No iterate is known yet."
        last = self.lines[-1]
        return (
            f"The last iterate, of iteration {last['iteration']}, has the objective {last['objective']:.8g} "
            f"and is at most {last['gap']:.3g} above the optimum."
        )

    def go(self, solve: Callable[..., Any]) -> Any:
        """The result of ``solve(start, max_iter, report)``, with the history of all attempts."""

        def attempt():
            # A restart reports first where it starts: a line that is known already.
            self._offset = max(len(self.lines) - 1, 0)
            return solve(self.start, max(self._max_iter - self._offset, 1), self._iteration)

        result = self.persist(attempt)
        report = result.report
        report["n_iter"] += self._offset
        report["seconds"] = time.perf_counter() - self._begun
        report["history"] = {
            name: np.array([line[name] for line in self.lines]) for name in report["history"]
        }
        return result

    def _iteration(self, record, model):
        """Keep an iterate, tell whoever listens, and see who is there."""
        record = record | {
            "iteration": record["iteration"] + self._offset,
            "seconds": time.perf_counter() - self._begun,
        }
        del self.lines[record["iteration"] :]
        self.lines.append(record)
        self.start = model()
        if self._checkpoint is not None:
            self._checkpoint.save(*self.start)
        stop = self._report(record, lambda: self.start)
        if not stop:
            self._crew.look_around()
        return stop
