"""Makes and edits dashboards."""

import msgspec
from litestar import Response

from contracts.api.dashboards import DashboardBody, WriteDashboard
from contracts.api.insights import InsightBody, live_tiles
from contracts.events.dashboard import DashboardEvent
from contracts.events.streams import dashboard_stream
from contracts.queries.of_insights import seen_under
from contracts.queries.overrides import of_dashboard
from contracts.read_models.dashboard import DashboardRow
from domain.dashboard.commands import DashboardCommand
from domain.dashboard.view import view
from services.command.dashboards.translation import RULES, checked, create_command
from services.command.dashboards.write import DashboardWrite
from services.command.handle import Outcome, Terms, Write, given, handle, plain
from services.command.numbers import Numbers
from services.command.rights import logged_insights
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.http.caller import Caller
from services.common.insights.access import may_edit_dashboard, owns
from services.common.insights.context import insight_context, user_bodies
from services.common.log.store import EventStore


class Dashboards:
    def __init__(self, store: EventStore, numbers: Numbers, accounts: Accounts) -> None:
        self._store = store
        self._numbers = numbers
        self._accounts = accounts

    async def create(self, sent: WriteDashboard, terms: Terms) -> Outcome[DashboardEvent]:
        """Raises as `handle` and `checked` do."""
        sent, team_id = checked(sent), terms.caller.team_id

        async def begin() -> Write[DashboardCommand, DashboardEvent]:
            number = await self._numbers.new_dashboard(team_id)
            return plain(dashboard_stream(team_id, number), create_command(sent, number))

        return await handle(self._store, RULES, begin, terms)

    async def edit(
        self, number: int, sent: WriteDashboard, terms: Terms
    ) -> Outcome[DashboardEvent]:
        """Raises as `handle`, `checked` and `DashboardWrite` do."""
        stream = dashboard_stream(terms.caller.team_id, number)
        edit = DashboardWrite(self._store, terms.caller, stream, checked(sent))
        return await handle(self._store, RULES, given(edit.write), terms)

    async def answer(
        self, outcome: Outcome[DashboardEvent], caller: Caller, status: int = 200
    ) -> Response[bytes]:
        """The dashboard as every later read will show it."""
        row = view(outcome.history)
        if row is None:
            raise ValueError("a dashboard without a history has no answer")
        insights = await self._insights(row, caller)
        users = await user_bodies(self._accounts, (row.created_by,))
        body = DashboardBody.of(
            row,
            insights,
            created_by=users.get(row.created_by or 0),
            restriction=row.restriction_level,
            may_edit=may_edit_dashboard(row.restriction_level, row.created_by, caller),
            is_manager=owns(row.created_by, caller),
        )
        return resource(
            msgspec.json.encode(body),
            version=row.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=status,
        )

    async def _insights(self, row: DashboardRow, caller: Caller) -> list[InsightBody]:
        """The dashboard's insights that the caller may see, as the log has them."""
        bodies, overrides = [], of_dashboard(row.filters)
        numbers = (tile.insight_id for tile in row.tiles)
        for each in (await logged_insights(self._store, caller, numbers)).values():
            on = any(tile.dashboard_id == row.dashboard_id for tile in live_tiles(each.row))
            if on and each.access.level != "none":
                shown = seen_under(each.row, overrides)
                context = await insight_context(self._accounts, caller, shown, each.access)
                bodies.append(InsightBody.of(shown, context))
        return bodies
