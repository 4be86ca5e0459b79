"""The only change of the log: an erasure replaces payloads by what it leaves of them. A function of
the database does that, which may do what the services' role may not (migration 47). Reads, whose
proof is in the log, are erased here, too.

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
from contracts.events.audit import PayloadErased, erased_entry, erased_reads
from contracts.events.recorded import Actor
from contracts.events.streams import erasure_stream
from domain.erasure.redaction import Redacted
from services.common.log.appends import Append, AppendedFacts, AppendPart
from services.common.log.judging import prepare
from services.common.log.searching import FoundEntry
from services.common.log.store import utc_now
from services.common.log.transaction import Beside, CommitInDoubt, LogTransaction

__all__ = ["CommitInDoubt", "ErasedEntry", "Erasure", "Meanwhile", "erase", "erase_reads"]

ERASE = "SELECT erase_log_payloads(%b, %b::bigint[], %b::bytea[], %b::bytea[])"

FORGET_READER = """
    UPDATE reads SET actor = 'erased', user_id = NULL, key_id = NULL, ip = NULL, client = NULL,
        salt = ''
    WHERE team_id = %s AND user_id = %s AND number = ANY(%s::bigint[])"""

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
    facts = tuple(_told(erasure.number, each) for each in erased)
    replace = partial(_replace, team_id=erasure.team_id, erased=erased)
    return await _together(url, erasure, facts, replace, crash_at)


async def erase_reads(
    url: str, erasure: Erasure, user_id: int, numbers: Sequence[int]
) -> AppendedFacts:
    """These reads of the project say no more that it was this user, and a fact says so. numbers:
    rising. Raises as `erase` does.
    """
    facts = (erased_reads(erasure.number, spans(numbers)),)

    async def forget(conn: AsyncConnection[TupleRow]) -> None:
        forgotten = await conn.execute(FORGET_READER, (erasure.team_id, user_id, list(numbers)))
        if forgotten.rowcount != len(numbers):
            raise Meanwhile

    return await _together(url, erasure, facts, forget)


def spans(numbers: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The rising numbers as first and last of those that follow each other."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


async def _together(
    url: str,
    erasure: Erasure,
    facts: tuple[PayloadErased, ...],
    beside: Beside,
    crash_at: Callable[[str], None] = lambda point: None,
) -> AppendedFacts:
    append = Append(
        parts=(AppendPart(erasure_stream(erasure.team_id, erasure.number), None, facts),),
        actor=erasure.actor,
        operation_id=erasure.operation_id,
        correlation_id=erasure.correlation_id,
        causation_id=erasure.causation_id,
    )
    transaction = LogTransaction(utc_now, crash_at=crash_at)
    async with await AsyncConnection.connect(url, autocommit=True, **_SESSION) as conn:
        judgement = await transaction.write(conn, [prepare(append)], beside)
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
    replaced = await conn.execute(ERASE, (team_id, positions, before, payloads))
    if await replaced.fetchone() != (len(erased),):
        raise Meanwhile
