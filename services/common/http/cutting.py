"""Cutting a connection whose client reads nothing: an answer that can't be ended otherwise.

ASGI has no word for it, so the server that we start tells by an extension of ours.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from litestar.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CUT = "recount.cut"


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's, whose requests carry what `cut` needs."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extended = cast("dict[str, Any]", self.scope)
        extended["extensions"] = {_CUT: self.transport.abort}


async def cut(scope: Scope) -> None:
    """Drops the connection, with what is still in its buffers; nothing, under another server."""
    extensions = cast("dict[str, Any]", scope.get("extensions") or {})
    abort: Callable[[], None] | None = extensions.get(_CUT)
    if abort is not None:
        abort()
        # The server hears of it in its next turn, before this answer ends.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
