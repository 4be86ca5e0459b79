"""Composes services into one ASGI application: one of them, or all in one process."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Litestar
from litestar._kwargs.dependencies import DependencyContainer
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers.base import BaseRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp
from psycopg import InterfaceError, OperationalError

from contracts.queries.errors import InvalidQuery
from services.common.http import health, problems
from services.common.http.as_of import check_as_of
from services.common.http.bounds import MOST_BYTES
from services.common.http.csv_answers import csv_answers
from services.common.http.deadline import within
from services.common.http.dry_run import check_dry_run
from services.common.http.hang_ups import ClientHungUp, noticed, on_hung_up
from services.common.http.heads import heads
from services.common.http.line_ends import line_ends
from services.common.http.log_context import requests_apart
from services.common.http.observed import observed
from services.common.http.options_requests import options
from services.common.http.request import AnyRequest
from services.common.http.schema import routes as schema
from services.common.http.sent import SENT
from services.common.http.storable import check_query

STOPPING = "stopping"
"""In the state of an application: an event that is set before a server waits for the requests that
are under way, so that answers without an end come to one. See `services.common.process`.
"""

REQUEST_SECONDS = 75.0
"""The deadline of a request that may compute."""

Lifespan = Callable[[Litestar], contextlib.AbstractAsyncContextManager[None]]


class ServicePart(msgspec.Struct, frozen=True, kw_only=True):
    """One service's part of an application.

    handlers: a flat list; two services never share a path and method.
    dependencies: by the name under which handlers ask for them.
    refusals: exceptions of the domain and the adapters -> status and problem.
    errors: those whose answer depends on what they say.
    lifespans: each opens what the service needs and closes what it opened.
    checks: of /_readyz, by the name of the part that they check.
    middleware: around every handler of the application.
    recorders: around the routing and all that rewrites an answer: they see it as it leaves.
    around: around the application itself, before the routing.
    """

    handlers: Sequence[BaseRouteHandler]
    dependencies: Mapping[str, Provide] = {}
    refusals: problems.Refusals = {}
    errors: Mapping[type[Exception], problems.Answering] = {}
    lifespans: Sequence[Lifespan] = ()
    checks: Mapping[str, health.PartCheck] = {}
    middleware: Sequence[Callable[[ASGIApp], ASGIApp]] = ()
    recorders: Sequence[Callable[[ASGIApp], ASGIApp]] = ()
    around: Sequence[Callable[[ASGIApp], ASGIApp]] = ()


def compose(
    parts: Sequence[ServicePart],
    *,
    max_body_bytes: int = MOST_BYTES,
    request_seconds: float = REQUEST_SECONDS,
) -> Litestar:
    """One application of all parts; parts are opened in order and closed in reverse.

    request_seconds: see `services.common.http.deadline`.
    """
    dependencies: dict[str, Provide] = {}
    refusals: dict[type[Exception], tuple[int, problems.Problem]] = {}
    for part in parts:
        dependencies |= part.dependencies
        refusals |= part.refusals
    app = Litestar(
        route_handlers=[
            *schema.HANDLERS,
            *health.handlers(
                {name: check for part in parts for name, check in part.checks.items()}
            ),
            *(handler for part in parts for handler in part.handlers),
        ],
        dependencies=dependencies,
        lifespan=[lifespan for part in parts for lifespan in part.lifespans],
        exception_handlers={
            problems.Rejected: problems.on_rejected,
            InvalidQuery: problems.on_invalid_query,
            ClientHungUp: on_hung_up,
            HTTPException: problems.on_http,
            OperationalError: problems.on_outage,
            InterfaceError: problems.on_outage,
            Exception: problems.on_defect,
            **{kind: answering for part in parts for kind, answering in part.errors.items()},
            **{kind: _refusal(status, problem) for kind, (status, problem) in refusals.items()},
        },
        before_request=_check_query,
        middleware=[csv_answers, *(each for part in parts for each in part.middleware)],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=max_body_bytes,
        state=State({STOPPING: asyncio.Event()}),
    )
    _one_after_the_other(app)
    around = (each for part in parts for each in part.around)
    recorders = (each for part in parts for each in part.recorders)
    deadline = within(request_seconds)
    inner = (requests_apart, noticed, line_ends, *recorders, deadline, heads, options)
    for wrap in (*inner, *around, observed):
        app.asgi_handler = wrap(app.asgi_handler)
    return app


async def _check_query(request: AnyRequest) -> None:
    """Capture looks at its own: an event is not lost for a parameter that nobody reads.

    It waits for nothing; but Litestar would call a plain function in a thread, at every request.
    """
    if not request.route_handler.opt.get("any_query"):
        check_query(request)
        check_as_of(request)
        check_dry_run(request)


def _one_after_the_other(app: Litestar) -> None:
    """Resolve a handler's dependencies in their order, without a task for each; the body last.

    Litestar starts those that do not need each other side by side, in a task group per request.
    Ours are in memory; the tasks cost more than all of them together (docs/decisions.md).
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for _, model in route.route_handler_map.values():
                batches = model.dependency_batches
                found = [each for batch in batches for each in sorted(batch, key=_name)]
                found.sort(key=lambda each: each.key == SENT)
                model.dependency_batches = [{dependency} for dependency in found]


def _name(dependency: DependencyContainer) -> str:
    return dependency.key


def _refusal(status: int, problem: problems.Problem) -> Any:
    def handle(_: AnyRequest, __: Exception) -> Any:
        return problems.answer(status, problem)

    return handle


def from_state(name: str) -> Provide:
    """A dependency that a lifespan has put into the application's state under this name."""

    # Asked for as `state`, Litestar would copy all of it for each dependency of each request.
    def provide(request: AnyRequest) -> Any:
        return request.app.state[name]

    return Provide(provide, sync_to_thread=False)
