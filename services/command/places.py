"""The dashboards that an insight shall be on: looked up, checked, and held until the append."""

from collections.abc import Sequence
from typing import cast

import msgspec
from msgspec import UNSET, UnsetType

from contracts.events.dashboard import DashboardEvent
from contracts.events.insight import InsightAddedToDashboard, InsightEvent
from contracts.events.recorded import DomainEvent, Recorded, Stream, StreamKind
from contracts.read_models.dashboard import DashboardRow
from domain.dashboard.commands import PlaceTile
from domain.dashboard.decide import decide
from domain.dashboard.view import view
from domain.insight.commands import CreateInsight, DashboardPlace, EditInsight, InsightCommand
from domain.insight.state import Insight, fold
from services.command.handle import Attempt, Pasts
from services.command.numbers import Numbers
from services.common.access import may_edit_dashboard
from services.common.caller import Caller
from services.common.problems import forbidden, invalid
from services.common.store import EventStore, Part


class InsightWrite:
    """Readies a write of one insight, attempt by attempt, on the dashboards as they are then.

    dashboards: all that the insight shall be on. Named twice is named once.
    """

    def __init__(
        self,
        store: EventStore,
        numbers: Numbers,
        caller: Caller,
        stream: Stream,
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

    async def __call__(self, pasts: Pasts) -> Attempt[InsightCommand, InsightEvent]:
        """Raises Rejected: 400 for a dashboard that is not there, 403 for one that is closed."""
        if self._dashboards is UNSET:
            return Attempt(self._command)
        past = cast("list[Recorded[InsightEvent]]", pasts[self._stream])
        insight = fold(fact.event for fact in past)
        found = await dashboards(self._store, self._caller.team_id, self._dashboards)
        for number in self._dashboards:
            self._check(number, found.get(number), insight)
        await self._number_tiles(found, insight)
        places = tuple(
            DashboardPlace(number, found[number].name, self._new_tiles.get(number, 0))
            for number in self._dashboards
        )
        command = msgspec.structs.replace(self._command, dashboards=places)

        def beside(facts: Sequence[InsightEvent]) -> list[Part]:
            """For each dashboard it comes on: there is a tile now, and the dashboard still is."""
            return [
                _part(found[fact.dashboard_id], fact.tile_id, self._stream.number)
                for fact in facts
                if isinstance(fact, InsightAddedToDashboard)
            ]

        return Attempt(command, beside)

    def _check(self, number: int, dashboard: DashboardRow | None, insight: Insight) -> None:
        if dashboard is None or dashboard.deleted:
            raise invalid(
                "dashboards", "does_not_exist", f'Invalid pk "{number}" - object does not exist.'
            )
        tile = insight.tile_on(number)
        comes = tile is None or not tile.live
        level, owner = dashboard.restriction_level, dashboard.created_by
        if comes and not may_edit_dashboard(level, owner, self._caller):
            raise forbidden(f"You don't have permission to add insights to dashboard: {number}")

    async def _number_tiles(self, found: dict[int, DashboardRow], insight: Insight) -> None:
        """A number for each tile that does not exist yet; drawn once for all attempts."""
        lacking = [
            number
            for number in found
            if insight.tile_on(number) is None and number not in self._new_tiles
        ]
        drawn = await self._numbers.new_tiles(len(lacking))
        self._new_tiles.update(zip(lacking, drawn, strict=True))


async def dashboards(
    store: EventStore, team_id: int, numbers: Sequence[int]
) -> dict[int, DashboardRow]:
    """Those of these that were ever made in the project, by the log: one round trip, or none."""
    if not numbers:
        return {}
    streams = [dashboard_stream(team_id, number) for number in numbers]
    found = {
        stream.number: view(cast("list[Recorded[DashboardEvent]]", past))
        for stream, past in (await store.load_all(streams)).items()
    }
    return {number: row for number, row in found.items() if row is not None}


def dashboard_stream(team_id: int, number: int) -> Stream:
    return Stream(StreamKind.DASHBOARD, team_id, number)


def _part(dashboard: DashboardRow, tile_id: int, insight_id: int) -> Part:
    facts: list[DomainEvent] = [
        *decide(PlaceTile(tile_id=tile_id, insight_id=insight_id), dashboard)
    ]
    stream = dashboard_stream(dashboard.team_id, dashboard.dashboard_id)
    return Part(stream, dashboard.version, tuple(facts))
