"""Takes operations back."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response
from prometheus_client import Counter

from contracts.api.history import (
    UndoInInsight,
    UndoneBody,
    UndoneChange,
    UndoneWarning,
    UndoOperation,
    UndoOperations,
)
from contracts.events.history import OperationsUndone
from contracts.events.recorded import DomainEvent
from contracts.events.sharing import SharePasswordRemoved
from contracts.events.streams import (
    Stream,
    StreamKind,
    access_stream,
    history_stream,
    insight_stream,
    sharing_stream,
)
from contracts.events.webhook import WebhookDeleted
from contracts.headers import INSIGHTS_POSITION
from services.command.handle import Outcome, PreparedWrite, Rules, Terms, Write, handle
from services.command.history.rights import Touched, require_scopes
from services.command.history.told import new_addresses, told
from services.command.history.translation import IN_HISTORY, IN_INSIGHT, no_operation, undo_terms
from services.command.history.undoing import Facts, UndoWrite
from services.command.numbers import Numbers
from services.command.projects.service import Projects
from services.command.sharing.passwords import Passwords
from services.command.webhooks.service import Webhooks
from services.common.http.answers import operation_headers
from services.common.http.caller import Caller
from services.common.http.problems import Rejected, invalid
from services.common.log.store import EventStore, FactInStream, Pasts, UsersOperations

MOST_OPERATIONS = 100
MOST_FACTS = 1_000
NOBODY_KNOWS = 2**63 - 1
_ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)

UNDONE = Counter("recount_undo", "Undos that were asked for, by what came of it.", ["outcome"])

Asked = Callable[[int], Awaitable[Sequence[UUID]]]
"""The operations to be taken back, newest first, of those up to a position of the log."""


class Undone(msgspec.Struct, frozen=True):
    """outcome: of the command. asked: the operations that it was about, newest first."""

    outcome: Outcome[Any]
    asked: Sequence[UUID]


class Undo:
    """What has secrets, or is remembered, is told of it by whoever keeps that."""

    def __init__(
        self,
        store: EventStore,
        numbers: Numbers,
        passwords: Passwords,
        projects: Projects,
        webhooks: Webhooks,
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._passwords = passwords
        self._projects = projects
        self._webhooks = webhooks

    async def in_insight(self, number: int, sent: UndoInInsight, terms: Terms) -> Undone:
        """What the operation did to the insight's own stream. Raises as `handle` and `UndoWrite`
        do; Rejected 404 for an operation that did nothing to it.
        """
        stream = insight_stream(terms.caller.team_id, number)
        asked = (sent.operation_id,)

        async def begin() -> Write[Facts, Any]:
            touched = await self._touched(terms.caller, asked)
            if stream not in touched:
                raise no_operation()
            return self._write({stream: touched[stream]}, asked, sent, terms.caller, stream)

        return Undone(await self._handle(IN_INSIGHT, begin, terms), asked)

    async def operation(self, operation_id: UUID, sent: UndoOperation, terms: Terms) -> Undone:
        """Over all its streams. Raises as `in_insight` does; Rejected 403 without a scope of the
        key for one of them.
        """

        async def asked(_: int) -> Sequence[UUID]:
            return (operation_id,)

        return await self._all(asked, sent, terms)

    async def operations(self, sent: UndoOperations, terms: Terms) -> Undone:
        """All of a span, in one append. Raises as `operation` does; Rejected 400 too_many."""
        caller = terms.caller
        named = sent.user is not None or sent.key_id is not None

        async def asked(up_to: int) -> Sequence[UUID]:
            found = await self._store.operations_of(
                UsersOperations(
                    team_id=caller.team_id,
                    since=sent.since,
                    until=sent.until or _ALWAYS,
                    up_to=up_to,
                    user_id=sent.user if named else caller.user.id,
                    key_id=sent.key_id,
                    streams=_streams(caller.team_id, sent.insights),
                ),
                MOST_OPERATIONS + 1,
            )
            if len(found) > MOST_OPERATIONS or sum(facts for _, facts in found) > MOST_FACTS:
                raise invalid(
                    "since",
                    "too_many",
                    f"At most {MOST_OPERATIONS} operations with {MOST_FACTS} facts at once.",
                )
            return [operation_id for operation_id, _ in found]

        return await self._all(asked, sent, terms, may_be_none=True)

    async def answer(self, undone: Undone, caller: Caller) -> Response[bytes]:
        """What came of it, read from the log: a repeat is answered as the first time."""
        outcome, facts = undone.outcome, list[FactInStream]()
        taken: tuple[UUID, ...] = ()
        changes: tuple[UndoneChange, ...] = ()
        warnings: tuple[UndoneWarning, ...] = ()
        if outcome.operation_id is not None:
            done = await told(self._store, caller.team_id, outcome.operation_id)
            facts, changes = list(done.facts), done.changes
            warnings = await new_addresses(self._numbers, facts)
            taken = _operations_undone(facts)
            await self._tell(facts, caller.team_id, outcome.position)
        body = UndoneBody(
            operation_id=outcome.operation_id,
            undone=taken,
            already=tuple(each for each in undone.asked if each not in taken),
            changes=changes,
            warnings=warnings,
        )
        return Response(
            msgspec.json.encode(body),
            headers={
                INSIGHTS_POSITION: str(outcome.position),
                **operation_headers(outcome.operation_id),
            },
        )

    async def _all(
        self, asked: Asked, sent: UndoOperation, terms: Terms, *, may_be_none: bool = False
    ) -> Undone:
        caller = terms.caller
        found: Sequence[UUID] = ()

        async def begin() -> Write[Facts, Any]:
            nonlocal found
            found = await asked(NOBODY_KNOWS)
            touched = await self._touched(caller, found)
            if not touched and not may_be_none:
                raise no_operation()
            require_scopes(touched, caller)
            return self._write(touched, found, sent, caller, history_stream(caller.team_id))

        outcome = await self._handle(IN_HISTORY, begin, terms)
        if outcome.replayed:
            facts = 0
            if outcome.operation_id is not None:
                own = await self._store.operations(caller.team_id, [outcome.operation_id])
                facts = len(own)
            found = await asked(outcome.position - facts)
        return Undone(outcome, found)

    async def _touched(
        self, caller: Caller, operation_ids: Sequence[UUID]
    ) -> dict[Stream[DomainEvent], list[DomainEvent]]:
        touched: dict[Stream[DomainEvent], list[DomainEvent]] = {}
        for each in await self._store.operations(caller.team_id, operation_ids):
            touched.setdefault(each.stream, []).append(each.fact.event)
        return touched

    def _write(
        self,
        touched: Touched,
        operation_ids: Sequence[UUID],
        sent: UndoOperation,
        caller: Caller,
        own: Stream[Any],
    ) -> Write[Facts, Any]:
        undo = UndoWrite(
            self._store, self._numbers, caller, operation_ids, touched, undo_terms(sent)
        )

        async def prepare(_: Pasts) -> PreparedWrite[Facts, Any]:
            return await undo.prepare(own)

        return Write(own, prepare, blind=own.kind is StreamKind.HISTORY)

    async def _handle(
        self,
        rules: Rules[Any, Any, Any],
        begin: Callable[[], Awaitable[Write[Facts, Any]]],
        terms: Terms,
    ) -> Outcome[Any]:
        try:
            outcome = await handle(self._store, rules, begin, terms)
        except Rejected as refusal:
            UNDONE.labels(refusal.problem.code).inc()
            raise
        if not outcome.replayed:
            UNDONE.labels("undone" if outcome.operation_id else "already").inc()
        return outcome

    async def _tell(self, facts: Iterable[FactInStream], team_id: int, position: int) -> None:
        """After the facts, as those do who otherwise make such facts; twice is once."""
        for each in facts:
            if isinstance(each.fact.event, SharePasswordRemoved):
                await self._passwords.remove(team_id, each.fact.event.password_id)
            elif isinstance(each.fact.event, WebhookDeleted):
                await self._webhooks.forget(each.stream.number)
        if any(each.stream.kind is StreamKind.PROJECT for each in facts):
            await self._projects.settled(position)


def _operations_undone(facts: Iterable[FactInStream]) -> tuple[UUID, ...]:
    return next(
        (
            each.fact.event.operation_ids
            for each in facts
            if isinstance(each.fact.event, OperationsUndone)
        ),
        (),
    )


def _streams(team_id: int, insights: Sequence[int] | None) -> tuple[UUID, ...] | None:
    """Of what belongs to these insights."""
    if insights is None:
        return None
    kinds = (insight_stream, sharing_stream, access_stream)
    return tuple(stream(team_id, number).id for number in insights for stream in kinds)
