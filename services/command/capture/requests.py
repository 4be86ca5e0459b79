"""From a v0 request's JSON to its project token and events: client-compat.md sections 2 and 3."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from contracts.product_events import CapturedEvent
from services.command.capture import json_text, times
from services.command.capture.events import Clock, captured, is_dropped
from services.command.capture.messages import fitted
from services.command.capture.refusals import BadToken, NotJson, Refusal
from services.command.capture.wrapping import RequestText

MAX_TOKEN: Final = 64
_PERSONAL = "phx_"

RawEvent = Mapping[str, Any]


class ParsedRequest(msgspec.Struct, frozen=True):
    """A whole request, understood. events: in their order, without those that are thrown away."""

    token: str
    events: list[CapturedEvent]


def read(unwrapped: RequestText, *, received: int, identifies: bool) -> ParsedRequest:
    """Everything in the request, or nothing: one bad event refuses them all.

    identifies: an object without `event` is an $identify (on /engage).
    Raises NotJson and BadToken.
    """
    value = json_text.opened(unwrapped.text)
    match value:
        case list():
            clock, tokens = Clock(received, times.sent_at(None, unwrapped.sent_ms)), _Tokens()
            events = _events(value, "", clock, identifies, tokens.of)
            return ParsedRequest(tokens.one, events)
        case {"batch": batch}:
            if not isinstance(batch, list):
                raise NotJson("invalid_input", "The batch must be a list.", "batch")
            token = check_token(_first(value.get("api_key"), value.get("token")))
            sent_at = times.sent_at(value.get("sent_at"), unwrapped.sent_ms)
            return ParsedRequest(
                token, _events(batch, "batch", Clock(received, sent_at), identifies)
            )
        case dict():
            token = _event_token(value)
            clock = Clock(received, times.sent_at(value.get("sent_at"), unwrapped.sent_ms))
            event = _event(value, clock, identifies)
            return ParsedRequest(token, [] if event is None else [event])
        case _:
            raise NotJson("invalid_input", "Events are an object or a list of objects.")


def _events(
    found: Sequence[Any],
    member: str,
    clock: Clock,
    identifies: bool,
    look: Callable[[RawEvent], None] = lambda raw: None,
) -> list[CapturedEvent]:
    """member: the prefix of the events' numbers in `attr`. look: at each event, before any of
    them is refused.
    """
    if not found:
        raise NotJson("required", "There are no events.", member or None)
    events = []
    fault: Refusal | None = None
    for number, one in enumerate(found):
        at = f"{member}__{number}" if member else str(number)
        try:
            raw = json_text.event(one)
            if not isinstance(raw, dict):
                raise NotJson("invalid_input", "An event must be an object.")
        except Refusal as broken:
            raise broken.at(at) from broken
        look(raw)
        if fault is not None:
            continue
        try:
            event = _event(raw, clock, identifies)
        except Refusal as refused:
            fault = refused.at(at)
        else:
            if event is not None:
                events.append(event)
    if fault is not None:
        raise fault
    return events


def _event(raw: RawEvent, clock: Clock, identifies: bool) -> CapturedEvent | None:
    """None for one that is thrown away."""
    if identifies and "event" not in raw:
        raw = {**raw, "event": "$identify"}
    return None if is_dropped(raw) else fitted(captured(raw, clock))


class _Tokens:
    """Tokens of a list's events, which must all be the same one. Raises BadToken."""

    def __init__(self) -> None:
        self.one = ""

    def of(self, raw: RawEvent) -> None:
        token = _event_token(raw)
        if self.one not in ("", token):
            raise BadToken("invalid_api_key", "The events do not all carry the same project token.")
        self.one = token


def _first(*values: object) -> object:
    return next((value for value in values if value is not None and value != ""), None)


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
