"""Operations to be taken back: judged on all their streams, which are held until the append."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from contracts.events.cohort import CohortFiltersChanged
from contracts.events.dashboard import DashboardDeleted
from contracts.events.history import OperationsUndone
from contracts.events.insight import (
    InsightDeleted,
    InsightRemovedFromDashboard,
    InsightRestored,
)
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import (
    Stream,
    StreamKind,
    access_stream,
    history_stream,
    insight_stream,
)
from contracts.read_models.access import WHOLE_PROJECT
from contracts.read_models.dashboard import DashboardRow
from contracts.read_models.insight import InsightRow
from domain.cohort.commands import EditCohort
from domain.dashboard.view import view as dashboard_view
from domain.history.never import refusals
from domain.history.undo import TakenBack, take_back
from domain.history.undoing import Conflict, UndoTerms
from domain.insight.commands import LeaveDashboard
from domain.insight.decide import decide
from domain.insight.view import view as insight_view
from domain.sharing.undo import needs_token
from services.command.cohorts.loops import without_loops
from services.command.handle import PreparedWrite
from services.command.history.rights import Touched, UndoRights
from services.command.history.translation import stands_in_the_way
from services.command.numbers import Numbers
from services.command.rights import (
    LoggedInsight,
    access_row,
    dashboards,
    logged_insights,
    together,
)
from services.common.http.caller import Caller
from services.common.http.problems import Rejected
from services.common.insights.access import may_edit_dashboard
from services.common.log.store import AppendPart, EventStore, Pasts

Facts = tuple[DomainEvent, ...]
# Nothing is ever taken back there, and others append to it all the time.
_BLIND = (StreamKind.VIEWING, StreamKind.SHARE_LOGIN)
_NEVER_LOADED = (StreamKind.HISTORY, StreamKind.AUDIT)


class UndoWrite:
    """Readies the undo of some operations, round by round, on all that they touched as it is then.

    operation_ids: newest first. touched: what they did, on the streams that are to be looked at.
    own: the stream of the command; all others are parts beside it.
    """

    def __init__(
        self,
        store: EventStore,
        numbers: Numbers,
        caller: Caller,
        operation_ids: Sequence[UUID],
        touched: Touched,
        terms: UndoTerms,
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._caller = caller
        self._operation_ids = operation_ids
        self._touched = touched
        self._terms = terms
        self._streams = [each for each in touched if each.kind not in _NEVER_LOADED]
        self._tokens: dict[int, int] = {}

    async def prepare(self, own: Stream[Any]) -> PreparedWrite[Facts, Any]:
        """The facts of `own` as the command, those of the others as parts beside it.

        Raises Rejected: 403 without the right to one of the opposite commands; 409 for what is in
        the way, of all streams together.
        """
        team_id = self._caller.team_id
        whole = access_stream(team_id, WHOLE_PROJECT)
        pasts = await self._store.load_all([*self._streams, whole])
        insights = await logged_insights(self._store, self._caller, self._numbers_of_insights())
        boards = await self._boards(insights)
        rights = UndoRights(self._caller, self._touched, insights, boards, access_row(pasts, whole))
        rights.require()
        taken, others = await self._taken(pasts, insights, boards)
        passed = await self._refuse_loops(taken)
        taken |= {
            stream: _with_conflict(each, stream, taken, insights)
            for stream, each in taken.items()
            if stream.kind is StreamKind.SHARING
        }
        if not self._terms.only_free and any(each.is_refused for each in taken.values()):
            raise stands_in_the_way(list(taken.values()))
        already = self._already(taken)
        facts = {stream: each.facts for stream, each in taken.items()}
        done = any(facts.values())
        if not done and len(already) < len(self._operation_ids):
            raise stands_in_the_way(list(taken.values()))
        said: list[DomainEvent] = []
        if done:
            said = [OperationsUndone(tuple(e for e in self._operation_ids if e not in already))]
        history = history_stream(team_id)
        parts = [
            AppendPart(stream, len(pasts[stream]), facts[stream])
            for stream in self._streams
            if stream != own and (facts[stream] or stream.kind not in _BLIND)
        ]
        parts += others
        grounds = [
            *(part for each in insights.values() for part in each.grounds),
            AppendPart(whole, len(pasts[whole]), ()),
            *(AppendPart(_stream_of(row), row.version, ()) for row in boards.values()),
            *passed,
        ]
        beside = together(own, parts, grounds)
        command = tuple(said)
        if own != history:
            command = facts[own]
            beside += [AppendPart(history, None, tuple(said))] if said else []
        causes = [each for each in self._operation_ids if each not in already]
        return PreparedWrite(command, lambda _: beside, causes[0] if causes else None)

    def _numbers_of_insights(self) -> list[int]:
        kinds = (StreamKind.INSIGHT, StreamKind.SHARING, StreamKind.ACCESS)
        return [
            each.number
            for each in self._streams
            if each.kind in kinds and not (each.kind is StreamKind.ACCESS and not each.number)
        ]

    async def _boards(self, insights: Mapping[int, LoggedInsight]) -> dict[int, DashboardRow]:
        """All that the undo may have to do with."""
        on = [tile.dashboard_id for each in insights.values() for tile in each.row.tiles]
        own = [each.number for each in self._streams if each.kind is StreamKind.DASHBOARD]
        return await dashboards(self._store, self._caller.team_id, (*own, *on))

    def _already(self, taken: Mapping[Stream[DomainEvent], TakenBack]) -> set[UUID]:
        """It is only where that is so on all of its streams."""
        return {
            each
            for each in self._operation_ids
            if all(each in stream.already for stream in taken.values())
        }

    async def _taken(
        self,
        pasts: Pasts,
        insights: Mapping[int, LoggedInsight],
        boards: Mapping[int, DashboardRow],
    ) -> tuple[dict[Stream[DomainEvent], TakenBack], list[AppendPart]]:
        """Stream by stream; and the parts of insights that leave a dashboard which goes, and that
        no operation has touched.
        """
        terms = self._terms
        taken: dict[Stream[DomainEvent], TakenBack] = {
            stream: TakenBack(not_undoable=refusals(stream, facts))
            for stream, facts in self._touched.items()
            if stream.kind is StreamKind.AUDIT and terms.fields is None
        }
        of_boards = [each for each in self._streams if each.kind is StreamKind.DASHBOARD]
        then = dict(boards)
        for stream in of_boards:
            taken[stream] = self._take_back(stream, pasts, terms)
            row = dashboard_view(_supposed(pasts[stream], taken[stream].facts))
            if row is not None:
                then[stream.number] = row
        terms = replace(
            terms,
            dashboards={
                number: row.name
                for number, row in then.items()
                if not row.deleted
                and may_edit_dashboard(row.restriction_level, row.created_by, self._caller)
            },
        )
        for stream in self._streams:
            if stream.kind is StreamKind.SHARING:
                token = replace(terms, token_id=await self._token(stream, pasts))
                taken[stream] = self._take_back(stream, pasts, token)
            elif stream.kind is not StreamKind.DASHBOARD:
                taken[stream] = self._take_back(stream, pasts, terms)
        others: dict[Stream[DomainEvent], AppendPart] = {}
        for stream in of_boards:
            if any(isinstance(fact, DashboardDeleted) for fact in taken[stream].facts):
                tiles, going = await self._emptied(boards[stream.number], taken, others)
                goes = replace(terms, live_tiles=tiles, going_insights=going)
                taken[stream] = self._take_back(stream, pasts, goes)
        return taken, list(others.values())

    def _take_back(self, stream: Stream[Any], pasts: Pasts, terms: UndoTerms) -> TakenBack:
        return take_back(stream, self._operation_ids, pasts[stream], terms)

    async def _token(self, stream: Stream[Any], pasts: Pasts) -> int:
        """Made for the case that this switches sharing on; drawn once for all rounds."""
        past = pasts[stream]
        if not any(needs_token(past, each) for each in self._operation_ids):
            return 0
        if stream.number not in self._tokens:
            drawn = await self._numbers.new_share_token(self._caller.team_id, stream.number)
            self._tokens[stream.number] = drawn.id
        return self._tokens[stream.number]

    async def _emptied(
        self,
        board: DashboardRow,
        taken: dict[Stream[DomainEvent], TakenBack],
        others: dict[Stream[DomainEvent], AppendPart],
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Every insight leaves a dashboard that goes: into `taken`, or `others` of those that no
        operation touched. Gives the tiles that go with it, and the insights.
        """
        team_id, gone = board.team_id, board.dashboard_id
        on_it = [tile.insight_id for tile in board.tiles]
        tiles: list[int] = []
        going: list[int] = []
        found = await logged_insights(self._store, self._caller, on_it)
        for number, each in found.items():
            stream = insight_stream(team_id, number)
            facts: Facts = ()
            if stream in taken:
                facts = taken[stream].facts
            elif stream in others:
                facts = others[stream].events
            row: InsightRow | None = insight_view(_supposed(each.past, facts))
            facts += tuple(decide(LeaveDashboard(dashboard_id=gone), row))
            if stream in taken:
                taken[stream] = replace(taken[stream], facts=facts)
            else:
                others[stream] = AppendPart(stream, len(each.past), facts)
            left = [
                fact.tile_id
                for fact in facts
                if isinstance(fact, InsightRemovedFromDashboard) and fact.dashboard_id == gone
            ]
            tiles += left
            if left and any(isinstance(fact, InsightDeleted) for fact in facts):
                going.append(number)
        return tuple(tiles), tuple(going)

    async def _refuse_loops(self, taken: dict[Stream[DomainEvent], TakenBack]) -> list[AppendPart]:
        """Where a cohort's filters come back: what holds that no loop is closed; a conflict in
        `taken` where one would be.
        """
        passed: list[AppendPart] = []
        for stream, each in taken.items():
            filters = [
                fact.filters for fact in each.facts if isinstance(fact, CohortFiltersChanged)
            ]
            if not filters:
                continue
            write: Any = without_loops(
                self._store,
                stream,  # type: ignore[arg-type]  # its facts are a cohort's
                EditCohort(filters=filters[-1]),
            )
            try:
                passed += (await write.prepare(Pasts({}))).other_parts(())
            except Rejected as loop:
                changes = [fact for fact in each.facts if isinstance(fact, CohortFiltersChanged)]
                conflict = Conflict(
                    kind=stream.kind.value,
                    number=stream.number,
                    field="filters",
                    path=None,
                    left=changes[-1].previous,
                    now=changes[-1].previous,
                    changed_by=(),
                    code="not_valid",
                    reason=loop.problem.detail,
                )
                stays = tuple(fact for fact in each.facts if fact not in changes)
                taken[stream] = replace(each, facts=stays, conflicts=(*each.conflicts, conflict))
        return passed


def _with_conflict(
    sharing: TakenBack,
    stream: Stream[DomainEvent],
    taken: Mapping[Stream[DomainEvent], TakenBack],
    insights: Mapping[int, LoggedInsight],
) -> TakenBack:
    """Nothing is shared of an insight that is deleted, unless this very undo brings it back."""
    insight = insights[stream.number].row
    own = taken.get(insight_stream(stream.team_id, stream.number))
    comes_back = own is not None and any(isinstance(fact, InsightRestored) for fact in own.facts)
    if not sharing.facts or not insight.deleted or comes_back:
        return sharing
    conflict = Conflict(
        kind=stream.kind.value,
        number=stream.number,
        field="deleted",
        path=None,
        left=msgspec.Raw(b"false"),
        now=msgspec.Raw(b"true"),
        changed_by=(),
        code="deleted",
    )
    return replace(sharing, facts=(), free=(), conflicts=(*sharing.conflicts, conflict))


def _supposed(past: Sequence[Recorded[Any]], facts: Iterable[DomainEvent]) -> list[Recorded[Any]]:
    """The stream as if they stood in it already."""
    return [
        *past,
        *(
            replace(past[-1], version=version, event=event)
            for version, event in enumerate(facts, start=len(past) + 1)
        ),
    ]


def _stream_of(row: DashboardRow) -> Stream[DomainEvent]:
    return Stream(StreamKind.DASHBOARD, row.team_id, row.dashboard_id)
