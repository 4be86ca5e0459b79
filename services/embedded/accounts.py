"""The organization, user, project and key without which nobody can send a request; and who is what.

All of it is said in the organization's chain, by the system.
"""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec

from services.command.accounts.chains import Chains
from services.command.accounts.service import CREATED, AccountWrites
from services.common.accounts.accounts import Project
from services.common.accounts.administration import IssuedKey
from services.common.log.store import EventStore, NewReceipt
from services.common.postgres import database
from services.common.postgres.database import Pool
from services.embedded.refusal import CannotStart

ORGANIZATION = "My organization"
USER_EMAIL = "me@recount.example"
PROJECT = "Default project"

_OWNER = 15
_MEMBER = 1


class FirstAccounts(msgspec.Struct, frozen=True):
    """Accounts that the first start makes; later starts find them. user_id: the organization's
    first user.
    """

    organization_id: UUID
    user_id: int
    project_id: int
    project_token: str


@contextlib.asynccontextmanager
async def writing(url: str) -> AsyncIterator["EmbeddedAccounts"]:
    """The accounts of this database, beside whatever services run on it."""
    async with database.pool(url, size=3) as pool, EventStore.open(url) as store:
        chains = Chains(pool, store)
        await chains.begin_all()
        yield EmbeddedAccounts(pool, AccountWrites(chains))


class EmbeddedAccounts(msgspec.Struct, frozen=True):
    """pool: for what is only looked up."""

    pool: Pool
    writes: AccountWrites


class Ranked(msgspec.Struct, frozen=True):
    """A member whose rank was changed, as scripts get it."""

    user_id: int
    email: str
    level: int
    previous: int


async def first(accounts: EmbeddedAccounts) -> FirstAccounts:
    """The first organization, user and project, made where they are missing.

    One after the other and each looked for: a start that was killed in between is taken up again.
    """
    pool, writes = accounts.pool, accounts.writes
    organization = await _value(
        pool, "SELECT id FROM organizations ORDER BY created_at, id LIMIT 1"
    )
    if organization is None:
        organization = (await writes.create_organization(ORGANIZATION)).id
    user = await _value(pool, "SELECT id FROM users ORDER BY id LIMIT 1")
    if user is None:
        user = await writes.add_member(
            USER_EMAIL, organization, first_name="Me", level=_OWNER, once=_once("user")
        )
    found = await _row(pool, "SELECT id, api_token FROM projects ORDER BY id LIMIT 1")
    if found is None:
        project = await writes.create_project(organization, PROJECT, once=_once("project"))
        found = (project.id, project.api_token)
    return FirstAccounts(organization, user, *found)


async def new_project(accounts: EmbeddedAccounts, name: str, timezone: str) -> Project:
    """A project of the first organization. timezone: one that exists."""
    known = await first(accounts)
    return await accounts.writes.create_project(known.organization_id, name, timezone)


async def new_key(
    accounts: EmbeddedAccounts,
    *,
    scopes: list[str],
    label: str,
    email: str | None,
    project_id: int | None,
) -> IssuedKey:
    """A personal API key; for an unknown address, also its user, a plain member.

    project_id: limits the key to that project. Raises CannotStart when it does not exist.
    """
    known = await first(accounts)
    if project_id is not None:
        await capture_token(accounts.pool, project_id)
    user_id = known.user_id
    if email is not None:
        user_id = await accounts.writes.add_member(email, known.organization_id, level=_MEMBER)
    return await accounts.writes.create_key(
        user_id,
        label=label,
        scopes=scopes,
        team_ids=None if project_id is None else [project_id],
    )


async def revoke_key(accounts: EmbeddedAccounts, key_id: str) -> None:
    """Raises CannotStart where there is no such key."""
    if not await accounts.writes.revoke_key(key_id):
        raise CannotStart(f"There is no key with the id {key_id}.")


async def change_rank(accounts: EmbeddedAccounts, email: str, level: int) -> Ranked:
    """In every organization that this user is a member of. Raises CannotStart: there is none."""
    rows = await _rows(
        accounts.pool,
        "SELECT users.id, organization_id, level FROM users"
        " JOIN organization_members ON user_id = users.id WHERE email = %s ORDER BY joined_at",
        email,
    )
    if not rows:
        raise CannotStart(f"There is no member with the address {email}.")
    for user_id, organization_id, _ in rows:
        await accounts.writes.change_rank(user_id, organization_id, level)
    return Ranked(rows[0][0], email, level, max(previous for _, _, previous in rows))


async def only_project(pool: Pool) -> int:
    """The project where there is but one. Raises CannotStart, with their numbers and names."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT id, name FROM projects ORDER BY id LIMIT 20")
        found = await cursor.fetchall()
    if len(found) == 1:
        return int(found[0][0])
    if not found:
        raise CannotStart("There is no project yet: recount projects create NAME makes one.")
    listed = ", ".join(f"{number} ({name})" for number, name in found)
    raise CannotStart(f"There are several projects: {listed}. Say which with --project.")


async def capture_token(pool: Pool, project_id: int) -> str:
    """With which events of this project are sent. Raises CannotStart when it does not exist."""
    token = await _value(pool, "SELECT api_token FROM projects WHERE id = %s", project_id)
    if token is None:
        raise CannotStart(f"There is no project {project_id}.")
    return str(token)


def _once(name: str) -> NewReceipt:
    """So that a start which was killed between saying and doing goes on with the same number."""
    key = f"first-start:{name}"
    return NewReceipt(key, hashlib.sha256(key.encode()).digest(), CREATED)


async def _row(pool: Pool, statement: str, *values: object) -> tuple[Any, ...] | None:
    rows = await _rows(pool, statement, *values)
    return rows[0] if rows else None


async def _rows(pool: Pool, statement: str, *values: object) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(statement.encode(), values)).fetchall()


async def _value(pool: Pool, statement: str, *values: object) -> Any:
    row = await _row(pool, statement, *values)
    return None if row is None else row[0]
