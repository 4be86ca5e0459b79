"""Event rows into ClickHouse: a block that is refused is halved until the bad rows are alone."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from contracts.product_events import CapturedEvent
from services.common.clickhouse import ClickHouse, QueryFailed
from services.common.clickhouse.statement import Statement
from services.projector.product_events.groups import MAX_TYPES

# ClickHouse's errors when a row is at fault. Any other error means: the same rows, later.
DATA_ERRORS: Final = frozenset({
    6,    # CANNOT_PARSE_TEXT
    25,   # CANNOT_PARSE_ESCAPE_SEQUENCE
    26,   # CANNOT_PARSE_QUOTED_STRING
    27,   # CANNOT_PARSE_INPUT_ASSERTION_FAILED
    33,   # CANNOT_READ_ALL_DATA
    72,   # CANNOT_PARSE_NUMBER
    117,  # INCORRECT_DATA
    131,  # TOO_LARGE_STRING_SIZE
    306,  # TOO_DEEP_RECURSION
})  # fmt: skip


OF_SEQUENCES: Final[tuple[LiteralString, ...]] = ("events", "event_uuids")

# A server takes no longer value in a form field than 128 KiB.
_ASKED_AT_ONCE: Final = 2_000


class EventRow(msgspec.Struct, frozen=True):
    """An event on its way into the table. index: its number in its message."""

    sequence: int
    index: int
    team_id: int
    event: CapturedEvent
    person_id: UUID
    groups: Sequence[str]


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that the engine takes under no circumstances, and what it says."""

    row: EventRow
    reason: str


class Origin(msgspec.Struct, frozen=True):
    """A place in a bucket's stream."""

    bucket: int
    sequence: int


async def stored_uuids(
    clickhouse: ClickHouse, wanted: set[tuple[int, UUID]], before: Origin
) -> set[tuple[int, UUID]]:
    """The (team_id, uuid) among these that sequences of the stream lower than `before` have
    brought, or another stream, from which the project has moved here.
    """
    asked = list(wanted)
    parts = [
        asked[first : first + _ASKED_AT_ONCE] for first in range(0, len(asked), _ASKED_AT_ONCE)
    ]
    found = await asyncio.gather(*(_stored(clickhouse, part, before) for part in parts))
    return set().union(*found) & wanted


async def _stored(
    clickhouse: ClickHouse, asked: Sequence[tuple[int, UUID]], before: Origin
) -> set[tuple[int, UUID]]:
    statement = Statement(
        "SELECT team_id, uuid FROM event_uuids"
        " WHERE team_id IN {teams:Array(Int64)} AND uuid IN {uuids:Array(UUID)}"
        " AND (sequence < {before:UInt64} OR bucket != {bucket:UInt16})",
        {
            "teams": sorted({team_id for team_id, _ in asked}),
            "uuids": [str(uuid) for _, uuid in asked],
            "before": before.sequence,
            "bucket": before.bucket,
        },
    )
    return {(team_id, uuid) for team_id, uuid in await clickhouse.query(statement)}


async def insert_events(
    clickhouse: ClickHouse, rows: Sequence[EventRow], token: str, inserted_at: int, bucket: int = 0
) -> list[RefusedRow]:
    """Insert them all but the ones that are refused, which come back.

    token: names exactly these rows. Repeated with the same rows, it halves in the same way, so
    every part of them keeps its own token.
    """
    if not rows:
        return []
    try:
        columns = _columns(rows, inserted_at, bucket)
        await clickhouse.insert("events", columns, deduplication_token=token)
    except QueryFailed as failure:
        if failure.code not in DATA_ERRORS:
            raise
        if len(rows) == 1:
            return [RefusedRow(rows[0], failure.message)]
    else:
        return []
    middle = len(rows) // 2
    halves = (rows[:middle], f"{token}.0"), (rows[middle:], f"{token}.1")
    refused: list[RefusedRow] = []
    for half, name in halves:
        refused += await insert_events(clickhouse, half, name, inserted_at, bucket)
    return refused


async def insert_uuids(
    clickhouse: ClickHouse, rows: Sequence[EventRow], token: str, bucket: int = 0
) -> None:
    if rows:
        await clickhouse.insert(
            "event_uuids",
            {
                "team_id": [row.team_id for row in rows],
                "uuid": [row.event.uuid for row in rows],
                "sequence": [row.sequence for row in rows],
                "bucket": [bucket] * len(rows),
            },
            deduplication_token=token,
        )


async def last_sequence(clickhouse: ClickHouse, beyond: Origin) -> int:
    """The highest one of the bucket beyond this that any row is of; this one when there is none."""
    found = [beyond.sequence]
    bound: dict[str, object] = {"bucket": beyond.bucket, "beyond": beyond.sequence}
    for table in OF_SEQUENCES:
        text = (
            f"SELECT max(sequence) FROM {table}"
            " WHERE bucket = {bucket:UInt16} AND sequence > {beyond:UInt64}"
        )
        found += [last for (last,) in await clickhouse.query(Statement(text, bound))]
    return max(found)


async def delete_between(clickhouse: ClickHouse, reached: Origin, end: int) -> None:
    """The rows of the bucket's sequences after `reached`, up to `end`; returns when they are gone.
    Safe to repeat.
    """
    for table in OF_SEQUENCES:
        await clickhouse.command(
            f"ALTER TABLE {table} DELETE WHERE bucket = {{bucket:UInt16}}"
            " AND sequence > {reached:UInt64} AND sequence <= {end:UInt64}"
            " SETTINGS mutations_sync = 2",
            {"bucket": reached.bucket, "reached": reached.sequence, "end": end},
        )


def _columns(rows: Sequence[EventRow], inserted_at: int, bucket: int) -> dict[str, list[Any]]:
    events = [row.event for row in rows]
    texts = [event.texts() for event in events]
    columns: dict[str, list[Any]] = {
        "team_id": [row.team_id for row in rows],
        "event": [event.event for event in events],
        "timestamp": [event.timestamp for event in events],
        "uuid": [event.uuid for event in events],
        "distinct_id": [event.distinct_id for event in events],
        "person_id": [row.person_id for row in rows],
        "session_id": [event.session_id for event in events],
        "properties": [column for column, _ in texts],
        "sent": [sent for _, sent in texts],
        "inserted_at": [inserted_at] * len(rows),
        "sequence": [row.sequence for row in rows],
        "bucket": [bucket] * len(rows),
    }
    for index in range(MAX_TYPES):
        columns[f"group_{index}"] = [row.groups[index] for row in rows]
    return columns
