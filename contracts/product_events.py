"""Product events on their way from a capture door to ClickHouse, decoded and made canonical once.

A message on a capture subject (contracts/subjects.py) is one CapturedBatch. All of an event that
later steps act on stands in fields of its own, so that nothing has to read the JSON of its
properties again.
"""

from typing import Any
from uuid import UUID

import msgspec

# Any JSON object, its values plain (str, int, float, bool, None, list, dict): kept as sent.
JsonObject = dict[str, Any]

MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)


class PersonChange(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """The change of a person's record that an event carries.

    joins: a distinct id whose person joins that of the event's distinct_id. forced: even when that
    person is identified already. identifies: the person is an identified one from now on.
    set_once, set, unset: properties, applied in this order.
    """

    joins: str | None = None
    forced: bool = False
    identifies: bool = False
    set: JsonObject = {}
    set_once: JsonObject = {}
    unset: list[str] = []


class GroupChange(msgspec.Struct, frozen=True, array_like=True):
    """$groupidentify: properties to set on the group."""

    group_type: str
    group_key: str
    set: JsonObject


class CapturedEvent(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """An accepted event. Text has neither NUL nor lone surrogates.

    timestamp: microseconds since 1970, UTC. properties, sent: see `property_texts`; a large event
    has an empty `properties`, to be made from `sent`.
    profile: False when the event asks for no person record ($process_person_profile).
    groups: group type -> key, as the event names them.
    """

    uuid: UUID
    event: str
    distinct_id: str
    timestamp: int
    properties: str
    sent: str = ""
    session_id: str = ""
    profile: bool = True
    groups: dict[str, str] = {}
    person: PersonChange | None = None
    group: GroupChange | None = None

    def texts(self) -> tuple[str, str]:
        """Its `properties` and `sent` as they are stored, none of them left out."""
        if not self.properties:
            column, sent = property_texts(_object.decode(self.sent))
            return column, sent or column
        return self.properties, self.sent or self.properties


class CapturedBatch(msgspec.Struct, frozen=True, array_like=True):
    """Events of one project that arrived together, in order. received: microseconds since 1970."""

    received: int
    events: list[CapturedEvent]


class UnreadableBatch(ValueError):
    """Bytes that are no CapturedBatch: a newer version's, or damage."""


_encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
_decoder = msgspec.msgpack.Decoder(CapturedBatch)
_json = msgspec.json.Encoder()
_object = msgspec.json.Decoder(JsonObject)


def encode_event(event: CapturedEvent) -> bytes:
    """The event as JSON in its batch: the size that it adds to a message."""
    return _encoder.encode(event)


def encode_batch(batch: CapturedBatch) -> bytes:
    return _encoder.encode(batch)


def decode_batch(message: bytes) -> CapturedBatch:
    """Raises UnreadableBatch."""
    try:
        return _decoder.decode(message)
    except msgspec.DecodeError as cause:
        raise UnreadableBatch(str(cause)) from cause


NOTHING_CAPTURED = encode_batch(CapturedBatch(0, []))
"""A message that brings no event: it fills a place in the stream."""


class _CountedMessage(msgspec.Struct, frozen=True, array_like=True):
    received: int
    events: msgspec.Raw


_counted = msgspec.msgpack.Decoder(_CountedMessage)


def events_in(message: bytes) -> int:
    """The number of events in a message, without reading them; 0 of one that can't be read."""
    try:
        head = bytes(memoryview(_counted.decode(message).events)[:5])
    except msgspec.DecodeError:
        return 0
    match head[0]:
        case 0xDC:
            return int.from_bytes(head[1:3], "big")
        case 0xDD:
            return int.from_bytes(head[1:5], "big")
        case first if 0x90 <= first <= 0x9F:
            return first & 0x0F
        case _:
            return 0


def column_key(key: str) -> str:
    """A top-level property key as a path into a `properties` column.

    The JSON type reads a dot as nesting; written as %2E, `a.b` is one key and can't clash with
    `{"a": {"b": …}}`. Then, and where a key looks so written, its percent signs are %25.
    """
    if "." not in key and "%2E" not in key and "%25" not in key:
        return key
    return key.replace("%", "%25").replace(".", "%2E")


def key_of_column(path: str) -> str:
    """The key that `column_key` made this path of."""
    return path.replace("%2E", ".").replace("%25", "%")


def property_texts(properties: JsonObject) -> tuple[str, str]:
    """The text for a `properties` column, and all of the properties as canonical JSON text.

    The column gets one path per top-level key. Lists and objects are stored as their compact JSON
    text, which is how filters compare them; so no two paths can clash, and no depth is too great.
    Integers beyond 64 bits are stored as their digits. The second text is empty when it is equal.
    """
    sent = _json.encode(properties).decode()
    for key, value in properties.items():
        kind = type(value)
        if kind is dict or kind is list or column_key(key) != key or _is_long(value):
            break
    else:
        return sent, ""
    stored = {column_key(key): _stored(value) for key, value in properties.items()}
    return _json.encode(stored).decode(), sent


def carried(properties: JsonObject) -> JsonObject:
    """The properties of a PersonChange or a GroupChange, as a message can carry them.

    Integers beyond 64 bits, however deep, become their digits, as they do in a `properties` column.
    """
    found: JsonObject = _within(properties) if _holds_long(properties) else properties
    return found


def _holds_long(value: Any) -> bool:
    match value:
        case dict():
            return any(map(_holds_long, value.values()))
        case list():
            return any(map(_holds_long, value))
        case _:
            return _is_long(value)


def _within(value: Any) -> Any:
    match value:
        case dict():
            return {key: _within(member) for key, member in value.items()}
        case list():
            return [_within(member) for member in value]
        case _:
            return str(value) if _is_long(value) else value


def _is_long(value: object) -> bool:
    return type(value) is int and not MIN_INTEGER <= value <= MAX_INTEGER


def _stored(value: object) -> object:
    if isinstance(value, dict | list):
        return _json.encode(value).decode()
    return str(value) if _is_long(value) else value


def canonical_text(properties: JsonObject) -> str:
    """All of the properties as compact JSON text, keys in the order they came."""
    return _json.encode(properties).decode()
