"""Whatever step a batch is interrupted at, and however often: each event is stored once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import msgspec
import pytest

from contracts.product_events import CapturedEvent
from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.projector.product_events.event_rows import EventRow, insert_events
from services.projector.product_events.ingest import STEPS, Step
from tests.services.projector.product_events.setup import NOON, SECOND, Servers, event
from tests.services.projector.product_events.stories import once_each, outcome, story

pytestmark = pytest.mark.anyio


class Crash(Exception):
    """Stands for the end of the process: nothing after it happens."""


class Crashing:
    """Ends a projector the first time it has done `step`; counts what it came by."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.hits: Counter[Step] = Counter()

    def __call__(self, step: Step) -> None:
        if step == self._step and not self.hits[step]:
            self.hits[step] += 1
            raise Crash(step)


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    bus = await connect_bus(nats_url, "test")
    yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


async def stored_as_told(servers: Servers, told: Sequence[CapturedEvent]) -> None:
    """Events, persons, ids, merges and groups are what following the story once gives, and of the
    versions that PostgreSQL has.
    """
    await holds_what_was_told(servers, told)
    for table, key in (
        ("persons", "person_id"), ("person_distinct_ids", "distinct_id"),
        ("person_overrides", "person_id"), ("groups", "group_key"),
    ):  # fmt: skip
        deleted = " WHERE NOT deleted" if table == "persons" else ""
        copied = await servers.rows(f"SELECT {key}, version FROM {table} FINAL{deleted}")
        assert Counter(copied) == Counter(
            await servers.tables(f"SELECT {key}, version FROM {table}")
        ), table


async def holds_what_was_told(servers: Servers, told: Sequence[CapturedEvent]) -> None:
    expected = outcome(told)
    rows = await servers.rows("SELECT uuid, toUnixTimestamp64Micro(timestamp) FROM events")
    assert Counter(rows) == Counter((one.uuid, one.timestamp) for one in once_each(told))
    uuids = await servers.rows("SELECT uuid FROM event_uuids")
    assert Counter(uuids) == Counter((one.uuid,) for one in once_each(told))
    ids = await servers.rows("SELECT distinct_id, person_id FROM person_distinct_ids FINAL")
    assert dict(ids) == {name: person for (_, name), person in expected.ids.items()}
    merged = await servers.rows("SELECT person_id, target_id FROM person_overrides FINAL")
    assert dict(merged) == {person: target for (_, person), target in expected.merged.items()}
    persons = await servers.rows("SELECT person_id, sent FROM persons FINAL WHERE NOT deleted")
    assert {person: msgspec.json.decode(text) for person, text in persons} == {
        person: record.properties for (_, person), record in expected.persons.items()
    }


@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_after_any_step_loses_and_doubles_nothing(
    servers: Servers, step: Step
) -> None:
    told = story(random.Random(STEPS.index(step)), 60)
    await servers.stored(told[:20])
    await servers.send(told[20:30])
    second = await servers.send(told[30:40])
    crashing = Crashing(step)
    with pytest.raises(Crash):
        await servers.projector(crashing).follow(until=second)
    assert crashing.hits == {step: 1}
    # What comes after the crash must not slip into the range that was fixed before it.
    await servers.stored(told[40:])
    await stored_as_told(servers, told)


async def test_no_event_is_seen_before_its_person_and_their_merge(servers: Servers) -> None:
    await servers.stored([event(distinct_id="anna"), event(distinct_id="ben")])
    joined = event("$create_alias", "anna", properties={"alias": "ben"})
    known = event(distinct_id="ben", properties={"$set": {"plan": "pro"}})
    last = await servers.send([joined, known])
    with pytest.raises(Crash):
        await servers.projector(Crashing("events inserted")).follow(until=last)
    assert await servers.people() == {frozenset({"anna", "ben"})}
    assert await servers.person("ben") == {"plan": "pro"}


async def test_crashes_and_redeliveries_at_random_lose_and_double_nothing(
    servers: Servers,
) -> None:
    rng = random.Random(5)
    told = story(rng, 150)
    hits: Counter[Step] = Counter()
    sent: list[list[CapturedEvent]] = []
    last = 0
    for start in range(0, len(told), 5):
        sent.append(told[start : start + 5])
        last = await servers.send(sent[-1])
        if rng.random() < 0.4:
            last = await servers.send(rng.choice(sent))
        crashing = Crashing(STEPS[(start // 5) % len(STEPS)])
        with pytest.raises(Crash):
            await servers.projector(crashing).follow(until=last)
        hits += crashing.hits
    await servers.projector().follow(until=last)
    assert set(hits) == set(STEPS)
    await stored_as_told(servers, told)


async def test_an_insert_that_reached_only_some_months_is_completed(servers: Servers) -> None:
    rows = [
        EventRow(1, place, 1, event(at=NOON - place * 31 * 86_400 * SECOND), UUID(int=1), [""] * 5)
        for place in range(6)
    ]
    # The engine commits month by month: a kill in between leaves the first ones.
    await insert_events(servers.clickhouse, rows[:3], "token", NOON)
    await insert_events(servers.clickhouse, rows, "token", NOON)
    stored = await servers.rows("SELECT uuid FROM events")
    assert Counter(stored) == Counter((row.event.uuid,) for row in rows)


async def test_two_projectors_take_turns(servers: Servers) -> None:
    told = story(random.Random(11), 40)
    await servers.send(told[:20])
    last = await servers.send(told[20:])
    await asyncio.gather(*(servers.projector().follow(until=last) for _ in range(3)))
    await stored_as_told(servers, told)
