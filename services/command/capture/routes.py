"""The v0 doors (/batch, /capture, /e, /i/v0/e, /track, /engage, /i/v0/ai/batch); pixels too."""

from typing import Final

from litestar import HttpMethod, MediaType, Response, route
from litestar.di import NamedDependency

from contracts.headers import INGEST_POSITION
from services.command.capture import incoming
from services.command.capture.described import CAPTURES
from services.command.capture.door import REFUSED, CaptureDoor
from services.command.capture.refusals import BadToken, Refusal, TooLarge
from services.command.capture.requests import ParsedRequest, read
from services.command.capture.wrapping import RawRequest, unwrap
from services.common.http import apart
from services.common.http.problems import Problem, answer
from services.common.http.request import AnyRequest

MAX_BODY: Final = 20 * 1024 * 1024
BASE64_INSIDE: Final = ["/e", "/capture", "/track", "/engage"]
PLAIN: Final = ["/batch", "/i/v0/e", "/i/v0/ai/batch"]

_TAKEN: Final = b'{"status": 1}'
# The token inside names the project: no personal key is needed.
PUBLIC: Final = {"public": True, "any_query": True, **CAPTURES}


def on_refusal(_: AnyRequest, refusal: Refusal) -> Response[bytes]:
    """The error as v0 clients get it."""
    match refusal:
        case TooLarge():
            status, kind = 413, "invalid_request"
        case BadToken():
            status, kind = 401, "authentication_error"
        case _:
            status, kind = 400, "validation_error"
    REFUSED.labels(refusal.code).inc()
    return answer(
        status,
        Problem(type=kind, code=refusal.code, detail=refusal.detail, attr=refusal.attr),
    )


@route(
    [*BASE64_INSIDE, *PLAIN],
    http_method=[HttpMethod.GET, HttpMethod.POST],
    opt=PUBLIC,
    exception_handlers={Refusal: on_refusal},
    status_code=200,
    request_max_body_size=None,
)
async def capture(request: AnyRequest, door: NamedDependency[CaptureDoor]) -> Response[bytes]:
    """Events are durable before this answers; `Ingest-Position` says when queries see them."""
    received = incoming.now()
    wrapped = await incoming.wrapped(request, MAX_BODY)
    path = request.url.path.rstrip("/")
    sent = await apart.work(wrapped.weight, _read, wrapped, path, received)
    project = await door.project(sent.token)
    position = await door.keep(project, sent.events, received)
    headers = {INGEST_POSITION: str(position)}
    if wrapped.query.get("beacon") == "1":
        return Response(b"", status_code=204, headers=headers)
    return Response(_TAKEN, media_type=MediaType.JSON, headers=headers)


def _read(wrapped: RawRequest, path: str, received: int) -> ParsedRequest:
    unwrapped = unwrap(wrapped, limit=MAX_BODY, base64_inside=path in BASE64_INSIDE)
    return read(unwrapped, received=received, identifies=path == "/engage")


HANDLERS = [capture]
