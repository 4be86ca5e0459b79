"""What other services found and the log shall tell: each is appended once, whoever dies when.

They write it into `to_tell` in their own transaction. Only this service appends: under a receipt
of the finding's own, so that a second append of it is refused.
"""

import contextlib
import hashlib
from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import args_row

from contracts.codec import Undecodable, decode_event
from contracts.events.recorded import DomainEvent, SystemActor
from contracts.events.streams import Stream, StreamKind
from services.common.log.store import (
    Append,
    AppendPart,
    EventStore,
    LogUnavailable,
    NewReceipt,
    OutcomeUnknown,
    ReceiptExists,
)
from services.common.logs import logger
from services.common.postgres.database import CONNECTION_LOST, Pool
from services.common.tasks import describe, every

log = logger("recount.telling")

AWAY = (LogUnavailable, OutcomeUnknown, *CONNECTION_LOST)
LOOK_SECONDS = 0.5
AT_ONCE = 100

_FOUND: LiteralString = """
    SELECT id, team_id, kind, number, fact::text FROM to_tell ORDER BY found_at, id LIMIT %s"""


class Finding(msgspec.Struct, frozen=True):
    """A row of to_tell. kind, number: of the stream. fact: with its stored name in `type`."""

    id: UUID
    team_id: int
    kind: str
    number: int
    fact: str


class _Named(msgspec.Struct):
    type: str


class Telling:
    """crash_at: told "found", "appended" and "deleted" as each is reached, for crash tests."""

    def __init__(
        self,
        store: EventStore,
        pool: Pool,
        crash_at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._store = store
        self._pool = pool
        self._crash_at = crash_at
        self._unreadable: set[UUID] = set()

    async def run(self) -> None:
        """Until cancelled. Waits for whatever is away."""
        await every(LOOK_SECONDS, self.tell_all, away=AWAY)

    async def tell_all(self) -> None:
        """Append what is found by now. What this version can't read stays, for a newer one."""
        found = await self._found()
        if found:
            self._crash_at("found")
        for finding in found:
            try:
                append = _append(finding)
            except (Undecodable, msgspec.DecodeError, ValueError) as cause:
                if finding.id not in self._unreadable:
                    self._unreadable.add(finding.id)
                    log.error("finding_unreadable", finding=str(finding.id), cause=describe(cause))
                continue
            await self._tell(finding, append)

    async def _found(self) -> list[Finding]:
        async with self._pool.connection() as conn:
            cursor = await conn.cursor(row_factory=args_row(Finding)).execute(_FOUND, (AT_ONCE,))
            return await cursor.fetchall()

    async def _tell(self, finding: Finding, append: Append) -> None:
        with contextlib.suppress(ReceiptExists):
            await self._store.append(append)
        self._crash_at("appended")
        async with self._pool.connection() as conn:
            await conn.execute("DELETE FROM to_tell WHERE id = %s", (finding.id,))
        self._crash_at("deleted")


def _append(finding: Finding) -> Append:
    """Behind whatever the stream holds by then: a finding is no decision on its state."""
    fact = finding.fact.encode()
    event = decode_event(msgspec.json.decode(fact, type=_Named).type, fact)
    stream: Stream[DomainEvent] = Stream(StreamKind(finding.kind), finding.team_id, finding.number)
    return Append(
        parts=(AppendPart(stream, None, (event,)),),
        actor=SystemActor(),
        operation_id=finding.id,
        correlation_id=finding.id,
        receipt=NewReceipt(f"tell:{finding.id}", hashlib.sha256(fact).digest(), 200),
    )
