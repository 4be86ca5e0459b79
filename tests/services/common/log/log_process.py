"""A writer of the log in a process of its own, to race with and to kill.

`python -m tests.services.common.log.log_process URL ORDERS` says Ready, waits for a line on its
input, and then says line by line what came of each append.
"""

import asyncio
import os
import signal
import sys
from uuid import UUID, uuid4

import msgspec

from domain.errors import ConcurrentEdit
from services.common.log.store import EventStore, Receipt, ReceiptExists
from tests.services.common.log.appends import append, insight, key, renamed, to


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What to append.

    streams: numbers of the streams that all producers of all processes append to.
    appends: how many each producer brings to an end; after a conflict it tries again.
    die_at, die_after: kill -9 yourself when you reach this point for the nth time.
    """

    streams: tuple[int, ...]
    producers: int = 4
    appends: int = 10
    facts: int = 2
    receipt: str | None = None
    die_at: str | None = None
    die_after: int = 1


class Ready(msgspec.Struct, frozen=True, tag=True):
    pass


class Landed(msgspec.Struct, frozen=True, tag=True):
    """An acknowledged append."""

    operation_id: UUID
    positions: tuple[int, ...]


class Conflict(msgspec.Struct, frozen=True, tag=True):
    operation_id: UUID
    stream_id: UUID
    expected: int
    actual: int


class Replayed(msgspec.Struct, frozen=True, tag=True):
    operation_id: UUID
    receipt: Receipt


class Dying(msgspec.Struct, frozen=True, tag=True):
    """Said at the named point, before the kill: the test counts it."""

    point: str


Said = Ready | Landed | Conflict | Replayed | Dying


def say(what: Said) -> None:
    """One write, so that a kill never leaves half a line."""
    os.write(1, msgspec.json.encode(what) + b"\n")


class Death:
    """Kills the process, as kill -9 would, at one named point."""

    def __init__(self, point: str | None, after: int) -> None:
        self._point = point
        self._left = after

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                say(Dying(point))
                os.kill(os.getpid(), signal.SIGKILL)


async def produce(store: EventStore, orders: Orders, producer: int, heads: dict[int, int]) -> None:
    """Appends on heads that other processes move, learning of it only from refusals."""
    for turn in range(orders.appends):
        number = orders.streams[(producer + turn) % len(orders.streams)]
        while not await append_once(store, orders, number, heads):
            pass


async def append_once(
    store: EventStore, orders: Orders, number: int, heads: dict[int, int]
) -> bool:
    """Whether it was not refused for a stale head."""
    operation = uuid4()
    facts = [renamed(f"{operation} {n}") for n in range(orders.facts)]
    receipt = None if orders.receipt is None else key(orders.receipt)
    part = to(insight(number), heads[number], *facts)
    try:
        appended = await store.append(append(part, operation_id=operation, receipt=receipt))
    except ConcurrentEdit as refused:
        heads[number] = refused.actual
        say(Conflict(operation, refused.stream_id, refused.expected, refused.actual))
        return False
    except ReceiptExists as known:
        say(Replayed(operation, known.receipt))
    else:
        heads[number] = appended.recorded[-1].version
        say(Landed(operation, tuple(fact.position for fact in appended.recorded)))
    return True


async def run(url: str, orders: Orders) -> None:
    death = Death(orders.die_at, orders.die_after)
    async with EventStore.open(url, crash_at=death) as store:
        say(Ready())
        await asyncio.to_thread(sys.stdin.readline)
        heads = dict.fromkeys(orders.streams, 0)
        await asyncio.gather(*(produce(store, orders, n, heads) for n in range(orders.producers)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], msgspec.json.decode(sys.argv[2], type=Orders)))
