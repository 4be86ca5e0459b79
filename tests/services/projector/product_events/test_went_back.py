"""A PostgreSQL that is older than ClickHouse: a standby that was behind, or a backup.

Whatever it has lost is stored again from the stream, and nothing stands twice.
"""

import random
from collections.abc import AsyncIterator, Iterator

import msgspec
import psycopg
import pytest

from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.stream import capture_stream
from services.projector.product_events import follower
from services.projector.product_events.captured import forget
from services.projector.product_events.follower import ProductEvents
from services.projector.product_events.ingest import STEPS, Step
from tests import servers as real
from tests.services.projector.product_events.setup import Servers, event
from tests.services.projector.product_events.stories import story
from tests.services.projector.product_events.test_crashes import (
    Crash,
    Crashing,
    holds_what_was_told,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def before(databases: real.Databases) -> Iterator[str]:
    """A database that nobody is connected to between two uses."""
    with databases.migrated() as url:
        yield url


@pytest.fixture
async def servers(
    before: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    bus = await connect_bus(nats_url, "test")
    yield Servers(before, bus, clickhouse, stream_prefix)
    await bus.close()


@pytest.mark.parametrize("step", STEPS)
async def test_what_a_standby_had_not_got_is_stored_again_once(
    servers: Servers, databases: real.Databases, before: str, step: Step
) -> None:
    told = story(random.Random(f"back {step}"), 60)
    await servers.stored(told[:10])
    # A range is begun, and that is the last thing the standby hears.
    second = await servers.send(told[10:20])
    with pytest.raises(Crash):
        await servers.projector(Crashing("range fixed")).follow(until=second)
    with databases.copied(before) as behind:
        # Other messages come into the ranges that are begun anew.
        await servers.stored(told[20:30])
        last = await servers.send(told[30:40])
        crashing = Crashing(step)
        with pytest.raises(Crash):
            await servers.projector(crashing).follow(until=last)
        promoted = msgspec.structs.replace(servers, postgres_url=behind)
        last = await promoted.send(told[40:])
        await promoted.projector().follow(until=last)
        await holds_what_was_told(promoted, told)


async def test_what_the_stream_has_not_any_more_is_kept(
    servers: Servers, databases: real.Databases, before: str
) -> None:
    await servers.stored([event() for _ in range(10)])
    with databases.copied(before) as behind:
        for _ in range(3):
            await servers.stored([event() for _ in range(10)])
        await forget(servers.bus, capture_stream(servers.prefix), 2)
        promoted = msgspec.structs.replace(servers, postgres_url=behind)
        last = await promoted.send([event()])
        await promoted.projector().follow(until=last)
        assert await promoted.rows("SELECT count(), uniqExact(uuid) FROM events") == [(41, 41)]


async def test_stored_messages_stay_on_the_stream_for_hours(
    servers: Servers, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "_FORGET_EVERY_SECONDS", 0)
    monkeypatch.setattr(follower, "KEPT_MESSAGES", 1)

    async def first_kept(hours: int) -> int:
        last = await servers.send([event()])
        projector = ProductEvents(
            before, servers.bus, servers.clickhouse, prefix=servers.prefix, keep_hours=hours
        )
        await projector.follow(until=last)
        info = await servers.bus.jetstream().stream_info(capture_stream(servers.prefix))
        return int(info.state.first_seq)

    for _ in range(5):
        assert await first_kept(hours=2) == 1
    async with await psycopg.AsyncConnection.connect(before, autocommit=True) as conn:
        await conn.execute("UPDATE ingest_kept SET at = at - interval '3 hours', reached = 3")
    assert await first_kept(hours=2) == 4
    assert await first_kept(hours=0) == 7


async def test_what_lies_beyond_in_another_bucket_is_none_of_this_one(servers: Servers) -> None:
    """Each bucket's stream counts for itself, and they share tables."""
    for _ in range(3):
        await stored_in(servers, bucket=1)
    for _ in range(2):
        await stored_in(servers, bucket=0)
    assert await servers.rows(
        "SELECT bucket, groupArray(sequence) FROM"
        " (SELECT bucket, sequence FROM events ORDER BY sequence) GROUP BY bucket ORDER BY bucket"
    ) == [(0, [1, 2]), (1, [1, 2, 3])]


async def stored_in(servers: Servers, bucket: int) -> None:
    last = await servers.send([event()], bucket=bucket)
    projector = ProductEvents(
        servers.postgres_url,
        servers.bus,
        servers.clickhouse,
        prefix=servers.prefix,
        bucket=bucket,
    )
    await projector.follow(until=last)
