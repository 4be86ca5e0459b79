"""A capture request off the wire, within its limit."""

import time
from collections.abc import Mapping
from urllib.parse import parse_qsl

from services.command.capture.inflate import too_large
from services.command.capture.wrapping import RawRequest
from services.common.http.request import AnyRequest

# A body that is too large is still read up to this many times the limit: most clients look at the
# answer only after they have sent everything.
_PATIENCE = 4


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


async def body_of(request: AnyRequest, limit: int) -> bytes:
    """The whole body. Raises TooLarge."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            chunks.clear()
            if size > limit * _PATIENCE:
                break
        elif chunk:
            chunks.append(chunk)
    if size > limit:
        raise too_large(limit)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def query_of(request: AnyRequest) -> Mapping[str, str]:
    """The first value of each query parameter."""
    text = request.scope["query_string"].decode("latin-1")
    return dict(reversed(parse_qsl(text, keep_blank_values=True)))


async def wrapped(request: AnyRequest, limit: int) -> RawRequest:
    """Raises TooLarge."""
    headers = request.headers
    return RawRequest(
        query=query_of(request),
        content_type=headers.get("content-type", ""),
        content_encoding=headers.get("content-encoding", ""),
        body=await body_of(request, limit),
    )
