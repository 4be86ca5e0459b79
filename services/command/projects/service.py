"""Makes and changes projects.

The project itself, with its capture token, is a row of a plain table, older than its facts.
"""

import asyncio
import time
from uuid import UUID, uuid4

import msgspec
from litestar import Response
from msgspec.structs import replace

from contracts.api.accounts import WriteProject
from contracts.events.project import ProjectEvent
from contracts.events.recorded import UserActor
from contracts.events.streams import project_stream
from contracts.read_models.projections import CATALOG
from domain.project.commands import ProjectCommand, RegisterProject
from domain.project.view import view
from services.command.accounts.chains import Chains, Speaker
from services.command.accounts.service import AccountWrites
from services.command.documents import or_default
from services.command.handle import KeyReused, Outcome, Terms, Write, given, handle, plain
from services.command.projects.translation import (
    RULES,
    as_json,
    change_command,
    checked,
    name_of,
    registered,
)
from services.common.accounts.accounts import Accounts, Organization, Project
from services.common.accounts.administration import ProjectKeyReused, RequestKey
from services.common.http.answers import resource
from services.common.http.caller import AuthenticatedUser, Caller
from services.common.http.organizations import project_body, resolve_organization
from services.common.http.problems import forbidden
from services.common.log.store import EventStore, NewReceipt
from services.common.postgres.database import Pool

# A projector that is away keeps nobody waiting for longer.
PATIENCE_SECONDS = 2.0
NAP_SECONDS = 0.01

ProjectWrite = Write[ProjectCommand, ProjectEvent]


class Projects:
    def __init__(self, pool: Pool, store: EventStore, accounts: Accounts, chains: Chains) -> None:
        self._pool = pool
        self._store = store
        self._accounts = accounts
        self._chains = chains

    async def organization(self, reference: str, person: AuthenticatedUser) -> Organization:
        """In which a project shall be made. Raises Rejected: 404; 403 for who is no administrator
        there, or has a key for certain projects alone.
        """
        found = await resolve_organization(reference, person, self._accounts)
        if not person.user.is_administrator(found.id) or person.key.scoped_teams:
            raise forbidden("Only administrators of the organization make projects.")
        return found

    async def create(
        self,
        person: AuthenticatedUser,
        organization_id: UUID,
        sent: WriteProject,
        receipt: NewReceipt | None,
    ) -> Response[bytes]:
        """sent: with a name. Raises KeyReused."""
        under = (
            None
            if receipt is None
            else RequestKey(person.key.id, receipt.key, receipt.request_hash)
        )
        operation = uuid4()
        speaker = Speaker(UserActor(person.user.id, person.key.id), operation)
        try:
            made = await AccountWrites(self._chains, speaker).create_project(
                organization_id,
                name_of(sent),
                or_default(sent.timezone, "UTC"),
                week_start_day=or_default(sent.week_start_day, 0),
                test_account_filters=as_json(sent.test_account_filters or []),
                under=under,
            )
        except ProjectKeyReused as cause:
            raise KeyReused from cause
        caller = Caller(
            user=person.user,
            key=person.key,
            project=made,
            operation_id=operation,
            correlation_id=operation,
        )
        # A project is there before its first fact: who repeats the request adds what is missing.
        command = RegisterProject(registered(made))
        write: ProjectWrite = plain(project_stream(made.id), command)
        outcome = await handle(self._store, RULES, given(write), Terms(caller=caller))
        first = outcome.history[:1]
        as_made = Outcome(
            history=first, position=first[0].position, operation_id=outcome.operation_id
        )
        return await self.answer(as_made, made, status=201)

    async def change(self, sent: WriteProject, terms: Terms) -> Outcome[ProjectEvent]:
        """Of the caller's project. Raises as `handle` and `checked` do; Rejected 403 for who is no
        administrator.
        """
        caller, sent = terms.caller, checked(sent)
        if not caller.is_administrator:
            raise forbidden("Only administrators of the organization change projects.")
        stream = project_stream(caller.team_id)
        write: ProjectWrite = plain(stream, change_command(sent, caller.project))
        return await handle(self._store, RULES, given(write), terms)

    async def answer(
        self, outcome: Outcome[ProjectEvent], project: Project, status: int = 200
    ) -> Response[bytes]:
        """The project as every later read will show it."""
        await self.settled(outcome.position)
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
            operation_id=outcome.operation_id,
            status=status,
        )

    async def settled(self, position: int) -> None:
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
