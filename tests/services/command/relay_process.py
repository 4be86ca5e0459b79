"""A relay and its sweep in a process of their own, to kill.

`python -m tests.services.command.relay_process ORDERS`

Says the point at which it kills itself, if it does; else it runs until it is killed.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from services.command.bus.facts_bus import FactsBus
from services.command.bus.sweeping import Sweep
from services.command.relay import Relay
from services.common.bus import connect_bus
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool

ROOT = Path(__file__).parents[3]


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """die_at, die_after: kill -9 yourself when you reach this point for the nth time.

    sweep_per_second: 0: no sweep.
    """

    postgres_url: str
    nats_url: str
    prefix: str = ""
    sweep_per_second: int = 0
    die_at: str | None = None
    die_after: int = 1


class Death:
    def __init__(self, orders: Orders) -> None:
        self._point = orders.die_at
        self._left = orders.die_after

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.write(1, f"{point}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)


async def run(orders: Orders) -> None:
    bell = Bell(orders.postgres_url, BELL_CHANNEL)
    async with (
        EventStore.open(orders.postgres_url) as store,
        pool(orders.postgres_url) as connections,
        bell.listening(),
    ):
        client = await connect_bus(orders.nats_url, "relay under test")
        with bell.listener() as rung:
            bus = FactsBus(store=store, pool=connections, client=client, prefix=orders.prefix)
            death, speed = Death(orders), orders.sweep_per_second
            relay = Relay(bus, rung, crash_at=death)
            sweep = Sweep(bus, relay.whole_up_to, relay.look_now, per_second=speed, crash_at=death)
            await asyncio.gather(relay.run(), sweep.run())


@contextmanager
def relay_process(orders: Orders) -> Iterator["subprocess.Popen[bytes]"]:
    command = [
        *(sys.executable, "-m", "tests.services.command.relay_process"),
        msgspec.json.encode(orders).decode(),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[bytes]") -> str:
    """Where it killed itself."""
    assert process.stdout is not None
    said = process.stdout.read()
    assert process.wait() == -9
    return said.decode().strip()


def dies_at(orders: Orders) -> str:
    """The point at which a process with these orders has killed itself."""
    with relay_process(orders) as process:
        return said(process)


if __name__ == "__main__":
    asyncio.run(run(msgspec.json.decode(sys.argv[1], type=Orders)))
