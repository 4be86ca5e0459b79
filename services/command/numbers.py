"""Numbers, short ids and secrets (no fact may hold one) that a command needs before its facts.

Written before the append, so that a clash never aborts a batch; what the append then refuses
stays behind as a harmless orphan.
"""

import secrets
import string
from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

import msgspec

from contracts.references import SHORT_ID_LENGTH
from services.command.plans import drawn
from services.common.postgres.database import Pool

_ALPHABET = string.ascii_letters + string.digits
TOKEN_BYTES = 24


class InsightNumber(msgspec.Struct, frozen=True):
    id: int
    short_id: str


class ShareToken(msgspec.Struct, frozen=True):
    id: int
    token: str


class Numbers:
    """Gives and finds numbers, in the log's database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def new_insight(self, team_id: int) -> InsightNumber:
        return await drawn(lambda: self._new_insight(team_id), InsightNumber)

    async def _new_insight(self, team_id: int) -> InsightNumber:
        while True:
            short_id = new_short_id()
            async with self._pool.connection() as conn:
                cursor = await conn.execute(
                    "INSERT INTO insight_ids (team_id, short_id) VALUES (%s, %s)"
                    " ON CONFLICT (team_id, short_id) DO NOTHING RETURNING id",
                    (team_id, short_id),
                )
                row = await cursor.fetchone()
            if row is not None:
                return InsightNumber(row[0], short_id)

    async def insight_by_short_id(self, team_id: int, short_id: str) -> int | None:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT id FROM insight_ids WHERE team_id = %s AND short_id = %s",
                (team_id, short_id),
            )
            row = await cursor.fetchone()
        return None if row is None else int(row[0])

    async def new_dashboard(self, team_id: int) -> int:
        return await self._new(
            "INSERT INTO dashboard_ids (team_id) VALUES (%s) RETURNING id", team_id
        )

    async def new_action(self, team_id: int) -> int:
        return await self._new("INSERT INTO action_ids (team_id) VALUES (%s) RETURNING id", team_id)

    async def new_cohort(self, team_id: int) -> int:
        return await self._new("INSERT INTO cohort_ids (team_id) VALUES (%s) RETURNING id", team_id)

    async def persons_of(self, team_id: int, distinct_ids: Sequence[str]) -> tuple[UUID, ...]:
        """The persons behind these ids as they are now; ids of no person are left out."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT DISTINCT person_id FROM person_distinct_ids"
                " WHERE team_id = %s AND distinct_id = ANY(%s) ORDER BY person_id",
                (team_id, list(distinct_ids)),
            )
            return tuple([person_id for (person_id,) in await cursor.fetchall()])

    async def _new(self, statement: LiteralString, team_id: int) -> int:
        return await drawn(lambda: self._one(statement, team_id), int)

    async def _one(self, statement: LiteralString, team_id: int) -> int:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(statement, (team_id,))
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("INSERT … RETURNING gave no row")
        return int(row[0])

    async def new_tiles(self, count: int) -> list[int]:
        """Numbers for so many tiles."""
        if count == 0:
            return []
        return await drawn(lambda: self._tiles(count), list[int])

    async def _tiles(self, count: int) -> list[int]:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT nextval('tile_ids') FROM generate_series(1, %s)", (count,)
            )
            return [number for (number,) in await cursor.fetchall()]

    async def new_share_token(self, team_id: int, insight_id: int) -> ShareToken:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "INSERT INTO share_tokens (team_id, insight_id, token) VALUES (%s, %s, %s)"
                " RETURNING id",
                (team_id, insight_id, token),
            )
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("INSERT … RETURNING gave no row")
        return ShareToken(row[0], token)

    async def share_token(self, token_id: int | None) -> str | None:
        """The token's text; None for none."""
        if token_id is None:
            return None
        async with self._pool.connection() as conn:
            cursor = await conn.execute("SELECT token FROM share_tokens WHERE id = %s", (token_id,))
            row = await cursor.fetchone()
        return None if row is None else str(row[0])


def new_short_id() -> str:
    """Eight of A-Z a-z 0-9, never all digits: clients tell it from a number by that pattern."""
    while True:
        short_id = "".join(secrets.choice(_ALPHABET) for _ in range(SHORT_ID_LENGTH))
        if not short_id.isdigit() and short_id.lower() not in PATH_WORDS:
            return short_id


# Words of eight letters in paths where a short id could be.
PATH_WORDS = frozenset({"activity"})
