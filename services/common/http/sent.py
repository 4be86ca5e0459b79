"""The body that a handler asks for: `sent: NamedDependency[WriteInsight]`, named there alone.

Read by the type of that parameter, described by it in the OpenAPI document, and checked by mypy.
"""

from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler

from services.common.http.body import read
from services.common.http.request import AnyRequest

# `body` and `data` are Litestar's own names: it would read them by its own rules.
SENT = "sent"


def sent_type(handler: BaseRouteHandler) -> Any:
    """The type that the handler's `sent` has; None without one."""
    if not isinstance(handler, HTTPRouteHandler):
        return None
    parameter = handler.parsed_fn_signature.parameters.get(SENT)
    return None if parameter is None else parameter.annotation


async def provide_sent(request: AnyRequest) -> msgspec.Struct:
    """Comes after all other dependencies: of a caller who is not let in nothing is read.

    Raises Rejected as `body.read` does.
    """
    kind: type[msgspec.Struct] = sent_type(request.route_handler)
    return await read(request, kind)
