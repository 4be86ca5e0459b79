"""Places and lifts legal holds, and tells what they keep."""

from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec
from litestar import Response

from contracts.api.erasures import HoldBody, HoldPage, WriteHold
from contracts.api.times import written
from contracts.events.audit import HoldEvent
from contracts.events.streams import hold_stream
from contracts.read_models.erasure import HoldRow
from domain.changes import change
from domain.hold.commands import HoldCommand, LiftHold, PlaceHold
from domain.hold.decide import decide
from domain.hold.view import view
from services.command.change_lines import lines_since
from services.command.handle import Outcome, Rules, Terms, Write, given, handle, plain
from services.common.accounts.accounts import Accounts
from services.common.http.answers import nothing, resource
from services.common.http.caller import Caller, require_owner
from services.common.http.problems import invalid, required
from services.common.insights.context import user_bodies
from services.common.log.store import EventStore
from services.common.postgres.database import Pool

_NEW: LiteralString = "INSERT INTO hold_ids (team_id) VALUES (%s) RETURNING id"
_THERE: LiteralString = "SELECT id FROM hold_ids WHERE team_id = %s ORDER BY id DESC"

_LARGEST = 2**63

HoldWrite = Write[HoldCommand, HoldEvent]
RULES: Rules[HoldRow | None, HoldCommand, HoldEvent] = Rules(
    decide, view, lines_since(lambda _: [change("lifted", False, True, "Hold")])
)


async def holds_of(store: EventStore, pool: Pool, team_id: int) -> Sequence[HoldRow]:
    """All that were ever placed in the project, the newest first."""
    async with pool.connection() as conn:
        found = await (await conn.execute(_THERE, (team_id,))).fetchall()
    streams = [hold_stream(team_id, number) for (number,) in found]
    if not streams:
        return ()
    pasts = await store.load_all(streams)
    rows = (view(pasts[stream]) for stream in streams)
    return tuple(row for row in rows if row is not None)


class Holds:
    """All commands raise as `handle` does, and Rejected 403 to all but owners."""

    def __init__(self, store: EventStore, pool: Pool, accounts: Accounts) -> None:
        self._store = store
        self._pool = pool
        self._accounts = accounts

    async def place(self, sent: WriteHold, terms: Terms) -> Response[bytes]:
        """Raises Rejected 400 naming the field."""
        require_owner(terms.caller)
        team_id = terms.caller.team_id
        users = _numbers("users", sent.users)
        insights = _numbers("insights", sent.insights)
        if not isinstance(sent.reason, str):
            raise required("reason")
        reason = sent.reason

        async def begin() -> HoldWrite:
            async with self._pool.connection() as conn:
                row = await (await conn.execute(_NEW, (team_id,))).fetchone()
            if row is None:
                raise RuntimeError("INSERT … RETURNING gave no row")
            number = int(row[0])
            command = PlaceHold(hold_id=number, reason=reason, users=users, insights=insights)
            return plain(hold_stream(team_id, number), command)

        return await self._answer(await handle(self._store, RULES, begin, terms))

    async def lift(self, number: int, terms: Terms) -> Response[None]:
        """Raises NotFound."""
        require_owner(terms.caller)
        write: HoldWrite = plain(hold_stream(terms.caller.team_id, number), LiftHold())
        outcome = await handle(self._store, RULES, given(write), terms)
        return nothing(outcome.position, outcome.operation_id)

    async def all(self, caller: Caller) -> HoldPage:
        require_owner(caller)
        rows = await holds_of(self._store, self._pool, caller.team_id)
        return HoldPage(results=tuple([await self._body(row) for row in rows]))

    async def _answer(self, outcome: Outcome[Any]) -> Response[bytes]:
        row = view(outcome.history)
        if row is None:
            raise ValueError("a hold without a history has no answer")
        return resource(
            msgspec.json.encode(await self._body(row)),
            version=row.version,
            position=outcome.position,
            operation_id=outcome.operation_id,
            status=201,
        )

    async def _body(self, row: HoldRow) -> HoldBody:
        users = await user_bodies(self._accounts, (row.placed_by,))
        return HoldBody(
            id=row.hold_id,
            reason=row.reason,
            users=row.users,
            insights=row.insights,
            placed_by=users.get(row.placed_by or 0),
            placed_at=written(row.placed_at),
            lifted_at=written(row.lifted_at),
        )


def _numbers(attr: str, sent: Sequence[int] | None) -> tuple[int, ...]:
    """Each once. They need not be there yet. Raises Rejected 400: an empty list says neither
    whom, nor everything.
    """
    if sent is None:
        return ()
    if not sent or any(not 0 < number < _LARGEST for number in sent):
        raise invalid(attr, "invalid_input", "Some numbers; leave it out for the whole project.")
    return tuple(dict.fromkeys(sent))
