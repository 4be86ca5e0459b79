"""What was written verifies; what is changed behind the writer's back is found, at its place."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest

from contracts.chain import SALT_BYTES, chained, envelope_of
from contracts.merkle import root_of
from services.common.log.judging import DAWN, TICK, LogState, judge, prepare
from services.common.log.proving import verify
from services.common.log.store import EventStore
from services.common.log.verify import (
    ChainWalk,
    HeadMoved,
    HistoryBroken,
    Verification,
    VerifyProgress,
)
from tests.services.common.log.appends import append, created, insight, renamed, to, viewed, views

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def written(postgres_url: str) -> AsyncIterator[EventStore]:
    """Ten entries of two projects; position 5 is the first rename of insight 1 of project 1."""
    async with EventStore.open(postgres_url) as store:
        await store.append(append(to(insight(1), 0, created())))
        await store.append(append(to(insight(2), 0, created(2))))
        await store.append(append(to(insight(1, team_id=2), 0, created())))
        await store.append(append(to(views(team_id=2), None, viewed())))
        await store.append(append(to(insight(1), 1, renamed("a"), renamed("b"), renamed("c"))))
        await store.append(append(to(views(), None, viewed(), viewed())))
        await store.append(append(to(insight(2), 1, renamed("z"))))
        yield store


async def everything(url: str) -> list[VerifyProgress | Verification]:
    return [step async for step in verify(url)]


async def change(url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        changed = await conn.execute(statement.encode())
        assert changed.rowcount > 0


async def test_an_untouched_log_verifies_to_its_end(written: EventStore, postgres_url: str) -> None:
    progress, verified = await everything(postgres_url)
    assert progress == VerifyProgress(10, 10)
    assert isinstance(verified, Verification)
    entries = await written.entries(after=0)
    assert verified.entries == 10
    assert {team: link.team_seq for team, link in verified.links.items()} == {1: 8, 2: 2}
    assert verified.links[1].hash == entries[-1].hash


async def test_ranges_that_are_proved_in_processes_join_as_in_one(
    written: EventStore, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, alone = await everything(postgres_url)
    monkeypatch.setattr("services.common.log.proving.STEP", 3)
    *steps, joined = [step async for step in verify(postgres_url, {1: [2, 8]}, processes=2)]
    assert steps == [VerifyProgress(each, 10) for each in (3, 6, 9, 10)]
    assert isinstance(joined, Verification)
    assert isinstance(alone, Verification)
    assert joined.links == alone.links
    hashes = [entry.hash for entry in await written.project_entries(1, 0)]
    assert joined.roots[1, 2] == root_of(hashes[:2])
    assert joined.roots[1, 8] == root_of(hashes)


async def test_an_empty_log_verifies(postgres_url: str) -> None:
    assert await everything(postgres_url) == [VerifyProgress(0, 0), Verification(0, {})]


@pytest.mark.parametrize(
    ("assignment", "what"),
    [
        ("state = state || ' '::bytea", "commitment"),
        ("state = 'null'", "payload"),
        ("salt = decode('000102030405060708090a0b0c0d0e0f', 'hex')", "commitment"),
        ("commitment = sha256('x')", "commitment"),
        ("hash = sha256('x')", "hash"),
        ("topic = 'insight.described.v1'", "hash"),
        ("recorded_at = recorded_at + interval '1 microsecond'", "hash"),
        ('actor = \'{"type":"system"}\'', "hash"),
        ("operation_id = gen_random_uuid()", "hash"),
        ("correlation_id = gen_random_uuid()", "hash"),
        ("causation_id = gen_random_uuid()", "hash"),
        ("originator_id = gen_random_uuid()", "version"),
        ("originator_version = 99", "version"),
        ("team_seq = 99", "team_seq"),
        ("team_id = 3", "team_seq"),
    ],
)
async def test_a_changed_entry_is_named(
    written: EventStore, postgres_url: str, assignment: str, what: str
) -> None:
    await change(postgres_url, f"UPDATE log SET {assignment} WHERE notification_id = 5")
    with pytest.raises(HistoryBroken) as broken:
        await everything(postgres_url)
    assert (broken.value.position, broken.value.what) == (5, what)


async def test_an_entry_that_was_removed_is_named(written: EventStore, postgres_url: str) -> None:
    await change(postgres_url, "DELETE FROM log WHERE notification_id = 5")
    with pytest.raises(HistoryBroken) as broken:
        await everything(postgres_url)
    assert (broken.value.position, broken.value.what) == (5, "position")


async def test_a_gap_that_was_closed_by_renumbering_is_named(
    written: EventStore, postgres_url: str
) -> None:
    await change(postgres_url, "DELETE FROM log WHERE notification_id = 5")
    for position in range(6, 11):
        await change(
            postgres_url,
            "UPDATE log SET notification_id = notification_id - 1, team_seq = team_seq - 1,"
            " originator_version = originator_version"
            f" - (originator_id = '{insight(1).id}')::int"
            f" WHERE notification_id = {position}",
        )
    with pytest.raises(HistoryBroken) as broken:
        await everything(postgres_url)
    assert (broken.value.position, broken.value.what) == (5, "hash")


async def test_a_log_that_was_cut_short_is_told_by_its_head(
    written: EventStore, postgres_url: str
) -> None:
    await change(postgres_url, "DELETE FROM log WHERE notification_id > 7")
    with pytest.raises(HeadMoved) as moved:
        await everything(postgres_url)
    assert (moved.value.team_id, moved.value.found.team_seq) == (1, 5)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_heads SET seq = seq + 1 WHERE team_id = 2",
        "UPDATE log_heads SET hash = sha256('x') WHERE team_id = 2",
        "DELETE FROM log_heads WHERE team_id = 2",
    ],
)
async def test_a_head_that_was_changed_is_named(
    written: EventStore, postgres_url: str, statement: str
) -> None:
    await change(postgres_url, statement)
    with pytest.raises(HeadMoved) as moved:
        await everything(postgres_url)
    assert moved.value.team_id == 2


async def test_a_log_of_many_entries_tells_how_far_it_is(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.common.log.proving.STEP", 4)
    async with EventStore.open(postgres_url) as store:
        await store.append(append(to(views(), None, *(viewed(n) for n in range(10)))))
    *steps, verified = await everything(postgres_url)
    assert steps == [VerifyProgress(4, 10), VerifyProgress(8, 10), VerifyProgress(10, 10)]
    assert isinstance(verified, Verification)


@pytest.mark.parametrize(
    ("forged", "what"),
    [({"version": 3}, "version"), ({"at": NOON}, "at"), ({"at": NOON - TICK}, "at")],
)
def test_hashes_that_fit_do_not_hide_a_gap_in_a_stream_or_in_time(
    forged: dict[str, Any], what: str
) -> None:
    """Whoever writes the log can make the hashes fit; the order of versions and times stays."""
    parts = append(to(insight(1), 0, created(), renamed("a")))
    state = LogState(position=0, at=DAWN, versions={}, links={}, receipts={}, levels={})
    first, second = judge([prepare(parts)], state, NOON, lambda: bytes(SALT_BYTES)).entries
    changed = msgspec.structs.replace(second, **forged)
    proof = chained(first.hash, envelope_of(changed), changed.commitment)
    walk = ChainWalk()
    walk.take(first)
    with pytest.raises(HistoryBroken) as broken:
        walk.take(msgspec.structs.replace(changed, hash=proof))
    assert (broken.value.position, broken.value.what) == (2, what)


async def test_a_payload_that_was_erased_behind_everybodys_back_is_named(
    written: EventStore, postgres_url: str
) -> None:
    await change(postgres_url, "UPDATE log SET salt = '', state = '{}' WHERE notification_id = 5")
    with pytest.raises(HistoryBroken) as broken:
        await everything(postgres_url)
    assert (broken.value.position, broken.value.what) == (5, "erasure")
