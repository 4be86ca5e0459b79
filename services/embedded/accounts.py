"""The organization, user, project and key without which nobody can send a request."""

from typing import Any
from uuid import UUID

import msgspec

from services.common.accounts import administration
from services.common.accounts.accounts import Project
from services.common.accounts.administration import IssuedKey
from services.common.postgres.database import Pool
from services.embedded.refusal import CannotStart

ORGANIZATION = "My organization"
USER_EMAIL = "me@recount.example"
PROJECT = "Default project"

_ADMINISTRATOR = 8
_MEMBER = 1


class FirstAccounts(msgspec.Struct, frozen=True):
    """Accounts that the first start makes; later starts find them. user_id: the organization's
    first user.
    """

    organization_id: UUID
    user_id: int
    project_id: int
    project_token: str


async def first(pool: Pool) -> FirstAccounts:
    """The first organization, user and project, made where they are missing.

    One after the other and each looked for: a start that was killed in between is taken up again.
    """
    organization = await _value(
        pool, "SELECT id FROM organizations ORDER BY created_at, id LIMIT 1"
    )
    if organization is None:
        organization = (await administration.create_organization(pool, ORGANIZATION)).id
    user = await _value(pool, "SELECT id FROM users ORDER BY id LIMIT 1")
    if user is None:
        user = await administration.create_user(
            pool, USER_EMAIL, organization, first_name="Me", level=_ADMINISTRATOR
        )
    found = await _row(pool, "SELECT id, api_token FROM projects ORDER BY id LIMIT 1")
    if found is None:
        project = await administration.create_project(pool, organization, PROJECT)
        found = (project.id, project.api_token)
    return FirstAccounts(organization, user, *found)


async def new_project(pool: Pool, name: str, timezone: str) -> Project:
    """A project of the first organization. timezone: one that exists."""
    return await administration.create_project(
        pool, (await first(pool)).organization_id, name, timezone
    )


async def new_key(
    pool: Pool, *, scopes: list[str], label: str, email: str | None, project_id: int | None
) -> IssuedKey:
    """A personal API key; for an unknown address, also its user, a plain member.

    project_id: limits the key to that project. Raises CannotStart when it does not exist.
    """
    known = await first(pool)
    if project_id is not None:
        await capture_token(pool, project_id)
    user_id = known.user_id
    if email is not None:
        user_id = await administration.create_user(
            pool, email, known.organization_id, level=_MEMBER
        )
    return await administration.create_key(
        pool,
        user_id,
        label=label,
        scopes=scopes,
        team_ids=None if project_id is None else [project_id],
    )


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


async def _row(pool: Pool, statement: str, *values: object) -> tuple[Any, ...] | None:
    async with pool.connection() as connection:
        return await (await connection.execute(statement.encode(), values)).fetchone()


async def _value(pool: Pool, statement: str, *values: object) -> Any:
    row = await _row(pool, statement, *values)
    return None if row is None else row[0]
