"""One insight, in one round trip."""

import re
from datetime import UTC, datetime
from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import Raw
from psycopg.rows import args_row

from contracts.events.recorded import Stream, StreamKind
from contracts.json import EMPTY_OBJECT, NULL
from contracts.read_models.insight import InsightRow
from contracts.read_models.projections import CATALOG, INSIGHTS, LAST_VIEWED
from services.common.access import Access
from services.common.beside import COLUMNS, JOINS, Beside, beside
from services.common.caller import Caller
from services.common.database import Pool
from services.query.reads.access import CLOSED_BY, LEVEL, UNFOLDED_RULE, access, access_values
from services.query.reads.standing import REACHED, TEAM_HEAD, Seen, Standing, projections

_decoder = msgspec.json.Decoder(InsightRow)

_NUMBER = re.compile(r"[0-9]{1,18}")
_SHORT_ID = re.compile(r"[A-Za-z0-9]{8}")

# Wanted is the insight's own last fact, or the rules' for all of them, so that nobody waits for
# what happens to another one. The stream of a short id is known from its row only; without a row,
# any fact may be its creation.
_ONE: LiteralString = f"""
    SELECT i.row::text, {COLUMNS}, p.position, {LEVEL}, {CLOSED_BY}, {REACHED},
        greatest({UNFOLDED_RULE}, CASE
        WHEN coalesce(i.stream_id, %(stream_id)s) IS NULL THEN {TEAM_HEAD}
        ELSE coalesce((
            SELECT notification_id FROM log
            WHERE originator_id = coalesce(i.stream_id, %(stream_id)s)
            ORDER BY originator_version DESC LIMIT 1
        ), 0) END)
    FROM (SELECT) AS one
    LEFT JOIN insights i ON i.team_id = %(team_id)s AND """
_BY_NUMBER: LiteralString = "i.insight_id = %(number)s"
_BY_SHORT_ID: LiteralString = "i.short_id = %(short_id)s"
_BESIDE: LiteralString = f"""{JOINS}
    LEFT JOIN parked_streams p ON p.projection = 'insights'
        AND p.stream_id = coalesce(i.stream_id, %(stream_id)s)"""


class Reference(msgspec.Struct, frozen=True):
    """How a path names an insight: by number, or by short id."""

    number: int | None = None
    short_id: str | None = None

    def stream_id(self, team_id: int) -> UUID | None:
        return None if self.number is None else Stream(StreamKind.INSIGHT, team_id, self.number).id


def reference(text: str) -> Reference | None:
    """None: it can't name an insight."""
    if _NUMBER.fullmatch(text):
        return Reference(number=int(text))
    if _SHORT_ID.fullmatch(text):
        return Reference(short_id=text)
    return None


class Found(msgspec.Struct, frozen=True):
    """row: None when there is none. beside: what is told beside it.

    parked_at: the position of the fact from which on its stream can't be followed.
    access: what the caller may do with it.
    """

    row: InsightRow | None
    beside: Beside
    parked_at: int | None
    access: Access


class InsightReads:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, caller: Caller, wanted: Reference) -> Seen[Found]:
        """The insight, deleted or not, as the caller sees it."""
        async with self._pool.connection() as conn:
            cursor = conn.cursor(row_factory=args_row(_found))
            await cursor.execute(
                _ONE + (_BY_SHORT_ID if wanted.number is None else _BY_NUMBER) + _BESIDE,
                access_values(caller)
                | {
                    "team_id": caller.team_id,
                    "number": wanted.number,
                    "short_id": wanted.short_id,
                    "stream_id": wanted.stream_id(caller.team_id),
                    "projections": projections(INSIGHTS, LAST_VIEWED, CATALOG),
                },
            )
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("the statement always gives one row")
        return row

    async def number(self, team_id: int, short_id: str) -> int | None:
        """The number that was given together with this short id, projected or not."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT id FROM insight_ids"
                " WHERE team_id = %(team_id)s AND short_id = %(short_id)s",
                {"team_id": team_id, "short_id": short_id},
            )
            row = await cursor.fetchone()
        return None if row is None else int(row[0])


def _found(
    row: str | None,
    viewed_at: datetime | None,
    kept_body: bytes | None,
    kept_interval: str | None,
    kept_refresh: datetime | None,
    live_job: str | None,
    parked_at: int | None,
    level: int,
    closed_by: int,
    reached: int | None,
    wanted: int,
) -> Seen[Found]:
    insight = None if row is None else decoded(row)
    told = beside(viewed_at, kept_body, kept_interval, kept_refresh, live_job)
    found = Found(insight, told, parked_at, access(level, closed_by))
    return Seen(found, Standing(reached or 0, wanted))


def decoded(text: str) -> InsightRow:
    """The row; one that this version can't read comes back with what can be read of it.

    So a single bad row breaks no list. Its numbers, names and times are there as far as they are
    what they should be; its documents are empty, which makes its result null.
    """
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError:
        return _salvaged(msgspec.json.decode(text, type=dict[str, Raw]))


_DAWN = datetime(1970, 1, 1, tzinfo=UTC)
_SPARE: dict[str, object] = {
    "team_id": 0, "insight_id": 0, "short_id": "", "name": None, "derived_name": None,
    "description": None, "filters": EMPTY_OBJECT, "query": NULL, "order": None, "deleted": False,
    "favorited": False, "saved": False, "is_sample": False, "created_at": _DAWN,
    "created_by": None, "updated_at": _DAWN, "last_modified_at": _DAWN,
    "last_modified_by": None, "version": 0,
}  # fmt: skip


def _salvaged(members: dict[str, Raw]) -> InsightRow:
    values = dict(_SPARE)
    for field in msgspec.structs.fields(InsightRow):
        if field.name in members:
            try:
                values[field.name] = msgspec.json.decode(members[field.name], type=field.type)
            except msgspec.ValidationError:
                continue
    return InsightRow(**values)  # type: ignore[arg-type]  # each value was decoded as its field's type
