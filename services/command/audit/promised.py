"""Facts that a row of a table promised: appended once, whoever dies between the two.

The row comes first, and its sequence stays null until the fact is in the log. Whoever finds such a
row appends under a receipt of its own; if it was appended before, the log has its operation.
"""

import hashlib
from typing import LiteralString
from uuid import UUID

import msgspec

from contracts.codec import encode_event
from contracts.events.audit import TrailEvent
from contracts.events.recorded import SystemActor
from contracts.events.streams import audit_stream
from services.common.log.store import Append, AppendPart, EventStore, NewReceipt, ReceiptExists
from services.common.postgres.database import Pool

# Receipts are forgotten after a day; an operation is looked for in as many facts of its stream.
_LOOKED_AT = 10_000
_APPENDED: LiteralString = """
    SELECT team_seq FROM (
        SELECT team_seq, operation_id FROM log WHERE originator_id = %(stream_id)s
        ORDER BY originator_version DESC LIMIT %(looked_at)s
    ) AS newest WHERE operation_id = %(operation_id)s"""
_SEQUENCE: LiteralString = "SELECT team_seq FROM log WHERE notification_id = %s"


class PromisedFact(msgspec.Struct, frozen=True):
    """operation_id: always the same for the same row."""

    team_id: int
    operation_id: UUID
    fact: TrailEvent


async def keep(store: EventStore, pool: Pool, promised: PromisedFact) -> int:
    """The sequence of the fact, which is in the log by now."""
    found = await _appended(pool, promised)
    if found is not None:
        return found
    digest = hashlib.sha256(encode_event(promised.fact)).digest()
    append = Append(
        parts=(AppendPart(audit_stream(promised.team_id), None, (promised.fact,)),),
        actor=SystemActor(),
        operation_id=promised.operation_id,
        correlation_id=promised.operation_id,
        receipt=NewReceipt(f"promised:{promised.operation_id}", digest, 200),
    )
    try:
        position = (await store.append(append)).position
    except ReceiptExists as exists:
        position = exists.receipt.position
    async with pool.connection() as conn:
        row = await (await conn.execute(_SEQUENCE, (position,))).fetchone()
    if row is None:
        raise RuntimeError(f"position {position} was appended, and is not in the log")
    return int(row[0])


async def _appended(pool: Pool, promised: PromisedFact) -> int | None:
    async with pool.connection() as conn:
        cursor = await conn.execute(
            _APPENDED,
            {
                "stream_id": audit_stream(promised.team_id).id,
                "looked_at": _LOOKED_AT,
                "operation_id": promised.operation_id,
            },
        )
        row = await cursor.fetchone()
    return None if row is None else int(row[0])
