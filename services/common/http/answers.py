"""Answers that carry a resource: its body, its ETag, and the log position that it includes."""

from uuid import UUID

import msgspec
from litestar import MediaType, Response

from contracts.headers import ETAG, INSIGHTS_OPERATION, INSIGHTS_POSITION
from services.common.http.etag import etag, is_fresh
from services.common.http.read_notes import NOTHING_SHOWN, ShownItems


class EncodedAnswer(msgspec.Struct, frozen=True):
    """A body as it leaves, and its ETag. shown: what it shows, for the trail of reads."""

    body: bytes
    tag: str
    media_type: str = MediaType.JSON
    shown: ShownItems = NOTHING_SHOWN


def resource(
    body: bytes,
    *,
    version: int,
    position: int,
    status: int = 200,
    if_none_match: str | None = None,
    headers: dict[str, str] | None = None,
    media_type: str = MediaType.JSON,
    operation_id: UUID | None = None,
) -> Response[bytes]:
    """The body; 304 without it when If-None-Match names this very ETag.

    version: of the resource's stream, what If-Match compares.
    position: sent back as Insights-Position, it means "no older than this".
    operation_id: of the command that appended facts, if any.
    """
    return tagged(
        EncodedAnswer(body, etag(version, body), media_type),
        position=position,
        status=status,
        if_none_match=if_none_match,
        headers={**(headers or {}), **operation_headers(operation_id)},
    )


def tagged(
    shown: EncodedAnswer,
    *,
    position: int | None,
    status: int = 200,
    if_none_match: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """The same, where the ETag is known. position: None for what is in no log."""
    known = is_fresh(if_none_match, shown.tag)
    stands_for = {} if position is None else {INSIGHTS_POSITION: str(position)}
    return Response(
        content=b"" if known else shown.body,
        status_code=304 if known else status,
        media_type=shown.media_type,
        headers={ETAG: shown.tag, **stands_for, **(headers or {})},
    )


def nothing(position: int, operation_id: UUID | None) -> Response[None]:
    """204, of a write that leaves nothing to show."""
    headers = {INSIGHTS_POSITION: str(position), **operation_headers(operation_id)}
    return Response(content=None, status_code=204, headers=headers)


def operation_headers(operation_id: UUID | None) -> dict[str, str]:
    """Of the answer to a command that appended facts: the operation can be undone by it."""
    return {} if operation_id is None else {INSIGHTS_OPERATION: str(operation_id)}
