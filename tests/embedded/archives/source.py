"""A project with something of everything, in a database and an engine of its own."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg import AsyncConnection

from contracts.events.insight import InsightRenamed
from contracts.product_events import property_texts
from contracts.times import microseconds
from services.common.clickhouse import ClickHouse
from services.common.clickhouse.statement import Statement
from services.embedded import accounts
from services.embedded.archives.checking import CheckedArchive, checked
from services.embedded.archives.exporting import export
from services.projector.product_events.mirroring import mirror_all
from tests.embedded.archives.erased import erase_text
from tests.examples import TEAM, created
from tests.services.projector.projecting import projecting

NAMESPACE = UUID("6b1c0000-0000-4000-8000-000000000002")
PEOPLE = 3
EVENTS = 120

SECRET_TEXTS = ("the-share-token", "the-password-hash", "the-webhook-url", "phc_")


def nothing(*_: object) -> None:
    """No progress."""


async def make(url: str, clickhouse: ClickHouse) -> None:
    """Project TEAM: facts, one of them erased; events of two months; people, one merged; numbers
    and secrets.
    """
    async with accounts.writing(url) as writing:
        first = await accounts.first(writing)
        assert first.project_id == TEAM
    async with projecting(url) as projector:
        await projector.append(created())
        for number in range(8):
            await projector.append(InsightRenamed(f"name {number}", f"name {number - 1}"))
        await erase_text(projector, "name 1")
    with psycopg.connect(url, autocommit=True) as conn:
        _numbers(conn)
        _people(conn)
    async with await AsyncConnection.connect(url, options="-c timezone=UTC") as mirrored:
        await mirror_all(mirrored, clickhouse)
    await _events(clickhouse)


def _numbers(conn: psycopg.Connection[Any]) -> None:
    for statement in (
        "INSERT INTO insight_ids (id, team_id, short_id) VALUES (7, 1, 'aB3dE6gH')",
        "INSERT INTO share_tokens (id, team_id, insight_id, token)"
        " VALUES (4, 1, 7, 'the-share-token')",
        "INSERT INTO share_passwords (id, team_id, insight_id, password_hash)"
        " VALUES (6, 1, 7, 'the-password-hash')",
        "INSERT INTO webhook_ids (id, team_id, slot) VALUES (2, 1, 1)",
        "INSERT INTO webhook_secrets (team_id, webhook_id, url) VALUES (1, 2, 'the-webhook-url')",
    ):
        conn.execute(statement.encode())


def _people(conn: psycopg.Connection[Any]) -> None:
    for number in range(PEOPLE):
        conn.execute(
            "INSERT INTO persons VALUES (1, %s, %s, true, '2026-10-01', 40)",
            (person(number), f'{{"name":"p{number}","size":{number}.5}}'),
        )
        conn.execute(
            "INSERT INTO person_distinct_ids VALUES (1, %s, %s, 40)",
            (f"id {number}", person(number)),
        )
    conn.execute("INSERT INTO person_overrides VALUES (1, %s, %s, 40)", (person(9), person(0)))
    conn.execute("INSERT INTO group_types VALUES (1, 'company', 0)")
    conn.execute(
        """INSERT INTO groups VALUES (1, 0, 'acme', '{"plan":"paid"}', '2026-10-01', 40)"""
    )


def person(number: int) -> UUID:
    return uuid5(NAMESPACE, f"person {number}")


async def _events(clickhouse: ClickHouse) -> None:
    months = [datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)]
    texts = [
        property_texts({"page": f"/{n}", "amount": n + 0.25, "day": "2026-01-02", "tags": ["a", n]})
        for n in range(EVENTS)
    ]
    uuids = [uuid5(NAMESPACE, f"event {n}") for n in range(EVENTS)]
    await clickhouse.insert(
        "events",
        {
            "team_id": [TEAM] * EVENTS,
            "event": ["paid" if n % 3 else "seen" for n in range(EVENTS)],
            "timestamp": [microseconds(months[n % 2]) + n for n in range(EVENTS)],
            "uuid": uuids,
            "distinct_id": [f"id {n % PEOPLE}" for n in range(EVENTS)],
            "person_id": [person(n % PEOPLE) for n in range(EVENTS)],
            "session_id": [f"s{n % 5}" for n in range(EVENTS)],
            "group_0": ["acme"] * EVENTS,
            "properties": [column for column, _ in texts],
            "sent": [sent for _, sent in texts],
            "inserted_at": [microseconds(months[1])] * EVENTS,
            "sequence": [n + 1 for n in range(EVENTS)],
        },
    )
    await clickhouse.insert(
        "event_uuids",
        {"team_id": [TEAM] * EVENTS, "uuid": uuids, "sequence": [n + 1 for n in range(EVENTS)]},
    )


CONTENT = {
    "events": "event, timestamp, uuid, distinct_id, person_id, session_id, group_0,"
    " toString(properties), sent, inserted_at",
    "event_uuids": "uuid",
    "persons FINAL": "person_id, toString(properties), sent, is_identified, created_at",
    "person_distinct_ids FINAL": "distinct_id, person_id",
    "person_overrides FINAL": "person_id, target_id",
    "groups FINAL": "group_type_index, group_key, toString(properties), created_at",
}


async def content(clickhouse: ClickHouse) -> dict[str, list[Any]]:
    """What the engine has of the project, without what an installation numbers by itself."""
    found = {}
    for table, columns in CONTENT.items():
        text = f"SELECT {columns} FROM {table} WHERE team_id = {TEAM} ORDER BY ALL"
        found[table] = await clickhouse.query(Statement(text, {}))
    return found


async def archived(url: str, clickhouse: ClickHouse, path: Path) -> CheckedArchive:
    await export(url, clickhouse, TEAM, path, nothing)
    return checked(path)
