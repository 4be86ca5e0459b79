"""The log's writer when its connection breaks: nothing lost, nothing twice, nothing claimed."""

import asyncio

import psycopg
import pytest

from services.common.log.store import EventStore, LogUnavailable, OutcomeUnknown
from tests.services.common.log.appends import ANNA, append, created, insight, key, renamed, to
from tests.services.common.log.cable import cable

# The word in which a client asks to commit (the first time on a connection), and the server's tag.
ASKED, DONE = b"COMMIT\0", b"COMMIT\0"


async def test_a_connection_lost_while_idle_is_replaced_unnoticed(postgres_url: str) -> None:
    async with cable(postgres_url) as (laid, url), EventStore.open(url) as store:
        await store.append(append(to(insight(1), 0, created())))
        laid.cut()
        appended = await store.append(append(to(insight(1), 1, renamed())))
    assert appended.position == 2


@pytest.mark.parametrize("word", [b"LOCK TABLE", b"INSERT INTO log "])
async def test_a_connection_lost_before_the_commit_costs_nothing(
    postgres_url: str, word: bytes
) -> None:
    async with cable(postgres_url) as (laid, url), EventStore.open(url) as store:
        laid.cut_before_server_hears(word)
        appended = await store.append(append(to(insight(1), 0, created(), renamed())))
        assert laid.cuts == 1
        assert await positions(store) == [1, 2]
    assert appended.position == 2


async def test_a_commit_that_was_never_heard_is_made_again(postgres_url: str) -> None:
    async with cable(postgres_url) as (laid, url), EventStore.open(url) as store:
        laid.cut_before_server_hears(ASKED)
        appended = await store.append(append(to(insight(1), 0, created()), receipt=key()))
        assert laid.cuts == 1
        assert await positions(store) == [1]
    assert appended.position == 1


async def test_a_commit_whose_answer_was_lost_is_found_and_not_repeated(postgres_url: str) -> None:
    async with cable(postgres_url) as (laid, url), EventStore.open(url) as store:
        laid.cut_before_client_hears(DONE)
        appended = await store.append(append(to(insight(1), 0, created()), receipt=key()))
        assert laid.cuts == 1
        assert await store.load(insight(1)) == list(appended.recorded)
        assert await positions(store) == [1]


async def test_a_receipt_alone_whose_answer_was_lost_is_found(postgres_url: str) -> None:
    async with cable(postgres_url) as (laid, url), EventStore.open(url) as store:
        laid.cut_before_client_hears(DONE)
        appended = await store.append(append(to(insight(1), 0), receipt=key()))
        assert laid.cuts == 1
        assert appended.recorded == ()
        assert await store.receipt(1, ANNA, key().key) is not None


async def test_everyone_in_a_batch_whose_answer_was_lost_gets_an_answer_of_his_own(
    postgres_url: str,
) -> None:
    async with cable(postgres_url) as (laid, url), EventStore.open(url) as store:
        laid.cut_before_client_hears(DONE)
        outcomes = await asyncio.gather(
            *(store.append(append(to(insight(n % 5), 0, created(n)))) for n in range(10)),
            return_exceptions=True,
        )
        assert laid.cuts == 1
        assert [isinstance(outcome, BaseException) for outcome in outcomes] == (
            [False] * 5 + [True] * 5
        )
        assert await positions(store) == [1, 2, 3, 4, 5]


async def test_while_postgresql_is_away_an_append_is_refused_and_not_written(
    postgres_url: str,
) -> None:
    async with (
        cable(postgres_url) as (laid, url),
        EventStore.open(url, patience_seconds=0.3) as store,
    ):
        laid.unplugged = True
        laid.cut()
        with pytest.raises(LogUnavailable):
            await store.append(append(to(insight(1), 0, created())))
        laid.unplugged = False
        appended = await store.append(append(to(insight(2), 0, created(2))))
    assert appended.position == 1


async def test_when_nobody_can_tell_whether_it_was_committed_the_answer_says_so(
    postgres_url: str,
) -> None:
    async with (
        cable(postgres_url) as (laid, url),
        EventStore.open(url, patience_seconds=0.3) as store,
    ):
        laid.cut_before_client_hears(DONE)
        waiting = asyncio.create_task(
            store.append(append(to(insight(1), 0, created()), receipt=key()))
        )
        await laid.was_cut.wait()
        laid.unplugged = True
        with pytest.raises(OutcomeUnknown):
            await waiting
        laid.unplugged = False
    async with EventStore.open(postgres_url) as store:
        assert await positions(store) == [1]


async def test_a_writer_whose_session_is_terminated_goes_on(postgres_url: str) -> None:
    async with EventStore.open(postgres_url) as store:
        await store.append(append(to(insight(1), 0, created())))
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND query = 'COMMIT'"
            )
        appended = await store.append(append(to(insight(1), 1, renamed())))
    assert appended.position == 2


async def test_what_the_server_refuses_is_told_to_its_own_caller_alone(postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn:
        await conn.execute("ALTER TABLE log ADD CONSTRAINT none CHECK (team_id <> 13)")
    async with EventStore.open(postgres_url) as store:
        outcomes = await asyncio.gather(
            store.append(append(to(insight(1), 0, created(1)))),
            store.append(append(to(insight(1, team_id=13), 0, created(1)))),
            store.append(append(to(insight(2), 0, created(2)))),
            return_exceptions=True,
        )
        assert await positions(store) == [1, 2]
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "AppendedFacts",
        "CheckViolation",
        "AppendedFacts",
    ]


async def positions(store: EventStore) -> list[int]:
    return [entry.position for entry in await store.read(after=0)]
