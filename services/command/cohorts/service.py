"""Makes and edits cohorts."""

from uuid import UUID

import msgspec
from litestar import Response

from contracts.api.cohorts import CohortBody, WriteCohort
from contracts.events.cohort import CohortEvent
from contracts.events.streams import cohort_stream
from domain.cohort.commands import CreateCohort, EditCohort
from domain.cohort.view import view
from services.command.cohorts.loops import without_loops
from services.command.cohorts.translation import RULES, checked, create_command, edit_command
from services.command.handle import Outcome, Terms, Write, handle
from services.command.numbers import Numbers
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.insights.context import user_bodies
from services.common.log.store import EventStore

CohortWrite = Write[CreateCohort | EditCohort, CohortEvent]


class Cohorts:
    def __init__(self, store: EventStore, numbers: Numbers, accounts: Accounts) -> None:
        self._store = store
        self._numbers = numbers
        self._accounts = accounts

    async def create(self, sent: WriteCohort, terms: Terms) -> Outcome[CohortEvent]:
        """Raises as `handle`, `checked` and `without_loops` do."""
        sent, team_id = checked(sent), terms.caller.team_id

        async def begin() -> CohortWrite:
            who = await self._people(sent, team_id)
            number = await self._numbers.new_cohort(team_id)
            stream = cohort_stream(team_id, number)
            return without_loops(self._store, stream, create_command(sent, number, who))

        return await handle(self._store, RULES, begin, terms)

    async def edit(self, number: int, sent: WriteCohort, terms: Terms) -> Outcome[CohortEvent]:
        """Raises as `handle`, `checked` and `without_loops` do."""
        sent, team_id = checked(sent), terms.caller.team_id

        async def begin() -> CohortWrite:
            command = edit_command(sent, await self._people(sent, team_id))
            return without_loops(self._store, cohort_stream(team_id, number), command)

        return await handle(self._store, RULES, begin, terms)

    async def answer(self, outcome: Outcome[CohortEvent], status: int = 200) -> Response[bytes]:
        """The cohort as every later read will show it."""
        row = view(outcome.history)
        if row is None:
            raise ValueError("a cohort without a history has no answer")
        users = await user_bodies(self._accounts, (row.created_by,))
        body = CohortBody.of(row, users.get(row.created_by or 0))
        return resource(
            msgspec.json.encode(body),
            version=row.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=status,
        )

    async def _people(self, sent: WriteCohort, team_id: int) -> tuple[UUID, ...]:
        """The persons that the body names. PostHog: distinct ids of no person are left out."""
        found: tuple[UUID, ...] = ()
        if sent.distinct_ids:
            found = await self._numbers.persons_of(team_id, sent.distinct_ids)
        return (*sent.person_ids, *sent.create_static_person_ids, *found)
