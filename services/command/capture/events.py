"""From one event as it was sent to a CapturedEvent: client-compat.md section 3."""

import secrets
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from contracts.product_events import (
    CapturedEvent,
    GroupChange,
    JsonObject,
    PersonChange,
    carried,
    property_texts,
)
from services.command.capture import elements, times
from services.command.capture.refusals import NotJson

MAX_DISTINCT_ID: Final = 200
# Of a group's type and key: an index of the projector's database holds both whole.
MAX_GROUP: Final = 400
DROPPED: Final = frozenset({"$performance_event"})

_UUID_LENGTHS = frozenset({32, 36, 38, 45})
_ALIASES = frozenset({"$create_alias", "$merge_dangerously"})


class Clock(msgspec.Struct, frozen=True):
    """Microseconds since 1970: the server's at arrival, and the client's at sending if it told."""

    received: int
    sent: int | None = None


def is_dropped(raw: Mapping[str, Any]) -> bool:
    """Events that are taken and thrown away."""
    name = raw.get("event")
    return isinstance(name, str) and name in DROPPED


def captured(raw: Mapping[str, Any], clock: Clock) -> CapturedEvent:
    """Raises NotJson, naming the member at fault."""
    name = raw.get("event")
    if not isinstance(name, str):
        raise NotJson(*_wrong(name, "The event has no name."), "event")
    if not name:
        raise NotJson("blank", "The event has an empty name.", "event")
    properties = _properties(raw)
    set_ = _merged(properties, raw, "$set")
    set_once = _merged(properties, raw, "$set_once")
    elements.chained(properties)
    column, sent = property_texts(properties)
    return CapturedEvent(
        uuid=_uuid(raw.get("uuid"), clock),
        event=name,
        distinct_id=_distinct_id(raw, properties, name),
        timestamp=_timestamp(raw, properties, clock),
        properties=column,
        sent=sent,
        session_id=as_text(properties.get("$session_id")) or "",
        profile=properties.get("$process_person_profile") is not False,
        groups=_groups(properties),
        person=person_change(name, properties, set_, set_once),
        group=group_change(name, properties),
    )


def as_text(value: object) -> str | None:
    """An identifier as text: strings as they are, anything else its JSON text; null is None."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def identifier(value: object) -> str | None:
    """A distinct id: text, cut at MAX_DISTINCT_ID characters; None when missing or blank."""
    text = as_text(value)
    return text[:MAX_DISTINCT_ID] if text is not None and text.strip() else None


def uuid7(received: int) -> UUID:
    """A fresh id that sorts by time. received: microseconds since 1970."""
    milliseconds = received // times.MILLISECOND
    random = secrets.randbits(74)
    return UUID(
        int=(milliseconds & (2**48 - 1)) << 80
        | 0x7 << 76
        | (random >> 62) << 64
        | 0b10 << 62
        | random & (2**62 - 1)
    )


def parse_uuid(text: str) -> UUID | None:
    """Any version: with hyphens or without, in braces or as a URN."""
    if len(text) not in _UUID_LENGTHS:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def person_change(
    name: str, properties: JsonObject, set_: JsonObject, set_once: JsonObject
) -> PersonChange | None:
    """The event's change of its person; None when it has none."""
    joins: str | None = None
    if name == "$identify":
        joins = identifier(properties.get("$anon_distinct_id"))
    elif name in _ALIASES:
        joins = identifier(properties.get("alias"))
    unset = properties.get("$unset")
    change = PersonChange(
        joins=joins,
        forced=name == "$merge_dangerously",
        identifies=name == "$identify",
        set=carried(set_),
        set_once=carried(set_once),
        unset=[key for key in unset if isinstance(key, str)] if isinstance(unset, list) else [],
    )
    says_nothing = not (joins or change.identifies or set_ or set_once or change.unset)
    return None if says_nothing else change


def group_change(name: str, properties: JsonObject) -> GroupChange | None:
    if name != "$groupidentify":
        return None
    group_type, group_key = _group_named(properties)
    if not group_type or not group_key:
        return None
    set_ = properties.get("$group_set")
    return GroupChange(group_type, group_key, carried(set_) if isinstance(set_, dict) else {})


def _wrong(value: object, missing: str) -> tuple[str, str]:
    if value is None:
        return "required", missing
    return "invalid_input", "This must be a string."


def _properties(raw: Mapping[str, Any]) -> JsonObject:
    properties = raw.get("properties")
    if properties is None:
        return {}
    if not isinstance(properties, dict):
        raise NotJson("invalid_input", "The properties must be an object.", "properties")
    return properties


def _merged(properties: JsonObject, raw: Mapping[str, Any], key: str) -> JsonObject:
    """$set and $set_once count beside the properties and in them; kept in the properties."""
    inside, above = properties.get(key), raw.get(key)
    if not isinstance(above, dict) or not above:
        return inside if isinstance(inside, dict) else {}
    merged = {**inside, **above} if isinstance(inside, dict) else above
    properties[key] = merged
    return merged


def _uuid(value: object, clock: Clock) -> UUID:
    if value is None or value == "":
        return uuid7(clock.received)
    uuid = parse_uuid(value) if isinstance(value, str) else None
    if uuid is None:
        raise NotJson("invalid_input", "This must be a UUID.", "uuid")
    return uuid


def _distinct_id(raw: Mapping[str, Any], properties: JsonObject, name: str) -> str:
    for value in (raw.get("distinct_id"), raw.get("$distinct_id"), properties.get("distinct_id")):
        if value is not None:
            found = identifier(value)
            if found is not None:
                return found
            raise NotJson("blank", "The distinct_id is blank.", "distinct_id")
    if name == "$groupidentify":
        group_type, group_key = _group_named(properties)
        if group_type and group_key:
            return f"${group_type}_{group_key}"[:MAX_DISTINCT_ID]
    raise NotJson("required", "The event has no distinct_id.", "distinct_id")


def _group_named(properties: JsonObject) -> tuple[str | None, str | None]:
    return _group_name(properties.get("$group_type")), _group_name(properties.get("$group_key"))


def _group_name(value: object) -> str | None:
    """Text, cut at MAX_GROUP characters."""
    text = as_text(value)
    return None if text is None else text[:MAX_GROUP]


def _groups(properties: JsonObject) -> dict[str, str]:
    groups = properties.get("$groups")
    if not isinstance(groups, dict):
        return {}
    named = {kind[:MAX_GROUP]: _group_name(key) for kind, key in groups.items()}
    return {kind: key for kind, key in named.items() if kind and key}


def _timestamp(raw: Mapping[str, Any], properties: JsonObject, clock: Clock) -> int:
    timestamp, offset = raw.get("timestamp"), raw.get("offset")
    if timestamp is not None and not isinstance(timestamp, str):
        raise NotJson("invalid_input", "The timestamp must be a string.", "timestamp")
    return times.happened_at(
        timestamp=times.parse(timestamp) if timestamp else None,
        offset_ms=offset if type(offset) is int else None,
        received=clock.received,
        sent=clock.sent,
        ignore_sent=properties.get("$ignore_sent_at") is True,
    )
