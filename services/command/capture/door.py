"""The way from a request that was understood to events that are durable."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import psycopg
from nats.aio.client import Client
from prometheus_client import Counter

from contracts.product_events import NOTHING_CAPTURED, CapturedEvent
from contracts.subjects import capture_subject
from services.command.capture.messages import payloads
from services.command.capture.refusals import BadToken
from services.common.accounts.accounts import Accounts, Project
from services.common.http import apart
from services.common.http.problems import unavailable
from services.common.postgres.database import CONNECTION_LOST
from services.common.stream import (
    TIMEOUT_SECONDS,
    Outage,
    OutgoingMessage,
    PublishRefused,
    StreamUnavailable,
    publish_patiently,
)
from services.common.tasks import Waiting

CAPTURED = Counter("recount_captured_events", "Product events made durable.")
REFUSED = Counter("recount_capture_refused", "Capture requests and events refused.", ["reason"])


def _messages(
    subject: str, events: Sequence[CapturedEvent], received: int
) -> list[OutgoingMessage]:
    return [OutgoingMessage(subject, payload) for payload in payloads(events, received)]


# Shorter than readiness waits, which asks as well.
TRYING_SECONDS = 1.0
OPENING_SECONDS = 0.5
AWAY = (StreamUnavailable, *CONNECTION_LOST)


class CaptureDoor:
    """Publishes to the capture stream, once that was seen to be whole. prefix: of stream and
    subjects.

    outage: whether the stream takes events.
    """

    def __init__(self, bus: Client, accounts: Accounts, prefix: str = "") -> None:
        self.outage = Outage("the capture stream")
        self._bus = bus
        self._accounts = accounts
        self._prefix = prefix
        self._is_open = False
        self._position = 0

    async def open(self, whole: Callable[[], Awaitable[int]]) -> None:
        """Returns once events are taken; waits for whatever is away.

        whole: makes the stream, or sees that it is whole; its last sequence. Raises what AWAY has.
        """
        waiting = Waiting("capture")
        while not self._is_open:
            try:
                with self.outage.watching():
                    self._position = await whole()
                self._is_open = True
            except AWAY as cause:
                waiting.tell(cause)
                await asyncio.sleep(OPENING_SECONDS)

    async def project(self, token: str) -> Project:
        """The project of the token. Raises BadToken, and Rejected (503)."""
        try:
            project = await self._accounts.project_by_token(token)
        except psycopg.OperationalError as cause:
            # Not 429, at which browsers would lose their events.
            raise unavailable("Projects can't be looked up. Send the events again.") from cause
        if project is None:
            # PostHog would answer 200 and lose the events; SDKs report a 401.
            raise BadToken("invalid_api_key", "There is no project with this token.")
        return project

    async def keep(self, project: Project, events: Sequence[CapturedEvent], received: int) -> int:
        """Make the events durable, all of them or none; the stream sequence they are reached with.

        Without events: a sequence that was reached before. Raises Rejected (503).
        """
        if not events:
            return self._position
        subject = f"{self._prefix}{capture_subject(project.id)}"
        size = sum(len(event.properties) + len(event.sent) for event in events)
        messages = await apart.work(size, _messages, subject, events, received)
        position = await self._publish(messages)
        CAPTURED.inc(len(events))
        return position

    async def try_again(self) -> None:
        """Publish a message without events. Raises Rejected (503) while nothing is taken."""
        await self._publish(
            [OutgoingMessage(f"{self._prefix}{capture_subject(0)}", NOTHING_CAPTURED)]
        )

    async def _publish(self, messages: Sequence[OutgoingMessage]) -> int:
        before = self._position
        try:
            if not self._is_open:
                raise StreamUnavailable("the stream was not looked at yet")
            with self.outage.watching():
                # While no event is taken, refusals come without a long wait.
                patience = TIMEOUT_SECONDS if self.outage.reason is None else TRYING_SECONDS
                position = await publish_patiently(self._bus, messages, patience)
                if position <= before:
                    # It lost its end: what was stored under this sequence would hide these events.
                    raise StreamUnavailable(f"the stream went back from {before} to {position}")
        except (StreamUnavailable, PublishRefused) as cause:
            raise unavailable("Events can't be stored at the moment. Send them again.") from cause
        self._position = max(self._position, position)
        return position
