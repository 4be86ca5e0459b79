"""Writes of projects: a plain table, not facts; who keeps accounts in memory is told."""

from typing import Any
from uuid import UUID

from msgspec import UNSET
from msgspec.json import encode
from psycopg import sql
from psycopg.rows import class_row

from contracts.api.accounts import WriteProject
from services.common import administration
from services.common.accounts import PROJECT_COLUMNS, Accounts, Project
from services.common.database import Pool


class Projects:
    """Makes and changes projects; the next lookup of this process sees them."""

    def __init__(self, pool: Pool, accounts: Accounts) -> None:
        self._pool = pool
        self._accounts = accounts

    async def create(self, organization_id: UUID, name: str, body: WriteProject) -> Project:
        """name: of the body, which has one."""
        made = await administration.create_project(self._pool, organization_id, name)
        return await self.change(made, body)

    async def change(self, project: Project, body: WriteProject) -> Project:
        """The project with what the body names."""
        named = _columns(body)
        if not named:
            return project
        statement = sql.SQL("UPDATE projects SET {} WHERE id = %(id)s RETURNING {}").format(
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
                for name in named
            ),
            sql.SQL(PROJECT_COLUMNS),
        )
        async with self._pool.connection() as conn:
            cursor = await conn.cursor(row_factory=class_row(Project)).execute(
                statement, {**named, "id": project.id}
            )
            changed = await cursor.fetchone()
        if changed is None:
            raise RuntimeError(f"project {project.id} is gone")
        # Other processes hear of it; this one must not answer from memory before it does.
        self._accounts.forget()
        return changed


def _columns(body: WriteProject) -> dict[str, Any]:
    """What the body names, by column."""
    named = {
        "name": body.name,
        "timezone": body.timezone,
        "week_start_day": body.week_start_day,
        "test_account_filters": body.test_account_filters
        if body.test_account_filters is UNSET
        else encode(body.test_account_filters).decode(),
    }
    return {name: value for name, value in named.items() if value is not UNSET}
