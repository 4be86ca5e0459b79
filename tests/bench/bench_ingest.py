"""Captured events to durable and to queryable, over HTTP, against the engine's own bulk insert.

One server process with the doors and the projector on PostgreSQL and NATS with their real settings;
this process sends. Events have nine properties, and come in batches of 100 as SDKs send them.
"""

import asyncio
import random
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from litestar import Litestar

from services.command.capture import app as capture
from services.command.capture.events import Clock, captured
from services.common.accounts import administration
from services.common.clickhouse import ClickHouse
from services.common.http.app import compose
from services.common.http.foundation import foundation
from services.common.postgres.database import pool
from services.common.postgres.migrate import migrate
from services.embedded import nats, postgres
from services.embedded.account import account_for
from services.projector.product_events import event_rows
from services.projector.product_events import part as ingesting
from services.projector.product_events.persons import person_id
from tests import servers
from tests.bench.http_load import server

EVENTS = 60_000
BATCH = 100
PERSONS = 5_000
SENDERS = 8
WATCHED = 40

_HEADERS = {"Content-Type": "application/json"}


def raw_event(rng: random.Random, number: int) -> dict[str, Any]:
    """As an SDK sends it."""
    return {
        "event": rng.choice(["$pageview", "sign up", "purchase"]),
        "distinct_id": f"person-{rng.randrange(PERSONS)}",
        "uuid": str(uuid4()),
        "timestamp": f"2026-01-{rng.randrange(1, 29):02}T12:00:00.{number % 1000:03}Z",
        "properties": {
            "$lib": "web",
            "$lib_version": "1.449.0",
            "$browser": rng.choice(["Chrome", "Safari", "Firefox"]),
            "$os": rng.choice(["Windows", "Mac OS X", "Linux"]),
            "$current_url": f"https://shop.example/products/{rng.randrange(500)}",
            "$referrer": "https://search.example/",
            "$session_id": f"s-{rng.randrange(20_000)}",
            "value": rng.randrange(10_000) / 100,
            "items": rng.randrange(1, 9),
        },
    }


def bodies(token: str, count: int) -> list[bytes]:
    rng = random.Random(7)
    events = [raw_event(rng, number) for number in range(count)]
    return [
        msgspec.json.encode({"api_key": token, "batch": events[start : start + BATCH]})
        for start in range(0, count, BATCH)
    ]


def _application(nats_url: str, clickhouse_url: str, postgres_url: str) -> Litestar:
    """The doors and the projector, in one process."""
    return compose(
        [
            foundation(postgres_url),
            capture.part(nats_url),
            ingesting.part(postgres_url, nats_url, clickhouse_url),
        ]
    )


async def _token(postgres_url: str) -> str:
    async with pool(postgres_url) as connections:
        organization = await administration.create_organization(connections, "Bench")
        project = await administration.create_project(connections, organization.id, "Bench")
    return project.api_token


async def _send(client: httpx.AsyncClient, waiting: Iterator[bytes]) -> int:
    """Bodies one after the other, until there are none; the last position."""
    position = 0
    for body in waiting:
        answer = await client.post("/batch/", content=body, headers=_HEADERS)
        answer.raise_for_status()
        position = int(answer.headers["Ingest-Position"])
    return position


async def _visible(client: httpx.AsyncClient, position: int) -> None:
    query = {"reach": position, "wait": 30}
    while not (await client.get("/i/position", params=query)).json()["reached"]:
        pass


async def _measure(url: str, token: str) -> float:
    """Prints the rates; the one to queryable."""
    async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as client:
        await _visible(client, await _send(client, iter(bodies(token, 2_000))))
        each = bodies(token, WATCHED * BATCH)
        durable, visible = [], []
        for body in each:
            start = perf_counter()
            position = await _send(client, iter([body]))
            durable.append((perf_counter() - start) * 1000)
            await _visible(client, position)
            visible.append((perf_counter() - start) * 1000)
        waiting = iter(bodies(token, EVENTS))
        start = perf_counter()
        positions = await asyncio.gather(*(_send(client, waiting) for _ in range(SENDERS)))
        to_durable = perf_counter() - start
        await _visible(client, max(positions))
        to_visible = perf_counter() - start
    print(f"ingest: {EVENTS:,} events over HTTP in batches of {BATCH}, {SENDERS} senders")
    print(f"  to durable    {EVENTS / to_durable:8,.0f}/s  (goal: at least 5,000/s)")
    print(f"  to queryable  {EVENTS / to_visible:8,.0f}/s")
    print("ingest: one batch, idle")
    print(f"  to durable    p50 {statistics.median(durable):6.1f} ms")
    print(f"  to queryable  p50 {statistics.median(visible):6.1f} ms  worst {max(visible):.1f} ms")
    return EVENTS / to_visible


async def _bulk(url: str) -> float:
    """Rows per second of the engine's insert of the same rows, in blocks of 10,000."""
    rng, now = random.Random(7), 1_767_225_600_000_000
    rows = []
    for number in range(EVENTS):
        event = captured(raw_event(rng, number), Clock(now))
        person = person_id(1, event.distinct_id)
        rows.append(event_rows.EventRow(number, 0, 1, event, person, [""] * 5))
    async with await ClickHouse.open(url) as clickhouse:
        await event_rows.insert_events(clickhouse, rows[:1_000], "warm", now)
        start = perf_counter()
        for first in range(0, EVENTS, 10_000):
            await event_rows.insert_events(
                clickhouse, rows[first : first + 10_000], f"{first}", now
            )
        return EVENTS / (perf_counter() - start)


def main() -> None:
    """Prints each rate, with its goal and as a ratio to the bulk insert."""
    with servers.server_folder() as name:
        folder = Path(name)
        account = account_for(folder)
        database = postgres.start(folder / "postgres", account)
        bus = nats.start(folder / "nats", account)
        try:
            migrate(database.url)
            token = asyncio.run(_token(database.url))
            application = partial(_application, bus.url, f"chdb://{folder / 'chdb'}")
            with server(application, database.url) as url:
                rate = asyncio.run(_measure(url, token))
            bulk = asyncio.run(_bulk(f"chdb://{folder / 'bulk'}"))
            print(f"ingest: the engine's own insert of the same rows {bulk:,.0f}/s")
            print(f"  queryable over own insert  {rate / bulk:.2f}x")
        finally:
            bus.stop()
            database.stop()


if __name__ == "__main__":
    main()
