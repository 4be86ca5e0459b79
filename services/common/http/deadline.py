"""A request's deadline: whoever waits for a server that is frozen is told to come again.

The handler is cancelled, and not waited for: to end what it asked of a frozen server may wait for
that server, too. What it answers later nobody hears.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPReceiveMessage, Message, Receive, Scope, Send

from services.common.http.problems import RETRY_AFTER_SECONDS, Problem

# As the gateway has it.
BODY_SECONDS = 60.0


def within(seconds: float) -> Callable[[ASGIApp], ASGIApp]:
    """Around the application: 503 where no answer has begun so many seconds after the request was
    there, with its body, which may take BODY_SECONDS more. An answer that has begun may take as
    long as it does.
    """

    def around(app: ASGIApp) -> ASGIApp:
        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            deadline = _Deadline(seconds, send)
            deadline.begin(seconds + BODY_SECONDS if _has_body(scope) else seconds)

            async def receiving() -> HTTPReceiveMessage:
                message = cast("HTTPReceiveMessage", await receive())
                if message["type"] == "http.request" and not message.get("more_body", False):
                    deadline.begin(seconds)
                return message

            try:
                await app(scope, receiving, deadline.send)
            except asyncio.CancelledError:
                if deadline.refusal is None:
                    raise
            finally:
                deadline.end()
            if deadline.refusal is not None:
                await deadline.refusal

        return limited

    return around


class _Deadline:
    """refusal: under way once the time is over."""

    def __init__(self, seconds: float, send: Send) -> None:
        self.refusal: asyncio.Task[None] | None = None
        self._seconds = seconds
        self._send = send
        self._handler = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._answered = False

    def begin(self, seconds: float) -> None:
        """Anew, if it had begun."""
        self.end()
        if not self._answered and self.refusal is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def send(self, message: Message) -> None:
        if self.refusal is not None:
            return
        if not self._answered:
            self._answered = True
            self.end()
        await self._send(message)

    def _over(self) -> None:
        self.refusal = asyncio.create_task(self._refuse(), name="request over its deadline")
        if self._handler is not None:
            self._handler.cancel()

    async def _refuse(self) -> None:
        body = msgspec.json.encode(
            Problem(
                type="server_error",
                code="unavailable",
                detail=f"No answer within {self._seconds:g} s. Ask again; what changes something, "
                "with the same Idempotency-Key, since it may have been done.",
            )
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body) + 1).encode()),
            (b"retry-after", str(RETRY_AFTER_SECONDS).encode()),
        ]
        await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        await self._send({"type": "http.response.body", "body": body + b"\n", "more_body": False})


def _has_body(scope: Scope) -> bool:
    names = dict(scope["headers"])
    return b"transfer-encoding" in names or names.get(b"content-length", b"0") != b"0"
