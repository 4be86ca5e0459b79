"""How an answer leaves this service: as JSON or CSV, with its ETag, its position and its age."""

from typing import Any

from litestar import MediaType, Response

from contracts.headers import IF_NONE_MATCH, INSIGHTS_STALE
from services.common.answers import resource
from services.common.csv_answers import CSV, wants_csv
from services.common.tables import to_csv
from services.query.parameters import AnyRequest
from services.query.reads.standing import Fresh


def answer(
    request: AnyRequest, body: bytes, fresh: Fresh[Any], *, version: int = 0
) -> Response[bytes]:
    """The JSON text `body`, as its client wants it; 304 when the client has it already.

    version: of the one resource it shows; a list has none, its ETag is the digest alone.
    """
    csv = wants_csv(request.scope)
    return resource(
        to_csv(body) if csv else body,
        version=version,
        position=fresh.position,
        if_none_match=request.headers.get(IF_NONE_MATCH),
        headers={INSIGHTS_STALE: "true"} if fresh.stale else None,
        media_type=CSV if csv else MediaType.JSON,
    )


def plain(request: AnyRequest, body: bytes) -> Response[bytes]:
    """An answer that stands for no position of the log: what it shows lives in plain tables."""
    csv = wants_csv(request.scope)
    return Response(
        content=to_csv(body) if csv else body, media_type=CSV if csv else MediaType.JSON
    )
