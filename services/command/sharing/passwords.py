"""Passwords of shares: hashed before they touch the disk, never in a fact or a log line."""

import asyncio

from argon2 import PasswordHasher

from services.common.postgres.database import Pool


class Passwords:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._hasher = PasswordHasher()

    async def add(self, team_id: int, insight_id: int, password: str) -> int:
        """The number of the stored hash."""
        # argon2 is slow on purpose: off the loop.
        hashed = await asyncio.to_thread(self._hasher.hash, password)
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "INSERT INTO share_passwords (team_id, insight_id, password_hash)"
                " VALUES (%s, %s, %s) RETURNING id",
                (team_id, insight_id, hashed),
            )
            row = await cursor.fetchone()
        if row is None:
            raise RuntimeError("INSERT … RETURNING gave no row")
        return int(row[0])

    async def remove(self, team_id: int, password_id: int) -> None:
        async with self._pool.connection() as conn:
            await conn.execute(
                "DELETE FROM share_passwords WHERE team_id = %s AND id = %s",
                (team_id, password_id),
            )
