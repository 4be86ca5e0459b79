"""Where the log's entries stand, without their payloads: what the public stream is held against."""

from datetime import timedelta
from typing import LiteralString

from msgspec import Struct
from psycopg.rows import args_row

from contracts.chain import BEGINNING, Link
from services.common.postgres.database import Pool

_HASHES: LiteralString = """
    SELECT notification_id, hash, salt = '' FROM log
    WHERE notification_id > %s ORDER BY notification_id LIMIT %s"""

_ERASED: LiteralString = """
    SELECT count(*) FROM log WHERE salt = '' AND notification_id BETWEEN %s AND %s"""

_LINK_BEFORE: LiteralString = """
    SELECT team_seq, hash FROM log WHERE team_id = %s AND notification_id < %s
    ORDER BY team_seq DESC LIMIT 1"""

_IS_OLDER: LiteralString = """
    SELECT recorded_at < now() - %s FROM log
    WHERE notification_id >= %s AND origin_position IS NULL
    ORDER BY notification_id LIMIT 1"""

_HEAD: LiteralString = "SELECT coalesce(max(notification_id), 0) FROM log"

# Of the newest entries so many that their payloads, and what stands around each, fill the size.
_NEWEST: LiteralString = """
    SELECT coalesce(min(notification_id), 1) FROM (
        SELECT notification_id, sum(
            CASE WHEN octet_length(state) < %(largest)s THEN octet_length(state) ELSE 0 END
            + %(around)s
        ) OVER (ORDER BY notification_id DESC) AS size
        FROM log
    ) AS newest
    WHERE size <= %(size)s"""


class PositionHash(Struct, frozen=True):
    """An entry's place and proof. erased: its payload is gone, and its message may be."""

    position: int
    hash: bytes
    erased: bool


async def hashes(pool: Pool, after: int, limit: int) -> list[PositionHash]:
    """Of the entries beyond position `after`, in order, without gaps."""
    async with (
        pool.connection() as conn,
        conn.cursor(binary=True, row_factory=args_row(PositionHash)) as cursor,
    ):
        await cursor.execute(_HASHES, (after, limit))
        return await cursor.fetchall()


async def hash_at(pool: Pool, position: int) -> PositionHash | None:
    """Of one entry; None: the log has not come so far."""
    found = await hashes(pool, position - 1, 1)
    return found[0] if found else None


async def erased_between(pool: Pool, first: int, last: int) -> int:
    """How many entries from `first` to `last` have been erased."""
    return int(await _value(pool, _ERASED, (first, last)))


async def link_before(pool: Pool, team_id: int, position: int) -> Link:
    """The end of a project's chain just before this position."""
    async with pool.connection() as conn, conn.cursor(binary=True) as cursor:
        await cursor.execute(_LINK_BEFORE, (team_id, position))
        row = await cursor.fetchone()
    return BEGINNING if row is None else Link(*row)


async def is_older(pool: Pool, position: int, age: timedelta) -> bool:
    """Whether the entry was recorded longer ago than that, or the first one after it that was
    written in this log; False where there is none.
    """
    return bool(await _value(pool, _IS_OLDER, (age, position)))


async def first_younger(pool: Pool, age: timedelta) -> int:
    """The first position that was recorded no longer ago; the one after the head: none was."""
    # Times rise with positions, and only those have an index.
    low, high = 1, int(await _value(pool, _HEAD, ())) + 1
    while low < high:
        middle = (low + high) // 2
        if await is_older(pool, middle, age):
            low = middle + 1
        else:
            high = middle
    return low


async def first_of_newest(pool: Pool, size: int, around: int, largest: int) -> int:
    """The first position of the newest entries that fill `size` bytes; 1 where all of them fit.

    around: bytes of a message besides its payload. largest: a payload of that size is left out.
    """
    sizes = {"size": size, "around": around, "largest": largest}
    async with pool.connection() as conn, conn.cursor() as cursor:
        await cursor.execute(_NEWEST, sizes)
        row = await cursor.fetchone()
    return 1 if row is None else int(row[0])


async def _value(pool: Pool, statement: LiteralString, asked: tuple[object, ...]) -> int:
    """One number; 0 where no row is found."""
    async with pool.connection() as conn, conn.cursor() as cursor:
        await cursor.execute(statement, asked)
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])
