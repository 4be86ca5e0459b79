"""A trace of requests against a query service that is killed all the time: each answered one is in
the trail once, under a number and a root that hold.

python -m tests.services.query.reads_trail.replay --requests 20000
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID, uuid4

import click
import httpx
import msgspec
import uvicorn
import uvloop
from litestar import Litestar

from contracts.events.audit import ReadsSealed
from contracts.events.streams import audit_stream
from contracts.merkle import root_of
from services.command.audit.sealing import Sealing
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.http.proxies import NOBODY
from services.common.log.store import EventStore
from services.common.process import settle
from services.query import computing, reading, recording, streaming
from services.query.reads.read_trail import ReadFilter, ReadTrailReads
from services.query.settings import QuerySettings
from tests import servers
from tests.whole import Whole, running

CLIENTS = 8
POINTS = ("answered", "written", "inserted", "cut")
REQUESTS_BETWEEN_KILLS = (10, 120)


class KillPlan(msgspec.Struct, frozen=True):
    """The process ends when it reaches the point for the n-th time."""

    point: str
    count: int


class Verdict(msgspec.Struct, frozen=True):
    """violations: sentences; none when all holds."""

    answered: int
    rows: int
    kills: int
    violations: list[str]

    def told(self) -> str:
        return "\n".join(
            [
                f"{self.answered} answered requests, {self.rows} rows, {self.kills} kills:"
                f" {len(self.violations)} violations",
                *self.violations[:20],
            ]
        )


def _app(url: str, spool: str, plan: KillPlan | None) -> Litestar:
    # Nothing of the trace computes: no engine is there.
    settings = QuerySettings(
        database_url=url, clickhouse_url="http://127.0.0.1:1", reads_spool=spool
    )
    reached = 0

    def crash(point: str) -> None:
        nonlocal reached
        if plan is not None and point == plan.point:
            reached += 1
            if reached == plan.count:
                os.kill(os.getpid(), signal.SIGKILL)

    return compose(
        [
            foundation(url),
            recording.part(settings, NOBODY, crash),
            reading.part(settings),
            computing.part(settings),
            streaming.part(settings),
        ]
    )


def _serve(url: str, spool: str, plan: KillPlan | None, listening: socket.socket) -> None:
    config = uvicorn.Config(
        _app(url, spool, plan), log_level="error", access_log=False, lifespan="on"
    )
    settle()
    uvloop.run(uvicorn.Server(config).serve(sockets=[listening]))


class Server:
    """One that comes back after each kill, until it is told to end in order."""

    def __init__(self, url: str, spool: Path, chance: random.Random) -> None:
        self._url = url
        self._spool = spool
        self._chance = chance
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.kills = 0

    @contextlib.asynccontextmanager
    async def killed_again_and_again(self) -> AsyncIterator[None]:
        over = asyncio.Event()
        coming_back = asyncio.create_task(self._come_back(over))
        yield
        over.set()
        await coming_back

    async def _come_back(self, over: asyncio.Event) -> None:
        while not over.is_set():
            process = self._start(self._plan())
            ended = asyncio.create_task(asyncio.to_thread(process.join))
            done = asyncio.create_task(over.wait())
            await asyncio.wait({ended, done}, return_when=asyncio.FIRST_COMPLETED)
            done.cancel()
            process.kill()
            await ended
            self.kills += 1

    def _plan(self) -> KillPlan:
        point = self._chance.choice(POINTS)
        count = self._chance.randint(*REQUESTS_BETWEEN_KILLS)
        # A batch has many reads in it.
        return KillPlan(point, count if point in POINTS[:2] else 1 + count // 20)

    def _start(self, plan: KillPlan | None) -> BaseProcess:
        process = multiprocessing.get_context("spawn").Process(
            target=_serve,
            args=(self._url, str(self._spool), plan, self._listening),
            daemon=True,
        )
        process.start()
        return process

    async def take_over(self) -> None:
        """A last one, which ends in order."""
        process = self._start(None)
        async with httpx.AsyncClient(base_url=self.address, timeout=60) as client:
            (await client.get("/_livez")).raise_for_status()
        process.terminate()
        await asyncio.to_thread(process.join)
        self._listening.close()


async def trace(whole: Whole) -> Sequence[str]:
    """Paths over API, share, embed, CSV and a share's token."""
    made = [await whole.create(name=name) for name in ("A", "B", "C")]
    one = f"{whole.insights}{made[0]['id']}/"
    shared = await whole.client.patch(f"{one}sharing/", json={"enabled": True})
    token = shared.json()["access_token"]
    return [
        one,
        f"{whole.insights}{made[1]['short_id']}/",
        whole.insights,
        f"{whole.insights}?format=csv",
        f"{whole.insights}?search=B",
        f"{one}activity/",
        f"{one}versions/",
        f"{one}sharing/",
        f"{whole.insights}999/",
        f"/shared/{token}",
        f"/shared/{token}.json",
        f"/embedded/{token}",
        f"{one}?sharing_access_token={token}",
    ]


async def replay(url: str, whole: Whole, spool: Path, requests: int, seed: int) -> Verdict:
    """What came of so many requests."""
    chance = random.Random(seed)
    paths = await trace(whole)
    server = Server(url, spool, chance)
    answered: set[UUID] = set()
    left = requests

    async def ask() -> None:
        nonlocal left
        headers = whole.client.headers
        while left > 0:
            async with httpx.AsyncClient(
                base_url=server.address, headers=headers, timeout=60
            ) as client:
                with contextlib.suppress(httpx.TransportError):
                    while left > 0:
                        left -= 1
                        path, correlation = chance.choice(paths), uuid4()
                        sent = {"X-Correlation-Id": str(correlation)}
                        if path.startswith(("/shared", "/embedded")) or "sharing_access" in path:
                            sent["Authorization"] = ""
                        answer = await client.get(path, headers=sent)
                        assert answer.status_code in (200, 404), answer.text
                        answered.add(correlation)

    async with (
        EventStore.open(url) as store,
        _sealing(store, whole, chance),
        server.killed_again_and_again(),
    ):
        await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    await server.take_over()
    async with EventStore.open(url) as store:
        await Sealing(store, whole.pool).seal_all()
        violations = [*await _rows(whole, answered), *await _seals(whole, store)]
    if waiting := os.listdir(spool):
        violations.append(f"left in the spool: {waiting}")
    rows = await _all(whole)
    return Verdict(len(answered), len(rows), server.kills, violations)


class _Killed(Exception):
    """The command service ends here."""


@contextlib.asynccontextmanager
async def _sealing(store: EventStore, whole: Whole, chance: random.Random) -> AsyncIterator[None]:
    """Seals, and dies at any point of it, while the block runs."""

    def crash(_: str) -> None:
        if chance.random() < 0.2:
            raise _Killed

    async def seal() -> None:
        while True:
            with contextlib.suppress(_Killed):
                await Sealing(store, whole.pool, crash).seal_all()
            await asyncio.sleep(0.1)

    sealing = asyncio.create_task(seal())
    yield
    sealing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sealing


async def _all(whole: Whole) -> list[UUID | None]:
    async with whole.pool.connection() as conn:
        cursor = await conn.execute("SELECT correlation_id FROM reads")
        return [correlation for (correlation,) in await cursor.fetchall()]


async def _rows(whole: Whole, answered: set[UUID]) -> list[str]:
    """Each answered request has its one row; none is there twice."""
    rows = await _all(whole)
    found = {correlation for correlation in rows if correlation is not None}
    return [
        *(f"answered and not told: {correlation}" for correlation in sorted(answered - found)),
        *([f"{len(rows)} rows of {len(found)} requests"] if len(rows) != len(found) else []),
    ]


async def _seals(whole: Whole, store: EventStore) -> list[str]:
    """Numbers without a gap, and a root over each span that is the one of its rows."""
    trail = ReadTrailReads(whole.pool)
    page = await trail.page(whole.project.id, ReadFilter(), 0, 10_000_000)
    reads = {each.number: each for each in page.reads}
    violations = [f"{each.number} does not hold" for each in page.reads if not each.holds]
    expected = 1
    for recorded in await store.load(audit_stream(whole.project.id)):
        seal = recorded.event
        if not isinstance(seal, ReadsSealed):
            continue
        if seal.first != expected:
            violations.append(f"{seal.first} follows {expected - 1}")
        numbers = range(seal.first, seal.last + 1)
        leaves = [reads[number].commitment for number in numbers if number in reads]
        if len(leaves) != seal.count or root_of(leaves).hex() != seal.root:
            violations.append(f"the seal over {seal.first} to {seal.last} does not hold")
        expected = seal.last + 1
    if expected != page.through + 1 or page.unsealed:
        violations.append(f"{page.unsealed} unsealed, numbers end at {expected - 1}")
    return violations


async def _whole_run(requests: int, seed: int, then: Callable[[Verdict], None]) -> None:
    with (
        servers.server_folder() as folder,
        servers.postgres_server(folder) as databases,
        databases.migrated() as url,
        servers.nats_server(folder) as bus,
    ):
        async with servers.clickhouse(folder) as clickhouse:
            engine = f"chdb://{folder / 'chdb'}?database={clickhouse.database}"
            async with running(url, bus.url, clickhouse, engine) as whole:
                then(await replay(url, whole, folder / "spool", requests, seed))


@click.command()
@click.option("--requests", default=20_000)
@click.option("--seed", default=1)
def main(requests: int, seed: int) -> None:
    """Exit code 1 when something does not hold."""

    def tell(verdict: Verdict) -> None:
        print(verdict.told())
        if verdict.violations:
            raise SystemExit(1)

    uvloop.run(_whole_run(requests, seed, tell))


if __name__ == "__main__":
    main()
