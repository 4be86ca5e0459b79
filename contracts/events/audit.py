"""Facts for auditors: reads that were sealed, what was erased or is held, keys, healed rows.

None of them quotes what is to be erased: no text, and no number of the user or person who goes.
"""

from datetime import datetime
from typing import Literal

import msgspec

from contracts.events.fact import Fact

ErasureState = Literal["logical", "physical"]
"""logical: nothing that Recount answers shows it. physical: its bytes are gone from the disk, too.
"""


class ReadsSealed(Fact, frozen=True, kw_only=True, tag="audit.reads_sealed.v1"):
    """Reads `first` to `last` of the project have their numbers, `count` in all.

    root: in hex, the RFC 9162 root of the tree whose leaves are the reads' commitments, by number.
    from_, to: the times of the earliest and the latest of them.
    """

    first: int
    last: int
    count: int
    root: str
    from_: datetime = msgspec.field(name="from")
    to: datetime


class ReadsExpired(Fact, frozen=True, tag="audit.reads_expired.v1"):
    """Reads up to the number `through` are past the time that they are kept; `count` went now."""

    through: int
    count: int


class ErasureRequested(Fact, frozen=True, tag="audit.erasure_requested.v1"):
    """erasure_id: its number in the project. reason: as it was given; kept for ever."""

    erasure_id: int
    reason: str


class PayloadErased(Fact, frozen=True, kw_only=True, tag="audit.payload_erased.v1"):
    """The payload of one entry of the log, or who made some reads.

    sequence: the entry's, in this chain. erased_type: its stored name. commitment: its own, in hex,
    which stays; so does its hash. fields: names of the fields that lost their value. All of them
    None and empty where it is about reads.
    reads: spans of numbers, first and last, both counted in; empty where it is about an entry.
    """

    erasure_id: int
    sequence: int | None
    erased_type: str | None
    commitment: str | None
    fields: tuple[str, ...]
    reads: tuple[tuple[int, int], ...]


class ErasureCompleted(Fact, frozen=True, tag="audit.erasure_completed.v1"):
    """Once for each state that it reaches. counts: how much went, by place, in this state."""

    erasure_id: int
    state: ErasureState
    counts: dict[str, int]


class HoldPlaced(Fact, frozen=True, tag="audit.hold_placed.v1"):
    """Nothing that it covers is erased or expires. users, insights: numbers; without any of both,
    the whole project is held.
    """

    hold_id: int
    reason: str
    users: tuple[int, ...]
    insights: tuple[int, ...]


class HoldLifted(Fact, frozen=True, tag="audit.hold_lifted.v1"):
    hold_id: int


class KeyRotated(Fact, frozen=True, tag="audit.key_rotated.v1"):
    """Checkpoints of the log are signed with a new key.

    old, new: verifier keys, `name+hash+base64`. lost: the old one signs nothing more from now on;
    else both sign for a while.
    """

    old: str
    new: str
    lost: bool


class RowHealed(Fact, frozen=True, tag="audit.row_healed.v1"):
    """A row of a read model was not what the facts say, and was written anew.

    key: of the row, the values of its primary key as a JSON array. position: of the last fact that
    went into it.
    """

    projection: str
    key: str
    position: int


class LogVoided(Fact, frozen=True, tag="log.voided.v1"):
    """Positions `first` to `last` of the whole log had other entries on the public stream, which a
    failover of PostgreSQL has lost. Nothing of them counts.
    """

    first: int
    last: int


TrailEvent = ReadsSealed | ReadsExpired | KeyRotated | RowHealed | LogVoided
"""Facts of a project's one stream of kind audit."""
ErasureEvent = ErasureRequested | PayloadErased | ErasureCompleted
"""Facts of one erasure's stream; that of an entry stands in the chain of the entry."""
HoldEvent = HoldPlaced | HoldLifted
"""Facts of one hold's stream."""
AuditEvent = TrailEvent | ErasureEvent | HoldEvent


def erased_entry(
    erasure_id: int, sequence: int, erased_type: str, commitment: bytes, fields: tuple[str, ...]
) -> PayloadErased:
    return PayloadErased(
        erasure_id=erasure_id,
        sequence=sequence,
        erased_type=erased_type,
        commitment=commitment.hex(),
        fields=fields,
        reads=(),
    )


def erased_reads(erasure_id: int, spans: tuple[tuple[int, int], ...]) -> PayloadErased:
    return PayloadErased(
        erasure_id=erasure_id,
        sequence=None,
        erased_type=None,
        commitment=None,
        fields=(),
        reads=spans,
    )
