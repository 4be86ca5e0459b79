"""The only UPDATE of the log: payloads are replaced by what an erasure leaves of them.

One transaction under the log's lock: the payloads, the salts, and the facts that say so. Hash and
commitment stay, so the chain holds. Without its salt the commitment says nothing of what was there.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from contracts.codec import encode_event, stored_name
from contracts.events.audit import PayloadErased, erased_entry
from contracts.events.recorded import Actor
from contracts.events.streams import erasure_stream
from domain.erasure.redaction import Redacted
from services.common.log.appends import Append, AppendedFacts, AppendPart
from services.common.log.judging import prepare
from services.common.log.searching import FoundEntry
from services.common.log.store import utc_now
from services.common.log.transaction import CommitInDoubt, LogTransaction

__all__ = ["CommitInDoubt", "ErasedEntry", "Erasure", "Meanwhile", "erase"]

ERASE = """
    UPDATE log SET state = left_over.payload, salt = ''
    FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[]) AS left_over (position, before, payload)
    WHERE notification_id = left_over.position AND team_id = %b AND state = left_over.before"""

_SESSION: dict[str, Any] = {
    "options": "-c timezone=UTC -c synchronous_commit=on -c idle_in_transaction_session_timeout=5s",
    "connect_timeout": 5,
}


class Meanwhile(Exception):
    """Another erasure has erased one of the entries: nothing was done, look again."""


class ErasedEntry(msgspec.Struct, frozen=True):
    """An entry, and what is left of its fact."""

    entry: FoundEntry
    left: Redacted


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """Whose facts tell of it."""

    team_id: int
    number: int
    actor: Actor
    operation_id: UUID
    correlation_id: UUID
    causation_id: UUID | None


async def erase(
    url: str,
    erasure: Erasure,
    erased: Sequence[ErasedEntry],
    crash_at: Callable[[str], None] = lambda point: None,
) -> AppendedFacts:
    """Erase these entries of the project, and say so: all of it or nothing.

    Raises Meanwhile; CommitInDoubt and psycopg's errors: then look again what is left to do.
    """
    stream = erasure_stream(erasure.team_id, erasure.number)
    append = Append(
        parts=(AppendPart(stream, None, tuple(_told(erasure.number, each) for each in erased)),),
        actor=erasure.actor,
        operation_id=erasure.operation_id,
        correlation_id=erasure.correlation_id,
        causation_id=erasure.causation_id,
    )
    transaction = LogTransaction(utc_now, crash_at=crash_at)
    replace = partial(_replace, team_id=erasure.team_id, erased=erased)
    async with await AsyncConnection.connect(url, autocommit=True, **_SESSION) as conn:
        judgement = await transaction.write(conn, [prepare(append)], replace)
    (outcome,) = judgement.outcomes
    if not isinstance(outcome, AppendedFacts):
        raise outcome
    return outcome


def _told(number: int, each: ErasedEntry) -> PayloadErased:
    entry = each.entry
    return erased_entry(number, entry.sequence, entry.name, entry.commitment, each.left.fields)


async def _replace(
    conn: AsyncConnection[TupleRow], *, team_id: int, erased: Sequence[ErasedEntry]
) -> None:
    for each in erased:
        if stored_name(each.left.event) != each.entry.name:
            raise ValueError(f"entry {each.entry.sequence} is of an older shape")
    positions = [each.entry.position for each in erased]
    before = [each.entry.payload for each in erased]
    payloads = [encode_event(each.left.event) for each in erased]
    replaced = await conn.execute(ERASE, (positions, before, payloads, team_id))
    if replaced.rowcount != len(erased):
        raise Meanwhile
