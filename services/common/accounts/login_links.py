"""Links that open a project's pages: each once, and not for long. Only a digest is kept."""

import secrets

import msgspec

from services.common.accounts.accounts import hash_key
from services.common.postgres.database import Pool

LIFETIME_MINUTES = 10


class LoginLink(msgspec.Struct, frozen=True):
    """The key in whose name it opens, and the project that it opens."""

    key_id: str
    team_id: int


async def issue(pool: Pool, link: LoginLink) -> str:
    """The secret of a new one. Those that have run out are forgotten."""
    text = secrets.token_urlsafe(32)
    async with pool.connection() as conn:
        await conn.execute("DELETE FROM login_links WHERE expires_at < now()")
        await conn.execute(
            "INSERT INTO login_links (secret_hash, key_id, team_id, expires_at)"
            " VALUES (%s, %s, %s, now() + make_interval(mins => %s))",
            (hash_key(text), link.key_id, link.team_id, LIFETIME_MINUTES),
        )
    return text


async def take(pool: Pool, text: str) -> LoginLink | None:
    """What it opens, this once; None for one that was never made, is used or has run out."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "DELETE FROM login_links WHERE secret_hash = %s AND expires_at > now()"
            " RETURNING key_id, team_id",
            (hash_key(text),),
        )
        row = await cursor.fetchone()
    return None if row is None else LoginLink(*row)
