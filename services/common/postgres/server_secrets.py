"""Keys that all processes of an installation share, and nobody else has."""

import secrets

from services.common.postgres.database import Pool


async def server_secret(pool: Pool, name: str) -> bytes:
    """The installation's key of this name, made the first time."""
    async with pool.connection() as conn:
        await conn.execute(
            "INSERT INTO server_secrets (name, value) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (name, secrets.token_bytes(32)),
        )
        cursor = await conn.execute("SELECT value FROM server_secrets WHERE name = %s", (name,))
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("the key was just written and is not there")
    return bytes(row[0])
