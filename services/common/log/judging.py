"""Judges waiting appends: those that are accepted become entries. Pure, and run under the log's
lock.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from contracts import chain
from contracts.chain import BEGINNING, Entry, Link
from contracts.codec import encode_event, stored_name
from contracts.events.recorded import Actor, DomainEvent, Recorded
from contracts.events.streams import Stream
from contracts.headers import LONGEST_KEY
from contracts.times import EPOCH
from domain.errors import ConcurrentEdit
from services.common.log.appends import (
    Append,
    AppendedFacts,
    NewReceipt,
    Rank,
    RankLost,
    Receipt,
    ReceiptExists,
)

TICK = timedelta(microseconds=1)
DAWN = EPOCH

ReceiptKey = tuple[int, str, str]
Member = tuple[UUID, int]
"""An organization, and the number of a user."""
Refusal = ConcurrentEdit | RankLost | ReceiptExists
Outcome = AppendedFacts | Refusal


class EncodedPart(Struct, frozen=True):
    """A part whose facts are already bytes, so that the lock is not held meanwhile."""

    stream: Stream[DomainEvent]
    stream_id: UUID
    after: int | None
    facts: tuple[tuple[str, bytes, DomainEvent], ...]


class PreparedAppend(Struct, frozen=True):
    """An append ready to be written."""

    parts: tuple[EncodedPart, ...]
    team_id: int
    actor: Actor
    actor_text: str
    operation_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    receipt: NewReceipt | None
    rank: Rank | None

    @property
    def receipt_key(self) -> ReceiptKey | None:
        return None if self.receipt is None else (self.team_id, self.actor_text, self.receipt.key)


class StoredReceipt(Struct, frozen=True):
    """A receipt with what its row needs beyond what the caller sees."""

    team_id: int
    actor: str
    receipt: Receipt
    operation_id: UUID
    at: datetime


class LogState(Struct):
    """The state of the log under its lock, moved on by each append that is accepted.

    versions: stream id -> its head; absent: 0.
    links: project -> its chain; absent: at its beginning.
    levels: of those whose rank an append rests on; absent: no member.
    """

    position: int
    at: datetime
    versions: dict[UUID, int]
    links: dict[int, Link]
    receipts: dict[ReceiptKey, Receipt]
    levels: dict[Member, int]


class Judgement(Struct):
    """The rows that one transaction writes, and the answer of each caller once it is committed."""

    outcomes: list[Outcome]
    entries: list[Entry]
    receipts: list[StoredReceipt]
    moved: dict[int, Link]
    at: datetime

    @property
    def writes(self) -> bool:
        return bool(self.entries or self.receipts)


def prepare(new: Append) -> PreparedAppend:
    """Raises ValueError for what no transaction could hold, TypeError for what has no encoding."""
    if not new.parts:
        raise ValueError("an append has at least one part")
    if any(part.stream.team_id != new.team_id for part in new.parts):
        raise ValueError("the parts of an append belong to one project")
    if new.receipt is not None:
        _check_key(new.receipt.key)
    return PreparedAppend(
        parts=tuple(
            EncodedPart(
                stream=part.stream,
                stream_id=part.stream.id,
                after=part.after,
                facts=tuple((stored_name(fact), encode_event(fact), fact) for fact in part.events),
            )
            for part in new.parts
        ),
        team_id=new.team_id,
        actor=new.actor,
        actor_text=actor_text(new.actor),
        operation_id=new.operation_id,
        correlation_id=new.correlation_id,
        causation_id=new.causation_id,
        receipt=new.receipt,
        rank=new.rank,
    )


def actor_text(actor: Actor) -> str:
    """The actor as it is stored, hashed and published."""
    return msgspec.json.encode(actor).decode()


def judge(
    waiting: Iterable[PreparedAppend], standing: LogState, now: datetime, salt: Callable[[], bytes]
) -> Judgement:
    """Accept or refuse each append in its turn. Moves `standing`."""
    judgement = Judgement(outcomes=[], entries=[], receipts=[], moved={}, at=standing.at)
    for prepared in waiting:
        outcome = _refusal(prepared, standing) or _accept(prepared, standing, judgement, now, salt)
        judgement.outcomes.append(outcome)
    judgement.at = standing.at
    return judgement


def _check_key(key: str) -> None:
    if not 0 < len(key) <= LONGEST_KEY or "\0" in key:
        raise ValueError(f"a receipt's key has 1 to {LONGEST_KEY} characters, none of them NUL")


def _refusal(prepared: PreparedAppend, standing: LogState) -> Refusal | None:
    key = prepared.receipt_key
    if key is not None and (receipt := standing.receipts.get(key)) is not None:
        return ReceiptExists(receipt)
    rank = prepared.rank
    if rank is not None:
        level = standing.levels.get((rank.organization_id, rank.user_id), 0)
        if level < rank.level:
            return RankLost(f"user {rank.user_id} was taken for {rank.level} and is {level}")
    ahead: dict[UUID, int] = {}
    for part in prepared.parts:
        head = ahead.get(part.stream_id, standing.versions.get(part.stream_id, 0))
        if part.after is not None and part.after != head:
            return ConcurrentEdit(part.stream_id, part.after, head)
        ahead[part.stream_id] = head + len(part.facts)
    return None


def _accept(
    prepared: PreparedAppend,
    standing: LogState,
    judgement: Judgement,
    now: datetime,
    salt: Callable[[], bytes],
) -> AppendedFacts:
    recorded: list[Recorded[DomainEvent]] = []
    for part in prepared.parts:
        for name, payload, event in part.facts:
            entry = _next_entry(prepared, part, name, payload, standing, now, salt())
            judgement.entries.append(entry)
            recorded.append(_recorded(entry, prepared.actor, event))
    if recorded:
        judgement.moved[prepared.team_id] = standing.links[prepared.team_id]
    if prepared.receipt is not None:
        _write_receipt(prepared, prepared.receipt, standing, judgement, now)
    return AppendedFacts(tuple(recorded), standing.position)


def _next_entry(
    prepared: PreparedAppend,
    part: EncodedPart,
    name: str,
    payload: bytes,
    standing: LogState,
    now: datetime,
    salt: bytes,
) -> Entry:
    stream_id = part.stream_id
    link = standing.links.get(prepared.team_id, BEGINNING)
    position = standing.position + 1
    version = standing.versions.get(stream_id, 0) + 1
    at = max(now, standing.at + TICK)
    actor = Raw(prepared.actor_text.encode())
    envelope = chain.canonical_envelope(
        position,
        stream_id,
        version,
        name,
        at,
        prepared.team_id,
        link.team_seq + 1,
        actor,
        prepared.operation_id,
        prepared.correlation_id,
        prepared.causation_id,
    )
    commitment = chain.commit(salt, payload)
    entry = Entry(
        position=position,
        stream_id=stream_id,
        subject=part.stream.subject,
        version=version,
        name=name,
        team_id=prepared.team_id,
        team_seq=link.team_seq + 1,
        at=at,
        actor=actor,
        operation_id=prepared.operation_id,
        correlation_id=prepared.correlation_id,
        causation_id=prepared.causation_id,
        event=Raw(payload),
        salt=salt,
        commitment=commitment,
        previous=link.hash,
        hash=chain.chained(link.hash, envelope, commitment),
    )
    standing.position, standing.at = position, at
    standing.versions[stream_id] = version
    standing.links[prepared.team_id] = Link(entry.team_seq, entry.hash)
    return entry


def _recorded(entry: Entry, actor: Actor, event: DomainEvent) -> Recorded[DomainEvent]:
    return Recorded(
        position=entry.position,
        stream_id=entry.stream_id,
        version=entry.version,
        team_id=entry.team_id,
        team_seq=entry.team_seq,
        at=entry.at,
        actor=actor,
        operation_id=entry.operation_id,
        correlation_id=entry.correlation_id,
        causation_id=entry.causation_id,
        event=event,
    )


def _write_receipt(
    prepared: PreparedAppend,
    new: NewReceipt,
    standing: LogState,
    judgement: Judgement,
    now: datetime,
) -> None:
    stream_id = prepared.parts[0].stream_id
    receipt = Receipt(
        key=new.key,
        request_hash=new.request_hash,
        status=new.status,
        stream_id=stream_id,
        version=standing.versions.get(stream_id, 0),
        position=standing.position,
        operation_id=prepared.operation_id,
    )
    judgement.receipts.append(
        StoredReceipt(prepared.team_id, prepared.actor_text, receipt, prepared.operation_id, now)
    )
    standing.receipts[prepared.team_id, prepared.actor_text, new.key] = receipt
