"""A stand-in for a dask cluster: actors in threads of this process, which fail or sleep as a test says."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from skmaxent.distributed.actor import PartitionActor, load


@dataclass(eq=False)
class StandInActor:
    address: str
    actor: PartitionActor
    pool: ThreadPoolExecutor


class StandInCluster:
    """Workers by name.

    Parameters
    ----------
    sources : list of Source
    names : list of str
    fault : callable, optional
        ``fault(cluster, number, address, method)`` before the call with that number is done: it may raise,
        sleep, or change who is there.
    """

    def __init__(self, sources, names, fault=None):
        self.sources, self.there, self.fault = sources, dict.fromkeys(names, 1), fault
        self.frozen, self.n_calls, self.hired, self.closed = {}, 0, [], False

    def workers(self):
        now = time.monotonic()
        return {name: (n, self.frozen.get(name, now)) for name, n in self.there.items()}

    def freeze(self, address):
        """No sign of life any more."""
        self.frozen[address] = time.monotonic()

    def hire(self, address, numbers):
        self.hired.append((address, numbers))
        parts = [self._loaded(number) for number in numbers]
        return StandInActor(address, PartitionActor(numbers, *parts), ThreadPoolExecutor(1))

    def _loaded(self, number):
        source = self.sources[number]
        return load(number, source.X, source.y, source.sample_weight)

    def ready(self, actor):
        answer = Future()
        answer.set_result(None)
        return answer

    def call(self, actor, method, arguments):
        self.n_calls += 1
        return actor.pool.submit(self._do, self.n_calls, actor, method, arguments)

    def _do(self, number, actor, method, arguments):
        if self.fault is not None:
            self.fault(self, number, actor.address, method)
        if actor.address not in self.there:
            raise ConnectionError("gone")
        return getattr(actor.actor, method)(*arguments)

    def dismiss(self, actor):
        actor.pool.shutdown(wait=False, cancel_futures=True)

    def close(self):
        self.closed = True
