"""Makes and edits insights."""

from collections.abc import Awaitable, Callable

import msgspec
from litestar import Response
from msgspec import UnsetType

from contracts.api.insights import InsightBody, WriteInsight
from contracts.events.insight import InsightEvent
from contracts.events.streams import insight_stream
from domain.insight.commands import CreateInsight, EditInsight, InsightCommand
from domain.insight.view import view
from services.command.documents import or_default
from services.command.handle import Outcome, Terms, Write, given, handle
from services.command.insights.joined import JoinedLookup
from services.command.insights.translation import (
    RULES,
    checked,
    create_command,
    edit_command,
    replace_command,
)
from services.command.insights.write import InsightWrite
from services.command.numbers import Numbers
from services.command.rights import logged_insights
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.http.caller import Caller
from services.common.insights.context import insight_context
from services.common.log.store import EventStore


class WriteOutcome(msgspec.Struct, frozen=True):
    """An insight's outcome. write: it has looked up what the answer needs; None for a repeat, which
    looks up nothing.
    """

    outcome: Outcome[InsightEvent]
    write: InsightWrite | None


class Insights:
    def __init__(
        self, store: EventStore, numbers: Numbers, accounts: Accounts, joined: JoinedLookup
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._accounts = accounts
        self._joined = joined

    async def create(self, sent: WriteInsight, terms: Terms) -> WriteOutcome:
        """Raises as `handle`, `checked` and `InsightWrite` do."""
        sent, caller = checked(sent), terms.caller

        async def begin() -> InsightWrite:
            number = await self._numbers.new_insight(caller.team_id)
            command = create_command(sent, number)
            return self._write(number.id, command, sent.dashboards, caller)

        return await self._handle(begin, terms)

    async def edit(self, number: int, sent: WriteInsight, terms: Terms) -> WriteOutcome:
        """Changes what is named. Raises as `create` does."""
        sent = checked(sent)
        write = self._write(number, edit_command(sent), sent.dashboards, terms.caller)
        return await self._handle(given(write), terms)

    async def replace(self, number: int, sent: WriteInsight, terms: Terms) -> WriteOutcome:
        """Gives what is not named its default. Raises as `create` does."""
        sent = checked(sent)
        boards = or_default(sent.dashboards, ())
        write = self._write(number, replace_command(sent), boards, terms.caller)
        return await self._handle(given(write), terms)

    async def answer(
        self, written: WriteOutcome, caller: Caller, status: int = 200
    ) -> Response[bytes]:
        """The insight as every later read will show it."""
        outcome = written.outcome
        row = view(outcome.history)
        if row is None:
            raise ValueError("an insight without a history has no answer")
        if written.write is None:
            access = (await logged_insights(self._store, caller, (row.insight_id,)))[
                row.insight_id
            ].access
        else:
            access = written.write.access(row)
        joined = await self._joined.of(caller, row)
        context = await insight_context(self._accounts, caller, row, access, joined)
        return resource(
            msgspec.json.encode(InsightBody.of(row, context)),
            version=row.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=status,
        )

    def _write(
        self,
        number: int,
        command: CreateInsight | EditInsight,
        dashboards: tuple[int, ...] | UnsetType,
        caller: Caller,
    ) -> InsightWrite:
        stream = insight_stream(caller.team_id, number)
        return InsightWrite(self._store, self._numbers, caller, stream, command, dashboards)

    async def _handle(
        self, begin: Callable[[], Awaitable[InsightWrite]], terms: Terms
    ) -> WriteOutcome:
        begun: list[InsightWrite] = []

        async def beginning() -> Write[InsightCommand, InsightEvent]:
            begun.append(await begin())
            return begun[0].write

        outcome = await handle(self._store, RULES, beginning, terms)
        return WriteOutcome(outcome, None if outcome.replayed else begun[0])
