"""Organizations, users, projects and personal API keys: plain tables, read from memory.

Each process keeps what it has looked up for at most `MAX_AGE_SECONDS`, and drops everything when
PostgreSQL says that a table changed (NOTIFY), so that a revoked key is dead within a second.
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, LiteralString, TypeVar
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from services.common.postgres.bell import Bell
from services.common.postgres.database import Pool
from services.common.tasks import background

MAX_AGE_SECONDS = 10.0
CHANNEL = "recount_accounts"
LAST_USED_STEP = timedelta(hours=1)

V = TypeVar("V")
K = TypeVar("K")


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A project, or team: what `:project_id` in a path names. version: of its settings' stream.
    bucket: where its product events lie.
    """

    id: int
    uuid: UUID
    organization_id: UUID
    name: str
    api_token: str
    timezone: str
    week_start_day: int
    test_account_filters: list[dict[str, Any]]
    created_at: datetime
    bucket: int = 0
    version: int = 0

    @property
    def settings(self) -> bytes:
        """A digest of the settings that all numbers depend on: none is shown under other ones."""
        fields = [self.timezone, self.week_start_day, self.test_account_filters]
        return hashlib.sha256(msgspec.json.encode(fields)).digest()


class Organization(msgspec.Struct, frozen=True):
    """chain: the team_id of its own facts in the log, below zero."""

    id: UUID
    name: str
    created_at: datetime
    chain: int


class User(msgspec.Struct, frozen=True, kw_only=True):
    """memberships: organization -> level (1 member, 8 administrator, 15 owner)."""

    id: int
    uuid: UUID
    distinct_id: str
    email: str
    first_name: str
    last_name: str
    is_email_verified: bool
    current_team_id: int | None
    memberships: dict[UUID, int] = {}

    def is_administrator(self, organization_id: UUID) -> bool:
        return self.memberships.get(organization_id, 0) >= 8

    def is_owner(self, organization_id: UUID) -> bool:
        return self.memberships.get(organization_id, 0) >= 15


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user's membership of an organization."""

    id: UUID
    user_id: int
    level: int
    joined_at: datetime


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A personal API key without its secret. Empty lists of teams and organizations: no limit."""

    id: str
    user_id: int
    label: str
    scopes: list[str]
    scoped_teams: list[int]
    scoped_organizations: list[UUID]
    created_at: datetime
    last_used_at: datetime | None

    def allows(self, scope: str) -> bool:
        """Whether it opens a route of `object:read` or `object:write`; write implies read."""
        wanted, _, action = scope.partition(":")
        return (
            "*" in self.scopes
            or scope in self.scopes
            or (action == "read" and f"{wanted}:write" in self.scopes)
        )


def hash_key(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class _Cache(Generic[K, V]):
    """Accounts that were read lately, by name. A name that nothing was found for is asked again
    each time.
    """

    def __init__(self, read: Callable[[K], Awaitable[V | None]]) -> None:
        self._read = read
        self._known: dict[K, tuple[float, V]] = {}
        self.generation = 0

    async def get(self, name: K) -> V | None:
        now = time.monotonic()
        entry = self._known.get(name)
        if entry is not None and now - entry[0] < MAX_AGE_SECONDS:
            return entry[1]
        generation = self.generation
        found = await self._read(name)
        # A value that was read before the bell of a change must not outlive it.
        if found is not None and generation == self.generation:
            self._known[name] = (now, found)
        return found

    def forget(self, name: K | None = None) -> None:
        """One name, or everything."""
        self.generation += 1
        if name is None:
            self._known.clear()
        else:
            self._known.pop(name, None)


class Accounts:
    """Looks accounts up, from memory where it can. Its writes are in `administration`."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool = pool
        self._url = url
        self._keys = _Cache(self._read_key)
        self._keys_by_id = _Cache(self._read_key_by_id)
        self._users = _Cache(self._read_user)
        self._projects = _Cache(self._read_project)
        self._tokens = _Cache(self._read_project_by_token)
        self._organizations = _Cache(self._read_organization)
        self._projects_of = _Cache(self._read_projects)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Drops what is kept as soon as a table changes, while the block runs.

        While the bell has no connection, MAX_AGE_SECONDS alone bounds how old an answer can be.
        """
        bell = Bell(self._url, CHANNEL)
        with bell.listener() as rung:
            async with background("accounts", self._follow(rung)), bell.listening():
                yield

    async def key(self, text: str) -> ApiKey | None:
        """The live key with this text."""
        return await self._keys.get(hash_key(text))

    async def key_by_id(self, key_id: str) -> ApiKey | None:
        """The live key of this id, for whoever has shown its text before."""
        return await self._keys_by_id.get(key_id)

    @property
    def edition(self) -> int:
        """Moves whenever anything about users may have changed."""
        return self._users.generation

    async def user(self, user_id: int) -> User | None:
        return await self._users.get(user_id)

    async def project(self, project_id: int) -> Project | None:
        return await self._projects.get(project_id)

    async def project_by_token(self, token: str) -> Project | None:
        """The project whose capture token (`phc_…`) this is."""
        return await self._tokens.get(token)

    async def organization(self, organization_id: UUID) -> Organization | None:
        return await self._organizations.get(organization_id)

    async def projects_of(self, organization_id: UUID) -> list[Project]:
        """All of an organization's, by number."""
        return await self._projects_of.get(organization_id) or []

    async def members(self, organization_id: UUID) -> list[Member]:
        """All of an organization's, the oldest first; never from memory."""
        async with self._pool.connection() as conn:
            cursor = await conn.cursor(row_factory=class_row(Member)).execute(
                "SELECT id, user_id, level, joined_at FROM organization_members"
                " WHERE organization_id = %s ORDER BY joined_at, id",
                (organization_id,),
            )
            return await cursor.fetchall()

    async def used(self, text: str, key: ApiKey) -> None:
        """Moves last_used_at of the key with this text, at most once an hour."""
        now = datetime.now(UTC)
        if key.last_used_at is not None and now - key.last_used_at < LAST_USED_STEP:
            return
        async with self._pool.connection() as conn:
            await conn.execute(
                "UPDATE personal_api_keys SET last_used_at = %(now)s WHERE id = %(id)s"
                " AND (last_used_at IS NULL OR last_used_at <= %(before)s)",
                {"now": now, "id": key.id, "before": now - LAST_USED_STEP},
            )
        self._keys.forget(hash_key(text))

    def forget(self) -> None:
        """Empties the cache: the next lookup reads."""
        self._keys.forget()
        self._keys_by_id.forget()
        self._users.forget()
        self._projects.forget()
        self._tokens.forget()
        self._organizations.forget()
        self._projects_of.forget()

    async def _follow(self, rung: asyncio.Event) -> None:
        while await rung.wait():
            rung.clear()
            self.forget()

    async def _read_key(self, digest: bytes) -> ApiKey | None:
        return await self._row(ApiKey, f"{_LIVE_KEYS} AND secure_value = %s", digest)

    async def _read_key_by_id(self, key_id: str) -> ApiKey | None:
        return await self._row(ApiKey, f"{_LIVE_KEYS} AND id = %s", key_id)

    async def _read_user(self, user_id: int) -> User | None:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT id, uuid, distinct_id, email, first_name, last_name, is_email_verified,"
                " current_team_id, array_agg(m.organization_id), array_agg(m.level)"
                " FROM users LEFT JOIN (SELECT organization_id, user_id, level"
                " FROM organization_members) m ON m.user_id = users.id WHERE users.id = %s"
                " GROUP BY users.id",
                (user_id,),
            )
            row = await cursor.fetchone()
        if row is None:
            return None
        *fields, organizations, levels = row
        memberships = {o: n for o, n in zip(organizations, levels, strict=True) if o is not None}
        return User(**dict(zip(_USER, fields, strict=True)), memberships=memberships)

    async def _read_project(self, project_id: int) -> Project | None:
        return await self._row(Project, f"{CURRENT_PROJECTS} WHERE id = %s", project_id)

    async def _read_project_by_token(self, token: str) -> Project | None:
        return await self._row(Project, f"{CURRENT_PROJECTS} WHERE api_token = %s", token)

    async def _read_organization(self, organization_id: UUID) -> Organization | None:
        return await self._row(
            Organization,
            "SELECT id, name, created_at, chain FROM organizations WHERE id = %s",
            organization_id,
        )

    async def _read_projects(self, organization_id: UUID) -> list[Project]:
        async with self._pool.connection() as conn:
            cursor = await conn.cursor(row_factory=class_row(Project)).execute(
                f"{CURRENT_PROJECTS} WHERE organization_id = %s ORDER BY id",
                (organization_id,),
            )
            return await cursor.fetchall()

    async def _row(self, kind: type[V], statement: LiteralString, value: object) -> V | None:
        async with self._pool.connection() as conn:
            cursor = await conn.cursor(row_factory=class_row(kind)).execute(statement, (value,))
            return await cursor.fetchone()


_LIVE_KEYS: LiteralString = (
    "SELECT id, user_id, label, scopes, scoped_teams, scoped_organizations, created_at,"
    " last_used_at FROM personal_api_keys"
    " WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
)
PROJECT_COLUMNS: LiteralString = (
    "id, uuid, organization_id, name, api_token, timezone, week_start_day, test_account_filters,"
    " created_at, bucket"
)
"""Of `projects`, which has the settings that a project was made with."""
CURRENT_PROJECTS: LiteralString = f"SELECT {PROJECT_COLUMNS}, version FROM current_projects"
_USER = (
    "id", "uuid", "distinct_id", "email", "first_name", "last_name", "is_email_verified",
    "current_team_id",
)  # fmt: skip
