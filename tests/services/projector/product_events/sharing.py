"""Processes that share four buckets, and what must become of the stories told to them."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from contracts.product_events import CapturedEvent
from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse, EngineAway
from services.projector.product_events.buckets import SharedBuckets
from services.projector.product_events.follower import ProductEvents
from services.projector.product_events.ingest import Step
from tests.services.projector.product_events.setup import Servers
from tests.services.projector.product_events.stories import once_each, outcome, story
from tests.waiting import seen

BUCKETS = 4
TEAMS = range(1, 9)
SECONDS = 2.0
MAKE_BUCKETS = "INSERT INTO bucket_shards SELECT bucket, 1 FROM generate_series(1, 3) AS bucket"

At = Callable[[int, Step], None]
Stories = dict[int, list[CapturedEvent]]


def bucket_of(team: int) -> int:
    return team % BUCKETS


def process(servers: Servers, at: At | None = None) -> SharedBuckets:
    """One that is not running yet. at: told the bucket, and the step that is done there."""

    def events(bucket: int, shard: int) -> ProductEvents:
        if shard != 1:
            raise EngineAway(0, f"shard {shard} is not in CLICKHOUSE_URL")

        return ProductEvents(
            servers.postgres_url,
            servers.bus,
            servers.clickhouse,
            prefix=servers.prefix,
            lease_seconds=SECONDS,
            bucket=bucket,
            at=partial(at or _nothing, bucket),
        )

    return SharedBuckets(servers.postgres_url, events, prefix=servers.prefix, seconds=SECONDS)


def _nothing(bucket: int, step: Step) -> None:
    pass


async def holds(shared: SharedBuckets, count: int) -> tuple[int, ...]:
    """The buckets, once there are so many."""

    async def look() -> tuple[int, ...]:
        return shared.held

    return await seen(look, lambda held: len(held) == count)


async def tell(servers: Servers, told: Stories, seed: str, length: int = 20) -> dict[int, int]:
    """Go on with every team's story, a few events of each in turn; the last sequence by bucket."""
    last: dict[int, int] = {}
    more = {team: story(random.Random(f"{seed} {team}"), length) for team in TEAMS}
    for start in range(0, length, 5):
        for team in TEAMS:
            some = more[team][start : start + 5]
            last[bucket_of(team)] = await servers.send(some, team, bucket_of(team))
    for team in TEAMS:
        told.setdefault(team, []).extend(more[team])
    return last


async def stored(servers: Servers, last: Mapping[int, int]) -> None:
    """Returns once these buckets have come so far."""

    async def look() -> dict[int, int]:
        return dict(await servers.tables("SELECT bucket, reached FROM ingest_progress"))

    await seen(look, lambda now: all(now.get(bucket, 0) >= end for bucket, end in last.items()))


async def once_and_in_order(servers: Servers, told: Stories) -> None:
    """Each event stands once, in its project's bucket; persons and merges are what following each
    project's events in their order gives.
    """
    expected = Counter(
        (team, one.uuid, bucket_of(team)) for team in told for one in once_each(told[team])
    )
    for table in ("events", "event_uuids"):
        rows = await servers.rows(f"SELECT team_id, uuid, bucket FROM {table}")
        assert Counter(rows) == expected, table
    for team, events in told.items():
        await _persons(servers, team, events)


async def _persons(servers: Servers, team: int, events: Sequence[CapturedEvent]) -> None:
    expected = outcome(events, team)
    merged = await servers.rows(
        "SELECT person_id, target_id FROM person_overrides FINAL WHERE team_id = {team:Int64}",
        team=team,
    )
    assert dict(merged) == {person: target for (_, person), target in expected.merged.items()}
    persons = await servers.rows(
        "SELECT person_id, sent FROM persons FINAL WHERE NOT deleted AND team_id = {team:Int64}",
        team=team,
    )
    assert {person: msgspec.json.decode(text) for person, text in persons} == {
        person: record.properties for (_, person), record in expected.persons.items()
    }


class ProcessThread:
    """A process in a thread and a loop of its own. Once it is armed, all of it freezes at a step:
    neither its leases nor its word as a member are renewed, until it thaws.
    """

    def __init__(self, servers: Servers, nats_url: str, engine: str, at: Step) -> None:
        self.armed = threading.Event()
        self.froze = threading.Event()
        self.thaws = threading.Event()
        self.ends = threading.Event()
        self.held: tuple[int, ...] = ()
        self._servers = servers
        self._nats_url = nats_url
        self._engine = engine
        self._at = at

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        bus = await connect_bus(self._nats_url, "frozen")
        async with await ClickHouse.open(self._engine) as clickhouse:
            ours = msgspec.structs.replace(self._servers, bus=bus, clickhouse=clickhouse)
            shared = process(ours, self._step)
            running = asyncio.create_task(shared.run())
            while not self.ends.is_set():
                self.held = shared.held
                await asyncio.sleep(0.02)
            running.cancel()
            await asyncio.wait({running})
        await bus.close()

    def _step(self, bucket: int, step: Step) -> None:
        if step == self._at and self.armed.is_set() and not self.froze.is_set():
            self.froze.set()
            self.thaws.wait(180)
