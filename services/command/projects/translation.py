"""From the body of a write to the command on a project's settings, and back to its answer.

The project itself, with its capture token, is a row of a plain table, older than its facts.
"""

import asyncio
import time
from uuid import UUID, uuid4

import msgspec
from litestar import Response
from msgspec import UNSET, Raw
from msgspec.structs import replace

from contracts.api.accounts import WriteProject
from contracts.events.project import (
    ProjectEvent,
    ProjectRegistered,
)
from contracts.events.streams import project_stream
from contracts.read_models.project import ProjectRow
from contracts.read_models.projections import CATALOG
from domain.project.changes import changes
from domain.project.commands import ChangeProject, ProjectCommand, RegisterProject
from domain.project.decide import decide
from domain.project.view import view
from services.command.documents import or_default
from services.command.handle import KeyReused, Outcome, Rules, Terms, handle
from services.command.told import told_by
from services.common.accounts import administration
from services.common.accounts.accounts import Accounts, Project
from services.common.accounts.administration import MadeFromAnother, MadeUnder
from services.common.http.answers import resource
from services.common.http.caller import Caller, Person
from services.common.http.organizations import project_body
from services.common.log.store import EventStore, NewReceipt
from services.common.postgres.database import Pool

# A projector that is away keeps nobody waiting for longer.
PATIENCE_SECONDS = 2.0
NAP_SECONDS = 0.01


class Projects:
    """Makes and changes projects."""

    def __init__(self, pool: Pool, store: EventStore, accounts: Accounts) -> None:
        self._pool = pool
        self._store = store
        self._accounts = accounts

    async def create(
        self,
        person: Person,
        organization_id: UUID,
        name: str,
        body: WriteProject,
        receipt: NewReceipt | None,
    ) -> Response[bytes]:
        """name: of the body, which has one. Raises KeyReused."""
        under = (
            None if receipt is None else MadeUnder(person.key.id, receipt.key, receipt.request_hash)
        )
        try:
            made = await administration.create_project(
                self._pool,
                organization_id,
                name,
                or_default(body.timezone, "UTC"),
                week_start_day=or_default(body.week_start_day, 0),
                test_account_filters=_filters(body.test_account_filters or []),
                under=under,
            )
        except MadeFromAnother as cause:
            raise KeyReused from cause
        operation = uuid4()
        caller = Caller(
            user=person.user,
            key=person.key,
            project=made,
            operation_id=operation,
            correlation_id=operation,
        )
        # A project is there before its first fact: who repeats the request adds what is missing.
        command = RegisterProject(_registered(made))
        terms = Terms(caller=caller)
        outcome = await handle(self._store, RULES, project_stream(made.id), command, terms)
        first = outcome.history[:1]
        as_made = Outcome(history=first, position=first[0].position)
        return await self.answer(as_made, made, status=201)

    async def change(self, body: WriteProject, terms: Terms) -> Outcome[ProjectEvent]:
        """Of the caller's project; raises as `handle` does."""
        project, filters = terms.caller.project, body.test_account_filters
        command = ChangeProject(
            made=_registered(project),
            name=body.name,
            timezone=body.timezone,
            week_start_day=body.week_start_day,
            test_account_filters=UNSET if filters is UNSET else _filters(filters),
        )
        return await handle(self._store, RULES, project_stream(project.id), command, terms)

    async def answer(
        self, outcome: Outcome[ProjectEvent], project: Project, status: int = 200
    ) -> Response[bytes]:
        """The project as every later read will show it."""
        await self._settled(outcome.position)
        row = view(outcome.history)
        if row is not None:
            project = replace(
                project,
                name=row.name,
                timezone=row.timezone,
                week_start_day=row.week_start_day,
                test_account_filters=msgspec.json.decode(row.test_account_filters),
            )
        return resource(
            msgspec.json.encode(project_body(project)),
            version=outcome.version,
            position=outcome.position,
            status=status,
        )

    async def _settled(self, position: int) -> None:
        """Until the rows say it. Here the writer waits, not the reader: whatever is asked of the
        project, funnels too, is answered with settings that each process remembers, and no process
        knows that it should wait for newer ones.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            if await self._reached() >= position or time.monotonic() >= deadline:
                break
            await asyncio.sleep(NAP_SECONDS)
        # Other processes hear of it; this one must not answer from memory before it does.
        self._accounts.forget()

    async def _reached(self) -> int:
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT position FROM checkpoints WHERE projection = %s", (CATALOG,)
            )
            row = await cursor.fetchone()
        return 0 if row is None else int(row[0])


def _registered(project: Project) -> ProjectRegistered:
    """What it was made with, while it has no history; what it then says is not looked at."""
    return ProjectRegistered(
        name=project.name,
        timezone=project.timezone,
        week_start_day=1 if project.week_start_day else 0,
        test_account_filters=_filters(project.test_account_filters),
    )


def _filters(filters: object) -> Raw:
    return Raw(msgspec.json.encode(filters))


RULES: Rules[ProjectRow | None, ProjectCommand, ProjectEvent] = Rules(
    decide, view, told_by(changes)
)
