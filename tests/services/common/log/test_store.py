"""The log on a real PostgreSQL, one writer: what is appended, refused, read and replayed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from contracts.chain import BEGINNING, Link, verify
from contracts.codec import Undecodable
from contracts.events.recorded import Recorded, SystemActor
from domain.errors import ConcurrentEdit
from services.common.log.store import EventStore, LogUnavailable, ReceiptExists, Unreadable
from tests.services.common.log.appends import (
    ANNA,
    append,
    created,
    insight,
    key,
    renamed,
    to,
    viewed,
    views,
)


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[EventStore]:
    async with EventStore.open(postgres_url) as opened:
        yield opened


async def test_what_is_appended_is_what_is_loaded_and_read(store: EventStore) -> None:
    new = append(to(insight(1), 0, created(), renamed()))
    appended = await store.append(new)

    assert await store.load(insight(1)) == list(appended.recorded)
    assert await store.read(after=0) == list(appended.recorded)
    assert appended.position == await store.head() == 2
    first, second = appended.recorded
    assert (first.version, second.version) == (1, 2)
    assert (first.event, second.event) == (created(), renamed())
    assert (first.actor, first.operation_id) == (ANNA, new.operation_id)
    assert first.at < second.at
    assert first.at.utcoffset() == timedelta(0)


async def test_an_empty_log_has_no_facts_and_head_zero(store: EventStore) -> None:
    assert await store.head() == 0
    assert await store.read(after=0) == []
    assert await store.load(insight(1)) == []


async def test_a_stream_is_loaded_up_to_a_version(store: EventStore) -> None:
    await store.append(append(to(insight(1), 0, created(), renamed("a"), renamed("b"))))
    past = await store.load(insight(1), up_to=2)
    assert [fact.event for fact in past] == [created(), renamed("a")]


async def test_the_log_is_read_on_from_a_position_in_pieces(store: EventStore) -> None:
    await store.append(append(to(insight(1), 0, created(), renamed("a"), renamed("b"))))
    piece = await store.read(after=1, limit=1)
    assert [entry.position for entry in piece] == [2]


async def test_a_stream_that_moved_on_refuses_and_says_where_it_stands(store: EventStore) -> None:
    await store.append(append(to(insight(1), 0, created(), renamed())))
    with pytest.raises(ConcurrentEdit) as refused:
        await store.append(append(to(insight(1), 1, renamed("late"))))
    assert (refused.value.stream_id, refused.value.expected, refused.value.actual) == (
        insight(1).id,
        1,
        2,
    )
    assert await store.head() == 2


async def test_a_stream_that_is_shorter_than_decided_on_refuses(store: EventStore) -> None:
    with pytest.raises(ConcurrentEdit):
        await store.append(append(to(insight(1), 3, renamed())))


async def test_in_one_batch_only_the_loser_of_a_race_is_refused(store: EventStore) -> None:
    outcomes = await asyncio.gather(
        store.append(append(to(insight(1), 0, created(1)))),
        store.append(append(to(insight(1), 0, created(1)))),
        store.append(append(to(insight(2), 0, created(2)))),
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], ConcurrentEdit)
    assert (outcomes[1].expected, outcomes[1].actual) == (0, 1)
    assert [entry.position for entry in await store.read(after=0)] == [1, 2]
    assert len(await store.load(insight(2))) == 1


async def test_the_parts_of_an_append_are_recorded_all_or_none(store: EventStore) -> None:
    await store.append(append(to(insight(2), 0, created(2))))
    with pytest.raises(ConcurrentEdit):
        await store.append(append(to(insight(1), 0, created(1)), to(insight(2), 0, created(2))))
    assert await store.load(insight(1)) == []
    assert await store.head() == 1


async def test_two_parts_of_the_same_stream_follow_each_other(store: EventStore) -> None:
    await store.append(append(to(insight(1), 0, created()), to(insight(1), 1, renamed())))
    assert [fact.version for fact in await store.load(insight(1))] == [1, 2]


async def test_a_blind_append_is_numbered_by_the_writer(store: EventStore) -> None:
    await asyncio.gather(*(store.append(append(to(views(), None, viewed(n)))) for n in range(5)))
    past = await store.load(views())
    assert [fact.version for fact in past] == [1, 2, 3, 4, 5]


async def test_each_project_has_a_gapless_chain_of_its_own(store: EventStore) -> None:
    for number in range(3):
        await store.append(append(to(insight(number, team_id=1), 0, created(number))))
        await store.append(append(to(insight(number, team_id=2), 0, created(number))))
    for team_id in (1, 2):
        entries = [entry for entry in await store.entries(after=0) if entry.team_id == team_id]
        assert [entry.team_seq for entry in entries] == [1, 2, 3]
        assert verify(entries, BEGINNING) == Link(3, entries[-1].hash)


async def test_times_rise_even_when_the_clock_stands_or_falls(postgres_url: str) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock = iter([noon, noon, noon - timedelta(hours=1), noon + timedelta(hours=1)])
    async with EventStore.open(postgres_url, now=lambda: next(clock)) as store:
        for number in range(4):
            await store.append(append(to(insight(number), 0, created(number))))
        times = [fact.at for fact in await store.read(after=0)]
    tick = timedelta(microseconds=1)
    assert times == [noon, noon + tick, noon + 2 * tick, noon + timedelta(hours=1)]


async def test_a_key_that_was_used_gets_its_receipt_and_no_second_effect(
    store: EventStore,
) -> None:
    await store.append(append(to(insight(1), 0, created()), receipt=key("a", status=201)))
    with pytest.raises(ReceiptExists) as refused:
        await store.append(append(to(insight(2), 0, created(2)), receipt=key("a")))
    receipt = refused.value.receipt
    assert (receipt.stream_id, receipt.version, receipt.position) == (insight(1).id, 1, 1)
    assert (receipt.status, receipt.request_hash) == (201, b"\x01" * 32)
    assert await store.receipt(1, ANNA, "a") == receipt
    assert await store.head() == 1


async def test_the_same_key_twice_in_one_batch_gets_the_first_ones_outcome(
    store: EventStore,
) -> None:
    first, second = await asyncio.gather(
        store.append(append(to(insight(1), 0, created(1)), receipt=key())),
        store.append(append(to(insight(2), 0, created(2)), receipt=key())),
        return_exceptions=True,
    )
    assert not isinstance(first, BaseException)
    assert isinstance(second, ReceiptExists)
    assert second.receipt.stream_id == insight(1).id


async def test_a_refused_append_leaves_its_key_unused(store: EventStore) -> None:
    with pytest.raises(ConcurrentEdit):
        await store.append(append(to(insight(1), 4, renamed()), receipt=key()))
    assert await store.receipt(1, ANNA, key().key) is None
    await store.append(append(to(insight(1), 0, created()), receipt=key()))


async def test_a_key_belongs_to_one_project_and_one_actor(store: EventStore) -> None:
    await store.append(append(to(insight(1), 0, created()), receipt=key()))
    await store.append(append(to(insight(1, team_id=2), 0, created()), receipt=key()))
    await store.append(append(to(insight(2), 0, created()), receipt=key(), actor=SystemActor()))
    assert await store.head() == 3


async def test_a_command_that_changed_nothing_leaves_a_receipt_alone(store: EventStore) -> None:
    await store.append(append(to(insight(1), 0, created())))
    appended = await store.append(append(to(insight(1), 1), receipt=key("same", status=200)))
    assert appended.recorded == ()
    assert appended.position == 1
    receipt = await store.receipt(1, ANNA, "same")
    assert receipt is not None
    assert (receipt.stream_id, receipt.version) == (insight(1).id, 1)
    assert await store.head() == 1


async def test_nothing_changed_holds_only_for_the_version_it_was_decided_on(
    store: EventStore,
) -> None:
    await store.append(append(to(insight(1), 0, created(), renamed())))
    with pytest.raises(ConcurrentEdit):
        await store.append(append(to(insight(1), 1), receipt=key()))


async def test_a_key_is_free_again_after_seven_days(postgres_url: str) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    async with EventStore.open(postgres_url, now=lambda: day) as store:
        await store.append(append(to(insight(1), 0, created()), receipt=key()))
        day += timedelta(days=7)
        assert await store.receipt(1, ANNA, key().key) is None
        await store.append(append(to(insight(2), 0, created()), receipt=key()))
        receipt = await store.receipt(1, ANNA, key().key)
        assert receipt is not None
        assert receipt.stream_id == insight(2).id
        assert await store.forget_receipts() == 0
        day += timedelta(days=8)
        assert await store.forget_receipts() == 1


@pytest.mark.parametrize("bad", ["", "x" * 256, "nul\0"])
async def test_a_key_that_no_row_could_hold_is_refused_before_the_queue(
    store: EventStore, bad: str
) -> None:
    with pytest.raises(ValueError, match="key"):
        await store.append(append(to(insight(1), 0, created()), receipt=key(bad)))


async def test_parts_of_two_projects_are_refused(store: EventStore) -> None:
    with pytest.raises(ValueError, match="one project"):
        await store.append(
            append(to(insight(1, team_id=1), 0, created()), to(insight(1, team_id=2), 0, created()))
        )


async def test_an_entry_that_cannot_be_decoded_is_read_as_unreadable_and_fails_a_load(
    store: EventStore, postgres_url: str
) -> None:
    await store.append(append(to(insight(1), 0, created()), to(insight(2), 0, created(2))))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute(
            'UPDATE log SET state = \'{"type":"insight.married.v9"}\' WHERE notification_id = 1'
        )
    unreadable, readable = await store.read(after=0)
    assert isinstance(unreadable, Unreadable)
    assert isinstance(readable, Recorded)
    assert (unreadable.position, unreadable.stream_id) == (1, insight(1).id)
    assert "insight.married.v9" in unreadable.reason
    with pytest.raises(Undecodable):
        await store.load(insight(1))


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[]", b"null"])
async def test_damaged_bytes_are_unreadable_too(
    store: EventStore, postgres_url: str, damage: bytes
) -> None:
    await store.append(append(to(insight(1), 0, created())))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute("UPDATE log SET state = %s", (damage,))
    (unreadable,) = await store.read(after=0)
    assert isinstance(unreadable, Unreadable)
    assert unreadable.payload == damage


async def test_appends_that_wait_are_written_before_the_store_closes(postgres_url: str) -> None:
    async with EventStore.open(postgres_url) as store:
        waiting = [
            asyncio.create_task(store.append(append(to(insight(n), 0, created(n)))))
            for n in range(300)
        ]
        await asyncio.sleep(0)
    assert [task.result().position for task in waiting] == list(range(1, 301))
    with pytest.raises(LogUnavailable):
        await store.append(append(to(insight(1), 1, renamed())))


async def test_a_cancelled_caller_that_still_waits_is_not_written(postgres_url: str) -> None:
    async with EventStore.open(postgres_url) as store:
        task = asyncio.create_task(store.append(append(to(insight(1), 0, created()))))
        await asyncio.sleep(0)  # it is in the queue, and the writer has not had its turn
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.append(append(to(insight(2), 0, created())))
        assert [entry.stream_id for entry in await store.read(after=0)] == [insight(2).id]


async def test_a_fact_caused_by_another_operation_says_so(store: EventStore) -> None:
    cause = uuid4()
    new = append(to(insight(1), 0, created()))
    await store.append(
        type(new)(
            parts=new.parts,
            actor=SystemActor(),
            operation_id=new.operation_id,
            correlation_id=cause,
            causation_id=cause,
        )
    )
    (fact,) = await store.load(insight(1))
    assert (fact.actor, fact.correlation_id, fact.causation_id) == (SystemActor(), cause, cause)
