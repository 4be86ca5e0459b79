"""Believable appends for tests of the log; a test names only what matters to it."""

from uuid import UUID, uuid4

from contracts.events.insight import InsightCreated, InsightRenamed
from contracts.events.recorded import Actor, DomainEvent, UserActor
from contracts.events.streams import Stream, StreamKind
from contracts.events.viewing import InsightViewed
from services.common.log.store import Append, AppendPart, NewReceipt, Rank

ANNA = UserActor(user_id=7, key_id="k1")


def insight(number: int, team_id: int = 1) -> Stream[DomainEvent]:
    return Stream(StreamKind.INSIGHT, team_id, number)


def views(user_id: int = 7, team_id: int = 1) -> Stream[DomainEvent]:
    return Stream(StreamKind.VIEWING, team_id, user_id)


def created(number: int = 1) -> InsightCreated:
    return InsightCreated(insight_id=number, short_id=f"aB{number:06}", name="Funnel")


def renamed(name: str = "Signups") -> InsightRenamed:
    return InsightRenamed(name=name, previous="Funnel")


def viewed(number: int = 1) -> InsightViewed:
    return InsightViewed(insight_id=number, user_id=7)


def key(text: str = "key-1", status: int = 201) -> NewReceipt:
    return NewReceipt(key=text, request_hash=b"\x01" * 32, status=status)


def append(
    *parts: AppendPart,
    actor: Actor = ANNA,
    operation_id: UUID | None = None,
    receipt: NewReceipt | None = None,
    rank: Rank | None = None,
) -> Append:
    operation = operation_id or uuid4()
    return Append(
        parts=parts,
        actor=actor,
        operation_id=operation,
        correlation_id=operation,
        receipt=receipt,
        rank=rank,
    )


def to(stream: Stream[DomainEvent], after: int | None, *events: DomainEvent) -> AppendPart:
    return AppendPart(stream, after, events)
