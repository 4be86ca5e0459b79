"""The way from a request that was understood to events that are durable."""

from collections.abc import Sequence

import psycopg
from nats.aio.client import Client
from prometheus_client import Counter

from contracts.product_events import CapturedEvent
from contracts.subjects import capture_subject
from services.command.capture.messages import payloads
from services.command.capture.refusals import BadToken
from services.common.accounts import Accounts, Project
from services.common.problems import unavailable
from services.common.stream import (
    MAX_BATCH,
    Outgoing,
    PublishRefused,
    StreamUnavailable,
    publish_whole,
)

CAPTURED = Counter("recount_captured_events", "Product events made durable.")
REFUSED = Counter("recount_capture_refused", "Capture requests and events refused.", ["reason"])


class CaptureDoor:
    """Publishes to the capture stream. prefix: of stream and subjects."""

    def __init__(self, bus: Client, accounts: Accounts, prefix: str = "") -> None:
        self._bus = bus
        self._accounts = accounts
        self._prefix = prefix
        self._position = 0

    async def project(self, token: str) -> Project:
        """Whose token it is. Raises BadToken, and Rejected (503)."""
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
        messages = [Outgoing(subject, payload) for payload in payloads(events, received)]
        assert len(messages) <= MAX_BATCH, "the body limit allows far fewer"
        try:
            position = await publish_whole(self._bus, messages)
        except (StreamUnavailable, PublishRefused) as cause:
            raise unavailable("Events can't be stored at the moment. Send them again.") from cause
        CAPTURED.inc(len(events))
        self._position = max(self._position, position)
        return position
