"""Bytes <-> facts: the same in the store, on the bus and in tests."""

import msgspec

from contracts.events.recorded import DomainEvent, Recorded
from contracts.events.upcasts import upcast

_encoder = msgspec.json.Encoder()
_event: msgspec.json.Decoder[DomainEvent] = msgspec.json.Decoder(DomainEvent)
_recorded = msgspec.json.Decoder(Recorded[DomainEvent])


class Undecodable(ValueError):
    """Bytes that are no fact this version knows: a newer writer's, or damage."""


def stored_name(event: DomainEvent) -> str:
    """`insight.renamed.v1` and the like."""
    return str(event.__struct_config__.tag)


def stored_names(*kinds: type[DomainEvent]) -> tuple[str, ...]:
    """The names under which facts of these types are stored."""
    return tuple(str(kind.__struct_config__.tag) for kind in kinds)


def encode_event(event: DomainEvent) -> bytes:
    """The payload as it is stored, hashed and published: JSON text, the stored name in `type`."""
    return _encoder.encode(event)


def decode_event(name: str, payload: bytes) -> DomainEvent:
    """Raises Undecodable."""
    try:
        return _event.decode(upcast(name, payload))
    except msgspec.DecodeError as cause:
        raise Undecodable(f"{name}: {cause}") from cause


def encode_recorded(recorded: Recorded[DomainEvent]) -> bytes:
    """The envelope with its fact, as the stream's subscribers get it."""
    return _encoder.encode(recorded)


def decode_recorded(message: bytes) -> Recorded[DomainEvent]:
    """Raises Undecodable."""
    try:
        return _recorded.decode(message)
    except msgspec.DecodeError as cause:
        raise Undecodable(str(cause)) from cause
