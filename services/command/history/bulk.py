"""Changes many insights at once, in one append: one undo takes it back."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from litestar import Response
from msgspec import UNSET

from contracts.api.history import (
    BulkBody,
    BulkEdit,
    BulkSet,
    ChangedInsight,
    RefusedInsight,
)
from contracts.events.history import HistoryEvent, InsightsChangedInBulk
from contracts.events.insight import InsightAddedToDashboard, InsightEvent
from contracts.events.recorded import DomainEvent
from contracts.events.streams import (
    StreamKind,
    dashboard_stream,
    history_stream,
    insight_stream,
)
from contracts.headers import INSIGHTS_POSITION
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from domain.dashboard.commands import AddTile
from domain.dashboard.decide import decide as decide_dashboard
from domain.errors import NotFound
from domain.insight.commands import EditInsight, NewTile
from domain.insight.decide import decide
from domain.tags import clean_tags
from services.command.handle import Outcome, PreparedWrite, Terms, Write, given, handle
from services.command.history.translation import IN_HISTORY
from services.command.numbers import Numbers
from services.command.rights import LoggedInsight, dashboards, logged_insights, together
from services.common.http.answers import operation_headers
from services.common.http.caller import Caller
from services.common.http.problems import (
    Problem,
    Rejected,
    forbidden,
    invalid,
    not_found,
    required,
)
from services.common.insights.access import may_edit_dashboard
from services.common.log.store import AppendPart, EventStore, Pasts

MOST = 100


class Judged(msgspec.Struct, frozen=True):
    """The facts of each insight that may be edited; why the others may not."""

    found: Mapping[int, LoggedInsight]
    facts: Mapping[int, tuple[InsightEvent, ...]]
    refused: tuple[RefusedInsight, ...]


class Bulk:
    def __init__(self, store: EventStore, numbers: Numbers) -> None:
        self._store = store
        self._numbers = numbers

    async def edit(self, sent: BulkEdit, terms: Terms) -> Outcome[HistoryEvent]:
        """Raises as `handle` does; Rejected: 400 naming the field; 409 refused, unless in part."""
        _check(sent)
        caller, own = terms.caller, history_stream(terms.caller.team_id)
        tiles: dict[tuple[int, int], int] = {}

        async def prepare(_: Pasts) -> PreparedWrite[Any, HistoryEvent]:
            boards = await self._boards(sent.set, caller)
            judged = await self._judged(sent, boards, caller, tiles)
            if judged.refused and not sent.partial:
                raise _refused(judged.refused, len(sent.ids))
            changed = tuple(number for number in sent.ids if judged.facts.get(number))
            parts = [
                AppendPart(
                    insight_stream(caller.team_id, number),
                    len(judged.found[number].past),
                    facts,
                )
                for number, facts in judged.facts.items()
            ]
            parts += _tiles(judged.facts, boards)
            held = [part for number in judged.facts for part in judged.found[number].grounds]
            said = (InsightsChangedInBulk(changed),) if changed else ()
            return PreparedWrite(said, lambda _: together(own, parts, held))

        write: Write[Any, HistoryEvent] = Write(own, prepare, blind=True)
        return await handle(self._store, IN_HISTORY, given(write), terms)

    async def answer(
        self, outcome: Outcome[HistoryEvent], sent: BulkEdit, caller: Caller
    ) -> Response[bytes]:
        """What changed, from the log. What is skipped is looked at again, by what is so now."""
        changed: dict[int, int] = {}
        if outcome.operation_id is not None:
            for each in await self._store.operations(caller.team_id, [outcome.operation_id]):
                if each.stream.kind is StreamKind.INSIGHT:
                    changed[each.stream.number] = each.fact.version
        skipped: tuple[RefusedInsight, ...] = ()
        if sent.partial:
            boards = await self._boards(sent.set, caller)
            refused = (await self._judged(sent, boards, caller, None)).refused
            skipped = tuple(each for each in refused if each.id not in changed)
        left = {each.id for each in skipped} | changed.keys()
        body = BulkBody(
            operation_id=outcome.operation_id,
            changed=tuple(ChangedInsight(*each) for each in sorted(changed.items())),
            unchanged=tuple(number for number in sent.ids if number not in left),
            skipped=skipped,
        )
        return Response(
            msgspec.json.encode(body),
            headers={
                INSIGHTS_POSITION: str(outcome.position),
                **operation_headers(outcome.operation_id),
            },
        )

    async def _boards(self, sent: BulkSet, caller: Caller) -> dict[int, DashboardRow]:
        """Those to come on. Raises Rejected 400 for one that is not there."""
        found = await dashboards(self._store, caller.team_id, sent.add_dashboards)
        for number in sent.add_dashboards:
            if number not in found or found[number].deleted:
                raise invalid(
                    "set__add_dashboards",
                    "does_not_exist",
                    f'Invalid pk "{number}" - object does not exist.',
                )
        return found

    async def _judged(
        self,
        sent: BulkEdit,
        boards: Mapping[int, DashboardRow],
        caller: Caller,
        tiles: dict[tuple[int, int], int] | None,
    ) -> Judged:
        """tiles: numbers drawn for new tiles, by insight and dashboard, and drawn into; None: none
        are needed.
        """
        found = await logged_insights(self._store, caller, sent.ids)
        if tiles is not None:
            await self._number_tiles(sent, found, tiles)
        facts: dict[int, tuple[InsightEvent, ...]] = {}
        refused: list[RefusedInsight] = []
        for number in sent.ids:
            try:
                facts[number] = _decided(sent.set, found.get(number), boards, caller, tiles or {})
            except Rejected as why:
                problem = why.problem
                refused.append(
                    RefusedInsight(
                        id=number, status=why.status, code=problem.code, detail=problem.detail
                    )
                )
        return Judged(found, facts, tuple(refused))

    async def _number_tiles(
        self,
        sent: BulkEdit,
        found: Mapping[int, LoggedInsight],
        tiles: dict[tuple[int, int], int],
    ) -> None:
        """Drawn once for all rounds."""
        lacking = [
            (number, board)
            for number, each in found.items()
            for board in sent.set.add_dashboards
            if each.row.tile_on(board) is None and (number, board) not in tiles
        ]
        drawn = await self._numbers.new_tiles(len(lacking))
        tiles.update(zip(lacking, drawn, strict=True))


def _check(sent: BulkEdit) -> None:
    if not 1 <= len(sent.ids) <= MOST:
        raise invalid("ids", "invalid_input", f"1 to {MOST} insights at once.")
    if len(set(sent.ids)) < len(sent.ids):
        raise invalid("ids", "invalid_input", "Each insight once.")
    if sent.set == BulkSet():
        raise required("set")


def _decided(
    sent: BulkSet,
    insight: LoggedInsight | None,
    boards: Mapping[int, DashboardRow],
    caller: Caller,
    tiles: Mapping[tuple[int, int], int],
) -> tuple[InsightEvent, ...]:
    """By the rules of an edit of this insight alone. Raises Rejected 404, 403."""
    if insight is None:
        raise not_found()
    insight.access.require("editor")
    row = insight.row
    on = {tile.dashboard_id: tile.dashboard_name for tile in row.tiles if not tile.deleted}
    for number in sent.add_dashboards:
        board = boards[number]
        may = may_edit_dashboard(board.restriction_level, board.created_by, caller)
        if number not in on and not may:
            raise forbidden(f"You don't have permission to add insights to dashboard: {number}")
        on.setdefault(number, board.name)
    for number in sent.remove_dashboards:
        on.pop(number, None)
    command = EditInsight(
        favorited=sent.favorited,
        saved=sent.saved,
        deleted=sent.deleted,
        tags=_tags(sent, row),
        dashboards=tuple(
            NewTile(number, name, tiles.get((row.insight_id, number), 0))
            for number, name in on.items()
        )
        if sent.add_dashboards or sent.remove_dashboards
        else UNSET,
    )
    try:
        return tuple(decide(command, row))
    except NotFound as cause:
        raise not_found() from cause


def _tags(sent: BulkSet, row: InsightRow) -> Any:
    if not sent.add_tags and not sent.remove_tags:
        return UNSET
    gone = set(clean_tags(sent.remove_tags))
    return tuple(tag for tag in (*row.tags, *sent.add_tags) if tag.strip().lower() not in gone)


def _tiles(
    facts: Mapping[int, Sequence[InsightEvent]], boards: Mapping[int, DashboardRow]
) -> list[AppendPart]:
    """For each dashboard: there are tiles now, and the dashboard still is."""
    parts: list[AppendPart] = []
    for number, row in boards.items():
        added: list[DomainEvent] = []
        for insight, own in facts.items():
            for fact in own:
                if isinstance(fact, InsightAddedToDashboard) and fact.dashboard_id == number:
                    tile = AddTile(tile_id=fact.tile_id, insight_id=insight)
                    added += decide_dashboard(tile, row)
        parts.append(AppendPart(dashboard_stream(row.team_id, number), row.version, tuple(added)))
    return parts


def _refused(refused: Sequence[RefusedInsight], of: int) -> Rejected:
    return Rejected(
        409,
        Problem(
            type="invalid_request",
            code="refused",
            detail=f"{len(refused)} of {of} insights can't be changed. Nothing was.",
            attr="ids",
        ),
        more={"refused": msgspec.to_builtins(refused)},
    )
