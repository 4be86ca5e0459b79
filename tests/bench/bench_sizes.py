"""Bytes on the disk, for docs/sizing.md: of a product event by the number of its properties, of an
entry of the log, of their messages.

ClickHouse's parts are merged first. An event has a name, a person among five thousand, a session,
a page, and properties with values of a few words, as `bench_ingest` makes them.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import psycopg

from contracts.events.streams import insight_stream
from contracts.product_events import CapturedBatch, encode_batch
from services.command.capture.events import Clock, captured
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.common.log.store import EventStore
from services.common.postgres.migrate import migrate
from services.embedded import postgres
from services.embedded.account import account_for
from services.projector.product_events import event_rows
from services.projector.product_events.persons import person_id
from tests import servers
from tests.bench.bench_ingest import raw_event
from tests.bench.bench_log import rename

EVENTS = 100_000
AT_ONCE = 10_000
FACTS = 20_000
MORE_PROPERTIES = 20
NOW = 1_767_225_600_000_000


def event_of(rng: random.Random, number: int, more: int) -> dict[str, Any]:
    """With so many properties besides the nine of `raw_event`, of a few hundred values each."""
    event = raw_event(rng, number)
    event["properties"] |= {f"property_{n}": f"value {rng.randrange(300)}" for n in range(more)}
    return event


async def product_events(url: str, more: int) -> tuple[float, float, float]:
    """Bytes of a row of events, of one of event_uuids, and of its part of a message."""
    rng = random.Random(7)
    sent = 0
    async with await ClickHouse.open(url) as clickhouse:
        for first in range(0, EVENTS, AT_ONCE):
            events = [
                captured(event_of(rng, number, more), Clock(NOW))
                for number in range(first, first + AT_ONCE)
            ]
            sent += len(encode_batch(CapturedBatch(NOW, events)))
            rows = [
                event_rows.EventRow(first, n, 1, event, person_id(1, event.distinct_id), [""] * 5)
                for n, event in enumerate(events)
            ]
            await event_rows.insert_uuids(clickhouse, rows, f"{first}")
            await event_rows.insert_events(clickhouse, rows, f"{first}", NOW)
        for table in ("events", "event_uuids"):
            await clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")
        sizes = await clickhouse.query(
            Statement(
                "SELECT table, sum(bytes_on_disk) / sum(rows) FROM system.parts"
                " WHERE active AND database = currentDatabase() AND rows > 0"
                " AND table IN ('events', 'event_uuids') GROUP BY table",
                {},
            )
        )
    of = {str(table): float(size) for table, size in sizes}
    return of["events"], of["event_uuids"], sent / EVENTS


async def entries(url: str) -> float:
    """Bytes of an entry of the log, its indexes included."""
    async with EventStore.open(url) as store:
        for first in range(0, FACTS, 200):
            await asyncio.gather(
                *(store.append(rename(insight_stream(1, n), 0)) for n in range(first, first + 200))
            )
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("VACUUM ANALYZE log")
        size = await conn.execute(
            "SELECT pg_total_relation_size('log') / count(*)::float8 FROM log"
        )
        row = await size.fetchone()
    return float(row[0]) if row else 0.0


def main() -> None:
    with servers.server_folder() as name:
        folder = Path(name)
        server = postgres.start(folder / "postgres", account_for(folder))
        try:
            migrate(server.url)
            print(f"sizes: an entry of the log {asyncio.run(entries(server.url)):,.0f} B")
        finally:
            server.stop()
        for more in (0, MORE_PROPERTIES):
            row, uuids, message = asyncio.run(
                product_events(f"chdb://{folder / 'chdb'}?database=d{more}", more)
            )
            print(
                f"sizes: an event of {9 + more} properties {row:.1f} B in events,"
                f" {uuids:.1f} B in event_uuids, {message:.0f} B in the capture stream"
            )


if __name__ == "__main__":
    main()
