"""Answers that carry a resource: its body, its ETag, and the log position it stands for."""

from litestar import MediaType, Response

from contracts.headers import ETAG, INSIGHTS_POSITION
from services.common.etag import etag, is_fresh


def resource(
    body: bytes,
    *,
    version: int,
    position: int,
    status: int = 200,
    if_none_match: str | None = None,
    headers: dict[str, str] | None = None,
    media_type: str = MediaType.JSON,
) -> Response[bytes]:
    """The body; 304 without it when If-None-Match names this very ETag.

    version: of the resource's stream, what If-Match compares.
    position: sent back as Insights-Position, it means "no older than this".
    """
    tag = etag(version, body)
    known = is_fresh(if_none_match, tag)
    return Response(
        content=b"" if known else body,
        status_code=304 if known else status,
        media_type=media_type,
        headers={ETAG: tag, INSIGHTS_POSITION: str(position), **(headers or {})},
    )
