"""What a process does before it serves, by what PostgreSQL and its tables are."""

import subprocess
import sys
from contextlib import closing
from socket import socket
from threading import Timer
from typing import Any

import psycopg
import pytest

from services.common.postgres.arrival import DatabaseNotThere, await_tables
from services.common.postgres.migrate import NewerTables, check_tables, migrate, migrations
from tests.sources import ROOT


def of_a_newer(url: str, number: int, compatible_from: int | None) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO schema_migrations (number, name, compatible_from)"
            " VALUES (%s, 'of_tomorrow', %s)",
            (number, compatible_from),
        )


def test_tables_of_a_newer_version_are_refused_and_left_alone(postgres_url: str) -> None:
    of_a_newer(postgres_url, 9001, None)

    with pytest.raises(NewerTables, match="9001"):
        await_tables(postgres_url, may_change=False, patience_seconds=60)
    with pytest.raises(NewerTables, match="start the newer Recount"):
        await_tables(postgres_url, may_change=True, patience_seconds=60)


def test_a_newer_version_may_say_that_this_code_still_works(postgres_url: str) -> None:
    of_a_newer(postgres_url, 9001, migrations()[-1].number)

    check_tables(postgres_url)


def test_a_process_waits_until_somebody_migrates(empty_postgres_url: str) -> None:
    with pytest.raises(DatabaseNotThere, match="`recount migrate`"):
        await_tables(empty_postgres_url, may_change=False, patience_seconds=0)

    somebody = Timer(0.1, migrate, (empty_postgres_url,))
    somebody.start()
    await_tables(empty_postgres_url, may_change=False, patience_seconds=60)
    somebody.join()
    check_tables(empty_postgres_url)


def test_tables_from_before_versions_told_what_they_need(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("ALTER TABLE schema_migrations DROP COLUMN compatible_from")

    with pytest.raises(DatabaseNotThere):
        await_tables(postgres_url, may_change=False, patience_seconds=0)
    await_tables(postgres_url, may_change=True, patience_seconds=0)
    check_tables(postgres_url)


def test_waiting_for_postgresql_is_told_and_ends_with_a_sentence() -> None:
    with closing(socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        ended = started(f"postgresql://127.0.0.1:{nobody.getsockname()[1]}/x", PATIENCE="0.2")

    assert ended.returncode == 1
    assert "start_waits" in ended.stdout + ended.stderr
    assert "recount query: Not started after 0.2 s: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_service_does_not_start_on_tables_of_a_newer_version(postgres_url: str) -> None:
    of_a_newer(postgres_url, 9001, None)

    ended = started(postgres_url, PATIENCE="60")

    assert ended.returncode == 2
    assert "recount query: The database's tables are those of a newer Recount" in ended.stderr
    assert "Traceback" not in ended.stderr


def started(url: str, **patience: str) -> "subprocess.CompletedProcess[Any]":
    environment = {
        "PYTHONPATH": str(ROOT),
        "RECOUNT_QUERY_DATABASE_URL": url,
        "RECOUNT_QUERY_CLICKHOUSE_URL": "http://127.0.0.1:1",
        "RECOUNT_QUERY_START_PATIENCE_SECONDS": patience["PATIENCE"],
    }
    words = [sys.executable, "-m", "services.query"]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
