"""CORS headers for browsers on public paths, on every answer, errors included."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.handlers.base import BaseRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from services.common.http.problems import allow

_METHODS: Final = "GET, POST, OPTIONS"


def open_to_browsers(handlers: Iterable[BaseRouteHandler]) -> Callable[[ASGIApp], ASGIApp]:
    """Around the application: pages of any origin may ask for what begins like a handler's path.

    It runs before the routing, so that a wrong method or path has the headers, too, and it
    answers OPTIONS itself, before anything asks for a token. Below /api/ nothing is open.
    """
    templates: list[tuple[re.Pattern[str], set[object]]] = [
        (_template(path), getattr(handler, "http_methods", set()))
        for handler in handlers
        for path in handler.paths
    ]
    words = {_first(path) for handler in handlers for path in handler.paths} - {"api"}

    def methods_at(path: str) -> set[str]:
        asked = path.rstrip("/")
        return {
            str(method)
            for template, methods in templates
            if template.fullmatch(asked)
            for method in methods
        }

    def wrap(app: ASGIApp) -> ASGIApp:
        async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP or _first(scope["path"]) not in words:
                await app(scope, receive, send)
                return
            asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
            origin = asked.get(b"origin")
            wanted = asked.get(b"access-control-request-headers")

            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    headers = MutableScopeHeaders.from_message(message)
                    headers["Vary"] = "Origin"
                    if origin is not None:
                        headers["Access-Control-Allow-Origin"] = origin
                        headers["Access-Control-Allow-Credentials"] = "true"
                        headers["Access-Control-Allow-Methods"] = _METHODS
                        headers["Access-Control-Expose-Headers"] = "Retry-After"
                        if wanted is not None:
                            headers["Access-Control-Allow-Headers"] = wanted
                await send(message)

            if scope["method"] == "OPTIONS":
                methods = methods_at(scope["path"])
                headers = [(b"allow", allow(methods).encode())] if methods else []
                await sending({"type": "http.response.start", "status": 200, "headers": headers})
                await sending({"type": "http.response.body", "body": b"", "more_body": False})
                return
            await app(scope, receive, sending)

        return with_headers

    return wrap


def _template(path: str) -> re.Pattern[str]:
    # The rest of a path may have slashes.
    return re.compile(re.sub(r"{\w+:(\w+)}", _pattern, path.rstrip("/")))


def _pattern(found: re.Match[str]) -> str:
    return ".+" if found[1] == "path" else "[^/]+"


def _first(path: str) -> str:
    return path.lstrip("/").partition("/")[0]
