"""Entries of the log as CloudEvents 1.0.2 (JSON): the one form that subscribers get, whatever the
transport.

`data` is the last member, and its text is the payload exactly as it is committed to: the bytes
between the first `"data":` and the last `}`. So a subscriber verifies without our JSON library.
"""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from contracts.chain import Entry
from contracts.json import NULL

MEDIA_TYPE = "application/cloudevents+json"
SPEC_VERSION = "1.0"
SEQUENCE_DIGITS = 20

_encoder = msgspec.json.Encoder()


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it travels; its members in this order. Receivers ignore what they do not know.

    source, id: unique together, for ever. id, sequence: the place in the project's facts, as text;
    sequence has leading zeros, so that text sorts as numbers. position: in the whole log, as it is
    hashed: of a fact that was written elsewhere, in the log there.
    actor: its JSON exactly as it is hashed, as text. Hashes and salt are hexadecimal.
    erased: the payload is redacted and its salt gone; commitment and hash still hold.
    dataref: where the event is whole, when its payload is too large for the transport.
    """

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    sequence: str
    position: str
    project: str
    streamid: UUID
    streamversion: int
    actor: str
    operationid: UUID
    correlationid: UUID
    causationid: UUID | UnsetType = UNSET
    previoushash: str
    hash: str
    commitment: str
    salt: str | UnsetType = UNSET
    erased: bool | UnsetType = UNSET
    dataref: str | UnsetType = UNSET
    data: Raw | UnsetType = UNSET


_decoder = msgspec.json.Decoder(CloudEvent)


def event_source(installation: UUID, team_id: int) -> str:
    """The `source` of a project's events."""
    return f"urn:uuid:{installation}#project/{team_id}"


def encode_cloud_event(entry: Entry, source: str) -> bytes:
    """The whole event. It has no line break: payloads are compact JSON."""
    return _encoder.encode(_cloud_event(entry, source, dataref=UNSET))


def encode_with_dataref(entry: Entry, source: str) -> bytes:
    """The event without its payload, and where that is: for transports it is too large for."""
    dataref = f"/api/projects/{entry.team_id}/facts/{entry.team_seq}/"
    return _encoder.encode(_cloud_event(entry, source, dataref=dataref))


def decode_cloud_event(message: bytes) -> CloudEvent:
    """Raises msgspec.DecodeError."""
    return _decoder.decode(message)


def entry_of(event: CloudEvent) -> Entry:
    """The entry that the event tells of; its payload `null` when the event has none.

    Raises ValueError for numbers or hashes that are none.
    """
    return Entry(
        position=int(event.position),
        stream_id=event.streamid,
        subject=event.subject,
        version=event.streamversion,
        name=event.type,
        team_id=int(event.project),
        team_seq=int(event.sequence),
        at=event.time,
        actor=Raw(event.actor.encode()),
        operation_id=event.operationid,
        correlation_id=event.correlationid,
        causation_id=None if event.causationid is UNSET else event.causationid,
        event=NULL if event.data is UNSET else event.data,
        salt=b"" if event.salt is UNSET else bytes.fromhex(event.salt),
        commitment=bytes.fromhex(event.commitment),
        previous=bytes.fromhex(event.previoushash),
        hash=bytes.fromhex(event.hash),
    )


def _cloud_event(entry: Entry, source: str, *, dataref: str | UnsetType) -> CloudEvent:
    return CloudEvent(
        specversion=SPEC_VERSION,
        id=str(entry.team_seq),
        source=source,
        type=entry.name,
        subject=entry.subject,
        time=entry.at,
        datacontenttype="application/json",
        sequence=f"{entry.team_seq:0{SEQUENCE_DIGITS}}",
        position=str(entry.hashed_position),
        project=str(entry.team_id),
        streamid=entry.stream_id,
        streamversion=entry.version,
        actor=bytes(entry.actor).decode(),
        operationid=entry.operation_id,
        correlationid=entry.correlation_id,
        causationid=UNSET if entry.causation_id is None else entry.causation_id,
        previoushash=entry.previous.hex(),
        hash=entry.hash.hex(),
        commitment=entry.commitment.hex(),
        salt=entry.salt.hex() if entry.salt else UNSET,
        erased=UNSET if entry.salt else True,
        dataref=dataref,
        data=entry.event if dataref is UNSET else UNSET,
    )
