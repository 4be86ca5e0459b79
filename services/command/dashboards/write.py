"""A dashboard's write and the insights that it moves: their tiles come and go with it."""

from msgspec import UNSET
from msgspec.structs import replace

from contracts.api.dashboards import WriteDashboard
from contracts.events.dashboard import DashboardEvent
from contracts.events.insight import InsightDeleted
from contracts.events.streams import Stream, insight_stream
from contracts.read_models.dashboard import DashboardRow, DashboardTile
from domain.dashboard.commands import DashboardCommand
from domain.dashboard.view import view
from domain.insight.commands import LeaveDashboard, ReturnToDashboard
from domain.insight.decide import decide
from services.command.dashboards.translation import edit_command
from services.command.documents import or_default
from services.command.handle import PreparedWrite, Write
from services.command.rights import LoggedInsight, dashboards_of, logged_insights, together
from services.common.http.caller import Caller
from services.common.http.problems import forbidden
from services.common.insights.access import may_edit_dashboard, owns
from services.common.log.store import AppendPart, EventStore, Pasts


class DashboardWrite:
    """Readies a write of one dashboard, round by round, on its insights as they are then.

    A deletion and a restoration are one append with what they do to the insights: nobody ever sees
    one without the other.
    """

    def __init__(
        self,
        store: EventStore,
        caller: Caller,
        stream: Stream[DashboardEvent],
        body: WriteDashboard,
    ) -> None:
        self._store = store
        self._caller = caller
        self._stream = stream
        self._body = body

    @property
    def write(self) -> Write[DashboardCommand, DashboardEvent]:
        return Write(self._stream, self._prepare)

    async def _prepare(self, pasts: Pasts) -> PreparedWrite[DashboardCommand, DashboardEvent]:
        """Raises Rejected 403 without the right."""
        past = pasts[self._stream]
        command, row = edit_command(self._body), view(past)
        if row is None or (row.deleted and command.deleted is not False):
            return PreparedWrite(command)
        self._check(row)
        moves = self._moves(row)
        parts, deleted = await self._parts(row, moves)
        if command.deleted is True:
            command = replace(
                command,
                live_tiles=tuple(
                    tile.id
                    for tile in row.tiles
                    if any(part.stream.number == tile.insight_id and part.events for part in parts)
                ),
                going_insights=deleted,
            )

        return PreparedWrite(command, lambda _: parts)

    def _check(self, row: DashboardRow) -> None:
        if not may_edit_dashboard(row.restriction_level, row.created_by, self._caller):
            raise forbidden("You don't have edit permissions for this dashboard.")
        level = self._body.restriction_level
        moves = level is not UNSET and level != row.restriction_level
        if moves and not owns(row.created_by, self._caller):
            raise forbidden(
                "Only the dashboard owner and project admins have the restriction rights required"
                " to change the dashboard's restriction level."
            )

    def _moves(self, row: DashboardRow) -> dict[int, LeaveDashboard | ReturnToDashboard]:
        """The commands on insights that the write brings along, by the insight's number."""
        leave = LeaveDashboard(
            dashboard_id=row.dashboard_id,
            delete=self._body.deleted is True and self._body.delete_insights,
        )
        if self._body.deleted is True:
            return {tile.insight_id: leave for tile in row.tiles}
        moves: dict[int, LeaveDashboard | ReturnToDashboard] = {}
        for tile in row.tiles:
            if row.deleted and tile.id in row.gone_tiles:
                moves[tile.insight_id] = self._back(row, tile)
        sent = {tile.id: tile.deleted for tile in or_default(self._body.tiles, ())}
        for tile in row.tiles:
            gone = sent.get(tile.id, UNSET)
            if gone is not UNSET:
                moves[tile.insight_id] = leave if gone else self._back(row, tile)
        return moves

    def _back(self, row: DashboardRow, tile: DashboardTile) -> ReturnToDashboard:
        name = row.name if self._body.name is UNSET else self._body.name
        return ReturnToDashboard(
            dashboard_id=row.dashboard_id,
            name=name,
            restore=tile.insight_id in row.gone_insights,
        )

    async def _parts(
        self, row: DashboardRow, moves: dict[int, LeaveDashboard | ReturnToDashboard]
    ) -> tuple[list[AppendPart], tuple[int, ...]]:
        """Each insight's facts, and the insights that are deleted.

        An insight that nothing happens to has its part too: it must not come on the dashboard
        meanwhile.
        """
        parts: list[AppendPart] = []
        deleted: list[int] = []
        rests_on: list[AppendPart] = []
        for number, each in (await logged_insights(self._store, self._caller, moves)).items():
            move = moves[number]
            if isinstance(move, LeaveDashboard) and not _may_go(each, row.dashboard_id):
                move = replace(move, delete=False)
            facts = decide(move, each.row)
            parts.append(
                AppendPart(insight_stream(row.team_id, number), len(each.past), tuple(facts))
            )
            if any(isinstance(fact, InsightDeleted) for fact in facts):
                deleted.append(number)
                rests_on += each.grounds
        return together(self._stream, parts, rests_on), tuple(deleted)


def _may_go(insight: LoggedInsight, dashboard_id: int) -> bool:
    """Whether it is the caller's to delete with this dashboard, and on no other."""
    return insight.access.allows("editor") and set(dashboards_of(insight.row)) <= {dashboard_id}
