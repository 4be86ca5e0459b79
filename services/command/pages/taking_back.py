"""Reverts and undos on pages: tried first, then done as the trial showed it, or not at all."""

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from contracts.api.history import RevertInsight, UndoInInsight
from contracts.api.insights import UserBody
from contracts.differences.difference import Names
from contracts.events.insight import InsightEvent
from contracts.events.recorded import Recorded
from contracts.events.streams import StreamKind, insight_stream
from contracts.read_models.insight import InsightRow
from domain.insight.view import view
from services.command.handle import Outcome, Planned, Terms
from services.command.history.planned import plan_body
from services.command.history.reverting import Revert
from services.command.history.service import Undo
from services.command.history.told import told
from services.command.insights.translation import insight_number
from services.command.numbers import Numbers
from services.command.pages import trials
from services.command.pages.trials import Did, NotAsAWhole, Trial
from services.command.plans import Plans
from services.command.rights import dashboards
from services.command.terms import trial_terms
from services.common.accounts.accounts import Accounts
from services.common.http.caller import Caller
from services.common.http.problems import Rejected, not_found
from services.common.insights.context import user_bodies
from services.common.log.store import EventStore
from services.common.pages.names import title_of

Asked = RevertInsight | UndoInInsight


class TakingBack:
    def __init__(
        self,
        store: EventStore,
        accounts: Accounts,
        numbers: Numbers,
        undo: Undo,
        reverts: Revert,
        plans: Plans,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._numbers = numbers
        self._undo = undo
        self._reverts = reverts
        self._plans = plans

    async def number(self, insight: str, caller: Caller) -> int:
        """Of the insight that a path names. Raises Rejected 404."""
        return await insight_number(insight, caller.team_id, self._numbers)

    async def trial(self, number: int, asked: Asked, caller: Caller) -> Trial:
        """What would come of it; nothing is appended. Raises as the commands do; NotAsAWhole."""
        try:
            await self._command(number, asked, self._terms(number, asked, caller, None))
        except Planned as planned:
            return await self._shown(number, asked, planned)
        except Rejected as refused:
            raise await self._refusal(number, asked, caller, refused) from refused
        raise RuntimeError("a trial ends before the append")

    async def do(self, number: int, asked: Asked, caller: Caller, plan: str) -> int | None:
        """The version that it made; None when nothing was to be done. Raises as `trial` does, and
        for a plan that no longer holds.
        """
        terms = self._terms(number, asked, caller, plan)
        try:
            outcome = await self._command(number, asked, terms)
        except Rejected as refused:
            raise await self._refusal(number, asked, caller, refused) from refused
        return outcome.version if outcome.operation_id is not None else None

    async def _command(self, number: int, asked: Asked, terms: Terms) -> Outcome[InsightEvent]:
        if isinstance(asked, RevertInsight):
            return await self._reverts.to(number, asked, terms)
        return (await self._undo.in_insight(number, asked, terms)).outcome

    def _terms(self, number: int, asked: Asked, caller: Caller, plan: str | None) -> Terms:
        text = f"page {type(asked).__name__} {number}\n".encode() + msgspec.json.encode(asked)
        return trial_terms(self._plans, caller, hashlib.sha256(text).hexdigest(), plan)

    async def _shown(self, number: int, asked: Asked, planned: Planned) -> Trial:
        caller = planned.terms.caller
        row, past = await self._insight(number, caller)
        facts = [
            fact
            for part in planned.parts
            if part.stream == insight_stream(caller.team_id, number)
            for fact in part.facts
        ]
        then = view([*past, *facts]) or row
        skipped: list[int] = []
        did: Did | None = None
        if isinstance(asked, RevertInsight):
            skipped = await self._reverts.skipped([*past, *facts], asked, caller)
        else:
            did = await self._did(number, asked.operation_id, past, caller)
        on = [tile.dashboard_id for tile in (*row.tiles, *then.tiles)]
        names = await self._board_names(caller, (*on, *skipped))
        body = plan_body(self._plans, planned, 200, Names(dashboards=names))
        return Trial(
            number=number,
            title=title_of(row),
            did=did,
            sentences=body.sentences,
            notes=tuple(trials.notes(body, skipped, names)) if facts else (),
            plan=body.plan if facts else None,
        )

    async def _refusal(
        self, number: int, asked: Asked, caller: Caller, refused: Rejected
    ) -> Exception:
        """A refusal for what stands in the way of an undo, told place by place; any other is as it
        was. Whoever gets that far may see the insight.
        """
        if refused.problem.code not in ("conflict", "not_undoable"):
            return refused
        if not isinstance(asked, UndoInInsight):
            return refused
        row, past = await self._insight(number, caller)
        did = await self._did(number, asked.operation_id, past, caller)
        users = await self._users(past)
        return NotAsAWhole(trials.in_the_way(refused, row, past, did, users))

    async def _did(
        self,
        number: int,
        operation_id: UUID,
        past: Sequence[Recorded[InsightEvent]],
        caller: Caller,
    ) -> Did | None:
        own = [fact for fact in past if fact.operation_id == operation_id]
        if not own:
            return None
        operation = await told(self._store, caller.team_id, operation_id)
        this = StreamKind.INSIGHT.value, number
        return trials.did(
            own,
            next(each.sentences for each in operation.changes if (each.kind, each.id) == this),
            await self._users(own),
            caller.project.timezone,
            elsewhere=len(operation.changes) - 1,
        )

    async def _insight(
        self, number: int, caller: Caller
    ) -> tuple[InsightRow, Sequence[Recorded[InsightEvent]]]:
        past = await self._store.load(insight_stream(caller.team_id, number))
        row = view(past)
        if row is None:
            raise not_found()
        return row, past

    async def _users(self, facts: Iterable[Recorded[InsightEvent]]) -> dict[int, UserBody]:
        return await user_bodies(self._accounts, map(trials.user_of, facts))

    async def _board_names(self, caller: Caller, numbers: Iterable[int]) -> dict[int, str | None]:
        found = await dashboards(self._store, caller.team_id, numbers)
        return {number: row.name for number, row in found.items()}
