"""The proof of a project's history: every entry is chained by hash to the one before it.

commitment = SHA-256(salt ‖ payload bytes)
hash       = SHA-256(hash of the project's previous entry ‖ canonical envelope ‖ commitment)

The first entry of a project follows 32 zero bytes. An outsider who keeps the last `Link` needs
nothing else to see whether what comes next continues it, and can do so without any payload.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Raw

from contracts.json import NULL
from contracts.times import microseconds

SALT_BYTES = 16
HASH_BYTES = 32
PAYLOAD_ERASED = "audit.payload_erased.v1"

_encoder = msgspec.json.Encoder()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the log as it is stored and published: its payload as bytes, with its proof.

    As JSON it is `contracts.events.recorded.Recorded` with some fields more, so that a subscriber
    decodes either. Bytes are base64 there.

    origin_position: what is hashed in the place of the position: an entry that was written in
    another log keeps its hash, and has another position here. None: it was written here.
    subject: the thing that its stream is about, `insight/1`; not hashed, `stream_id` is.
    name: the stored name, `insight.renamed.v1`.
    event: the payload exactly as it is hashed; `null` where it was too large for the bus.
    salt: empty once the payload has been erased.
    previous: the hash of the project's entry before; 32 zero bytes for the first.
    """

    position: int
    stream_id: UUID
    subject: str
    version: int
    name: str
    team_id: int
    team_seq: int
    at: datetime
    actor: Raw
    operation_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    event: Raw
    salt: bytes
    commitment: bytes
    previous: bytes
    hash: bytes
    origin_position: int | None = None

    @property
    def hashed_position(self) -> int:
        """Of the log that it was written in."""
        return self.position if self.origin_position is None else self.origin_position


class Link(msgspec.Struct, frozen=True):
    """The end of a project's chain: the number and hash of its latest entry."""

    team_seq: int = 0
    hash: bytes = bytes(HASH_BYTES)


BEGINNING = Link()


class _ToldErasure(msgspec.Struct):
    """What a fact of that name says of an entry, if it does. commitment: hexadecimal."""

    sequence: int | None = None
    commitment: str | None = None


_told = msgspec.json.Decoder(_ToldErasure)


class BrokenChain(ValueError):
    """The first entry that does not continue its project's chain."""

    def __init__(self, position: int, reason: Literal["team_seq", "commitment", "hash"]) -> None:
        super().__init__(f"position {position}: {reason} does not follow")
        self.position = position
        self.reason = reason


def commit(salt: bytes, payload: bytes) -> bytes:
    """The commitment: it binds an entry to its payload, yet says nothing of it once the salt is
    gone.
    """
    return sha256(salt + payload).digest()


def canonical_envelope(
    position: int,
    stream_id: UUID,
    version: int,
    name: str,
    at: datetime,
    team_id: int,
    team_seq: int,
    actor: Raw,
    operation_id: UUID,
    correlation_id: UUID,
    causation_id: UUID | None,
) -> bytes:
    """A compact JSON array of the parameters in their order.

    `at` is the count of microseconds since 1970-01-01T00:00Z, UUIDs are lower-case with hyphens,
    `actor` is its object as stored.
    """
    return _encoder.encode(
        (
            *(position, stream_id, version, name, microseconds(at), team_id, team_seq),
            *(actor, operation_id, correlation_id, causation_id),
        )
    )


def chained(previous: bytes, envelope: bytes, commitment: bytes) -> bytes:
    """The hash of an entry. Both ends have a fixed length, so the parts can't be shifted."""
    return sha256(previous + envelope + commitment).digest()


def envelope_of(entry: Entry) -> bytes:
    return canonical_envelope(
        entry.hashed_position,
        entry.stream_id,
        entry.version,
        entry.name,
        entry.at,
        entry.team_id,
        entry.team_seq,
        entry.actor,
        entry.operation_id,
        entry.correlation_id,
        entry.causation_id,
    )


def follow(link: Link, entry: Entry) -> Link:
    """The link after `entry`, an entry of the same project.

    Raises BrokenChain. Without a payload, or once it was erased, the commitment is taken as it
    stands: the hash still binds it. Whether the erasure was told, `Erasures` knows.
    """
    if entry.team_seq != link.team_seq + 1:
        raise BrokenChain(entry.position, "team_seq")
    has_payload = entry.salt and entry.event != NULL
    if has_payload and entry.commitment != commit(entry.salt, bytes(entry.event)):
        raise BrokenChain(entry.position, "commitment")
    if entry.hash != chained(link.hash, envelope_of(entry), entry.commitment):
        raise BrokenChain(entry.position, "hash")
    return Link(entry.team_seq, entry.hash)


def verify(entries: Iterable[Entry], after: Link = BEGINNING) -> Link:
    """The link after `entries` of one project, in order. Raises BrokenChain."""
    for entry in entries:
        after = follow(after, entry)
    return after


class Erasures:
    """The entries whose payloads are gone, against the facts that tell of it. Of one project.

    after: the sequence that the entries begin behind; what is told of earlier ones is passed over.
    """

    def __init__(self, after: int = 0) -> None:
        self._after = after
        self._gone: dict[int, bytes] = {}
        self._told: dict[int, bytes] = {}

    def take(self, entry: Entry) -> None:
        if not entry.salt:
            self._gone[entry.team_seq] = entry.commitment
        if entry.name == PAYLOAD_ERASED and entry.salt:
            told = _told.decode(entry.event)
            if told.sequence is not None and told.commitment is not None:
                self._told[told.sequence] = bytes.fromhex(told.commitment)

    def unexplained(self) -> int | None:
        """The first entry whose payload is gone and no fact tells of it, or the other way round."""
        gone = self._gone.keys() | {sequence for sequence in self._told if sequence > self._after}
        wrong = (each for each in gone if self._gone.get(each) != self._told.get(each))
        return min(wrong, default=None)


def encode_entry(entry: Entry) -> bytes:
    """The message that subscribers get."""
    return _encoder.encode(entry)


_decoder = msgspec.json.Decoder(Entry)


def decode_entry(message: bytes) -> Entry:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(message)
