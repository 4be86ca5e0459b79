"""Facts to subscribers: from commit to a stream, alone and among a hundred; what a delivery costs.

The server is this process, so its CPU time is what serving costs; those who write and those who
read are processes of their own.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import httpx
import msgspec
import uvloop

from contracts.events.insight import InsightRenamed
from contracts.events.recorded import UserActor
from contracts.events.streams import insight_stream
from services.common.accounts import administration
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.log.entries import project_entries
from services.common.log.store import Append, AppendPart, EventStore
from services.common.postgres.database import Pool, pool
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from services.query import reading, streaming
from services.query.settings import QuerySettings
from tests import servers
from tests.bench.bench_log import MANY, Waits
from tests.examples import operation
from tests.services.query.reads.reading import NO_ENGINE
from tests.services.query.streams.streaming import served

CROWD = 100
WATCHED = 300
PAUSE_SECONDS = 0.01
PER_SECOND = 200
WRITE_SECONDS = 6.0
PULLED = 40_000
ROUNDS = 3
LOAD_SECONDS = 2.0

FACT = InsightRenamed(name="Sign-ups by country, last 30 days", previous="Funnel")
ANNA = UserActor(user_id=7, key_id="phx_key_1")
MODULE = "tests.bench.bench_streams"
BEHIND_HEAD = "/api/projects/1/facts/stream/"


class Server(msgspec.Struct, frozen=True):
    """Where it is, a key, and where the log is: what every child is told."""

    url: str
    key: str
    database: str


async def append(store: EventStore, number: int, facts: int = 1, project: int = 1) -> None:
    """Blind, to a stream of this number."""
    await store.append(
        Append(
            parts=(AppendPart(insight_stream(project, number), None, (FACT,) * facts),),
            actor=ANNA,
            operation_id=operation(number),
            correlation_id=operation(number),
        )
    )


# Children


class Listener(asyncio.Protocol):
    """A connection to a stream that counts the facts that come, and says when each did."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.times: list[float] = []
        self.began = asyncio.Event()
        self._came = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        request = f"GET {BEHIND_HEAD} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        transport.write(f"{request}{self._server.key}\r\n\r\n".encode())  # type: ignore[attr-defined]  # a stream's

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.times += [now] * data.count(b"event: insight.")
        self.began.set()
        self._came.set()

    async def has(self, count: int) -> None:
        while len(self.times) < count:
            self._came.clear()
            await self._came.wait()


async def listeners(server: Server, count: int) -> list[Listener]:
    address = urlsplit(server.url)
    loop = asyncio.get_running_loop()
    found = []
    for _ in range(count):
        _, one = await loop.create_connection(
            lambda: Listener(server), str(address.hostname), address.port or 80
        )
        await one.began.wait()
        found.append(one)
    await asyncio.sleep(0.5)
    return found


async def watch(server: Server) -> None:
    """From an append's answer until a stream has the fact, one at a time."""
    delays = Waits()
    (listener,) = await listeners(server, 1)
    async with EventStore.open(server.database) as store:
        for number in range(WATCHED):
            await append(store, 1)
            committed = time.monotonic()
            await listener.has(number + 1)
            delays.each.append(max(listener.times[number] - committed, 0.0))
            await asyncio.sleep(PAUSE_SECONDS)
    print(msgspec.json.encode([delays.p50_ms, delays.p99_ms]).decode())


async def crowd(server: Server) -> None:
    """A hundred streams, until this process is told to end; then how many facts came."""
    found = await listeners(server, CROWD)
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(sum(len(one.times) for one in found))


async def write(server: Server) -> None:
    """So many facts a second, for a while."""
    async with EventStore.open(server.database) as store:
        began = time.monotonic()
        for number in range(int(PER_SECOND * WRITE_SECONDS)):
            await append(store, 1)
            await asyncio.sleep(max(began + number / PER_SECOND - time.monotonic(), 0))


async def pull(server: Server) -> None:
    """So many facts, by pages of a thousand; how long it took."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {server.key}"}) as client:
        url, count = f"{server.url}/api/projects/1/facts/?limit=1000&format=ndjson", 0
        began = time.monotonic()
        while count < PULLED:
            answer = await client.get(url)
            count += answer.content.count(b"\n")
            url = answer.links["next"]["url"]
        print(count, time.monotonic() - began)


async def load(server: Server, producers: int) -> None:
    """Appends to project 1, one after the other by each producer: how many a second."""
    async with EventStore.open(server.database) as store:
        began = time.monotonic()

        async def produce(number: int) -> int:
            count = 0
            while time.monotonic() < began + LOAD_SECONDS:
                await append(store, 1000 + number)
                count += 1
            return count

        counts = await asyncio.gather(*(produce(number) for number in range(producers)))
        print(sum(counts) / (time.monotonic() - began))


CHILDREN: dict[str, Callable[[Server], Awaitable[None]]] = {
    "watch": watch,
    "crowd": crowd,
    "write": write,
    "pull": pull,
    "load": lambda server: load(server, 1),
    "load-many": lambda server: load(server, MANY),
}


async def child(role: str, server: Server) -> str:
    """What it says at its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE),
        *(role, msgspec.json.encode(server).decode()),
        stdout=subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return told.decode()


@contextlib.asynccontextmanager
async def crowded(server: Server) -> AsyncIterator[list[int]]:
    """While a hundred listen; afterwards the list has how many facts they got."""
    got: list[int] = []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE),
        *("crowd", msgspec.json.encode(server).decode()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"listening\n"
    yield got
    told, _ = await process.communicate(b"\n")
    got.append(int(told))


# The server


async def measure(database: str) -> None:
    async with pool(database) as connections:
        ours = await administration.create_organization(connections, "Ours")
        anna = await administration.create_user(connections, "a@example.com", ours.id, level=8)
        await administration.create_project(connections, ours.id, "One")
        issued = await administration.create_key(connections, anna)
        settings = QuerySettings(
            database_url=database, clickhouse_url="", streams_per_project=CROWD + 10
        )
        parts = [reading.part(settings), streaming.part(settings), NO_ENGINE]
        async with served(compose([foundation(database), *parts])) as running:
            port = running.servers[0].sockets[0].getsockname()[1]
            server = Server(f"http://127.0.0.1:{port}", issued.key, database)
            await delays(server)
            delivery = await deliveries(server)
            await pulls(server, connections, delivery)
            await appends(server)


async def delays(server: Server) -> None:
    alone = msgspec.json.decode(await child("watch", server), type=tuple[float, float])
    async with crowded(server):
        among = msgspec.json.decode(await child("watch", server), type=tuple[float, float])
    print("streams: from commit to a stream")
    print(f"  alone           p50 {alone[0]:.2f} ms  p99 {alone[1]:.2f} ms")
    print(f"  among {CROWD + 1}       p50 {among[0]:.2f} ms  p99 {among[1]:.2f} ms")
    ratios = among[0] / alone[0], among[1] / alone[1]
    print(f"  times           p50 {ratios[0]:.2f}x  p99 {ratios[1]:.2f}x  (goal: at most 2x)")


async def deliveries(server: Server) -> float:
    """Microseconds of CPU for each."""
    async with crowded(server) as got:
        before = time.process_time()
        await child("write", server)
        await asyncio.sleep(0.5)
        spent = time.process_time() - before
    facts = int(PER_SECOND * WRITE_SECONDS) * CROWD
    cost = spent / got[0] * 1e6
    print(f"streams: {CROWD} connections, {PER_SECOND} facts a second")
    print(f"  delivered {got[0]:,} of {facts:,}, {cost:.2f} µs of CPU each")
    return cost


async def pulls(server: Server, connections: Pool, delivery: float) -> None:
    async with EventStore.open(server.database) as store:
        for number in range(PULLED // 500 + 1):
            await append(store, 2 + number, 500)
    began, count, after = time.monotonic(), 0, 0
    while count < PULLED and (page := await project_entries(connections, 1, after, 1000)):
        count, after = count + len(page), page[-1].team_seq
    read = count / (time.monotonic() - began)
    before = time.process_time()
    told = (await child("pull", server)).split()
    spent = (time.process_time() - before) / int(told[0]) * 1e6
    pulled = int(told[0]) / float(told[1])
    print("streams: pulling, pages of 1,000")
    print(f"  read from the log {read:,.0f}/s, pulled {pulled:,.0f}/s")
    print(f"  rate  {pulled / read:.2f}x  (goal: at least 0.5x)")
    print(f"  {spent:.2f} µs of CPU an event")
    print(f"  a delivery to one of {CROWD} is {delivery / spent:.2f}x of it  (goal: at most 1x)")


async def appends(server: Server) -> None:
    for role, producers in (("load", 1), ("load-many", MANY)):
        without, beside = 0.0, 0.0
        for _ in range(ROUNDS):
            without += float(await child(role, server)) / ROUNDS
            async with crowded(server):
                beside += float(await child(role, server)) / ROUNDS
        print(f"streams: appends to the followed project, {producers} at once")
        print(f"  alone {without:,.0f}/s, beside {CROWD} streams {beside:,.0f}/s")
        print(f"  rate  {beside / without:.2f}x  (goal: at least 0.9x)")


def main() -> None:
    """Prints one block per comparison, with its goal."""
    with servers.server_folder() as folder:
        running = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(running.url)
            uvloop.run(measure(running.url))
        finally:
            running.stop()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        uvloop.run(CHILDREN[sys.argv[1]](msgspec.json.decode(sys.argv[2], type=Server)))  # type: ignore[arg-type]  # coroutines all
    else:
        main()
