"""The log's rate by how many processes write to it: clients in all the same, one PostgreSQL.

Each client appends to a stream of its own, one fact after the other. The numbers of processes take
turns, so that whatever else the machine does meets all of them.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, count
from time import perf_counter
from typing import cast

import msgspec
import uvloop

from contracts.events.streams import Stream, StreamKind
from services.common.log.store import EventStore
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from tests import servers
from tests.bench.bench_log import Waits, produce, rename

PROCESSES = (1, 2, 4)
CLIENTS = (64, 255)
ROUNDS = 5
SECONDS = 2.0

_projects = count(1)


class Share(msgspec.Struct, frozen=True):
    """What one process is told on its line of input."""

    project: int
    clients: int


async def write(url: str) -> None:
    """A process: for each line of its input, so many clients for SECONDS; says their waits."""
    async with EventStore.open(url) as store:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            share = msgspec.json.decode(line, type=Share)

            async def append(client: int, version: int, project: int = share.project) -> None:
                await store.append(rename(Stream(StreamKind.INSIGHT, project, client), version))

            began = perf_counter()
            waits = await asyncio.gather(
                *(produce(append, n, began + SECONDS) for n in range(share.clients))
            )
            print(json.dumps([perf_counter() - began, list(chain(*waits))]), flush=True)


@contextmanager
def processes(url: str, number: int) -> "Iterator[list[subprocess.Popen[str]]]":
    with ExitStack() as ends:
        started = []
        for _ in range(number):
            one = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.bench_writers", url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            ends.callback(one.wait)
            ends.callback(one.kill)
            started.append(one)
        for one in started:
            _hear(one)
        yield started


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def together(writers: "list[subprocess.Popen[str]]", clients: int, into: Waits) -> None:
    """One round: the clients in equal shares."""
    for index, writer in enumerate(writers):
        share = clients // len(writers) + (index < clients % len(writers))
        assert writer.stdin is not None
        writer.stdin.write(msgspec.json.encode(Share(next(_projects), share)).decode() + "\n")
        writer.stdin.flush()
    told = [cast("tuple[float, list[float]]", json.loads(_hear(writer))) for writer in writers]
    into.add(chain.from_iterable(waits for _, waits in told), max(seconds for seconds, _ in told))


def main() -> None:
    with servers.server_folder() as folder:
        server = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(server.url)
            for clients in CLIENTS:
                measured = {number: Waits() for number in PROCESSES}
                for _ in range(ROUNDS):
                    for number, waits in measured.items():
                        with processes(server.url, number) as writers:
                            together(writers, clients, Waits())
                            together(writers, clients, waits)
                print(f"log: {clients} clients in all")
                for number, waits in measured.items():
                    ratio = waits.per_second / measured[PROCESSES[0]].per_second
                    print(f"  {number} processes  {waits}  {ratio:.2f} of one")
        finally:
            server.stop()


if __name__ == "__main__":
    if sys.argv[1:]:
        uvloop.run(write(sys.argv[1]))
    else:
        main()
