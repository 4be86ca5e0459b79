"""Every request: named by its Request-Id, counted and timed by its route, and traced where asked.

The Request-Id is the correlation id of all that the request leads to: what the client names as
X-Correlation-Id, else the id of the trace it is part of (`traceparent`), else one of its own.
"""

from functools import cache
from random import getrandbits
from time import monotonic
from uuid import UUID, uuid4

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Gauge, Histogram

from services.common import tracing
from services.common.tracing import Parent, RequestSpan

REQUESTS = Counter(
    "recount_http_requests",
    "Requests answered, by route (as it is written, never a path), method and status.",
    ["route", "method", "status"],
)
SECONDS = Histogram(
    "recount_http_seconds",
    "From a request to the beginning of its answer.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 75),
)
IN_FLIGHT = Gauge("recount_http_in_flight", "Requests whose answer has not ended.")

# A list with one number: to move a gauge twice would cost as much as all the rest here.
_under_way = [0]
IN_FLIGHT.set_function(lambda: _under_way[0])

NO_ROUTE = "none"
# Of a client that hung up, or a process that ended: nobody got an answer.
NO_STATUS = 0
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_KEY = "recount.observation"
_CORRELATION, _TRACE_PARENT, _REQUEST_ID = b"x-correlation-id", b"traceparent", b"request-id"


class Observation:
    """routed: the scope that the routing has written its route into.

    span: of the request, where it is traced.
    """

    __slots__ = ("request_id", "routed", "span")

    def __init__(self, request_id: UUID, routed: Scope, span: RequestSpan | None) -> None:
        self.request_id = request_id
        self.routed = routed
        self.span = span

    @property
    def route(self) -> str:
        return self.routed.get("path_template") or NO_ROUTE


def observed(app: ASGIApp) -> ASGIApp:
    """Around everything else: whoever answers, it is told of."""

    async def observing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        began, method = monotonic(), scope["method"]
        observation = _begin(scope)
        header = (_REQUEST_ID, str(observation.request_id).encode())
        status = NO_STATUS

        async def answering(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
                _count(observation.route, method, status, monotonic() - began)
            await send(message)

        _under_way[0] += 1
        try:
            await app(scope, receive, answering)
        finally:
            _under_way[0] -= 1
            if status == NO_STATUS:
                _count(observation.route, method, status, monotonic() - began)
            if observation.span is not None:
                observation.span.end(method, observation.route, status)

    return observing


def request_id_of(scope: Scope) -> UUID | None:
    """The correlation id of this request; None where nobody observes it."""
    found = scope.get(_KEY)
    return found.request_id if isinstance(found, Observation) else None


def correlation_of(scope: Scope) -> UUID:
    """The same; where nobody observes the request, a fresh one."""
    return request_id_of(scope) or uuid4()


def is_traced(scope: Scope) -> bool:
    found = scope.get(_KEY)
    return isinstance(found, Observation) and found.span is not None


def is_routed_by(scope: Scope) -> None:
    """The routing writes into this scope, which may be a copy of the one that came in."""
    found = scope.get(_KEY)
    if isinstance(found, Observation):
        found.routed = scope


def _begin(scope: Scope) -> Observation:
    given: UUID | None = None
    parent: Parent | None = None
    for name, value in scope["headers"]:
        if name == _CORRELATION:
            given = _uuid(value)
        elif name == _TRACE_PARENT:
            parent = tracing.parent_of(value)
    request_id = given or (parent.trace_id if parent is not None else _fresh())
    observation = Observation(request_id, scope, tracing.request_span(request_id, parent))
    scope[_KEY] = observation  # type: ignore[literal-required]  # ours
    return observation


def _fresh() -> UUID:
    # Nobody gains by guessing it: so no call to the system for each request.
    return UUID(int=getrandbits(128), version=4)


def _uuid(value: bytes) -> UUID | None:
    try:
        return UUID(value.decode("latin-1"))
    except ValueError:
        return None


def _count(route: str, method: str, status: int, seconds: float) -> None:
    counted, timed = _of(route, method if method in _METHODS else "other", status)
    counted.inc()
    timed.observe(seconds)


# To find a metric by its labels again costs as much as to count.
@cache
def _of(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(route, method, str(status)), SECONDS.labels(route)
