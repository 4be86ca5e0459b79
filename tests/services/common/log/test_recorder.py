"""The library's recorder beside our writer: it reads the log, and can't write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import Composed

from services.common.log.recorder import (
    BELL_CHANNEL,
    LOG_TABLE,
    LogRecorder,
    refuse_database_functions,
)
from services.common.log.store import DatabaseFunctionsEnabled, EventStore
from tests.services.common.log.appends import append, created, insight, renamed, to


@contextmanager
def stock_recorder(url: str) -> Iterator[PostgresApplicationRecorder]:
    """The recorder as it comes, on the log's table."""
    parts = conninfo_to_dict(url)
    with PostgresDatastore(
        dbname=str(parts["dbname"]),
        host=str(parts["host"]),
        port=5432,
        user=str(parts["user"]),
        password="",
    ) as datastore:
        recorder = PostgresApplicationRecorder(datastore, events_table_name=LOG_TABLE)
        recorder.create_table()
        yield recorder


async def test_the_librarys_recorder_reads_what_our_writer_wrote(postgres_url: str) -> None:
    async with EventStore.open(postgres_url) as store:
        await store.append(append(to(insight(1), 0, created(), renamed())))
    with stock_recorder(postgres_url) as recorder:
        stream = recorder.select_events(insight(1).id)
        log = recorder.select_notifications(start=1, limit=10)
        assert recorder.max_notification_id() == 2
    assert [(event.originator_version, event.topic) for event in stream] == [
        (1, "insight.created.v1"),
        (2, "insight.renamed.v1"),
    ]
    assert [notification.id for notification in log] == [1, 2]


async def test_the_stock_recorder_is_refused_by_the_table(postgres_url: str) -> None:
    event = StoredEvent(uuid4(), 1, "insight.created.v1", b"{}")
    with stock_recorder(postgres_url) as recorder, pytest.raises(IntegrityError):
        recorder.insert_events([event])


def test_our_recorder_inserts_nothing_itself() -> None:
    with pytest.raises(NotImplementedError):
        LogRecorder().insert_events([])


def test_the_lock_is_the_librarys_own() -> None:
    lock = LogRecorder().locking[-1]
    assert isinstance(lock, Composed)
    assert lock.as_string() == 'LOCK TABLE "public"."log" IN EXCLUSIVE MODE'


@pytest.mark.parametrize("value", ["y", "yes", "true", "1", "on"])
def test_database_functions_that_drop_the_lock_are_refused_at_the_start(value: str) -> None:
    with pytest.raises(DatabaseFunctionsEnabled):
        refuse_database_functions({"POSTGRES_ENABLE_DB_FUNCTIONS": value})


@pytest.mark.parametrize("value", ["", "n", "no", "false", "0", "off"])
def test_database_functions_that_are_off_are_no_matter(value: str) -> None:
    refuse_database_functions({"POSTGRES_ENABLE_DB_FUNCTIONS": value})
    refuse_database_functions({})


async def test_a_store_does_not_open_with_database_functions(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "y")
    with pytest.raises(DatabaseFunctionsEnabled):
        async with EventStore.open(postgres_url):
            pass


async def test_every_append_rings_the_bell_once_it_is_committed(postgres_url: str) -> None:
    async with (
        EventStore.open(postgres_url) as store,
        await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as conn,
    ):
        await conn.execute(f"LISTEN {BELL_CHANNEL}".encode())
        await store.append(append(to(insight(1), 0, created())))
        async for ring in conn.notifies(timeout=10, stop_after=1):
            assert ring.channel == BELL_CHANNEL
            assert await store.head() == 1
            break
        else:
            pytest.fail("the bell did not ring")
