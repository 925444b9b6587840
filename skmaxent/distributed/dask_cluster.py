"""What `Crew` asks of a dask cluster: who is there, actors with their partitions, calls to them.

Partitions and actors are made through the user's client, so that its collections and futures serve as they
are. Calls go straight to the workers, over connections of our own with a short timeout: through the
scheduler each takes 1.5 times as long, and the client's own connections give a dead worker 30 seconds.
"""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import Future as Answer
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .actor import PartitionActor, load
from .collections import is_future, is_promise

if TYPE_CHECKING:
    from typing import Any

    from .collections import Source

# Seconds to wait for a connection.
CONNECT = 5.0
FORGOTTEN = "scattered data whose worker is gone, or futures that were released, cannot be made again"


def client_of(client: Any, sources: list[Any]) -> Any:
    """The client to use: the given one, that of the futures among the data, or dask's current one.

    Raises
    ------
    ValueError
        If there is none.
    """
    if client is None:
        client = next((source.client for source in sources if is_future(source)), None)
    if client is None:
        from distributed import default_client

        try:
            client = default_client()
        except ValueError as error:
            raise ValueError(
                "There is no dask client: start one, for instance client = distributed.Client(), or pass one "
                "by the parameter client."
            ) from error
    if client.asynchronous:
        raise ValueError("The client is asynchronous: fit needs one whose calls wait for their result.")
    return client


@dataclass(eq=False)
class Engagement:
    """An actor on a worker, or on the way to one."""

    address: str
    key: str
    future: Any
    loads: list[Any]


class DaskCluster:
    """The workers behind a client, for one fit.

    Parameters
    ----------
    client : distributed.Client
    sources : list of Source
        The partitions.
    options : dict
        Keyword arguments of `load`.
    timeout : float
        Seconds that the scheduler may take for an answer.
    """

    def __init__(self, client: Any, sources: list[Source], options: dict[str, Any], timeout: float):
        from distributed.core import ConnectionPool

        self._client, self._sources, self._options, self._timeout = client, sources, options, timeout
        self._fit = uuid.uuid4().hex[:12]
        self._n_hired = 0
        self._loop = client.loop.asyncio_loop
        self._pool = self._wait(self._opened(ConnectionPool))

    async def _opened(self, kind):
        # On the client's loop, where it is used.
        arguments = self._client.security.get_connection_args("client")
        return await kind(timeout=min(CONNECT, self._timeout), connection_args=arguments)

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(self._timeout)

    def workers(self) -> dict[str, tuple[int, float]]:
        """Number of threads and last sign of life, by the scheduler's clock, of each worker."""
        found = self._wait(self._client.scheduler.identity())["workers"]
        return {
            address: (worker["nthreads"], worker["last_seen"]) for address, worker in sorted(found.items())
        }

    def hire(self, address: str, numbers: list[int]) -> Engagement:
        """Have the partitions read, and an actor hold them, on the worker `address`."""
        from dask import delayed

        self._n_hired += 1
        ours = [
            delayed(load, pure=False)(number, *self._shipped(number, address), **self._options)
            for number in numbers
        ]
        # Where the data are, or wherever there is room: only the actor must be here.
        loads = self._client.compute(ours, workers=[address], allow_other_workers=True)
        key = f"skmaxent-actor-{self._fit}-{self._n_hired}"
        future = self._client.submit(
            PartitionActor, numbers, *loads, actor=True, workers=[address], pure=False, key=key
        )
        return Engagement(address, key, future, loads)

    def _shipped(self, number, address):
        """Rows, labels and weights of a partition, what lies at the client sent to the worker."""
        source = self._sources[number]
        for values in (source.X, source.y, source.sample_weight):
            if values is None or is_promise(values):
                yield values
            else:
                yield self._client.scatter(values, workers=[address], hash=False)

    def ready(self, actor: Engagement) -> Answer[None]:
        """Answers as soon as the actor has its partitions, with the error of the first that cannot be had."""
        answer: Answer[None] = Answer()

        def settled(future):
            if not answer.set_running_or_notify_cancel():
                return
            if future.status == "finished":
                answer.set_result(None)
            elif future.status == "error":
                answer.set_exception(future.exception())
            else:
                answer.set_exception(ConnectionError(f"{future.status}: {FORGOTTEN}"))

        actor.future.add_done_callback(settled)
        return answer

    def call(self, actor: Engagement, method: str, arguments: tuple[Any, ...]) -> Answer[Any]:
        """Answers with what the method returns; `ConnectionError` where the worker or the actor is gone."""
        actor.loads = []  # the actor has them: nobody else needs them
        return asyncio.run_coroutine_threadsafe(self._execute(actor, method, arguments), self._loop)

    async def _execute(self, actor, method, arguments):
        from distributed.protocol import to_serialize

        try:
            reply = await self._pool(actor.address).actor_execute(
                actor=actor.key, function=method, args=[to_serialize(part) for part in arguments], kwargs={}
            )
        except (OSError, KeyError) as error:  # a worker that came back knows no such actor
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        if reply["status"] == "OK":
            return reply["result"]
        raise reply["exception"]

    def dismiss(self, actor: Engagement) -> None:
        """Let the worker forget an actor."""
        actor.loads = []
        actor.future.release()

    def close(self) -> None:
        """Close the connections."""
        asyncio.run_coroutine_threadsafe(self._pool.close(), self._loop)
