"""POST /i/v1/analytics/events: the door of the newer protocol, with error bodies of its own."""

from typing import Final

import msgspec
from litestar import HttpMethod, MediaType, Response, route
from litestar.di import NamedDependency

from contracts.headers import INGEST_POSITION
from services.command.capture import incoming, v1
from services.command.capture.described import CAPTURES_V1
from services.command.capture.door import REFUSED, CaptureDoor
from services.command.capture.refusals import BadToken, TooLarge
from services.command.capture.requests import check_token
from services.command.capture.wrapping import INFLATES
from services.common.http import apart
from services.common.http.problems import Rejected
from services.common.http.request import AnyRequest

MAX_BODY: Final = 10 * 1024 * 1024
MAX_TEXT: Final = 20 * 1024 * 1024


def _error(status: int, error: str, description: str, headers: dict[str, str]) -> Response[bytes]:
    body = {"error": error, "error_description": description, "error_uri": None}
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type=MediaType.JSON,
        headers=headers,
    )


def on_refused(_: AnyRequest, refused: v1.RequestRefused) -> Response[bytes]:
    REFUSED.labels(refused.error).inc()
    return _error(refused.status, refused.error, refused.description, {})


def on_rejected(_: AnyRequest, rejected: Rejected) -> Response[bytes]:
    problem = rejected.problem
    return _error(rejected.status, problem.code, problem.detail, rejected.headers)


@route(
    "/i/v1/analytics/events",
    http_method=[HttpMethod.POST],
    opt={"public": True, "any_query": True, **CAPTURES_V1},
    exception_handlers={v1.RequestRefused: on_refused, Rejected: on_rejected},
    status_code=200,
    request_max_body_size=None,
)
async def capture_v1(request: AnyRequest, door: NamedDependency[CaptureDoor]) -> Response[bytes]:
    """The good events are durable before this answers; the bad ones are named."""
    received = incoming.now()
    sender = v1.sender_of({name.lower(): value for name, value in request.headers.items()})
    try:
        body = await incoming.body_of(request, MAX_BODY)
        project = await door.project(check_token(sender.token))
    except TooLarge as fault:
        raise v1.RequestRefused(413, "payload_too_large", fault.detail) from fault
    except BadToken as fault:
        raise v1.RequestRefused(401, "invalid_token", fault.detail) from fault
    encoding = request.headers.get("content-encoding", "")
    weight = len(body) * (INFLATES if encoding else 1)
    taken = await apart.work(weight, _read, body, encoding, sender, received)
    position = await door.keep(project, taken.events, received)
    for result in taken.results.values():
        if result.details is not None:
            REFUSED.labels(result.details).inc()
    return Response(
        msgspec.json.encode({"results": taken.results}),
        media_type=MediaType.JSON,
        headers={INGEST_POSITION: str(position)},
    )


def _read(body: bytes, encoding: str, sender: v1.SenderHeaders, received: int) -> v1.BatchResult:
    return v1.read(v1.text_of(body, encoding, MAX_TEXT), sender, received)


HANDLERS = [capture_v1]
