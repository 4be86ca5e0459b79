"""An append: the values that a command hands to the log, and those that it gets back."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Raw, Struct

from contracts.events.recorded import Actor, DomainEvent, Recorded
from contracts.events.streams import Stream


class AppendPart(Struct, frozen=True):
    """An append's part for one stream.

    after: the version the caller decided on; None: a blind append, numbered by the writer.
    events: may be empty: "nothing would change", which holds only as long as `after` does.
    """

    stream: Stream[DomainEvent]
    after: int | None
    events: tuple[DomainEvent, ...]


class NewReceipt(Struct, frozen=True):
    """An Idempotency-Key and the request it came with; status: the HTTP status of the answer."""

    key: str
    request_hash: bytes
    status: int


class Rank(Struct, frozen=True):
    """A user's rank in an organization: 1 member, 8 administrator, 15 owner."""

    organization_id: UUID
    user_id: int
    level: int


class Append(Struct, frozen=True, kw_only=True):
    """The facts of one command, all or nothing; at least one part, all of one project.

    rank: the caller's role when the request came in; the append is refused if it is lower by now.
    None: not checked.
    """

    parts: tuple[AppendPart, ...]
    actor: Actor
    operation_id: UUID
    correlation_id: UUID
    causation_id: UUID | None = None
    receipt: NewReceipt | None = None
    rank: Rank | None = None

    @property
    def team_id(self) -> int:
        return self.parts[0].stream.team_id


class AppendedFacts(Struct, frozen=True):
    """position: of the last fact; the log's head where there was none."""

    recorded: tuple[Recorded[DomainEvent], ...]
    position: int


class Receipt(Struct, frozen=True):
    """The outcome of a command under this key.

    stream_id, version: the first part's stream after it, from which its answer is rendered again.
    operation_id: under which its facts are in the log, if there are any.
    """

    key: str
    request_hash: bytes
    status: int
    stream_id: UUID
    version: int
    position: int
    operation_id: UUID


class Unreadable(Struct, frozen=True, kw_only=True):
    """An entry whose payload or actor this version can't decode. A projector parks its stream."""

    position: int
    stream_id: UUID
    version: int
    team_id: int
    team_seq: int
    at: datetime
    name: str
    actor: Raw
    operation_id: UUID
    payload: bytes
    reason: str


class ReceiptExists(Exception):
    """The Idempotency-Key was used before: nothing was appended, `receipt` says what came of it."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(f"key {receipt.key!r} was used for position {receipt.position}")
        self.receipt = receipt


class RankLost(Exception):
    """The caller's role was lowered meanwhile; nothing was appended."""


class LogUnavailable(Exception):
    """PostgreSQL could not be reached in time: nothing was appended."""


class KindsPending(LogUnavailable):
    """Facts of kinds that not every process can read yet; nothing was appended."""

    def __init__(self, pending: Iterable[str]) -> None:
        self.pending = tuple(pending)
        super().__init__(f"not written before `recount release finish`: {', '.join(self.pending)}")


class LogUnverified(LogUnavailable):
    """A standby has taken over that nobody has held against the public stream: it may lack entries
    that others have seen, whose positions must not be given again. Nothing was appended.
    """


class OutcomeUnknown(Exception):
    """The connection broke while committing, and PostgreSQL did not come back in time to tell.

    The facts may or may not be in the log; asking again under the same Idempotency-Key is safe.
    """
