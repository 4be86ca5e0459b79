"""What live numbers cost: marks in ingest, a kept funnel under a stream of events, its look-up.

Ratios of one run, taken in turns. The look-up is held against the statement it had when results
aged by the clock.
"""

import asyncio
import contextlib
import random
import statistics
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, LiteralString
from unittest.mock import patch

import httpx
import msgspec
from litestar import Litestar

from contracts.product_events import CapturedBatch, encode_batch
from services.command.capture import app as capture
from services.command.capture.events import Clock, captured
from services.common.accounts import administration
from services.common.clickhouse import ClickHouse
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.insights.results.kept import Result
from services.common.postgres.database import Pool, pool
from services.common.postgres.migrate import migrate
from services.embedded import nats, postgres
from services.embedded.account import account_for
from services.projector.product_events import marks
from services.projector.product_events import part as ingesting
from services.projector.product_events.captured import StreamMessage
from services.projector.product_events.ingest import Ingest
from services.projector.product_events.lease import lease
from services.query import computing, reading
from services.query.results import cache
from services.query.results.computation import Inputs, PreparedComputation, Range
from services.query.settings import QuerySettings
from tests import servers
from tests.bench.bench_ingest import raw_event
from tests.bench.http_load import server, started

BATCHES, BATCH = 60, 1_000
SEED = 200_000
SECONDS = 20
ASKED_A_SECOND = 100
CAPTURED_A_SECOND = 1_000
LOOKS = 3_000
RECEIVED = 1_767_225_600_000_000

_BEFORE: LiteralString = """
    SELECT r.body, r.dependencies, r.query_interval, r.date_to, r.last_refresh,
        EXISTS (SELECT FROM event_watermarks w WHERE w.team_id = r.team_id AND w.version > r.reached
            AND w.month + interval '1 month' > coalesce(r.date_from, '-infinity')
            AND w.month <= coalesce(r.date_to, 'infinity'))
        OR EXISTS (SELECT FROM identity_watermarks i
            WHERE i.team_id = r.team_id AND i.version > r.reached) AS moved,
        EXISTS (SELECT FROM event_watermarks w WHERE w.team_id = r.team_id AND w.version > r.reached
            AND w.month + interval '1 month' > coalesce(r.date_from, '-infinity')
            AND w.month <= coalesce(r.date_to, 'infinity')
            AND w.month + interval '1 month' <= r.started_at) AS late
    FROM results r WHERE r.team_id = %(team_id)s AND r.key = %(key)s"""
_TABLES_BEFORE: LiteralString = """
    CREATE TABLE event_watermarks (
        team_id bigint, month date, version bigint, PRIMARY KEY (team_id, month)
    );
    CREATE TABLE identity_watermarks (team_id bigint PRIMARY KEY, version bigint);
    INSERT INTO event_watermarks
    SELECT team_id, date_trunc('month', day), max(version) FROM day_marks GROUP BY 1, 2;
    INSERT INTO identity_watermarks SELECT DISTINCT team_id, 1 FROM day_marks"""


async def _without(*_: object) -> None:
    """Nothing is moved."""


async def _ingest(postgres_url: str, clickhouse_url: str) -> None:
    """Batches in turn with marks and without, on the connection and the engine of ingest."""
    rng = random.Random(3)
    spent: dict[bool, list[float]] = {True: [], False: []}
    async with (
        lease(postgres_url, "bench", lambda: None) as held,
        await ClickHouse.open(clickhouse_url) as clickhouse,
    ):
        ingest = Ingest(held, clickhouse)
        await ingest.progress()
        for number in range(1, BATCHES + 1):
            events = [captured(raw_event(rng, n), Clock(RECEIVED)) for n in range(BATCH)]
            message = StreamMessage(number, 1, encode_batch(CapturedBatch(RECEIVED, events)))
            has_marks = number % 2 == 0
            with contextlib.ExitStack() as stack:
                if not has_marks:
                    stack.enter_context(patch.object(marks, "move", _without))
                    stack.enter_context(patch.object(marks, "of_changes", lambda *_: set()))
                start = perf_counter()
                await ingest.store(await ingest.begin([message]), [message])
                spent[has_marks].append(perf_counter() - start)
        await held.conn.execute("DELETE FROM ingest_progress WHERE stream = 'bench'")
    with_marks, without = (statistics.median(spent[has][2:]) for has in (True, False))
    print(f"ingest with marks: {without / with_marks:.2f} of without   goal 0.95")


def _application(nats_url: str, clickhouse_url: str, postgres_url: str) -> Litestar:
    settings = QuerySettings(database_url=postgres_url, clickhouse_url=clickhouse_url)
    return compose(
        [
            foundation(postgres_url),
            capture.part(nats_url),
            ingesting.part(postgres_url, nats_url, clickhouse_url),
            reading.part(settings),
            computing.part(settings),
        ]
    )


class Site(msgspec.Struct, frozen=True):
    client: httpx.AsyncClient
    token: str
    pool: Pool

    async def send(self, names: list[str], count: int) -> int:
        """So many events of these names, now; their position."""
        rng = random.Random()
        batch = [
            {
                "event": rng.choice(names),
                "distinct_id": f"p{rng.randrange(20_000)}",
                "properties": {"$browser": "Firefox", "value": rng.randrange(100)},
            }
            for _ in range(count)
        ]
        answer = await self.client.post("/batch/", json={"api_key": self.token, "batch": batch})
        answer.raise_for_status()
        return int(answer.headers["ingest-position"])

    async def visible(self, position: int) -> None:
        await self.client.get("/i/position", params={"reach": position, "wait": 30}, timeout=60)

    async def ask(self) -> None:
        events = [{"id": "signed up", "order": 0}, {"id": "paid", "order": 1}]
        answer = await self.client.post("/api/projects/1/insights/funnel/", json={"events": events})
        answer.raise_for_status()

    async def computed(self) -> tuple[int, float]:
        """How often, and for how many seconds in all."""
        async with self.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT count(*), coalesce(sum(extract(epoch FROM end_time - pickup_time)), 0)"
                " FROM jobs"
            )
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0]), float(row[1])


async def _every(seconds: float, what: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """At this pace for SECONDS, as far as the machine keeps up; how often in a second it was."""
    start, count = perf_counter(), 0
    async with asyncio.TaskGroup() as running:
        while perf_counter() - start < SECONDS:
            running.create_task(what())
            count += 1
            await asyncio.sleep(max(start + count * seconds - perf_counter(), 0))
    return count / (perf_counter() - start)


async def _kept(site: Site) -> None:
    position = 0
    for _ in range(0, SEED, 1_000):
        position = await site.send(["signed up", "paid", "looked"], 1_000)
    await site.visible(position)
    await site.ask()
    for whose, names, goal in (
        ("other", ["looked", "left"], "0 computations"),
        ("its own", ["signed up", "paid"], "0.10 of a core"),
    ):
        runs, seconds = await site.computed()
        start = perf_counter()
        asked, sent = await asyncio.gather(
            _every(1 / ASKED_A_SECOND, site.ask),
            _every(0.1, partial(site.send, names, CAPTURED_A_SECOND // 10)),
        )
        took = perf_counter() - start
        more, longer = await site.computed()
        print(
            f"a funnel asked {asked:.0f} times a second, {sent * CAPTURED_A_SECOND / 10:,.0f}"
            f" events a second of {whose} names: {more - runs} computations,"
            f" {(longer - seconds) / took:.3f} of a core   goal {goal}"
        )


async def _look(connections: Pool) -> None:
    """A funnel of a month, three names and a filter on persons; nothing has moved."""
    async with connections.connection() as conn:
        await conn.execute(_TABLES_BEFORE)
        cursor = await conn.execute("SELECT key, settings, date_from, date_to FROM results")
        row = await cursor.fetchone()
        await conn.execute("UPDATE results SET reached = 1000000000")
    assert row is not None
    key, settings, date_from, date_to = row
    until = date_to + timedelta(minutes=1)
    prepared = PreparedComputation(
        settings=settings,
        dependencies=b"",
        clock=b"",
        range=Range("day", date_from, until),
        inputs=Inputs(
            events=frozenset({1, 2, 3}), since=date_from, until=until, records=frozenset({4, 5})
        ),
        work=None,  # type: ignore[arg-type]  # nothing is computed here
    )

    async def before() -> None:
        async with connections.connection() as conn:
            cursor = await conn.execute(_BEFORE, {"team_id": 1, "key": key})
            row = await cursor.fetchone()
        assert row is not None
        msgspec.json.decode(row[0], type=Result)

    async def now() -> None:
        assert (await cache.look(connections, 1, key, prepared)).kept is not None

    spent: dict[str, list[float]] = {"before": [], "now": []}
    for _ in range(LOOKS):
        for name, look in (("before", before), ("now", now)):
            start = perf_counter()
            await look()
            spent[name].append(perf_counter() - start)
    old, new = (statistics.median(spent[name]) * 1e6 for name in ("before", "now"))
    print(f"look-up {new:.0f} µs, before {old:.0f} µs: {new / old:.2f} times   goal 1.1")


async def _run(postgres_url: str, nats_url: str, folder: Path) -> None:
    async with pool(postgres_url) as connections:
        organization = await administration.create_organization(connections, "Bench")
        project = await administration.create_project(connections, organization.id, "Bench")
        user = await administration.create_user(connections, "a@example.com", organization.id)
        key = (await administration.create_key(connections, user)).key
        application = partial(_application, nats_url, f"chdb://{folder / 'chdb'}")
        with server(application, postgres_url) as url:
            await started(url)
            async with httpx.AsyncClient(
                base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60
            ) as client:
                await _kept(Site(client, project.api_token, connections))
        await _look(connections)
    await _ingest(postgres_url, f"chdb://{folder / 'marks'}")


def main() -> None:
    with servers.server_folder() as folder:
        account = account_for(folder)
        database = postgres.start(folder / "postgres", account)
        bus = nats.start(folder / "nats", account)
        try:
            migrate(database.url)
            asyncio.run(_run(database.url, bus.url, folder))
        finally:
            bus.stop()
            database.stop()


if __name__ == "__main__":
    main()
