"""From a v0 request's JSON to its project token and events: client-compat.md sections 2 and 3."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from contracts.product_events import CapturedEvent
from services.command.capture import json_text, times
from services.command.capture.events import Clock, captured, is_dropped
from services.command.capture.messages import fitted
from services.command.capture.refusals import BadToken, Refusal, Undecodable
from services.command.capture.wrapping import Unwrapped

MAX_TOKEN: Final = 64
_PERSONAL = "phx_"

RawEvent = Mapping[str, Any]


class Sent(msgspec.Struct, frozen=True):
    """A whole request, understood. events: in their order, without those that are thrown away."""

    token: str
    events: list[CapturedEvent]


def read(unwrapped: Unwrapped, *, received: int, identifies: bool) -> Sent:
    """Everything in the request, or nothing: one bad event refuses them all.

    identifies: an object without `event` is an $identify (on /engage).
    Raises Undecodable and BadToken.
    """
    value = json_text.parse(unwrapped.text)
    batch_sent_at: object = None
    raws: list[RawEvent]
    place: str | None
    match value:
        case list():
            raws, place = _objects(value), ""
            token = _token_of_events(raws)
        case {"batch": batch}:
            if not isinstance(batch, list):
                raise Undecodable("invalid_input", "The batch must be a list.", "batch")
            raws, place = _located(batch), "batch"
            token = check_token(_first(value.get("api_key"), value.get("token")))
            batch_sent_at = value.get("sent_at")
        case dict():
            raws, place = [value], None
            token = _token_of_events(raws)
            batch_sent_at = value.get("sent_at")
        case _:
            raise Undecodable("invalid_input", "Events are an object or a list of objects.")
    clock = Clock(received, times.sent_at(batch_sent_at, unwrapped.sent_ms))
    return Sent(token, _events(raws, place, clock, identifies))


def _located(batch: list[Any]) -> list[RawEvent]:
    try:
        return _objects(batch)
    except Undecodable as fault:
        raise fault.at("batch") from fault


def _objects(values: list[Any]) -> list[RawEvent]:
    if not values:
        raise Undecodable("required", "There are no events.")
    for number, value in enumerate(values):
        if not isinstance(value, dict):
            raise Undecodable("invalid_input", "An event must be an object.", str(number))
    return values


def _events(
    raws: Sequence[RawEvent], place: str | None, clock: Clock, identifies: bool
) -> list[CapturedEvent]:
    """place: what the events' numbers stand under in `attr`; None for an event alone."""
    events = []
    for number, raw in enumerate(raws):
        if identifies and "event" not in raw:
            raw = {**raw, "event": "$identify"}
        if is_dropped(raw):
            continue
        try:
            events.append(fitted(captured(raw, clock)))
        except Refusal as fault:
            if place is None:
                raise
            raise fault.at(f"{place}__{number}" if place else str(number)) from fault
    return events


def _first(*values: object) -> object:
    return next((value for value in values if value is not None and value != ""), None)


def _token_of_events(raws: Sequence[RawEvent]) -> str:
    tokens = {_event_token(raw) for raw in raws}
    if len(tokens) > 1:
        raise BadToken("invalid_api_key", "The events do not all carry the same project token.")
    return tokens.pop()


def _event_token(raw: RawEvent) -> str:
    properties = raw.get("properties")
    inside = properties.get("token") if isinstance(properties, dict) else None
    return check_token(_first(raw.get("token"), raw.get("$token"), raw.get("api_key"), inside))


def check_token(value: object) -> str:
    """A project token that could be one. Raises BadToken."""
    if value is None:
        raise BadToken(
            "missing_api_key", "The project token is missing: send it as `api_key` or `token`."
        )
    token = value.strip() if isinstance(value, str) else ""
    if not token or len(token) > MAX_TOKEN or not token.isascii() or "\x00" in token:
        raise BadToken("invalid_api_key", "The project token is malformed.")
    if token.startswith(_PERSONAL):
        raise BadToken(
            "personal_api_key",
            "This is a personal API key. Events are sent with the project token (phc_…).",
        )
    return token
