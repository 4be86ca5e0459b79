"""Requests and answers of the capture doors as they are documented. The doors read more loosely
(client-compat.md sections 2 and 3), and take gzip, base64 and forms besides.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType


class CaptureEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event. uuid: the same again is stored once. Times: RFC 3339."""

    event: str
    distinct_id: str | UnsetType = UNSET
    uuid: str | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET
    properties: dict[str, Any] | UnsetType = UNSET
    set_: dict[str, Any] | UnsetType = msgspec.field(name="$set", default=UNSET)
    set_once: dict[str, Any] | UnsetType = msgspec.field(name="$set_once", default=UNSET)


class CaptureRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; a single event and a list of events are taken too. api_key: the project's token."""

    api_key: str
    batch: list[CaptureEvent]
    sent_at: str | UnsetType = UNSET
    historical_migration: bool | UnsetType = UNSET


class Captured(msgspec.Struct, frozen=True):
    """The events are durable."""

    status: Annotated[int, Meta(description="1")]


class CaptureV1Event(msgspec.Struct, frozen=True, kw_only=True):
    event: str
    uuid: str
    distinct_id: str
    timestamp: str
    properties: dict[str, Any] | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    session_id: str | UnsetType = UNSET
    window_id: str | UnsetType = UNSET


class CaptureV1Request(msgspec.Struct, frozen=True, kw_only=True):
    """No token: it is in the Authorization header."""

    created_at: str
    batch: list[CaptureV1Event]
    historical_migration: bool | UnsetType = UNSET


class CaptureV1Result(msgspec.Struct, frozen=True, kw_only=True):
    """result: ok, warning, drop or retry. details: why it was dropped."""

    result: str
    details: str | UnsetType | None = UNSET


class CaptureV1Answer(msgspec.Struct, frozen=True):
    """results: by the event's uuid."""

    results: dict[str, CaptureV1Result]


class CaptureV1Problem(msgspec.Struct, frozen=True, kw_only=True):
    error: str
    error_description: str
    error_uri: str | None
