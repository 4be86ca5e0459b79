"""Puts an insight back to a version of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from litestar import Response

from contracts.api.history import RevertInsight
from contracts.cursors import Cursor
from contracts.events.history import InsightReverted
from contracts.events.insight import InsightEvent
from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.streams import dashboard_stream, history_stream, insight_stream
from contracts.headers import INSIGHTS_SKIPPED
from contracts.read_models.insight import InsightRow
from domain.errors import NotValidNow
from domain.insight.commands import InsightCommand
from domain.insight.revert import WRITABLE, revert
from domain.insight.view import view
from services.command.handle import Outcome, PreparedWrite, Terms, Write, given, handle
from services.command.insights.service import Insights, WriteOutcome
from services.command.insights.translation import RULES
from services.command.rights import dashboards, logged_insights, together
from services.common.http.caller import Caller
from services.common.http.moments import (
    SETTLES_AFTER,
    Point,
    Position,
    Time,
    Version,
    ahead,
    elsewhere,
    parse,
)
from services.common.http.problems import Problem, Rejected, not_a_choice, not_found
from services.common.insights.access import may_edit_dashboard
from services.common.log.store import AppendPart, EventStore, Pasts


class Target(msgspec.Struct, frozen=True):
    """A version, by the operation that made it."""

    row: InsightRow
    operation_id: UUID


class Revert:
    def __init__(self, store: EventStore, insights: Insights) -> None:
        self._store = store
        self._insights = insights

    async def to(self, number: int, sent: RevertInsight, terms: Terms) -> Outcome[InsightEvent]:
        """Raises as `handle` and `domain.insight.revert` do; Rejected: 400 naming the field, 404
        for no such version, 403 without the right to edit it.
        """
        caller = terms.caller
        point = _point(sent, caller)
        fields = _fields(sent)
        stream = insight_stream(caller.team_id, number)

        async def prepare(pasts: Pasts) -> PreparedWrite[InsightCommand, InsightEvent]:
            past = pasts[stream]
            found = (await logged_insights(self._store, caller, (number,))).get(number)
            now = view(past)
            if found is None or now is None:
                raise not_found()
            found.access.require("editor")
            target = await self._target(past, point)
            named = [tile.dashboard_id for tile in target.row.tiles]
            boards = {
                number: row
                for number, row in (await dashboards(self._store, caller.team_id, named)).items()
                if not row.deleted
                and may_edit_dashboard(row.restriction_level, row.created_by, caller)
            }
            names = {number: row.name for number, row in boards.items()}
            try:
                command = revert(target.row, now, names, fields).command
            except NotValidNow as cause:
                raise _not_valid_now(str(cause)) from cause
            held = [
                *found.grounds,
                *(
                    AppendPart(dashboard_stream(caller.team_id, number), row.version, ())
                    for number, row in boards.items()
                ),
            ]

            def other_parts(facts: Sequence[InsightEvent]) -> list[AppendPart]:
                said = (InsightReverted(number, target.row.version),)
                history = AppendPart(history_stream(caller.team_id), None, said)
                return together(stream, [history] if facts else [], held)

            return PreparedWrite(command, other_parts, target.operation_id)

        return await handle(self._store, RULES, given(Write(stream, prepare)), terms)

    async def answer(
        self, outcome: Outcome[InsightEvent], sent: RevertInsight, caller: Caller
    ) -> Response[bytes]:
        """The insight, and the dashboards that it did not come back on."""
        answer = await self._insights.answer(WriteOutcome(outcome, None), caller)
        skipped = await self.skipped(outcome.history, sent, caller)
        if skipped:
            numbers = ",".join(map(str, skipped))
            answer.headers[INSIGHTS_SKIPPED] = f"dashboards={numbers}"
        return answer

    async def skipped(
        self, history: Sequence[Recorded[InsightEvent]], sent: RevertInsight, caller: Caller
    ) -> list[int]:
        """The dashboards of the version that the insight does not come back on: gone, or closed to
        the caller. history: of the insight, with what the revert has appended, or would.
        """
        if "dashboards" not in _fields(sent):
            return []
        target, now = await self._target(history, _point(sent, caller)), view(history)
        on = {tile.dashboard_id for tile in now.tiles if not tile.deleted} if now else set()
        return [
            tile.dashboard_id
            for tile in target.row.tiles
            if not tile.deleted and tile.dashboard_id not in on
        ]

    async def _target(self, past: Sequence[Recorded[InsightEvent]], point: Point) -> Target:
        """The newest version up to there that an operation ended with: nothing in between was ever
        to be seen. Raises Rejected: 400 for what is ahead, 404 for none.
        """
        until = [fact for fact in past if _is_up_to(fact, point)]
        match point:
            case Version(number=number) if not 0 < number <= len(past):
                raise not_found()
            case Time(at=at) if at > datetime.now(UTC) + SETTLES_AFTER:
                raise ahead("to")
            case Position(number=number) if number > await self._store.head():
                raise ahead("to")
            case Cursor(sequence=sequence, hash_prefix=prefix) if past:
                await self._check(past[0].team_id, sequence, prefix)
            case _:
                pass
        while until:
            last = until[-1].operation_id
            if await self._ends(last, past, point):
                row = view(until)
                if row is None:
                    break
                return Target(row, last)
            until = [fact for fact in until if fact.operation_id != last]
        raise not_found()

    async def _ends(
        self, operation_id: UUID, past: Sequence[Recorded[InsightEvent]], point: Point
    ) -> bool:
        """Whether the operation is over by then, on all its streams."""
        if isinstance(point, Version):
            own = [fact for fact in past if fact.operation_id == operation_id]
            return _is_up_to(own[-1], point)
        whole = await self._store.operations(past[0].team_id, [operation_id])
        return _is_up_to(whole[-1].fact, point)

    async def _check(self, team_id: int, sequence: int, prefix: str | None) -> None:
        """Raises Rejected: 400 for a sequence ahead, 409 for one of another history."""
        if not sequence:
            return
        entries = await self._store.project_entries(team_id, sequence - 1, limit=1)
        if not entries:
            raise ahead("to")
        if prefix and not entries[0].hash.hex().startswith(prefix):
            raise elsewhere("to")


def _is_up_to(fact: Recorded[DomainEvent], point: Point) -> bool:
    match point:
        case Version(number=number):
            return fact.version <= number
        case Position(number=number):
            return fact.position <= number
        case Cursor(sequence=sequence):
            return fact.team_seq <= sequence
        case Time(at=at):
            return fact.at <= at


def _point(sent: RevertInsight, caller: Caller) -> Point:
    return parse("to", sent.to, caller.project.timezone, datetime.now(UTC))


def _fields(sent: RevertInsight) -> frozenset[str]:
    """Raises Rejected 400."""
    for field in sent.fields or ():
        if field not in WRITABLE:
            raise not_a_choice("fields", field)
    return WRITABLE if sent.fields is None else frozenset(sent.fields)


def _not_valid_now(reason: str) -> Rejected:
    return Rejected(
        409, Problem(type="invalid_request", code="not_valid_now", detail=reason, attr="to")
    )
