"""Entries of one project by what their payloads say: what an erasure is to find.

The database sorts out what can't match; the rest is decoded and looked at in a thread, since a
document may spell a text in its own way (`\\u0061da`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import args_row

from contracts.codec import Undecodable, decode_event
from contracts.events.recorded import DomainEvent
from domain.erasure.redaction import contents, people
from services.common.postgres.database import Pool

AT_ONCE = 2000

_FOUND: LiteralString = """
    SELECT team_seq, notification_id, originator_id,
        coalesce(subject, subject_of_before(originator_id), ''), topic, recorded_at,
        (actor::json->>'user_id')::bigint, salt = '', commitment, state
    FROM log"""
_AT: LiteralString = f"{_FOUND} WHERE team_id = %s AND team_seq = ANY(%s) ORDER BY team_seq"
_FROM: LiteralString = f"""{_FOUND}
    WHERE team_id = %(team_id)s AND team_seq > %(after)s"""
_END: LiteralString = "ORDER BY team_seq LIMIT %(limit)s"
# What has a backslash may spell any text by escapes.
_PLAIN_TEXT: LiteralString = """
    AND (position(%(text)s in lower(convert_from(state, 'UTF8'))) > 0
        OR position('\\x5c'::bytea in state) > 0)"""
_ANY_OF: LiteralString = """
    AND EXISTS (
        SELECT FROM unnest(%(needles)s::bytea[]) AS needle WHERE position(needle in state) > 0
    )"""


class UnreadableEntry(Exception):
    """The payload is of a newer version: what it holds can't be told."""

    def __init__(self, sequence: int) -> None:
        super().__init__(f"entry {sequence} can't be read")
        self.sequence = sequence


class FoundEntry(msgspec.Struct, frozen=True):
    """subject: of its stream, `insight/7`. name: its stored one. user_id: who acted. erased: it
    has been before.
    """

    sequence: int
    position: int
    stream_id: UUID
    subject: str
    name: str
    at: datetime
    user_id: int | None
    erased: bool
    commitment: bytes
    payload: bytes

    @property
    def event(self) -> DomainEvent:
        """Raises UnreadableEntry."""
        try:
            return decode_event(self.name, self.payload)
        except Undecodable as cause:
            raise UnreadableEntry(self.sequence) from cause


async def entries_at(pool: Pool, team_id: int, sequences: Sequence[int]) -> list[FoundEntry]:
    """Those that there are, in order."""
    return await _select(pool, _AT, (team_id, list(sequences)))


async def entries_with_text(pool: Pool, team_id: int, text: str) -> list[FoundEntry]:
    """Those that have it anywhere in what people wrote, in whatever case.

    Raises UnreadableEntry for one that may have it.
    """
    wanted = text.casefold()
    where: LiteralString = f"{_FROM} {_PLAIN_TEXT if text.isascii() else ''} {_END}"
    asked = {"team_id": team_id, "text": wanted}

    def has(entry: FoundEntry) -> bool:
        return any(wanted in each.casefold() for each in texts_of(entry.event))

    return [entry async for entry in _matching(pool, where, asked, has)]


async def entries_like(pool: Pool, team_id: int, entries: Sequence[FoundEntry]) -> list[FoundEntry]:
    """Other entries that say word for word what one of these says.

    Raises UnreadableEntry.
    """
    known = {said for entry in entries for _, said in contents(entry.event)}
    if not known:
        return []
    own = {entry.sequence for entry in entries}
    where: LiteralString = f"{_FROM} {_ANY_OF} {_END}"
    asked = {"team_id": team_id, "needles": list(known)}

    def repeats(entry: FoundEntry) -> bool:
        return entry.sequence not in own and any(said in known for _, said in contents(entry.event))

    return [entry async for entry in _matching(pool, where, asked, repeats)]


async def entries_with_people(
    pool: Pool, team_id: int, person_ids: Sequence[UUID]
) -> list[FoundEntry]:
    """Those that name one of these persons. Raises UnreadableEntry."""
    wanted = frozenset(person_ids)
    where: LiteralString = f"{_FROM} {_ANY_OF} {_END}"
    asked = {"team_id": team_id, "needles": [str(each).encode() for each in wanted]}
    return [
        entry
        async for entry in _matching(
            pool, where, asked, lambda entry: bool(wanted & people(entry.event))
        )
    ]


def texts_of(event: DomainEvent) -> Iterator[str]:
    """Every text in the fact's contents, keys and numbers of documents among them."""
    for _, said in contents(event):
        yield from _texts(msgspec.json.decode(said))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


async def _matching(
    pool: Pool,
    statement: LiteralString,
    asked: dict[str, Any],
    matches: Callable[[FoundEntry], bool],
) -> AsyncIterator[FoundEntry]:
    after = 0
    while rows := await _select(pool, statement, asked | {"after": after, "limit": AT_ONCE}):
        for entry in await asyncio.to_thread(lambda rows: [*filter(matches, rows)], rows):
            yield entry
        after = rows[-1].sequence


async def _select(pool: Pool, statement: LiteralString, asked: Any) -> list[FoundEntry]:
    async with (
        pool.connection() as conn,
        conn.cursor(binary=True, row_factory=args_row(FoundEntry)) as cursor,
    ):
        await cursor.execute(statement, asked)
        return await cursor.fetchall()
