"""The newer capture protocol (client-compat.md section 4, "v1"): a result for each event."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from contracts.product_events import CapturedEvent, JsonObject
from services.command.capture import inflate, json_text, times
from services.command.capture.events import Clock, captured, is_dropped, parse_uuid
from services.command.capture.messages import fitted
from services.command.capture.refusals import Refusal, TooLarge

MAX_NAME: Final = 200
MAX_DISTINCT_ID: Final = 200

_SDK = re.compile(r"([^/\s]+)/(\S+)\Z")
_ATTEMPT = re.compile(r"0*[1-9][0-9]*")
_BEARER = re.compile(r"Bearer\s+(\S+)\s*\Z", re.IGNORECASE)
_OPTIONS: Final = {
    "process_person_profile": ("$process_person_profile", bool),
    "disable_skew_correction": ("$ignore_sent_at", bool),
    "cookieless_mode": ("$cookieless_mode", bool),
    "product_tour_id": ("$product_tour_id", str),
}
_INFLATERS: Final[Mapping[str, Callable[[bytes, int], bytes]]] = {
    "gzip": inflate.gunzip,
    "deflate": inflate.unzlib,
    "br": inflate.unbrotli,
    "zstd": inflate.unzstd,
}


class RequestRefused(Exception):
    """The whole request. status: 400, 401, 413, 415."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


class EventResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome of one event. result: ok or drop; details: why it was dropped."""

    result: str
    details: str | None = None


class SenderHeaders(msgspec.Struct, frozen=True):
    """The sender, by its headers. sent: microseconds since 1970, by the client's clock."""

    token: str
    library: str
    version: str
    sent: int


class BatchResult(msgspec.Struct, frozen=True):
    """results: by uuid as it was sent, in order. events: those that are ok."""

    results: Mapping[str, EventResult]
    events: list[CapturedEvent]


def sender_of(headers: Mapping[str, str]) -> SenderHeaders:
    """headers: names in lower case. Raises RequestRefused when one is missing or malformed."""
    token = _BEARER.match(headers.get("authorization", ""))
    if token is None:
        raise RequestRefused(
            401, "missing_token", "Authorization: Bearer <project token> is required."
        )
    sdk = _SDK.match(_header(headers, "PostHog-Sdk-Info"))
    if sdk is None:
        raise _malformed("PostHog-Sdk-Info")
    if _ATTEMPT.fullmatch(_header(headers, "PostHog-Attempt")) is None:
        raise _malformed("PostHog-Attempt")
    if parse_uuid(_header(headers, "PostHog-Request-Id")) is None:
        raise _malformed("PostHog-Request-Id")
    sent = times.parse_rfc3339(_header(headers, "PostHog-Request-Timestamp"))
    if sent is None:
        raise _malformed("PostHog-Request-Timestamp")
    kind = _header(headers, "Content-Type").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RequestRefused(415, "unsupported_content_type", "The body must be application/json.")
    _header(headers, "User-Agent")
    return SenderHeaders(token[1], sdk[1], sdk[2], sent)


def text_of(body: bytes, encoding: str, limit: int) -> bytes:
    """Inflated as its label says. Raises RequestRefused."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    inflater = _INFLATERS.get(name)
    if inflater is None:
        raise RequestRefused(
            415, "unsupported_content_encoding", f"There is no encoding {encoding!r}."
        )
    try:
        return inflater(body, limit)
    except TooLarge as fault:
        raise RequestRefused(413, "payload_too_large", fault.detail) from fault
    except Refusal as fault:
        raise RequestRefused(400, "invalid_body", fault.detail) from fault


def read(text: bytes, sender: SenderHeaders, received: int) -> BatchResult:
    """Raises RequestRefused when no result can be given at all."""
    try:
        value = json_text.opened(text)
    except TooLarge as fault:
        raise RequestRefused(413, "payload_too_large", fault.detail) from fault
    except Refusal as fault:
        raise RequestRefused(400, "invalid_body", fault.detail) from fault
    batch = value.get("batch") if isinstance(value, dict) else None
    if not isinstance(batch, list):
        raise RequestRefused(400, "invalid_body", "The body must be an object with a list `batch`.")
    if not batch:
        raise RequestRefused(400, "empty_batch", "There are no events.")
    clock = Clock(received, sender.sent)
    numbered: set[UUID] = set()
    results: dict[str, EventResult] = {}
    events = []
    for number, found in enumerate(batch):
        raw, uuid = _opened(found, number)
        numbered.add(uuid)
        outcome = _taken(raw, sender, clock)
        if isinstance(outcome, CapturedEvent):
            events.append(outcome)
        results[raw["uuid"]] = outcome if isinstance(outcome, EventResult) else EventResult("ok")
    if len(numbered) != len(batch):
        raise RequestRefused(400, "duplicate_uuid", "A uuid is there twice.")
    return BatchResult(results, events)


def _opened(found: object, number: int) -> tuple[Mapping[str, Any], UUID]:
    """An event and its uuid: without one, no result can be given. Raises RequestRefused."""
    try:
        raw = json_text.event(found)
    except TooLarge as fault:
        raise RequestRefused(413, "payload_too_large", f"Event {number}: {fault.detail}") from fault
    except Refusal as fault:
        raise RequestRefused(400, "invalid_body", fault.detail) from fault
    return raw, _uuid(raw, number)


def _uuid(raw: object, number: int) -> UUID:
    text = raw.get("uuid") if isinstance(raw, dict) else None
    uuid = parse_uuid(text) if isinstance(text, str) else None
    if uuid is None:
        raise RequestRefused(400, "invalid_uuid", f"Event {number} has no uuid.")
    return uuid


def _taken(
    raw: Mapping[str, Any], sender: SenderHeaders, clock: Clock
) -> CapturedEvent | EventResult:
    fault = _fault(raw)
    if fault is not None:
        return EventResult("drop", fault)
    if is_dropped(raw):
        return EventResult("ok")
    event = {
        "event": raw["event"],
        "uuid": raw["uuid"],
        "distinct_id": raw["distinct_id"],
        "timestamp": raw["timestamp"],
        "properties": _properties(raw, sender),
    }
    try:
        return fitted(captured(event, clock))
    except TooLarge:
        return EventResult("drop", "event_too_large")


def _fault(raw: Mapping[str, Any]) -> str | None:
    """Why this event can't be taken, in the protocol's words."""
    name, distinct_id, timestamp = raw.get("event"), raw.get("distinct_id"), raw.get("timestamp")
    if not isinstance(name, str) or not name:
        return "missing_event_name"
    if len(name) > MAX_NAME:
        return "event_name_too_long"
    if distinct_id is None or distinct_id == "":
        return "missing_distinct_id"
    if not isinstance(distinct_id, str):
        return "invalid_distinct_id"
    if not distinct_id.strip():
        return "missing_distinct_id"
    if len(distinct_id) > MAX_DISTINCT_ID:
        return "distinct_id_too_large"
    if not isinstance(timestamp, str) or times.parse_rfc3339(timestamp) is None:
        return "invalid_event_timestamp"
    properties = raw.get("properties")
    if properties is not None and not isinstance(properties, dict):
        return "malformed_event_properties"
    return None


def _properties(raw: Mapping[str, Any], sender: SenderHeaders) -> JsonObject:
    """The event's properties, with the members that this protocol sends beside them and every
    reader looks for inside.
    """
    properties: JsonObject = {**(raw.get("properties") or {})}
    properties["$lib"] = sender.library
    properties["$lib_version"] = sender.version
    for member in ("session_id", "window_id"):
        if raw.get(member) is not None:
            properties[f"${member}"] = raw[member]
    options = raw.get("options")
    if isinstance(options, dict):
        for option, (key, kind) in _OPTIONS.items():
            if isinstance(options.get(option), kind):
                properties[key] = options[option]
    return properties


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name.lower(), "").strip()
    if not value:
        raise RequestRefused(400, "missing_header", f"The header {name} is required.")
    return value


def _malformed(name: str) -> RequestRefused:
    return RequestRefused(400, "invalid_header", f"The header {name} is malformed.")
