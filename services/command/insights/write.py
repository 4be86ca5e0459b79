"""The dashboards that an insight shall be on: looked up, checked, and held until the append."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from contracts.events.insight import InsightAddedToDashboard, InsightEvent
from contracts.events.recorded import DomainEvent
from contracts.events.streams import Stream, access_stream, dashboard_stream
from contracts.read_models.access import WHOLE_PROJECT
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from domain.dashboard.commands import AddTile
from domain.dashboard.decide import decide
from domain.insight.commands import CreateInsight, EditInsight, InsightCommand, NewTile
from domain.insight.view import view
from services.command.handle import PreparedWrite, Write
from services.command.numbers import Numbers
from services.command.rights import (
    access_for_new,
    access_to,
    dashboards,
    dashboards_of,
    grounds,
    grounds_for_new,
    together,
)
from services.common.http.caller import Caller
from services.common.http.problems import forbidden, invalid
from services.common.insights.access import Access, may_edit_dashboard
from services.common.log.store import AppendPart, EventStore, Pasts


class InsightWrite:
    """Readies a write of one insight, round by round, on the dashboards as they are then.

    dashboards: all that the insight shall be on. Named twice is named once.
    """

    def __init__(
        self,
        store: EventStore,
        numbers: Numbers,
        caller: Caller,
        stream: Stream[InsightEvent],
        command: CreateInsight | EditInsight,
        dashboards: tuple[int, ...] | UnsetType,
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._caller = caller
        self._stream = stream
        self._command = command
        self._dashboards = dashboards if dashboards is UNSET else tuple(dict.fromkeys(dashboards))
        self._new_tiles: dict[int, int] = {}
        self._found: dict[int, DashboardRow] = {}
        self._pasts: Pasts | None = None

    @property
    def write(self) -> Write[InsightCommand, InsightEvent]:
        """With the streams that say who may do what."""
        team_id = self._caller.team_id
        rules = (
            access_stream(team_id, self._stream.number),
            access_stream(team_id, WHOLE_PROJECT),
        )
        return Write(self._stream, self._prepare, looks_at=rules)

    async def _prepare(self, pasts: Pasts) -> PreparedWrite[InsightCommand, InsightEvent]:
        """Raises Rejected: 403 without the right to edit it; 400 for a dashboard that is not there,
        403 for one that is closed.
        """
        past = pasts[self._stream]
        row = view(past)
        if isinstance(self._command, EditInsight) and (row is None or self._is_gone(row)):
            # Refused by the rules: it is not there for anyone, whatever the body says.
            return PreparedWrite(self._command)
        named = () if self._dashboards is UNSET else self._dashboards
        self._pasts = pasts
        self._found = await dashboards(
            self._store, self._caller.team_id, (*named, *(dashboards_of(row) if row else ()))
        )
        self._check_access(row)
        rests_on = self._grounds(row)
        if self._dashboards is UNSET:
            return PreparedWrite(self._command, lambda _: together(self._stream, (), rests_on))
        found = self._found
        for number in self._dashboards:
            self._check(number, found.get(number), row)
        await self._number_tiles(self._dashboards, row)
        wanted = tuple(
            NewTile(number, found[number].name, self._new_tiles.get(number, 0))
            for number in self._dashboards
        )
        command = msgspec.structs.replace(self._command, dashboards=wanted)

        def other_parts(facts: Sequence[InsightEvent]) -> list[AppendPart]:
            """For each dashboard it comes on: there is a tile now, and the dashboard still is."""
            tiles = [
                _part(found[fact.dashboard_id], fact.tile_id, self._stream.number)
                for fact in facts
                if isinstance(fact, InsightAddedToDashboard)
            ]
            return together(self._stream, tiles, rests_on)

        return PreparedWrite(command, other_parts)

    def access(self, row: InsightRow) -> Access:
        """The caller's access to the insight as the write leaves it."""
        return access_to(row, self._found, self._pasts or Pasts({}), self._caller)

    def _is_gone(self, row: InsightRow) -> bool:
        return row.deleted and self._command.deleted is not False

    def _check_access(self, row: InsightRow | None) -> None:
        """Raises Rejected 403."""
        if row is None:
            access_for_new(self._pasts or Pasts({}), self._caller).require("editor")
        else:
            access_to(row, self._found, self._pasts or Pasts({}), self._caller).require("editor")

    def _grounds(self, row: InsightRow | None) -> tuple[AppendPart, ...]:
        pasts = self._pasts or Pasts({})
        if row is None:
            return grounds_for_new(pasts, self._caller)
        return grounds(row, self._found, pasts, self._caller)

    def _check(self, number: int, dashboard: DashboardRow | None, row: InsightRow | None) -> None:
        if dashboard is None or dashboard.deleted:
            raise invalid(
                "dashboards", "does_not_exist", f'Invalid pk "{number}" - object does not exist.'
            )
        tile = row.tile_on(number) if row else None
        comes = tile is None or tile.deleted
        level, owner = dashboard.restriction_level, dashboard.created_by
        if comes and not may_edit_dashboard(level, owner, self._caller):
            raise forbidden(f"You don't have permission to add insights to dashboard: {number}")

    async def _number_tiles(self, wanted: Sequence[int], row: InsightRow | None) -> None:
        """A number for each tile that does not exist yet; drawn once for all rounds."""
        lacking = [
            number
            for number in wanted
            if (row is None or row.tile_on(number) is None) and number not in self._new_tiles
        ]
        drawn = await self._numbers.new_tiles(len(lacking))
        self._new_tiles.update(zip(lacking, drawn, strict=True))


def _part(dashboard: DashboardRow, tile_id: int, insight_id: int) -> AppendPart:
    facts: list[DomainEvent] = [*decide(AddTile(tile_id=tile_id, insight_id=insight_id), dashboard)]
    stream = dashboard_stream(dashboard.team_id, dashboard.dashboard_id)
    return AppendPart(stream, dashboard.version, tuple(facts))
