"""What was signed of the trees, and the keys that sign: as rows."""

from datetime import datetime
from typing import LiteralString

import msgspec
from psycopg.rows import args_row

from contracts.notes import VerifierKey, parse_checkpoint, parse_note
from services.common.postgres.database import Pool

_ONE: LiteralString = """
    SELECT team_id, size, root, note, at, witnesses FROM signed_checkpoints
    WHERE team_id = %(team_id)s AND size >= %(size)s ORDER BY size"""
_NEWEST: LiteralString = f"{_ONE} DESC LIMIT 1"
_FIRST: LiteralString = f"{_ONE} LIMIT 1"

_KEYS: LiteralString = "SELECT public, since, until, lost FROM log_keys ORDER BY since"


class SignedCheckpoint(msgspec.Struct, frozen=True):
    """note: with all its signatures, as it is published."""

    team_id: int
    size: int
    root: bytes
    note: str
    at: datetime
    witnesses: int

    @property
    def origin(self) -> str:
        return parse_checkpoint(parse_note(self.note).text).origin


class LogKey(msgspec.Struct, frozen=True):
    """until: it signs no more from then on; None: it is the one that signs. lost: nobody has it."""

    public: bytes
    since: datetime
    until: datetime | None
    lost: bool

    def named(self, origin: str) -> VerifierKey:
        """As it signs one project's tree."""
        return VerifierKey(origin, self.public)


async def newest(pool: Pool, team_id: int) -> SignedCheckpoint | None:
    """None: nothing was signed yet."""
    return await _checkpoint(pool, _NEWEST, team_id, 0)


async def first_from(pool: Pool, team_id: int, size: int) -> SignedCheckpoint | None:
    """The smallest that covers so many entries; None: there is none yet."""
    return await _checkpoint(pool, _FIRST, team_id, size)


async def log_keys(pool: Pool) -> list[LogKey]:
    """All there ever were, oldest first."""
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=args_row(LogKey), binary=True)
        await cursor.execute(_KEYS)
        return await cursor.fetchall()


async def _checkpoint(
    pool: Pool, statement: LiteralString, team_id: int, size: int
) -> SignedCheckpoint | None:
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=args_row(SignedCheckpoint), binary=True)
        await cursor.execute(statement, {"team_id": team_id, "size": size})
        return await cursor.fetchone()
