"""The writes to accounts: what the command line and a few endpoints do."""

import secrets
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Raw
from psycopg import AsyncCursor
from psycopg.rows import class_row

from services.common.accounts.accounts import PROJECT_COLUMNS, Organization, Project, hash_key
from services.common.postgres.database import Pool

V = TypeVar("V")

NO_FILTERS = Raw(b"[]")


class IssuedKey(msgspec.Struct, frozen=True):
    """A key just made: the only time its text is seen."""

    id: str
    key: str
    scopes: list[str]


class RequestKey(msgspec.Struct, frozen=True):
    """An Idempotency-Key, the API key that it came with, and the digest of its request."""

    api_key_id: str
    key: str
    request_hash: bytes


class ProjectKeyReused(Exception):
    """The Idempotency-Key made a project before, from another request."""


async def create_organization(pool: Pool, name: str) -> Organization:
    async with pool.connection() as conn:
        cursor = await conn.cursor(row_factory=class_row(Organization)).execute(
            "INSERT INTO organizations (id, name) VALUES (gen_random_uuid(), %s)"
            " RETURNING id, name, created_at",
            (name,),
        )
        return await _one(cursor)


async def create_user(
    pool: Pool, email: str, organization_id: UUID, *, first_name: str = "", level: int = 1
) -> int:
    """The number of the user with this address, a member of the organization from now on.

    An address that is known keeps its user; a membership that is there keeps its level.
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "INSERT INTO users (distinct_id, email, first_name)"
            " VALUES (gen_random_uuid()::text, %s, %s)"
            " ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id",
            (email, first_name),
        )
        (user_id,) = await _one(cursor)
        await conn.execute(
            "INSERT INTO organization_members (organization_id, user_id, level)"
            " VALUES (%s, %s, %s) ON CONFLICT (organization_id, user_id) DO NOTHING",
            (organization_id, user_id, level),
        )
        return int(user_id)


async def create_project(
    pool: Pool,
    organization_id: UUID,
    name: str,
    timezone: str = "UTC",
    *,
    week_start_day: int = 0,
    test_account_filters: Raw = NO_FILTERS,
    under: RequestKey | None = None,
) -> Project:
    """A new one; the one that was made under the same key before. Raises ProjectKeyReused."""
    async with pool.connection() as conn:
        # The second request under a key waits here for the first, and then finds its project.
        cursor = await conn.cursor(row_factory=class_row(Project)).execute(
            "INSERT INTO projects (organization_id, name, api_token, timezone, week_start_day,"
            " test_account_filters, made_by_key, made_under, made_from)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT ON CONSTRAINT projects_made_once DO UPDATE SET name = projects.name"
            f" WHERE projects.made_from = excluded.made_from RETURNING {PROJECT_COLUMNS}",
            (
                organization_id,
                name,
                f"phc_{_secret(43)}",
                timezone,
                week_start_day,
                bytes(test_account_filters).decode(),
                under.api_key_id if under else None,
                under.key if under else None,
                under.request_hash if under else None,
            ),
        )
        made = await cursor.fetchone()
    if made is None:
        raise ProjectKeyReused
    return made


async def create_key(
    pool: Pool,
    user_id: int,
    *,
    label: str = "API key",
    scopes: list[str] | None = None,
    team_ids: list[int] | None = None,
    organization_ids: list[UUID] | None = None,
) -> IssuedKey:
    """scopes: `*` unless given."""
    text = f"phx_{_secret(43)}"
    issued = IssuedKey(_secret(16), text, scopes or ["*"])
    async with pool.connection() as conn:
        await conn.execute(
            "INSERT INTO personal_api_keys"
            " (id, user_id, label, secure_value, mask_value, scopes, scoped_teams,"
            " scoped_organizations) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                issued.id,
                user_id,
                label,
                hash_key(text),
                f"phx_…{text[-4:]}",
                issued.scopes,
                team_ids or [],
                organization_ids or [],
            ),
        )
    return issued


async def renew_key(
    pool: Pool,
    key_id: str,
    user_id: int,
    *,
    label: str,
    scopes: list[str],
    team_ids: list[int],
) -> IssuedKey:
    """A key of this id, made or given another secret: what it did is remembered as its doing."""
    issued = IssuedKey(key_id, f"phx_{_secret(43)}", scopes)
    async with pool.connection() as conn:
        await conn.execute(
            "INSERT INTO personal_api_keys"
            " (id, user_id, label, secure_value, mask_value, scopes, scoped_teams)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (id) DO UPDATE SET secure_value = excluded.secure_value,"
            " mask_value = excluded.mask_value, revoked_at = NULL",
            (
                issued.id,
                user_id,
                label,
                hash_key(issued.key),
                f"phx_…{issued.key[-4:]}",
                issued.scopes,
                team_ids,
            ),
        )
    return issued


async def revoke_key(pool: Pool, key_id: str) -> None:
    async with pool.connection() as conn:
        await conn.execute(
            "UPDATE personal_api_keys SET revoked_at = now() WHERE id = %s", (key_id,)
        )


def _secret(length: int) -> str:
    """URL-safe random characters, 6 bits each."""
    return secrets.token_urlsafe(length)[:length]


async def _one(cursor: AsyncCursor[V]) -> V:
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return row
