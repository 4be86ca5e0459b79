"""Reads over HTTP with a real key, against a constant answer of the same size from the same server.

100,000 insights and 10,000 keys are stored, PostgreSQL has its real settings. Each figure is the
median of rounds in which the read and the constant answer take turns, so that both see the same
machine. Then, idle: from an append's commit to the row.
"""

import asyncio
import multiprocessing
import os
import random
import socket
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import uvicorn
from litestar import Response, get
from litestar.params import FromPath

from contracts.events.insight import InsightCreated, InsightRenamed, InsightTagged
from services.common import administration
from services.common.accounts import hash_key
from services.common.app import ServicePart, compose
from services.common.database import Pool
from services.common.foundation import foundation
from services.common.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from services.projector.app import projections, running
from services.query import reading
from services.query.settings import QuerySettings
from tests import servers
from tests.examples import FUNNEL, TEAM
from tests.services.projector.projecting import (
    Projecting,
    insight,
    progress_of,
    projecting,
    until,
)
from tests.services.query.reads.reading import NO_ENGINE

INSIGHTS = int(os.environ.get("BENCH_INSIGHTS", "100000"))
KEYS = 10_000
CONNECTIONS = 16
ROUNDS = 5
ROUND_SECONDS = 0.6
APPENDS_AT_ONCE = 200
WATCHED = 200


class Read(msgspec.Struct, frozen=True):
    """goal: at least this part of the constant answer's rate."""

    name: str
    path: str
    goal: float | None = None
    headers: Mapping[str, str] = {}


@get("/constant/{size:int}/")
async def constant(size: FromPath[int]) -> Response[bytes]:
    """As many bytes as asked for, and nothing else."""
    return Response(b"x" * size, media_type="application/json")


def _serve(url: str, listening: socket.socket) -> None:
    settings = QuerySettings(database_url=url, clickhouse_url="")
    app = compose(
        [foundation(url), reading.part(settings), NO_ENGINE, ServicePart(handlers=[constant])]
    )
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, loop="uvloop", http="httptools", lifespan="on"
    )
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


@contextmanager
def _server(url: str) -> Iterator[str]:
    """A process that serves; its URL."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        # A socket made elsewhere is not known to be TCP, so nobody else would set it: without it,
        # each answer waits for the other side's delayed acknowledgement, 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(url, listening), daemon=True
        )
        process.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            process.join()


async def _seed(projector: Projecting) -> str:
    """Accounts, keys and insights; a key."""
    organization = await administration.create_organization(projector.pool, "Bench")
    project = await administration.create_project(projector.pool, organization.id, "Bench")
    assert project.id == TEAM
    user = await administration.create_user(projector.pool, "a@example.com", organization.id)
    await _more_keys(projector.pool, user)
    issued = await administration.create_key(projector.pool, user)
    dice = random.Random(1)
    for first in range(1, INSIGHTS + 1, APPENDS_AT_ONCE):
        await asyncio.gather(
            *(
                _create(projector, number, dice)
                for number in range(first, min(first + APPENDS_AT_ONCE, INSIGHTS + 1))
            )
        )
    await asyncio.gather(*(projector.runner(each).catch_up() for each in projections()))
    await projector.execute("VACUUM ANALYZE")
    return issued.key


async def _more_keys(connections: Pool, user: int) -> None:
    async with connections.connection() as conn, conn.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO personal_api_keys (id, user_id, label, secure_value, mask_value, scopes)"
            " VALUES (%s, %s, 'bench', %s, 'phx_', '{*}')",
            [(f"key-{n}", user, hash_key(f"phx_{n}")) for n in range(KEYS)],
        )


async def _create(projector: Projecting, number: int, dice: random.Random) -> None:
    subject = dice.choice(["Sign-ups", "Revenue", "Retention", "Churn", "Onboarding"])
    place = dice.choice(["by country", "of the week", "per plan", "in the app"])
    await projector.append(
        InsightCreated(
            insight_id=number,
            short_id=f"s{number:07}",
            name=f"{subject} {place} {number}",
            description="What the board looks at." if number % 3 else None,
            query=FUNNEL,
            saved=number % 4 != 0,
        ),
        InsightTagged((dice.choice(["board", "growth", "product"]),), ()),
        of=insight(number),
    )


class Load:
    """Requests over connections that stay open, as fast as they are answered."""

    def __init__(self, url: str, key: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname, address.port
        self._headers = {"Host": address.netloc, "Authorization": f"Bearer {key}"}

    async def rate(self, path: str, headers: Mapping[str, str] | None = None) -> float:
        """Answers per second."""
        lines = [f"{name}: {value}" for name, value in {**self._headers, **(headers or {})}.items()]
        request = "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()
        start = perf_counter()
        counts = await asyncio.gather(
            *(self._ask(request, start + ROUND_SECONDS) for _ in range(CONNECTIONS))
        )
        return sum(counts) / (perf_counter() - start)

    async def _ask(self, request: bytes, until_: float) -> int:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=2**22)
        count = 0
        while perf_counter() < until_:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split(b" ", 2)[1])
            assert status in (200, 304), head
            if status == 200:
                _, _, length = head.partition(b"content-length: ")
                await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
            count += 1
        writer.close()
        await writer.wait_closed()
        return count


async def _measure(url: str, key: str) -> None:
    root = f"/api/projects/{TEAM}/insights/"
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        one = await client.get(f"{root}{INSIGHTS // 2}/")
        deep = await _page(client, root, 999)
        reads = [
            Read("one insight", f"{root}{INSIGHTS // 2}/", 0.25),
            Read("the same, 304", f"{root}{INSIGHTS // 2}/", 0.4, _known(one)),
            Read("list of 100", root, 0.3),
            Read("list of 100, basic", f"{root}?basic=true"),
            Read("page 1,000 by next", deep),
            Read(
                "list filtered", f"{root}?saved=true&insight=FUNNELS&tags=%5B%22growth%22%5D", 0.1
            ),
            Read("list searched", f"{root}?search=onboarding", 0.1),
            Read("activity of one", f"{root}{INSIGHTS // 2}/activity/"),
            Read("activity of all", f"{root}activity/"),
            Read("last viewed", f"{root}my_last_viewed/"),
        ]
        sizes = [len((await client.get(read.path)).content) for read in reads]
    load = Load(url, key)
    for read, size in zip(reads, sizes, strict=True):
        rates, ratios = [], []
        for _ in range(ROUNDS):
            fixed = await load.rate(f"/constant/{size}/")
            rates.append(await load.rate(read.path, read.headers))
            ratios.append(rates[-1] / fixed)
        goal = "" if read.goal is None else f"   goal {read.goal}"
        print(
            f"{read.name:22} {size:8,} bytes {statistics.median(rates):9,.0f}/s"
            f"   {statistics.median(ratios):.2f} of a constant answer{goal}",
            flush=True,
        )


def _known(answer: httpx.Response) -> dict[str, str]:
    return {"If-None-Match": answer.headers["ETag"]}


async def _page(client: httpx.AsyncClient, root: str, following: int) -> str:
    """The path of a page so many after the first, or the last one."""
    url = root
    for _ in range(following):
        answer: dict[str, Any] = (await client.get(url)).json()
        if answer["next"] is None:
            break
        url = answer["next"]
    return url[url.index("/api/") :]


async def _visible(projector: Projecting) -> None:
    """From an append's commit to the row it makes, on an idle server."""
    delays: list[float] = []
    async with running(projector.url), progress_of(projector.url) as bell:
        for number in range(WATCHED):
            (fact,) = await projector.append(
                InsightRenamed(name=f"Name {number}", previous=None), of=insight(1)
            )
            start = perf_counter()
            await until(bell, lambda position=fact.position: _reached(projector, position))  # type: ignore[misc]  # bound now
            delays.append((perf_counter() - start) * 1000)
            await asyncio.sleep(0.01)
    delays.sort()
    print(
        f"from commit to row: p50 {delays[len(delays) // 2]:.1f} ms"
        f"  p99 {delays[int(len(delays) * 0.99)]:.1f} ms   goal p99 50 ms"
    )


async def _reached(projector: Projecting, position: int) -> bool:
    (row,) = await projector.rows("SELECT position FROM checkpoints WHERE projection = 'insights'")
    return bool(row["position"] >= position)


async def _run(url: str) -> None:
    async with projecting(url) as projector:
        key = await _seed(projector)
        print(f"{INSIGHTS:,} insights, {KEYS:,} keys, {CONNECTIONS} connections")
        with _server(url) as server:
            await _started(server)
            await _measure(server, key)
        await _visible(projector)


async def _started(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(60):
        while True:
            try:
                (await client.get("/_livez")).raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return


def main() -> None:
    with servers.server_folder() as folder:
        server = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(server.url)
            asyncio.run(_run(server.url))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
