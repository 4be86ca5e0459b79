"""Reads over HTTP with a real key, against a constant answer of the same size from the same server.

100,000 insights and 10,000 keys are stored, PostgreSQL has its real settings. Each figure is the
median of rounds in which the read and the constant answer take turns, so that both see the same
machine. Then, idle: from an append's commit to the row.
"""

import asyncio
import statistics
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import httpx
import msgspec
from litestar import Litestar

from contracts.events.insight import InsightRenamed
from services.common.http.app import ServicePart, compose
from services.common.http.foundation import foundation
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from services.projector.app import running
from services.query import reading
from services.query.settings import QuerySettings
from tests import servers
from tests.bench.http_load import CONNECTIONS, Load, constant, server, started
from tests.bench.stored import INSIGHTS, KEYS, seed
from tests.examples import TEAM
from tests.services.projector.projecting import Projecting, insight, progress_of, projecting, until
from tests.services.query.reads.reading import NO_ENGINE

ROUNDS = 5
WATCHED = 200


class Read(msgspec.Struct, frozen=True):
    """goal: at least this part of the constant answer's rate."""

    name: str
    path: str
    goal: float | None = None
    headers: Mapping[str, str] = {}


def _app(url: str) -> Litestar:
    settings = QuerySettings(database_url=url, clickhouse_url="")
    return compose(
        [foundation(url), reading.part(settings), NO_ENGINE, ServicePart(handlers=[constant])]
    )


async def _measure(url: str, key: str) -> None:
    root = f"/api/projects/{TEAM}/insights/"
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        one = await client.get(f"{root}{INSIGHTS // 2}/")
        deep = await _page(client, root, 999)
        filtered = f"{root}?saved=true&insight=FUNNELS&tags=%5B%22growth%22%5D"
        reads = [
            Read("one insight", f"{root}{INSIGHTS // 2}/", 0.25),
            Read("the same, 304", f"{root}{INSIGHTS // 2}/", 0.4, _known(one)),
            Read("list of 100", root, 0.3),
            Read("list of 100, basic", f"{root}?basic=true"),
            Read("page 1,000 by next", deep),
            Read("list filtered", filtered, 0.1),
            Read("list searched", f"{root}?search=onboarding", 0.1),
            Read("one insight, anew", f"{root}{INSIGHTS // 2}/?anew="),
            Read("list of 100, anew", f"{root}?anew="),
            Read("page 1,000, anew", f"{deep}&anew="),
            Read("list filtered, anew", f"{filtered}&anew="),
            Read("list searched, anew", f"{root}?search=onboarding&anew="),
            Read("activity of one", f"{root}{INSIGHTS // 2}/activity/"),
            Read("activity of all", f"{root}activity/"),
            Read("last viewed", f"{root}my_last_viewed/"),
        ]
        sizes = [len((await client.get(read.path)).content) for read in reads]
    load = Load(url, key)
    for read, size in zip(reads, sizes, strict=True):
        rates, ratios = [], []
        for _ in range(ROUNDS):
            fixed = await load.reads(f"/constant/{size}/")
            rates.append(await load.reads(read.path, read.headers))
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
        key = await seed(projector)
        print(f"{INSIGHTS:,} insights, {KEYS:,} keys, {CONNECTIONS} connections")
        with server(_app, url) as address:
            await started(address)
            await _measure(address, key)
        await _visible(projector)


def main() -> None:
    with servers.server_folder() as folder:
        database = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(database.url)
            asyncio.run(_run(database.url))
        finally:
            database.stop()


if __name__ == "__main__":
    main()
