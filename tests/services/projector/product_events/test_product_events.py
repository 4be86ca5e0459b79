"""Captured events reach ClickHouse, each once, with their persons and groups."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import msgspec
import pytest

from contracts.product_events import GroupChange
from services.command.capture import times
from services.common.bus import connect_bus
from services.common.clickhouse import ClickHouse
from services.common.stream import capture_stream
from services.projector.product_events.captured import forget
from tests.services.projector.product_events.setup import NOON, SECOND, Servers, event

pytestmark = pytest.mark.anyio


@pytest.fixture
async def servers(
    postgres_url: str, nats_url: str, stream_prefix: str, clickhouse: ClickHouse
) -> AsyncIterator[Servers]:
    bus = await connect_bus(nats_url, "test")
    yield Servers(postgres_url, bus, clickhouse, stream_prefix)
    await bus.close()


async def test_an_event_is_stored_as_it_was_captured(servers: Servers) -> None:
    bought = event(
        "purchase",
        properties={"value": 3.5, "$session_id": "s1", "tags": ["a"], "a.b": 1},
        at=NOON + 1,
    )
    await servers.stored([bought])
    rows = await servers.rows(
        "SELECT team_id, event, timestamp, uuid, distinct_id, session_id,"
        " properties.value::Nullable(Float64), properties.tags::Nullable(String),"
        " properties.`a%2Eb`::Nullable(Int64), sent FROM events"
    )
    assert rows == [
        (1, "purchase", datetime(2023, 11, 14, 22, 13, 20, 1, tzinfo=UTC), bought.uuid, "anna",
         "s1", 3.5, '["a"]', 1, '{"value":3.5,"$session_id":"s1","tags":["a"],"a.b":1}')
    ]  # fmt: skip


async def test_a_uuid_counts_once_whatever_its_copies_say(servers: Servers) -> None:
    first = event(at=NOON)
    retried = msgspec.structs.replace(first, timestamp=NOON + 90 * SECOND)
    await servers.stored([first, retried, event()])
    await servers.stored([retried])
    await servers.stored([retried], team_id=2)
    rows = await servers.rows("SELECT team_id, uuid, timestamp FROM events ORDER BY team_id")
    assert Counter(team for team, _, _ in rows) == {1: 2, 2: 1}
    assert (1, first.uuid, datetime.fromtimestamp(NOON / SECOND, UTC)) in rows


async def test_thousands_of_retried_events_count_once(servers: Servers) -> None:
    events = [event() for _ in range(4_500)]
    for _ in range(2):
        await servers.send(events[:2_250])
        await servers.stored(events[2_250:])
    assert await servers.rows("SELECT count(), uniqExact(uuid) FROM events") == [(4_500, 4_500)]


async def test_progress_is_what_the_last_message_was(servers: Servers) -> None:
    sequence = [await servers.send([event()]) for _ in range(5)][-1]
    await servers.projector().follow(until=sequence)
    assert await servers.tables("SELECT reached, batch_first FROM ingest_progress") == [
        (sequence, None)
    ]
    assert await servers.rows("SELECT count() FROM events") == [(5,)]


async def test_a_bad_row_is_set_aside_and_the_others_are_stored(servers: Servers) -> None:
    bad = msgspec.structs.replace(event("bad"), properties='{"a": ')
    good = [event("good") for _ in range(20)]
    await servers.stored([*good[:7], bad, *good[7:]])
    assert await servers.rows("SELECT event, count() FROM events GROUP BY event") == [("good", 20)]
    assert await servers.tables("SELECT sequence, place, uuid FROM ingest_set_aside") == [
        (1, 7, bad.uuid)
    ]
    mended = msgspec.structs.replace(bad, properties="{}")
    await servers.stored([mended])
    assert await servers.rows("SELECT count() FROM events WHERE event = 'bad'") == [(1,)]


async def test_an_event_that_no_table_can_hold_is_set_aside_and_the_others_are_stored(
    servers: Servers,
) -> None:
    endless = "".join(Random(1).choices("0123456789abcdef", k=20_000))
    unholdable = [
        msgspec.structs.replace(event("bad"), group=GroupChange("company", endless, {})),
        msgspec.structs.replace(event("bad"), distinct_id="a\0b"),
    ]
    odd = event("odd", "cy", properties={"$set": {"a\0": "b\0"}})
    good = [event("good", f"{number}") for number in range(40)]
    await servers.stored([*good[:7], unholdable[0], *good[7:9], unholdable[1], odd, *good[9:]])
    assert await servers.rows(
        "SELECT event, count(), uniqExact(person_id) FROM events GROUP BY event ORDER BY event"
    ) == [("good", 40, 40), ("odd", 1, 1)]
    rows = await servers.tables("SELECT place, uuid, reason FROM ingest_set_aside ORDER BY place")
    assert [row[:2] for row in rows] == [(7, unholdable[0].uuid), (10, unholdable[1].uuid)]
    assert "index row" in rows[0][2]
    assert "NUL" in rows[1][2]
    await servers.stored([event("good", "later")])
    assert await servers.rows("SELECT count() FROM events WHERE event = 'good'") == [(41,)]


async def test_a_message_that_can_not_be_read_is_set_aside(servers: Servers) -> None:
    await servers.send_bytes(b"\xffnot a batch")
    await servers.stored([event()])
    assert await servers.rows("SELECT count() FROM events") == [(1,)]
    rows = await servers.tables("SELECT sequence, place, message FROM ingest_set_aside")
    assert rows == [(1, -1, b"\xffnot a batch")]


async def test_events_of_more_than_a_hundred_months_fit_into_one_batch(servers: Servers) -> None:
    month = 31 * 86_400 * SECOND
    await servers.stored([event(at=NOON - n * month) for n in range(150)])
    assert await servers.rows("SELECT count() FROM events") == [(150,)]
    assert len(await servers.tables("SELECT day FROM day_marks")) == 150


async def test_the_oldest_time_there_is_can_be_stored(servers: Servers) -> None:
    await servers.stored([event(at=times.EARLIEST), event(at=times.EARLIEST + 1)])
    rows = await servers.rows("SELECT timestamp FROM events ORDER BY timestamp")
    first = datetime(1900, 1, 1, tzinfo=UTC)
    assert rows == [(first,), (first + timedelta(microseconds=1),)]


async def test_an_identified_person_gets_the_anonymous_events(servers: Servers) -> None:
    await servers.stored([event(distinct_id="anon"), event(distinct_id="other")])
    await servers.stored([event(distinct_id="anna")])
    await servers.stored(
        [event("$identify", "anna", properties={"$anon_distinct_id": "anon"}), event()]
    )
    await servers.stored([event(distinct_id="anon")])
    assert await servers.people() == {frozenset({"anna", "anon"}), frozenset({"other"})}


async def test_a_chain_of_merges_stays_flat(servers: Servers) -> None:
    for name in "abcd":
        await servers.stored([event(distinct_id=name)])
    for into, joining in ("ba", "cb", "dc"):
        merge = event("$merge_dangerously", into, properties={"alias": joining})
        await servers.stored([merge])
    assert await servers.people() == {frozenset("abcd")}
    targets = await servers.rows("SELECT uniqExact(target_id) FROM person_overrides FINAL")
    assert targets == [(1,)]
    assert len(await servers.person_ids()) == 1


async def test_a_chain_of_merges_within_a_batch_stays_flat(servers: Servers) -> None:
    await servers.stored([event(distinct_id=name) for name in "abcd"])
    merges = [
        event("$merge_dangerously", into, properties={"alias": joining})
        for into, joining in ("ba", "cb", "dc")
    ]
    await servers.stored(merges)
    assert await servers.people() == {frozenset("abcd")}


async def test_an_id_without_a_record_can_join_later(servers: Servers) -> None:
    quiet = event(distinct_id="anon", properties={"$process_person_profile": False})
    await servers.stored([quiet])
    assert await servers.person_ids() == set()
    await servers.stored([event(distinct_id="anna")])
    await servers.stored([event("$identify", "anna", properties={"$anon_distinct_id": "anon"})])
    assert await servers.people() == {frozenset({"anna", "anon"})}
    assert len(await servers.person_ids()) == 1


async def test_person_properties_follow_the_stream(servers: Servers) -> None:
    await servers.stored([event(properties={"$set": {"plan": "free", "x.y": [1]}})])
    await servers.stored(
        [
            event(properties={"$set_once": {"plan": "never", "since": 1}}),
            event(above={"$set": {"plan": "pro"}}),
            event(properties={"$unset": ["x.y"]}),
        ]
    )
    assert await servers.person("anna") == {"plan": "pro", "since": 1}


async def test_groups_are_numbered_as_they_appear_and_keep_their_properties(
    servers: Servers,
) -> None:
    named = {"$group_type": "company", "$group_key": "acme"}
    await servers.stored([event(properties={"$groups": {"team": "blue", "company": "acme"}})])
    await servers.stored(
        [
            event(
                "$groupidentify", properties={**named, "$group_set": {"size": 5, "city": "Bonn"}}
            ),
            event("$groupidentify", properties={**named, "$group_set": {"size": 6}}),
            event(properties={"$groups": {f"kind {n}": "k" for n in range(9)}}),
        ]
    )
    assert await servers.rows(
        "SELECT group_type_index, group_key, properties.size::Nullable(Int64),"
        " properties.city::Nullable(String) FROM groups FINAL"
    ) == [(1, "acme", 6, "Bonn")]
    rows = await servers.rows(
        "SELECT group_0, group_1, group_2, group_3, group_4 FROM events WHERE event = 'visit'"
        " ORDER BY group_0 DESC"
    )
    assert rows == [("blue", "acme", "", "", ""), ("", "", "k", "k", "k")]


async def test_a_group_type_that_is_described_first_is_numbered_first(servers: Servers) -> None:
    company = {"$group_type": "company", "$group_key": "acme"}
    await servers.stored(
        [
            event("$groupidentify", properties={**company, "$group_set": {"size": 5}}),
            event(properties={"$groups": {"team": "blue", "company": "acme"}}),
        ]
    )
    assert await servers.rows("SELECT group_type_index, group_key FROM groups FINAL") == [
        (0, "acme")
    ]
    assert await servers.rows("SELECT group_0, group_1 FROM events WHERE event = 'visit'") == [
        ("acme", "blue")
    ]


async def test_a_stream_that_was_lost_goes_on_where_it_ended(servers: Servers) -> None:
    first = event()
    await servers.stored([first])
    await servers.stored([event()])
    await servers.bus.jetstream().delete_stream(capture_stream(servers.prefix))
    await servers.stored([first, event()])
    assert await servers.rows("SELECT count() FROM events") == [(3,)]
    assert await servers.tables("SELECT reached FROM ingest_progress") == [(3,)]


async def test_what_is_stored_can_be_forgotten_by_the_stream(servers: Servers) -> None:
    for _ in range(3):
        await servers.stored([event()])
    await forget(servers.bus, capture_stream(servers.prefix), 3)
    await servers.stored([event()])
    assert await servers.rows("SELECT count() FROM events") == [(4,)]


async def test_a_replay_gives_the_same_persons(servers: Servers) -> None:
    await servers.stored([event(distinct_id="anna")])
    assert await servers.person_ids() == {UUID("8d83ffa1-f6f3-5ecf-bfbf-4a3fa439ed2a")}
