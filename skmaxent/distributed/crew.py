"""Calls to all actors at once, and what becomes of partitions whose worker is lost.

`Crew` knows no dask: it asks a *cluster* (`DaskCluster`, or a stand-in in tests) for workers, actors and
calls. Nobody waits for a worker that is gone: while answers are outstanding, the cluster is asked once a
second who is there, and a worker without a sign of life for `timeout` seconds counts as lost.
"""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..convex.machine.designs import WHOLE
from ..convex.machine.programs import Size, Weights, reads_data
from .actor import Touched, touched, with_arguments
from .placement import assign
from .sums import Tree

if TYPE_CHECKING:
    from typing import Any

# Seconds between two looks at the cluster while answers are outstanding, and while none are.
LOOK, QUIET_LOOK = 1.0, 2.0
# Seconds after which a sign of life of a worker that was lost counts again: the scheduler may learn of it
# late.
SHUNNED = 3.0


class WorkersLost(Exception):
    """Workers that held partitions are gone, and what their actors knew with them."""


class WorkersJoined(Exception):
    """There are workers without partitions that could have some."""


@dataclass(eq=False)
class Hand:
    """An actor, from the client's side.

    Attributes
    ----------
    address : str
        Of its worker.
    numbers : list of int
        Of its partitions.
    actor : object
        What the cluster knows it by.
    columns : ndarray or None
        Those that its rows touch; None for all, or most.
    """

    address: str
    numbers: list[int]
    actor: Any = None
    columns: Any = None


@dataclass
class Tally:
    """What a fit has cost beside arithmetic."""

    passes: int = 0
    trips: int = 0
    sent: int = 0
    received: int = 0
    recoveries: int = 0
    moves: int = 0


@dataclass
class Sightings:
    """When each worker last gave a sign of life, by the client's clock."""

    threads: dict[str, int] = field(default_factory=dict)
    stamps: dict[str, tuple[Any, float]] = field(default_factory=dict)
    looked: float = -float("inf")
    lost: dict[str, float] = field(default_factory=dict)

    def look(self, cluster):
        """Ask the cluster who is there."""
        now = self.looked = time.monotonic()
        self.threads, stamps = {}, {}
        for address, (threads, stamp) in cluster.workers().items():
            before = self.stamps.get(address, (None, 0.0))
            stamps[address] = before if before[0] == stamp else (stamp, now)
            self.threads[address] = threads
        self.stamps = stamps

    def living(self, timeout):
        """Number of threads of each worker that gave a sign of life within so many seconds."""
        return {
            address: threads
            for address, threads in self.threads.items()
            if self.looked - self.stamps[address][1] <= timeout
            and self.stamps[address][1] > self.lost.get(address, -float("inf")) + SHUNNED
        }


class Crew:
    """The actors that hold the partitions of one fit; a context manager.

    Parameters
    ----------
    cluster : DaskCluster
    n_partitions : int
    timeout : float
        Seconds without a sign of life after which a worker counts as lost.
    """

    def __init__(self, cluster, n_partitions, timeout):
        self._cluster, self.n_partitions, self.timeout = cluster, n_partitions, timeout
        self.hands, self.tally = [], Tally()
        self._sightings, self._tree = Sightings(), None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for hand in self.hands:
            self._cluster.dismiss(hand.actor)
        self.hands = []
        self._cluster.close()

    def place(self):
        """Give every partition that nobody holds to a worker, and workers without any their share.

        Raises
        ------
        WorkersLost
            If one is lost meanwhile: then again.
        RuntimeError
            If there is no worker for `timeout` seconds.
        """
        capacity = self._wait_for_workers()
        for hand in [hand for hand in self.hands if hand.address not in capacity]:
            self._dismiss(hand)
        held = {}
        for hand in self.hands:
            held.setdefault(hand.address, []).extend(hand.numbers)
        assigned = assign(held, self.n_partitions, capacity)
        for hand in self.hands[:]:
            gone = set(hand.numbers) - set(assigned.get(hand.address, ()))
            if len(gone) == len(hand.numbers):
                self._dismiss(hand)
            elif gone:
                self._finish({hand: self._cluster.call(hand.actor, "drop", (sorted(gone),))})
                hand.numbers = [number for number in hand.numbers if number not in gone]
        new = []
        for address, numbers in assigned.items():
            missing = sorted(set(numbers) - set(held.get(address, ())))
            if missing:
                hand = Hand(address, missing)
                hand.actor = self._cluster.hire(address, missing)
                new.append(hand)
        self.hands += new
        self._finish({hand: self._cluster.ready(hand.actor) for hand in new})

    def surveys(self):
        """What the actors know of the labels, in the order of the partitions."""
        found = {}
        for reply in self.ask("surveys"):
            found.update(reply)
        return [found[number] for number in range(self.n_partitions)]

    def settle(self, labelling, n_columns):
        """Tell all actors what the labels mean: they begin anew, with empty registers."""
        found = {}
        for hand, columns in zip(self.hands, self.ask("settle", labelling, self.n_partitions)):
            hand.columns = touched(list(columns.values()))
            found.update(columns)
        self._tree = Tree(n_columns, found)

    def run(self, program):
        """What a program gives, added up over all partitions: a list of the results of its steps."""
        replies = {}
        self.tally.passes += reads_data(program)
        for sums in self._ask("run", lambda hand: (_for_hand(program, hand),)):
            self.tally.received += _size(sums)
            replies.update(sums)
        everything = 0, self.n_partitions
        return self._tree.whole(program, everything, self._tree.total(program, *everything, replies))

    def ask(self, method, *arguments):
        """The answers of all actors to the same call."""
        return self._ask(method, lambda hand: arguments)

    def _ask(self, method, arguments):
        calls = {}
        for hand in self.hands:
            mine = arguments(hand)
            self.tally.sent += _size(mine)
            calls[hand] = self._cluster.call(hand.actor, method, mine)
        self.tally.trips += 1
        return self._finish(calls)

    @property
    def names(self):
        """Of the partitions, for messages."""
        return [f"partition {number}" for number in range(self.n_partitions)]

    def report(self):
        """What `convergence_` says beside the usual."""
        return {
            "passes": self.tally.passes,
            "round_trips": self.tally.trips,
            "bytes_sent": self.tally.sent,
            "bytes_received": self.tally.received,
            "n_partitions": self.n_partitions,
            "n_recoveries": self.tally.recoveries,
            "n_moves": self.tally.moves,
        }

    def look_around(self):
        """Between two iterations: whether all workers are there, and whether others could help.

        Raises
        ------
        WorkersLost, WorkersJoined
        """
        if time.monotonic() - self._sightings.looked < QUIET_LOOK:
            return
        living = self._living(self.hands)
        busy = {hand.address for hand in self.hands}
        if len(busy) < min(self.n_partitions, len(living)):
            raise WorkersJoined(f"{len(set(living) - busy)} workers without a partition")

    def _finish(self, calls):
        """Wait for answers, in the order of the calls; whoever is lost meanwhile ends it."""
        whose = {future: hand for hand, future in calls.items()}
        pending = set(whose)
        try:
            while pending:
                done, pending = wait(pending, LOOK, return_when=FIRST_COMPLETED)
                for future in done:
                    self._raise_if_lost(whose[future], future)
                if pending and not done:
                    self._living([whose[future] for future in pending])
        except BaseException:
            for future in pending:
                future.cancel()
            raise
        return [future.result() for future in calls.values()]

    def _raise_if_lost(self, hand, future):
        error = future.exception()
        if isinstance(error, ConnectionError):
            self._dismiss(hand, lost=True)
            raise WorkersLost(f"{hand.address}: {error}") from error
        if error is not None:
            raise error

    def _living(self, hands):
        """Workers that are there; `WorkersLost` where one of the hands' is not."""
        self._sightings.look(self._cluster)
        living = self._sightings.living(self.timeout)
        lost = [hand for hand in hands if hand.address not in living]
        for hand in lost:
            self._dismiss(hand, lost=True)
        if lost:
            raise WorkersLost(", ".join(sorted({hand.address for hand in lost})))
        return living

    def _dismiss(self, hand, lost=False):
        if hand in self.hands:
            self.hands.remove(hand)
        if lost:
            self._sightings.lost[hand.address] = time.monotonic()
        self._cluster.dismiss(hand.actor)

    def _wait_for_workers(self):
        """Number of threads of each worker, as soon as there is one."""
        until = time.monotonic() + self.timeout
        while True:
            self._sightings.look(self._cluster)
            living = self._sightings.living(self.timeout)
            if living:
                return living
            if time.monotonic() > until:
                raise RuntimeError(f"The cluster has had no worker for {self.timeout:g} seconds.")
            time.sleep(0.1)


@dataclass
class CrewBackend:
    """A crew as the machine sees it.

    Attributes
    ----------
    crew : Crew
    n_columns, n_outputs : int
    workers : Workers
        Threads of the client.
    """

    crew: Crew
    n_columns: int
    n_outputs: int
    workers: Any

    def run(self, program):
        """What a program gives, added up over all partitions."""
        return self.crew.run(program)

    def learn(self, steps, epochs, seed):
        """Epochs over each partition by itself, all at once; their weights are averaged by occurrences.

        A start needs one message then, and its bits do not depend on who holds which partitions.
        """
        program = [("learn", None, (WHOLE, steps, epochs, seed, Size(self.n_columns)))]
        sums, counts = self.run(program)[0]
        steps.W = (sums / np.maximum(counts, 1)).astype(np.float32)


def _for_hand(program, hand):
    """The program with those weights alone that an actor needs to know."""
    if hand.columns is None:
        return program

    def change(arg):
        if isinstance(arg, Weights) and arg.design == WHOLE:
            return Touched(arg.values[hand.columns], arg.design)
        return arg

    return with_arguments(program, change)


def _size(message):
    """Bytes of the arrays in a message."""
    if isinstance(message, np.ndarray):
        return message.nbytes
    if isinstance(message, dict):
        message = message.values()
    return sum(map(_size, message)) if isinstance(message, tuple | list | type({}.values())) else 0
