"""Takes requests for erasures, and tells what became of them."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Response
from msgspec.structs import asdict

from contracts.api.erasures import (
    ConcernedEntry,
    ErasedEntryBody,
    ErasureBody,
    ErasurePage,
    ErasureTrial,
    FailureBody,
    State,
    StateBody,
    WriteErasure,
)
from contracts.api.plans import MEDIA_TYPE
from contracts.api.times import written
from contracts.events.audit import ErasureEvent
from contracts.events.recorded import SystemActor
from contracts.events.streams import erasure_stream
from contracts.read_models.erasure import ErasureRow
from domain.changes import change
from domain.erasure.commands import ErasureCommand, RequestErasure
from domain.erasure.decide import decide
from domain.erasure.view import view
from domain.errors import NotFound
from services.command.audit.looking import Looking
from services.command.audit.remains import remains
from services.command.change_lines import lines_since
from services.command.handle import Outcome, Rules, Terms, Write, handle, plain
from services.common.accounts.accounts import Accounts
from services.common.http.answers import resource
from services.common.http.caller import Caller, require_owner
from services.common.insights.context import user_bodies
from services.common.log.store import Append, AppendPart, EventStore, OutcomeUnknown
from services.common.postgres import erasures
from services.common.postgres.database import Pool
from services.common.postgres.erasures import PLACES, ErasureTask, Step

ErasureWrite = Write[ErasureCommand, ErasureEvent]
RULES: Rules[ErasureRow | None, ErasureCommand, ErasureEvent] = Rules(
    decide, view, lines_since(lambda _: [change("state", None, None, "Erasure")])
)


class Erasures:
    """All raise Rejected 403 to all but owners."""

    def __init__(self, store: EventStore, pool: Pool, accounts: Accounts) -> None:
        self._store = store
        self._pool = pool
        self._accounts = accounts
        self._looking = Looking(store, pool)

    async def request(self, sent: WriteErasure, terms: Terms) -> Response[bytes]:
        """202; 200 of a dry run. Raises as `Looking.look` and `handle` do."""
        require_owner(terms.caller)
        if terms.dry_run:
            return await self._trial(sent, terms.caller.team_id)
        outcome = await request(self._store, self._pool, self._looking, sent, terms)
        row = _row(outcome)
        task = await self._task(row.team_id, row.erasure_id)
        # As it was when it was asked for: a repeat has the same answer.
        body = await self._body(task, row, [])
        return resource(
            msgspec.json.encode(body),
            version=row.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=202,
        )

    async def all(self, caller: Caller) -> ErasurePage:
        require_owner(caller)
        tasks = await erasures.of_project(self._pool, caller.team_id)
        return ErasurePage(results=tuple([await self._of(task) for task in tasks]))

    async def one(self, number: int, caller: Caller) -> ErasureBody:
        """Raises NotFound."""
        require_owner(caller)
        return await self._of(await self._task(caller.team_id, number))

    async def _trial(self, sent: WriteErasure, team_id: int) -> Response[bytes]:
        look = await self._looking.look(team_id, sent)
        trial = ErasureTrial(
            entries=tuple(
                ConcernedEntry(
                    sequence=each.entry.sequence,
                    type=each.entry.name,
                    subject=each.entry.subject,
                    fields=each.left.fields,
                )
                for each in look.erased
            ),
            places=PLACES[look.kind],
            remains=remains(look.kind, "requested", None),
        )
        return Response(msgspec.json.encode(trial), status_code=200, media_type=MEDIA_TYPE)

    async def _task(self, team_id: int, number: int) -> ErasureTask:
        task = await erasures.one(self._pool, number)
        if task is None or task.team_id != team_id:
            raise NotFound
        return task

    async def _of(self, task: ErasureTask) -> ErasureBody:
        row = view(await self._store.load(erasure_stream(task.team_id, task.id)))
        if row is None:
            raise NotFound
        return await self._body(task, row, await erasures.steps(self._pool, task.id))

    async def _body(self, task: ErasureTask, row: ErasureRow, steps: Sequence[Step]) -> ErasureBody:
        """steps: none when nothing of it is done."""
        users = await user_bodies(self._accounts, (row.requested_by,))
        state: State = "requested" if not row.states else row.states[-1].state
        failed = None
        if steps and task.failed_place is not None:
            failed = FailureBody(task.failed_place, task.failed_reason or "")
        reached = [StateBody("requested", written(row.requested_at))]
        reached += [StateBody(each.state, written(each.at)) for each in row.states]
        done: dict[str, int] = {
            step.place: step.count for step in steps if step.done_at is not None
        }
        return ErasureBody(
            id=row.erasure_id,
            state="failed" if failed else state,
            reason=row.reason,
            requested_by=users.get(row.requested_by or 0),
            requested_at=written(row.requested_at),
            entries=tuple(ErasedEntryBody(**asdict(entry)) for entry in row.entries),
            reads=row.reads,
            states=tuple(reached),
            counts=done,
            waits_for=next((place for place in PLACES[task.kind] if place not in done), None),
            failed=failed,
            remains=remains(task.kind, state, row),
            receipt=task.receipt if steps else None,
        )


async def request(
    store: EventStore, pool: Pool, looking: Looking, sent: WriteErasure, terms: Terms
) -> Outcome[ErasureEvent]:
    """The request is in the log, and will be done. Raises as `Looking.look` and `handle` do."""
    caller = terms.caller
    drawn: list[int] = []

    async def begin() -> ErasureWrite:
        look = await looking.look(caller.team_id, sent)
        number = await erasures.make(
            pool,
            caller.team_id,
            look.kind,
            look.subject,
            msgspec.json.encode(caller.actor).decode(),
            caller.operation_id,
            caller.correlation_id,
        )
        drawn.append(number)
        command = RequestErasure(number, sent.reason)
        return plain(erasure_stream(caller.team_id, number), command)

    async def forget(*kept: int) -> None:
        """What is to go must not stay behind in a row that nobody asked for."""
        for number in drawn:
            if number not in kept:
                await erasures.forget(pool, number)

    try:
        outcome = await handle(store, RULES, begin, terms)
    except OutcomeUnknown:
        # It may be in the log: whoever does erasures looks.
        raise
    except Exception:
        await forget()
        raise
    number = _row(outcome).erasure_id
    await forget(number)
    await erasures.asked(pool, number)
    return outcome


async def request_by_system(store: EventStore, pool: Pool, team_id: int, sent: WriteErasure) -> int:
    """The same from the command line: the number of the erasure. Raises as `Looking.look` does."""
    look = await Looking(store, pool).look(team_id, sent)
    actor, operation_id = SystemActor(), uuid4()
    number = await erasures.make(
        pool,
        team_id,
        look.kind,
        look.subject,
        msgspec.json.encode(actor).decode(),
        operation_id,
        operation_id,
    )
    facts = tuple(decide(RequestErasure(number, sent.reason), None))
    await store.append(
        Append(
            parts=(AppendPart(erasure_stream(team_id, number), 0, facts),),
            actor=actor,
            operation_id=operation_id,
            correlation_id=operation_id,
        )
    )
    await erasures.asked(pool, number)
    return number


def _row(outcome: Outcome[Any]) -> ErasureRow:
    row = view(outcome.history)
    if row is None:
        raise ValueError("an erasure without a history has no answer")
    return row
