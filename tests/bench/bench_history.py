"""What the past costs: reads of it against reads of the present, its projection against that of
the insights, and writes with and without all of it.

Each figure is the median of rounds in which both sides take turns, so that both see the same
machine.
"""

import asyncio
import contextlib
import os
import statistics
from collections.abc import AsyncIterator, Callable, Mapping
from time import perf_counter
from typing import Any

import psycopg
from litestar import Litestar
from psycopg import sql

from contracts.events.insight import InsightCreated, InsightRenamed
from services.command import app as command
from services.command.settings import CommandSettings
from services.common.accounts import administration
from services.common.http.app import ServicePart, compose
from services.common.http.foundation import foundation
from services.common.log.store import BELL_CHANNEL, EventStore
from services.common.postgres.bell import Bell
from services.common.postgres.database import pool
from services.common.postgres.migrate import migrate
from services.common.tasks import background
from services.embedded import postgres
from services.embedded.account import account_for
from services.projector.app import projections
from services.projector.projection import Projection
from services.projector.read_models.history import HistoryProjection
from services.projector.read_models.insights import insight_projection
from services.projector.rebuild import rebuild
from services.projector.runner import ProjectionRunner
from services.query import reading
from services.query.settings import QuerySettings
from tests import servers
from tests.bench.http_load import Load, server, started
from tests.examples import FUNNEL, TEAM
from tests.services.projector.projecting import Projecting, insight, projecting
from tests.services.query.reads.reading import NO_ENGINE

INSIGHTS = int(os.environ.get("BENCH_HISTORY_INSIGHTS", "2000"))
VERSIONS = int(os.environ.get("BENCH_HISTORY_VERSIONS", "10"))
LONG = 1_000
AT_ONCE = 200
ROUNDS = 9
REBUILDS = 3
PATCHED = 256


async def _account(projector: Projecting) -> str:
    organization = await administration.create_organization(projector.pool, "Bench")
    project = await administration.create_project(projector.pool, organization.id, "Bench")
    assert project.id == TEAM
    user = await administration.create_user(projector.pool, "a@example.com", organization.id)
    return (await administration.create_key(projector.pool, user)).key


async def _insights(projector: Projecting, count: int, versions: int) -> None:
    """The first of them has LONG versions, if the others have more than one."""
    for number in range(1, count + 1, AT_ONCE):
        numbers = range(number, min(number + AT_ONCE, count + 1))
        await asyncio.gather(
            *(
                projector.append(
                    InsightCreated(
                        insight_id=each, short_id=f"s{each:07}", name="Sign-ups", query=FUNNEL
                    ),
                    of=insight(each),
                )
                for each in numbers
            )
        )
    for version in range(2, versions + 1):
        for number in range(1, count + 1, AT_ONCE):
            numbers = range(number, min(number + AT_ONCE, count + 1))
            await asyncio.gather(*(_rename(projector, each, version) for each in numbers))
    for version in range(versions + 1, LONG + 1 if versions > 1 else 0):
        await _rename(projector, 1, version)


async def _rename(projector: Projecting, number: int, version: int) -> None:
    renamed = InsightRenamed(name=f"Version {version}", previous=f"Version {version - 1}")
    await projector.append(renamed, of=insight(number))


def _reading_app(url: str) -> Litestar:
    settings = QuerySettings(database_url=url, clickhouse_url="")
    return compose([foundation(url), reading.part(settings), NO_ENGINE])


async def _reads(url: str, key: str, head: int) -> None:
    root = f"/api/projects/{TEAM}/insights/"
    load = Load(url, key, connections=4)
    pairs = [
        (f"one insight of {LONG:,} versions", f"{root}1/?", f"{root}1/?as_of=v{LONG // 2}&", 2.0),
        ("a list of 100", f"{root}?", f"{root}?as_of=p{head // 2}&", 4.0),
    ]
    for name, live, then, goal in pairs:
        ratios = []
        for _ in range(ROUNDS):
            now = await load.reads(f"{live}anew=")
            ratios.append(now / await load.reads(f"{then}anew="))
        told = f"{statistics.median(ratios):.2f} times the present   goal {goal}"
        print(f"as of a moment, {name:30} {told}", flush=True)


async def _rebuilds(projector: Projecting) -> None:
    kinds: Mapping[str, Callable[[], Projection[Any]]] = {
        "insights": insight_projection,
        "history": HistoryProjection,
    }
    head = await projector.store.head()
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(REBUILDS):
        for name, made in kinds.items():
            start = perf_counter()
            await rebuild(projector.url, projector.store, made())
            took[name].append(perf_counter() - start)
    ratio = statistics.median(a / b for a, b in zip(took["history"], took["insights"], strict=True))
    rates = ", ".join(f"{n} {head / statistics.median(each):,.0f}/s" for n, each in took.items())
    print(f"rebuild of {head:,} facts: {rates}   history {ratio:.2f} times insights   goal 1.5")


def _with(url: str) -> Litestar:
    return _writing_app(url, projections())


def _without(url: str) -> Litestar:
    return _writing_app(url, [each for each in projections() if each.name != "history"])


def _writing_app(url: str, followed: Any) -> Litestar:
    """Writes, and rows that follow them in the same process, as on one machine."""

    @contextlib.asynccontextmanager
    async def following(_: Litestar) -> AsyncIterator[None]:
        bell = Bell(url, BELL_CHANNEL)
        async with (
            pool(url, size=len(followed) + 2, name="projector") as connections,
            EventStore.open(url) as store,
            bell.listening(),
            contextlib.AsyncExitStack() as stack,
        ):
            for each in followed:
                run = ProjectionRunner(each, store, connections).run(bell)
                await stack.enter_async_context(background(each.name, run))
            yield

    settings = CommandSettings(database_url=url, nats_url="")
    own = ServicePart(handlers=[], lifespans=[following])
    return compose([foundation(url), command.part(settings), own])


async def _writes(url: str) -> None:
    keys = {}
    sides: dict[str, Callable[[str], Litestar]] = {"with_history": _with, "without": _without}
    urls = {name: _database(url, name) for name in sides}
    for name, own in urls.items():
        async with projecting(own) as projector:
            if name == "without":
                await projector.execute("DROP INDEX log_operations")
            keys[name] = await _account(projector)
            await _insights(projector, PATCHED, 1)
    with (
        server(_with, urls["with_history"]) as address,
        server(_without, urls["without"]) as other,
    ):
        addresses = {"with_history": address, "without": other}
        for each in addresses.values():
            await started(each)
        for connections in (1, 32):
            rates: dict[str, list[float]] = {name: [] for name in sides}
            for _ in range(ROUNDS):
                for name, each in addresses.items():
                    load = Load(each, keys[name], connections)
                    rates[name].append(await load.writes("PATCH", _path))
            ratio = statistics.median(
                b / a for a, b in zip(rates["with_history"], rates["without"], strict=True)
            )
            print(
                f"PATCH, {connections:2} at once: {statistics.median(rates['with_history']):,.0f}/s"
                f" with history, {statistics.median(rates['without']):,.0f}/s without"
                f"   {ratio:.2f} times   goal 1.1",
                flush=True,
            )


def _path(connection: int, count: int) -> str:
    number = (connection * 8 + count % 8) % PATCHED + 1
    return f"/api/projects/{TEAM}/insights/{number}/"


def _database(url: str, name: str) -> str:
    """Another database on the same server, with all tables."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    own = psycopg.conninfo.make_conninfo(url, dbname=name)
    migrate(own)
    return own


async def _run(url: str) -> None:
    async with projecting(url) as projector:
        key = await _account(projector)
        await _insights(projector, INSIGHTS, VERSIONS)
        await asyncio.gather(*(projector.runner(each).catch_up() for each in projections()))
        await projector.execute("VACUUM ANALYZE")
        with server(_reading_app, url) as address:
            await started(address)
            await _reads(address, key, await projector.store.head())
        await _rebuilds(projector)
    await _writes(url)


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
