"""The writes to the tables of accounts.

Alone they leave nothing in the organization's chain: services make them by
`services.command.accounts`, which says them there.
"""

import secrets
from typing import LiteralString, TypeVar
from uuid import UUID

import msgspec
from msgspec import Raw
from psycopg import AsyncCursor
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from services.common.accounts.accounts import PROJECT_COLUMNS, Organization, Project, hash_key
from services.common.postgres.database import Pool

V = TypeVar("V")

NO_FILTERS = Raw(b"[]")
_NEXT_USER: LiteralString = "nextval(pg_get_serial_sequence('users', 'id'))"
_NEXT_PROJECT: LiteralString = "nextval(pg_get_serial_sequence('projects', 'id'))"
# The one that stored the fewest events in the last seven days; of equal ones, the one with the
# fewest projects.
_EMPTIEST_BUCKET: LiteralString = """(
    SELECT b.bucket FROM bucket_shards b
    LEFT JOIN bucket_days d ON d.bucket = b.bucket AND d.day > current_date - 7
    GROUP BY b.bucket
    ORDER BY coalesce(sum(d.events), 0),
        (SELECT count(*) FROM projects p WHERE p.bucket = b.bucket), b.bucket
    LIMIT 1
)"""


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
            " RETURNING id, name, created_at, chain",
            (name,),
        )
        return await _one(cursor)


async def create_user(
    pool: Pool,
    email: str,
    organization_id: UUID,
    *,
    first_name: str = "",
    level: int = 1,
    id: int | None = None,
) -> int:
    """The number of the user with this address, a member of the organization from now on.

    An address that is known keeps its user; a membership that is there keeps its level.
    id: drawn for the user. Where the address is another user's by now, nobody becomes a member.
    """
    async with pool.connection() as conn:
        cursor = await conn.execute(
            "INSERT INTO users (id, distinct_id, email, first_name)"
            f" VALUES (coalesce(%s, {_NEXT_USER}), gen_random_uuid()::text, %s, %s)"
            " ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id",
            (id, email, first_name),
        )
        (user_id,) = await _one(cursor)
        if id is None or id == user_id:
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
    id: int | None = None,
) -> Project:
    """A new one; the one that was made under the same key before. Raises ProjectKeyReused.

    id: drawn for it; a project that has it already is the one.
    """
    values = (
        id,
        organization_id,
        name,
        new_api_token(),
        timezone,
        week_start_day,
        bytes(test_account_filters).decode(),
        under.api_key_id if under else None,
        under.key if under else None,
        under.request_hash if under else None,
    )
    async with pool.connection() as conn:
        cursor = conn.cursor(row_factory=class_row(Project))
        try:
            # The second request under a key waits here for the first, and then finds its project.
            await cursor.execute(
                "INSERT INTO projects (id, organization_id, name, api_token, timezone,"
                " week_start_day, test_account_filters, made_by_key, made_under, made_from, bucket)"
                f" VALUES (coalesce(%s, {_NEXT_PROJECT}), %s, %s, %s, %s, %s, %s, %s, %s, %s,"
                f" {_EMPTIEST_BUCKET})"
                " ON CONFLICT ON CONSTRAINT projects_made_once DO UPDATE SET name = projects.name"
                f" WHERE projects.made_from = excluded.made_from RETURNING {PROJECT_COLUMNS}",
                values,
            )
        except UniqueViolation:
            if id is None:
                raise
            await cursor.execute(f"SELECT {PROJECT_COLUMNS} FROM projects WHERE id = %s", (id,))
        made = await cursor.fetchone()
    if made is None:
        raise ProjectKeyReused
    return made


async def project_under(pool: Pool, under: RequestKey) -> Project | None:
    """The one that was made under this key. Raises ProjectKeyReused."""
    async with pool.connection() as conn:
        cursor = await conn.cursor(row_factory=class_row(_MadeProject)).execute(
            f"SELECT {PROJECT_COLUMNS}, made_from FROM projects"
            " WHERE made_by_key = %s AND made_under = %s",
            (under.api_key_id, under.key),
        )
        found = await cursor.fetchone()
    if found is None:
        return None
    if found.made_from != under.request_hash:
        raise ProjectKeyReused
    return found


async def new_user_id(pool: Pool) -> int:
    """A number that no other user has or gets."""
    return await _drawn(pool, _NEXT_USER)


async def new_project_id(pool: Pool) -> int:
    return await _drawn(pool, _NEXT_PROJECT)


def new_api_token() -> str:
    """A capture token that is not there yet."""
    return f"phc_{_secret(43)}"


async def user_id(pool: Pool, email: str) -> int | None:
    """Of the user with this address."""
    return await _number(pool, "SELECT id FROM users WHERE email = %s", email)


async def level(pool: Pool, user_id: int, organization_id: UUID) -> int | None:
    """A member's rank; None for who is none."""
    return await _number(
        pool,
        "SELECT level FROM organization_members WHERE user_id = %s AND organization_id = %s",
        user_id,
        organization_id,
    )


async def set_level(pool: Pool, user_id: int, organization_id: UUID, level: int) -> None:
    async with pool.connection() as conn:
        await conn.execute(
            "UPDATE organization_members SET level = %s"
            " WHERE user_id = %s AND organization_id = %s",
            (level, user_id, organization_id),
        )


async def remove_member(pool: Pool, user_id: int, organization_id: UUID) -> None:
    async with pool.connection() as conn:
        await conn.execute(
            "DELETE FROM organization_members WHERE user_id = %s AND organization_id = %s",
            (user_id, organization_id),
        )


def draw_key(scopes: list[str]) -> IssuedKey:
    """A key that is not there yet."""
    return IssuedKey(_secret(16), f"phx_{_secret(43)}", scopes)


async def create_key(
    pool: Pool,
    user_id: int,
    *,
    label: str = "API key",
    scopes: list[str] | None = None,
    team_ids: list[int] | None = None,
    organization_ids: list[UUID] | None = None,
    drawn: IssuedKey | None = None,
) -> IssuedKey:
    """scopes: `*` unless given. drawn: the key as it was drawn before, with its scopes."""
    issued = drawn or draw_key(scopes or ["*"])
    async with pool.connection() as conn:
        await conn.execute(
            "INSERT INTO personal_api_keys"
            " (id, user_id, label, secure_value, mask_value, scopes, scoped_teams,"
            " scoped_organizations) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                issued.id,
                user_id,
                label,
                hash_key(issued.key),
                f"phx_…{issued.key[-4:]}",
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


async def revoke_key(pool: Pool, key_id: str) -> int | None:
    """The user whose key it was; None: there is no such key."""
    return await _number(
        pool,
        "UPDATE personal_api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = %s"
        " RETURNING user_id",
        key_id,
    )


class _MadeProject(Project, frozen=True, kw_only=True):
    made_from: bytes


async def _drawn(pool: Pool, number: LiteralString) -> int:
    async with pool.connection() as conn:
        return int((await _one(await conn.execute(f"SELECT {number}")))[0])


async def _number(pool: Pool, statement: LiteralString, *values: object) -> int | None:
    async with pool.connection() as conn:
        row = await (await conn.execute(statement, values)).fetchone()
    return None if row is None else int(row[0])


def _secret(length: int) -> str:
    """URL-safe random characters, 6 bits each."""
    return secrets.token_urlsafe(length)[:length]


async def _one(cursor: AsyncCursor[V]) -> V:
    row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING gave no row")
    return row
