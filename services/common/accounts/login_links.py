"""Links that open a project's pages: each once, and not for long. Only a digest is kept.

Each has a key of its own, which ends with it, or with the session that it has opened.
"""

import secrets

import msgspec

from services.common.accounts.accounts import hash_key
from services.common.postgres.database import Pool

LIFETIME_MINUTES = 10
SESSION_HOURS = 12


class LoginLink(msgspec.Struct, frozen=True):
    """The key in whose name it opens, made for it alone, and the project that it opens."""

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
        await conn.execute(_ENDS, (f"{LIFETIME_MINUTES} minutes", link.key_id))
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
        if row is None:
            return None
        taken = LoginLink(*row)
        await conn.execute(_ENDS, (f"{SESSION_HOURS} hours", taken.key_id))
    return taken


async def made_for_a_link(pool: Pool, key_id: str) -> bool:
    """Such a key is of no use once its session ends; others stay."""
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT FROM personal_api_keys WHERE id = %s AND expires_at IS NOT NULL", (key_id,)
        )
        return await cursor.fetchone() is not None


_ENDS = "UPDATE personal_api_keys SET expires_at = now() + %s::interval WHERE id = %s"
